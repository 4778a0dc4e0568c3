#!/usr/bin/env python3
"""Writes rows into caches of a fixed size, and compares them with ONNX Runtime, bit by bit.

    tensor_scatter.py --tamis build/bin/tamis --isa x86-64-v3

Rows of several types, axes and numbers at linear and circular places, batches at different ones. What does not fit is to end
the run with an error. An attention whose keys and values are such caches then takes six steps; its results are to be within
1e-5 of ONNX Runtime's. The last line counts the checks; the exit status is 1 when one failed.
"""
import argparse
import pathlib
import sys
import tempfile

import numpy as np
import onnxruntime
from onnx import TensorProto as T
from onnx import helper as h

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Encoders"))
from comparison import Checks, call  # noqa: E402

TYPES = {np.float32: T.FLOAT, np.float16: T.FLOAT16, np.int64: T.INT64}
# Past, rows along the axis, the axis, mode, where each batch is written.
CASES = [
    ((3, 2, 7, 5), 3, -2, "linear", [0, 4, 2]),
    ((3, 2, 7, 5), 3, -2, "circular", [6, 0, 19]),
    ((2, 9, 5), 9, 1, "linear", None),
    ((2, 9, 5), 1, 1, "circular", [8, 9]),
    ((2, 3, 5, 8), 2, 3, "linear", [6, 1]),
    ((1, 1, 1, 1), 1, -2, "circular", [5]),
]
# The same with places that there are not.
MISFITS = [((3, 2, 7, 5), 3, -2, "linear", [0, 5, 2]), ((3, 2, 7, 5), 3, -2, "linear", [0, -1, 2])]
STEPS, BATCH, HEADS, ROOM, SIZE = 6, 2, 2, 8, 4


class Model:
    """A model with its artifact, its session, and the runs of both."""

    def __init__(self, checks, options, folder, name, nodes, inputs, outputs):
        self.checks, self.options, self.folder, self.name = checks, options, folder, name
        info = lambda entry, kind, shape: h.make_tensor_value_info(entry, kind, shape)
        graph = h.make_graph(nodes, "graph", [info(*entry) for entry in inputs], [info(*entry) for entry in outputs])
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", 24)])
        model.ir_version = 11
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        code, text = call(options.tamis, "compile", folder / "model.onnx", "-o", folder / "model.tamis", "--quiet", "--target", ",".join(options.isa))
        self.compiled = checks.count(f"{name} compile", code == 0, text)
        session = onnxruntime.SessionOptions()
        session.log_severity_level = 4
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), session, providers=["CPUExecutionProvider"])

    def run(self, feeds, isa, fails=False):
        np.savez(self.folder / "in.npz", **feeds)
        code, text = call(self.options.tamis, "run", self.folder / "model.tamis", "--inputs", self.folder / "in.npz", "--outputs", self.folder / "out.npz", "--isa", isa)
        right = code == 3 and "index" in text if fails else code == 0
        if not self.checks.count(f"{self.name} {isa}", right, text or "no error") or fails:
            return None
        return dict(np.load(self.folder / "out.npz"))


def scatter(checks, options, folder, case, kind, fails=False):
    shape, rows, axis, mode, starts = case
    place = axis % len(shape)
    dims = lambda count: ["b", *(count if i == place else n for i, n in enumerate(shape) if i > 0)]
    inputs = [("past", TYPES[kind], dims(shape[axis])), ("new", TYPES[kind], dims("s"))] + ([("starts", T.INT64, ["b"])] if starts else [])
    node = h.make_node("TensorScatter", [entry[0] for entry in inputs], ["y"], axis=axis, mode=mode)
    model = Model(checks, options, folder, f"{mode} {np.dtype(kind)} {'x'.join(map(str, shape))} axis {axis}", [node], inputs, [("y", TYPES[kind], dims(shape[axis]))])
    rng = np.random.default_rng(rows)
    update = [rows if i == place else n for i, n in enumerate(shape)]
    feeds = {"past": (rng.standard_normal(shape) * 9).astype(kind), "new": (rng.standard_normal(update) * 9).astype(kind)}
    if starts:
        feeds["starts"] = np.array(starts, np.int64)
    for isa in options.isa if model.compiled else []:
        got = model.run(feeds, isa, fails)
        if got is not None:
            want = model.session.run(None, feeds)[0]
            checks.count(f"{model.name} {isa} values", got["y"].tobytes() == want.tobytes() and got["y"].shape == want.shape, "other elements than ONNX Runtime's")


def steps(checks, options, folder):
    """A row a step for each sequence, behind those that it has; attention reads as many as there are then."""
    cache, row = ["b", HEADS, ROOM, SIZE], ["b", HEADS, 1, SIZE]
    nodes = [
        h.make_node("TensorScatter", ["past_k", "k", "starts"], ["present_k"]),
        h.make_node("TensorScatter", ["past_v", "v", "starts"], ["present_v"]),
        h.make_node("Attention", ["q", "present_k", "present_v", "", "", "", "lengths"], ["y"]),
    ]
    inputs = [(name, T.FLOAT, row) for name in "qkv"] + [("past_k", T.FLOAT, cache), ("past_v", T.FLOAT, cache)]
    inputs += [("starts", T.INT64, ["b"]), ("lengths", T.INT64, ["b"])]
    outputs = [("y", T.FLOAT, row), ("present_k", T.FLOAT, cache), ("present_v", T.FLOAT, cache)]
    model = Model(checks, options, folder, "steps", nodes, inputs, outputs)
    for isa in options.isa if model.compiled else []:
        rng = np.random.default_rng(7)
        caches = {name: np.zeros((BATCH, HEADS, ROOM, SIZE), np.float32) for name in ("past_k", "past_v")}
        for step in range(STEPS):
            starts = np.array([step, step + 2], np.int64)
            feeds = {name: rng.standard_normal((BATCH, HEADS, 1, SIZE)).astype(np.float32) for name in "qkv"}
            feeds |= caches | {"starts": starts, "lengths": starts + 1}
            got, want = model.run(feeds, isa), dict(zip((entry[0] for entry in outputs), model.session.run(None, feeds)))
            if got is None:
                return
            for name, expected in want.items():
                error = np.abs(got[name] - expected).max()
                checks.count(f"step {step} {name} {isa}", error <= (1e-5 if name == "y" else 0), f"off by {error:.3g}")
            caches = {"past_k": got["present_k"], "past_v": got["present_v"]}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--isa", action="append", required=True)
    options = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for i, case in enumerate(CASES):
            scatter(checks, options, folder, case, list(TYPES)[i % len(TYPES)])
        for case in MISFITS:
            scatter(checks, options, folder, case, np.float32, fails=True)
        steps(checks, options, folder)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
