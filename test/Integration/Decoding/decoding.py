#!/usr/bin/env python3
"""Generates with compiled decoders, and steps the same ONNX models by ONNX Runtime.

    decoding.py --tamis build/bin/tamis --runtime build/lib/libtamis_runtime.a --isa x86-64-v3 [--only TEXT]

ONNX Runtime gets the caches as inputs and gives them as outputs, each prompt by itself, without padding. Tamis keeps them
in its context, prompts of different lengths side by side. Tokens must be equal, and the logits of every step near. One
and two threads must give the same bits; a token alone, and the same token among all others, near ones. The last line
counts the checks; the exit status is 1 when one failed.
"""
import argparse
import json
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "utils"))
sys.path.insert(0, str(ROOT / "test" / "Integration" / "Encoders"))
import decoder_onnx  # noqa: E402
import tamis_runtime  # noqa: E402
from comparison import Checks, call  # noqa: E402
from decoder_onnx import Decoder  # noqa: E402

# Decoders, and what is generated for them.
FORMS = {
    "llama": Decoder(),
    "llama-one-group": Decoder(groups=1, heads=4, seed=1),
    "llama-wide-heads": Decoder(hidden=80, heads=2, groups=2, layers=1, seed=2),
    "table": Decoder(positions="table", groups=4, seed=3),
    "no-mask": Decoder(mask=False, seed=4),
    "attention-operator": Decoder(attention="Attention", seed=5),
    "multi-head": Decoder(attention="MultiHeadAttention", positions="table", groups=4, seed=6),
}
PROMPTS = [[5, 17, 99, 3, 42, 7, 64], [11], [90, 2, 2, 31]]
TOLERANCE = 2e-4  # absolute, of logits of about 5


class Reference:
    """One sequence, stepped by ONNX Runtime."""

    def __init__(self, model):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        self.inputs = {i.name: i for i in self.session.get_inputs()}
        self.past = {name: np.zeros((1, i.shape[1], 0, i.shape[3]), np.float32)
                     for name, i in self.inputs.items() if name.startswith("past_key_values")}
        self.length = 0

    def step(self, tokens):
        """The logits of the last of these tokens."""
        total = self.length + len(tokens)
        feeds = {"input_ids": np.array([tokens]), "attention_mask": np.ones((1, total), np.int64),
                 "position_ids": np.arange(self.length, total).reshape(1, -1)} | self.past
        feeds = {name: value for name, value in feeds.items() if name in self.inputs}
        outputs = dict(zip((o.name for o in self.session.get_outputs()), self.session.run(None, feeds)))
        self.past = {name: outputs[name.replace("past_key_values", "present")] for name in self.past}
        self.length = total
        return outputs["logits"][0, -1]

    def generate(self, prompt, count):
        tokens, logits, given = [], [], list(prompt)
        for _ in range(count):
            logits.append(self.step(given))
            tokens.append(int(np.argmax(logits[-1])))
            given = tokens[-1:]
        return tokens, logits


def generate(tamis, artifact, prompts, count, *flags):
    words = [word for prompt in prompts for word in ("--prompt-ids", ",".join(map(str, prompt)))]
    code, text = call(tamis, "generate", artifact, *words, "--max-new", count, "--json", *flags)
    return [sequence["tokens"] for sequence in json.loads(text)["sequences"]] if code == 0 else f"exit {code}: {text}"


def check(checks, name, model, arguments, folder, count=90):
    """90 tokens behind 7 are more than the 64 rows that a cache has first."""
    file, artifact = folder / f"{name}.onnx", folder / f"{name}.tamis"
    onnx.save(model, file)
    code, text = call(arguments.tamis, "compile", file, "-o", artifact, "--target", arguments.isa, "-q")
    if not checks.count(f"{name}: compiles", code == 0, text):
        return
    has_mask = any(i.name == "attention_mask" for i in model.graph.input)
    batches = [PROMPTS] if has_mask else [PROMPTS[:1], [PROMPTS[0], PROMPTS[0][::-1]]]
    expected = {tuple(p): Reference(str(file)).generate(p, count) for batch in batches for p in batch}
    for batch in batches:
        tokens = [expected[tuple(p)][0] for p in batch]
        for threads in ("1", "2"):
            got = generate(arguments.tamis, artifact, batch, count, "--threads", threads)
            checks.count(f"{name}: {len(batch)} prompts, {threads} threads", got == tokens, f"{got}, not {tokens}")
        check_logits(checks, name, artifact, arguments, batch, expected)


def check_logits(checks, name, artifact, arguments, batch, expected):
    """The logits of each step, the same bits on both numbers of threads, and of runs that are cut elsewhere."""
    model = tamis_runtime.Model(artifact, pathlib.Path(arguments.runtime).with_suffix(".so"))
    found = []
    for threads in (1, 2):
        context = tamis_runtime.Context(model, threads)
        generation = tamis_runtime.Generation(context)
        generation.begin(batch)
        found.append([])
        for _ in range(len(expected[tuple(batch[0])][1])):
            generation.step()
            found[-1].append(np.stack([generation.logits(b) for b in range(len(batch))]))
    one, two = (np.stack(rows) for rows in found)
    checks.count(f"{name}: threads", np.array_equal(one, two), f"differ by {np.abs(one - two).max()}")
    wanted = np.stack([expected[tuple(p)][1] for p in batch], axis=1)
    worst = np.abs(one - wanted).max()
    checks.count(f"{name}: logits", worst <= TOLERANCE, f"differ by {worst}")
    # One run of all tokens of the first sequence, beside one token at a time.
    tokens = list(batch[0]) + expected[tuple(batch[0])][0][:-1]
    rows = tamis_runtime.Context(model, 1)
    all_rows = rows.logits_with_cache([tokens])[0, len(batch[0]) - 1 :]
    worst = np.abs(all_rows - one[:, 0]).max()
    checks.count(f"{name}: all at once", worst <= TOLERANCE, f"differ by {worst}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tamis", required=True)
    parser.add_argument("--runtime", required=True, help="the shared library is beside it")
    parser.add_argument("--isa", required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th case only")
    parser.add_argument("--model", action="append", default=[], help="an exported decoder as well")
    arguments = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, form in list(FORMS.items())[::arguments.every]:
            if arguments.only in name:
                check(checks, name, decoder_onnx.build(form), arguments, folder)
        for path in map(pathlib.Path, arguments.model):
            if arguments.only in path.parent.name:
                check(checks, path.parent.name, onnx.load(path), arguments, folder)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
