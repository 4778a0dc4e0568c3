#!/usr/bin/env python3
"""Compiles a model with Tamis, runs it beside ONNX Runtime and prints what came out. See quickstart.sh."""
import argparse
import pathlib

import numpy as np

import measure
from tamis_runtime import Context, Model, library_in

MIB = 1024.0 * 1024.0


def table(rows):
    width = max(len(name) for name, _ in rows)
    for name, value in rows:
        print(f"  {name:<{width}}  {value}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True, help="a build folder of Tamis")
    parser.add_argument("--model", type=pathlib.Path, required=True, help="the ONNX model")
    parser.add_argument("--inputs", type=pathlib.Path, required=True, help="an npz file with the model's inputs")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--tolerance", type=float, default=2e-5, help="largest difference that is right")
    options = parser.parse_args()

    tamis, artifact = options.build / "bin" / "tamis", options.build / "minilm.tamis"
    compile_seconds, compile_bytes = measure.compile_model(tamis, options.model, artifact)

    inputs = dict(np.load(options.inputs))
    library = library_in(options.build)
    model = Model(artifact, library)
    context = Context(model, options.threads)
    session = measure.onnxruntime_session(options.model, options.threads)
    got = context.run(inputs)
    names = [value.name for value in session.get_outputs()]
    want = dict(zip(names, session.run(names, {name: inputs[name] for name in model.inputs})))
    differ = measure.differences(got, want, inputs.get("attention_mask"))
    times = measure.in_turns({"tamis": context.bind(inputs), "ort": measure.bound_run(session, inputs)})
    report = context.report()
    first = measure.first_result_ms(tamis, artifact, options.model, options.inputs, options.threads)

    ours, theirs = measure.best_ms(times["tamis"]), measure.best_ms(times["ort"])
    padded = report.tokens_in - report.tokens_computed
    source = options.model.stat().st_size
    text = measure.text_bytes(library)
    ids = inputs["input_ids"]
    print()
    print(f"{options.model.name}: {ids.shape[0]} sentences of up to {ids.shape[1]} tokens, {options.threads} threads, "
          f"code for {model.isa}")
    print()
    table([(f"largest difference, output {name}", f"{value:.2g}") for name, value in differ.items()])
    print()
    table([
        ("Tamis, best of %d runs" % len(times["tamis"]), f"{ours:.2f} ms"),
        ("ONNX Runtime, best of %d runs" % len(times["ort"]), f"{theirs:.2f} ms ({theirs / ours:.2f} times as long)"),
        ("first result, Tamis (whole process)", f"{first[0]:.0f} ms"),
        ("first result, ONNX Runtime (in the process)", f"{first[1]:.0f} ms"),
        ("tokens computed", f"{report.tokens_computed} of {report.tokens_in}"),
        ("padding removed", f"{padded} tokens ({100.0 * padded / max(report.tokens_in, 1):.0f}%)"),
        ("arena", f"{report.arena_bytes / MIB:.1f} MiB"),
        ("compile time", f"{compile_seconds:.1f} s"),
        ("compile memory, peak", f"{compile_bytes / MIB:.0f} MiB ({compile_bytes / source:.1f} times the model)"),
        ("artifact", f"{artifact.stat().st_size / MIB:.1f} MiB (the model: {source / MIB:.1f} MiB)"),
        ("runtime library, text", "unknown" if text is None else f"{text / 1024.0:.0f} KiB"),
    ])
    print()
    print(f"The artifact is {artifact}. Next: tamis inspect, tamis bench --profile; see README.md.")
    worst = max(differ.values(), default=0.0)
    if not worst <= options.tolerance:
        raise SystemExit(f"quickstart: the outputs differ by {worst:.2g}, more than {options.tolerance:.2g}")


if __name__ == "__main__":
    main()
