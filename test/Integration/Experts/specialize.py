#!/usr/bin/env python3
"""Specialises a small model of two layers of experts to its traffic and compares it with its dense twin in NumPy.

    specialize.py --tamis build/bin/tamis --folder FOLDER [--target LEVEL]

The profile comes from `tamis profile`. Order and shared weights must change nothing but rounding; experts left out must be
what a router without them gives; a fallback, what the whole router gives for the tokens that want it; skipped pairs, what
the rule says, counted in the report. At f32 and int4, 1 and 2 threads. The last line counts what was checked; the exit
status is 1 when something differs.
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

HIDDEN, INNER, EXPERTS, SLOTS = 32, 48, 8, 3


def make(rng):
    """Two layers of experts, and their weights. Experts 2 and 5 of the first are equal; some are chosen far more often
    than others."""
    weights = {}
    for layer in LAYERS:
        router = rng.standard_normal((HIDDEN, EXPERTS)).astype(np.float32) * np.float32(0.3)
        w1 = rng.standard_normal((EXPERTS, INNER, HIDDEN)).astype(np.float32) * np.float32(0.3)
        w2 = rng.standard_normal((EXPERTS, HIDDEN, INNER)).astype(np.float32) * np.float32(0.3)
        w2 *= np.linspace(0.2, 2, EXPERTS, dtype=np.float32)[:, None, None]
        b1 = rng.standard_normal((EXPERTS, INNER)).astype(np.float32)
        if layer == "first":
            w1[5], w2[5], b1[5] = w1[2], w2[2], b1[2]
        bias = np.linspace(1, -1, EXPERTS, dtype=np.float32)
        parts = {"router": router, "bias": bias, "w1": w1, "b1": b1, "w2": w2}
        weights |= {f"{layer}_{name}": value for name, value in parts.items()}
    return two_layers.build(weights, HIDDEN, SLOTS, "silu"), weights


def left_out(layer, keep):
    """The experts that REAP leaves out, by a layer of a profile."""
    scores = np.array(layer["weighted_norm_sum"]) / np.maximum(layer["pairs"], 1)
    order = sorted(range(EXPERTS), key=lambda e: (-scores[e], -layer["pairs"][e], e))
    return set(order[max(int(np.ceil(keep * EXPERTS)), SLOTS):])


def twin(weights, x, profile, keep=1.0, fallback=0.0, threshold=0.0):
    """The output in float64, and by layer how many pairs were skipped."""
    x, skipped = x.astype(np.float64), []
    for name, layer in zip(LAYERS, profile["layers"]):
        router, bias, w1, b1, w2 = (weights[f"{name}_{part}"].astype(np.float64) for part in ("router", "bias", "w1", "b1", "w2"))
        lengths = np.array(layer["norm_sum"]) / np.maximum(layer["pairs"], 1)
        lengths[np.array(layer["pairs"]) == 0] = lengths.max()
        out, count = np.zeros_like(x), 0
        gone = left_out(layer, keep)
        for row, token in enumerate(x):
            logits = token @ router + bias
            mass = np.exp(logits - logits.max())
            kept = [e for e in range(EXPERTS) if e not in gone]
            allowed = kept if fallback == 0 or mass[kept].sum() / mass.sum() >= fallback else range(EXPERTS)
            chosen = sorted(allowed, key=lambda e: -logits[e])[:SLOTS]
            share = mass[chosen] / mass[chosen].sum()
            part = share * lengths[chosen]
            for expert, weight, own in zip(chosen, share, part):
                if own < threshold * part.sum() and own < part.max():
                    count += 1
                    continue
                a = w1[expert] @ token + b1[expert]
                out[row] += weight * (w2[expert] @ (a / (1 + np.exp(-a))))
        x = out
        skipped.append(count)
    return x, skipped


class Specialization:
    def __init__(self, options):
        self.options, self.folder, self.checks = options, options.folder, Checks()
        self.folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(7)
        model, self.weights = make(rng)
        (self.folder / "model.onnx").write_bytes(model.SerializeToString())
        self.x = rng.standard_normal((61, HIDDEN)).astype(np.float32)
        np.savez(self.folder / "x.npz", x=self.x)
        self.run("compile", self.folder / "model.onnx", "-o", self.folder / "observed.tamis", "--observe-experts", "--quiet",
                 "--target", options.target)
        self.profile_file = self.folder / "profile.json"
        self.run("profile", self.folder / "observed.tamis", "--requests", self.folder / "x.npz", "-o", self.profile_file)
        self.profile = json.loads(self.profile_file.read_text())

    def run(self, *words, code=0):
        process = subprocess.run([self.options.tamis, *map(str, words)], capture_output=True, text=True)
        if process.returncode != code:
            raise SystemExit(f"{' '.join(map(str, words))}: exit {process.returncode} instead of {code}\n{process.stderr}")
        return process.stdout + process.stderr

    def compile(self, name, experts, *options):
        (self.folder / f"{name}.json").write_text(json.dumps({"schema": "tamis.policy.v1", "experts": experts}))
        artifact = self.folder / f"{name}.tamis"
        self.run("compile", self.folder / "model.onnx", "-o", artifact, "--profile", self.profile_file, "--policy",
                 self.folder / f"{name}.json", "--quiet", "--target", self.options.target, *options)
        return artifact

    def compare(self, name, artifact, want, tolerance=1e-5):
        """Runs an artifact with one and two threads. Returns its report of the experts."""
        bits = []
        for threads in (1, 2):
            out = self.folder / "out.npz"
            self.run("run", artifact, "--inputs", self.folder / "x.npz", "--outputs", out, "--threads", threads)
            bits.append(np.load(out)["second_y"])
        self.checks.count(f"{name}: 2 threads", bits[0].tobytes() == bits[1].tobytes(), "the bits differ")
        error = np.abs(bits[0] - want).max() / np.abs(want).max()
        self.checks.count(f"{name}: result", error <= tolerance, f"off by {error:.3g}")
        report = self.run("bench", artifact, "--inputs", self.folder / "x.npz", "--min-time", "0.001", "--json")
        return json.loads(report[report.index("{"):])["experts"]

    def weight_bytes(self, artifact):
        return sum(segment["bytes"] for segment in json.loads(self.run("inspect", artifact, "--json"))["segments"]
                   if segment["kind"] == "weights")

    def skipped(self, name, layers, want):
        got = [layer["pairs_skipped"] for layer in layers]
        self.checks.count(f"{name}: pairs skipped", got == want, f"{got} instead of {want}")
        whole = all(layer["pairs"] + layer["pairs_skipped"] == layer["tokens"] * SLOTS for layer in layers)
        self.checks.count(f"{name}: pairs", whole, "computed and skipped pairs are not all pairs")

    def exact(self):
        """What changes where weights lie, and nothing else."""
        dense, none = twin(self.weights, self.x, self.profile)
        plain = self.folder / "plain.tamis"
        self.run("compile", self.folder / "model.onnx", "-o", plain, "--quiet", "--target", self.options.target)
        self.skipped("plain", self.compare("plain", plain, dense), none)
        ordered = self.compile("ordered", {})
        layers = self.compare("ordered", ordered, dense)
        self.checks.count("ordered: counts by the model's numbers",
                          [layer["pairs_of_expert"] for layer in layers] == [layer["pairs"] for layer in self.profile["layers"]],
                          "the experts are counted under other numbers")
        merged = self.compile("merged", {"order": False, "merge_duplicates": True})
        self.compare("merged", merged, dense)
        saved = self.weight_bytes(plain) - self.weight_bytes(merged)
        self.checks.count("merged: size", saved > 4 * INNER * HIDDEN, f"sharing saves {saved} bytes of weights")

    def lossy(self):
        for keep, fallback in ((0.5, 0.9), (0.75, 0.6)):
            name = f"pruned to {keep}"
            want, none = twin(self.weights, self.x, self.profile, keep=keep)
            artifact = self.compile(name, {"merge_duplicates": True, "prune": {"keep": keep}})
            layers = self.compare(name, artifact, want)
            self.skipped(name, layers, none)
            for layer, known in zip(layers, self.profile["layers"]):
                gone = left_out(known, keep)
                self.checks.count(f"{name}: experts", all(layer["pairs_of_expert"][e] == 0 for e in gone), "one that is left out ran")
            want, _ = twin(self.weights, self.x, self.profile, keep=keep, fallback=fallback)
            case = {"prune": {"keep": keep, "fallback": fallback}}
            self.compare(f"{name}, fallback {fallback}", self.compile(f"fallback {keep} {fallback}", case), want)
        for threshold in (0.2, 0.9):
            want, skipped = twin(self.weights, self.x, self.profile, threshold=threshold)
            self.checks.count(f"skipped below {threshold}: the case", sum(skipped) > 0, "nothing is skipped in it")
            layers = self.compare(f"skipped below {threshold}", self.compile(f"skip {threshold}", {"skip": {"threshold": threshold}}), want)
            self.skipped(f"skipped below {threshold}", layers, skipped)
        self.dense_step(self.folder / "skip 0.9.tamis")
        together = {"merge_duplicates": True, "prune": {"keep": 0.5}, "skip": {"threshold": 0.25}}
        want, skipped = twin(self.weights, self.x, self.profile, keep=0.5, threshold=0.25)
        self.skipped("pruned and skipped", self.compare("pruned and skipped", self.compile("together", together), want), skipped)
        # Of 4 bits: the same experts run, with numbers that are rounded.
        layers = self.compare("int4", self.compile("together", together, "--precision=int4"), want, tolerance=0.5)
        self.checks.count("int4: pairs skipped", abs(layers[0]["pairs_skipped"] - skipped[0]) <= 3, "other pairs are skipped")

    def dense_step(self, artifact):
        """Which skips nothing: the bits are those of the model without a policy for skipping, whatever is chosen otherwise."""
        bits = []
        for words in ((self.folder / "ordered.tamis",), (artifact, "--step", "dense"), (artifact, "--step", "skip"), (artifact,)):
            out = self.folder / "out.npz"
            self.run("run", words[0], "--inputs", self.folder / "x.npz", "--outputs", out, *words[1:])
            bits.append(np.load(out)["second_y"].tobytes())
        self.checks.count("skipping: the dense step", bits[0] == bits[1], "the bits are not those of all experts")
        self.checks.count("skipping: the chosen step", bits[2] == bits[3] != bits[0], "it is another than 'skip'")

    def refused(self):
        """Each with its exit code and a word of its message."""
        def refuse(name, code, text, *words):
            output = self.run("compile", self.folder / "model.onnx", "-o", self.folder / "refused.tamis", *words, code=code)
            self.checks.count(f"refused: {name}", text in output and not (self.folder / "refused.tamis").exists(), output)

        def policy(text):
            (self.folder / "policy.json").write_text(text)
            return self.folder / "policy.json"

        other = json.loads(self.profile_file.read_text())
        other["model"]["source_hash"] = "0" * 16
        (self.folder / "other.json").write_text(json.dumps(other))
        refuse("a profile of another model", 3, "is of a model with the hash", "--profile", self.folder / "other.json")
        other["model"]["source_hash"], other["layers"][0]["pairs"] = self.profile["model"]["source_hash"], [1] * EXPERTS
        (self.folder / "damaged.json").write_text(json.dumps(other))
        refuse("a damaged profile", 3, "has another number of pairs", "--profile", self.folder / "damaged.json")
        refuse("no profile", 2, "--profile", "--policy", policy('{"schema": "tamis.policy.v1", "experts": {"prune": {"keep": 0.5}}}'))
        refuse("no policy", 3, "tamis.policy.v1", "--profile", self.profile_file, "--policy", policy("{}"))
        refuse("an unknown key", 3, "'prone'", "--profile", self.profile_file, "--policy",
               policy('{"schema": "tamis.policy.v1", "experts": {"prone": {"keep": 0.5}}}'))
        refuse("a share above 1", 3, "'keep'", "--profile", self.profile_file, "--policy",
               policy('{"schema": "tamis.policy.v1", "experts": {"prune": {"keep": 1.5}}}'))
        refuse("no file", 4, "cannot", "--profile", self.profile_file, "--policy", self.folder / "none.json")
        refuse("a profile that cannot be read", 4, "none.json", "--profile", self.folder / "none.json")
        refuse("a specialised observer", 2, "--observe-experts", "--profile", self.profile_file, "--observe-experts")
        # What a policy loses counts as the error of a precision does.
        refuse("too large an error", 3, "--max-error", "--profile", self.profile_file, "--policy",
               self.folder / "together.json", "--inputs", self.folder / "x.npz", "--max-error", "1e-3", "--target", self.options.target)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--target", default="native")
    test = Specialization(parser.parse_args())
    test.exact()
    test.lossy()
    test.refused()
    return test.checks.finish()


if __name__ == "__main__":
    sys.exit(main())
