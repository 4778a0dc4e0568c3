"""Writes the small models of the import tests: make_models.py CASE FILE."""

import os
import sys

import numpy as np
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh
from onnx import save


def tensor(name, shape, elements=T.FLOAT):
    return h.make_tensor_value_info(name, elements, shape)


def model(nodes, inputs, outputs, initializers=(), opset=17, domains=(), functions=(), sparse=()):
    graph = h.make_graph(nodes, "graph", inputs, outputs, list(initializers), sparse_initializer=list(sparse))
    imports = [h.make_opsetid("", opset)] + [h.make_opsetid(domain, 1) for domain in domains]
    result = h.make_model(graph, opset_imports=imports, functions=list(functions))
    result.ir_version = 8
    return result


def floats(name, *shape):
    count = int(np.prod(shape))
    return nh.from_array(np.arange(count, dtype=np.float32).reshape(shape), name)


def integers(name, *values):
    return nh.from_array(np.array(values, dtype=np.int64), name)




def weights():
    typed = h.make_tensor("typed", T.FLOAT, [32], [0.5] * 32)
    half = nh.from_array(np.ones((4, 8), dtype=np.float16), "half")
    values = h.make_tensor("sparse", T.FLOAT, [2], [1.0, 2.0])
    sparse = h.make_sparse_tensor(values, h.make_tensor("indices", T.INT64, [2], [0, 33]), [5, 8])
    nodes = [
        h.make_node("MatMul", ["x", "w"], ["a"], name="product"),
        h.make_node("Constant", [], ["bias"], value=floats("", 32), name="constant"),
        h.make_node("Add", ["a", "bias"], ["b"]),
        h.make_node("Add", ["b", "typed"], ["c"]),
        h.make_node("Mul", ["c", "scale"], ["d"]),
        h.make_node("Reshape", ["d", "shape"], ["e"]),
        h.make_node("Cast", ["half"], ["f"], to=T.FLOAT),
        h.make_node("MatMul", ["e", "f8"], ["g"]),
        h.make_node("Transpose", ["f"], ["f8"]),
    ]
    nodes[7], nodes[8] = nodes[8], nodes[7]
    nodes.append(h.make_node("Concat", ["g", "sparse_t"], ["y"], axis=0))
    nodes.insert(9, h.make_node("Slice", ["sparse", "zero", "four"], ["sparse_t"], name="cut"))
    nodes[9].input[:] = ["sparse", "zero", "four", "one"]
    scale = nh.from_array(np.float32(2), "scale")
    return model(
        nodes,
        [tensor("x", [2, 24])],
        [tensor("y", None)],
        [floats("w", 24, 32), typed, half, scale, integers("shape", -1, 8), integers("zero", 0), integers("four", 4),
         integers("one", 1)],
        sparse=[sparse],
    )


def dimensions():
    nodes = [
        h.make_node("Shape", ["ids"], ["shape"]),
        h.make_node("Gather", ["shape", "one"], ["length"]),
        h.make_node("Unsqueeze", ["length", "axis"], ["lengths"]),
        h.make_node("Concat", ["minus", "lengths", "four"], ["to"], axis=0),
        h.make_node("Reshape", ["x", "to"], ["y"]),
    ]
    constants = [nh.from_array(np.int64(1), "one"), integers("axis", 0), integers("minus", -1), integers("four", 4)]
    inputs = [tensor("ids", ["batch", "sequence"], T.INT64), tensor("x", ["batch", "sequence", 2, 2])]
    return model(nodes, inputs, [tensor("y", ["batch", "sequence", 4])], constants)


def old_versions():
    nodes = [
        h.make_node("Squeeze", ["x"], ["a"], axes=[1]),
        h.make_node("Slice", ["a"], ["b"], starts=[1], ends=[3], axes=[-1]),
        h.make_node("Pad", ["b"], ["c"], pads=[0, 0, 0, 0, 1, 1], value=2.0),
        h.make_node("Clip", ["c"], ["d"], max=6.0),
        h.make_node("Softmax", ["d"], ["e"], axis=1),
        h.make_node("ReduceSum", ["e"], ["f"], axes=[-1], keepdims=0),
        h.make_node("Split", ["f"], ["g", "h"], axis=1, split=[1, 4]),
        h.make_node("Unsqueeze", ["g"], ["i"], axes=[0]),
        h.make_node("Dropout", ["h"], ["j"]),
        h.make_node("Sum", ["j", "g", "j"], ["k"]),
    ]
    return model(nodes, [tensor("x", ["n", 1, 4, 4])], [tensor("i", None), tensor("k", None)], opset=9)


def function():
    scale = h.make_node("Constant", [], ["factor"], name="factor")
    reference = scale.attribute.add()
    reference.name, reference.ref_attr_name, reference.type = "value_float", "factor", 1
    body = [scale, h.make_node("Mul", ["v", "factor"], ["w"], name="scale"), h.make_node("Erf", ["w"], ["out"])]
    scaled = h.make_function("own", "ScaledErf", ["v"], ["out"], body, [h.make_opsetid("", 17)], ["factor"])
    nodes = [h.make_node("ScaledErf", ["x"], ["y"], domain="own", name="layer", factor=0.5)]
    return model(nodes, [tensor("x", [2])], [tensor("y", [2])], domains=["own"], functions=[scaled])


def recursion():
    body = [h.make_node("F", ["v"], ["out"], domain="own")]
    own = h.make_function("own", "F", ["v"], ["out"], body, [h.make_opsetid("", 17), h.make_opsetid("own", 1)])
    nodes = [h.make_node("F", ["x"], ["y"], domain="own", name="start")]
    return model(nodes, [tensor("x", [2])], [tensor("y", [2])], domains=["own"], functions=[own])


def condition():
    squeeze = h.make_graph([h.make_node("Squeeze", ["x", "axis"], ["s"])], "then", [], [tensor("s", None)])
    keep = h.make_graph([h.make_node("Identity", ["x"], ["k"])], "else", [], [tensor("k", None)])
    nodes = [
        h.make_node("Shape", ["x"], ["shape"]),
        h.make_node("Gather", ["shape", "axis"], ["size"]),
        h.make_node("Equal", ["size", "axis"], ["is_one"]),
        h.make_node("If", ["is_one"], ["y"], then_branch=squeeze, else_branch=keep, name="choose"),
    ]
    return model(nodes, [tensor("x", ["n", 1])], [tensor("y", None)], [integers("axis", 1)])


def chosen():
    then = h.make_graph([h.make_node("Relu", ["x"], ["r"])], "then", [], [tensor("r", None)])
    other = h.make_graph([h.make_node("Identity", ["x"], ["k"])], "else", [], [tensor("k", None)])
    nodes = [h.make_node("If", ["c"], ["y"], then_branch=then, else_branch=other, name="choose")]
    return model(nodes, [tensor("x", ["n", 3]), tensor("c", [], T.BOOL)], [tensor("y", None)])


def loop_body(condition="keep", carried=None):
    nodes = [
        carried or h.make_node("Add", ["v", "step"], ["next"]),
        h.make_node("Cast", ["i"], ["number"], to=T.FLOAT),
        h.make_node("Mul", ["next", "number"], ["seen"]),
        h.make_node("ReduceMax", ["next"], ["most"], keepdims=0),
        h.make_node("Less", ["most", "bound"], ["below"]),
        h.make_node("Identity", ["c"], ["keep"]),
    ]
    inputs = [tensor("i", [], T.INT64), tensor("c", [], T.BOOL), tensor("v", None)]
    return h.make_graph(nodes, "body", inputs, [tensor(condition, [], T.BOOL), tensor("next", None), tensor("seen", None)])


def loop(body=None, trips="two"):
    nodes = [h.make_node("Loop", [trips, "", "x"], ["y", "all"], body=body or loop_body(), name="loop")]
    constants = [nh.from_array(np.int64(2), "two"), nh.from_array(np.float32(1), "step"), nh.from_array(np.float32(9), "bound")]
    return model(nodes, [tensor("x", ["n", 3]), tensor("trips", [], T.INT64)], [tensor("y", None), tensor("all", None)], constants)


def loop_condition():
    return loop(loop_body("below"))


def scan():
    body = h.make_graph([h.make_node("Add", ["v", "x_i"], ["next"]), h.make_node("Neg", ["next"], ["seen"])], "body",
                        [tensor("v", None), tensor("x_i", None)], [tensor("next", None), tensor("seen", None)])
    nodes = [h.make_node("Scan", ["x", "rows"], ["y", "all"], body=body, num_scan_inputs=1, scan_input_directions=[1],
                         scan_output_axes=[1], name="scan")]
    return model(nodes, [tensor("x", ["n"])], [tensor("y", None), tensor("all", None)], [floats("rows", 2, 1)])


def bad_control_flow():
    grow = h.make_node("Concat", ["v", "v"], ["next"], axis=0)
    forever = h.make_node("Loop", ["", "", "x"], ["f"], name="forever",
                          body=h.make_graph(loop_body("below").node, "body", loop_body().input, loop_body("below").output[:2]))
    cut = h.make_graph([h.make_node("Concat", ["x", "x"], ["r"], axis=0)], "then", [], [tensor("r", None)])
    keep = h.make_graph([h.make_node("Identity", ["x"], ["k"])], "else", [], [tensor("k", None)])
    body = h.make_graph([h.make_node("Add", ["v", "x_i"], ["next"])], "body", [tensor("v", None), tensor("x_i", None)], [tensor("next", None)])
    nodes = [
        h.make_node("Loop", ["trips", "", "x"], ["a", "a_all"], body=loop_body(), name="unknown_trips"),
        h.make_node("Loop", ["two", "", "x"], ["b", "b_all"], body=loop_body("below", grow), name="grows"),
        forever,
        h.make_node("If", ["go"], ["d"], then_branch=cut, else_branch=keep, name="shapes"),
        h.make_node("Scan", ["row", "x"], ["e"], body=body, num_scan_inputs=1, name="unknown_rows"),
    ]
    constants = [nh.from_array(np.int64(2), "two"), nh.from_array(np.float32(1), "step"), nh.from_array(np.float32(9), "bound"),
                 floats("row", 3)]
    inputs = [tensor("x", ["n", 3]), tensor("trips", [], T.INT64), tensor("go", [], T.BOOL)]
    return model(nodes, inputs, [tensor(name, None) for name in "abfde"], constants)


def contrib(op, given, outputs, name, **attributes):
    return h.make_node(op, given, outputs, domain="com.microsoft", name=name, **attributes)


def group_query():
    heads = {"num_heads": 4, "kv_num_heads": 2}
    nodes = [contrib("GroupQueryAttention", ["q", "k", "v", "pk", "pv", "last", "total", "", "", "", "", "sink"], ["y", "ky", "vy"],
                     "attention", local_window_size=3, **heads)]
    inputs = [tensor("q", ["b", "s", 64]), tensor("k", ["b", "s", 32]), tensor("v", ["b", "s", 32]),
              tensor("pk", ["b", 2, "p", 16]), tensor("pv", ["b", 2, "p", 16]), tensor("last", ["b"], T.INT32),
              tensor("total", [], T.INT32)]
    return model(nodes, inputs, [tensor(name, None) for name in ("y", "ky", "vy")], [floats("sink", 4)], domains=["com.microsoft"])


def bad_attention():
    query = ["q", "q", "q", "", "", "last", "total"]
    heads = {"num_heads": 4, "kv_num_heads": 4}
    nodes = [
        contrib("GroupQueryAttention", query, ["a"], "quantised", k_quant_type="PER_TENSOR", **heads),
        contrib("GroupQueryAttention", query, ["b"], "window_cache", sliding_window_cache=1, **heads),
        contrib("GroupQueryAttention", query + [""] * 9 + ["last"], ["c"], "chunks", **heads),
        contrib("GroupQueryAttention", query, ["d"], "no_tables", do_rotary=1, **heads),
        contrib("GroupQueryAttention", query, ["e"], "heads", num_heads=4, kv_num_heads=3),
        contrib("MultiHeadAttention", ["q", "q", "q", "", "", "", "", "", "last"], ["f"], "shared", num_heads=4),
        contrib("MultiHeadAttention", ["q", "q"], ["g"], "no_values", num_heads=4),
        contrib("Attention", ["q", "w"], ["i"], "turns", num_heads=4, do_rotary=1),
        contrib("Attention", ["q", "w"], ["j"], "columns", num_heads=4, qkv_hidden_sizes=[64, 64, 32]),
    ]
    inputs = [tensor("q", ["b", "s", 64]), tensor("last", ["b"], T.INT32), tensor("total", [], T.INT32)]
    return model(nodes, inputs, [tensor(name, None) for name in "abcdefgij"], [floats("w", 64, 192)], domains=["com.microsoft"])


def tensor_scatter():
    nodes = [
        h.make_node("TensorScatter", ["past", "new", "starts"], ["linear"]),
        h.make_node("TensorScatter", ["past", "new", "starts"], ["circular"], mode="circular"),
        h.make_node("TensorScatter", ["past", "new"], ["first"]),
    ]
    inputs = [tensor("past", ["b", 2, 8, 3]), tensor("new", ["b", 2, "s", 3]), tensor("starts", ["b"], T.INT64)]
    return model(nodes, inputs, [tensor(name, None) for name in ("linear", "circular", "first")], opset=24)


def bad_tensor_scatter():
    nodes = [
        h.make_node("TensorScatter", ["past", "new"], ["a"], name="batch", axis=0),
        h.make_node("TensorScatter", ["past", "new"], ["b"], name="ring", mode="ring"),
        h.make_node("TensorScatter", ["past", "new"], ["c"], name="too_long", axis=2),
        h.make_node("TensorScatter", ["past", "new"], ["d"], name="other_heads", axis=3),
        h.make_node("TensorScatter", ["past", "past", "new"], ["e"], name="float_indices"),
        h.make_node("TensorScatter", ["past", "past", "one"], ["f"], name="one_index"),
    ]
    inputs = [tensor("past", [3, 2, 8, 4]), tensor("new", [3, 2, 9, 4])]
    return model(nodes, inputs, [tensor(name, None) for name in "abcdef"], [integers("one", 1)], opset=24)


def unsupported():
    nodes = [
        h.make_node("Bernoulli", ["x"], ["a"], name="random"),
        h.make_node("Relu", ["a"], ["b"], name="behind"),
        h.make_node("StringNormalizer", ["b"], ["c"], name="strings"),
        h.make_node("BeamSearch", ["x"], ["d"], domain="com.microsoft", name="search"),
        h.make_node("Squeeze", ["x", "axes"], ["e"], name="squeeze"),
        h.make_node("SkipLayerNormalization", ["x", "x", "x"], ["f", "mean"], domain="com.microsoft", name="norm"),
        h.make_node("Relu", ["mean"], ["g"], name="reads_mean"),
    ]
    inputs = [tensor("x", ["n"]), tensor("axes", [1], T.INT64)]
    return model(nodes, inputs, [tensor("c", None), tensor("e", None)], domains=["com.microsoft"])


def octets(name, *shape, signed=False):
    count = int(np.prod(shape))
    return nh.from_array(np.arange(count).astype(np.int8 if signed else np.uint8).reshape(shape), name)


def bad_quantization():
    def nbits(name, weight, *others, **attributes):
        given = {"K": 64, "N": 8, "bits": 4, "block_size": 32} | attributes
        return h.make_node("MatMulNBits", ["x", weight, *others], [name], domain="com.microsoft", name=name, **given)

    nodes = [
        h.make_node("DequantizeLinear", ["q", "three"], ["a"], axis=1, name="per_axis"),
        h.make_node("DequantizeLinear", ["q", "one", "signed_zero"], ["b"], name="zero_type"),
        h.make_node("DequantizeLinear", ["q", "blocks"], ["c"], axis=1, block_size=16, name="block_count"),
        h.make_node("DequantizeLinear", ["q", "rows", "zeros"], ["d"], axis=0, name="zero_shape"),
        h.make_node("DequantizeLinear", ["q", "three"], ["e"], axis=2, name="axis"),
        h.make_node("MatMulInteger", ["q", "w", "zeros"], ["f"], name="row_zeros"),
        nbits("block_of_24", "b4", "scales", block_size=24),
        nbits("bits_of_3", "b4", "scales", bits=3),
        nbits("no_size", "b4", "scales", K=1 << 62),
        nbits("few_bytes", "q", "scales"),
        nbits("few_scales", "b4", "three"),
        nbits("few_zeros", "b4", "scales", "zeros"),
        nbits("group_9", "b4", "scales", "", "groups"),
    ]
    for node in nodes:
        node.output[0] = node.name
    initializers = [octets("q", 8, 64), octets("b4", 8, 2, 16), octets("w", 64, 4, signed=True), octets("zeros", 3),
                    octets("signed_zero", 1, signed=True), floats("one", 1), floats("three", 3), floats("blocks", 8, 5),
                    floats("rows", 8), floats("scales", 8, 2), nh.from_array(np.full(64, 9, np.int32), "groups")]
    return model(nodes, [tensor("x", ["n", 64])], [tensor(node.name, None) for node in nodes], initializers, opset=21,
                 domains=["com.microsoft"])


def quantized():
    nodes = [
        h.make_node("QLinearMatMul", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"], ["a"], name="qlinear"),
        h.make_node("DequantizeLinear", ["a", "ys", "yz"], ["b"], name="dequantize"),
        h.make_node("DynamicQuantizeMatMul", ["b", "w", "ws", "", "bias"], ["c"], domain="com.microsoft", name="dynamic"),
        h.make_node("MatMulNBits", ["c", "b4", "scales", "", "groups"], ["d"], domain="com.microsoft", name="nbits", K=64, N=8,
                    bits=4, block_size=32),
        h.make_node("DequantizeLinear", ["packed", "four"], ["p"], axis=1, block_size=16, name="int4"),
        h.make_node("MatMul", ["d", "p"], ["y"]),
        h.make_node("MatMulInteger", ["x", "wide", "xz", "wide_zeros"], ["z"], name="zeros"),
    ]
    packed = h.make_tensor("packed", T.INT4, [8, 64 * 5], bytes(8 * 32 * 5), raw=True)
    initializers = [octets("w", 64, 64, signed=True), octets("b4", 8, 2, 16), floats("scales", 8, 2), floats("bias", 64),
                    nh.from_array(np.arange(64).astype(np.int32) % 2, "groups"), packed, floats("four", 8, 20),
                    nh.from_array(np.float32(0.5), "xs"), nh.from_array(np.uint8(128), "xz"),
                    nh.from_array(np.float32(0.25), "ws"), nh.from_array(np.int8(0), "wz"),
                    nh.from_array(np.float32(2), "ys"), nh.from_array(np.uint8(3), "yz"),
                    octets("wide", 64, 1100, signed=True), nh.from_array(np.zeros(1100, np.int8), "wide_zeros")]
    return model(nodes, [tensor("x", ["n", 64], T.UINT8)], [tensor("y", None), tensor("z", None, T.INT32)], initializers, opset=21,
                 domains=["com.microsoft"])


def small():
    nodes = [
        h.make_node("Gather", ["w", "ids"], ["a"], name="embedding"),
        h.make_node("Gemm", ["a", "w"], ["b"], transB=1, name="product"),
        h.make_node("Constant", [], ["c"], value=nh.from_array(np.float32(0.5))),
        h.make_node("Mul", ["b", "c"], ["y"], name="scale"),
    ]
    return model(nodes, [tensor("ids", ["n"], T.INT64)], [tensor("y", ["n", 5])], [floats("w", 5, 4)])


def sparse_int4():
    """Eight values in four bytes."""
    values = h.make_tensor("s", T.INT4, [8], bytes(4), raw=True)
    sparse = h.make_sparse_tensor(values, h.make_tensor("indices", T.INT64, [8], range(0, 800, 100)), [8, 640])
    return model([h.make_node("DequantizeLinear", ["s", "one"], ["y"])], [], [tensor("y", None)], [floats("one")], opset=21,
                 sparse=[sparse])


def large_numbers():
    """Attributes that no integer holds, for operands that are integers."""
    nodes = [
        h.make_node("Pad", ["x"], ["a"], pads=[0, 1], value=1e30),
        h.make_node("Gemm", ["m", "m", "m"], ["b"], alpha=float("nan"), beta=float("-inf")),
    ]
    return model(nodes, [tensor("x", [2], T.INT64), tensor("m", [2, 2], T.INT64)],
                 [tensor("a", None, T.INT64), tensor("b", None, T.INT64)], opset=9)


def deep_functions():
    def call(i):
        return h.make_node(f"F{i}", ["x"], ["y"], domain="local") if i < 20000 else h.make_node("Relu", ["x"], ["y"])

    imports = [h.make_opsetid("", 17), h.make_opsetid("local", 1)]
    functions = [h.make_function("local", f"F{i}", ["x"], ["y"], [call(i + 1)], imports) for i in range(20000)]
    return model([call(0)], [tensor("x", [2])], [tensor("y", None)], domains=["local"], functions=functions)


def scalar_table():
    node = h.make_node("RotaryEmbedding", ["x", "ids", "table", "table"], ["y"], domain="com.microsoft", name="turn")
    return model([node], [tensor("x", [1, 2, 8]), tensor("ids", [1, 2], T.INT64), tensor("table", [])], [tensor("y", None)],
                 domains=["com.microsoft"])


def large_input():
    return model([h.make_node("Concat", ["x", "x"], ["y"], axis=0)], [tensor("x", [1 << 62])], [tensor("y", None)])


def unsorted():
    result = small()
    result.graph.node.insert(0, result.graph.node[1])
    del result.graph.node[2]
    return result


def cycle():
    return model([h.make_node("Add", ["x", "b"], ["a"], name="first"), h.make_node("Add", ["a", "x"], ["b"], name="second")],
                 [tensor("x", [4])], [tensor("b", [4])])


def mistyped_output():
    return model([h.make_node("Add", ["x", "x"], ["y"], name="sum")], [tensor("x", [4])], [tensor("y", [4], T.INT64)])


def mistyped_operands():
    return model([h.make_node("Add", ["x", "i"], ["y"], name="sum")], [tensor("x", [4]), tensor("i", [4], T.INT64)],
                 [tensor("y", [4])])


def twice():
    result = small()
    result.graph.node[1].output[0] = "a"
    return result


def broadcast():
    result = small()
    result.graph.initializer.append(floats("v", 3))
    result.graph.node[3].input[1] = "v"
    return result


def with_external(location, offset="0", length="80"):
    result = small()
    weight = result.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = T.EXTERNAL
    for key, value in [("location", location), ("offset", offset), ("length", length)]:
        if value is not None:
            weight.external_data.add(key=key, value=value)
    return result


def main():
    case, path = sys.argv[1:3]
    if case == "external":
        folder = os.path.dirname(os.path.abspath(path))
        made = with_external(*sys.argv[3:])
        data = np.arange(40, dtype=np.float32).tobytes()
        os.makedirs(os.path.join(folder, "sub"), exist_ok=True)
        for name in ["data.bin", "sub/data.bin", "linked.bin"]:
            with open(os.path.join(folder, name), "wb") as file:
                file.write(data)
        for link in ["symbolic.bin", "hard.bin", "pipe"]:
            if os.path.lexists(os.path.join(folder, link)):
                os.remove(os.path.join(folder, link))
        os.symlink("data.bin", os.path.join(folder, "symbolic.bin"))
        os.link(os.path.join(folder, "linked.bin"), os.path.join(folder, "hard.bin"))
        os.mkfifo(os.path.join(folder, "pipe"))
    else:
        made = globals()[case]()
    save(made, path)


main()
