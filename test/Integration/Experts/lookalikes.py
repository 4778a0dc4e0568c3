#!/usr/bin/env python3
"""Compiles what looks like experts that a matrix names, and is something else, and compares it with ONNX Runtime.

    lookalikes.py --tamis build/bin/tamis --isa x86-64-v3

Each graph differs from one of forms.py where it is easily missed: tokens that are cut off a list, rows that are written where
others are added, a column of another expert. Whether it is raised is not asked; numbers are. All are one model, an output
each. The last line counts the checks; the exit status is 1 when one failed.
"""
import argparse
import pathlib
import sys
import tempfile

import numpy as np
import onnxruntime
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Encoders"))
from comparison import Checks, call  # noqa: E402
from forms import CAPACITY, EXPERTS, HIDDEN, Graph, Weights, mlp, one_hot, route, tokens_of, zeros_like  # noqa: E402


def expert(w, g, e, rows):
    return mlp(g, rows, g.constant(w.gate_up[e], np.float32), g.constant(w.down[e], np.float32))


def chosen(w, g, e, token):
    return expert(w, g, e, g.GatherND("x", token))


def of_best(g):
    """A one for the expert of the greatest score."""
    return one_hot(g, g.Softmax("router", axis=-1))


def matrix_of(g, k):
    weights, indices = route(g, k)
    return g.ScatterElements(zeros_like(g, "router"), indices, weights, axis=1)


def row_weights(g, matrix, column, token):
    return g.Unsqueeze(g.GatherND(g.Gather(matrix, g.constant(column), axis=1), token), g.constant([1]))


def first_tokens(w, g):
    """No more than so many of the tokens that are listed."""
    mask, y = of_best(g), "x"
    for e in range(EXPERTS):
        token = g.Slice(tokens_of(g, mask, e), g.constant([0]), g.constant([CAPACITY]), g.constant([0]))
        y = g.ScatterND(y, token, chosen(w, g, e, token))
    return y


def first_pairs(w, g):
    """The same of the pairs that a router chose."""
    weights, indices = route(g)
    y = zeros_like(g, "x")
    for e in range(EXPERTS):
        pairs = g.Slice(g.Transpose(g.NonZero(g.Equal(indices, g.constant(e))), perm=[1, 0]), g.constant([0]), g.constant([CAPACITY]), g.constant([0]))
        token = g.Slice(pairs, g.constant([0]), g.constant([1]), g.constant([1]))
        rows = g.Mul(chosen(w, g, e, token), g.Unsqueeze(g.GatherND(weights, pairs), g.constant([1])))
        y = g.ScatterND(y, token, rows, reduction="add")
    return y


def written_and_added(w, g):
    """Rows are written to zeros, and the tokens are added to those."""
    mask, y = of_best(g), zeros_like(g, "x")
    for e in range(EXPERTS):
        token = tokens_of(g, mask, e)
        y = g.ScatterND(y, token, chosen(w, g, e, token))
    return g.Add(y, "x")


def written_apart(w, g):
    """Half of the rows are written over the tokens, half to zeros."""
    mask, y = of_best(g), ["x", zeros_like(g, "x")]
    for e in range(EXPERTS):
        token = tokens_of(g, mask, e)
        y[e % 2] = g.ScatterND(y[e % 2], token, chosen(w, g, e, token))
    return g.Add(*y)


def weighted_and_written(w, g):
    """The matrix that names tokens has their weights, and rows are written over the tokens."""
    matrix, y = matrix_of(g, 1), "x"
    for e in range(EXPERTS):
        token = tokens_of(g, matrix, e)
        y = g.ScatterND(y, token, g.Mul(row_weights(g, matrix, e, token), chosen(w, g, e, token)))
    return y


def weights_of_another(w, g):
    """The weights of an expert are in the next one's column."""
    matrix, y = matrix_of(g, 2), zeros_like(g, "x")
    for e in range(EXPERTS):
        token = tokens_of(g, matrix, e)
        y = g.ScatterND(y, token, g.Mul(row_weights(g, matrix, (e + 1) % EXPERTS, token), chosen(w, g, e, token)), reduction="add")
    return y


def looped(w, g, data=None, **reduction):
    """A scripted loop whose rows are written, or added to something else first."""
    weights, indices = route(g)
    y = zeros_like(g, "x")
    for e in range(EXPERTS):
        mask = g.Equal(indices, g.constant(e))
        token = g.Transpose(g.NonZero(g.ReduceSum(g.Cast(mask, to=T.INT64), g.constant([1]), keepdims=0)), perm=[1, 0])
        weight = g.ReduceSum(g.Mul(weights, g.Cast(mask, to=T.FLOAT)), g.constant([1]), keepdims=0)
        rows = g.Mul(chosen(w, g, e, token), g.Unsqueeze(g.GatherND(weight, token), g.constant([1])))
        longer = g.ScatterND(data or y, token, rows, **reduction)
        count = g.Squeeze(g.Shape(token, end=1), g.constant([0]))
        y = g.Where(g.Greater(count, g.constant(0)), g.Add(y, longer) if data else longer, y)
    return y


def without_first(w, g):
    """Weights of all experts, of which the first is never computed."""
    matrix, y = matrix_of(g, 2), zeros_like(g, "x")
    gate_up, down = g.constant(w.gate_up, np.float32), g.constant(w.down, np.float32)
    for e in range(1, EXPERTS):
        token = tokens_of(g, matrix, e)
        rows = mlp(g, g.GatherND("x", token), g.Gather(gate_up, g.constant(e), axis=0), g.Gather(down, g.constant(e), axis=0))
        y = g.ScatterND(y, token, g.Mul(row_weights(g, matrix, e, token), rows), reduction="add")
    return y


def slabs_of(w, g, masks, **reduction):
    """Slabs of the tokens times the first mask; rows are listed from the masks by turns."""
    y = g.Einsum("x", g.Cast(masks[0], to=T.FLOAT), equation="bm,be->ebm")
    for e in range(EXPERTS):
        token = tokens_of(g, masks[e % len(masks)], e)
        place = g.Concat(g.Expand(g.constant(e), g.Shape(token)), token, axis=1)
        y = g.ScatterND(y, place, chosen(w, g, e, token), **reduction)
    return g.ReduceSum(y, g.constant([0]), keepdims=0)


def gated_channels(w, g):
    """A weight for each channel, not for each expert."""
    mask, y = of_best(g), zeros_like(g, "x")
    gates = g.Sigmoid(g.MatMul("x", g.constant(np.random.default_rng(3).standard_normal((HIDDEN, HIDDEN)), np.float32)))
    for e in range(EXPERTS):
        token = tokens_of(g, mask, e)
        y = g.ScatterND(y, token, g.Mul(g.GatherND(gates, token), chosen(w, g, e, token)), reduction="add")
    return y


def weighted_sum(w, g, matrix):
    matrix = g.Cast(matrix, to=T.FLOAT)
    parts = [g.Mul(g.Slice(matrix, g.constant([e]), g.constant([e + 1]), g.constant([1])), expert(w, g, e, "x")) for e in range(EXPERTS)]
    for part in parts[1:]:
        parts[0] = g.Add(parts[0], part)
    return parts[0]


def own_numbers(w, g, is_listed=False):
    """A number for each token and expert: a token has the experts whose numbers are right, however many."""
    ids = g.Cast(g.Add(g.Mul(g.Cast(g.Greater("router", g.constant(0, np.float32)), to=T.FLOAT), g.constant(100, np.float32)),
                       g.constant(np.arange(EXPERTS), np.float32)), to=T.INT64)
    mask = g.Equal(g.Reshape(g.Reshape(ids, g.constant([-1])), g.constant([-1, EXPERTS])), g.constant(np.arange(EXPERTS)))
    if not is_listed:
        return weighted_sum(w, g, mask)
    y = zeros_like(g, "x")
    for e in range(EXPERTS):
        token = tokens_of(g, mask, e)
        y = g.ScatterND(y, token, chosen(w, g, e, token), reduction="add")
    return y


def columns_of_comparisons(w, g):
    """Each expert looks at another of a token's numbers."""
    _, indices = route(g)
    y = "x"
    for e in range(EXPERTS):
        token = tokens_of(g, g.Equal(indices, g.constant(e)), e % 2)
        y = g.ScatterND(y, token, chosen(w, g, e, token), reduction="add")
    return y


def without_room(w, g):
    """Weights that are 0 / 0 for tokens that no expert has room for, which nobody reads."""
    mask = of_best(g)
    mask = g.Mul(mask, g.Cast(g.LessOrEqual(g.CumSum(mask, g.constant(0)), g.constant(CAPACITY)), to=T.INT64))
    weights = g.Mul(g.Softmax("router", axis=-1), g.Cast(mask, to=T.FLOAT))
    weights, y = g.Div(weights, g.ReduceSum(weights, g.constant([1]))), "x"
    for e in range(EXPERTS):
        token = tokens_of(g, mask, e)
        y = g.ScatterND(y, token, g.Mul(row_weights(g, weights, e, token), chosen(w, g, e, token)), reduction="add")
    return y


def first_layers(w, g):
    """All terms are computed by the layers of a token's first expert."""
    _, indices = route(g)
    matrix = matrix_of(g, 2)
    best = g.Gather(indices, g.constant(0), axis=1)
    gate_up, down = (g.Gather(g.constant(m, np.float32), best, axis=0) for m in (w.gate_up, w.down))
    gate, up = g.Split(g.MatMul(g.Unsqueeze("x", g.constant([1])), gate_up), outputs=2, axis=-1, num_outputs=2)
    rows = g.MatMul(g.Mul(g.Mul(gate, g.Sigmoid(gate)), up), down)
    return g.ReduceSum(g.Mul(rows, g.Unsqueeze(matrix, g.constant([2]))), g.constant([1]), keepdims=0)


LOOKALIKES = {
    "first_tokens": first_tokens, "first_pairs": first_pairs, "written_and_added": written_and_added, "written_apart": written_apart,
    "weighted_and_written": weighted_and_written, "weights_of_another": weights_of_another, "looped_written": looped,
    "looped_greatest": lambda w, g: looped(w, g, reduction="max"), "looped_on_tokens": lambda w, g: looped(w, g, "x", reduction="add"),
    "without_first": without_first, "slabs_added": lambda w, g: slabs_of(w, g, [of_best(g)], reduction="add"),
    "slabs_of_masks": lambda w, g: slabs_of(w, g, [of_best(g), one_hot(g, g.Neg("router"))]), "gated_channels": gated_channels,
    "own_numbers": own_numbers, "own_numbers_listed": lambda w, g: own_numbers(w, g, is_listed=True),
    "columns_of_comparisons": columns_of_comparisons, "without_room": without_room, "first_layers": first_layers,
}


def model_of():
    g, w = Graph(), Weights(1)
    outputs = []
    for name, build in LOOKALIKES.items():
        g.nodes.append(h.make_node("Identity", [build(w, g)], [name]))
        outputs.append(h.make_tensor_value_info(name, T.FLOAT, ["t", HIDDEN]))
    feeds = [h.make_tensor_value_info("x", T.FLOAT, ["t", HIDDEN]), h.make_tensor_value_info("router", T.FLOAT, ["t", EXPERTS])]
    model = h.make_model(h.make_graph(g.nodes, "graph", feeds, outputs, g.initializers), opset_imports=[h.make_opsetid("", 18)])
    model.ir_version = 10
    return model


def check(checks, options, folder):
    model, artifact = model_of(), folder / "model.tamis"
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    code, text = call(options.tamis, "compile", folder / "model.onnx", "-o", artifact, "--quiet", "--target", ",".join(options.isa))
    if not checks.count("compile", code == 0, text):
        return
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    rng = np.random.default_rng(5)
    for isa in options.isa:
        for tokens in (1, 7, 61):
            feeds = {"x": rng.standard_normal((tokens, HIDDEN)).astype(np.float32), "router": rng.standard_normal((tokens, EXPERTS)).astype(np.float32)}
            np.savez(folder / "in.npz", **feeds)
            code, text = call(options.tamis, "run", artifact, "--inputs", folder / "in.npz", "--outputs", folder / "out.npz", "--isa", isa)
            if not checks.count(f"{tokens} tokens {isa}", code == 0, text):
                continue
            got, wants = np.load(folder / "out.npz"), session.run(None, feeds)
            for name, want in zip(LOOKALIKES, wants):
                error = np.abs(got[name] - want).max(initial=0) / max(np.abs(want).max(initial=0), 1e-3)
                checks.count(f"{name} {tokens} tokens {isa}", error <= 1e-5, f"off by {error:.3g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--isa", action="append", required=True)
    options = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        check(checks, options, pathlib.Path(folder))
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
