#!/usr/bin/env python3
"""Trains the decoder that continues descriptions of Debian packages.

    train_text.py build/training/packages.jsonl tokenizer.json build/training/text

A text is <s>, the description, and </s> where it ends within the tokens that are read. The product with the embedding
matrix, which takes more than half of the time, is computed in bfloat16 while training; everything else is float32.
Writes the log and a MixtralForCausalLM (config.json, model.safetensors); evaluate_text.py measures it on the split held
out.
"""
import argparse

import numpy as np
import torch
from transformers import MixtralConfig, MixtralForCausalLM
from transformers.models.mixtral.modeling_mixtral import load_balancing_loss_func

import texts
import training

BEGIN, END = 1, 2


class Split:
    def __init__(self, options, name):
        rows = texts.read(options.packages, name)
        whole = texts.token_ids(options.tokenizer, [row["text"] for row in rows], None)
        self.bytes = sum(len(row["text"].encode()) for row, ids in zip(rows, whole) if len(ids) <= options.longest)
        self.complete = [len(ids) <= options.longest for ids in whole]
        self.ids = [np.concatenate([[BEGIN], ids[: options.longest], [END] * complete]).astype(np.int64)
                    for ids, complete in zip(whole, self.complete)]

    def lengths(self):
        return np.array([len(ids) for ids in self.ids])


def hidden_and_targets(model, split, batch, routing=False):
    ids, mask, _ = texts.padded([split.ids[index] for index in batch])
    out = model.model(input_ids=ids[:, :-1], attention_mask=mask[:, :-1], use_cache=False, output_router_logits=routing)
    # What follows padding, or is padding, is no target.
    real = mask[:, 1:] != 0
    return out, real, ids[:, 1:][real], mask[:, :-1]


def negative_log_likelihoods(model, split, rng):
    """Of every token, with a flag that says whether its text was read to its end."""
    found, complete = [], []
    for batch in texts.batches(split.lengths(), 4096, rng):
        out, real, targets, _ = hidden_and_targets(model, split, batch)
        logits = model.lm_head(out.last_hidden_state[real])
        found.append(torch.nn.functional.cross_entropy(logits, targets, reduction="none"))
        flags = torch.tensor([split.complete[index] for index in batch]).unsqueeze(1)
        complete.append(flags.expand_as(real)[real])
    return torch.cat(found), torch.cat(complete)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    training.add_options(parser, epochs=3, rate=2e-3)
    parser.add_argument("--balance", type=float, default=0.005, help="weight of the routers' load-balancing loss")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)

    learned, validation = (Split(options, name) for name in ("training", "validation"))
    model = MixtralForCausalLM(MixtralConfig(
        vocab_size=8192, hidden_size=192, intermediate_size=128, num_hidden_layers=4, num_attention_heads=6,
        num_key_value_heads=2, num_local_experts=8, num_experts_per_tok=2, max_position_embeddings=512,
        sliding_window=None, tie_word_embeddings=True, pad_token_id=0, bos_token_id=BEGIN, eos_token_id=END,
        router_aux_loss_coef=options.balance))

    def loss_of(batch, rng):
        out, real, targets, mask = hidden_and_targets(model, learned, batch, routing=True)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model.lm_head(out.last_hidden_state[real])
        # Of each layer on its own: over all layers at once, experts that one layer leaves idle are made up for by
        # another's busy ones.
        balance = sum(load_balancing_loss_func((logits_of_layer,), model.config.num_local_experts,
                                               model.config.num_experts_per_tok, mask)
                      for logits_of_layer in out.router_logits) / len(out.router_logits)
        loss = torch.nn.functional.cross_entropy(logits.float(), targets)
        return loss + options.balance * balance, len(targets)

    def validate():
        return f"perplexity {negative_log_likelihoods(model, validation, np.random.default_rng(0))[0].mean().exp():.3f}"

    training.train(
        model, lambda epoch: texts.batches(learned.lengths(), options.tokens, np.random.default_rng([options.seed, 1000 + epoch])),
        loss_of, validate, options.output, options)
    model.save_pretrained(options.output)


if __name__ == "__main__":
    main()
