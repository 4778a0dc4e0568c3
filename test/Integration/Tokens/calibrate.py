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

    def truth(self, name, policy):
        """The certificate beside losses that are computed here."""
        artifact = self.folder / f"{name}.tamis"
        self.run("compile", self.folder / "model.onnx", "-o", artifact, "--policy", self.folder / f"{name}.json", "--quiet",
                 "--target=native", f"--precision={policy['certificate']['precision']}")
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
        self.checks.count("two layers", [point["layer"] for point in bf16["tokens"]["prune"]] == [0, 1], str(bf16["tokens"]["prune"]))

    def classes(self, artifact, step):
        return self.embedding(artifact, step).argmax(1)

    def labels(self):
        """The greatest element of the embedding as a class. Where the dense one is always right, a lost label is another class."""
        dense = self.classes(self.folder / "one.tamis", "dense")
        np.save(self.folder / "right.npy", dense.astype(np.int64))
        np.save(self.folder / "wrong.npy", ((dense + 1) % HIDDEN).astype(np.int32))
        mixed = np.where(np.arange(COUNT) % 4, dense, (dense + 1) % HIDDEN)
        np.save(self.folder / "mixed.npy", mixed)
        common = ("--eps", 0, "--alpha", 0.3, "--groups", 1)
        argmax = self.calibrate("argmax", "--loss", "argmax", *common)
        policies = {name: self.calibrate(f"label-{name}", "--loss", "label", "--labels", self.folder / f"{name}.npy", *common)
                    for name in ("right", "wrong", "mixed")}

        def tests(policy):
            return policy["certificate"]["groups"][0]["tests"]

        def chosen(policy):
            return [test for test in tests(policy) if test["passed"]][-1]

        self.checks.count("labels: without them there is no accuracy", "accuracy" not in argmax["measured"], str(argmax["measured"]))
        self.checks.count("labels: a lost label is another class", tests(policies["right"]) == tests(argmax), str(tests(argmax)))
        self.checks.count("labels: other classes are lost", chosen(argmax)["violations"] > 0, str(chosen(argmax)))
        for name, policy in policies.items():
            accuracy, test = policy["measured"]["accuracy"], chosen(policy)
            if name != "mixed":
                self.checks.count(f"labels, {name}: dense accuracy", accuracy["dense"] == (name == "right"), str(accuracy))
            self.checks.count(f"labels, {name}: what is lost and won", abs(accuracy["dense"] - accuracy["chosen"] - test["violations"] /
                              test["requests"]) < 1e-12 if name == "right" else accuracy["chosen"] >= accuracy["dense"] -
                              test["violations"] / test["requests"] - 1e-12, f"{accuracy}, {test}")
        self.checks.count("labels: what was wrong is not lost", all(test["violations"] == 0 for test in tests(policies["wrong"])),
                          str(tests(policies["wrong"])))
        self.checks.count("labels: those of other requests are others", len({policy["certificate"]["requests"]["labels_hash"]
                          for policy in policies.values()}) == 3, "equal hashes")

        # All requests, by the artifact of the policy.
        artifact = self.folder / "mixed.tamis"
        self.run("compile", self.folder / "model.onnx", "-o", artifact, "--policy", self.folder / "label-mixed.json", "--quiet",
                 "--target=native")
        pruned = self.classes(artifact, policies["mixed"]["tokens"]["chosen"])
        lost, test = int(((dense == mixed) & (pruned != mixed)).sum()), chosen(policies["mixed"])
        self.checks.count("labels, mixed: lost ones", test["violations"] <= lost <= test["violations"] + COUNT - test["requests"],
                          f"{lost}, {test}")
        self.checks.count("labels, mixed: fewer than flips", lost < int((dense != pruned).sum()), f"{lost}")

        plain = self.calibrate("plain", "--loss", "argmax", "--labels", self.folder / "mixed.npy", "--metric", "none", *common)
        self.checks.count("labels: no metric", "accuracy" not in plain["measured"], str(plain["measured"]))
        np.save(self.folder / "few.npy", mixed[:-1])
        np.save(self.folder / "beyond.npy", mixed + HIDDEN)
        np.save(self.folder / "real.npy", mixed.astype(np.float32))

        def refuse(what, text, *words, code=3):
            output = self.calibrate("refused", *words, code=code)
            self.checks.count(f"refused: {what}", text in output, output)

        refuse("the loss label without labels", "asks what is right; give --labels", "--loss", "label", code=2)
        refuse("accuracy without labels", "asks what is right; give --labels", "--metric", "accuracy", code=2)
        refuse("labels of embeddings", "--labels are for logits of classes", "--labels", self.folder / "right.npy", code=2)
        refuse("too few labels", f"has {COUNT - 1} labels for the {COUNT} requests", "--loss", "label", "--labels", self.folder / "few.npy")
        refuse("a label beyond the classes", f"which is none of the {HIDDEN} classes of 'embedding'", "--loss", "label", "--labels",
               self.folder / "beyond.npy")
        refuse("labels that are no integers", f"is {COUNT}xf32; labels are an npy file", "--loss", "label", "--labels",
               self.folder / "real.npy")
        refuse("labels of tokens", "a label is for one row of classes", "--loss", "label", "--labels", self.folder / "right.npy",
               "--output-name", "last_hidden_state")

    def refused(self):
        def refuse(what, text, *words, code=3):
            output = self.calibrate("refused", *words, code=code)
            self.checks.count(f"refused: {what}", text in output, output)

        refuse("too few requests", "to prove alpha 0.001 with delta 0.05 takes 5990 at least", "--alpha", "0.001")
        refuse("a layer that there is not", "in front of layer 7 no hidden states were found", "--layers", "7")
        refuse("layers that do not ascend", "--layers are to ascend", "--layers", "1,0", code=2)
        refuse("eps that cannot be kept", "no share of tokens can be left out within eps 0", "--eps", "0")
        refuse("no such output", "has no output 'nothing' of vectors", "--output-name", "nothing")
        refuse("a share above a half", "--alpha", "--alpha", "0.9", code=2)
        (self.folder / "empty").mkdir(exist_ok=True)
        refuse("no requests", "holds no .npz file", "--requests", self.folder / "empty")
        np.savez(self.folder / "other.npz", ids=self.ids)
        refuse("other inputs", "the input 'input_ids' is not given", "--requests", self.folder / "other.npz")

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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    test = Calibration(parser.parse_args())
    test.results()
    test.labels()
    test.refused()
    return test.checks.finish()


if __name__ == "__main__":
    sys.exit(main())
