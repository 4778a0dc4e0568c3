#!/usr/bin/env python3
"""Calibrates a small encoder on made-up requests, and looks at what the certificate says.

    calibrate.py --tamis build/bin/tamis --folder FOLDER

The losses of all requests are computed again, by an artifact with the policy in it, dense and pruned; they must be what the
policy says of them. The last line counts what was checked; the exit status is 1 when something differs.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np

from prune import HIDDEN, HEADS, LAYERS, WORDS, weights
from bert_onnx import build
from comparison import Checks

COUNT, EPS, ALPHA, DELTA = 400, 0.03, 0.1, 0.05


class Calibration:
    def __init__(self, options):
        self.options, self.folder, self.checks = options, options.folder, Checks()
        self.folder.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(21)
        model = build(weights(rng), "encoder", LAYERS, HIDDEN, HEADS)
        (self.folder / "model.onnx").write_bytes(model.SerializeToString())
        lengths = rng.integers(12, 90, COUNT)
        self.ids = rng.integers(0, WORDS, (COUNT, 90))
        self.mask = (np.arange(90) < lengths[:, None]).astype(np.int64)
        self.requests = self.folder / "requests.npz"
        np.savez(self.requests, input_ids=self.ids, attention_mask=self.mask)

    def run(self, *words, code=0):
        process = subprocess.run([self.options.tamis, *map(str, words)], capture_output=True, text=True)
        if process.returncode != code:
            raise SystemExit(f"{' '.join(map(str, words))}: exit {process.returncode} instead of {code}\n{process.stderr}")
        return process.stdout + process.stderr

    def calibrate(self, name, *words, code=0):
        policy = self.folder / f"{name}.json"
        policy.unlink(missing_ok=True)
        options = {"--requests": self.requests, "--eps": EPS, "--alpha": ALPHA, "--delta": DELTA}
        options |= dict(zip(words[::2], words[1::2]))
        chosen = [word for pair in options.items() for word in pair]
        text = self.run("calibrate", self.folder / "model.onnx", "-o", policy, "--zeros", *chosen, code=code)
        self.checks.count(f"{name}: the policy is there when it should be", policy.exists() == (code == 0), text)
        return text if code else json.loads(policy.read_text())

    def embedding(self, artifact, step):
        out = self.folder / "out.npz"
        self.run("run", artifact, "--inputs", self.requests, "--outputs", out, "--step", step)
        return np.load(out)["embedding"].astype(np.float64)

    def refuse(self, what, text, *words, code=3):
        output = self.calibrate("refused", *words, code=code)
        self.checks.count(f"refused: {what}", text in output, output)

    def compiled(self, name, policy):
        artifact = self.folder / f"{name}.tamis"
        self.run("compile", self.folder / "model.onnx", "-o", artifact, "--policy", self.folder / f"{name}.json", "--quiet",
                 "--target=native", f"--precision={policy['certificate']['precision']}")
        return artifact

    def truth(self, name, policy):
        """The certificate beside losses that are computed here."""
        artifact = self.compiled(name, policy)
        dense = self.embedding(artifact, "dense")
        lengths = self.mask.sum(1)
        before = np.zeros(COUNT)
        for step in policy["tokens"]["steps"]:
            pruned = self.embedding(artifact, step["name"])
            losses = 1 - (dense * pruned).sum(1) / np.linalg.norm(dense, axis=1) / np.linalg.norm(pruned, axis=1)
            self.checks.count(f"{name}, {step['name']}: something is left out", losses.max() > 1e-4, f"at most {losses.max()}")
            self.checks.count(f"{name}, {step['name']}: loses more than the step before", losses.mean() >= before.mean() - 1e-9,
                              f"{losses.mean()} after {before.mean()}")
            before = losses
        # Of all requests, those of the other half with them.
        low = 0
        for group, entry in enumerate(policy["certificate"]["groups"]):
            longest = entry["longest"] or 10 ** 9
            bad = int((before[(lengths > low) & (lengths <= longest)] > EPS).sum())
            passed = [test for test in entry["tests"] if test["passed"]]
            if passed:
                self.checks.count(f"{name}, group {group}: violations", bad >= passed[-1]["violations"], f"{bad} of {passed[-1]}")
                self.checks.count(f"{name}, group {group}: bound", passed[-1]["bound"] <= ALPHA, str(passed[-1]))
            self.checks.count(f"{name}, group {group}: order", all(test["passed"] for test in entry["tests"][:-1]), str(entry))
            low = longest
        share = float((before > EPS).mean())
        self.checks.count(f"{name}: violations", share <= ALPHA, f"{share} of all requests")
        inspected = json.loads(self.run("inspect", artifact, "--json"))["policy"]
        self.checks.count(f"{name}: the artifact has the certificate", inspected["certificate"] == policy["certificate"], "it is another")

    def results(self):
        policy = self.calibrate("one")
        self.truth("one", policy)
        again = self.calibrate("again")
        for part in (policy, again):
            for key in ("speedup", "dense_ms", "chosen_ms"):
                part["measured"].pop(key)
        self.checks.count("the same requests give the same policy", policy == again, "it is another")
        bf16 = self.calibrate("two", "--layers", "0,1", "--groups", "2", "--precision", "bf16", "--seed", "3", "--threads", "1")
        self.truth("two", bf16)
        self.checks.count("one precision is its own reference", bf16["certificate"]["reference"] == "bf16" and
                          "precisions" not in bf16["certificate"], str(bf16["certificate"]))
        self.checks.count("two layers", [point["layer"] for point in bf16["tokens"]["prune"]] == [0, 1], str(bf16["tokens"]["prune"]))

    def refused(self):
        self.refuse("too few requests", "to prove alpha 0.001 with delta 0.05 takes 5990 at least", "--alpha", "0.001")
        self.refuse("a layer that there is not", "in front of layer 7 no hidden states were found", "--layers", "7")
        self.refuse("layers that do not ascend", "--layers are to ascend", "--layers", "1,0", code=2)
        self.refuse("a precision twice", "--precision names one twice", "--precision", "bf16,bf16", code=2)
        self.refuse("a precision that there is not", "--precision", "--precision", "f32,f8", code=2)
        self.refuse("too few requests for two precisions", "among 2 precisions takes 7376 at least", "--alpha", "0.001", "--precision",
               "f32,bf16")
        self.refuse("eps that cannot be kept", "no share of tokens can be left out within eps 0", "--eps", "0")
        self.refuse("no such output", "has no output 'nothing'; 'tamis inspect' lists them", "--output-name", "nothing")
        self.refuse("a share above a half", "--alpha", "--alpha", "0.9", code=2)
        (self.folder / "empty").mkdir(exist_ok=True)
        self.refuse("no requests", "holds no .npz file", "--requests", self.folder / "empty")
        np.savez(self.folder / "other.npz", ids=self.ids)
        self.refuse("other inputs", "the input 'input_ids' is not given", "--requests", self.folder / "other.npz")

        def policy(name, change):
            changed = json.loads((self.folder / "one.json").read_text())
            change(changed)
            (self.folder / f"{name}.json").write_text(json.dumps(changed))
            return self.folder / f"{name}.json"

        def uncertified(what, text, file, *words):
            command = ("compile", self.folder / "model.onnx", "-o", self.folder / "changed.tamis", "--policy", file, "--quiet",
                       "--target=native", *words)
            output = self.run(*command, code=3)
            self.checks.count(f"uncertified: {what}", text in output, output)
            self.run(*command, "--allow-uncertified")
            shown = self.run("inspect", self.folder / "changed.tamis")
            self.checks.count(f"uncertified: {what} is shown", "NOT CERTIFIED" in shown, shown)

        uncertified("changed by hand", "was changed by hand or damaged",
                    policy("changed", lambda p: p["tokens"]["steps"][0].update(keep=[0.1])))
        uncertified("no certificate", "has no certificate", policy("bare", lambda p: p.pop("certificate")))
        uncertified("a greater promise", "was changed by hand or damaged",
                    policy("promise", lambda p: p["certificate"].update(alpha=0.001)))
        uncertified("experts, too", "was changed by hand or damaged", policy("experts", lambda p: p.update(experts={})))
        uncertified("another precision for a layer", "not with --layer-precision", self.folder / "one.json",
                    "--layer-precision", ".*query.*=bf16")
        # The same graph with other weights.
        (self.folder / "plain.onnx").write_bytes((self.folder / "model.onnx").read_bytes())
        other = build(weights(np.random.default_rng(22)), "encoder", LAYERS, HIDDEN, HEADS)
        (self.folder / "model.onnx").write_bytes(other.SerializeToString())
        uncertified("another model", "is certified for a model with the hash", self.folder / "one.json")
        (self.folder / "model.onnx").write_bytes((self.folder / "plain.onnx").read_bytes())
        uncertified("another precision", "is certified at the precision f32, not at bf16", self.folder / "one.json", "--precision=bf16")


def main(test, doc):
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    calibration = test(parser.parse_args())
    calibration.results()
    calibration.refused()
    return calibration.checks.finish()


if __name__ == "__main__":
    sys.exit(main(Calibration, __doc__))
