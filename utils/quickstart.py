#!/usr/bin/env python3
"""Compiles a model with Tamis, runs it beside ONNX Runtime and prints what came out. See quickstart.sh.

Without ONNX Runtime the outputs are compared with those that lie beside the inputs (expected.npz), if there are any,
and there are no times of it.
"""
import argparse
import json
import pathlib

import numpy as np

import measure
from tamis_runtime import Context, Model, library_in

MIB = 1024.0 * 1024.0


def table(rows):
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"  {name:<{width}}  {value}")


def few(inputs, rows):
    """The first rows of all inputs, as long as their longest text."""
    mask = inputs["attention_mask"][:rows]
    length = int(mask.sum(1).max())
    return {name: value[:rows, :length] for name, value in inputs.items()}


def print_sections(texts, folder, logits):
    """What a classifier says of each text, beside what is right."""
    labels = json.loads((folder / "config.json").read_text())["id2label"]
    rows = [json.loads(line) for line in texts.read_text(encoding="utf-8").splitlines()][: len(logits)]
    print(f"  {'package':<34} {'section':<16} {'Tamis says':<16} probability")
    for row, values in zip(rows, logits):
        best = int(values.argmax())
        probability = 1.0 / np.exp(values - values[best]).sum()
        print(f"  {row['package'][:34]:<34} {row['section']:<16} {labels[str(best)]:<16} {probability:.2f}")
    print()


def experts_that_ran(tamis, artifact, inputs, threads):
    """The lines of `tamis run --report` on the model's layers of experts."""
    output, _ = measure.child([tamis, "run", artifact, "--inputs", inputs, "--threads", threads, "--report"])
    return [line.removeprefix("experts ") for line in output.splitlines() if line.startswith("experts ")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="a build folder of Tamis")
    parser.add_argument("--model", type=pathlib.Path, required=True, help="the ONNX model")
    parser.add_argument("--name", required=True, help="what the artifact is called")
    parser.add_argument("--inputs", type=pathlib.Path, required=True, help="an npz file with the model's inputs")
    parser.add_argument("--texts", type=pathlib.Path, help="a classifier's inputs as texts, one JSON object a line")
    parser.add_argument("--rows", type=int, default=8, help="with --texts: run this many of them")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tolerance", type=float, default=2e-5, help="largest difference that is right")
    options = parser.parse_args()

    tamis, artifact = options.build / "bin" / "tamis", options.build / f"{options.name}.tamis"
    compile_seconds, compile_bytes = measure.compile_model(tamis, options.model, artifact)

    inputs, used = dict(np.load(options.inputs)), options.inputs
    if options.texts:
        inputs, used = few(inputs, options.rows), options.build / f"{options.name}.npz"
        np.savez(used, **inputs)
    library = library_in(options.build)
    model = Model(artifact, library)
    context = Context(model, options.threads)
    got = context.run(inputs)
    runs = {"tamis": context.bind(inputs)}
    beside = measure.has_onnxruntime()
    if beside:
        session = measure.onnxruntime_session(options.model, options.threads)
        names = [value.name for value in session.get_outputs()]
        want = dict(zip(names, session.run(names, {name: inputs[name] for name in model.inputs})))
        runs["ort"] = measure.bound_run(session, inputs)
    else:
        kept = options.inputs.parent / "expected.npz"
        want = {name: value[: len(got[name])] for name, value in np.load(kept).items()} if kept.exists() else {}
    differ = measure.differences(got, want, inputs.get("attention_mask"))
    times = measure.in_turns(runs)
    context.run(inputs)
    report = context.report()
    first = measure.first_result_ms(tamis, artifact, options.model if beside else None, used, options.threads)

    ours = measure.best_ms(times["tamis"])
    source = options.model.stat().st_size
    text = measure.text_bytes(library)
    ids = inputs["input_ids"]
    print()
    print(f"{options.model.name}: {ids.shape[0]} texts of up to {ids.shape[1]} tokens, {options.threads} threads, "
          f"code for {model.isa}")
    print()
    if options.texts:
        print_sections(options.texts, options.model.parent, got["logits"])
    table([(f"largest difference, output {name}", f"{value:.2g}") for name, value in differ.items()])
    print()
    rows = [("Tamis, best of %d runs" % len(times["tamis"]), f"{ours:.2f} ms")]
    if beside:
        theirs = measure.best_ms(times["ort"])
        rows.append(("ONNX Runtime, best of %d runs" % len(times["ort"]), f"{theirs:.2f} ms ({theirs / ours:.2f} times as long)"))
    rows.append(("first result, Tamis (whole process)", f"{first[0]:.0f} ms"))
    if beside:
        rows.append(("first result, ONNX Runtime (in the process)", f"{first[1]:.0f} ms"))
    if report.tokens_in:
        padded = report.tokens_in - report.tokens_computed
        rows += [("tokens computed", f"{report.tokens_computed} of {report.tokens_in}"),
                 ("padding removed", f"{padded} tokens ({100.0 * padded / report.tokens_in:.0f}%)")]
    else:
        rows += [("tokens computed", f"{ids.size} of {ids.size}"),
                 ("padding removed", "none; tamis run --report tells why")]
    rows += [
        ("arena", f"{report.arena_bytes / MIB:.1f} MiB"),
        ("compile time", f"{compile_seconds:.1f} s"),
        ("compile memory, peak", f"{compile_bytes / MIB:.0f} MiB ({compile_bytes / source:.1f} times the model)"),
        ("artifact", f"{artifact.stat().st_size / MIB:.1f} MiB (the model: {source / MIB:.1f} MiB)"),
        ("runtime library, text", "unknown" if text is None else f"{text / 1024.0:.0f} KiB"),
    ]
    table(rows)
    experts = experts_that_ran(tamis, artifact, used, options.threads)
    if experts:
        print()
        print("  Experts that ran, layer by layer:")
        for line in experts:
            print(f"    {line}")
    print()
    print(f"The artifact is {artifact}. Next: tamis inspect, tamis bench --profile; see README.md.")
    worst = max(differ.values(), default=0.0)
    if not worst <= options.tolerance:
        raise SystemExit(f"quickstart: the outputs differ by {worst:.2g}, more than {options.tolerance:.2g}")


if __name__ == "__main__":
    main()
