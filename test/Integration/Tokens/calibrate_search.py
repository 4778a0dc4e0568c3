#!/usr/bin/env python3
"""Kills a calibration in its search and goes on with it, and bounds the time of a search.

    calibrate_search.py --tamis build/bin/tamis --folder FOLDER

The policy must be that of a calibration which nobody disturbed, apart from times. The last line counts what was checked; the
exit status is 1 when something differs.
"""
import json
import os
import subprocess
import sys
import time

from calibrate import EPS, ALPHA, DELTA, Calibration, main

OPTIONS = ("--groups", 1, "--threads", 1)
CANDIDATES = 30


def without_times(policy):
    return {key: {name: part for name, part in value.items() if name not in ("speedup", "dense_ms", "chosen_ms")}
            if key == "measured" else value for key, value in policy.items()}


class Search(Calibration):
    def command(self, name, *words):
        options = {"--requests": self.requests, "--eps": EPS, "--alpha": ALPHA, "--delta": DELTA}
        options |= dict(zip(OPTIONS[::2], OPTIONS[1::2])) | dict(zip(words[::2], words[1::2]))
        return [self.options.tamis, "calibrate", str(self.folder / "model.onnx"), "-o", str(self.folder / f"{name}.json"), "--zeros",
                *(str(word) for pair in options.items() for word in pair)]

    def interrupt(self, name):
        """Kills it behind some candidates; what it left."""
        temporary = self.folder / "temporary"
        temporary.mkdir(exist_ok=True)
        part = self.folder / f"{name}.json.part"
        part.unlink(missing_ok=True)
        (self.folder / f"{name}.json").unlink(missing_ok=True)
        process = subprocess.Popen(self.command(name), env=os.environ | {"TMPDIR": str(temporary)}, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        state = {"trials": []}
        while process.poll() is None and len(state["trials"]) < 3:
            time.sleep(0.01)
            # Whenever one looks, the file is whole.
            state = json.loads(part.read_text()) if part.exists() else state
        process.kill()
        process.wait()
        tried = len(state["trials"])
        self.checks.count(f"{name}: killed in the search", part.exists() and 3 <= tried < CANDIDATES, str(tried))
        self.checks.count(f"{name}: no policy is left", not (self.folder / f"{name}.json").exists(), "there is one")
        return part

    def again(self, name, *words, code=0):
        """What another call says on standard error."""
        process = subprocess.run(self.command(name, *words), capture_output=True, text=True)
        self.checks.count(f"{name}: exit {code}", process.returncode == code, process.stderr)
        return process.stderr, process.stdout

    def results(self):
        whole = self.calibrate("whole", *OPTIONS)
        self.checks.count("nothing but the policy is left", not (self.folder / "whole.json.part").exists(), "a state")
        part = self.interrupt("resumed")
        left = part.read_text()
        tried = len(json.loads(left)["trials"])
        errors, _ = self.again("resumed")
        self.checks.count("it goes on", f"the calibration goes on behind {tried} candidates" in errors, errors)
        policy = json.loads((self.folder / "resumed.json").read_text())
        self.checks.count("the policy is that of an undisturbed search", without_times(policy) == without_times(whole), "it is another")
        self.checks.count("the state is gone", not part.exists(), "it is there")

        self.bounded(part, left)

    def bounded(self, part, left):
        """The coarsest candidate alone: six of ten tokens, which an eps of a half allows."""
        part.write_text(left)
        page = self.folder / "bounded-report.html"
        errors, text = self.again("resumed", "--budget-time", "1e-6", "--eps", "0.5", "--report", page)
        self.checks.count("of another calibration", "is of another model, requests or options; the calibration starts again" in
                          errors, errors)
        self.checks.count("a bounded search says so", f"{CANDIDATES - 1} of {CANDIDATES} candidates were left untried" in text,
                          text)
        policy = json.loads((self.folder / "resumed.json").read_text())
        self.checks.count("a bounded search", policy["measured"]["untried"] == CANDIDATES - 1 and
                          [step["keep"] for step in policy["tokens"]["steps"]] == [[[0.6]]], str(policy["tokens"]["steps"]))
        tests = policy["certificate"]["groups"][0]["tests"]
        self.checks.count("what was tried is tested", [test["keep"] for test in tests] == [[0.6]], str(tests))
        found = self.same_tests("bounded", page, policy)
        self.checks.count("bounded: the report says what was left", (found["untried"], found["possible"]) ==
                          (CANDIDATES - 1, CANDIDATES), f"{found['untried']} of {found['possible']}")
        self.checks.count("bounded: so does the page", f"{CANDIDATES - 1} of {CANDIDATES} candidates were left untried" in
                          page.read_text(), "it does not")

        state = json.loads(left)
        state["trials"][0]["losses"][0] = 0.125
        part.write_text(json.dumps(state))
        errors, _ = self.again("resumed", "--budget-time", "1e-6", "--eps", "0.5")
        self.checks.count("of a damaged state", "was changed or damaged; the calibration starts again" in errors, errors)

    def refused(self):
        part = self.folder / "refused.json.part"
        part.write_text("notes of mine")
        self.refuse("a file that is no state", "is no state of a calibration", *OPTIONS)
        self.checks.count("that file is as it was", part.read_text() == "notes of mine", part.read_text())
        part.unlink()
        self.refuse("eps that cannot be kept in that time", "call it again with a greater --budget-time", "--eps", "1e-12",
                    "--budget-time", "1e-6", *OPTIONS)
        self.checks.count("a state is left where something is untried", part.exists(), "there is none")
        self.refuse("eps that cannot be kept", "no share of tokens can be left out", "--eps", "1e-12", *OPTIONS)
        self.checks.count("no state is left where nothing is certified", not part.exists(), "there is one")
        self.refuse("no time at all", "--budget-time", "--budget-time", "0", code=2)


if __name__ == "__main__":
    sys.exit(main(Search, __doc__))
