#!/usr/bin/env python3
"""Measures the decoder on the split held out, with its weights rounded to float16 as in the committed file.

    evaluate_text.py build/training/packages.jsonl tokenizer.json build/training/text figures.json

The perplexity is of a token; bits a byte, which do not depend on the tokenizer, are of the texts that end within the
tokens that are read.
"""
import argparse
import json
import math
import pathlib

import numpy as np
import torch
from transformers import MixtralForCausalLM

import onnx_file
from train_text import Split, negative_log_likelihoods


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=pathlib.Path)
    parser.add_argument("tokenizer", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--longest", type=int, default=128)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = MixtralForCausalLM.from_pretrained(options.folder).eval()
    onnx_file.round_to_half(model)
    split = Split(options, "held-out")
    with torch.no_grad():
        each, complete = negative_log_likelihoods(model, split, np.random.default_rng(0))
    figures = {"texts": len(split.ids), "tokens": len(each), "perplexity": each.mean().exp().item(),
               "texts read to their end": sum(split.complete),
               "bits a byte of them": (each[complete].sum() / math.log(2) / split.bytes).item()}
    options.output.write_text(json.dumps(figures, indent=1) + "\n")
    print(options.output.read_text())


if __name__ == "__main__":
    main()
