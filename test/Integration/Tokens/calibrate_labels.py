#!/usr/bin/env python3
"""Calibrates a small encoder with labels, the greatest element of its embedding being a class.

    calibrate_labels.py --tamis build/bin/tamis --folder FOLDER

Where the dense answer is always right, a lost label is another class; where it is always wrong, nothing can be lost. The
lost labels of a policy are counted again by its artifact. The last line counts what was checked; the exit status is 1 when
something differs.
"""
import sys

import numpy as np

from calibrate import COUNT, Calibration, main
from prune import HIDDEN

OPTIONS = ("--eps", 0, "--alpha", 0.3, "--groups", 1, "--threads", 1)


def tests(policy):
    return policy["certificate"]["groups"][0]["tests"]


def chosen(policy):
    return [test for test in tests(policy) if test["passed"]][-1]


class Labels(Calibration):
    def classes(self, artifact, step):
        return self.embedding(artifact, step).argmax(1)

    def labels(self, name, values):
        path = self.folder / f"{name}.npy"
        np.save(path, values)
        return path

    def results(self):
        self.run("compile", self.folder / "model.onnx", "-o", self.folder / "dense.tamis", "--quiet", "--target=native")
        out = self.folder / "dense.npz"
        self.run("run", self.folder / "dense.tamis", "--inputs", self.requests, "--outputs", out)
        dense = np.load(out)["embedding"].argmax(1).astype(np.int64)
        other = (dense + 1) % HIDDEN
        mixed = np.where(np.arange(COUNT) % 4, dense, other)
        files = {"right": self.labels("right", dense), "wrong": self.labels("wrong", other.astype(np.int32)),
                 "mixed": self.labels("mixed", mixed)}
        argmax = self.calibrate("argmax", "--loss", "argmax", "--labels", files["mixed"], "--metric", "none", *OPTIONS)
        policies = {name: self.calibrate(name, "--loss", "label", "--labels", file, *OPTIONS) for name, file in files.items()}

        self.checks.count("no metric", "accuracy" not in argmax["measured"], str(argmax["measured"]))
        self.checks.count("other classes are lost", chosen(argmax)["violations"] > 0, str(chosen(argmax)))
        self.checks.count("a lost label is another class", tests(policies["right"]) == tests(argmax), str(tests(policies["right"])))
        self.checks.count("what was wrong is not lost", all(test["violations"] == 0 for test in tests(policies["wrong"])),
                          str(tests(policies["wrong"])))
        hashes = {policy["certificate"]["requests"]["labels_hash"] for policy in policies.values()}
        self.checks.count("other labels have other hashes", len(hashes) == 3, str(hashes))
        for name, policy in policies.items():
            accuracy, test = policy["measured"]["accuracy"], chosen(policy)
            lost = test["violations"] / test["requests"]
            self.checks.count(f"{name}: accuracy is dense without what is lost, or more", accuracy["chosen"] >=
                              accuracy["dense"] - lost - 1e-12, f"{accuracy}, {test}")
            if name == "mixed":
                self.checks.count("mixed: dense accuracy", 0.65 < accuracy["dense"] < 0.85, str(accuracy))
            else:
                self.checks.count(f"{name}: dense accuracy", accuracy["dense"] == (name == "right"), str(accuracy))
        accuracy, test = policies["right"]["measured"]["accuracy"], chosen(policies["right"])
        self.checks.count("right: accuracy is without what is lost", abs(1 - accuracy["chosen"] - test["violations"] / test["requests"])
                          < 1e-12, f"{accuracy}, {test}")

        at_random = self.calibrate("random", "--loss", "label", "--labels", files["right"], "--rule", "random", *OPTIONS)
        points = at_random["tokens"]["prune"]
        self.checks.count("random: the rule", [point["rule"] for point in points] == ["random"] and "weights" not in points[0], str(points))
        lost = (self.classes(self.compiled("random", at_random), at_random["tokens"]["chosen"]) != dense).sum()
        self.checks.count("random: violations", chosen(at_random)["violations"] <= lost, f"{chosen(at_random)} of {lost}")

        # Of all requests, those of the searched half with them.
        artifact = self.compiled("mixed", policies["mixed"])
        pruned = self.classes(artifact, policies["mixed"]["tokens"]["chosen"])
        lost, test = int(((dense == mixed) & (pruned != mixed)).sum()), chosen(policies["mixed"])
        self.checks.count("mixed: what is lost", test["violations"] <= lost <= test["violations"] + COUNT - test["requests"],
                          f"{lost}, {test}")
        self.checks.count("mixed: less is lost than changes", lost < int((dense != pruned).sum()), f"{lost}")

    def refused(self):
        right = np.load(self.folder / "right.npy")
        few, beyond = self.labels("few", right[:-1]), self.labels("beyond", right + HIDDEN)
        real = self.labels("real", right.astype(np.float32))
        label = ("--loss", "label", "--labels")
        self.refuse("the loss label without labels", "asks what is right; give --labels", "--loss", "label", code=2)
        self.refuse("accuracy without labels", "asks what is right; give --labels", "--metric", "accuracy", code=2)
        self.refuse("labels of embeddings", "--labels are for logits of classes", "--labels", few, code=2)
        self.refuse("too few labels", f"has {COUNT - 1} labels for the {COUNT} requests", *label, few)
        self.refuse("a label beyond the classes", f"which is none of the {HIDDEN} classes of 'embedding'", *label, beyond)
        self.refuse("labels that are no integers", f"is {COUNT}xf32; labels are an npy file", *label, real)
        self.refuse("labels of tokens", "a label is for one row of classes", *label, self.folder / "right.npy", "--output-name",
                    "last_hidden_state")


if __name__ == "__main__":
    sys.exit(main(Labels, __doc__))
