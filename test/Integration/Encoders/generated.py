#!/usr/bin/env python3
"""Generates the encoders of a family, compiles them and compares them with ONNX Runtime.

    generated.py bert --tamis build/bin/tamis --isa x86-64-v3 [--isa x86-64-v4] [--only 20] [--keep FOLDER]

families.py says which spellings a family has, and makes them from random weights. Of each:

- the IR at the level `model` must have every attention, layer norm, GELU, linear layer and mean pooling as one op, and
  nothing of what they were spelled with;
- it runs with 1 and 2 threads on batches of several lengths: one token to a full row, gaps, and padding on the left
  where no head reads the first row. The bits must not depend on threads, and exactly the real tokens are computed.

To save time, the first variant alone is compiled for all ISA levels, which `tamis run --isa` tells apart, the others
for one each, by turns (--every says how many of them); and only the first two, of fixed sizes and of sizes known at run time, run with --keep-padding.
The tolerance is 2e-5 + 1e-4 |expected|; padded rows are not compared. The last line counts the checks; the exit status
is 1 when one failed.
"""
import argparse
import collections
import pathlib
import re
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

sys.path.append(str(pathlib.Path(__file__).parents[3] / "utils"))

from comparison import Checks, call, run_everywhere
from encoder import PADDING_ID, VOCABULARY
from families import FAMILIES, variants

TOLERANCE = (1e-4, 2e-5)  # relative, absolute
STATIC = (4, 16)
# A row is a length, counted from the right when it is negative, or a pattern of real tokens and padding.
BATCHES = {"static": [[16, 1, 9, 5], [3, 16, "1011001000000000", 1]],
           "dynamic": [[13, 1, 7, 4], [17], [5, 33, "110101", 20, 1], [1, 1]]}
LEFT = {"static": [[-16, -1, -9, -5]], "dynamic": [[-11, -1, -4]]}


def mask_of(rows, length):
    mask = np.zeros((len(rows), length), np.int64)
    for line, row in zip(mask, rows):
        if isinstance(row, str):
            line[: len(row)] = [int(digit) for digit in row]
        elif row < 0:
            line[row:] = 1
        else:
            line[:row] = 1
    return mask


def make_inputs(encoder, random):
    dims, head = encoder.spelling.dims, encoder.spelling.head
    reads_first = head == "cls" or (head == "base" and encoder.has_pooler)
    for rows in BATCHES[dims] + ([] if reads_first else LEFT[dims]):
        length = STATIC[1] if dims == "static" else max(len(row) if isinstance(row, str) else abs(row) for row in rows)
        mask = mask_of(rows, length)
        ids = np.where(mask, random.integers(PADDING_ID + 1, VOCABULARY, mask.shape), PADDING_ID)
        values = {"input_ids": ids, "attention_mask": mask, "token_type_ids": random.integers(0, 2, mask.shape) * mask}
        yield {name: values[name] for name in encoder.dims}


def reference(model, inputs):
    """What ONNX Runtime computes, without changing the graph."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return [dict(zip(names, session.run(names, values))) for values in inputs]


def check_raising(checks, what, encoder, text, removed):
    """Counts ops at the level `model`."""
    found = collections.Counter(re.findall(r"\b(?:onnx|nn|token)\.\w+", text))
    layers = encoder.graph.layers
    wanted = {name: layers[name] for name in ("attention", "layer_norm", "mean_pool")}
    wanted["linear"] = layers["linear"] - 2 * layers["attention"]  # Those of q, k and v are one.
    for name, count in wanted.items():
        checks.count(f"{what} raising", found["nn." + name] == count, f"{found['nn.' + name]} nn.{name}, not {count}")
    gelus = text.count("#nn<activation gelu_tanh>" if encoder.tanh else "#nn<activation gelu>")
    checks.count(f"{what} raising", gelus == layers["gelu"], f"{gelus} GELUs, not {layers['gelu']}")
    for name in ("Attention", "Softmax", "MatMul", "Gemm", "Einsum", "Erf", "Tanh", "Gelu", "LayerNormalization",
                 "ReduceMean", "ReduceSum", "Sqrt"):
        checks.count(f"{what} raising", not found["onnx." + name], f"{found['onnx.' + name]} onnx.{name} are left")
    checks.count(f"{what} padding", bool(found["token.index"]) == removed,
                 "padding is " + ("not removed" if removed else "removed"))


def check_variant(checks, family, spelling, options, folder, index):
    what = f"{family} {spelling}"
    random = np.random.default_rng(index)
    encoder = FAMILIES[family](spelling, *STATIC, seed=index, layers=2)
    onnx.checker.check_model(encoder.model, full_check=True)
    model = folder / "model.onnx"
    onnx.save(encoder.model, model)
    inputs = list(make_inputs(encoder, random))
    for i, (given, computed) in enumerate(zip(inputs, reference(encoder.model, inputs))):
        np.savez(folder / f"inputs_{i}.npz", **given)
        np.savez(folder / f"expected_{i}.npz", **computed)
    for flags in ([], ["--keep-padding"])[: 2 if index < 2 else 1]:
        here = f"{what} {' '.join(flags)}"
        code, text = call(options.tamis, "compile", model, "-o", "-", "--quiet", "--emit=mlir", "--level=model", *flags)
        if not checks.count(f"{here} model level", code == 0, text):
            continue
        check_raising(checks, here, encoder, text, removed=not flags)
        if index > 1 and index % options.every:
            continue
        several = index == 0 and not flags
        isas = options.isa if several else [options.isa[index // options.every % len(options.isa)]]
        artifact = folder / "model.tamis"
        target = "--target=" + ",".join(isas)
        code, text = call(options.tamis, "compile", model, "-o", artifact, "--quiet", target, *flags)
        if not checks.count(f"{here} compile", code == 0, text):
            continue
        for i, given in enumerate(inputs):
            tokens = None if flags else given["attention_mask"].sum()
            run_everywhere(checks, here, options.tamis, artifact, folder / f"inputs_{i}.npz",
                           folder / f"expected_{i}.npz", isas, TOLERANCE, tokens)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("family", choices=FAMILIES)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--isa", action="append", required=True)
    parser.add_argument("--every", type=int, default=1, metavar="N", help="run only the first two and every N-th; raise all")
    parser.add_argument("--only", default="", help="variants whose name contains this")
    parser.add_argument("--keep", type=pathlib.Path, help="keep the files in this folder")
    options = parser.parse_args()
    checks = Checks()
    for index, spelling in enumerate(variants(options.family)):
        if options.only not in str(spelling):
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder = options.keep / str(spelling) if options.keep else pathlib.Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            check_variant(checks, options.family, spelling, options, folder, index)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
