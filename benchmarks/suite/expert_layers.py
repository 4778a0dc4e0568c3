"""Layers of experts alone, with random weights: the operators MoE and QMoE of com.microsoft, and a mixture that was
exported densely. Each is a model with the inputs x and router, and knows its result in f32."""
import dataclasses
import pathlib

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper, numpy_helper

from .random_moe_decoder import BLOCK, MS, Graph

BITS = {"f32": None, "int8": 8, "int4": 4}


@dataclasses.dataclass
class Layer:
    """`form` is the weights' precision in the operators MoE and QMoE, or "dense"."""

    key: str
    title: str
    form: str
    precisions: tuple
    tokens: tuple
    hidden: int = 1024
    inner: int = 512
    experts: int = 64
    chosen: int = 8
    path: pathlib.Path | None = None

    def inputs(self, tokens):
        rng = np.random.default_rng(tokens)
        floats = lambda columns: rng.standard_normal((tokens, columns)).astype(np.float32)
        return {"x": floats(self.hidden), "router": floats(self.experts)}

    def operations(self, tokens):
        """Additions and multiplications of the experts that tokens choose."""
        return 2 * tokens * self.chosen * 3 * self.hidden * self.inner


TOKENS = (1, 16, 128, 512)
LAYERS = {layer.key: layer for layer in (
    Layer("layer-f32", "MoE, f32", "f32", ("f32", "split-f32"), TOKENS),
    Layer("layer-int8", "QMoE, int8", "int8", ("int8",), TOKENS),
    Layer("layer-int4", "QMoE, int4", "int4", ("int4",), TOKENS),
    Layer("dense", "exported densely, f32", "dense", ("f32", "split-f32"), (128,), hidden=256, experts=16, chosen=2),
)}


def add_operator(graph, layer, rng):
    """One node of com.microsoft. fc1 has gate and up in turn, as swiglu_fusion 1 wants them."""
    bits, names = BITS[layer.form], ["x", "router"]
    for name, rows, columns in (("fc1", 2 * layer.inner, layer.hidden), ("fc2", layer.hidden, layer.inner)):
        shape = (layer.experts, rows, columns)
        if bits is None:
            weight = rng.standard_normal(shape, np.float32) / np.float32(np.sqrt(columns))
            names += [graph.constant(name, weight), ""]
        else:
            packed = rng.integers(0, 256, (*shape[:-1], columns * bits // 8), np.uint8)
            deviation = np.sqrt((4**bits - 1) / 12)  # of integers that are all as likely
            scale = np.full((*shape[:-1], columns // BLOCK), 1 / (deviation * np.sqrt(columns)))
            names += [graph.constant(name, packed, np.uint8), graph.constant(name + ".scales", scale), ""]
    attributes = {} if bits is None else {"expert_weight_bits": bits, "block_size": BLOCK}
    return graph.add("MoE" if bits is None else "QMoE", "/experts", names[:-1], domain=MS, k=layer.chosen,
                     activation_type="swiglu", swiglu_fusion=1, activation_alpha=1.0, activation_beta=0.0,
                     normalize_routing_weights=1, **attributes)


def add_dense(graph, layer, rng):
    """Every expert for every token, in standard operators: times a matrix of weights, zero where none was chosen."""
    g, count = graph, layer.experts
    floats = lambda name, rows, columns: g.constant(name, rng.standard_normal((count, rows, columns)) / np.sqrt(rows))
    softmax = g.add("Softmax", "/router/Softmax", ["router"], axis=-1)
    scores, indices = g.add_all("TopK", "/router/TopK", [softmax, g.ints(layer.chosen)], 2, axis=-1)
    weights = g.add("Div", "/router/Div", [scores, g.reduce("ReduceSum", "/router/Sum", scores, -1)])
    nothing = g.add("Expand", "/router/Nothing", [g.constant("zero", 0.0), g.add("Shape", "/router/Shape", ["router"])])
    matrix = g.add("ScatterElements", "/router/Matrix", [nothing, indices, weights], axis=1)
    factor = g.unsqueeze("/router/Factor", g.add("Transpose", "/router/Transpose", [matrix], perm=[1, 0]), 2)
    rows = g.add("Reshape", "/Rows", [g.add("Tile", "/Tile", ["x", g.ints(count, 1)]), g.ints(count, -1, layer.hidden)])
    gate = g.add("MatMul", "/gate", [rows, floats("gate", layer.hidden, layer.inner)])
    up = g.add("MatMul", "/up", [rows, floats("up", layer.hidden, layer.inner)])
    inner = g.add("Mul", "/Gated", [g.add("Mul", "/Silu", [gate, g.add("Sigmoid", "/Sigmoid", [gate])]), up])
    y = g.add("MatMul", "/down", [inner, floats("down", layer.inner, layer.hidden)])
    return g.reduce("ReduceSum", "/Sum", g.add("Mul", "/Weighted", [y, factor]), 0, keepdims=0)


def write(layer, path):
    graph, rng = Graph(None, 17), np.random.default_rng(0)
    graph.rename((add_dense if layer.form == "dense" else add_operator)(graph, layer, rng), "y")
    inputs = [("x", T.FLOAT, ["tokens", layer.hidden]), ("router", T.FLOAT, ["tokens", layer.experts])]
    model = graph.model(layer.key, inputs, [("y", T.FLOAT, ["tokens", layer.hidden])], ir_version=10)
    model.opset_import.append(helper.make_opsetid(MS, 1))
    onnx.save(model, path)


def make(layer, folder):
    """Finds or writes the ONNX file of a layer."""
    layer.path = folder / f"moe-{layer.key}.onnx"
    if not layer.path.exists():
        scratch = layer.path.with_suffix(".onnx.part")
        write(layer, scratch)
        scratch.rename(layer.path)


class Weights:
    """The numbers of a layer's file, an expert at a time: gate and up [hidden, inner], down [inner, hidden]."""

    def __init__(self, layer):
        self.layer = layer
        self.arrays = {value.name: numpy_helper.to_array(value) for value in onnx.load(layer.path).graph.initializer}

    def matrix(self, name, expert):
        array, bits = self.arrays[name][expert], BITS.get(self.layer.form)
        if bits is None:
            return array
        if bits == 4:
            array = np.stack([array & 15, array >> 4], -1).reshape(len(array), -1)
        return (array.astype(np.float32) - 2 ** (bits - 1)) * np.repeat(self.arrays[name + ".scales"][expert], BLOCK, -1)

    def of(self, expert):
        if self.layer.form == "dense":
            return [self.arrays[name][expert] for name in ("gate", "up", "down")]
        first = self.matrix("fc1", expert).T
        return first[:, 0::2], first[:, 1::2], self.matrix("fc2", expert).T


def reference(layer, inputs):
    """The layer's result with arithmetic in f32, by numpy."""
    x, router, weights = inputs["x"], inputs["router"], Weights(layer)
    chosen = np.argsort(-router, axis=1, kind="stable")[:, : layer.chosen]
    scores = np.exp(np.take_along_axis(router, chosen, 1))
    scores /= scores.sum(axis=1, keepdims=True)
    y = np.zeros_like(x)
    for expert in np.unique(chosen):
        rows, slots = np.nonzero(chosen == expert)
        gate, up, down = weights.of(expert)
        inner = x[rows] @ gate
        inner = inner / (1 + np.exp(-inner)) * (x[rows] @ up)
        y[rows] += scores[rows, slots][:, None] * (inner @ down)
    return y
