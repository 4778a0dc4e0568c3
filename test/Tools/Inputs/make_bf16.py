"""Writes a model that moves bfloat16 about, its inputs and what it gives: make_bf16.py FOLDER

Clip, Expand, Abs and Neg, TopK, and a constant tensor that is added; all numbers are exact in bfloat16.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
BF16 = TensorProto.BFLOAT16


def bits(array):
    return (np.ascontiguousarray(array, np.float32).view(np.uint32) >> 16).astype(np.uint16)


def constant(name, array):
    array = np.asarray(array, np.float32)
    return helper.make_tensor(name, BF16, array.shape, array.flatten().tolist())


rows = 37
x = np.arange(-18, rows - 18, dtype=np.float32)[:, None]
added = np.array([[0.5, -1, 2, 64, -0.25, 8, 16]], np.float32)
nodes = [
    helper.make_node("Clip", ["x", "low", "high"], ["clipped"]),
    helper.make_node("Expand", ["clipped", "shape"], ["wide"]),
    helper.make_node("Add", ["wide", "added"], ["sum"]),
    helper.make_node("Abs", ["sum"], ["absolute"]),
    helper.make_node("Neg", ["absolute"], ["negative"]),
    helper.make_node("TopK", ["negative", "k"], ["top", "places"], axis=1),
]
graph = helper.make_graph(
    nodes, "bf16", [helper.make_tensor_value_info("x", BF16, ["rows", 1])],
    [helper.make_tensor_value_info("sum", BF16, ["rows", 7]), helper.make_tensor_value_info("top", BF16, ["rows", 2])],
    [constant("low", -6.5), constant("high", 12), constant("added", added),
     helper.make_tensor("shape", TensorProto.INT64, [2], [1, 7]), helper.make_tensor("k", TensorProto.INT64, [1], [2])])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, folder / "model.onnx")
total = np.clip(x, -6.5, 12) + added
np.savez(folder / "inputs.npz", x=bits(x))
np.savez(folder / "expected.npz", sum=bits(total), top=bits(-np.sort(np.abs(total), axis=1)[:, :2]))
