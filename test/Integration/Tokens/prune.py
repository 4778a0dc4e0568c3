#!/usr/bin/env python3
"""Compiles a small encoder with policies that leave tokens out, and compares it with its dense twin in ONNX Runtime.

    prune.py --tamis build/bin/tamis --folder FOLDER --isa LEVEL

A token that is left out in front of a layer is, to the others, one that the mask excludes from there on: the twin has a
mask of its own for each place where tokens are left out. Which ones go is computed here, from the twin's hidden states. The
last line counts what was checked; the exit status is 1 when something differs.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "Encoders"), str(HERE.parent.parent.parent / "utils")]
from bert_onnx import build  # noqa: E402
from comparison import Checks  # noqa: E402

LAYERS, HIDDEN, HEADS, WORDS, PLACES = 3, 48, 4, 90, 160
LENGTHS = (1, 2, 7, 16, 17, 33, 64, 65, 131)


def weights(rng):
    """Random weights that make states of different tokens differ."""
    known = {}

    def weight(name):
        if name not in known:
            shapes = {"embeddings.word_embeddings.weight": (WORDS, HIDDEN), "embeddings.token_type_embeddings.weight": (2, HIDDEN),
                      "embeddings.position_embeddings.weight": (PLACES, HIDDEN), "intermediate.dense.weight": (2 * HIDDEN, HIDDEN),
                      "intermediate.dense.bias": (2 * HIDDEN,), "attention.output.dense.weight": (HIDDEN, HIDDEN),
                      "output.dense.weight": (HIDDEN, 2 * HIDDEN)}
            square = (HIDDEN, HIDDEN) if name.endswith("weight") and "LayerNorm" not in name else (HIDDEN,)
            shape = next((shape for end, shape in shapes.items() if name.endswith(end)), square)
            scale = 1.0 if name.startswith("embeddings") else shape[-1] ** -0.5 if len(shape) == 2 else 0.1
            value = rng.standard_normal(shape) * scale
            known[name] = (value + 1 if name.endswith("LayerNorm.weight") else value).astype(np.float32)
        return known[name]
    return weight


def twin_of(model, layers):
    """A copy with an input kept_<i> for each of `layers`: a mask that holds from there on, and is that of the mean. Its
    outputs are those of the model, state_<i> in front of each of the layers, and attention_<i> and values_<i> of the layer
    before it."""
    twin = onnx.ModelProto()
    twin.CopyFrom(model)
    nodes = {node.name: node for node in twin.graph.node}
    mask = nodes["/mask/Cast"].output[0]
    bias = nodes["/encoder/layer/0/attention/self/Add"].input[1]
    masked, added = mask, []
    for number, layer in enumerate(layers):
        kept = f"kept_{number}"
        twin.graph.input.append(helper.make_tensor_value_info(kept, TensorProto.INT64, ["batch", "sequence"]))
        chain = [node for node in twin.graph.node if node.name in ("/mask/Cast", "/mask/Sub", "/mask/Mul", "/mask/Unsqueeze")]
        names = {"attention_mask": kept}
        for node in chain:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.name = f"{node.name}_{number}"
            copy.input[:] = [names.get(name, name) for name in node.input]
            names[node.output[0]] = copy.output[0] = f"{node.output[0]}_{number}"
            added.append(copy)
        for behind in range(layer, LAYERS):
            nodes[f"/encoder/layer/{behind}/attention/self/Add"].input[1] = names[bias]
        masked = names[mask]
        query = next(node for node in twin.graph.node if node.name.startswith(f"/encoder/layer/{layer}/attention/self/query"))
        added.append(helper.make_node("Identity", [query.input[0]], [f"state_{number}"]))
        twin.graph.output.append(helper.make_tensor_value_info(f"state_{number}", TensorProto.FLOAT, ["batch", "sequence", HIDDEN]))
        if layer == 0:
            continue
        before = f"/encoder/layer/{layer - 1}/attention/self"
        for name, node, last in (("attention", f"{before}/Softmax", "sequence"), ("values", f"{before}/value/Transpose", HIDDEN // HEADS)):
            added.append(helper.make_node("Identity", [nodes[node].output[0]], [f"{name}_{number}"]))
            twin.graph.output.append(helper.make_tensor_value_info(f"{name}_{number}", TensorProto.FLOAT, ["batch", HEADS, "sequence", last]))
    nodes["/pool/Unsqueeze"].input[0] = masked
    for node in added:
        twin.graph.node.append(node)
    ordered, done = [], {value.name for value in twin.graph.input} | {value.name for value in twin.graph.initializer} | {""}
    left = list(twin.graph.node)
    while left:
        ready = [node for node in left if all(name in done for name in node.input)]
        assert ready, "the twin has a cycle"
        for node in ready:
            done.update(node.output)
            ordered.append(node)
        left = [node for node in left if node not in ready]
    del twin.graph.node[:]
    twin.graph.node.extend(ordered)
    return onnxruntime.InferenceSession(twin.SerializeToString(), providers=["CPUExecutionProvider"])


def random_scores(count, seed):
    """SplitMix64 of each place."""
    with np.errstate(over="ignore"):
        state = (np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) + np.uint64(seed)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    state ^= state >> np.uint64(31)
    return (state >> np.uint64(40)).astype(np.float64) * 2.0 ** -24


def attention_scores(point, weights, values):
    """Of `weights` [heads, n, n], the average of the rows that are asked; an even share gives 1."""
    length = weights.shape[1]
    asked = min(point.get("count", 1), length)
    rows = {"first": np.arange(asked), "last": np.arange(length - asked, length),
            "spread": (2 * np.arange(asked) + 1) * length // (2 * asked)}[point["queries"]]
    received = weights[:, rows].astype(np.float64).sum(1)
    if point.get("values"):
        received = received * np.abs(values.astype(np.float64)).sum(-1)
    return received.sum(0) * length / (HEADS * asked)


def scores_of(point, state, weights, values):
    if point["rule"] == "attention":
        return attention_scores(point, weights, values)
    if point["rule"] == "linear":
        return state.astype(np.float64) @ np.array(point["weights"])
    if point["rule"] == "random":
        return random_scores(len(state), point.get("seed", 0))
    return np.array([-float(int(f"{place:016b}"[::-1], 2)) for place in range(len(state))])


def share_of(point, keep, length):
    lengths = point.get("lengths", [])
    return keep[sum(length > bound for bound in lengths)] if isinstance(keep, list) else keep


def select(point, keep, state, whole, weights, values):
    """The places, of those of one sequence's states, that stay, and the least gap between what stays and what goes. The
    sequence had `whole` tokens in the beginning; the layer before gave attention by `weights` to `values`."""
    length, first, last = len(state), point.get("first", 1), point.get("last", 1)
    setting = np.float32(share_of(point, keep, whole))
    scores = scores_of(point, state, weights, values)
    scores[:first] = np.inf
    scores[length - min(last, length):] = np.inf
    wanted = (scores >= setting).sum() if point.get("by") == "score" else int(np.float32(length) * setting + np.float32(0.5))
    count = min(max(int(wanted), point.get("minimum", 8), first + last), length)
    order = np.argsort(-scores, kind="stable")
    gap = scores[order[count - 1]] - scores[order[count]] if count < length else np.inf
    return np.sort(order[:count]), gap


class Pruning:
    def __init__(self, options):
        self.options, self.folder, self.checks = options, options.folder, Checks()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.rng = np.random.default_rng(11)
        self.model = build(weights(self.rng), "encoder", LAYERS, HIDDEN, HEADS)
        (self.folder / "model.onnx").write_bytes(self.model.SerializeToString())
        longest = max(LENGTHS)
        self.ids = self.rng.integers(0, WORDS, (len(LENGTHS), longest))
        # Padding in front of some sequences, too.
        self.mask = np.array([[place < length if row % 2 else place >= longest - length for place in range(longest)]
                              for row, length in enumerate(LENGTHS)]).astype(np.int64)
        self.inputs = self.folder / "inputs.npz"
        np.savez(self.inputs, input_ids=self.ids, attention_mask=self.mask)

    def run(self, *words, code=0):
        process = subprocess.run([self.options.tamis, *map(str, words)], capture_output=True, text=True)
        if process.returncode != code:
            raise SystemExit(f"{' '.join(map(str, words))}: exit {process.returncode} instead of {code}\n{process.stderr}")
        return process.stdout + process.stderr

    def compile(self, tokens, *words, code=0):
        policy, artifact = self.folder / "policy.json", self.folder / "model.tamis"
        policy.write_text(json.dumps({"schema": "tamis.policy.v1", "tokens": tokens}))
        artifact.unlink(missing_ok=True)
        text = self.run("compile", self.folder / "model.onnx", "-o", artifact, "--policy", policy, "--allow-uncertified", "--quiet", "--target",
                        self.options.isa, *words, code=code)
        self.checks.count("nothing is left behind", artifact.exists() == (code == 0), str(words))
        return text if code else artifact

    def staged(self, points, keeps):
        """The twin's outputs by name, and for each point the states in front of it, and the masks there and behind it."""
        session = twin_of(self.model, [point["layer"] for point in points])
        feeds = {"input_ids": self.ids, "attention_mask": self.mask} | {f"kept_{i}": self.mask for i in range(len(points))}
        now, stages, gaps = self.mask, [], []
        for number, (point, keep) in enumerate(zip(points, keeps)):
            names = [f"{name}_{number}" for name in ("state", "attention", "values")[:3 if point["layer"] else 1]]
            states, weights, values = session.run(names, feeds) + [None] * (3 - len(names))
            kept = np.zeros_like(now)
            for row in range(len(now)):
                places = np.flatnonzero(now[row])
                attention = (weights[row][:, places][:, :, places], values[row][:, places]) if point["layer"] else (None, None)
                stays, gap = select(point, keep, states[row][places], self.mask[row].sum(), *attention)
                kept[row][places[stays]] = 1
                gaps.append(gap)
            stages.append((states, now, kept))
            now = kept
            for behind in range(number, len(points)):
                feeds[f"kept_{behind}"] = now
        least = 1e-5 if any(point["rule"] == "attention" for point in points) else 1e-3
        assert min(gaps) > least, f"two scores are too close to tell apart: {min(gaps)}"
        names = [output.name for output in session.get_outputs()]
        return dict(zip(names, session.run(names, feeds))), stages

    def twin(self, points, keeps):
        """Outputs, and how many rows are in front of and behind each point."""
        outputs, stages = self.staged(points, keeps)
        counts = [(int(before.sum()), int(behind.sum())) for _, before, behind in stages]
        return outputs["last_hidden_state"] * stages[-1][2][..., None], outputs["embedding"], counts

    def compare(self, what, artifact, step, want, tolerance):
        states, embedding, counts = want
        bits = []
        for threads in (1, 2):
            out = self.folder / "out.npz"
            text = self.run("run", artifact, "--inputs", self.inputs, "--outputs", out, "--step", step, "--threads", threads, "--report")
            got = np.load(out)
            bits.append((got["last_hidden_state"].tobytes(), got["embedding"].tobytes()))
            error = np.abs(got["embedding"] - embedding).max()
            self.checks.count(f"{what}, {threads} threads: embedding", error <= tolerance, f"off by {error:.3g}")
            error = np.abs(got["last_hidden_state"] * (states != 0) - states).max()
            self.checks.count(f"{what}, {threads} threads: states", error <= 20 * tolerance, f"off by {error:.3g}")
            gone = np.abs(got["last_hidden_state"][(states == 0).all(-1)]).max(initial=0)
            self.checks.count(f"{what}, {threads} threads: rows left out", gone == 0, f"one holds {gone:.3g}")
            for rows, kept in counts:
                self.checks.count(f"{what}: report", f": {kept} of {rows} go on\n" in text, f"not {kept} of {rows} in\n{text}")
        self.checks.count(f"{what}: threads", bits[0] == bits[1], "the bits differ")

    def policies(self):
        linear = lambda layer, **more: {"layer": layer, "rule": "linear", "weights": self.rng.standard_normal(HIDDEN).round(3).tolist(), **more}
        yield "linear", [linear(0)], {"half": [0.5], "little": [0.1]}
        yield "by length", [linear(1, lengths=[16, 64], minimum=3)], {"groups": [[1, 0.75, 0.3]]}
        yield "cascade", [linear(0), {"layer": 1, "rule": "random", "seed": 5, "first": 0, "last": 0, "minimum": 1}, linear(2, first=3)], \
            {"all": [0.8, 0.7, 0.5], "one": [1, 1, 0.4]}
        # A sequence stays of its group when it has become shorter.
        yield "cascade by length", [linear(0, lengths=[40]), {"layer": 2, "rule": "stride", "lengths": [40], "minimum": 1}], \
            {"groups": [[0.9, 0.5], [0.75, 0.25]]}
        attention = lambda layer, queries, **more: {"layer": layer, "rule": "attention", "queries": queries, **more}
        yield "attention of [CLS]", [attention(1, "first")], {"half": [0.5], "little": [0.1]}
        yield "attention of a window", [attention(2, "last", count=16, values=True, minimum=2)], {"half": [0.5]}
        yield "attention of some, cascade", [attention(1, "spread", count=5, lengths=[40]), attention(2, "first", count=3, values=True)], \
            {"most": [[0.9, 0.7], 0.8], "some": [[1, 0.5], 0.5]}
        yield "attention by score", [attention(1, "spread", count=1000, by="score", minimum=1)], {"average": [1], "little": [1.5]}
        yield "linear by score", [linear(1, by="score", first=0, minimum=3, lengths=[20])], {"some": [[-2, 1.5]]}
        yield "stride", [{"layer": 2, "rule": "stride", "minimum": 1}], {"third": [0.33]}

    def results(self):
        for name, points, steps in self.policies():
            tokens = {"prune": points, "steps": [{"name": step, "keep": keep} for step, keep in steps.items()], "dropped": "zeros"}
            artifact = self.compile(tokens)
            all_rows = [np.finfo(np.float32).min if point.get("by") == "score" else 1 for point in points]
            for step, keeps in {"dense": all_rows, **steps}.items():
                self.compare(f"{name} {step}", artifact, step, self.twin(points, keeps), 1e-5)
            # The first step is the one that is chosen.
            chosen = self.run("run", artifact, "--inputs", self.inputs, "--report")
            self.checks.count(f"{name}: chosen", f"step: {next(iter(steps))} (2 of {len(steps) + 1})" in chosen, chosen)

    def refused(self):
        good = {"layer": 0, "rule": "stride"}
        steps = [{"name": "half", "keep": [0.5]}]

        def refuse(text, code=3, **changes):
            tokens = {"prune": [good], "steps": steps, "dropped": "zeros"} | changes
            output = self.compile(tokens, code=code)
            self.checks.count(f"refused: {text}", text in output, output)

        refuse("the model has 3; layers count from 0", prune=[good | {"layer": 3}])
        refuse("the policy has 2 weights to score tokens by, and the hidden states have 48 columns",
               prune=[{"layer": 0, "rule": "linear", "weights": [1, 2]}])
        refuse("an output has a row for each token", dropped="refuse")
        refuse("has no 'rule' linear, attention, stride or random", prune=[{"layer": 0, "rule": "learned"}])
        refuse("with the rule attention has no 'queries' first, last or spread", prune=[{"layer": 1, "rule": "attention"}])
        refuse("by the attention of the layer before, which there is not", prune=[{"layer": 0, "rule": "attention", "queries": "first"}])
        refuse("has 'count', which is for the rule attention, and for no other", prune=[good | {"count": 2}])
        refuse("has a 'count' that is no integer from 1 on", prune=[{"layer": 1, "rule": "attention", "queries": "last", "count": 0}])
        refuse("has 'values' that are neither true nor false", prune=[{"layer": 1, "rule": "attention", "queries": "last", "values": 1}])
        refuse("has a 'by' that is neither share nor score", prune=[good | {"by": "rank"}])
        refuse("has a 'keep' that is no score", prune=[good | {"by": "score"}], steps=[{"name": "half", "keep": ["all"]}])
        refuse("has the key 'keeps'", steps=[{"name": "half", "keep": [0.5], "keeps": 1}])
        refuse("has a 'keep' that is no share above 0 and up to 1", steps=[{"name": "half", "keep": [0]}])
        refuse("has 2 shares for 1 groups of lengths", steps=[{"name": "half", "keep": [[0.5, 0.6]]}])
        refuse("two steps are named 'dense'", steps=[{"name": "dense", "keep": [0.5]}])
        refuse("there is no step 'fast' to be chosen", chosen="fast")
        refuse("the layers of 'prune' do not ascend", prune=[good, good], steps=[{"name": "half", "keep": [0.5, 0.5]}])
        output = self.compile({"prune": [good], "steps": steps, "dropped": "zeros"}, "--keep-padding", code=3)
        self.checks.count("refused: padding", "needs a model whose padding is removed" in output, output)
        artifact = self.compile({"prune": [good], "steps": steps, "dropped": "zeros"})
        output = self.run("run", artifact, "--inputs", self.inputs, "--step", "fast", code=3)
        self.checks.count("refused: no step", "has no step 'fast'; it has dense, half" in output, output)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--isa", default="native")
    test = Pruning(parser.parse_args())
    test.results()
    test.refused()
    return test.checks.finish()


if __name__ == "__main__":
    sys.exit(main())
