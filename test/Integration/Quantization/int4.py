#!/usr/bin/env python3
"""Compiles models at --precision=int4 and compares them with ONNX Runtime's float32.

    int4.py --tamis build/bin/tamis --encoders FOLDER

Everything runs at every ISA level that this machine runs. MatMulNBits keeps its integers, scales and zero points under int4: what differs from ONNX Runtime is the rounding of rows
to 8 bits, or on AMX with many rows that of both factors to bf16. So the difference may be 1.5% of the root mean square
of the output, and 6% in a single element. Weights of other forms are rounded again, which a warning says. Encoders are
compared with ONNX Runtime's outputs by the cosine of each row. The last line counts the comparisons; the exit status is 1
when one failed.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnxruntime
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

MS = "com.microsoft"
LEVELS = ["x86-64-v3", "x86-64-v4-vnni", "x86-64-v4-amx"] # tamis-kernel-tests runs all
RNG = np.random.default_rng(11)


def call(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
    return result.returncode, (result.stdout + result.stderr).strip()


def pack(values, bits):
    """[..., n] of `bits` bits to [..., ceil(n * bits / 8)] bytes, lowest first."""
    per = 8 // bits
    padding = [(0, 0)] * (values.ndim - 1) + [(0, -values.shape[-1] % per)]
    groups = np.pad(values, padding).reshape(*values.shape[:-1], -1, per).astype(np.uint8)
    return np.bitwise_or.reduce(groups << (np.arange(per, dtype=np.uint8) * bits), axis=-1)


def nbits_model(k, n, block, zeros, bits=4, grouped=False):
    blocks = -(-k // block)
    scale = (0.02 + 0.1 * RNG.random((n, blocks))).astype(np.float32)
    weights = {"b": pack(RNG.integers(0, 1 << bits, (n, blocks * block)), bits).reshape(n, blocks, -1), "scales": scale}
    if zeros == "packed":
        weights["zp"] = pack(RNG.integers(0, 1 << bits, (n, blocks)), bits)
    elif zeros == "float":
        weights["zp"] = (7.5 + 2 * RNG.standard_normal((n, blocks))).astype(np.float32)
    if grouped:
        weights["g"] = RNG.permutation(np.arange(k) // block).astype(np.int32)
    names = ["x", "b", "scales", "zp" if "zp" in weights else "", "g" if grouped else ""]
    while not names[-1]:
        names.pop()
    node = h.make_node("MatMulNBits", names, ["y"], "projection", domain=MS, K=k, N=n, bits=bits, block_size=block)
    graph = h.make_graph([node], "graph", [h.make_tensor_value_info("x", T.FLOAT, ["rows", k])],
                         [h.make_tensor_value_info("y", T.FLOAT, ["rows", n])],
                         [nh.from_array(value, key) for key, value in weights.items()])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 21), h.make_opsetid(MS, 1)])
    model.ir_version = 10
    return model.SerializeToString()


class Checks:
    def __init__(self, options):
        self.options, self.passed, self.failed = options, 0, 0

    def count(self, what, ok, text=""):
        self.passed, self.failed = self.passed + bool(ok), self.failed + (not ok)
        if not ok:
            print(f"{what}: {text}")

    def outputs(self, what, artifact, inputs, isa):
        """Of one thread; two must give the same bits. None where this machine lacks the level."""
        found = []
        for threads in (1, 2):
            out = artifact.with_suffix(f".{threads}.npz")
            code, text = call(self.options.tamis, "run", artifact, "--inputs", inputs, "--outputs", out, "--isa", isa,
                              "--threads", threads)
            if code == 3 and "CPU" in text:
                return None
            self.count(what, code == 0, text)
            found.append(out.read_bytes() if code == 0 else None)
        self.count(what, found[0] == found[1], "the bits differ by threads")
        return dict(np.load(artifact.with_suffix(".1.npz"))) if found[0] else {}

    def nbits(self, folder):
        shapes = [(512, 96, 32, None), (500, 51, 32, "packed"), (512, 64, 32, "float"), (640, 70, 64, "packed"),
                  (512, 33, 128, None), (520, 48, 128, "float"), (144, 40, 16, "packed"), (512, 40, 256, None)]
        for i, (k, n, block, zeros) in enumerate(shapes):
            levels = LEVELS if i < 2 else LEVELS[i % len(LEVELS):][:1]
            what = f"MatMulNBits K={k} N={n} block={block} zero points={zeros}"
            model = nbits_model(k, n, block, zeros)
            (folder / "model.onnx").write_bytes(model)
            code, text = call(self.options.tamis, "compile", folder / "model.onnx", "-o", folder / "m.tamis", "-q",
                              "--precision=int4", "--target", ",".join(levels))
            self.count(what, code == 0 and not text, text)
            session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
            for rows in (1, 5, 60):
                x = RNG.standard_normal((rows, k)).astype(np.float32)
                want = session.run(None, {"x": x})[0]
                np.savez(folder / "in.npz", x=x)
                for isa in levels:
                    outputs = self.outputs(what, folder / "m.tamis", folder / "in.npz", isa)
                    if outputs is None:
                        continue
                    got = outputs.get("y", np.zeros(0))
                    size = np.sqrt(np.mean(np.square(want, dtype=np.float64)))
                    off = (got - want) / size if got.shape == want.shape else np.ones(1)
                    error = np.sqrt(np.mean(np.square(off))), np.abs(off).max()
                    self.count(f"{what} rows={rows} {isa}", error[0] < 0.015 and error[1] < 0.06, f"errors {error}")

    def rounded_again(self, folder):
        """Weights that int4 cannot keep as they are: a warning names the node, whatever the reason."""
        for what, model in [("8 bits", nbits_model(96, 40, 32, None, bits=8)),
                            ("g_idx", nbits_model(96, 40, 32, None, grouped=True))]:
            (folder / "model.onnx").write_bytes(model)
            code, text = call(self.options.tamis, "compile", folder / "model.onnx", "-o", folder / "m.tamis", "-q",
                              "--precision=int4")
            self.count(what, code == 0 and "warning: node 'projection'" in text and "rounded once more" in text, text)

    def encoders(self, folder):
        for group, bound in ((32, self.options.cosine), (128, self.options.cosine)):
            for name in ("A_bert_base__dynamo__opset23", "A_mpnet_sent__ts"):
                model = self.options.encoders / name
                code, text = call(self.options.tamis, "compile", model / "model.onnx", "-o", folder / "m.tamis", "-q",
                                  "--precision=int4", f"--int4-group={group}", "--target", ",".join(LEVELS))
                self.count(name, code == 0, text)
                inputs = dict(np.load(model / "inputs_0.npz"))
                real = inputs["attention_mask"].astype(bool)
                expected = dict(np.load(model / "expected_0.npz"))
                for isa in LEVELS:
                    got = self.outputs(name, folder / "m.tamis", model / "inputs_0.npz", isa)
                    for key, want in expected.items() if got is not None else ():
                        a, b = got[key].astype(np.float64), want.astype(np.float64)
                        if want.shape[:2] == real.shape:
                            a, b = a[real], b[real]
                        cosine = np.sum(a * b, -1) / np.sqrt(np.sum(a * a, -1) * np.sum(b * b, -1))
                        self.count(f"{name} {key} group={group} {isa}", cosine.min() > bound, f"cosine {cosine.min():.4f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--encoders", type=pathlib.Path, required=True)
    parser.add_argument("--cosine", type=float, default=0.96)
    options = parser.parse_args()
    checks = Checks(options)
    with tempfile.TemporaryDirectory() as folder:
        for check in (checks.nbits, checks.rounded_again, checks.encoders):
            check(pathlib.Path(folder))
    print(f"{checks.passed} passed, {checks.failed} failed")
    return checks.failed != 0 or checks.passed == 0


sys.exit(main())
