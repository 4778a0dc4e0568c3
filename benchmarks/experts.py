#!/usr/bin/env python3
"""Measures mixtures of experts and decoding: Tamis beside other runtimes, in one run, in turns.

    benchmarks/experts.py --docs              everything; writes docs/benchmarks-experts.md
    benchmarks/experts.py --prepare           only makes what a measurement needs: environment, models, artifacts
    benchmarks/experts.py --parts layers --layers layer-int4 --tokens 1,16 --merge
                                              a piece, added to what earlier runs measured
    benchmarks/experts.py --parts report --docs
                                              measures nothing, and writes what is stored

Takes a build folder of Tamis and the Python environment that benchmarks/run.py makes in it, too, with the packages of
requirements-llama.txt: llama.cpp is built from source there, once, which takes a while. What is measured: a decoder of
experts in the shape of Qwen3-MoE with random weights of 4 bits, which runs prompts and steps; the operators MoE and QMoE
alone; and a mixture that was exported densely. Measure on a machine that does nothing else.
"""
import argparse
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT / "utils")]
from suite import command  # noqa: E402 (the path comes first)

OPTIONAL = {"llama.cpp": "requirements-llama.txt"}
CHOICES = {"parts": ("decoder", "layers", "report"),
           "workloads": ("prefill-32", "prefill-128", "prefill-512", "decode-1", "decode-8"),
           "layers": ("layer-f32", "layer-int8", "layer-int4", "dense"), "tokens": ("1", "16", "128", "512"),
           "peers": ("onnxruntime", *OPTIONAL)}
ABOUT = {"parts": "parts of the run", "workloads": "what a decoder does", "layers": "layers alone",
         "tokens": "of a layer alone", "peers": "runtimes beside Tamis; layers alone are measured beside ONNX Runtime"}
SCHEMA = "tamis.expert-benchmarks.v1"


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help="a build folder of Tamis")
    for name, known in CHOICES.items():
        parser.add_argument(f"--{name}", default=",".join(known), help=f"{ABOUT[name]}, of {', '.join(known)} (default: all)")
    parser.add_argument("--decoder-layers", type=int, default=8, metavar="N", help="layers of the decoder (default: 8)")
    parser.add_argument("--threads", type=int, default=2, help="number of threads (default: 2)")
    parser.add_argument("--rounds", type=int, default=4, help="turns of each runtime (default: 4)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of a turn (default: 0.5)")
    parser.add_argument("--remark", action="append", default=[], help="what readers must know of this run, such as that the "
                        "machine was shared; may be repeated")
    parser.add_argument("--prepare", action="store_true", help="make what is needed, and measure nothing")
    parser.add_argument("--merge", action="store_true", help="add to the stored results instead of starting afresh")
    parser.add_argument("--json", type=pathlib.Path, help="where all numbers are stored (default: in the build folder)")
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks-experts.md, too")
    options = parser.parse_args()
    command.check_choices(parser, options, CHOICES)
    options.json = options.json or options.build / "benchmarks" / "experts.json"
    return options


def start(options, tamis, peers, absent):
    """The results that this run adds to: stored ones where that was asked for."""
    from suite import machine, store, targets

    only_report = options.parts == ["report"]
    summary = store.read(options.json, machine.machine(), SCHEMA) if options.merge or only_report else None
    if summary is None:
        summary = {"schema": SCHEMA, "machine": machine.machine(), "commands": [], "versions": {}, "titles": {}, "remarks": [],
                   "not_measured": {}, "memory_gbps": {}, "models": {}}
    summary["titles"].update({peer.key: peer.title for peer in (tamis, *peers)})
    summary["versions"].update({peer.title: peer.version() for peer in (tamis, *peers)})
    summary["cpu_class"] = targets.class_of(machine.cpu()[1])
    summary["remarks"] = list(dict.fromkeys([*summary["remarks"], *options.remark]))
    if not only_report:
        summary["not_measured"] = absent
        summary["commands"] = list(dict.fromkeys([*summary["commands"], machine.command_text()]))
    return summary


def add_row(summary, key, title, row, tamis, reasons):
    """Keeps a row, and shows it."""
    row["not_measured"].update(reasons)
    row["build"] = tamis.identity()
    result = summary["models"].setdefault(key, {"rows": {}})
    result["title"] = title
    result["rows"][f"{row['workload']}/{row['threads']}"] = row
    times = ", ".join(f"{name} {entry['best_ms']:.2f} ({entry['errors']['result']:.0e})" for name, entry in row["entries"].items())
    print(f"{title} {row['workload']}, ms: {times}", file=sys.stderr, flush=True)


def run_decoder(options, tamis, peers, summary, folder, keep):
    import numpy as np
    from decoders.onnx_runtime import quantised_session
    from suite import decoding, peaks
    from suite.random_moe_decoder import Shape

    shape = Shape(layers=options.decoder_layers)
    path = decoding.make(shape, folder)
    contenders, reasons = decoding.contenders_of(tamis, peers, path, folder)
    if options.prepare:
        return reasons
    threads, memory = options.threads, summary["memory_gbps"]
    speed = lambda: memory.update({str(threads): max(memory.get(str(threads), 0.0), peaks.memory_gbps(tamis, threads))})
    memory.pop(str(threads), None)
    speed()
    summary["active_bytes"] = shape.active_bytes()
    reference = quantised_session(path, threads, accuracy=0)  # activations in f32
    for name in options.workloads:
        row = decoding.measure_workload(name, contenders, shape, reference, threads, options.rounds, options.seconds)
        batch, _, timed_prompt = decoding.WORKLOADS[name]
        if not timed_prompt:
            npz = folder / "inputs.npz"
            np.savez(npz, **decoding.step_inputs(shape, batch))
            row["profiles"] = {"int4": tamis.profile(contenders[0].variants[0], npz, threads, options.seconds)}
        add_row(summary, "decoder", "decoder", row, tamis, reasons)
        keep()
    summary["models"]["decoder"]["about"] = decoding.about(shape)
    speed()
    return {}


def run_layers(options, tamis, peers, summary, folder, keep):
    from suite import expert_layers, layers

    for key in options.layers:
        layer = expert_layers.LAYERS[key]
        expert_layers.make(layer, folder)
        contenders = layers.contenders_of(layer, tamis, [peer for peer in peers if peer.key == "onnxruntime"], folder)
        if options.prepare:
            continue
        for tokens in layer.tokens:
            if str(tokens) in options.tokens:
                row = layers.measure_layer(layer, tokens, contenders, folder, options.threads, options.rounds, options.seconds)
                add_row(summary, key, layer.title, row, tamis, {})
                keep()


def main():
    options = parse()
    folder = command.enter(options, OPTIONAL)

    from decoders import OTHERS, TamisDecoder
    from peers import choose_peers
    from suite import expert_report, store

    tamis = TamisDecoder(options.build)
    peers, absent = choose_peers(OTHERS, options.peers)
    summary = start(options, tamis, peers, absent)
    keep = lambda: store.write(options.json, store.ordered(
        summary, ("decoder", *CHOICES["layers"]), [*CHOICES["workloads"], *CHOICES["tokens"]]))
    for part, run in (("decoder", run_decoder), ("layers", run_layers)):
        if part in options.parts:
            for key, reason in (run(options, tamis, peers, summary, folder, keep) or {}).items():
                print(f"{key}: {reason}", file=sys.stderr)
    if options.prepare:
        return
    keep()
    command.finish(options, expert_report.markdown(summary), "benchmarks-experts.md")


if __name__ == "__main__":
    main()
