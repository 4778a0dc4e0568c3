"""The batches that are measured."""
import numpy as np

from .models import ROOT

VOCABULARY = 30522
SHAPES = {"1x16": (1, 16), "1x128": (1, 128), "1x512": (1, 512), "8x128": (8, 128), "mixed": None}
SENTENCES = ROOT / "examples" / "sentences" / "sentences.npz"


def sentences():
    with np.load(SENTENCES) as arrays:
        return {name: arrays[name] for name in ("input_ids", "attention_mask")}


def batch(name):
    """The inputs of a workload: whole sequences of random ids, or the sentences, padded to the longest."""
    if SHAPES[name] is None:
        return sentences()
    count, length = SHAPES[name]
    ids = np.random.default_rng(0).integers(1000, VOCABULARY, (count, length), np.int64)
    ids[:, 0], ids[:, -1] = 101, 102  # [CLS] and [SEP]
    return {"input_ids": ids, "attention_mask": np.ones_like(ids)}


def calibration():
    """Batches of one sentence each, without padding: what quantisation may look at."""
    arrays = sentences()
    lengths = arrays["attention_mask"].sum(axis=1)
    return [{name: array[i : i + 1, :length] for name, array in arrays.items()} for i, length in enumerate(lengths)]
