#!/usr/bin/env python3
"""Calibrates a small encoder by several rules and by merging, and measures the losses of what was chosen again.

    calibrate_rules.py --tamis build/bin/tamis --folder FOLDER

What was certified must be true of the requests that it was tested on, and of others from where these are from. The last line
counts what was checked; the exit status is 1 when something differs.
"""
import json
import sys
from xml.etree import ElementTree

import numpy as np

from prune import WORDS
from calibrate import ALPHA, COUNT, DELTA, EPS, Calibration, main

RULES = ["attention-first-values", "merge"]
# Of 30 shares those from a half on can be merged.
MERGED, LEFT_OUT = 20, 30
ONE = ("--groups", 1, "--threads", 1)


class Rules(Calibration):
    def merging(self):
        """By merging alone; --zeros is not needed, for tokens that were merged have a row."""
        policy_file, page = self.folder / "merging.json", self.folder / "merging-report.html"
        words = ("calibrate", self.folder / "model.onnx", "--requests", self.requests, "-o", policy_file, "--eps", EPS, "--alpha", ALPHA,
                 "--delta", DELTA, "--rule", "merge", "--layers", 0, "--report", page)
        self.run(*words, *ONE)
        policy = json.loads(policy_file.read_text())
        tokens = policy["tokens"]
        self.checks.count("merging: the policy", "prune" not in tokens and tokens["dropped"] == "merged" and
                          [point["layer"] for point in tokens["merge"]] == [0], str(tokens))
        shares = [share for step in tokens["steps"] for stay in step["stay"] for share in stay]
        self.checks.count("merging: shares", all(share >= 0.5 for share in shares) and min(shares) < 1, str(shares))
        found = self.same_tests("merging", page, policy)
        self.checks.count("merging: candidates", all(min(candidate["keep"]) >= 0.5 for group in found["groups"]
                                                      for candidate in group["candidates"]), "one merges more than half")
        self.checks.count("merging: nothing is compared", not found["baselines"] and not found["comparisons"], str(found["baselines"]))
        text = "".join(ElementTree.fromstring(page.read_text().removeprefix("<!DOCTYPE html>")).itertext())
        for sentence in ("% in layer 0", "Tokens are struck through where they were merged into others."):
            self.checks.count(f"merging: the page says '{sentence}'", sentence in text, "it does not")
        self.truth("merging", policy)
        self.held_out("merging", policy)
        # A certificate is of one policy: what was changed by hand has none.
        policy["tokens"]["steps"][-1]["stay"] = [0.5]
        (self.folder / "changed.json").write_text(json.dumps(policy))
        output = self.run("compile", self.folder / "model.onnx", "-o", self.folder / "changed.tamis", "--policy", self.folder /
                          "changed.json", code=3)
        self.checks.count("merging: changed by hand", "was changed by hand or damaged" in output, output)

    def held_out(self, name, policy):
        """Requests that the calibration never saw."""
        seen = self.requests
        rng = np.random.default_rng(34)
        lengths = rng.integers(12, 90, COUNT)
        mask = (np.arange(90) < lengths[:, None]).astype(np.int64)
        self.requests = self.folder / "held-out.npz"
        np.savez(self.requests, input_ids=rng.integers(0, WORDS, (COUNT, 90)), attention_mask=mask)
        losses = self.losses(self.folder / f"{name}.tamis", policy["tokens"]["chosen"])
        share = float((losses > EPS).mean())
        self.checks.count(f"{name}: violations among others", share <= ALPHA, f"{share} of them")
        self.checks.count(f"{name}: something is lost among others", losses.max() > 1e-4, f"at most {losses.max()}")
        self.requests = seen

    def report(self):
        """Of several rules."""
        page = self.folder / "several-report.html"
        policy = self.calibrate("several", "--rule", ",".join(RULES), "--layers", 1, *ONE, "--report", page)
        certificate, variants = policy["certificate"], policy["measured"]["variants"]
        self.checks.count("several: what was tried", certificate["rules"] == RULES and [of["rule"] for of in variants] == RULES and
                          all(of["precision"] == "f32" for of in variants), str(variants))
        certified = {of["rule"]: of["chosen_ms"] for of in variants if of["certified"]}
        self.checks.count("several: more than one is certified", len(certified) > 1, str(variants))
        found = self.same_tests("several", page, policy)
        self.checks.count("several: the fastest is chosen", found["rule"] == min(certified, key=certified.get) and found["rules"] == RULES,
                          f"{found['rule']} of {certified}")
        self.checks.count("several: the policy is of that rule", ("merge" in policy["tokens"]) == (found["rule"] == "merge"),
                          str(policy["tokens"]))
        self.checks.count("several: candidates", found["possible"] == MERGED + LEFT_OUT and found["untried"] == 0, str(found["possible"]))
        self.checks.count("several: baselines", {line["rule"] for line in found["baselines"]} == {"linear", "random", "stride", *RULES},
                          str(found["baselines"]))
        tests = [test for group in certificate["groups"] for test in group["tests"]]
        self.checks.count("several: delta is divided", all(test["passed"] == (test["p_value"] <= DELTA / len(RULES)) for test in tests),
                          str(tests))
        self.truth("several", policy)

    def resumed(self):
        """A search of several rules that was bounded and goes on knows which rule each candidate was tried by."""
        words = ("--rule", "merge,stride", "--layers", 1, *ONE, "--eps", 1e-12)
        self.refuse("a first part", "call it again with a greater --budget-time", *words, "--budget-time", 1e-6)
        part = self.folder / "refused.json.part"
        state = json.loads(part.read_text())
        self.checks.count("resumed: what was tried", [trial["variant"] for trial in state["trials"]] == [0], str(state["trials"])[:99])
        output = self.calibrate("refused", *words, "--budget-time", 1e-6, code=3)
        self.checks.count("resumed: it goes on", "goes on behind 1 candidates" in output, output)
        # As the clock has it, one more may have been tried.
        left = [f"{MERGED + LEFT_OUT - tried} of {MERGED + LEFT_OUT} candidates were left untried" in output for tried in (1, 2)]
        self.checks.count("resumed: what is left", any(left), output)
        tried = json.loads(part.read_text())["trials"]
        self.checks.count("resumed: what was tried is kept", tried[0] == state["trials"][0], "it is not")

    def results(self):
        self.merging()
        self.resumed()

    def refused(self):
        self.refuse("a rule that there is not", "--rule", "--rule", "linear,attention", code=2)
        self.refuse("a rule twice", "--rule names one twice", "--rule", "merge,merge", code=2)
        self.refuse("an attention in front of the first", "give --layers from 1 on", "--rule", "attention-last", "--layers", "0,1", code=2)
        self.refuse("a count of queries for nothing", "do without it", "--query-count", 8, code=2)
        output = self.run("calibrate", self.folder / "model.onnx", "-o", self.folder / "refused.json", "--requests", self.requests,
                          "--rule", "merge", "--restore", code=2)
        self.checks.count("refused: merged and restored", "do without one of both" in output, output)
        self.refuse("too few requests for two rules", "among 2 rules at 2 precisions takes 8760 at least", "--alpha", "0.001",
                    "--precision", "f32,bf16", "--rule", "linear,merge")


if __name__ == "__main__":
    sys.exit(main(Rules, __doc__))
