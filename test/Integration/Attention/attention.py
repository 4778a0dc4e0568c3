#!/usr/bin/env python3
"""Compiles models of one attention or normalisation operator and compares them with ONNX Runtime.

    attention.py --tamis build/bin/tamis --isa x86-64-v3 [--only TEXT]

The operators are GroupQueryAttention, MultiHeadAttention, Attention and the normalisations of com.microsoft, and
Attention of ai.onnx, in the forms that their attributes and optional inputs and outputs select. All sizes but those of
heads are dynamic. The last line counts the comparisons; the exit status is 1 when one failed.
"""
import argparse
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
RNG = np.random.default_rng(11)
HEADS, GROUPS, SIZE = 4, 2, 32


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def ints(*values):
    return np.array(values, np.int32)


def case(name, op, inputs, outputs, *, domain=MS, weights=(), opset=21, rows=None, known=(), **attributes):
    """`inputs` by name, None where absent; those in `weights` are stored in the model, and the dimensions of those in
    `known` are static, as well as the last one of all. `rows` masks the rows of the first output that are compared."""
    names = [key if value is not None else "" for key, value in inputs.items()]
    while not names[-1]:
        names.pop()
    given = {key: np.asarray(value) for key, value in inputs.items() if value is not None}
    node = h.make_node(op, names, outputs, domain=domain, name="op", **attributes)
    mask = given.get("mask")
    if rows is None and mask is not None and mask.ndim == 2 and domain == MS and len(given) and next(iter(given.values())).shape[:2] == mask.shape:
        rows = mask > 0  # Rows of padding are not computed.
    kind = lambda value: h.np_dtype_to_tensor_dtype(value.dtype)
    # Heads and columns are known, as exporters write them; batches and lengths are not.
    static = {3: [2], 4: [1, 3], 5: [0, 2, 4] if op == "Attention" else [2, 3, 4]}

    def shape(key, value):
        if key in known:
            return list(value.shape)
        fixed = static.get(value.ndim, []) if value.dtype == np.float32 and key not in ("mask", "bias") else []
        return [size if i in fixed else f"{name}_{key}{i}" for i, size in enumerate(value.shape)]

    feeds = [h.make_tensor_value_info(key, kind(value), shape(key, value)) for key, value in given.items() if key not in weights]
    results = [h.make_tensor_value_info(key, T.INT32 if key == "mask_index" else T.FLOAT, None) for key in outputs if key]
    graph = h.make_graph([node], "graph", feeds, results, [nh.from_array(given[key], key) for key in weights])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset), h.make_opsetid(MS, 1)])
    model.ir_version = 10
    return name, model, {key: value for key, value in given.items() if key not in weights}, rows


def group_query(name, batch=2, new=5, past=0, lengths=None, total=None, room=None, packed=False, outputs=1, **more):
    """`lengths` of the sequences, `room` of the cache; without a cache when both are left out and `past` is 0."""
    total = total or past + new
    inputs = {key: floats(batch, new, count * SIZE) for key, count in (("q", HEADS), ("k", GROUPS), ("v", GROUPS))}
    if packed:
        inputs = {"q": floats(batch, new, (HEADS + 2 * GROUPS) * SIZE), "k": None, "v": None}
    cache = past or room is not None
    size = past if room is None else room
    inputs |= {"pk": floats(batch, GROUPS, size, SIZE) if cache else None, "pv": floats(batch, GROUPS, size, SIZE) if cache else None}
    lengths = np.array(lengths if lengths is not None else [total] * batch, np.int32)
    inputs |= {"lengths": lengths - 1, "total": np.array(total, np.int32), "cos": None, "sin": None, "positions": None,
               "bias": None, "sink": None}
    weights = []
    for key in ("cos", "sin", "positions", "bias", "sink"):
        if key in more:
            inputs[key] = more.pop(key)
            weights += [key] if key in ("cos", "sin", "sink") else []
    rows = None
    if total == new:
        rows = np.arange(new) < lengths[:, None]
    names = ["y", "pk_out", "pv_out", "qk"][:outputs if outputs > 1 else 3 if cache else 1]
    return case("gqa_" + name, "GroupQueryAttention", inputs, names, weights=weights, rows=rows, num_heads=HEADS,
                kv_num_heads=GROUPS, **more)


def group_query_cases():
    angles = np.arange(32)[:, None] / 100.0 ** (np.arange(SIZE // 2) / SIZE)
    turn = {"do_rotary": 1, "cos": np.cos(angles).astype(np.float32), "sin": np.sin(angles).astype(np.float32)}
    half = turn | {"cos": turn["cos"][:, :8].copy(), "sin": turn["sin"][:, :8].copy()}
    yield group_query("prompt")
    yield group_query("prompt_empty_cache", room=0)
    yield group_query("decode", new=1, past=6)
    yield group_query("chunk", batch=1, new=3, past=6)
    yield group_query("ragged_prompt", lengths=[5, 3], room=0, **turn)
    yield group_query("ragged_decode", new=1, past=6, lengths=[7, 5], **turn)
    yield group_query("room_prompt", room=16)
    yield group_query("room_decode", new=1, past=6, room=16, **turn)
    yield group_query("packed", packed=True)
    yield group_query("packed_decode", packed=True, new=1, past=4, **turn)
    yield group_query("rotary", **turn)
    yield group_query("rotary_interleaved", rotary_interleaved=1, **turn)
    yield group_query("rotary_part", new=1, past=3, **half)
    yield group_query("rotary_chunk", batch=1, new=3, past=6, **turn)
    yield group_query("positions", batch=1, new=3, past=6, positions=np.array([[6, 7, 8]], np.int64), **turn)
    for window in (1, 3, 100):
        yield group_query(f"window_{window}", new=7, local_window_size=window)
    yield group_query("window_decode", new=1, past=9, local_window_size=4)
    yield group_query("scale", scale=0.3)
    yield group_query("softcap", softcap=1.5)
    yield group_query("bias", bias=floats(1, 1, 5, 5), softcap=1.5)
    yield group_query("bias_heads", batch=2, new=1, past=4, bias=floats(2, HEADS, 1, 5))
    yield group_query("smooth", smooth_softmax=1)
    yield group_query("smooth_decode", new=1, past=4, smooth_softmax=1, **turn)
    yield group_query("sink", sink=floats(HEADS))
    yield group_query("sink_window", batch=1, new=3, past=6, sink=floats(HEADS), local_window_size=2, softcap=2.0, bias=floats(1, 1, 3, 9))
    yield group_query("all_keys", causal=0)
    yield group_query("scores", qk_output=1, outputs=4, softcap=1.5, room=0)
    yield group_query("weights", qk_output=2, outputs=4, room=0)


def multi_head_cases():
    width = HEADS * SIZE
    row = lambda n, batch=2: floats(batch, n, width)
    heads = lambda n, size=SIZE: floats(2, HEADS, n, size)

    def mha(name, query, key, value, outputs=("y",), weights=(), **more):
        inputs = {"q": query, "k": key, "v": value}
        inputs |= {each: more.pop(each, None) for each in ("b", "mask", "bias", "pk", "pv")}
        weights = ["b"] if inputs["b"] is not None else []
        return case("mha_" + name, "MultiHeadAttention", inputs, list(outputs), weights=weights, num_heads=HEADS, **more)

    yield mha("self", row(5), row(5), row(5))
    yield mha("cross", row(5), row(7), row(7))
    yield mha("cross_heads", row(5), heads(7), heads(7))
    yield mha("cross_heads_bias", row(5), heads(7), heads(7), b=floats(3 * width))
    yield mha("values_wider", row(5), row(7), floats(2, 7, HEADS * 12), b=floats(2 * width + HEADS * 12))
    # ONNX Runtime has these on other devices only: beside the same numbers, not packed.
    apart = lambda x, i: np.ascontiguousarray(x[:, :, :, i].reshape(2, -1, width))
    packed, pairs, query = floats(2, 5, HEADS, 3, SIZE), floats(2, 7, HEADS, 2, SIZE), row(5)
    yield *mha("packed", packed, None, None), mha("", *(apart(packed, i) for i in range(3)))
    yield *mha("packed_keys", query, pairs, None), mha("", query, *(apart(pairs, i) for i in range(2)))
    yield mha("bias", row(5), row(5), row(5), b=floats(3 * width))
    yield mha("scale", row(5), row(5), row(5), scale=0.2)
    yield mha("causal", row(5), row(5), row(5), unidirectional=1)
    yield mha("lengths", row(5), row(7), row(7), mask=ints(7, 4))
    yield mha("lengths_3", row(5), row(7), row(7), mask=ints(7, 4, 0, 5, 10, 0, 7, 14))
    yield mha("mask", row(5), row(7), row(7), mask=ints([1] * 7, [1] * 4 + [0] * 3))
    yield mha("mask_filter", row(5), row(7), row(7), mask=ints([1] * 7, [1] * 4 + [0] * 3), mask_filter_value=-2.0)
    yield mha("mask_3d", row(5), row(7), row(7), mask=RNG.integers(0, 2, (2, 5, 7)).astype(np.int32))
    yield mha("mask_causal", row(5), row(5), row(5), mask=ints([0, 1, 1, 1, 1], [1] * 5), unidirectional=1)
    yield mha("attention_bias", row(5), row(7), row(7), bias=floats(1, HEADS, 5, 7))
    yield mha("past", row(3), row(3), row(3), pk=heads(4), pv=heads(4), outputs=("y", "present_k", "present_v"))
    yield mha("past_causal", row(3), row(3), row(3), pk=heads(4), pv=heads(4), unidirectional=1,
              mask=ints([1] * 7, [0] + [1] * 6), bias=floats(2, 1, 3, 7), outputs=("y", "present_k", "present_v"))
    yield mha("scores", row(5), row(7), row(7), mask=ints([1] * 7, [1] * 4 + [0] * 3), mask_filter_value=-3.0,
              outputs=("y", "present_k", "present_v", "qk"))


def projected_cases():
    hidden, width = 24, HEADS * SIZE

    def attention(name, tokens=5, columns=3 * width, outputs=("y",), **more):
        inputs = {"x": floats(2, tokens, hidden), "w": floats(hidden, columns) * np.float32(0.3)}
        inputs |= {each: more.pop(each, None) for each in ("b", "mask", "past", "bias")}
        weights = ["w"] + (["b"] if inputs["b"] is not None else [])
        return case("attention_" + name, "Attention", inputs, list(outputs), weights=weights, num_heads=HEADS, **more)

    yield attention("plain")
    yield attention("bias", b=floats(3 * width))
    yield attention("causal", b=floats(3 * width), unidirectional=1)
    yield attention("scale", scale=0.7)
    yield attention("sizes", columns=2 * width + 12 * HEADS, qkv_hidden_sizes=[width, width, 12 * HEADS])
    yield attention("lengths", mask=ints(5, 3))
    yield attention("ends_and_begins", mask=ints(5, 4, 0, 2))
    yield attention("lengths_3", mask=ints(5, 3, 0, 5, 10, 0, 5, 10))
    yield attention("mask", mask=ints([1] * 5, [0, 1, 1, 0, 0]))
    yield attention("mask_all", mask=ints([0] * 5, [1] * 5))
    yield attention("mask_causal", mask=ints([0, 1, 1, 1, 1], [1] * 5), unidirectional=1)
    yield attention("mask_3d", mask=RNG.integers(0, 2, (2, 5, 5)).astype(np.int32))
    yield attention("mask_filter", mask=ints([1] * 5, [0, 1, 1, 0, 0]), mask_filter_value=-1.0)
    yield attention("attention_bias", bias=floats(1, HEADS, 5, 5))
    yield attention("past", tokens=3, past=floats(2, 2, HEADS, 4, SIZE), outputs=("y", "present"))
    yield attention("past_causal", tokens=3, past=floats(2, 2, HEADS, 4, SIZE), unidirectional=1, outputs=("y", "present"),
                    mask=ints([1] * 7, [1] * 5 + [0] * 2))
    yield attention("present", outputs=("y", "present"))


def standard_cases():
    for opset in (23, 24):
        def attention(name, inputs, outputs, **more):
            inputs = dict(zip(("q", "k", "v", "mask", "pk", "pv", "valid"), inputs))
            return case(f"attention{opset}_{name}", "Attention", inputs, outputs, domain="", opset=opset, known=("mask",), **more)

        heads = lambda n, count=GROUPS: floats(2, count, n, SIZE)
        flat = lambda n, count=GROUPS: floats(2, n, count * SIZE)
        mask = floats(5, 7)
        mask[1, 2:] = -np.inf
        for mode in range(4):
            yield attention(f"scores_{mode}", (heads(5, HEADS), heads(7), heads(7), mask), ["y", "", "", "qk"], softcap=1.5,
                            qk_matmul_output_mode=mode)
            yield attention(f"scores_flat_{mode}", (flat(5, HEADS), flat(7), flat(7), mask > 0), ["y", "", "", "qk"],
                            q_num_heads=HEADS, kv_num_heads=GROUPS, qk_matmul_output_mode=mode)
        yield attention("scores_causal_past", (heads(3, HEADS), heads(3), heads(3), None, heads(4), heads(4)),
                        ["y", "present_k", "present_v", "qk"], is_causal=1, qk_matmul_output_mode=3)
        yield attention("scores_causal", (heads(5), heads(5), heads(5)), ["y", "", "", "qk"], is_causal=1, qk_matmul_output_mode=3,
                        scale=0.3)


def norm_cases():
    gamma, beta, bias = floats(20), floats(20), floats(20)
    yield case("simplified", "SimplifiedLayerNormalization", {"x": floats(2, 5, 20), "g": gamma}, ["y", "inv"], domain="",
               weights=["g"], axis=-1, epsilon=1e-3)
    for rank, skip in ((3, (2, 5, 20)), (3, (1, 5, 20)), (3, (5, 20)), (2, (10, 20))):
        x = floats(2, 5, 20) if rank == 3 else floats(10, 20)
        for form in ("plain", "beta", "bias"):
            yield case(f"skip_{form}_{len(skip)}d_{skip[0]}", "SkipLayerNormalization",
                       {"x": x, "s": floats(*skip), "g": gamma, "beta": beta if form != "plain" else None, "b": bias if form == "bias" else None},
                       ["y", "", "", "sum"], weights=["g"] + ["beta"] * (form != "plain") + ["b"] * (form == "bias"), epsilon=1e-4)
        yield case(f"skip_simplified_{len(skip)}d_{skip[0]}", "SkipSimplifiedLayerNormalization", {"x": x, "s": floats(*skip), "g": gamma, "b": bias},
                   ["y", "", "", "sum"], weights=["g", "b"])
    ids, table = lambda n, *shape: RNG.integers(0, n, shape).astype(np.int32), lambda n: floats(n, 20)
    for form in ("plain", "mask", "no_segments", "positions"):
        inputs = {"ids": ids(9, 2, 5), "segments": None if form == "no_segments" else ids(2, 2, 5), "word": table(9), "place": table(6),
                  "segment": None if form == "no_segments" else table(2), "g": gamma, "beta": beta,
                  "mask": ints([1] * 5, [1, 1, 1, 0, 0]) if form == "mask" else None,
                  "positions": ids(6, 2, 5) if form == "positions" else None}
        yield case(f"embed_{form}", "EmbedLayerNormalization", inputs, ["y", "mask_index", "sum"],
                   weights=[key for key in ("word", "place", "segment", "g", "beta") if inputs[key] is not None])


def call(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
    return result.returncode, (result.stdout + result.stderr).strip()


def difference(got, want, rows):
    if got.shape != want.shape or got.dtype != want.dtype:
        return f"{got.dtype}{list(got.shape)} for {want.dtype}{list(want.shape)}"
    if rows is not None and want.shape[:2] == rows.shape:
        got, want = got[rows], want[rows]
    if got.dtype == np.float32:
        # The lowest number and -inf are both a score of a key that is excluded.
        got, want = np.maximum(got, -1e30), np.maximum(want, -1e30)
    with np.errstate(invalid="ignore"):
        close = np.isclose(got, want, rtol=1e-4, atol=1e-5, equal_nan=True)
        return None if close.all() else f"largest difference {np.nanmax(np.abs(got - want)):.3g}"


def reference(model, feeds):
    """What ONNX Runtime computes, without changing the graph."""
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    settings.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    return dict(zip([output.name for output in model.graph.output], session.run(None, feeds)))


def batches(cases):
    """Compiling many operators in one model takes little longer than one. Those that the model could pad by are alone,
    since padding is removed where one mask says so for the whole model."""
    shared = {}
    for each in cases:
        name, model, feeds, *_ = each
        if any("mask" in key and value.dtype == np.int32 for key, value in feeds.items()):
            yield [each]
            continue
        batch = shared.setdefault(model.opset_import[0].version, [])
        batch.append(each)
        if len(batch) == 16:
            yield shared.pop(model.opset_import[0].version)
    yield from shared.values()


def joined(batch):
    """One model and its inputs: the names of each case begin with its own."""
    models = [compose.add_prefix(model, name + "/") for name, model, *_ in batch]
    graph = models[0].graph
    for model in models[1:]:
        for field in ("node", "input", "output", "initializer"):
            getattr(graph, field).extend(getattr(model.graph, field))
    return models[0], {f"{name}/{key}": value for name, _, feeds, *_ in batch for key, value in feeds.items()}


def check(batch, options, folder):
    """Yields what is wrong with each case, in order; None with those that pass."""
    model, feeds = joined(batch)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    np.savez(folder / "in.npz", **feeds)
    code, text = call(options.tamis, "compile", folder / "model.onnx", "-o", folder / "m.tamis", "--quiet", "--target", options.isa)
    if code == 0:
        code, text = call(options.tamis, "run", folder / "m.tamis", "--inputs", folder / "in.npz", "--outputs", folder / "out.npz")
    got = dict(np.load(folder / "out.npz")) if code == 0 else {}
    for name, model, feeds, rows, *other in batch:
        if code:
            yield text
            continue
        _, twin, twin_feeds, _ = other[0] if other else (name, model, feeds, rows)
        reasons = {key: difference(got[f"{name}/{key}"], value, rows) for key, value in reference(twin, twin_feeds).items()}
        yield "; ".join(f"{key}: {reason}" for key, reason in reasons.items() if reason) or None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--isa", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th case only")
    options = parser.parse_args()
    groups = (group_query_cases, multi_head_cases, projected_cases, standard_cases, norm_cases)
    cases = [each for group in groups for each in group() if options.only in each[0]][::options.every]
    passed = 0
    for batch in batches(cases):
        with tempfile.TemporaryDirectory() as folder:
            for (name, *_), wrong in zip(batch, check(batch, options, pathlib.Path(folder)), strict=True):
                passed += wrong is None
                if wrong:
                    print(f"{name}: {wrong}", flush=True)
    print(f"{passed} passed, {len(cases) - passed} failed")
    return passed != len(cases) or passed == 0


if __name__ == "__main__":
    sys.exit(main())
