#!/usr/bin/env python3
"""Calibrates a small encoder with a layer of experts: shares of tokens and thresholds below which experts are skipped, together.

    calibrate_experts.py --tamis build/bin/tamis --folder FOLDER

The losses of all requests are measured again with the policy in an artifact. The last line counts what was checked; the exit
status is 1 when something differs.
"""
import json
import sys

import numpy as np
from onnx import helper
from onnx import numpy_helper

from prune import HIDDEN
from calibrate import COUNT, DELTA, EPS, Calibration, main

EXPERTS, INNER, SLOTS = 6, 32, 3
SKIPS = [0, 0.1003, 0.3]  # one that three decimals do not say
# Seven shares of tokens with three thresholds; the dense one is no candidate.
CANDIDATES = 7 * len(SKIPS) - 1
ONE = ("--threads", 1, "--layers", 1)


def with_experts(model, rng):
    """Behind the first layer: x + experts(x). Later experts give little."""
    graph = model.graph
    layer = next(node for node in graph.node if node.name == "/encoder/layer/0/output/LayerNorm")
    at, x = list(graph.node).index(layer), layer.output[0]
    sizes = np.geomspace(1, 0.01, EXPERTS)[:, None, None]
    arrays = {"router": rng.standard_normal((HIDDEN, EXPERTS)) * 0.2, "w1": rng.standard_normal((EXPERTS, INNER, HIDDEN)) * 0.2,
              "w2": rng.standard_normal((EXPERTS, HIDDEN, INNER)) * 0.2 * sizes}
    graph.initializer.extend(numpy_helper.from_array(value.astype(np.float32), f"moe.{name}") for name, value in arrays.items())
    graph.initializer.append(numpy_helper.from_array(np.array([-1, EXPERTS]), "moe.shape"))
    for node in graph.node:
        node.input[:] = ["moe.sum" if name == x else name for name in node.input]
    added = [helper.make_node("MatMul", [x, "moe.router"], ["moe.product"], name="moe/router"),
             helper.make_node("Reshape", ["moe.product", "moe.shape"], ["moe.logits"], name="moe/Reshape"),
             helper.make_node("MoE", [x, "moe.logits", "moe.w1", "", "moe.w2"], ["moe.y"], domain="com.microsoft", name="moe/experts",
                              k=SLOTS, activation_type="silu", normalize_routing_weights=1),
             helper.make_node("Add", [x, "moe.y"], ["moe.sum"], name="moe/Add")]
    for node in reversed(added):
        graph.node.insert(at + 1, node)
    model.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return model


class Experts(Calibration):
    def __init__(self, options):
        super().__init__(options)
        model = self.folder / "model.onnx"
        model.write_bytes(with_experts(self.model, np.random.default_rng(8)).SerializeToString())
        observed, self.profile = self.folder / "observed.tamis", self.folder / "profile.json"
        self.run("compile", model, "-o", observed, "--observe-experts", "--quiet", "--target=native")
        self.run("profile", observed, "--requests", self.requests, "-o", self.profile)

    def compiled(self, name, policy, *words):
        artifact = self.folder / f"{name}.tamis"
        self.run("compile", self.folder / "model.onnx", "-o", artifact, "--policy", self.folder / f"{name}.json", "--quiet",
                 "--target=native", "--profile", self.profile, *words)
        return artifact

    def skipped(self, artifact, step):
        text = self.run("run", artifact, "--inputs", self.requests, "--step", step, "--report", "--json")
        return json.loads(text)["report"]["experts"][0]["pairs_skipped"]

    def results(self):
        page = self.folder / "experts-report.html"
        policy = self.calibrate("experts", "--profile", self.profile, "--skip-experts", ",".join(map(str, SKIPS)), *ONE, "--report", page)
        steps, certificate = policy["tokens"]["steps"], policy["certificate"]
        self.checks.count("steps", all(step["skip"] in SKIPS and len(step["keep"]) == 1 for step in steps), str(steps))
        self.checks.count("experts are skipped", steps[-1]["skip"] > 0, str(steps))
        self.checks.count("one group", len(certificate["groups"]) == 1, str(certificate["groups"]))
        found = self.same_tests("experts", page, policy)
        self.checks.count("candidates", found["possible"] == CANDIDATES and
                          {candidate["skip"] for candidate in found["groups"][0]["candidates"]} == set(SKIPS), str(found["possible"]))
        # Fewer pairs at the same rows are fewer operations.
        work = {(candidate["keep"][0], candidate["skip"]): candidate["operations"] for candidate in found["groups"][0]["candidates"]}
        self.checks.count("operations by threshold", all(work[keep, 0.3] < work[keep, 0.1003] < work[keep, 0] for keep, _ in work),
                          str(work))
        self.checks.count("operations by share", all(work[0.4, skip] < work[0.9, skip] < work[1, skip] for skip in SKIPS), str(work))
        self.checks.count("the page says what is skipped", "; experts below 30% of a" in page.read_text(), "it does not")
        self.truth("experts", policy)
        artifact = self.folder / "experts.tamis"
        self.checks.count("dense: nothing is skipped", self.skipped(artifact, "dense") == 0, "pairs are")
        self.checks.count("chosen: pairs are skipped", self.skipped(artifact, policy["tokens"]["chosen"]) > 0, "none is")
        self.dense_bits(artifact)
        self.counted(artifact, policy)

    def dense_bits(self, artifact):
        """The step dense is the model with its profile alone, to the bit."""
        plain, outputs = self.folder / "plain.tamis", []
        self.run("compile", self.folder / "model.onnx", "-o", plain, "--quiet", "--target=native", "--profile", self.profile)
        for words in ((artifact, "--step", "dense"), (plain,)):
            out = self.folder / "out.npz"
            self.run("run", words[0], "--inputs", self.requests, "--outputs", out, *words[1:])
            outputs.append({name: value.tobytes() for name, value in np.load(out).items()})
        self.checks.count("dense: bits", outputs[0] == outputs[1], "they differ")

    def counted(self, artifact, policy):
        """The tests of the certificate beside losses of all requests, those of the tested half with them."""
        for test, step in zip(policy["certificate"]["groups"][0]["tests"], policy["tokens"]["steps"]):
            self.checks.count(f"{step['name']}: is the tested one", (test["keep"], test["skip"]) == ([step["keep"][0][0]], step["skip"]),
                              f"{test} is not {step}")
            bad = int((self.losses(artifact, step["name"]) > EPS).sum())
            self.checks.count(f"{step['name']}: violations", test["violations"] <= bad <= test["violations"] + COUNT - test["requests"],
                              f"{bad}, {test}")
            self.checks.count(f"{step['name']}: passed", test["passed"] == (test["p_value"] <= DELTA), str(test))

    def report(self):
        pass  # above

    def refused(self):
        policy = self.folder / "experts.json"
        command = ("compile", self.folder / "model.onnx", "-o", self.folder / "refused.tamis", "--policy", policy)
        output = self.run(*command, code=3)
        self.checks.count("refused: without the profile", "is to be given with --profile" in output, output)
        other = json.loads(self.profile.read_text())
        (self.folder / "other.json").write_text(json.dumps(other, indent=3))
        output = self.run(*command, "--profile", self.folder / "other.json", code=3)
        self.checks.count("refused: another profile", "is certified with a profile of experts with the hash" in output, output)
        output = self.run(*command, "--allow-uncertified", code=3)
        self.checks.count("refused: no profile at all", "no layer of experts has a profile; give --profile" in output, output)

        def changed(text, skip):
            policy = json.loads((self.folder / "experts.json").read_text())
            policy["tokens"]["steps"][0]["skip"] = skip
            (self.folder / "changed.json").write_text(json.dumps(policy))
            output = self.run("compile", self.folder / "model.onnx", "-o", self.folder / "refused.tamis", "--policy", self.folder /
                              "changed.json", "--profile", self.profile, "--allow-uncertified", code=3)
            self.checks.count(f"refused: skip {skip}", text in output, output)
        changed("has a 'skip' that is no share from 0 to below 1", 1)
        changed("has a 'skip' that is no share from 0 to below 1", [])
        changed("has 2 thresholds in 'skip' for 1 layers of experts", [0.1, 0.1])
        self.refuse("thresholds without a profile", "--profile", "--skip-experts", "0,0.1", code=2)
        self.refuse("thresholds that do not ascend", "--skip-experts are to ascend", "--skip-experts", "0.1,0.1", "--profile",
                    self.profile, code=2)


if __name__ == "__main__":
    sys.exit(main(Experts, __doc__))
