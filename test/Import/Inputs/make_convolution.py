"""Writes a model that its importer must refuse: make_convolution.py NAME FILE.onnx

A convolution or a pool of x f32[batch, 3, length], whose node is named 'window'.
"""
import sys

import numpy as np
from onnx import TensorProto as T
from onnx import helper, numpy_helper, save

WEIGHT = np.ones((4, 3, 3), np.float32)
# Operator, attributes, weights, and the length of x.
MODELS = {
    "bias": ("Conv", {}, [WEIGHT, np.ones((1,), np.float32)], "length"),
    "groups": ("Conv", {"group": 3}, [WEIGHT], "length"),
    "short": ("Conv", {}, [WEIGHT], 2),
    "large": ("Conv", {}, [np.ones((4, 3, 65), np.float32)], "length"),
    "unknown_size": ("Conv", {"auto_pad": "SAME_UPPER", "strides": [2]}, [WEIGHT], "length"),
    "kernel_shape": ("Conv", {"kernel_shape": [5]}, [WEIGHT], "length"),
    "pads": ("MaxPool", {"kernel_shape": [2], "pads": [3, 0]}, [], "length"),
    "ceil": ("AveragePool", {"kernel_shape": [2], "strides": [2], "pads": [1, 1], "ceil_mode": 1}, [], "length"),
    "indices": ("MaxPool", {"kernel_shape": [2]}, [], "length"),
}

kind, attributes, weights, length = MODELS[sys.argv[1]]
names = [f"w{i}" for i in range(len(weights))]
outputs = ["y", "places"] if sys.argv[1] == "indices" else ["y"]
graph = helper.make_graph(
    [helper.make_node(kind, ["x", *names], outputs, name="window", **attributes)], "graph",
    [helper.make_tensor_value_info("x", T.FLOAT, ["batch", 3, length])],
    [helper.make_tensor_value_info(name, T.FLOAT if name == "y" else T.INT64, ["batch", "channels", "windows"]) for name in outputs],
    [numpy_helper.from_array(weight, name) for name, weight in zip(names, weights)])
save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10), sys.argv[2])
