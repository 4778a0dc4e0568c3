#!/usr/bin/env python3
"""Measures what a new token costs behind a long past when a part of the caches is read.

    benchmarks/caches.py --docs      writes docs/benchmarks-caches.md

A decoder with random weights (8 layers of 1024, 16 heads, 4 key heads of 64; f32) runs on random tokens, which say nothing of
what is lost: `tamis calibrate --cache` says that of a trained one. For each length of the past one token is run behind it, and cut
off again, by an artifact without a policy, by the dense step and by a step of each rule, in turns. Takes the Python
environment that benchmarks/run.py makes. Measure on a machine that does nothing else.
"""
import argparse
import json
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path[:0] = [str(HERE), str(ROOT / "utils")]
from suite import command  # noqa: E402 (the path comes first)

TOKENS = 1024  # that a step reads, about
RULES = {"window": {"rule": "window", "steps": [{"name": "part", "window": TOKENS}]},
         "pages": {"rule": "pages", "steps": [{"name": "part", "pages": TOKENS // 16}]},
         "snapkv": {"rule": "snapkv", "steps": [{"name": "part", "capacity": TOKENS}]}}
CHUNK = 512  # tokens of a run that fills the caches


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "release", help="a build folder of Tamis")
    parser.add_argument("--threads", type=int, default=2, help="number of threads (default: 2)")
    parser.add_argument("--lengths", default="2048,8192", help="tokens of the past (default: 2048,8192)")
    parser.add_argument("--rounds", type=int, default=4, help="turns of each contender (default: 4)")
    parser.add_argument("--seconds", type=float, default=0.5, help="of a turn (default: 0.5)")
    parser.add_argument("--docs", action="store_true", help="write docs/benchmarks-caches.md, too")
    options = parser.parse_args()
    options.lengths = [int(length) for length in options.lengths.split(",")]
    options.peers = ()
    return options


class Contender:
    """A step of an artifact, whose caches hold the past."""

    def __init__(self, artifact, library, threads, step):
        from tamis_runtime import Context, Model
        self.context = Context(Model(artifact, library), threads)
        if step:
            self.context.set_step(step)

    def fill(self, tokens):
        for begin in range(self.context.cache_length(), len(tokens), CHUNK):
            part = tokens[begin : begin + CHUNK]
            self.context.cached_run([part], begin, [len(part) - 1])()
        self.past = len(tokens)
        self.once = self.context.cached_run([tokens[:1]], self.past)

    def step(self):
        self.once()
        self.context.truncate_cache(self.past)

    def read(self):
        """The share of the rows of caches that the last step read; 1 where nobody counts."""
        report = self.context.report()
        return report.cache_rows_read / report.cache_rows if report.cache_rows else 1.0


def compile_all(options, folder):
    """Contenders by name."""
    import decoder_onnx
    import onnx
    from tamis_runtime import library_in
    model, library = folder / "decoder.onnx", library_in(options.build)
    onnx.save(decoder_onnx.build(decoder_onnx.Decoder(layers=8, hidden=1024, heads=16, groups=4, vocabulary=4096)), model)

    def compiled(name, *flags):
        artifact = folder / f"{name}.tamis"
        subprocess.run([options.build / "bin" / "tamis", "compile", model, "-o", artifact, "--quiet", "--target=native", *flags], check=True)
        return artifact

    contenders = {"no policy": Contender(compiled("plain"), library, options.threads, None)}
    for rule, cache in RULES.items():
        policy = folder / f"{rule}.json"
        policy.write_text(json.dumps({"schema": "tamis.policy.v1", "cache": cache}))
        artifact = compiled(rule, "--policy", policy, "--allow-uncertified")
        for step in ("dense", "part"):
            contenders[f"{rule}, {step}"] = Contender(artifact, library, options.threads, step)
    return contenders


def measured(options, contenders):
    import measure
    import numpy as np
    tokens = np.random.default_rng(0).integers(4096, size=max(options.lengths)).tolist()
    rows = []
    for length in sorted(options.lengths):
        for name, contender in contenders.items():
            # What snapkv decides is of the whole prompt, and every rule reads all while the caches are filled.
            if name == "snapkv, part":
                contender.context.truncate_cache(0)
            contender.fill(tokens[:length])
        seconds = measure.in_turns({name: contender.step for name, contender in contenders.items()}, options.rounds, options.seconds)
        for name, contender in contenders.items():
            rows.append({"past": length, "contender": name, "ms": 1e3 * min(seconds[name]), "read": contender.read()})
        print(f"{length} tokens: done", file=sys.stderr)
    return rows


def report(rows, options):
    from suite import machine
    lines = ["# Reading a part of the caches: what it gains", "", "Written by `benchmarks/caches.py --docs`; change nothing here by hand.", "",
             f"- Measured on {time.strftime('%Y-%m-%d')} by `{machine.command_text()}`",
             f"- CPU: {machine.machine()['cpu']}, {machine.machine()['cores']} cores; {options.threads} threads, float32",
             "- A decoder with random weights: 8 layers of 1024, 16 heads, 4 key heads of 64; one sequence", "",
             f"A step `part` reads {TOKENS} tokens of the past, about; pages reads all in 2 of the 8 layers. Milliseconds of one new token, the best of all rounds, in turns.",
             "", "| past, tokens | contender | rows read | ms a token | times as fast as no policy |", "|---|---|---|---|---|"]
    plain = {row["past"]: row["ms"] for row in rows if row["contender"] == "no policy"}
    lines += [f"| {row['past']} | {row['contender']} | {100 * row['read']:.1f}% | {row['ms']:.2f} | {plain[row['past']] / row['ms']:.2f}x |"
              for row in rows]
    lines += ["", "What is lost is not measured here: `tamis calibrate --cache` finds and certifies it for a trained model and texts of yours "
              "([generating.md](generating.md#reading-a-part-of-the-caches))."]
    return lines


def main():
    options = parse()
    folder = command.enter(options, {}) / "caches"
    folder.mkdir(exist_ok=True)
    options.json = folder / "caches.json"
    rows = measured(options, compile_all(options, folder))
    options.json.write_text(json.dumps(rows, indent=1) + "\n")
    command.finish(options, report(rows, options), "benchmarks-caches.md")


if __name__ == "__main__":
    main()
