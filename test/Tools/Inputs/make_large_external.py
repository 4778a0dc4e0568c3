"""Writes a model with its weights in a file of more than 4 GiB, most of it a hole: make_large_external.py FOLDER.

Weights lie before, across and behind bytes 2^31 and 2^32, and one at the very end. Beside model.onnx and weights.bin:
inputs.npz and expected.npz, computed here.
"""
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper

SIZE = 2**32 + 2**20


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    weights = {"first": ((16, 32), 4096), "across_2g": ((32, 32), 2**31 - 2048), "behind_2g": ((32, 24), 2**31 + 2**20),
               "across_4g": ((24, 24), 2**32 - 1024), "table": ((50, 24), 2**32 + 4096), "last": ((24,), SIZE - 96)}
    arrays, initializers = {}, []
    with open(folder / "weights.bin", "wb") as data:
        data.truncate(SIZE)
        for name, (shape, offset) in weights.items():
            arrays[name] = random.normal(0, 0.3, shape).astype(np.float32)
            data.seek(offset)
            data.write(arrays[name].tobytes())
            tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape, data_location=TensorProto.EXTERNAL)
            for key, value in (("location", "weights.bin"), ("offset", offset), ("length", arrays[name].nbytes)):
                tensor.external_data.add(key=key, value=str(value))
            initializers.append(tensor)
    nodes, value = [], "x"
    for name in ("first", "across_2g", "behind_2g", "across_4g"):
        nodes.append(helper.make_node("MatMul", [value, name], [name + "_product"], name=name))
        value = name + "_product"
    nodes += [helper.make_node("Gather", ["table", "ids"], ["rows"], name="rows", axis=0),
              helper.make_node("Add", [value, "rows"], ["sum"], name="sum"),
              helper.make_node("Add", ["sum", "last"], ["y"], name="y")]
    graph = helper.make_graph(
        nodes, "large", [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", 16]),
                         helper.make_tensor_value_info("ids", TensorProto.INT64, ["rows"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", 24])], initializers)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    x, ids = random.normal(0, 1, (7, 16)).astype(np.float32), random.integers(0, 50, 7)
    product = x
    for name in ("first", "across_2g", "behind_2g", "across_4g"):
        product = product @ arrays[name]
    np.savez(folder / "inputs.npz", x=x, ids=ids)
    np.savez(folder / "expected.npz", y=product + arrays["table"][ids] + arrays["last"])


main()
