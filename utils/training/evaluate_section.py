#!/usr/bin/env python3
"""Measures the encoder on the split held out, with its weights rounded to float16 as in the committed file.

    evaluate_section.py build/training/packages.jsonl tokenizer.json build/training/section figures.json

Accuracy with all tokens, and with 30% and 50% of each text's tokens left out at random: they are not there from the
embeddings on, and the tokens that stay have the positions they had.
"""
import argparse
import collections
import json
import pathlib

import numpy as np
import torch

import onnx_file
import texts
from section_model import MixtralForMeanClassification
from train_section import Split, ranked


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=pathlib.Path)
    parser.add_argument("tokenizer", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--longest", type=int, default=128)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(1)
    model = MixtralForMeanClassification.from_pretrained(options.folder).eval()
    onnx_file.round_to_half(model)
    labels = [model.config.id2label[index] for index in range(model.config.num_labels)]
    split = Split(options, "held-out", labels)
    share_of = collections.Counter(split.labels.tolist())
    most = share_of.most_common(1)[0]
    figures = {"texts": len(split.ids), "most frequent section": [labels[most[0]], most[1] / len(split.ids)]}
    with torch.no_grad():
        for share in (1.0, 0.7, 0.5):
            right = ranked(model, split, share, options.seed) == split.labels.unsqueeze(1)
            figures[f"{share:.0%} of the tokens"] = {"accuracy": right[:, 0].float().mean().item(),
                                                     "in the first three": right.any(1).float().mean().item()}
            if share == 1.0:
                figures["sections"] = {labels[index]: [count, right[split.labels == index, 0].float().mean().item()]
                                       for index, count in share_of.most_common()}
    options.output.write_text(json.dumps(figures, indent=1) + "\n")
    print(options.output.read_text())


if __name__ == "__main__":
    main()
