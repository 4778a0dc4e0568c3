#!/usr/bin/env python3
"""Compiles a layer of experts in each spelling that exporters use, and compares it with ONNX Runtime.

    forms.py --tamis build/bin/tamis --isa x86-64-v3 [--isa x86-64-v4] [--only TEXT]

Sizes are such that no vector divides them. Every form is to be raised: the compiled model's operators are counted, and
none that multiplies matrices may be left, nor, where the form is a router's, one that chooses. One and two threads must give the same bits; a token alone and among others,
rows in two parts, and experts in another order, the same numbers within 1e-6. A form that fixed how many experts are
chosen must end with an error for another number. The last line counts the checks; the exit status is 1 when one failed.
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

EXPERTS, HIDDEN, INNER, K = 5, 37, 43, 2
GROUPS = 3  # of two experts, where there are groups


class Graph:
    """Nodes with names that count up; g.MatMul(a, b) adds one and returns its result."""

    def __init__(self):
        self.nodes, self.initializers = [], []

    def constant(self, value, dtype=np.int64):
        name = f"c{len(self.initializers)}"
        self.initializers.append(nh.from_array(np.asarray(value, dtype), name))
        return name

    def node(self, kind, *inputs, outputs=1, **attributes):
        names = [f"{kind.lower()}{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(h.make_node(kind, inputs, names, name=names[0], **attributes))
        return names[0] if outputs == 1 else names

    def __getattr__(self, kind):
        return lambda *inputs, **attributes: self.node(kind, *inputs, **attributes)

    def model(self, result, experts=EXPERTS):
        feeds = [h.make_tensor_value_info("x", T.FLOAT, ["t", HIDDEN]), h.make_tensor_value_info("router", T.FLOAT, ["t", experts])]
        self.nodes.append(h.make_node("Identity", [result], ["y"]))
        graph = h.make_graph(self.nodes, "graph", feeds, [h.make_tensor_value_info("y", T.FLOAT, ["t", HIDDEN])], self.initializers)
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", 18)])
        model.ir_version = 10
        return model


class Weights:
    """[E, H, 2 I] of gate and up, [E, I, H], in the order `order` of experts."""

    def __init__(self, seed, order=None, experts=EXPERTS):
        rng = np.random.default_rng(seed)
        order = np.arange(experts) if order is None else order
        floats = lambda *shape: (rng.standard_normal(shape) * shape[-2] ** -0.5).astype(np.float32)
        self.gate_up, self.down = floats(experts, HIDDEN, 2 * INNER)[order], floats(experts, INNER, HIDDEN)[order]
        self.gate_up_bias = (rng.standard_normal((experts, 2 * INNER)) * 2).astype(np.float32)[order]
        self.down_bias = rng.standard_normal((experts, HIDDEN)).astype(np.float32)[order]


def route(g, k=K):
    weights, indices = g.TopK(g.Softmax("router", axis=-1), g.constant([k]), outputs=2, axis=-1)
    return g.Div(weights, g.ReduceSum(weights, g.constant([-1]))), indices


def mlp(g, rows, gate_up, down):
    gate, up = g.Split(g.MatMul(rows, gate_up), outputs=2, axis=-1, num_outputs=2)
    return g.MatMul(g.Mul(g.Mul(gate, g.Sigmoid(gate)), up), down)


def zeros_like(g, value):
    return g.ConstantOfShape(g.Shape(value), value=nh.from_array(np.zeros(1, np.float32)))


def by_number(w, g):
    """Each expert by its number: NonZero of Equal, GatherND, ScatterND."""
    weights, indices = route(g)
    y = zeros_like(g, "x")
    for e in range(EXPERTS):
        pairs = g.Transpose(g.NonZero(g.Equal(indices, g.constant(e))), perm=[1, 0])
        token = g.Slice(pairs, g.constant([0]), g.constant([1]), g.constant([1]))
        rows = mlp(g, g.GatherND("x", token), g.constant(w.gate_up[e], np.float32), g.constant(w.down[e], np.float32))
        y = g.ScatterND(y, token, g.Mul(rows, g.Unsqueeze(g.GatherND(weights, pairs), g.constant([1]))), reduction="add")
    return y


def hits(w, g, own=False, count=EXPERTS):
    """The experts that tokens chose, by rank, from a mask of one-hot rows; weights of all experts, or layers by rank."""
    weights, indices = route(g)
    mask = g.Transpose(g.OneHot(indices, g.constant(EXPERTS), g.constant([0, 1]), axis=-1), perm=[2, 1, 0])
    chosen = g.Greater(g.ReduceSum(mask, g.constant([-1, -2]), keepdims=0), g.constant(0))
    parts = g.Split(g.Transpose(g.NonZero(chosen), perm=[1, 0]), g.constant([1] * count), outputs=count, axis=0)
    flat, y = g.Reshape(weights, g.constant([-1])), zeros_like(g, "x")
    stacked = [] if own else [g.constant(np.swapaxes(m, 1, 2), np.float32) for m in (w.gate_up, w.down)]
    for i, part in enumerate(parts):
        expert = g.Squeeze(part, g.constant([0, 1]))
        slot, token = g.Split(g.NonZero(g.Gather(mask, expert, axis=0)), g.constant([1, 1]), outputs=2, axis=0)
        slot, token = g.Squeeze(slot, g.constant([0])), g.Squeeze(token, g.constant([0]))
        layers = (g.constant(w.gate_up[i], np.float32), g.constant(w.down[i], np.float32)) if own else \
            (g.Transpose(g.Gather(m, expert, axis=0), perm=[1, 0]) for m in stacked)
        rows = mlp(g, g.Gather("x", token, axis=0), *layers)
        weight = g.Gather(flat, g.Add(slot, g.Mul(token, g.constant(K))), axis=0)
        rows = g.Mul(rows, g.Unsqueeze(weight, g.constant([1])))
        places = g.Expand(g.Unsqueeze(token, g.constant([1])), g.Shape(rows))
        y = g.Add(y, g.ScatterElements(zeros_like(g, "x"), places, rows, axis=0))
    return y


def grouped(w, g):
    """Pairs sorted by expert, a product for each run, and the inverse permutation."""
    weights, indices = route(g)
    ids = g.Reshape(indices, g.constant([-1]))
    pairs = g.Shape(ids)
    experts, order = g.TopK(ids, pairs, outputs=2, axis=0, largest=0)
    column = lambda v: g.Unsqueeze(v, g.constant([1]))
    rows = g.GatherND("x", column(g.Div(order, g.constant(K))))
    bins = g.Cast(g.Div(g.Cast(experts, to=T.FLOAT), g.constant((EXPERTS - 1) / EXPERTS, np.float32)), to=T.INT64)
    bins = g.Clip(bins, g.constant(0), g.constant(EXPERTS - 1))
    counts = g.ScatterElements(g.constant(np.zeros(EXPERTS), np.float32), bins, g.Expand(g.constant(1, np.float32), pairs), axis=0, reduction="add")
    bounds = g.Cast(g.CumSum(g.Cast(counts, to=T.INT32), g.constant(0)), to=T.INT64)
    bounds = [g.Squeeze(b, g.constant([0])) for b in g.Split(bounds, outputs=EXPERTS, axis=0, num_outputs=EXPERTS)]
    runs = [g.Range(a, b, g.constant(1)) for a, b in zip([g.constant(0), *bounds], bounds)]
    product = lambda x, m: g.Concat(*(g.MatMul(g.Gather(x, run, axis=0), g.constant(part, np.float32)) for run, part in zip(runs, m)), axis=0)
    gate, up = g.Split(product(rows, w.gate_up), outputs=2, axis=1, num_outputs=2)
    y = product(g.Mul(g.Mul(gate, g.Sigmoid(gate)), up), w.down)
    y = g.Mul(y, column(g.GatherND(g.Reshape(weights, g.constant([-1])), column(order))))
    inverse = g.ScatterND(g.Expand(g.constant(0), pairs), column(order), g.Range(g.constant(0), g.Squeeze(pairs, g.constant([0])), g.constant(1)))
    y = g.Reshape(g.GatherND(y, column(inverse)), g.constant([-1, K, HIDDEN]))
    return g.ReduceSum(y, g.constant([1]), keepdims=0)


def gathered(w, g):
    """Weights gathered for each pair; gate and up in turn, biases and limits, as GPT-OSS has them."""
    scores, indices = g.TopK("router", g.constant([K]), outputs=2, axis=-1)
    weights, ids = g.Softmax(scores, axis=-1), g.Reshape(indices, g.constant([-1]))
    rows = g.Reshape(g.Tile(g.Unsqueeze("x", g.constant([1])), g.constant([1, K, 1])), g.constant([-1, 1, HIDDEN]))
    take = lambda m: g.Gather(g.constant(m, np.float32), ids, axis=0)
    flat = lambda v, n: g.Reshape(v, g.constant([-1, n]))
    a = g.Add(flat(g.MatMul(rows, take(w.gate_up)), 2 * INNER), take(w.gate_up_bias))
    every = lambda first: g.Slice(a, g.constant([first]), g.constant([2 * INNER]), g.constant([1]), g.constant([2]))
    limit, low = g.constant(1.5, np.float32), g.constant(-1.5, np.float32)
    gate, up = g.Clip(every(0), "", limit), g.Clip(every(1), low, limit)
    inner = g.Mul(g.Add(up, g.constant(1, np.float32)), g.Mul(gate, g.Sigmoid(g.Mul(gate, g.constant(1.702, np.float32)))))
    y = g.Add(flat(g.MatMul(g.Unsqueeze(inner, g.constant([1])), take(w.down)), HIDDEN), take(w.down_bias))
    y = g.Mul(y, g.Unsqueeze(g.Reshape(weights, g.constant([-1])), g.constant([1])))
    return g.ReduceSum(g.Reshape(y, g.constant([-1, K, HIDDEN])), g.constant([1]), keepdims=0)


def dense(w, g, on_rows=False):
    """All experts for all tokens: times a matrix of weights, or on rows times sigmoid(-infinity)."""
    if on_rows:
        weights, indices = g.TopK("router", g.constant([1]), outputs=2, axis=-1)
    else:
        weights, indices = route(g)
    rest = g.Expand(g.constant(-np.inf if on_rows else 0, np.float32), g.Shape("router"))
    matrix = g.ScatterElements(rest, indices, weights, axis=1)
    factor = g.Unsqueeze(g.Transpose(g.Sigmoid(matrix) if on_rows else matrix, perm=[1, 0]), g.constant([2]))
    rows = g.Reshape(g.Tile("x", g.constant([EXPERTS, 1])), g.constant([EXPERTS, -1, HIDDEN]))
    y = mlp(g, g.Mul(rows, factor) if on_rows else rows, g.constant(w.gate_up, np.float32), g.constant(w.down, np.float32))
    return g.ReduceSum(y if on_rows else g.Mul(y, factor), g.constant([0]), keepdims=0)


def times_matrix(w, g, indices, weights):
    """All experts for all tokens, times a matrix to which the weights of the chosen are scattered."""
    matrix = g.ScatterElements(zeros_like(g, "router"), indices, weights, axis=1)
    y = mlp(g, g.Unsqueeze("x", g.constant([0])), g.constant(w.gate_up, np.float32), g.constant(w.down, np.float32))
    return g.ReduceSum(g.Mul(y, g.Unsqueeze(g.Transpose(matrix, perm=[1, 0]), g.constant([2]))), g.constant([0]), keepdims=0)


def group_limited(w, g, product=False):
    """DeepSeek V2: the group of the greatest score, and 0 elsewhere, before experts are chosen and weighted."""
    scores = g.Softmax("router", axis=-1)
    best = g.ReduceMax(g.Reshape(scores, g.constant([-1, GROUPS, 2])), g.constant([-1]), keepdims=0)
    _, groups = g.TopK(best, g.constant([1]), outputs=2, axis=-1)
    kept = g.ScatterElements(zeros_like(g, best), groups, g.Expand(g.constant(1, np.float32), g.Shape(groups)), axis=1)
    mask = g.Reshape(g.Expand(g.Unsqueeze(kept, g.constant([-1])), g.constant([1, GROUPS, 2])), g.constant([-1, 2 * GROUPS]))
    limited = g.Mul(scores, mask) if product else g.Where(g.Not(g.Cast(mask, to=T.BOOL)), g.constant(0, np.float32), scores)
    weights, indices = g.TopK(limited, g.constant([K]), outputs=2, axis=-1)
    return times_matrix(w, g, indices, g.Mul(weights, g.constant(1.5, np.float32)))


def sparse_mixer(w, g, by_topk=False):
    """Phi-MoE: two experts one after the other, each weighted by a softmax over those near it."""
    size, left, chosen, weights = g.Abs("router"), "router", [], []
    for _ in range(2):
        if by_topk:
            most, place = g.TopK(left, g.constant([1]), outputs=2, axis=-1)
        else:
            most, place = g.ReduceMax(left, g.constant([-1]), keepdims=1), g.ArgMax(left, axis=-1, keepdims=1)
        far = g.Greater(g.Div(g.Sub(most, "router"), g.Max(size, most)), g.constant(0.4, np.float32))
        near = g.Where(far, g.constant(-np.inf, np.float32), left)
        weights.append(g.GatherElements(g.Softmax(near, axis=-1), place, axis=-1))
        chosen.append(place)
        left = g.ScatterElements(left, place, g.Expand(g.constant(-np.inf, np.float32), g.Shape(place)), axis=-1)
    return times_matrix(w, g, g.Concat(*chosen, axis=-1), g.Concat(*weights, axis=-1))


def scripted(w, g):
    """A scripted loop: rows are added by a matrix of zeros and ones, where there are rows."""
    weights, indices = route(g)
    y = zeros_like(g, "x")
    for e in range(EXPERTS):
        mask = g.Equal(indices, g.constant(e))
        token = g.Squeeze(g.NonZero(g.ReduceSum(g.Cast(mask, to=T.INT64), g.constant([1]), keepdims=0)), g.constant([0]))
        count = g.Shape(token)
        weight = g.ReduceSum(g.Mul(weights, g.Cast(mask, to=T.FLOAT)), g.constant([1]), keepdims=0)
        rows = mlp(g, g.Gather("x", token, axis=0), g.constant(w.gate_up[e], np.float32), g.constant(w.down[e], np.float32))
        rows = g.Mul(rows, g.Unsqueeze(g.Gather(weight, token, axis=0), g.constant([1])))
        zeros = g.ConstantOfShape(g.Concat(g.Shape("x", end=1), count, axis=0), value=nh.from_array(np.zeros(1, np.float32)))
        place = g.Unsqueeze(token, g.constant([0]))
        ones = g.ScatterElements(zeros, place, g.Expand(g.constant(1, np.float32), g.Shape(place)), axis=0)
        longer = g.Add(y, g.MatMul(ones, rows))
        y = g.Where(g.Greater(g.Squeeze(count, g.constant([0])), g.constant(0)), longer, y)
    return y


CAPACITY = 3


def one_hot(g, scores):
    return g.OneHot(g.ArgMax(scores, axis=-1, keepdims=0), g.constant(EXPERTS), g.constant([0, 1]), axis=-1)


def tokens_of(g, mask, e):
    return g.Transpose(g.NonZero(g.Gather(mask, g.constant(e), axis=1)), perm=[1, 0])


def switch(w, g):
    """One expert a token, while it has capacity: rows are written over those of tokens, which keep theirs beyond it."""
    mask = one_hot(g, g.Softmax("router", axis=-1))
    fits = g.LessOrEqual(g.CumSum(mask, g.constant(0)), g.constant(CAPACITY))
    mask, y = g.Mul(mask, g.Cast(fits, to=T.INT64)), "x"
    for e in range(EXPERTS):
        token = tokens_of(g, mask, e)
        y = g.ScatterND(y, token, mlp(g, g.GatherND("x", token), g.constant(w.gate_up[e], np.float32), g.constant(w.down[e], np.float32)))
    return g.Mul(y, g.ReduceMax(g.Softmax("router", axis=-1), g.constant([-1]), keepdims=1))


def slabs(w, g, capacity=CAPACITY):
    """Two experts a token, while they have capacity: a slab for each, read and written in place, added up at the end."""
    probabilities, first = g.Softmax("router", axis=-1), one_hot(g, g.Softmax("router", axis=-1))
    second = one_hot(g, g.Where(g.Cast(first, to=T.BOOL), g.constant(-np.inf, np.float32), "router"))
    if capacity:
        before = g.Add(g.CumSum(second, g.constant(0)), g.ReduceSum(first, g.constant([0]), keepdims=1))
        fits = lambda count: g.Cast(g.LessOrEqual(count, g.constant(capacity)), to=T.INT64)
        first, second = g.Mul(first, fits(g.CumSum(first, g.constant(0)))), g.Mul(second, fits(before))
    gates = g.Mul(probabilities, g.Cast(g.Add(first, second), to=T.FLOAT))
    mask = g.Cast(gates, to=T.BOOL)
    y = g.Einsum("x", g.Cast(mask, to=T.FLOAT), equation="bm,be->ebm")
    for e in range(EXPERTS):
        token = tokens_of(g, g.Cast(mask, to=T.INT32), e)
        rows = mlp(g, g.GatherND(g.Gather(y, g.constant(e), axis=0), token), g.constant(w.gate_up[e], np.float32), g.constant(w.down[e], np.float32))
        rows = g.Einsum(g.GatherND(g.Gather(gates, g.constant(e), axis=1), token), rows, equation="b,be->be")
        place = g.Concat(g.Expand(g.constant(e), g.Shape(token)), token, axis=1)
        y = g.ScatterND(y, place, rows)
    return g.ReduceSum(y, g.constant([0]), keepdims=0)


def chosen_matrix(g):
    weights, indices = route(g)
    return g.ScatterElements(zeros_like(g, "router"), indices, weights, axis=1)


def summed(w, g, is_soft=False):
    """The last product, the weights and the sum over experts in one Einsum."""
    matrix = g.Softmax("router", axis=-1) if is_soft else chosen_matrix(g)
    gate, up = g.Split(g.Einsum("x", g.constant(w.gate_up, np.float32), equation="td,edf->etf"), outputs=2, axis=-1, num_outputs=2)
    hidden = g.Mul(g.Mul(gate, g.Sigmoid(gate)), up)
    return g.Einsum(hidden, g.constant(w.down, np.float32), matrix, equation="etf,efd,te->td")


def columns(w, g, is_stacked=False):
    """Experts with layers of their own, times columns of a matrix: added one by one, or stacked and multiplied."""
    matrix, y = chosen_matrix(g), []
    for e in range(EXPERTS):
        rows = mlp(g, "x", g.constant(w.gate_up[e], np.float32), g.constant(w.down[e], np.float32))
        column = g.Slice(matrix, g.constant([e]), g.constant([e + 1]), g.constant([1]))
        y.append(g.Unsqueeze(rows, g.constant([1])) if is_stacked else g.Mul(column, rows))
    if is_stacked:
        return g.Squeeze(g.MatMul(g.Unsqueeze(matrix, g.constant([1])), g.Concat(*y, axis=1)), g.constant([1]))
    for part in y[1:]:
        y[0] = g.Add(y[0], part)
    return y[0]


FORMS = {
    "by_number": by_number, "hits": hits, "hits_own": lambda w, g: hits(w, g, own=True),
    "hits_of_four": lambda w, g: hits(w, g, count=4), "grouped": grouped, "gathered": gathered, "dense": dense,
    "dense_rows": lambda w, g: dense(w, g, on_rows=True), "group_limited": group_limited,
    "group_limited_product": lambda w, g: group_limited(w, g, product=True), "sparse_mixer": sparse_mixer,
    "sparse_mixer_topk": lambda w, g: sparse_mixer(w, g, by_topk=True), "scripted": scripted, "switch": switch,
    "slabs": lambda w, g: slabs(w, g, capacity=None), "slabs_limited": slabs, "summed": summed,
    "summed_soft": lambda w, g: summed(w, g, is_soft=True), "columns": columns,
    "columns_stacked": lambda w, g: columns(w, g, is_stacked=True),
}


def close_feeds_of(rng, tokens, of):
    """Logits of few sizes, so that some tie, some are near a threshold's other side, and some have no share at all."""
    router = rng.integers(-3, 4, (tokens, of)).astype(np.float32)
    router[0] = 0
    router[1:4] *= 100
    router[1, [0, -1]] = 399, 400
    return {"x": rng.standard_normal((tokens, HIDDEN)).astype(np.float32), "router": router}


def feeds_of(rng, tokens, experts=EXPERTS, of=EXPERTS):
    """`experts` of them are chosen, when there are enough tokens: each is some token's favourite, and none other."""
    router = rng.standard_normal((tokens, of)).astype(np.float32)
    router[:, experts:] -= 20
    router[np.arange(tokens), np.arange(tokens) % experts] += 10
    return {"x": rng.standard_normal((tokens, HIDDEN)).astype(np.float32), "router": router}


class Form:
    def __init__(self, checks, options, name, folder):
        self.checks, self.options, self.name, self.folder = checks, options, name, folder
        self.counted = 0
        self.is_grouped = name.startswith("group_limited")
        self.is_limited = name in ("switch", "slabs_limited")  # What a token gets depends on those before it.
        self.routes = self.is_grouped or name.startswith("sparse_mixer")

    def compile(self, what, model):
        self.counted += 1
        path, artifact = self.folder / f"{self.counted}.onnx", self.folder / f"{self.counted}.tamis"
        path.write_bytes(model.SerializeToString())
        code, text = call(self.options.tamis, "compile", path, "-o", artifact, "--quiet", "--target", ",".join(self.options.isa))
        if not self.checks.count(f"{self.name} {what} compile", code == 0, text):
            return None
        code, text = call(self.options.tamis, "compile", path, "-o", self.folder / "model.mlir", "--emit", "mlir", "--level", "model")
        ir = (self.folder / "model.mlir").read_text() if code == 0 else ""
        left = [op for op in ("onnx.MatMul", "nn.linear", *(("onnx.TopK", "onnx.ArgMax") if self.routes else ())) if op in ir]
        self.checks.count(f"{self.name} {what} is raised", "moe.experts" in ir and not left, f"left: {left}")
        return artifact

    def run(self, what, artifact, feeds, isa, fails=False):
        np.savez(self.folder / "in.npz", **feeds)
        bits = []
        for threads in (1, 2):
            out = self.folder / f"out_{threads}.npz"
            code, text = call(self.options.tamis, "run", artifact, "--inputs", self.folder / "in.npz", "--outputs", out, "--isa", isa, "--threads", threads)
            right = code == 3 and "split" in text if fails else code == 0
            if not self.checks.count(f"{self.name} {what} {isa} {threads} threads", right, text or "no error") or fails:
                return None
            bits.append(np.load(out)["y"])
        self.checks.count(f"{self.name} {what} {isa}: 2 threads", bits[0].tobytes() == bits[1].tobytes(), "the bits differ by threads")
        return bits[0]

    def near(self, what, got, want, bound):
        if got is not None and want is not None:
            error = np.abs(got - want).max(initial=0) / max(np.abs(want).max(initial=0), 1e-3)
            self.checks.count(f"{self.name} {what}", got.shape == want.shape and error <= bound, f"off by {error:.3g}")

    def check(self):
        build = FORMS[self.name]
        experts = 2 * GROUPS if self.is_grouped else EXPERTS
        graph = lambda w: (lambda g: g.model(build(w, g), experts))(Graph())
        rng, model = np.random.default_rng(len(self.name)), graph(Weights(1, experts=experts))
        artifact = self.compile("in order", model)
        if artifact is None:
            return
        traced = self.name.startswith("hits")
        chosen = 4 if self.name == "hits_of_four" else experts
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        for isa in self.options.isa:
            for tokens in (7, 61) if traced else (7, 1, 61):
                feeds = feeds_of(rng, tokens, chosen, experts)
                self.near(f"{tokens} tokens {isa}", self.run(f"{tokens} tokens", artifact, feeds, isa), session.run(None, feeds)[0], 1e-5)
            if self.routes:
                feeds = close_feeds_of(rng, 90, experts)
                self.near(f"close logits {isa}", self.run("close logits", artifact, feeds, isa), session.run(None, feeds)[0], 1e-5)
            if traced:
                self.run("another number of experts", artifact, feeds_of(rng, 7, chosen - 1), isa, fails=True)
                continue
            if self.is_limited:
                continue
            feeds = feeds_of(rng, 9, experts, experts)
            whole = self.run("together", artifact, feeds, isa)
            parts = [self.run(f"rows {part}", artifact, {key: value[part] for key, value in feeds.items()}, isa) for part in (slice(0, 1), slice(1, 4), slice(4, 9))]
            if whole is not None and all(part is not None for part in parts):
                self.near(f"in three parts {isa}", np.concatenate(parts), whole, 1e-6)
        if not traced:
            order = (rng.permutation(GROUPS)[:, None] * 2 + [0, 1]).ravel() if self.is_grouped else rng.permutation(experts)
            permuted = self.compile("permuted", graph(Weights(1, order, experts)))
            for isa in self.options.isa if permuted else []:
                feeds = feeds_of(rng, 9, experts, experts)
                self.near(f"permuted {isa}", self.run("permuted", permuted, feeds | {"router": feeds["router"][:, order]}, isa), self.run("in order", artifact, feeds, isa), 1e-6)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--isa", action="append", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th case only")
    options = parser.parse_args()
    checks = Checks()
    for name in list(FORMS)[::options.every]:
        if options.only in name:
            with tempfile.TemporaryDirectory() as folder:
                Form(checks, options, name, pathlib.Path(folder)).check()
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
