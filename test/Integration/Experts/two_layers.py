"""The model of the tests of profiles and of what is made by them: two layers of experts, a MoE of com.microsoft each."""
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

LAYERS = ("first", "second")


def build(weights, hidden, slots, activation):
    """x [tokens, hidden] -> first -> second_y. `weights` has <layer>_router, _w1 and _w2, and may have _bias of the
    router's logits and _b1; the nodes are <layer>/router and <layer>/experts."""
    nodes, current = [], "x"
    for layer in LAYERS:
        has_bias = f"{layer}_bias" in weights
        product = f"{layer}_product" if has_bias else f"{layer}_logits"
        nodes.append(h.make_node("MatMul", [current, f"{layer}_router"], [product], name=f"{layer}/router"))
        if has_bias:
            nodes.append(h.make_node("Add", [product, f"{layer}_bias"], [f"{layer}_logits"], name=f"{layer}/bias"))
        b1 = f"{layer}_b1" if f"{layer}_b1" in weights else ""
        inputs = [current, f"{layer}_logits", f"{layer}_w1", b1, f"{layer}_w2"]
        nodes.append(h.make_node("MoE", inputs, [f"{layer}_y"], domain="com.microsoft", name=f"{layer}/experts", k=slots,
                                 activation_type=activation, normalize_routing_weights=1))
        current = f"{layer}_y"
    rows = lambda name: h.make_tensor_value_info(name, T.FLOAT, ["tokens", hidden])
    graph = h.make_graph(nodes, "two_layers", [rows("x")], [rows(current)],
                         [nh.from_array(value, name) for name, value in weights.items()])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17), h.make_opsetid("com.microsoft", 1)])
    model.ir_version = 8
    return model
