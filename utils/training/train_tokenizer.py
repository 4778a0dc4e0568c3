#!/usr/bin/env python3
"""Trains the tokenizer of both models: a byte-level BPE of 8192 words, on the training split alone.

    train_tokenizer.py build/training/packages.jsonl tokenizer.json
"""
import argparse
import pathlib

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from texts import read

# <pad> is 0, so that ids and mask of padding are both 0.
SPECIAL = ["<pad>", "<s>", "</s>"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--words", type=int, default=8192)
    options = parser.parse_args()
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=options.words, special_tokens=SPECIAL,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)
    tokenizer.train_from_iterator((row["text"] for row in read(options.packages, "training")), trainer)
    tokenizer.save(str(options.output))


if __name__ == "__main__":
    main()
