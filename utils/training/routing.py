#!/usr/bin/env python3
"""Measures how the routing of a model depends on the section of the text, and writes it as a table.

    routing.py build/training/packages.jsonl examples/package-section/tokenizer.json build/training/section routing.md

Runs the held-out texts (at most --texts of a section) and counts, layer by layer, which experts the tokens of each
section chose. A choice counts 1; a token has two. The tables give the shares; above them, for each layer: the share of
the experts used least and most; the mutual information of section and expert, as a share of the entropy of the experts
(0: the section says nothing of the expert, 1: it settles it); the total variation between a section and all texts, mean
over sections, and its greatest.
"""
import argparse
import json
import pathlib

import numpy as np
import torch
from transformers import MixtralForCausalLM

import texts
from section_model import MixtralForMeanClassification


def counts(model, rows, tokenizer, longest, sections):
    """[layers, sections, experts]: how often tokens of a section chose an expert."""
    layers, experts = model.config.num_hidden_layers, model.config.num_local_experts
    found, chosen = np.zeros((layers, len(sections), experts), np.int64), []
    for layer in model.model.layers:
        layer.mlp.gate.register_forward_hook(lambda module, inputs, outputs: chosen.append(outputs[2]))
    ids = texts.token_ids(tokenizer, [row["text"] for row in rows], longest)
    if isinstance(model, MixtralForCausalLM):
        ids = [np.concatenate([[model.config.bos_token_id], line]) for line in ids]  # as it was trained
    for batch in texts.batches([len(line) for line in ids], 4096, np.random.default_rng(0)):
        tokens, mask, _ = texts.padded([ids[index] for index in batch])
        chosen.clear()
        with torch.no_grad():
            model.model(input_ids=tokens, attention_mask=mask, use_cache=False)
        labels = np.repeat([sections.index(rows[index]["section"]) for index in batch], tokens.shape[1])
        real = mask.flatten().numpy() != 0
        for layer, indices in enumerate(chosen):
            for slot in range(indices.shape[1]):
                np.add.at(found[layer], (labels[real], indices[real, slot].numpy()), 1)
    return found


def skew(shares):
    """Of [sections, experts], each row a distribution, sections weighing the same."""
    mean = shares.mean(0)
    entropy = -(mean * np.log(mean + 1e-12)).sum()
    information = (shares * np.log((shares + 1e-12) / (mean + 1e-12))).sum(1).mean()
    variation = 0.5 * np.abs(shares - mean).sum(1)
    return mean, information / entropy, variation


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=pathlib.Path)
    parser.add_argument("tokenizer", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path, help="the trained model")
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--longest", type=int, default=128)
    parser.add_argument("--texts", type=int, default=40, help="of a section, at most")
    parser.add_argument("--least", type=int, default=20, help="sections with fewer texts are left out")
    options = parser.parse_args()
    torch.set_num_threads(1)
    kind = json.loads((options.folder / "config.json").read_text())["architectures"][0]
    classes = {"MixtralForCausalLM": MixtralForCausalLM, "MixtralForMeanClassification": MixtralForMeanClassification}
    model = classes[kind].from_pretrained(options.folder).eval()

    grouped = {}
    for row in texts.read(options.packages, "held-out"):
        grouped.setdefault(row["section"], []).append(row)
    sections = sorted(name for name, rows in grouped.items() if len(rows) >= options.least)
    rng = np.random.default_rng(0)
    rows = [grouped[name][index] for name in sections for index in rng.permutation(len(grouped[name]))[: options.texts]]
    found = counts(model, rows, options.tokenizer, options.longest, sections)

    lines = [f"{len(rows)} texts of {len(sections)} sections that were held out, {found[0].sum() // 2} tokens. Sections weigh "
             "the same in the figures.", "",
             "| Layer | Least used expert | Most used | Information of the section | Total variation, mean | greatest |",
             "|---|---|---|---|---|---|"]
    shares = found / found.sum(2, keepdims=True)
    for layer in range(len(found)):
        mean, information, variation = skew(shares[layer])
        lines.append(f"| {layer + 1} | {mean.min():.1%} | {mean.max():.1%} | {information:.3f} | {variation.mean():.3f} | "
                     f"{variation.max():.3f} ({sections[variation.argmax()]}) |")
    for layer in range(len(found)):
        lines += ["", f"Layer {layer + 1}, the share of each section's choices that went to each expert, in %:", "",
                  "| Section | Tokens | " + " | ".join(map(str, range(shares.shape[2]))) + " |",
                  "|---|---|" + "---|" * shares.shape[2]]
        for index, name in enumerate(sections):
            row = " | ".join(f"{100 * share:.0f}" for share in shares[layer, index])
            lines.append(f"| {name} | {found[layer, index].sum() // 2} | {row} |")
    options.output.write_text("\n".join(lines) + "\n")
    print("\n".join(lines[:4 + len(found)]))


if __name__ == "__main__":
    main()
