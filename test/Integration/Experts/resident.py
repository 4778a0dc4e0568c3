#!/usr/bin/env python3
"""Runs a model of two layers of experts with a resident budget: the results must be those without one, bit for bit.

    resident.py --tamis build/bin/tamis --folder FOLDER [--target LEVEL]

A layer's experts have 1 MiB of weights each, of which there are 24. The last line counts what was checked; the exit status
is 1 when something differs.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np

import two_layers
from two_layers import LAYERS

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Encoders"))
from comparison import Checks  # noqa: E402

HIDDEN, INNER, EXPERTS, SLOTS = 256, 512, 24, 2
MIB = 1 << 20


def make(rng):
    """A model whose expert e, and no other, has a direction of its own: x along it is sent there, and to its neighbour."""
    weights = {}
    for layer in LAYERS:
        router = np.zeros((HIDDEN, EXPERTS), np.float32)
        for expert in range(EXPERTS):
            router[expert, expert], router[expert, (expert + 1) % EXPERTS] = 8, 4
        parts = {"router": router,
                 "w1": rng.standard_normal((EXPERTS, INNER, HIDDEN)).astype(np.float32) / 16,
                 "w2": rng.standard_normal((EXPERTS, HIDDEN, INNER)).astype(np.float32) / 16}
        weights |= {f"{layer}_{name}": value for name, value in parts.items()}
    return two_layers.build(weights, HIDDEN, SLOTS, "silu")


def towards(experts, rng):
    """A token for each of `experts`. Those are the first layer's; where the second one sends it, its weights say."""
    x = rng.standard_normal((len(experts), HIDDEN)).astype(np.float32) * np.float32(0.01)
    x[np.arange(len(experts)), experts] += 1
    return x


class Residence:
    def __init__(self, options):
        self.options, self.folder, self.checks = options, options.folder, Checks()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rng = np.random.default_rng(3)
        (self.folder / "model.onnx").write_bytes(make(self.rng).SerializeToString())
        self.artifact = self.folder / "model.tamis"
        self.run("compile", self.folder / "model.onnx", "-o", self.artifact, "--quiet", "--target", options.target)

    def run(self, *words, code=0):
        process = subprocess.run([self.options.tamis, *map(str, words)], capture_output=True, text=True)
        if process.returncode != code:
            raise SystemExit(f"{' '.join(map(str, words))}: exit {process.returncode} instead of {code}\n{process.stderr}")
        return process.stdout + process.stderr

    def request(self, name, experts):
        file = self.folder / f"{name}.npz"
        np.savez(file, x=towards(experts, self.rng))
        return file

    def output(self, request, *words):
        out = self.folder / "out.npz"
        text = self.run("run", self.artifact, "--inputs", request, "--outputs", out, "--report", *words)
        peak = int(text.split(" bytes resident at most")[0].rsplit(" ", 1)[1])
        return np.load(out)["second_y"].tobytes(), text, peak

    def same(self):
        request = self.request("few", [3, 4, 3, 5])
        plain, _, whole = self.output(request)
        for threads in (1, 2):
            paged, text, peak = self.output(request, "--resident-budget", "16MiB", "--threads", threads)
            self.checks.count(f"few, {threads} threads: result", paged == plain, "the bits differ")
            self.checks.count(f"few, {threads} threads: report", "resident experts: 0 hits, " in text, text)
        # Of 48 MiB that a load reads, those of few experts stay.
        self.checks.count("few: memory", peak < whole - 16 * MIB, f"{peak} bytes at most, and {whole} without a budget")

    def many(self):
        """All experts of a layer at once: they fit, and those of the layer before give way."""
        request = self.request("many", list(range(EXPERTS)))
        plain, _, _ = self.output(request)
        paged, text, _ = self.output(request, "--resident-budget", "25MiB")
        self.checks.count("many: result", paged == plain, "the bits differ")
        resident = int(text.split(" bytes in memory")[0].rsplit(" ", 1)[1])
        self.checks.count("many: resident", 0 < resident <= 25 * MIB, text)
        text = self.run("bench", self.artifact, "--inputs", request, "--resident-budget", "25MiB", "--min-time", "0.01", "--json")
        found = json.loads(text[text.index("{"):])["resident_experts"]
        self.checks.count("many: every run reads again", found["stalls"] > 0, str(found))
        # Within all of it, only the first run waits.
        text = self.run("bench", self.artifact, "--inputs", request, "--resident-budget", "1GiB", "--min-time", "0.01", "--json")
        found = json.loads(text[text.index("{"):])["resident_experts"]
        self.checks.count("many: all fit", found["stalls"] == 0 and found["hits"] > EXPERTS, str(found))
        text = self.run("run", self.artifact, "--inputs", request, "--resident-budget", "8MiB", code=4)
        wanted = ("first/experts: its tokens want 25165824 bytes of experts at once, and the resident budget is 8388608 bytes; "
                  "raise it to that at least, or give the run fewer tokens")
        self.checks.count("many: too small a budget", wanted in text, text)

    def refused(self):
        text = self.run("run", self.artifact, "--resident-budget", "much", code=2)
        self.checks.count("refused: no size", "--resident-budget" in text, text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--target", default="native")
    test = Residence(parser.parse_args())
    test.same()
    test.many()
    test.refused()
    return test.checks.finish()


if __name__ == "__main__":
    sys.exit(main())
