#!/usr/bin/env python3
"""Compiles small quantised models and compares them with ONNX Runtime, or with numpy where it has no such form.

    quantization.py --tamis build/bin/tamis --isa x86-64-v3 [--isa x86-64-v4] [--only TEXT]

Each case is one operator or one chain, with weights large enough to be weights (above 1024 elements) and sizes that no
vector divides; many cases are one model. The last line counts the comparisons; the exit status is 1 when one failed.
"""
import argparse
import math
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime
from onnx import TensorProto as T
from onnx import compose
from onnx import helper as h
from onnx import numpy_helper as nh

MS = "com.microsoft"
RNG = np.random.default_rng(7)
CASES = {}
TOGETHER = 40  # cases in a model


def case(nodes, inputs, weights, reference=None, atol=1e-4):
    """Registers a model under the name of the function that calls this. `reference` gives the outputs for inputs; without
    one they are ONNX Runtime's."""
    name = sys._getframe(1).f_locals["name"]
    outputs = [h.make_tensor_value_info(each, T.UNDEFINED, None) for each in nodes[-1].output]
    for output in outputs:
        output.ClearField("type")
    feeds = [h.make_tensor_value_info(key, h.np_dtype_to_tensor_dtype(value.dtype), [None] * value.ndim)
             for key, value in inputs.items()]
    initializers = [value if isinstance(value, T) else nh.from_array(np.asarray(value), key) for key, value in weights.items()]
    graph = h.make_graph(nodes, "graph", feeds, outputs, initializers)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 21), h.make_opsetid(MS, 1)])
    model.ir_version = 10
    CASES[name] = model, inputs, reference, atol


def floats(*shape, scale=1.0):
    return (RNG.standard_normal(shape) * scale).astype(np.float32)


def codes(bits, signed, *shape):
    low = -(1 << (bits - 1)) if signed else 0
    kind = np.dtype(f"{'int' if signed else 'uint'}{max(bits, 8)}")
    return RNG.integers(low, low + (1 << bits), shape).astype(kind)


def pack(values, bits):
    """[..., n] of `bits` bits to [..., ceil(n * bits / 8)] bytes, lowest first."""
    per = 8 // bits
    padding = [(0, 0)] * (values.ndim - 1) + [(0, -values.shape[-1] % per)]
    groups = np.pad(values, padding).reshape(*values.shape[:-1], -1, per).astype(np.uint8)
    return np.bitwise_or.reduce(groups << (np.arange(per, dtype=np.uint8) * bits), axis=-1)


def nbits_cases():
    for bits in (2, 4, 8):
        for block, k, zeros, groups, bias in [(16, 80, None, False, False), (32, 100, "packed", False, True),
                                              (32, 96, "float", False, False), (128, 200, "packed", False, False),
                                              (32, 96, "packed", True, False), (32, 96, "none", True, True)]:
            name = f"nbits_{bits}_b{block}_k{k}_{zeros}{'_gidx' if groups else ''}{'_bias' if bias else ''}"
            n, blocks = 51, -(-k // block)
            q, scale = codes(bits, False, n, blocks * block), np.abs(floats(n, blocks, scale=0.1)) + 0.01
            weights = {"b": pack(q, bits).reshape(n, blocks, -1), "scales": scale}
            zero = np.full((n, blocks), float(1 << (bits - 1)), np.float32)
            if zeros == "packed":
                zero = codes(bits, False, n, blocks)
                weights["zp"] = pack(zero, bits)
            elif zeros == "float":
                zero = weights["zp"] = floats(n, blocks, scale=3)
            at = np.arange(k) // block
            if groups:
                at = RNG.permutation(at)
                weights["g"] = at.astype(np.int32)
            w = (q[:, :k].astype(np.float64) - zero[:, at]) * scale[:, at]
            if bias:
                weights["bias"] = floats(n)
            names = ["x", "b", "scales", "zp" if "zp" in weights else "", "g" if groups else "", "bias" if bias else ""]
            while not names[-1]:
                names.pop()
            node = h.make_node("MatMulNBits", names, ["y"], domain=MS, K=k, N=n, bits=bits, block_size=block)
            case([node], {"x": floats(2, 3, k)}, weights,
                 lambda x, w=w, bias=weights.get("bias", 0): x.astype(np.float64) @ w.T + bias)


    name = "nbits_half"
    q, scale = codes(4, False, 40, 64), np.abs(floats(40, 2, scale=0.1)).astype(np.float16)
    w = (q.astype(np.float64) - 8) * np.repeat(scale, 32, 1)
    node = h.make_node("MatMulNBits", ["x", "b", "scales"], ["y"], domain=MS, K=64, N=40, bits=4, block_size=32)
    case([node], {"x": floats(3, 64).astype(np.float16)}, {"b": pack(q, 4).reshape(40, 2, -1), "scales": scale},
         lambda x, w=w: (x.astype(np.float64) @ w.T).astype(np.float16), atol=3e-2)


def dequantized_weight_cases():
    for kind, bits, signed in [("i8", 8, True), ("u8", 8, False), ("i16", 16, True), ("u16", 16, False), ("i4", 4, True),
                               ("u4", 4, False), ("i32", 32, True)]:
        for form, axis, block in [("tensor", 1, 0), ("rows", 0, 0), ("columns", 1, 0), ("blocks", 0, 32), ("blocks1", 1, 16)]:
            if kind == "i32" and block:
                continue
            name = f"qdq_{kind}_{form}"
            k, n = 67, 53
            q = codes(min(bits, 16), signed, k, n).astype(np.int32 if bits == 32 else None or codes(bits if bits < 32 else 16, signed, 1).dtype)
            shape = {"tensor": (), "rows": (k,), "columns": (n,)}.get(form)
            if shape is None:
                shape = [k, n]
                shape[axis] = -(-shape[axis] // block)
            scale = np.abs(floats(*shape)).astype(np.float32) * np.float32(2.0 ** -min(bits, 16)) + np.float32(1e-5)
            zero = codes(min(bits, 16), signed, *shape).astype(q.dtype) if bits < 32 else None
            spread = lambda p: np.repeat(p, block, axis)[:k, :n] if block else p[:, None] if form == "rows" else p
            w = (q.astype(np.float64) - (0 if zero is None else spread(np.asarray(zero)).astype(np.float64))) * spread(np.asarray(scale))
            element = {"i4": T.INT4, "u4": T.UINT4}.get(kind)
            def stored(key, values):
                if element is None:
                    return nh.from_array(np.asarray(values), key)
                flat = np.asarray(values).reshape(-1) & 15
                return h.make_tensor(key, element, np.shape(values), pack(flat, 4).tobytes(), raw=True)
            weights = {"q": stored("q", q), "scale": scale}
            if zero is not None:
                weights["zp"] = stored("zp", zero)
            attributes = {"axis": axis} | ({"block_size": block} if block else {})
            nodes = [h.make_node("DequantizeLinear", ["q", "scale"] + (["zp"] if zero is not None else []), ["w"], **attributes),
                     h.make_node("MatMul", ["x", "w"], ["y"])]
            case(nodes, {"x": floats(5, k)}, weights, lambda x, w=w: x.astype(np.float64) @ w)
    for zero_point in (False, True):
        name = f"scaled_cast{'_zero' if zero_point else ''}"
        q, scale, zero = codes(8, True, 40, 48), np.abs(floats(1, 48)), codes(8, True, 1, 48)
        nodes = [h.make_node("Cast", ["q"], ["f"], to=T.FLOAT)]
        weights = {"q": q, "scale": scale}
        if zero_point:
            nodes += [h.make_node("Cast", ["zp"], ["z"], to=T.FLOAT), h.make_node("Sub", ["f", "z"], ["d"])]
            weights["zp"] = zero
        nodes += [h.make_node("Mul", ["d" if zero_point else "f", "scale"], ["w"]), h.make_node("MatMul", ["x", "w"], ["y"])]
        case(nodes, {"x": floats(2, 3, 40)}, weights, atol=1e-2)


# Products of u8 and i8 are compared with numpy's: where a CPU has no VNNI, ONNX Runtime's sums saturate at 16 bits.
def differences(values, zero):
    return values.astype(np.int64) - np.asarray(zero).astype(np.int64)


def quantised(values, zero):
    return np.clip(np.rint(values) + zero, 0, 255).astype(np.uint8)


def dynamic_product(x, w, ws, wz, bias, tail):
    low, high = min(x.min(), np.float32(0)), max(x.max(), np.float32(0))
    scale = (high - low) / np.float32(255)
    zero = np.clip(np.rint(-low / scale), 0, 255)
    q = np.clip(np.rint(x / scale) + zero, 0, 255).astype(np.int64)
    y = differences(q, zero) @ differences(w, wz) * (np.float64(scale) * ws)
    if tail:
        y += bias
    if tail == "bias_gelu_residual":
        y = x + y * 0.5 * (1 + np.vectorize(math.erf)(y / np.sqrt(2)))
    return y


def dynamic_cases():
    for kind, signed in (("i8", True), ("u8", False)):
        for form in ("tensor", "tensor_zero", "columns", "columns_zero"):
            for tail in ("", "bias", "bias_gelu_residual"):
                name = f"dynamic_{kind}_{form}{'_' + tail if tail else ''}"
                k, n = 37, 37
                shape = () if form.startswith("tensor") else (n,)
                weights = {"w": codes(8, signed, k, n), "ws": np.abs(floats(*shape)).astype(np.float32) * np.float32(0.01) + np.float32(1e-3),
                           "bias": floats(n)}
                operands = ["q", "w", "z"]
                if form.endswith("zero"):
                    weights["wz"] = codes(8, signed, *shape).reshape(shape)
                    operands.append("wz")
                nodes = [h.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
                         h.make_node("MatMulInteger", operands, ["i"]), h.make_node("Cast", ["i"], ["f"], to=T.FLOAT),
                         h.make_node("Mul", ["s", "ws"], ["both"]), h.make_node("Mul", ["f", "both"], ["y0"])]
                if tail:
                    nodes.append(h.make_node("Add", ["y0", "bias"], ["y1"]))
                if tail == "bias_gelu_residual":
                    nodes += [h.make_node("Gelu", ["y1"], ["y2"]), h.make_node("Add", ["x", "y2"], ["y3"])]

                def reference(x, w=weights["w"], ws=weights["ws"], wz=weights.get("wz", np.int8(0)), bias=weights["bias"], tail=tail):
                    return dynamic_product(x, w, ws, wz, bias, tail)

                case(nodes, {"x": floats(3, 7, k, scale=2)}, weights, reference)
    name = "dynamic_zeros"
    case([h.make_node("DynamicQuantizeMatMul", ["x", "w", "ws"], ["y"], domain=MS)], {"x": np.zeros((3, 40), np.float32)},
         {"w": codes(8, True, 40, 40), "ws": np.float32(0.1)})
    for operands in (["x", "w", "ws"], ["x", "w", "ws", "wz"], ["x", "w", "ws", "", "b"], ["x", "w", "ws", "wz", "b"]):
        for columns in (False, True):
            name = f"dqmm_{len(operands)}{'_columns' if columns else ''}{'_zero' if 'wz' in operands else ''}"
            shape = (33,) if columns else (1,)
            weights = {"w": codes(8, False, 48, 33), "ws": np.abs(floats(*shape)) * np.float32(0.1) + np.float32(0.01),
                       "wz": codes(8, False, *shape), "b": floats(33)}
            case([h.make_node("DynamicQuantizeMatMul", operands, ["y"], domain=MS)], {"x": floats(2, 5, 48)},
                 {key: value for key, value in weights.items() if key in operands}, atol=1e-3)
    name = "three_outputs"
    case([h.make_node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"])], {"x": floats(5, 300) + 1}, {})


def static_cases():
    """Rows of a given range. Their integers are summed up exactly, so little is left to differ."""
    for rows, signed_rows, element in (("u8", False, np.uint8), ("i8", True, np.int8)):
        for kind, signed in (("i8", True), ("u8", False)):
            for form in ("tensor", "columns_zero", "gemm", "gemm_columns_zero", "moved"):
                for tail in ("", "bias"):
                    name = f"static_{rows}_{kind}_{form}{'_' + tail if tail else ''}"
                    k, n, gemm = 67, 53, form.startswith("gemm")
                    shape = (n,) if "columns" in form else ()
                    w, wz = codes(8, signed, k, n), codes(8, signed, *shape).reshape(shape) if "zero" in form else None
                    ws = np.abs(floats(*shape)).astype(np.float32) * np.float32(0.01) + np.float32(1e-3)
                    s, z, bias = np.float32(0.0213), element(-11 if signed_rows else 117), floats(n)
                    weights = {"s": s, "z": z, "w": w.T.copy() if gemm else w, "ws": ws}
                    parts = ["w", "ws"]
                    if wz is not None:
                        weights["wz"] = wz
                        parts.append("wz")
                    moves = [h.make_node("Transpose", ["q"], ["t"], perm=[1, 0])] if form == "moved" else []
                    nodes = [h.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]), *moves,
                             h.make_node("DequantizeLinear", ["t" if moves else "q", "s", "z"], ["a"]),
                             h.make_node("DequantizeLinear", parts, ["d"], axis=0 if gemm else 1)]
                    if tail:
                        weights["b"] = bias
                    if gemm:
                        nodes.append(h.make_node("Gemm", ["a", "d", "b"] if tail else ["a", "d"], ["y"], transB=1))
                    else:
                        nodes.append(h.make_node("MatMul", ["a", "d"], ["y0" if tail else "y"]))
                        nodes += [h.make_node("Add", ["y0", "b"], ["y"])] if tail else []
                    low, high = (-128, 127) if signed_rows else (0, 255)

                    def reference(x, s=s, z=int(z), w=w, ws=ws, wz=wz, bias=bias, low=low, high=high, moved=bool(moves), tail=tail):
                        q = np.clip(np.rint(x / s) + np.float32(z), low, high).astype(np.float64) - z
                        weight = (w.astype(np.float64) - (0 if wz is None else wz.astype(np.float64))) * ws
                        return (q.T if moved else q) * np.float64(s) @ weight + (bias if tail else 0)

                    x = floats(*((k, 9) if moves else (9, k)), scale=2)
                    x.flat[:4] = [1e30, -1e30, np.inf, -np.inf]
                    case(nodes, {"x": x}, weights, reference)
    for signed in (True, False):
        name = f"static_qlinear_{'i8' if signed else 'u8'}_columns"
        kind = np.int8 if signed else np.uint8
        n = 1100  # So many zero points are no constant.
        weights = {"as": np.float32(0.02), "az": kind(20), "b": codes(8, signed, 48, n),
                   "bs": np.abs(floats(n)) * np.float32(0.01) + np.float32(1e-3), "bz": codes(8, signed, n),
                   "ys": np.float32(0.3), "yz": kind(10)}
        case([h.make_node("QLinearMatMul", ["a", "as", "az", "b", "bs", "bz", "ys", "yz"], ["y"])],
             {"a": codes(8, signed, 2, 6, 48)}, weights)


def operator_cases():
    edges = np.array([[-np.inf, -300, -0.5, 0.5, 1.5, 2.5, 127.5, 300, np.inf, 1e30]], np.float32)
    for kind, element in (("u8", np.uint8), ("i8", np.int8), ("u16", np.uint16), ("i16", np.int16)):
        name = f"quantize_edges_{kind}"
        case([h.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])], {"x": edges}, {"s": np.float32(1), "z": element(3)})
        name = f"quantize_columns_{kind}"
        case([h.make_node("QuantizeLinear", ["x", "s", "z"], ["y"], axis=1)], {"x": floats(7, 21, 3, scale=40)},
             {"s": np.abs(floats(21)) + np.float32(0.1), "z": codes(np.dtype(element).itemsize * 8, kind[0] == "i", 21)})
        name = f"quantize_blocks_{kind}"
        case([h.make_node("QuantizeLinear", ["x", "s"], ["q"], axis=1, block_size=8, output_dtype=h.np_dtype_to_tensor_dtype(np.dtype(element))),
              h.make_node("DequantizeLinear", ["q", "s"], ["y"], axis=1, block_size=8)], {"x": floats(7, 24, scale=9)},
             {"s": np.abs(floats(7, 3)) + np.float32(0.1)})
    for element, low, high in ((T.INT4, -8, 7), (T.UINT4, 0, 15)):
        name = f"quantize_4_bits_{low}"
        zero = h.make_tensor("z", element, [], bytes([3]), raw=True)
        nodes = [h.make_node("QuantizeLinear", ["x", "s", "z"], ["q"]), h.make_node("Transpose", ["q"], ["t"]),
                 h.make_node("DequantizeLinear", ["t", "s", "z"], ["y"])]
        case(nodes, {"x": edges}, {"s": np.float32(1), "z": zero},
             lambda x, low=low, high=high: (np.clip(np.rint(x) + 3, low, high) - 3).T)
    name = "quantize_nan"
    case([h.make_node("QuantizeLinear", ["x", "s", "z"], ["y"])], {"x": np.full((1, 40), np.nan, np.float32)},
         {"s": np.float32(1), "z": np.int8(3)}, lambda x: np.full((1, 40), -128, np.int8))
    for rows in (False, True):
        name = f"integer_to_float{'_rows' if rows else ''}"
        bs, bz, bias = np.abs(floats(20)) if rows else np.float32(0.1), codes(8, True, 20) if rows else np.int8(2), floats(20)
        case([h.make_node("MatMulIntegerToFloat", ["a", "b", "as", "bs", "az", "bz", "bias"], ["y"], domain=MS)],
             {"a": codes(8, False, 6, 48), "b": codes(8, True, 48, 20)},
             {"as": np.float32(0.02), "bs": bs, "az": np.uint8(120), "bz": bz, "bias": bias},
             lambda a, b, bs=bs, bz=bz, bias=bias: differences(a, 120) @ differences(b, bz) * (0.02 * np.float64(bs)) + bias, atol=1e-2)
    name = "integer_rows"
    a, b, az, bz = codes(8, False, 6, 48), codes(8, True, 48, 20), codes(8, False, 6), codes(8, True, 20)
    case([h.make_node("MatMulInteger", ["a", "b", "az", "bz"], ["y"])], {"a": a, "b": b}, {"az": az, "bz": bz},
         lambda a, b, az=az, bz=bz: (a.astype(np.int32) - az[:, None]) @ (b.astype(np.int32) - bz))
    for k in (1, 255, 256, 257, 700):
        name = f"integer_terms_{k}"
        a, b = (codes(1, False, 2, 3, 13, k) * 255).astype(np.uint8), (codes(1, False, 3, k, 19) * 255 - 128).astype(np.int8)
        a[:, :, 0], b[:, :, 0] = 255, -128  # the greatest sums
        case([h.make_node("MatMulInteger", ["a", "b", "az", "bz"], ["y"])], {"a": a, "b": b}, {"az": np.uint8(0), "bz": np.int8(127)},
             lambda a, b: a.astype(np.int32) @ (b.astype(np.int32) - 127))
    name = "integer_vectors"
    case([h.make_node("MatMulInteger", ["a", "b"], ["y"])], {"a": codes(8, True, 300), "b": codes(8, True, 300, 21)}, {},
         lambda a, b: a.astype(np.int32) @ b.astype(np.int32))
    name = "qlinear_matmul"
    b = codes(8, True, 48, 50)
    case([h.make_node("QLinearMatMul", ["a", "as", "az", "b", "bs", "bz", "ys", "yz"], ["y"])],
         {"a": codes(8, False, 3, 6, 48)}, {"as": np.float32(0.02), "az": np.uint8(120), "b": b,
         "bs": np.float32(0.01), "bz": np.int8(0), "ys": np.float32(0.3), "yz": np.uint8(100)},
         lambda a, b=b: quantised(differences(a, 120) @ differences(b, 0) * (0.02 * 0.01 / 0.3), 100))
    name = "qgemm"
    b, bs, c = codes(8, True, 50, 48), np.abs(floats(50)) * np.float32(0.02), codes(16, True, 50).astype(np.int32)
    case([h.make_node("QGemm", ["a", "as", "az", "b", "bs", "bz", "c", "ys", "yz"], ["y"], domain=MS, transB=1)],
         {"a": codes(8, False, 6, 48)}, {"as": np.float32(0.02), "az": np.uint8(120), "b": b, "bs": bs,
         "bz": codes(8, True, 50) * np.int8(0), "c": c, "ys": np.float32(0.3), "yz": np.uint8(100)},
         lambda a, b=b, bs=bs, c=c: quantised((differences(a, 120) @ differences(b, 0).T + c) * (0.02 / 0.3 * bs.astype(np.float64)), 100))
    for op in ("QLinearAdd", "QLinearMul"):
        name = op
        case([h.make_node(op, ["a", "as", "az", "b", "bs", "bz", "ys", "yz"], ["y"], domain=MS)],
             {"a": codes(8, True, 6, 48), "b": codes(8, True, 6, 48)}, {"as": np.float32(0.0213), "az": np.int8(12),
             "bs": np.float32(0.0117), "bz": np.int8(-3), "ys": np.float32(0.0371), "yz": np.int8(7)})
    name = "qlinear_concat"
    case([h.make_node("QLinearConcat", ["ys", "yz", "a", "as", "az", "b", "bs", "bz"], ["y"], domain=MS, axis=-1)],
         {"a": codes(8, False, 6, 48), "b": codes(8, False, 6, 5)}, {"as": np.float32(0.02), "az": np.uint8(120),
         "bs": np.float32(0.05), "bz": np.uint8(9), "ys": np.float32(0.031), "yz": np.uint8(77)})
    name = "qlinear_leaky_relu"
    unary = {"as": np.float32(0.02), "az": np.uint8(120), "ys": np.float32(0.031), "yz": np.uint8(77)}
    case([h.make_node("QLinearLeakyRelu", ["a", "as", "az", "ys", "yz"], ["y"], domain=MS, alpha=0.3)],
         {"a": codes(8, False, 6, 48)}, unary)
    name = "qlinear_reduce_mean"
    case([h.make_node("QLinearReduceMean", ["a", "as", "az", "ys", "yz"], ["y"], domain=MS, axes=[-1], keepdims=0)],
         {"a": codes(8, False, 6, 48)}, unary, lambda a: quantised(differences(a, 120).mean(-1) * (0.02 / 0.031), 77))
    name = "qlinear_where"
    case([h.make_node("QLinearWhere", ["c", "a", "as", "az", "b", "bs", "bz", "ys", "yz"], ["y"], domain=MS)],
         {"c": RNG.integers(0, 2, (6, 48)).astype(bool), "a": codes(8, False, 6, 48), "b": codes(8, False, 6, 48)},
         unary | {"bs": np.float32(0.05), "bz": np.uint8(9)})
    for groups in (1, 3, 9):
        name = f"qlinear_conv_{groups}"
        case([h.make_node("QLinearConv", ["a", "as", "az", "w", "ws", "wz", "ys", "yz", "b"], ["y"], group=groups, pads=[1, 1])],
             {"a": codes(8, False, 2, 9, 13)}, unary | {"w": codes(8, False, 18, 9 // groups, 3),
             "ws": np.abs(floats(1)) + np.float32(0.01), "wz": np.array([131], np.uint8), "ys": np.float32(0.4),
             "b": codes(8, True, 18).astype(np.int32)})
    for groups, pads in ((1, [0, 0]), (1, [1, 1]), (3, [1, 1]), (9, [1, 0])):
        name = f"conv_integer_{groups}_{pads[0]}"
        case([h.make_node("ConvInteger", ["a", "w", "az", "wz"], ["y"], group=groups, pads=pads)], {"a": codes(8, False, 2, 9, 13)},
             {"w": codes(8, False, 126, 9 // groups, 3), "az": np.uint8(120), "wz": np.uint8(131)})
    for name, mask, per_column in (("qattention", None, False), ("qattention_mask", "mask", False), ("qattention_columns", "mask", True)):
        shape = (144,) if per_column else (1,)
        weights = {"w": codes(8, False, 48, 144), "b": floats(144), "as": np.float32(0.02), "az": np.uint8(120),
                   "ws": np.abs(floats(*shape)) * np.float32(0.01) + np.float32(1e-3), "wz": codes(8, False, *shape)}
        operands = ["a", "w", "b", "as", "ws", mask or "", "az", "wz"]
        inputs = {"a": codes(8, False, 2, 7, 48)}
        if mask:
            inputs[mask] = np.array([[1] * 7, [1] * 4 + [0] * 3], np.int32)
        case([h.make_node("QAttention", operands, ["y"], domain=MS, num_heads=4)], inputs, weights, atol=1e-3)
    for segments in (False, True):
        name = f"qembed{'_segments' if segments else ''}"
        tables = {"word": 40, "place": 16, "segment": 2 if segments else 0, "gamma": 0, "beta": 0}
        weights, scales, zeros = {}, [], []
        for each, rows in tables.items():
            there = each != "segment" or segments
            if there:
                weights[each] = codes(8, False, rows, 48) if rows else codes(8, False, 48)
                weights[each + "_s"], weights[each + "_z"] = np.float32(0.02), np.uint8(100)
            scales.append(each + "_s" if there else "")
            zeros.append(each + "_z" if there else "")
        names = ["ids", "segments" if segments else "", "word", "place", "segment" if segments else "", "gamma", "beta", "mask"]
        inputs = {"ids": RNG.integers(0, 40, (2, 7)).astype(np.int32), "mask": np.ones((2, 7), np.int32)}
        if segments:
            inputs["segments"] = RNG.integers(0, 2, (2, 7)).astype(np.int32)
        case([h.make_node("QEmbedLayerNormalization", names + scales + zeros, ["y", "lengths"], domain=MS, epsilon=1e-5)],
             inputs, weights)
    for activation in ("Relu", "Tanh", "Sigmoid", "LeakyRelu"):
        name = f"fused_gemm_{activation}"
        case([h.make_node("FusedGemm", ["x", "w", "b"], ["y"], domain=MS, activation=activation, transA=0, transB=1,
                          alpha=0.5, beta=2.0, activation_alpha=0.3, activation_beta=0.0, activation_gamma=0.0)],
             {"x": floats(5, 48)}, {"w": floats(33, 48), "b": floats(33)})
    name = "gather_blocks"
    case([h.make_node("GatherBlockQuantized", ["table", "ids", "s", "z"], ["y"], domain=MS, bits=4, block_size=16, quantize_axis=1)],
         {"ids": np.array([[1, 39, 0], [7, 7, 2]], np.int64)}, {"table": pack(codes(4, False, 40, 64), 4), "s": np.abs(floats(40, 4)),
         "z": pack(codes(4, False, 40, 4), 4)})


def close(got, want, atol):
    if got.shape != want.shape:
        return f"shape {got.shape}, expected {want.shape}"
    if want.dtype == np.int32:
        return None if (got == want).all() else f"{(got != want).sum()} sums differ"
    if want.dtype.kind != "f":
        # A tie may fall to either side where ONNX Runtime multiplies in another order.
        off = np.abs(got.astype(np.int64) - want.astype(np.int64))
        return None if off.max(initial=0) <= 1 and (off != 0).mean() < 0.01 else f"{(off != 0).sum()} integers differ, by {off.max()}"
    difference = np.abs(got.astype(np.float64) - want)
    bound = atol + 1e-4 * np.abs(want)
    return None if (difference <= bound).all() else f"largest difference {difference.max():.3g}"


def call(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
    return result.returncode, (result.stdout + result.stderr).strip()


def merged(cases):
    """One model of many, since compiling costs more than all else, and what is fed to it. Names begin with the case's."""
    models = [compose.add_prefix(model, f"{name}/") for name, (model, *_) in cases]
    feeds = {f"{name}/{key}": value for name, (_, inputs, *_) in cases for key, value in inputs.items()}
    whole = models[0]
    for model in models[1:]:
        for field in ("node", "initializer", "input", "output"):
            getattr(whole.graph, field).extend(getattr(model.graph, field))
    return whole, feeds


def expected(model, inputs, reference):
    if reference:
        return [reference(*inputs.values())]
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def results(tamis, isa, cases):
    """What is wrong with each case, or None."""
    model, inputs = merged(cases)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        np.savez(folder / "in.npz", **inputs)
        code, text = call(tamis, "compile", folder / "model.onnx", "-o", folder / "m.tamis", "--quiet", "--target", isa)
        if code == 0:
            code, text = call(tamis, "run", folder / "m.tamis", "--inputs", folder / "in.npz", "--isa", isa, "--outputs",
                              folder / "out.npz")
        if code:
            return {name: text for name, _ in cases}
        got = dict(np.load(folder / "out.npz"))
    found = {}
    for name, (model, inputs, reference, atol) in cases:
        wants = expected(model, inputs, reference)
        texts = [close(got[f"{name}/{output.name}"], np.asarray(want), atol) for output, want in zip(model.graph.output, wants, strict=True)]
        found[name] = next(filter(None, texts), None)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--isa", action="append", required=True)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    for add in (nbits_cases, dequantized_weight_cases, dynamic_cases, static_cases, operator_cases):
        add()
    passed, failed = 0, 0
    cases = [case for case in CASES.items() if options.only in case[0]]
    for isa in options.isa:
        for first in range(0, len(cases), TOGETHER):
            for name, text in results(options.tamis, isa, cases[first:first + TOGETHER]).items():
                passed, failed = passed + (not text), failed + bool(text)
                if text:
                    print(f"{name} {isa}: {text}")
    print(f"{passed} passed, {failed} failed")
    return failed != 0 or passed == 0


sys.exit(main())
