#!/usr/bin/env python3
"""Calibrates a small encoder on made-up requests, and looks at what the certificate says.

    calibrate.py --tamis build/bin/tamis --folder FOLDER

The losses of all requests are computed again, by an artifact with the policy in it, dense and pruned; they must be what the
policy and its report say of them. Which tokens the report strikes through is compared with scores that are computed here from
the hidden states of ONNX Runtime. The last line counts what was checked; the exit status is 1 when something differs.
"""
import argparse
import json
import pathlib
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np

from prune import HIDDEN, HEADS, LAYERS, WORDS, select, twin_of, weights
from bert_onnx import build
from comparison import Checks

COUNT, EPS, ALPHA, DELTA = 400, 0.03, 0.1, 0.05


class Calibration:
    def __init__(self, options):
        self.options, self.folder, self.checks = options, options.folder, Checks()
        # What an earlier run left would be gone on with.
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        rng = np.random.default_rng(21)
        self.model = build(weights(rng), "encoder", LAYERS, HIDDEN, HEADS)
        (self.folder / "model.onnx").write_bytes(self.model.SerializeToString())
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

    def losses(self, artifact, step):
        dense, pruned = self.embedding(artifact, "dense"), self.embedding(artifact, step)
        return 1 - (dense * pruned).sum(1) / np.linalg.norm(dense, axis=1) / np.linalg.norm(pruned, axis=1)

    def truth(self, name, policy):
        """The certificate beside losses that are computed here."""
        artifact = self.compiled(name, policy)
        lengths = self.mask.sum(1)
        before = np.zeros(COUNT)
        for step in policy["tokens"]["steps"]:
            losses = self.losses(artifact, step["name"])
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

    def same_tests(self, name, page, policy):
        """What the JSON beside a page has, whose tests must be the certificate's."""
        found = json.loads(page.with_suffix(".json").read_text())
        keys = ("keep", "requests", "violations", "passed")
        got, want = ([[[test[key] for key in keys] for test in group["tests"]] for group in groups]
                     for groups in (found["groups"], policy["certificate"]["groups"]))
        self.checks.count(f"{name}: the report has the certificate's tests", got == want, f"{got} are not {want}")
        return found

    def report(self):
        """A policy with a report, the page of which holds no more than its data."""
        words = {"model": {"vocab": {f"<word {i}>": i for i in range(WORDS)}}}
        (self.folder / "tokenizer.json").write_text(json.dumps(words))
        page, data = self.folder / "report.html", self.folder / "report.json"
        policy = self.calibrate("reported", "--layers", "0,1", "--report", page, "--vocabulary", self.folder / "tokenizer.json",
                                "--onnxruntime-ms", 3.25)
        found, certificate = json.loads(data.read_text()), policy["certificate"]
        self.checks.count("report: schema", found["schema"] == "tamis.calibration.v1", found["schema"])
        for key in ("eps", "alpha", "delta", "precision", "reference", "loss", "output"):
            self.checks.count(f"report: {key}", found[key] == certificate[key], f"{found[key]} is not {certificate[key]}")
        tests = [[{key: test[key] for key in test} for test in group["tests"]] for group in found["groups"]]
        self.checks.count("report: tests", tests == [group["tests"] for group in certificate["groups"]], str(tests))
        self.checks.count("report: time of ONNX Runtime", found["times"]["onnxruntime_ms_per_request"] == 3.25, str(found["times"]))
        self.outcomes(policy, found)
        self.struck(policy, found)
        root = ElementTree.fromstring(page.read_text().removeprefix("<!DOCTYPE html>"))
        html = "{http://www.w3.org/1999/xhtml}"
        self.checks.count("page: no script, no other file", not any(
            element.tag == html + "script" or {"src", "href"} & set(element.attrib) for element in root.iter()), "it needs one")
        self.checks.count("page: plots", len(root.findall(f".//{html}svg")) == len(found["groups"]) + 1, "there are others")
        text = "".join(root.itertext())
        for sentence in found["comparisons"]:
            self.checks.count("page: comparison", sentence in text, sentence)
        dropped = [token["text"] for worst in found["worst"] for token in worst["tokens"] if token["left_out_before_layer"] is not None]
        self.checks.count("page: struck through", [element.text for element in root.findall(f".//{html}del")] == dropped, "other tokens")

    def outcomes(self, policy, found):
        """Losses and counts of each request that was tested."""
        artifact = self.folder / "reported.tamis"
        self.run("compile", self.folder / "model.onnx", "-o", artifact, "--policy", self.folder / "reported.json", "--quiet",
                 "--target=native")
        losses, lengths = self.losses(artifact, found["chosen_step"]), self.mask.sum(1)
        outcomes = found["outcomes"]
        self.checks.count("report: requests", len(outcomes) == policy["certificate"]["requests"]["tested"], str(len(outcomes)))
        rows = [int(outcome["name"].rsplit(" ", 1)[1]) for outcome in outcomes]
        # Sums of f32 in another order, as those of a batch are.
        error = max(abs(outcome["loss"] - losses[row]) for outcome, row in zip(outcomes, rows))
        self.checks.count("report: losses", error <= 1e-5, f"off by {error}")
        self.checks.count("report: lengths", [outcome["length"] for outcome in outcomes] == lengths[rows].tolist(), "they differ")
        counted = sum(entry["count"] for entry in found["loss_histogram"])
        self.checks.count("report: histogram", counted == len(outcomes), str(counted))
        self.checks.count("report: the worst first", [worst["loss"] for worst in found["worst"]] ==
                          sorted((outcome["loss"] for outcome in outcomes), reverse=True)[:10], "they are not")
        self.monitor(artifact, losses)

    def struck(self, policy, found):
        """The tokens that are left out of the worst requests."""
        points, shares = policy["tokens"]["prune"], policy["tokens"]["steps"][-1]["keep"]
        session, compared = twin_of(self.model, [point["layer"] for point in points]), 0
        for worst in found["worst"]:
            row, length = int(worst["name"].rsplit(" ", 1)[1]), worst["length"]
            ids, mask = self.ids[row:row + 1, :length], np.ones((1, length), np.int64)
            self.checks.count(f"{worst['name']}: words", [token["text"] for token in worst["tokens"]] == [f"<word {i}>" for i in ids[0]],
                              "others")
            feeds = {"input_ids": ids, "attention_mask": mask} | {f"kept_{number}": mask for number in range(len(points))}
            places, gaps, left = np.arange(length), [], [None] * length
            for number, (point, keep) in enumerate(zip(points, shares)):
                state = session.run([f"state_{number}"], feeds)[0][0][places]
                stays, gap = select(point, keep, state, length, None, None)
                gaps.append(gap)
                for place in set(places.tolist()) - set(places[stays].tolist()):
                    left[place] = point["layer"]
                places = places[stays]
                kept = np.zeros_like(mask)
                kept[0, places] = 1
                for behind in range(number, len(points)):
                    feeds[f"kept_{behind}"] = kept
                self.checks.count(f"{worst['name']}: rows behind layer {point['layer']}", worst["kept"][number] == len(places),
                                  f"{worst['kept'][number]} are not {len(places)}")
            # Scores that are as good as equal may be told apart otherwise there.
            if min(gaps) > 1e-4:
                got = [token["left_out_before_layer"] for token in worst["tokens"]]
                self.checks.count(f"{worst['name']}: tokens left out", got == left, f"{got} are not {left}")
                compared += left.count(None) < length
        self.checks.count("tokens that were left out are compared", compared >= 3, f"of {compared} requests alone")

    def monitor(self, artifact, losses):
        """One run of all requests, each of which is a sample of a monitor that runs everything densely, too."""
        words = ("run", artifact, "--inputs", self.requests, "--monitor", "--report")
        for rate, samples in ((1, COUNT), (0, 0)):
            state = json.loads(self.run(*words, "--shadow-rate", rate, "--json"))["report"]["monitor"]
            want = {"schema": "tamis.monitor.v1", "runs": 1, "shadow_runs": int(rate), "samples": samples, "alarms": 0,
                    "violations": int((losses > EPS).sum()) if rate else 0}
            got = {key: state[key] for key in want}
            self.checks.count(f"monitor at the rate {rate}", got == want, f"{got} is not {want}")
        text = self.run(*words, "--shadow-rate", 1)
        self.checks.count("monitor as text", f"1 of 1 runs were also run densely; {COUNT} samples" in text, text)
        plain = json.loads(self.run(*words[:4], "--report", "--json"))["report"]
        self.checks.count("no monitor", "monitor" not in plain and plain["tokens_computed"] == self.mask.sum(), str(plain))

    def refused(self):
        self.refuse("too few requests", "to prove alpha 0.001 with delta 0.05 takes 5990 at least", "--alpha", "0.001")
        self.refuse("a layer that there is not", "in front of layer 7 no hidden states were found", "--layers", "7")
        self.refuse("layers that do not ascend", "--layers are to ascend", "--layers", "1,0", code=2)
        self.refuse("eps that cannot be kept", "no share of tokens can be left out within eps 0", "--eps", "0")
        self.refuse("no such output", "has no output 'nothing'; 'tamis inspect' lists them", "--output-name", "nothing")
        self.refuse("a share above a half", "--alpha", "--alpha", "0.9", code=2)
        self.refuse("a report without a folder", "cannot write", "--report", self.folder / "none" / "report.html", code=4)
        self.refuse("a report that is no page", "give it a name that ends with .html", "--report", self.folder / "report.pdf", code=2)
        self.refuse("a report in the policy's place", "as --output does", "--report", self.folder / "refused.html", code=2)
        self.refuse("a report in the vocabulary's place", "tokenizer.json, which is read", "--report", self.folder / "tokenizer.html",
                    "--vocabulary", self.folder / "tokenizer.json", code=2)
        self.refuse("no vocabulary", "has no vocabulary", "--report", self.folder / "no.html", "--vocabulary", self.folder / "one.json")
        self.checks.count("refused: no report is left", not list(self.folder.glob("no.*")), "there is one")
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
    calibration.report()
    calibration.refused()
    return calibration.checks.finish()


if __name__ == "__main__":
    sys.exit(main(Calibration, __doc__))
