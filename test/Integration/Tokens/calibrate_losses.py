#!/usr/bin/env python3
"""Calibrates a small encoder with starts and ends of spans, and with the relative distance of an output.

    calibrate_losses.py --tamis build/bin/tamis --folder FOLDER

The spans that a policy moves are counted again by its artifact. The embedding has length 1, so that its relative distance is
the square root of twice the loss cosine: both losses must give the same policy. The last line counts what was checked; the
exit status is 1 when something differs.
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from calibrate import COUNT, EPS, Calibration, main
from prune import HIDDEN

OPTIONS = ("--groups", 1, "--threads", 1)
SPAN = ("--loss", "span", "--eps", 0, "--alpha", 0.5, "--output-name", "start_logits,end_logits")


def with_spans(model):
    """The encoder with logits of starts and ends instead of its last states."""
    graph = model.graph
    weight = np.random.default_rng(5).standard_normal((HIDDEN, 2)).astype(np.float32)
    graph.initializer.append(numpy_helper.from_array(weight, "span.weight"))
    graph.initializer.append(numpy_helper.from_array(np.array([2], np.int64), "span.axis"))
    graph.node.append(helper.make_node("MatMul", ["last_hidden_state", "span.weight"], ["/span"], name="/span"))
    graph.node.append(helper.make_node("Split", ["/span"], ["/start", "/end"], name="/span/Split", axis=2))
    kept = [output for output in graph.output if output.name == "embedding"]
    del graph.output[:]
    graph.output.extend(kept)
    for name in ("start", "end"):
        graph.node.append(helper.make_node("Squeeze", [f"/{name}", "span.axis"], [f"{name}_logits"], name=f"/{name}/Squeeze"))
        graph.output.append(helper.make_tensor_value_info(f"{name}_logits", TensorProto.FLOAT, ["batch", "sequence"]))
    return model


class Losses(Calibration):
    def __init__(self, options):
        super().__init__(options)
        path = self.folder / "model.onnx"
        path.write_bytes(with_spans(onnx.load(path)).SerializeToString())

    def spans(self, artifact, step):
        out = self.folder / "out.npz"
        self.run("run", artifact, "--inputs", self.requests, "--outputs", out, "--step", step)
        arrays = np.load(out)
        # Alone, a request has no padding.
        return np.stack([np.where(self.mask, arrays[name], -np.inf).argmax(1) for name in ("start_logits", "end_logits")])

    def results(self):
        policy = self.calibrate("span", *SPAN, *OPTIONS)
        self.checks.count("span: both outputs", policy["certificate"]["output"] == "start_logits,end_logits", str(policy["certificate"]))
        artifact = self.compiled("span", policy)
        dense = self.spans(artifact, "dense")
        tests = policy["certificate"]["groups"][0]["tests"]
        for test, step in zip(tests, policy["tokens"]["steps"]):
            moved = int((self.spans(artifact, step["name"]) != dense).any(0).sum())
            self.checks.count(f"span, {step['name']}: moved spans", test["violations"] <= moved <= test["violations"] + COUNT -
                              test["requests"], f"{moved}, {test}")
        self.checks.count("span: some are moved", tests[0]["violations"] > 0, str(tests))

        cosine = self.calibrate("cosine", *OPTIONS)
        distance = self.calibrate("distance", "--loss", "custom-output", "--output-name", "embedding", "--eps", (2 * EPS) ** 0.5, *OPTIONS)
        self.checks.count("the distance of unit vectors follows from their cosine", cosine["tokens"] == distance["tokens"] and
                          cosine["certificate"]["groups"] == distance["certificate"]["groups"], str(distance["certificate"]["groups"]))

    def refused(self):
        self.refuse("three outputs that may be spans", "has 3 outputs [batch, sequence] instead of one for starts", "--loss", "span")
        self.refuse("one output for spans", "is of two outputs, starts and ends; --output-name names 1", "--loss", "span",
                    "--output-name", "start_logits", code=2)
        self.refuse("a distance of nothing", "is of one output; --output-name names 0", "--loss", "custom-output", code=2)
        self.refuse("one output for both", "--output-name names 'start_logits' twice", "--loss", "span", "--output-name",
                    "start_logits,start_logits", code=2)
        self.refuse("two outputs for one loss, whose name may have commas", "has no output 'start_logits,end_logits'", "--loss", "kl",
                    "--output-name", "start_logits,end_logits")


if __name__ == "__main__":
    sys.exit(main(Losses, __doc__))
