"""Writes small decoders with caches: make_decoder.py FOLDER SOURCE. model.onnx has a mask, no_mask.onnx has none,
unknown.onnx two inputs that may be ids."""
import pathlib
import sys

import onnx

folder = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(pathlib.Path(sys.argv[2]) / "utils"))
from decoder_onnx import Decoder, build  # noqa: E402

folder.mkdir(parents=True, exist_ok=True)
onnx.save(build(Decoder(layers=1)), folder / "model.onnx")
onnx.save(build(Decoder(layers=1, mask=False)), folder / "no_mask.onnx")

# Rows of the same table by two inputs, neither of which is called input_ids.
model = build(Decoder(layers=1))
second = onnx.helper.make_tensor_value_info("second", onnx.TensorProto.INT64, ["batch", "new"])
gather, *rest = model.graph.node
del model.graph.node[:]
also = onnx.helper.make_node("Gather", [gather.input[0], "second"], ["also"], name="/also")
first = onnx.helper.make_node("Gather", gather.input, ["alone"], name="/first")
both = onnx.helper.make_node("Add", ["alone", "also"], gather.output, name="/both")
model.graph.node.extend([also, first, both, *rest])
model.graph.input.append(second)
for node in model.graph.node:
    node.input[:] = ["first" if name == "input_ids" else name for name in node.input]
model.graph.input[0].name = "first"
onnx.save(model, folder / "unknown.onnx")
