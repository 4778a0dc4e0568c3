#!/usr/bin/env python3
"""Writes a tiny BERT-like encoder with random weights as ONNX: the model of the examples and of tests.

See bert_onnx.py for its inputs and outputs. Needs numpy and onnx. examples/models/tiny-encoder.onnx was made by
    utils/make_tiny_encoder.py examples/models/tiny-encoder.onnx
"""
import argparse
import math

import numpy as np
import onnx

from bert_onnx import build


def random_weights(options):
    random = np.random.default_rng(options.seed)
    hidden = options.hidden
    rows = {"word_embeddings": options.vocabulary, "position_embeddings": options.positions,
            "token_type_embeddings": 2}

    def weight(name):
        parts = name.split(".")
        if parts[1] in rows:
            return random.normal(0.0, 0.5, (rows[parts[1]], hidden))
        inner = 4 * hidden
        up, down = parts[-3] == "intermediate", parts[-3] == "output" and parts[-4] != "attention" and "Norm" not in name
        columns, outputs = (hidden, inner) if up else (inner, hidden) if down else (hidden, hidden)
        if parts[-1] == "bias":
            return random.normal(0.0, 0.05, outputs)
        if parts[-2] == "LayerNorm":
            return 1.0 + random.normal(0.0, 0.05, hidden)
        return random.normal(0.0, 1.0 / math.sqrt(columns), (outputs, columns))

    return weight


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", help="the ONNX file to write")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=32)
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--vocabulary", type=int, default=100)
    parser.add_argument("--positions", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    model = build(random_weights(options), "tiny-encoder", options.layers, options.hidden, options.heads)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, options.output)


if __name__ == "__main__":
    main()
