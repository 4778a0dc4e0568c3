"""Writes models of one weight, y = x W, for each size of W: make_weights.py FOLDER NAME=ROWSxCOLUMNS...

Beside NAME.onnx: NAME.x, the floats of an input of three rows, and NAME.y, those of what it gives. A W of more than
64 MiB is a hole in a file beside, which takes no room there; x are numbers of its rows, and no values are written.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
random = np.random.default_rng(2)
for argument in sys.argv[2:]:
    name, size = argument.split("=")
    rows, columns = map(int, size.split("x"))
    if 4 * rows * columns > 64 << 20:
        with open(folder / f"{name}.bin", "wb") as data:
            data.truncate(4 * rows * columns)
        weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=(rows, columns),
                             data_location=TensorProto.EXTERNAL)
        weight.external_data.add(key="location", value=f"{name}.bin")
        node = helper.make_node("Gather", ["w", "x"], ["y"], name="/Gather")
        x_info = helper.make_tensor_value_info("x", TensorProto.INT64, ["n"])
    else:
        values = random.standard_normal((rows, columns), np.float32)
        weight = numpy_helper.from_array(values, "w")
        x = random.standard_normal((3, rows), np.float32)
        x.tofile(folder / f"{name}.x")
        node = helper.make_node("MatMul", ["x", "w"], ["y"], name="/MatMul")
        x_info = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", rows])
        (x.astype(np.float64) @ values).astype(np.float32).tofile(folder / f"{name}.y")
    y_info = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", columns])
    graph = helper.make_graph([node], name, [x_info], [y_info], [weight])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / f"{name}.onnx")
