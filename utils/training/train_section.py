#!/usr/bin/env python3
"""Trains the encoder that tells a Debian package's section from its description.

    train_section.py build/training/packages.jsonl tokenizer.json build/training/section

In half of the batches a random share of 50 to 100% of each text's tokens is kept, the rest is not there from the
embeddings on: the sequence is shorter and the tokens that stay have the positions they had. So the model has seen what
pruning of tokens does to a text. Writes the model as Hugging Face classes do (config.json, model.safetensors), the
log, and figures.json with the accuracy on the split held out, whole and with tokens left out.
"""
import argparse
import json

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


def accuracy(model, split, share, seed):
    """Shares of texts whose first, and one of whose first three sections are right."""
    rng, first, three = np.random.default_rng(seed), 0, 0
    for batch in texts.batches(split.lengths(), 4096, rng):
        ids, mask, places = inputs(split, batch, share, rng)
        ranked = model(ids, mask, places).logits.topk(3).indices
        right = ranked == split.labels[batch].unsqueeze(1)
        first += right[:, 0].sum().item()
        three += right.any(1).sum().item()
    return first / len(split.ids), three / len(split.ids)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    training.add_options(parser, epochs=4, rate=2e-3)
    parser.add_argument("--balance", type=float, default=0.005, help="weight of the routers' load-balancing loss")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    labels = sorted({row["section"] for row in texts.read(options.packages)})
    sets = {name: Split(options, name, labels) for name in ("training", "validation", "held-out")}
    learned = sets["training"]
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
        first, three = accuracy(model, sets["validation"], 1.0, options.seed)
        return f"accuracy {first:.4f}, in the first three {three:.4f}"

    log = training.train(
        model, lambda epoch: texts.batches(learned.lengths(), options.tokens, np.random.default_rng([options.seed, 1000 + epoch])),
        loss_of, validate, options.output, options)
    model.eval()
    figures = {}
    with torch.no_grad():
        for share in (1.0, 0.7, 0.5):
            first, three = accuracy(model, sets["held-out"], share, options.seed)
            figures[f"{share:.0%} of the tokens"] = {"accuracy": first, "in the first three": three}
            log(f"held out: {len(sets['held-out'].ids)} texts, {share:.0%} of the tokens: accuracy {first:.4f}, in the first "
                f"three {three:.4f}")
    model.save_pretrained(options.output)
    (options.output / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
