"""Writes a model of three layers that have the same weights, stored three times: make_equal_weights.py FOLDER

Each layer has an input of its own; the third holds its matrix transposed.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(1)
weight = random.standard_normal((64, 48), np.float32)
bias = random.standard_normal(48, np.float32)

nodes, weights, inputs, outputs, arrays, expected = [], [], [], [], {}, {}
for i in range(3):
    transposed = i == 2
    nodes.append(helper.make_node("Gemm", [f"x{i}", f"weight{i}", f"bias{i}"], [f"y{i}"], transB=int(transposed)))
    weights.append(numpy_helper.from_array(weight.T.copy() if transposed else weight, f"weight{i}"))
    weights.append(numpy_helper.from_array(bias, f"bias{i}"))
    inputs.append(helper.make_tensor_value_info(f"x{i}", TensorProto.FLOAT, ["rows", 64]))
    outputs.append(helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, ["rows", 48]))
    arrays[f"x{i}"] = random.standard_normal((5, 64), np.float32)
    expected[f"y{i}"] = (arrays[f"x{i}"].astype(np.float64) @ weight + bias).astype(np.float32)
graph = helper.make_graph(nodes, "layers", inputs, outputs, weights)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, folder / "model.onnx")
np.savez(folder / "inputs.npz", **arrays)
np.savez(folder / "expected.npz", **expected)
