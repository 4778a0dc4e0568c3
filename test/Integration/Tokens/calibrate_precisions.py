#!/usr/bin/env python3
"""Calibrates a small encoder at several precisions, and measures the losses of what was chosen again.

    calibrate_precisions.py --tamis build/bin/tamis --folder FOLDER

A loss is the greater of those beside the dense answers at f32 and beside the artifact's own. The last line counts what was
checked; the exit status is 1 when something differs.
"""
import sys

import numpy as np

from calibrate import COUNT, EPS, Calibration, main

NAMES = ["f32", "bf16", "int8"]


def cosine(a, b):
    return 1 - (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


class Precisions(Calibration):
    def results(self):
        policy = self.calibrate("policy", "--precision", ",".join(NAMES), "--groups", 1, "--threads", 1)
        certificate, times = policy["certificate"], policy["measured"]["precisions"]
        chosen = certificate["precision"]
        self.checks.count("what was tried", certificate["precisions"] == NAMES and certificate["reference"] == "f32" and
                          list(times) == NAMES, str(certificate))
        certified = {name: of["chosen_ms"] for name, of in times.items() if of["certified"]}
        self.checks.count("more than one is certified", len(certified) > 1, str(times))
        self.checks.count("the fastest is chosen", chosen == min(certified, key=certified.get), str(times))
        self.checks.count("its times are the policy's", times[chosen]["chosen_ms"] == policy["measured"]["chosen_ms"], str(times))
        self.truth_of("policy", policy)
        # Without f32, which is the fastest of none: the first test is that of all tokens.
        page = self.folder / "other-report.html"
        other = self.calibrate("other", "--precision", "bf16,int8", "--groups", 1, "--threads", 1, "--report", page)
        found, chosen = self.same_tests("other", page, other), other["certificate"]["precision"]
        self.checks.count("other: precisions of the report", (found["precision"], found["reference"], found["precisions"]) ==
                          (chosen, "f32", ["bf16", "int8"]), str(found["precisions"]))
        text = page.read_text()
        for words in (f"beside the dense answers at f32 and at {chosen})", f"Tamis, dense, {chosen}<"):
            self.checks.count(f"other: the page says '{words}'", words in text, "it does not")
        self.truth_of("other", other)

    def truth_of(self, name, policy):
        tests = policy["certificate"]["groups"][0]["tests"]
        rounded = policy["certificate"]["precision"] != "f32"
        self.checks.count(f"{name}: all tokens are tested first", (tests[0]["keep"] == [1]) == rounded, str(tests))
        plain = self.folder / "plain.tamis"
        self.run("compile", self.folder / "model.onnx", "-o", plain, "--quiet", "--target=native")
        out = self.folder / "plain.npz"
        self.run("run", plain, "--inputs", self.requests, "--outputs", out)
        reference = np.load(out)["embedding"].astype(np.float64)
        artifact = self.compiled(name, policy)
        dense = self.embedding(artifact, "dense")
        steps = (["dense"] if rounded else []) + [step["name"] for step in policy["tokens"]["steps"]]
        for test, step in zip(tests, steps):
            pruned = self.embedding(artifact, step)
            bad = int((np.maximum(cosine(reference, pruned), cosine(dense, pruned)) > EPS).sum())
            self.checks.count(f"{name}, {step}: violations", not test["passed"] or test["violations"] <= bad <=
                              test["violations"] + COUNT - test["requests"], f"{bad}, {test}")
        # A part of delta for each precision: 0.05 would have proved it alone.
        self.checks.count(f"{name}: delta is divided", all(test["passed"] == (test["p_value"] <= 0.05 /
                          len(policy["certificate"]["precisions"])) for test in tests), str(tests))

    def refused(self):
        self.refuse("a precision twice", "--precision names one twice", "--precision", "bf16,bf16", code=2)
        self.refuse("a precision that there is not", "--precision", "--precision", "f32,f8", code=2)
        self.refuse("too few requests for two precisions", "among 2 precisions takes 7376 at least", "--alpha", "0.001",
                    "--precision", "f32,bf16")
        self.refuse("a dense answer that is too far", "no share of tokens can be left out within eps 1e-12", "--eps", "1e-12",
                    "--precision", "f32,bf16")


if __name__ == "__main__":
    sys.exit(main(Precisions, __doc__))
