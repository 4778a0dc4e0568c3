#!/usr/bin/env python3
"""Compiles an encoder with a class for each token and policies that restore what they leave out, and compares it with NumPy.

    restore.py --tamis build/bin/tamis --folder FOLDER --isa LEVEL

The states of kept tokens are those of the twin of prune.py, in ONNX Runtime; that of a token that is left out is its state
in front of the layer times the policy's map, in double precision, and so are the classes of both. Calibrates the same
encoder, too. The last line counts what was checked; the exit status is 1 when something differs.
"""
import argparse
import json
import pathlib
import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from prune import HIDDEN, WORDS, Pruning

CLASSES = 7


def json_of(weights, bias):
    return {"map": weights.astype("<f2").tobytes().hex(), "bias": bias.astype(np.float32).tolist()}


def arrays_of(restore):
    weights = np.frombuffer(bytes.fromhex(restore["map"]), "<f2").reshape(HIDDEN, -1)
    return weights.astype(np.float64), np.array(restore["bias"], np.float32).astype(np.float64)


def add_head(model, weight, bias):
    """An output `logits`, a linear layer of the last states."""
    model.graph.initializer.extend([numpy_helper.from_array(weight, "classifier.weight"), numpy_helper.from_array(bias, "classifier.bias")])
    model.graph.node.extend([helper.make_node("MatMul", ["last_hidden_state", "classifier.weight"], ["scores"], name="/classifier/MatMul"),
                             helper.make_node("Add", ["scores", "classifier.bias"], ["logits"], name="/classifier/Add")])
    model.graph.output.append(helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", "sequence", CLASSES]))


class Restoring(Pruning):
    def __init__(self, options):
        super().__init__(options)
        self.weight = self.rng.standard_normal((HIDDEN, CLASSES)).astype(np.float32)
        self.bias = self.rng.standard_normal(CLASSES).astype(np.float32)
        add_head(self.model, self.weight, self.bias)
        (self.folder / "model.onnx").write_bytes(self.model.SerializeToString())

    def outputs(self, artifact, *words):
        out = self.folder / "out.npz"
        self.run("run", artifact, "--inputs", self.inputs, "--outputs", out, *words)
        return dict(np.load(out))

    def bare(self, *words):
        """Outputs of the model without a policy."""
        artifact = self.folder / "bare.tamis"
        self.run("compile", self.folder / "model.onnx", "-o", artifact, "--quiet", "--target", self.options.isa, *words)
        return self.outputs(artifact)

    def restored(self, points, keeps, pool):
        outputs, stages = self.staged(points, keeps)
        states = outputs["last_hidden_state"].astype(np.float64) * stages[-1][2][..., None]
        for point, (front, before, behind) in zip(points, stages):
            weights, bias = arrays_of(point["restore"])
            gone = (before > behind)
            states[gone] = front[gone].astype(np.float64) @ weights + bias
        embedding = outputs["embedding"]
        if pool == "mapped":
            mean = states.sum(1) / self.mask.sum(1, keepdims=True)
            embedding = mean / np.linalg.norm(mean, axis=1, keepdims=True)
        logits = (states @ self.weight + self.bias) * self.mask[..., None]
        return {"last_hidden_state": states, "logits": logits, "embedding": embedding}, stages[-1][2] > 0

    def policies(self):
        linear = lambda layer, **more: {"layer": layer, "rule": "linear", "weights": self.rng.standard_normal(HIDDEN).round(3).tolist(), **more}
        yield "one", "kept", [linear(0)], {"half": [0.5], "little": [0.1]}
        yield "cascade", "kept", [linear(0), {"layer": 2, "rule": "random", "seed": 5, "first": 0, "last": 0, "minimum": 1}], \
            {"both": [0.6, 0.5], "first": [0.4, 1], "second": [1, 0.3]}
        yield "mapped", "mapped", [linear(1, lengths=[16]), linear(2)], {"both": [[0.75, 0.5], 0.5]}

    def with_maps(self, points):
        maps = (json_of(self.rng.standard_normal((HIDDEN, HIDDEN)) * HIDDEN ** -0.5, self.rng.standard_normal(HIDDEN)) for _ in points)
        return [point | {"restore": restore} for point, restore in zip(points, maps)]

    def results(self):
        bare = self.bare()
        for name, pool, points, steps in self.policies():
            tokens = {"steps": [{"name": step, "keep": keep} for step, keep in steps.items()]}
            zeros = self.compile(tokens | {"prune": points, "dropped": "zeros"})
            kept = {step: self.outputs(zeros, "--step", step) for step in steps}
            points = self.with_maps(points)
            artifact = self.compile(tokens | {"prune": points, "dropped": "restore", "pool": pool})
            for step, keeps in steps.items():
                want, stays = self.restored(points, keeps, pool)
                got = [self.outputs(artifact, "--step", step, "--threads", threads) for threads in (1, 2)]
                for output, values in want.items():
                    tolerance = 1e-5 if output == "embedding" else 2e-4
                    error = np.abs(got[0][output] - values).max()
                    self.checks.count(f"{name} {step}: {output}", error <= tolerance, f"off by {error:.3g}")
                    self.checks.count(f"{name} {step}: {output}, threads", got[0][output].tobytes() == got[1][output].tobytes(), "the bits differ")
                # What is put back changes nothing of what was kept.
                same = got[0]["last_hidden_state"][stays].tobytes() == kept[step]["last_hidden_state"][stays].tobytes()
                self.checks.count(f"{name} {step}: kept rows", same, "are not those of a policy with zeros")
                error = np.abs(got[0]["logits"] - kept[step]["logits"])[stays].max()
                self.checks.count(f"{name} {step}: kept logits", error <= 1e-5, f"off by {error:.3g} from a policy with zeros")
                if pool == "kept":
                    self.checks.count(f"{name} {step}: mean", got[0]["embedding"].tobytes() == kept[step]["embedding"].tobytes(), "is another")
            self.same(f"{name} dense", self.outputs(artifact, "--step", "dense"), bare)

    def same(self, what, got, want):
        for output, values in want.items():
            self.checks.count(f"{what}: {output}", got[output].tobytes() == values.tobytes(), f"off by {np.abs(got[output] - values).max():.3g}")

    def precisions(self):
        """Nothing to map is no special case of any product, and something is rounded as every layer is."""
        points = self.with_maps([{"layer": 1, "rule": "stride"}])
        tokens = {"prune": points, "steps": [{"name": "half", "keep": [0.5]}], "dropped": "restore"}
        want, _ = self.restored(points, [0.5], "kept")
        for precision, tolerance in (("split-f32", 1e-3), ("bf16", 0.3), ("int8", 0.6)):
            artifact = self.compile(tokens, f"--precision={precision}")
            self.same(f"{precision} dense", self.outputs(artifact, "--step", "dense"), self.bare(f"--precision={precision}"))
            error = np.abs(self.outputs(artifact)["last_hidden_state"] - want["last_hidden_state"]).max()
            self.checks.count(f"{precision} half", error <= tolerance, f"off by {error:.3g}")

    def calibration(self):
        """Zeros have the loss 1 wherever a row is left out, so that a certificate below it needs what is restored."""
        rng, count, longest = np.random.default_rng(31), 160, 60
        lengths = rng.integers(12, longest, count)
        ids = rng.integers(0, WORDS, (count, longest))
        mask = (np.arange(longest) < lengths[:, None]).astype(np.int64)
        requests, policy = self.folder / "requests.npz", self.folder / "fitted.json"
        np.savez(requests, input_ids=ids, attention_mask=mask)
        words = ("calibrate", self.folder / "model.onnx", "--requests", requests, "--loss", "cosine", "--output-name", "last_hidden_state",
                 "--eps", 0.8, "--alpha", 0.1, "--groups", 1, "--layers", "1", "-o", policy)
        policy.unlink(missing_ok=True)
        text = self.run(*words, "--zeros", code=3)
        self.checks.count("calibrated with zeros", "no share of tokens can be left out within eps 0.8" in text, text)
        text = self.run(*words, code=3)
        self.checks.count("calibrated with nothing", "tamis calibrate --restore" in text, text)
        text = self.run(*words, "--restore", "--zeros", code=2)
        self.checks.count("calibrated with both", "--restore" in text, text)
        text = self.run(*words, "--pool", "mapped", code=2)
        self.checks.count("calibrated with --pool alone", "--restore" in text, text)
        text = self.run(*words, "--restore")
        fitted = json.loads(policy.read_text())
        point = fitted["tokens"]["prune"][0]
        self.checks.count("calibrated: the policy restores", fitted["tokens"]["dropped"] == "restore", str(fitted["tokens"]["dropped"]))

        # Another program's fit on all requests misses as much.
        self.ids, self.mask, self.inputs = ids, mask, requests
        outputs, stages = self.staged([{"layer": 1, "rule": "stride"}], [1])
        x = stages[0][0][mask > 0].astype(np.float64)
        y = outputs["last_hidden_state"][mask > 0].astype(np.float64)
        ones = np.hstack([x, np.ones((len(x), 1))])
        least = ones @ np.linalg.lstsq(ones, y, rcond=None)[0]
        weights, bias = arrays_of(point["restore"])
        variance = ((y - y.mean(0)) ** 2).sum()
        best, own = ((least - y) ** 2).sum() / variance, ((x @ weights + bias - y) ** 2).sum() / variance
        self.checks.count("calibrated: the map", best <= own <= 1.1 * best, f"misses {own:.4f} of the variance, and {best:.4f} is the least")
        self.checks.count("calibrated: the summary", "misses" in text, text)

        # The losses of the certificate, on the restored rows.
        artifact = self.folder / "fitted.tamis"
        self.run("compile", self.folder / "model.onnx", "-o", artifact, "--policy", policy, "--quiet", "--target=native")
        dense = self.outputs(artifact, "--step", "dense")["last_hidden_state"].astype(np.float64)
        step = fitted["tokens"]["steps"][-1]["name"]
        restored = self.outputs(artifact, "--step", step)["last_hidden_state"].astype(np.float64)
        lengths = np.linalg.norm(dense, axis=-1) * np.linalg.norm(restored, axis=-1)
        losses = np.where(mask > 0, 1 - (dense * restored).sum(-1) / np.where(mask > 0, lengths, 1), 0).max(1)
        self.checks.count("calibrated: something is left out", losses.max() > 1e-3, f"at most {losses.max():.3g} is lost")
        share = float((losses > 0.8).mean())
        self.checks.count("calibrated: violations", share <= 0.1, f"{share} of the requests")

    def refused(self):
        good = self.with_maps([{"layer": 0, "rule": "stride"}])[0]
        restore = good["restore"]
        steps = [{"name": "half", "keep": [0.5]}]

        def refuse(text, **changes):
            tokens = {"prune": [good], "steps": steps, "dropped": "restore"} | changes
            output = self.compile(tokens, code=3)
            self.checks.count(f"refused: {text}", text in output, output)

        def changed(**changes):
            return [good | {"restore": restore | changes}]

        refuse("each element of 'prune' needs a 'restore' where 'dropped' is restore", prune=[{"layer": 0, "rule": "stride"}])
        refuse("none has one elsewhere", dropped="zeros")
        refuse("has a 'map' that is no hexadecimal numbers of 16 bits", prune=changed(map="3c0"))
        refuse("has a 'map' that is no hexadecimal numbers of 16 bits", prune=changed(map="zz00"))
        refuse("has a 'map' with infinity or NaN in it", prune=changed(map="007c" + restore["map"][4:]))
        refuse("has a 'bias' that is no list of numbers", prune=changed(bias=["one"]))
        refuse("without the text 'map' and the list 'bias'", prune=[good | {"restore": {"map": ""}}])
        refuse("a 'restore' has the key 'scale'", prune=changed(scale=1))
        refuse("by a map of 2304 numbers and a bias of 2, and the hidden states have 48 columns", prune=changed(bias=[1, 2]))
        refuse("by a map of 4 numbers and a bias of 48", prune=changed(map="003c" * 4))
        refuse("its 'pool' is neither kept, weighted nor mapped", pool="all")
        refuse("its 'pool' is mapped, and its 'dropped' is not restore", prune=[{"layer": 0, "rule": "stride"}], dropped="zeros", pool="mapped")
        refuse("its 'dropped' is neither refuse, zeros, restore nor merged", dropped="keep")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--isa", default="native")
    test = Restoring(parser.parse_args())
    test.results()
    test.precisions()
    test.refused()
    test.calibration()
    return test.checks.finish()


if __name__ == "__main__":
    sys.exit(main())
