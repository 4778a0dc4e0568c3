#!/usr/bin/env python3
"""Writes a tiny BERT-like encoder as ONNX, with random weights: the model of the examples and of tests.

Inputs input_ids and attention_mask, int64 [batch, sequence]; outputs last_hidden_state, float32
[batch, sequence, hidden], and embedding, float32 [batch, hidden]: the mean over real tokens, at length 1.
Post-norm layers with GELU, opset 17, made with onnx.helper alone. Needs numpy and onnx.

examples/models/tiny-encoder.onnx was made by
    utils/make_tiny_encoder.py examples/models/tiny-encoder.onnx
"""
import argparse
import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Nodes and weights as they are added; every value is named after the layer that makes it."""

    def __init__(self, seed):
        self.nodes, self.weights, self.random = [], {}, np.random.default_rng(seed)

    def weight(self, name, array, dtype=np.float32):
        if name not in self.weights:
            self.weights[name] = numpy_helper.from_array(np.asarray(array, dtype), name)
        return name

    def normal(self, name, *shape):
        return self.weight(name, self.random.normal(0.0, 1.0 / math.sqrt(shape[0]), shape))

    def ints(self, *values):
        """A constant list of integers."""
        return self.weight("int_" + "_".join(str(v).replace("-", "m") for v in values), values, np.int64)

    def add(self, operator, name, inputs, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name + "_out"], name=name, **attributes))
        return name + "_out"

    def linear(self, name, x, rows, columns):
        product = self.add("MatMul", name + "/MatMul", [x, self.normal(name + ".weight", rows, columns)])
        bias = self.weight(name + ".bias", self.random.normal(0.0, 0.02, columns))
        return self.add("Add", name + "/Add", [bias, product])

    def layer_norm(self, name, x, hidden):
        scale = self.weight(name + ".weight", 1.0 + self.random.normal(0.0, 0.05, hidden))
        bias = self.weight(name + ".bias", self.random.normal(0.0, 0.05, hidden))
        return self.add("LayerNormalization", name, [x, scale, bias], axis=-1, epsilon=1e-12)

    def gelu(self, name, x):
        root = self.weight("sqrt_2", math.sqrt(2.0))
        erf = self.add("Erf", name + "/Erf", [self.add("Div", name + "/Div", [x, root])])
        twice = self.add("Mul", name + "/Mul", [x, self.add("Add", name + "/Add", [erf, self.weight("one", 1.0)])])
        return self.add("Mul", name + "/Mul_1", [twice, self.weight("half", 0.5)])


def attention(graph, name, x, bias, hidden, heads):
    """Multi-head attention with the additive mask `bias` [batch, 1, 1, sequence]."""
    size = hidden // heads
    split = graph.ints(0, 0, heads, size)
    parts = []
    for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
        rows = graph.linear(f"{name}/{part}", x, hidden, hidden)
        shaped = graph.add("Reshape", f"{name}/{part}/Reshape", [rows, split])
        parts.append(graph.add("Transpose", f"{name}/{part}/Transpose", [shaped], perm=order))
    query, key, value = parts
    product = graph.add("MatMul", f"{name}/scores", [query, key])
    scaled = graph.add("Div", f"{name}/scale", [product, graph.weight(f"sqrt_{size}", math.sqrt(size))])
    probabilities = graph.add("Softmax", f"{name}/Softmax", [graph.add("Add", f"{name}/mask", [scaled, bias])], axis=-1)
    mixed = graph.add("MatMul", f"{name}/context", [probabilities, value])
    rows = graph.add("Transpose", f"{name}/merge", [mixed], perm=[0, 2, 1, 3])
    return graph.add("Reshape", f"{name}/Reshape", [rows, graph.ints(0, 0, hidden)])


def make(options):
    graph, hidden = Graph(options.seed), options.hidden
    words = graph.add("Gather", "/embeddings/words",
                      [graph.normal("embeddings.words", options.vocabulary, hidden), "input_ids"])
    shape = graph.add("Shape", "/embeddings/Shape", ["input_ids"])
    length = graph.add("Gather", "/embeddings/length", [shape, graph.ints(1)])
    table = graph.normal("embeddings.positions", options.positions, hidden)
    positions = graph.add("Slice", "/embeddings/positions", [table, graph.ints(0), length, graph.ints(0)])
    x = graph.layer_norm("/embeddings/LayerNorm", graph.add("Add", "/embeddings/Add", [words, positions]), hidden)

    # 0 at real tokens, the lowest float at padding.
    mask = graph.add("Cast", "/mask/Cast", ["attention_mask"], to=TensorProto.FLOAT)
    inverse = graph.add("Sub", "/mask/Sub", [graph.weight("one", 1.0), mask])
    lowest = graph.weight("lowest", np.finfo(np.float32).min)
    bias = graph.add("Unsqueeze", "/mask/Unsqueeze",
                     [graph.add("Mul", "/mask/Mul", [inverse, lowest]), graph.ints(1, 2)])

    for layer in range(options.layers):
        name = f"/layer.{layer}"
        mixed = attention(graph, f"{name}/attention", x, bias, hidden, options.heads)
        mixed = graph.linear(f"{name}/attention/output", mixed, hidden, hidden)
        x = graph.layer_norm(f"{name}/attention/LayerNorm", graph.add("Add", f"{name}/attention/Add", [mixed, x]), hidden)
        inner = graph.gelu(f"{name}/gelu", graph.linear(f"{name}/up", x, hidden, 4 * hidden))
        outer = graph.linear(f"{name}/down", inner, 4 * hidden, hidden)
        x = graph.layer_norm(f"{name}/LayerNorm", graph.add("Add", f"{name}/Add", [outer, x]), hidden)
    graph.nodes.append(helper.make_node("Identity", [x], ["last_hidden_state"], name="/last_hidden_state"))

    weights = graph.add("Unsqueeze", "/pool/Unsqueeze", [mask, graph.ints(-1)])
    total = graph.add("ReduceSum", "/pool/sum", [graph.add("Mul", "/pool/Mul", [x, weights]), graph.ints(1)], keepdims=0)
    count = graph.add("Clip", "/pool/Clip", [graph.add("ReduceSum", "/pool/count", [weights, graph.ints(1)], keepdims=0),
                                             graph.weight("tiny", 1e-9)])
    mean = graph.add("Div", "/pool/Div", [total, count])
    norm = graph.add("ReduceL2", "/pool/norm", [mean], axes=[-1], keepdims=1)
    graph.nodes.append(helper.make_node("Div", [mean, norm], ["embedding"], name="/pool/normalize"))

    value = helper.make_tensor_value_info
    model = helper.make_model(
        helper.make_graph(
            graph.nodes, "tiny-encoder",
            [value(name, TensorProto.INT64, ["batch", "sequence"]) for name in ("input_ids", "attention_mask")],
            [value("last_hidden_state", TensorProto.FLOAT, ["batch", "sequence", hidden]),
             value("embedding", TensorProto.FLOAT, ["batch", hidden])],
            list(graph.weights.values())),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="make_tiny_encoder")
    onnx.checker.check_model(model, full_check=True)
    return model


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", help="the ONNX file to write")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--vocabulary", type=int, default=100)
    parser.add_argument("--positions", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    onnx.save(make(parser.parse_args()), parser.parse_args().output)


if __name__ == "__main__":
    main()
