#!/usr/bin/env python3
"""Compiles the trained decoder of examples/package-text and compares it with what ONNX Runtime made of the prompts kept beside it.

    package_text.py examples/package-text --tamis build/bin/tamis --isa x86-64-v3 [--isa x86-64-v4]

`tamis generate` must go on with the words that ONNX Runtime stepped to, one prompt at a time as well as all at once, by one
and two threads. The first step's logits, of the model run as ONNX says it, must be those of ONNX Runtime. The last line
counts the checks; the exit status is 1 when one failed.
"""
import json
import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Encoders"))
from comparison import Checks, call, check_model  # noqa: E402

# Logits are about 10; sums of some hundred products are added up in another order.
TOLERANCE = 5e-5


def words_of(checks, what, tamis, artifact, prompts, steps, isa, threads, folder):
    file = folder / "prompts.jsonl"
    file.write_text("".join(json.dumps(prompt) + "\n" for prompt in prompts))
    code, text = call(tamis, "generate", artifact, "--prompts", file, "--max-new", str(steps), "--isa", isa, "--threads",
                      str(threads), "--json")
    if not checks.count(what, code == 0, text):
        return None
    return [sequence["tokens"] for sequence in json.loads(text)["sequences"]]


def check(options, folder):
    checks, artifact = Checks(), folder / "text.tamis"
    code, text = call(options.tamis, "compile", options.folder / "package-text.onnx", "-o", artifact, "--quiet", "--target",
                      ",".join(options.isa))
    if not checks.count("compile", code == 0, text):
        return checks
    prompts = [json.loads(line) for line in (options.folder / "prompts.jsonl").read_text().splitlines()]
    expected = np.load(options.folder / "expected.npz")
    want = expected["words"][:, :, 0].tolist()
    steps = len(want[0])
    for isa in options.isa:
        for threads in (1, 2):
            what = f"{isa}, {threads} threads"
            together = words_of(checks, what, options.tamis, artifact, prompts, steps, isa, threads, folder)
            checks.count(f"{what}: words", together == want, f"{together} instead of {want}")
            for number, prompt in enumerate(prompts):
                alone = words_of(checks, f"{what}: prompt {number}", options.tamis, artifact, [prompt], steps, isa, threads, folder)
                checks.count(f"{what}: words of prompt {number} alone", alone == want[number:number + 1], f"{alone}")
        code, text = call(options.tamis, "run", artifact, "--inputs", options.folder / "prompts.npz", "--outputs",
                          folder / "out.npz", "--isa", isa)
        if checks.count(f"{isa}: first step", code == 0, text):
            last = np.load(folder / "out.npz")["logits"][:, -1]
            got = np.take_along_axis(last, expected["words"][:, 0], 1)
            error = np.abs(got - expected["logits"][:, 0]).max()
            checks.count(f"{isa}: first logits", error <= TOLERANCE, f"off by {error:.3g}")
    return checks


if __name__ == "__main__":
    sys.exit(check_model(__doc__, check))
