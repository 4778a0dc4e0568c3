"""What is measured of a decoder: prompts that fill empty caches, and steps of a token that extend them."""
import numpy as np

from peers import Run

from . import random_moe_decoder
from .measurement import Contender, measure_entries, today

PROMPT, STEPS, CHECKED = 32, 64, 4
# Workloads by name: sequences, tokens of the prompt, and whether it is the prompt that is timed.
WORKLOADS = {"prefill-32": (1, 32, True), "prefill-128": (1, 128, True), "prefill-512": (1, 512, True),
             "decode-1": (1, PROMPT, False), "decode-8": (8, PROMPT, False)}


def make(shape, folder):
    """Finds or writes the ONNX file of a decoder."""
    path = folder / f"moe-decoder-{shape.layers}.onnx"
    if not path.exists():
        scratch = path.with_suffix(".onnx.part")
        random_moe_decoder.write(scratch, shape)
        scratch.rename(path)
    return path


def tokens(shape, batch, prompt):
    """Ids of the prompt [batch, prompt], and those of each step [batch, 1]. They are fixed, so that all runtimes compute
    the same and their logits can be compared."""
    rng = np.random.default_rng(batch * 1000 + prompt)
    draw = lambda count: rng.integers(0, shape.vocabulary, (batch, count), np.int64)
    return draw(prompt), [draw(1) for _ in range(STEPS)]


class Workload:
    """Sequences with the runs of a workload made ready."""

    def __init__(self, sequences, ids, steps, timed_prompt):
        self.sequences, self.timed_prompt, self.at = sequences, timed_prompt, 0
        self.length = ids.shape[1]
        self.prompt = sequences.prepare(ids, 0)
        self.steps = [sequences.prepare(token, self.length + place) for place, token in enumerate(steps)]
        self.begin()

    def begin(self):
        self.sequences.cut(0)
        self.prompt()
        self.at = 0

    def call(self):
        """What is timed: the prompt, or one step. After the last step all go back to the end of the prompt."""
        if self.timed_prompt:
            self.begin()
            return
        if self.at == len(self.steps):
            self.sequences.cut(self.length)
            self.at = 0
        self.steps[self.at]()
        self.at += 1

    def logits(self):
        """Of the last token of the prompt, and of a few steps: [tokens, vocabulary]."""
        self.begin()
        found = [self.sequences.logits()]
        for step in self.steps[:CHECKED]:
            step()
            found.append(self.sequences.logits())
        self.at = CHECKED
        return np.concatenate(found)


def unlikeness(got, want):
    """1 - the mean cosine of the logits of tokens; infinite where a number is no number, or a shape is another."""
    if got.shape != want.shape or not np.isfinite(got).all():
        return float("inf")
    cosine = (got * want).sum(1) / (np.linalg.norm(got, axis=1) * np.linalg.norm(want, axis=1))
    return float(1 - cosine.mean())


def contenders_of(tamis, peers, path, folder):
    """What is measured, and by key why the others are not. Tamis twice: see decoders/tamis.py."""
    from peers import first_line
    last, every = tamis.prepare_decoder(path, folder)
    found, reasons = [Contender(tamis, "int4", [last]), Contender(tamis, "int4", [every], "logits of all tokens")], {}
    for peer in peers:
        try:
            found.append(Contender(peer, "int4", peer.prepare_decoder(path, folder)))
        except Exception as error:  # Of a peer, of any kind: it is reported, and the others are measured.
            reasons[f"{peer.key} int4"] = first_line(error)
    return found, reasons


def measure_workload(name, contenders, shape, reference, threads, rounds, seconds):
    """A row of the results."""
    from decoders.onnx_runtime import SharedBuffers
    batch, prompt, timed_prompt = WORKLOADS[name]
    ids, steps = tokens(shape, batch, prompt)
    length = prompt + STEPS
    make_ready = lambda sequences: Workload(sequences, ids, steps, timed_prompt)
    want = make_ready(SharedBuffers(reference, shape, batch, length)).logits()

    def open_variant(peer, variant):
        sequences = peer.open_decoder(variant, shape, batch, length, threads)
        workload = make_ready(sequences)
        return Run(workload.call, workload.logits, sequences.facts)

    if not timed_prompt:  # A step has one token: its logits are all there are.
        contenders = [contender for contender in contenders if not contender.detail]
    entries, failed = measure_entries(contenders, open_variant, lambda run: {"result": unlikeness(run.outputs(), want)},
                                      rounds, seconds)
    computed = batch * prompt if timed_prompt else batch
    return {"workload": name, "shape": [batch, prompt], "tokens": computed, "threads": threads, "date": today(),
            "not_measured": failed, "entries": entries}


def step_inputs(shape, batch, length=PROMPT):
    """The inputs of one step as the ONNX file has them, for `tamis bench`."""
    rng = np.random.default_rng(batch)
    inputs = {"input_ids": rng.integers(0, shape.vocabulary, (batch, 1), np.int64),
              "attention_mask": np.ones((batch, length + 1), np.int64)}
    for layer in range(shape.layers):
        for kind in ("key", "value"):
            inputs[f"past_key_values.{layer}.{kind}"] = rng.standard_normal((batch, shape.groups, length, shape.size), np.float32)
    return inputs


def about(shape):
    """A decoder's shape in words."""
    return (f"{shape.layers} layers in the shape of Qwen3-MoE without its norms of queries and keys, hidden {shape.hidden}, "
            f"{shape.heads} heads of {shape.size} on {shape.groups} of keys and values, {shape.experts} experts of {shape.inner}, "
            f"top {shape.chosen}, a vocabulary of {shape.vocabulary}; random weights of 4 bits in blocks of 32 "
            "(benchmarks/suite/random_moe_decoder.py). ONNX Runtime has the ONNX file (MatMulNBits and QMoE with accuracy_level 4, "
            "GroupQueryAttention), Tamis what `tamis compile --precision=int4` makes of it, llama.cpp a GGUF file of the same "
            "integers as Q4_0, whose scales are of f16 instead of f32. "
            f"A token reads {shape.active_bytes() / 1e6:.1f} MB of weights, with scales of f32.")
