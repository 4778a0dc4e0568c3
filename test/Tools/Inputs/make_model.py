"""Writes a small ONNX model, its inputs and what it computes: make_model.py FOLDER

y = relu(x W + b) for x of any batch and length. The expected outputs are numpy's, in double precision.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(1)
weight = random.standard_normal((8, 24), np.float32)
bias = random.standard_normal(24, np.float32)

nodes = [
    helper.make_node("MatMul", ["x", "weight"], ["product"], name="/layer/MatMul"),
    helper.make_node("Add", ["product", "bias"], ["sum"], name="/layer/Add"),
    helper.make_node("Relu", ["sum"], ["y"], name="/layer/Relu"),
]
graph = helper.make_graph(
    nodes,
    "layer",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", "seq", 8])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", "seq", 24])],
    [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(bias, "bias")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
onnx.checker.check_model(model)
onnx.save(model, folder / "model.onnx")
content = (folder / "model.onnx").read_bytes()
(folder / "cut.onnx").write_bytes(content[: len(content) // 2])
nodes[2].op_type, nodes[2].domain = "Frobnicate", "nowhere"
graph.node[2].CopyFrom(nodes[2])
model.graph.CopyFrom(graph)
model.opset_import.append(helper.make_opsetid("nowhere", 1))
onnx.save(model, folder / "unknown.onnx")

for index, shape in enumerate([(1, 1, 8), (2, 5, 8), (3, 130, 8)]):
    x = random.standard_normal(shape, np.float32)
    y = np.maximum(x.astype(np.float64) @ weight + bias, 0).astype(np.float32)
    np.savez(folder / f"inputs_{index}.npz", x=x)
    np.savez(folder / f"expected_{index}.npz", y=y)
