"""What is done to an exporter's ONNX file before it is committed. Serves the export scripts beside it."""
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

# Smaller ones stay float32: norms, biases, tables.
LARGE = 1024


def round_to_half(module):
    """Rounds the large weights of a PyTorch module to what float16 holds, as store_half will."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.numel() >= LARGE:
                half = parameter.half()
                if not torch.isfinite(half).all():
                    raise SystemExit(f"{name} has values that float16 does not hold")
                parameter.copy_(half.float())


def store_half(model):
    """Stores the large float32 weights as float16, each with a Cast to float32 before its uses: half the bytes on disk,
    arithmetic as it was."""
    graph, casts = model.graph, []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or np.prod(tensor.dims) < LARGE:
            continue
        name, values = tensor.name, numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + ".f16"))
        casts.append(helper.make_node("Cast", [name + ".f16"], [name], name=name + ".cast", to=TensorProto.FLOAT))
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)
    cast = {node.output[0] for node in casts}
    kept = [value for value in graph.value_info if value.name not in cast]
    del graph.value_info[:]
    graph.value_info.extend(kept)


def drop_notes(model):
    """Removes what the exporter notes beside the graph: stack traces with paths of the machine that it ran on."""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    model.doc_string = model.graph.doc_string = ""
    for thing in [*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output,
                  *model.graph.initializer]:
        del thing.metadata_props[:]
        thing.doc_string = ""


def rename_dimension(model, old, new):
    for value in [*model.graph.input, *model.graph.output, *model.graph.value_info]:
        for dimension in value.type.tensor_type.shape.dim:
            if dimension.dim_param == old:
                dimension.dim_param = new


def finish(path):
    """The exporter's file as it is committed, in its place."""
    model = onnx.load(path)
    drop_notes(model)
    store_half(model)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)
