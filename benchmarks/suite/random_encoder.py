#!/usr/bin/env python3
"""Writes an encoder like BERT with random weights as ONNX, for times alone; see utils/bert_onnx.py.

    benchmarks/suite/random_encoder.py base.onnx --layers 12 --hidden 768 --heads 12
"""
import argparse
import pathlib
import sys

import numpy as np
import onnx

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "utils"))
from bert_onnx import build  # noqa: E402 (the path comes first)

VOCABULARY, POSITIONS = 30522, 512


def weights(hidden, inner, seed):
    """Weights by name, as BERT starts its training: normal with deviation 0.02, norms that do nothing."""
    generator = np.random.default_rng(seed)

    def shape(name):
        if "word_embeddings" in name:
            return VOCABULARY, hidden
        if "position_embeddings" in name:
            return POSITIONS, hidden
        if "token_type_embeddings" in name:
            return 2, hidden
        wide = "intermediate" in name
        if name.endswith("bias"):
            return (inner if wide else hidden,)
        long = name.endswith("output.dense.weight") and "attention" not in name
        return (inner if wide else hidden), (inner if long else hidden)

    def tensor(name):
        if name.endswith("LayerNorm.weight"):
            return np.ones(hidden, np.float32)
        return np.float32(0.02) * generator.standard_normal(shape(name), np.float32)

    return tensor


def write(path, layers, hidden, heads, inner=None, seed=0):
    onnx.save(build(weights(hidden, inner or 4 * hidden, seed), pathlib.Path(path).stem, layers, hidden, heads), path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", help="the ONNX file to write")
    parser.add_argument("--layers", type=int, required=True)
    parser.add_argument("--hidden", type=int, required=True)
    parser.add_argument("--heads", type=int, required=True)
    parser.add_argument("--inner", type=int, help="width of the inner layer (default: 4 x hidden)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write(options.output, options.layers, options.hidden, options.heads, options.inner, options.seed)


if __name__ == "__main__":
    main()
