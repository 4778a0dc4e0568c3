#!/usr/bin/env python3
"""Quantises encoders with static ranges by onnxruntime.quantization and compares them with ONNX Runtime.

    static.py --tamis build/bin/tamis

A form is the format (QDQ, or QOperator), the integers of activations and weights, one scale a column or one in all, and
which operators are quantised. Every product with a weight must be an nn.quantized_linear, and where attention is left in
floats padding must be removed. The first form runs at every ISA level that this machine runs, the others at two by turns;
all with 1 and 2 threads, whose bits must be the same.

Tamis adds up integers where ONNX Runtime, asked to change nothing, adds up the floats they stand for. A sum near the
middle between two integers then falls to the other side, by one step of a scale, and layers behind make more of it: so
the outputs, which are near 1, may differ by 0.02 on average and by 0.2 in a single element. The last line counts the
comparisons; the exit status is 1 when one failed.
"""
import argparse
import pathlib
import re
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

for folder in (pathlib.Path(__file__).parents[1] / "Encoders", pathlib.Path(__file__).parents[3] / "utils"):
    sys.path.append(str(folder))

from comparison import Checks, call
from encoder import Encoder, PADDING_ID, VOCABULARY
from families import variants

LEVELS = ["x86-64-v3", "x86-64-v3-vnni", "x86-64-v4", "x86-64-v4-vnni", "x86-64-v4-bf16", "x86-64-v4-amx"]
LENGTHS = [[13, 1, 7, 4], [17], [5, 33, 9]]
ALL, PRODUCTS = None, ["MatMul", "Gemm"]
# Format, activations, weights, per column, operators.
FORMS = [("QDQ", "QUInt8", "QInt8", False, ALL), ("QDQ", "QInt8", "QInt8", True, ALL),
         ("QDQ", "QUInt8", "QInt8", True, PRODUCTS), ("QOperator", "QUInt8", "QUInt8", False, ALL),
         ("QOperator", "QInt8", "QInt8", True, ALL)]


def batches(random):
    for lengths in LENGTHS:
        mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
        ids = np.where(mask, random.integers(PADDING_ID + 1, VOCABULARY, mask.shape), PADDING_ID)
        yield {"input_ids": ids, "attention_mask": mask, "token_type_ids": random.integers(0, 2, mask.shape) * mask}


class Batches(CalibrationDataReader):
    """What the ranges are taken from."""

    def __init__(self, values):
        self.values = iter(values)

    def get_next(self):
        return next(self.values, None)


def quantise(model, path, values, form):
    kind, activations, weights, per_column, operators = form
    source = path.with_suffix(".float.onnx")
    onnx.save(model, source)
    known = {tensor.name for tensor in model.graph.initializer}
    attention = [node.name for node in model.graph.node if node.op_type == "MatMul" and node.input[1] not in known]
    quantize_static(source, path, Batches(values), quant_format=QuantFormat[kind], op_types_to_quantize=operators,
                    activation_type=QuantType[activations], weight_type=QuantType[weights], per_channel=per_column,
                    nodes_to_exclude=attention if operators is PRODUCTS else [])


def expected(path, values):
    """What ONNX Runtime computes, without changing the graph."""
    settings = onnxruntime.SessionOptions()
    settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return [dict(zip(names, session.run(names, given))) for given in values]


def check_outputs(checks, what, got, want, mask):
    for name, right in want.items():
        if not checks.count(f"{what} {name}", name in got and got[name].shape == right.shape, "no such output"):
            continue
        off = np.abs(got[name].astype(np.float64) - right)
        if right.ndim > 2:
            off = off[mask.astype(bool)]
        checks.count(f"{what} {name}", off.mean() < 0.02 and off.max() < 0.2,
                     f"differs by {off.mean():.3g} on average and at most by {off.max():.3g}")


def check_form(checks, tamis, folder, spelling, form, levels):
    what = f"{spelling} {form[0]} {form[1]} {form[2]}{' columns' * form[3]}{' products' * (form[4] is PRODUCTS)}"
    encoder = Encoder(spelling, 4, 16, seed=5, layers=1)
    values = list(batches(np.random.default_rng(3)))
    model, artifact = folder / "model.onnx", folder / "model.tamis"
    quantise(encoder.model, model, values, form)
    code, text = call(tamis, "compile", model, "-o", "-", "--quiet", "--emit=mlir", "--level=model")
    if not checks.count(what, code == 0, text):
        return
    layers, left = len(re.findall(r"\bnn\.quantized_linear\b", text)), len(re.findall(r"\bnn\.linear\b", text))
    checks.count(what, layers == encoder.graph.layers["linear"] and left == 0,
                 f"{layers} products of 8 bits and {left} others, not {encoder.graph.layers['linear']} and none")
    checks.count(what, ("token.index" in text) == (form[4] is PRODUCTS), "padding is removed, or kept, wrongly")
    if form[4] is ALL:
        code, text = call(tamis, "compile", model, "-o", "-", "--quiet", "--emit=mlir", "--level=loops")
        products = len(re.findall(r"\bkernel\.matmul\b", text))
        checks.count(what, code == 0 and products >= 2, f"{products} products of attention are kernels")
    code, text = call(tamis, "compile", model, "-o", artifact, "--quiet", "--target", ",".join(levels))
    if not checks.count(what, code == 0, text):
        return
    for i, (given, want) in enumerate(zip(values, expected(model, values))):
        np.savez(folder / "in.npz", **given)
        for isa in levels:
            found = []
            for threads in (1, 2):
                out = folder / f"out.{threads}.npz"
                code, text = call(tamis, "run", artifact, "--inputs", folder / "in.npz", "--outputs", out, "--isa", isa,
                                  "--threads", threads)
                if code == 3 and "CPU" in text:
                    break  # This machine lacks the level.
                checks.count(f"{what} {i} {isa}", code == 0, text)
                found.append(out.read_bytes() if code == 0 else None)
            if found:
                checks.count(f"{what} {i} {isa}", found[0] == found[1], "the bits differ by threads")
            if found and found[0]:
                check_outputs(checks, f"{what} {i} {isa}", dict(np.load(folder / "out.1.npz")), want, given["attention_mask"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    options = parser.parse_args()
    checks = Checks()
    spelling = next(each for each in variants("bert") if each.opset == 20)
    for i, form in enumerate(FORMS):
        levels = LEVELS if i == 0 else [LEVELS[(2 * i + j) % 4] for j in (0, 3)]
        with tempfile.TemporaryDirectory() as folder:
            check_form(checks, options.tamis, pathlib.Path(folder), spelling, form, levels)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
