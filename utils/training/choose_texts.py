#!/usr/bin/env python3
"""Chooses texts that were held out, and keeps what ONNX Runtime answers to them beside the models.

    choose_texts.py build/training/packages.jsonl examples/package-section examples/package-text

For the encoder: one description of every section that the split has, and as many from all sections as make 64, by a
seed; texts.jsonl holds them with package and section, texts.npz input_ids and attention_mask (int64), expected.npz the
logits. For the decoder: <s> and the first 15 tokens of 4 descriptions of as many sections, in prompts.jsonl for `tamis
generate` and, as inputs of the model with empty caches, in prompts.npz; texts.jsonl holds those descriptions whole.
expected.npz holds the tokens that follow by always taking the likeliest, and at each step the greatest 16 logits with
their words.
"""
import argparse
import json
import pathlib

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

import texts

TEXTS, LONGEST = 64, 128
PROMPTS, PROMPT_TOKENS, STEPS, GREATEST = ("games", "science", "net", "fonts"), 16, 32, 16


def session(path):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def write_texts(folder, rows):
    lines = [json.dumps({name: row[name] for name in ("package", "section", "text")}, ensure_ascii=False) for row in rows]
    (folder / "texts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def section_texts(rows, folder, rng):
    order = [rows[index] for index in rng.permutation(len(rows))]
    first = {}
    for row in order:
        first.setdefault(row["section"], row)
    names = {row["package"] for row in first.values()}
    chosen = list(first.values()) + [row for row in order if row["package"] not in names][: TEXTS - len(first)]
    chosen = [chosen[index] for index in rng.permutation(len(chosen))]
    ids, mask, _ = texts.padded(texts.token_ids(folder / "tokenizer.json", [row["text"] for row in chosen], LONGEST))
    inputs = {"input_ids": ids.numpy(), "attention_mask": mask.numpy()}
    run, logits = session(folder / "package-section.onnx"), []
    # A few texts at a time: the graph holds a matrix for each pair of a token and an expert.
    for begin in range(0, TEXTS, 4):
        logits.append(run.run(["logits"], {name: value[begin : begin + 4] for name, value in inputs.items()})[0])
    write_texts(folder, chosen)
    np.savez_compressed(folder / "texts.npz", **inputs)
    np.savez_compressed(folder / "expected.npz", logits=np.concatenate(logits))
    labels = json.loads((folder / "config.json").read_text())["id2label"]
    right = sum(labels[str(index)] == row["section"] for index, row in zip(np.concatenate(logits).argmax(1), chosen))
    print(f"package-section: {len(chosen)} texts of {len(first)} sections, {int(mask.sum())} tokens; {right} right")


def text_prompts(rows, folder, rng):
    prompts, chosen_rows = [], []
    for section in PROMPTS:
        found = [row for row in rows if row["section"] == section]
        ids = texts.token_ids(folder / "tokenizer.json", [row["text"] for row in found], None)
        pairs = [pair for pair in zip(found, ids) if len(pair[1]) >= 64]
        row, line = pairs[rng.integers(len(pairs))]
        chosen_rows.append(row)
        prompts.append(np.concatenate([[1], line[: PROMPT_TOKENS - 1]]))
    write_texts(folder, chosen_rows)
    (folder / "prompts.jsonl").write_text("".join(json.dumps(prompt.tolist()) + "\n" for prompt in prompts))
    run = session(folder / "package-text.onnx")
    count = len(prompts)
    past = {value.name: np.zeros((count, value.shape[1], 0, value.shape[3]), np.float32)
            for value in run.get_inputs() if value.name.startswith("past_key_values.")}
    inputs = {"input_ids": np.stack(prompts).astype(np.int64), "attention_mask": np.ones((count, PROMPT_TOKENS), np.int64),
              "position_ids": np.tile(np.arange(PROMPT_TOKENS), (count, 1)), **past}
    np.savez_compressed(folder / "prompts.npz", **inputs)
    names = [value.name for value in run.get_outputs()]
    chosen, greatest = [], []
    for step in range(STEPS):
        outputs = dict(zip(names, run.run(names, inputs)))
        last = outputs["logits"][:, -1]
        order = np.argsort(-last, axis=1, kind="stable")[:, :GREATEST]
        chosen.append(order)
        greatest.append(np.take_along_axis(last, order, 1))
        total = PROMPT_TOKENS + step + 1
        inputs = {"input_ids": order[:, :1], "attention_mask": np.ones((count, total), np.int64),
                  "position_ids": np.full((count, 1), total - 1)}
        inputs |= {name.replace("present", "past_key_values"): outputs[name] for name in names[1:]}
    np.savez_compressed(folder / "expected.npz", words=np.stack(chosen, 1), logits=np.stack(greatest, 1))
    # Runtimes add up in other orders: where two words are as likely, they may choose differently.
    margin = min(float((logits[:, 0] - logits[:, 1]).min()) for logits in greatest)
    print(f"package-text: {count} prompts of {PROMPT_TOKENS} tokens, {STEPS} steps; the likeliest word leads by {margin:.4f} "
          "at least")
    decoder = Tokenizer.from_file(str(folder / "tokenizer.json"))
    for prompt, words in zip(prompts, np.stack(chosen, 1)[:, :, 0]):
        print(json.dumps([decoder.decode(prompt[1:].tolist()), decoder.decode(words.tolist())], ensure_ascii=False))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=pathlib.Path)
    parser.add_argument("section", type=pathlib.Path)
    parser.add_argument("text", type=pathlib.Path, nargs="?")
    options = parser.parse_args()
    rows = texts.read(options.packages, "held-out")
    section_texts(rows, options.section, np.random.default_rng(7))
    if options.text:
        text_prompts(rows, options.text, np.random.default_rng(7))


if __name__ == "__main__":
    main()
