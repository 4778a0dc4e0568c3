"""Builds BERT-like encoders as ONNX with onnx.helper alone: post-norm layers, GELU, mean pooling.

Inputs input_ids and attention_mask, int64 [batch, sequence]; outputs last_hidden_state, float32
[batch, sequence, hidden], and embedding, float32 [batch, hidden]: the mean over real tokens, at length 1.
Weights come from a function that maps a name of Hugging Face's BertModel to an array; those of linear layers
are [outputs, inputs] there. Serves make_tiny_encoder.py and export_minilm.py.
"""
import math

import numpy as np
from onnx import TensorProto

from onnx_graph import Graph


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
    weights = graph.unsqueeze("/pool/Unsqueeze", mask, -1)
    kept = graph.add("Mul", "/pool/Mul", [x, weights])
    total = graph.reduce("ReduceSum", "/pool/ReduceSum", kept, 1, keepdims=0)
    count = graph.reduce("ReduceSum", "/pool/ReduceSum", weights, 1, keepdims=0)
    count = graph.at_least("/pool/Clip", count, "least_count", 1e-9)
    mean = graph.add("Div", "/pool/Div", [total, count])
    norm = graph.reduce("ReduceL2", "/pool/ReduceL2", mean, -1)
    norm = graph.at_least("/pool/Clip", norm, "least_norm", 1e-12)
    return graph.add("Div", "/pool/Div", [mean, norm])


def build(weights, name, layers, hidden, heads, epsilon=1e-12):
    """The ONNX model, opset 17, of the weights that the function `weights` gives by name."""
    graph = Graph(weights)
    x = embed(graph, epsilon)
    # 0 at real tokens, the lowest float at padding.
    mask = graph.add("Cast", "/mask/Cast", ["attention_mask"], to=TensorProto.FLOAT)
    inverse = graph.add("Sub", "/mask/Sub", [graph.constant("one", 1.0), mask])
    lowest = graph.constant("lowest", np.finfo(np.float32).min)
    bias = graph.unsqueeze("/mask/Unsqueeze", graph.add("Mul", "/mask/Mul", [inverse, lowest]), 1, 2)
    for layer in range(layers):
        at = f"/encoder/layer/{layer}"
        mixed = attend(graph, f"{at}/attention", x, bias, hidden, heads)
        rows = graph.add("Add", f"{at}/attention/output/Add", [mixed, x])
        x = graph.layer_norm(f"{at}/attention/output/LayerNorm", rows, epsilon)
        inner = graph.gelu(f"{at}/intermediate/gelu", graph.linear(f"{at}/intermediate/dense", x))
        rows = graph.add("Add", f"{at}/output/Add", [graph.linear(f"{at}/output/dense", inner), x])
        x = graph.layer_norm(f"{at}/output/LayerNorm", rows, epsilon)
    graph.rename(graph.add("Identity", "/last_hidden_state", [x]), "last_hidden_state")
    graph.rename(pool(graph, x, mask), "embedding")
    inputs = [(i, TensorProto.INT64, ["batch", "sequence"]) for i in ("input_ids", "attention_mask")]
    outputs = [("last_hidden_state", TensorProto.FLOAT, ["batch", "sequence", hidden]),
               ("embedding", TensorProto.FLOAT, ["batch", hidden])]
    return graph.model(name, inputs, outputs)
