#!/usr/bin/env python3
"""Compiles the trained encoder of examples/package-section and compares it with ONNX Runtime's logits, kept beside it.

    package_section.py examples/package-section --tamis build/bin/tamis --isa x86-64-v3 [--isa x86-64-v4]

One and two threads must give the same bits. A text of one row, without padding, must get the answer that it gets in the
batch. Prints how many of the texts get the right section; the last line counts the checks, the exit status is 1 when
one failed.
"""
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Encoders"))
from comparison import Checks, call, check_model, run_everywhere  # noqa: E402

# Logits are about 10; sums of some hundred products are added up in another order.
TOLERANCE = (1e-5, 2e-5)


def right(labels, texts, logits):
    return sum(labels[str(best)] == text["section"] for best, text in zip(logits.argmax(1), texts))


def check(options, folder):
    checks, artifact = Checks(), folder / "section.tamis"
    code, text = call(options.tamis, "compile", options.folder / "package-section.onnx", "-o", artifact, "--quiet",
                      "--target", ",".join(options.isa))
    if not checks.count("compile", code == 0, text):
        return checks
    inputs, expected = options.folder / "texts.npz", options.folder / "expected.npz"
    run_everywhere(checks, "package-section", options.tamis, artifact, inputs, expected, options.isa, TOLERANCE)

    texts = [json.loads(line) for line in (options.folder / "texts.jsonl").read_text(encoding="utf-8").splitlines()]
    labels = json.loads((options.folder / "config.json").read_text())["id2label"]
    want = np.load(expected)["logits"]
    checks.count("texts", len(texts) == len(want), "texts.jsonl and expected.npz differ in length")
    arrays = dict(np.load(inputs))
    for row in range(2):
        length = int(arrays["attention_mask"][row].sum())
        np.savez(folder / "one.npz", **{name: value[row:row + 1, :length] for name, value in arrays.items()})
        np.savez(folder / "one-expected.npz", logits=want[row:row + 1])
        run_everywhere(checks, f"text {row}", options.tamis, artifact, folder / "one.npz", folder / "one-expected.npz",
                       options.isa, TOLERANCE)
    for isa in options.isa:
        code, text = call(options.tamis, "run", artifact, "--inputs", inputs, "--outputs", folder / "out.npz", "--isa", isa)
        if checks.count(f"outputs at {isa}", code == 0, text):
            got = np.load(folder / "out.npz")["logits"]
            checks.count(f"sections at {isa}", (got.argmax(1) == want.argmax(1)).all(), "other sections than ONNX Runtime")
            print(f"{right(labels, texts, got)} of {len(texts)} texts right, {right(labels, texts, want)} by ONNX Runtime")
    return checks


if __name__ == "__main__":
    sys.exit(check_model(__doc__, check))
