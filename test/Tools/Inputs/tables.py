#!/usr/bin/env python3
"""Compiles a model of embeddings at every precision: under bf16, int8 and int4 its tables are those of the file, rounded to
bfloat16, and nothing else; under f32 and split-f32 they are as they are.

    tables.py FOLDER --tamis build/bin/tamis

Prints a line for each precision and level, and what the weights take; exits with 1 when one is bad.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from precision import BOUNDS, LEVELS, run

WORDS, PLACES, WIDTH = 3001, 19, 70


def rounded(table):
    """To nearest even, as numbers of f32."""
    bits = table.view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16 << 16).astype(np.uint32).view(np.float32)


def write_model(path, words, places):
    """row: rows of one table; sum: of two; scores: a layer whose weight is the table of words (tied)."""
    nodes = [
        helper.make_node("Gather", ["words", "ids"], ["row"]),
        helper.make_node("Gather", ["places", "at"], ["place"]),
        helper.make_node("Add", ["row", "place"], ["sum"]),
        helper.make_node("Transpose", ["words"], ["turned"], perm=[1, 0]),
        helper.make_node("MatMul", ["sum", "turned"], ["scores"]),
    ]
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"])
    at = helper.make_tensor_value_info("at", TensorProto.INT64, ["length"])
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", "length", size])
               for name, size in (("row", WIDTH), ("sum", WIDTH), ("scores", WORDS))]
    graph = helper.make_graph(nodes, "tables", [ids, at], outputs,
                              [numpy_helper.from_array(words, "words"), numpy_helper.from_array(places, "places")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)


def weight_bytes(tamis, artifact):
    done = subprocess.run([tamis, "inspect", artifact, "--json"], capture_output=True, check=True)
    return next(s["bytes"] for s in json.loads(done.stdout)["segments"] if s["kind"] == "weights")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tamis", required=True)
    options = parser.parse_args()
    random = np.random.default_rng(3)
    words = random.standard_normal((WORDS, WIDTH)).astype(np.float32)
    places = random.standard_normal((PLACES, WIDTH)).astype(np.float32)
    # Halfway between two numbers of bfloat16, above and below an even one; the least, and one that becomes infinity.
    words[5, :4] = np.array([0x3F808000, 0x3F818000, 0x00000001, 0x7F7FFFFF], np.uint32).view(np.float32)
    words[6, -1] = -np.inf
    model, inputs = options.folder / "tables.onnx", options.folder / "inputs.npz"
    write_model(model, words, places)
    ids = random.integers(-WORDS, WORDS, (5, PLACES), np.int64)
    ids[0, :2] = 5, 6
    at = np.arange(PLACES)[::-1].copy()
    np.savez(inputs, ids=ids, at=at)
    good = True
    for precision in BOUNDS:
        artifact = options.folder / "tables.tamis"
        subprocess.run([options.tamis, "compile", model, "-o", artifact, "--precision", precision, "-q", "--target",
                        ",".join(LEVELS)], check=True)
        rounds = precision in ("bf16", "int8", "int4")
        row = (rounded(words) if rounds else words)[ids]
        expected = {"row": row, "sum": row + (rounded(places) if rounds else places)[at]}
        for level in LEVELS:
            got = run(options.tamis, artifact, inputs, options.folder / "outputs.npz", level, 2)
            if got is None:
                print(f"{precision} at {level}: not run, this machine lacks it")
                continue
            equal = all(np.array_equal(got[0][name], value) for name, value in expected.items())
            good &= equal
            print(f"{precision} at {level}: {'equal' if equal else 'BAD'}")
        tables = (WORDS + PLACES) * WIDTH * (2 if rounds else 4)
        panels = -(-WORDS // 16) * 16
        packed = {"f32": panels * WIDTH * 4, "split-f32": panels * 96 * 4, "bf16": panels * 96 * 2,
                  "int8": panels * 128 + WORDS * 8, "int4": panels * 3 * (16 + 4)}[precision]
        size = weight_bytes(options.tamis, artifact)
        fits = tables + packed <= size < tables + packed + 5 * 64  # each weight begins at a multiple of 64
        good &= fits
        print(f"{precision}: weights of {size} bytes, tables {tables}, layer {packed}: {'good' if fits else 'BAD'}")
    sys.exit(not good)


if __name__ == "__main__":
    main()
