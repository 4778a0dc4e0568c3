"""Writes a product with a weight that holds NaN and infinity, and its input: make_int8.py FOLDER

With --check, compares y.npz beside them with what was multiplied; with --check 4, as weights of 4 bits allow.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = pathlib.Path(sys.argv[1])
random = np.random.default_rng(3)
x = random.standard_normal((5, 64)).astype(np.float32)
w = random.standard_normal((64, 48)).astype(np.float32)
w[3, 7], w[60, 33] = np.nan, -np.inf
if "--check" in sys.argv:
    y = np.load(folder / "y.npz")["y"]
    spoilt = np.isnan(y).all(axis=0)
    assert spoilt[[7, 33]].all() and np.isfinite(y[:, ~spoilt]).all(), y
    bound = 4 if sys.argv[-1] == "4" else 0.5
    assert np.abs(y - x @ w)[:, ~spoilt].max() < bound, np.abs(y - x @ w)[:, ~spoilt].max()
    sys.exit(print(f"{(~spoilt).sum()} columns agree, {spoilt.sum()} are NaN"))
folder.mkdir(parents=True, exist_ok=True)
graph = helper.make_graph(
    [helper.make_node("MatMul", ["x", "w"], ["y"])], "int8",
    [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 64])],
    [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 48])], [numpy_helper.from_array(w, "w")])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx")
np.savez(folder / "inputs.npz", x=x)
