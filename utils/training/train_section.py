#!/usr/bin/env python3
"""Trains the encoder that tells a Debian package's section from its description.

    train_section.py build/training/packages.jsonl tokenizer.json build/training/section

In half of the batches a random share of 50 to 100% of each text's tokens is kept, the rest is not there from the
embeddings on: the sequence is shorter and the tokens that stay have the positions they had. So the model has seen what
pruning of tokens does to a text. Writes the log, and the model as Hugging Face classes do (config.json,
model.safetensors); evaluate_section.py measures it on the split held out.
"""
import argparse

import numpy as np
import torch

import texts
import training
from section_model import MixtralForMeanClassification, SectionConfig


class Split:
    def __init__(self, options, name, labels):
        rows = texts.read(options.packages, name)
        self.ids = texts.token_ids(options.tokenizer, [row["text"] for row in rows], options.longest)
        self.labels = torch.tensor([labels.index(row["section"]) for row in rows])

    def lengths(self):
        return np.array([len(ids) for ids in self.ids])


def inputs(split, batch, share, rng):
    """The model's inputs; `share` of every text's tokens are kept."""
    if share >= 1.0:
        return texts.padded([split.ids[index] for index in batch])
    kept = [texts.keep_some(split.ids[index], share, rng) for index in batch]
    return texts.padded([split.ids[index][places] for index, places in zip(batch, kept)], kept)


def ranked(model, split, share, seed):
    """The three likeliest sections of each text."""
    rng = np.random.default_rng(seed)
    found = torch.zeros(len(split.ids), 3, dtype=torch.long)
    for batch in texts.batches(split.lengths(), 4096, rng):
        found[batch] = model(*inputs(split, batch, share, rng)).logits.topk(3).indices
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    training.add_options(parser, epochs=2, rate=2e-3)
    parser.add_argument("--balance", type=float, default=0.005, help="weight of the routers' load-balancing loss")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    labels = sorted({row["section"] for row in texts.read(options.packages)})
    learned, seen = (Split(options, name, labels) for name in ("training", "validation"))
    model = MixtralForMeanClassification(SectionConfig(
        vocab_size=8192, hidden_size=128, intermediate_size=256, num_hidden_layers=4, num_attention_heads=4,
        num_key_value_heads=4, num_local_experts=8, num_experts_per_tok=2, max_position_embeddings=512,
        sliding_window=None, pad_token_id=0, bos_token_id=1, eos_token_id=2, router_aux_loss_coef=options.balance,
        id2label=dict(enumerate(labels)), label2id={label: index for index, label in enumerate(labels)}))

    def loss_of(batch, rng):
        share = 1.0 if rng.random() < 0.5 else rng.uniform(0.5, 1.0)
        ids, mask, places = inputs(learned, batch, share, rng)
        return model(ids, mask, places, learned.labels[batch]).loss, int(mask.sum())

    def validate():
        right = ranked(model, seen, 1.0, options.seed) == seen.labels.unsqueeze(1)
        return f"accuracy {right[:, 0].float().mean():.4f}, in the first three {right.any(1).float().mean():.4f}"

    training.train(
        model, lambda epoch: texts.batches(learned.lengths(), options.tokens, np.random.default_rng([options.seed, 1000 + epoch])),
        loss_of, validate, options.output, options)
    model.save_pretrained(options.output)


if __name__ == "__main__":
    main()
