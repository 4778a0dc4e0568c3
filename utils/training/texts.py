"""Descriptions, their token ids, and batches of them. Serves the scripts beside it."""
import json

import numpy as np
import torch
from tokenizers import Tokenizer


def read(path, split=None):
    """The lines that packages.py wrote, of one split or of all."""
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [row for row in rows if split in (None, row["split"])]


def token_ids(tokenizer, texts, longest):
    """A list of arrays of at most `longest` ids."""
    encoder = Tokenizer.from_file(str(tokenizer))
    return [np.array(line.ids[:longest], np.int64) for line in encoder.encode_batch(texts)]


def batches(lengths, tokens, rng):
    """The indices of all texts, in batches of about `tokens` tokens of similar lengths, in random order."""
    order = rng.permutation(len(lengths))
    found = []
    for begin in range(0, len(order), 4096):
        block = sorted(order[begin : begin + 4096], key=lambda index: lengths[index])
        batch = []
        for index in block:
            if batch and (len(batch) + 1) * lengths[index] > tokens:
                found.append(batch)
                batch = []
            batch.append(index)
        found.append(batch)
    return [found[index] for index in rng.permutation(len(found))]


def keep_some(ids, share, rng):
    """The positions of a random share of the tokens, in order; at least one."""
    count = max(1, round(share * len(ids)))
    return np.sort(rng.choice(len(ids), count, replace=False))


def padded(rows, positions=None):
    """ids, mask and positions [batch, length]; padding is 0 in all of them."""
    length = max(len(row) for row in rows)
    ids, mask, places = (torch.zeros(len(rows), length, dtype=torch.long) for _ in range(3))
    for index, row in enumerate(rows):
        ids[index, : len(row)] = torch.from_numpy(row)
        mask[index, : len(row)] = 1
        places[index, : len(row)] = torch.from_numpy(np.arange(len(row)) if positions is None else positions[index])
    return ids, mask, places
