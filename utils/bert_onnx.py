"""Builds BERT-like encoders as ONNX with onnx.helper alone: post-norm layers, GELU, mean pooling.

Inputs input_ids and attention_mask, int64 [batch, sequence]; outputs last_hidden_state, float32
[batch, sequence, hidden], and embedding, float32 [batch, hidden]: the mean over real tokens, at length 1.
Weights come from a function that maps a name of Hugging Face's BertModel to an array; those of linear layers
are [outputs, inputs] there. Serves make_tiny_encoder.py and export_minilm.py.
"""
import math

import numpy as np
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """Nodes and weights as they are added; a value is named after the node that makes it."""

    def __init__(self, weights):
        self.source, self.nodes, self.constants = weights, [], {}

    def constant(self, name, array, dtype=np.float32):
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array, dtype), name)
        return name

    def weight(self, name):
        return self.constant(name, self.source(name))

    def ints(self, *values):
        """A constant list of integers."""
        return self.constant("int_" + "_".join(str(v).replace("-", "m") for v in values), values, np.int64)

    def add(self, operator, name, inputs, **attributes):
        self.nodes.append(helper.make_node(operator, inputs, [name + "_output"], name=name, **attributes))
        return name + "_output"

    def linear(self, name, x):
        weight = name.strip("/").replace("/", ".")
        matrix = self.constant(weight + ".weight", self.source(weight + ".weight").T)
        product = self.add("MatMul", name + "/MatMul", [x, matrix])
        return self.add("Add", name + "/Add", [self.weight(weight + ".bias"), product])

    def layer_norm(self, name, x, epsilon):
        weight = name.strip("/").replace("/", ".")
        inputs = [x, self.weight(weight + ".weight"), self.weight(weight + ".bias")]
        return self.add("LayerNormalization", name, inputs, axis=-1, epsilon=epsilon)

    def gelu(self, name, x):
        root = self.constant("sqrt_2", math.sqrt(2.0))
        erf = self.add("Erf", name + "/Erf", [self.add("Div", name + "/Div", [x, root])])
        twice = self.add("Mul", name + "/Mul", [x, self.add("Add", name + "/Add", [erf, self.constant("one", 1.0)])])
        return self.add("Mul", name + "/Mul_1", [twice, self.constant("half", 0.5)])


def embed(graph, epsilon):
    table = graph.weight("embeddings.word_embeddings.weight")
    words = graph.add("Gather", "/embeddings/word_embeddings", [table, "input_ids"])
    # Every token is of type 0.
    types = graph.constant("embeddings.token_type_0", graph.source("embeddings.token_type_embeddings.weight")[0])
    words = graph.add("Add", "/embeddings/Add", [words, types])
    length = graph.add("Gather", "/embeddings/length",
                       [graph.add("Shape", "/embeddings/Shape", ["input_ids"]), graph.ints(1)])
    table = graph.weight("embeddings.position_embeddings.weight")
    positions = graph.add("Slice", "/embeddings/Slice", [table, graph.ints(0), length, graph.ints(0)])
    rows = graph.add("Add", "/embeddings/Add_1", [words, positions])
    return graph.layer_norm("/embeddings/LayerNorm", rows, epsilon)


def attend(graph, name, x, bias, hidden, heads):
    """Multi-head attention with the additive mask `bias` [batch, 1, 1, sequence], output projection included."""
    size = hidden // heads
    parts = []
    for part, order in (("query", [0, 2, 1, 3]), ("key", [0, 2, 3, 1]), ("value", [0, 2, 1, 3])):
        rows = graph.linear(f"{name}/self/{part}", x)
        split = graph.add("Reshape", f"{name}/self/{part}/Reshape", [rows, graph.ints(0, 0, heads, size)])
        parts.append(graph.add("Transpose", f"{name}/self/{part}/Transpose", [split], perm=order))
    query, key, value = parts
    product = graph.add("MatMul", f"{name}/self/MatMul", [query, key])
    scaled = graph.add("Div", f"{name}/self/Div", [product, graph.constant("sqrt_head", math.sqrt(size))])
    masked = graph.add("Add", f"{name}/self/Add", [scaled, bias])
    probabilities = graph.add("Softmax", f"{name}/self/Softmax", [masked], axis=-1)
    mixed = graph.add("MatMul", f"{name}/self/MatMul_1", [probabilities, value])
    merged = graph.add("Transpose", f"{name}/self/Transpose", [mixed], perm=[0, 2, 1, 3])
    rows = graph.add("Reshape", f"{name}/self/Reshape", [merged, graph.ints(0, 0, hidden)])
    return graph.linear(f"{name}/output/dense", rows)


def pool(graph, x, mask):
    weights = graph.add("Unsqueeze", "/pool/Unsqueeze", [mask, graph.ints(-1)])
    kept = graph.add("Mul", "/pool/Mul", [x, weights])
    total = graph.add("ReduceSum", "/pool/ReduceSum", [kept, graph.ints(1)], keepdims=0)
    count = graph.add("ReduceSum", "/pool/ReduceSum_1", [weights, graph.ints(1)], keepdims=0)
    count = graph.add("Clip", "/pool/Clip", [count, graph.constant("least_count", 1e-9)])
    mean = graph.add("Div", "/pool/Div", [total, count])
    norm = graph.add("ReduceL2", "/pool/ReduceL2", [mean], axes=[-1], keepdims=1)
    norm = graph.add("Clip", "/pool/Clip_1", [norm, graph.constant("least_norm", 1e-12)])
    graph.nodes.append(helper.make_node("Div", [mean, norm], ["embedding"], name="/pool/Div_1"))


def build(weights, name, layers, hidden, heads, epsilon=1e-12):
    """The ONNX model, opset 17, of the weights that the function `weights` gives by name."""
    graph = Graph(weights)
    x = embed(graph, epsilon)
    # 0 at real tokens, the lowest float at padding.
    mask = graph.add("Cast", "/mask/Cast", ["attention_mask"], to=TensorProto.FLOAT)
    inverse = graph.add("Sub", "/mask/Sub", [graph.constant("one", 1.0), mask])
    lowest = graph.constant("lowest", np.finfo(np.float32).min)
    bias = graph.add("Unsqueeze", "/mask/Unsqueeze",
                     [graph.add("Mul", "/mask/Mul", [inverse, lowest]), graph.ints(1, 2)])
    for layer in range(layers):
        at = f"/encoder/layer/{layer}"
        mixed = attend(graph, f"{at}/attention", x, bias, hidden, heads)
        rows = graph.add("Add", f"{at}/attention/output/Add", [mixed, x])
        x = graph.layer_norm(f"{at}/attention/output/LayerNorm", rows, epsilon)
        inner = graph.gelu(f"{at}/intermediate/gelu", graph.linear(f"{at}/intermediate/dense", x))
        rows = graph.add("Add", f"{at}/output/Add", [graph.linear(f"{at}/output/dense", inner), x])
        x = graph.layer_norm(f"{at}/output/LayerNorm", rows, epsilon)
    graph.nodes.append(helper.make_node("Identity", [x], ["last_hidden_state"], name="/last_hidden_state"))
    pool(graph, x, mask)

    value = helper.make_tensor_value_info
    inputs = [value(i, TensorProto.INT64, ["batch", "sequence"]) for i in ("input_ids", "attention_mask")]
    outputs = [value("last_hidden_state", TensorProto.FLOAT, ["batch", "sequence", hidden]),
               value("embedding", TensorProto.FLOAT, ["batch", hidden])]
    body = helper.make_graph(graph.nodes, name, inputs, outputs, list(graph.constants.values()))
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
                             producer_name="tamis-utils")
