#!/usr/bin/env python3
"""Calibrates how much of its caches a small decoder reads, and computes what the certificates say again.

    calibrate_cache.py --tamis build/bin/tamis --runtime build/lib/libtamis_runtime.so --folder FOLDER

The texts are random tokens; their last ones are given one by one, here to a generation of the runtime, once with the step
`dense` and once with each step of the policy. Which half a text was in is known by the seed alone: of the violations of all
texts those tested must be a part, and the others no more than the search allows. The last line counts the checks; the exit
status is 1 when one failed.
"""
import argparse
import json
import pathlib
import sys

import numpy as np
import onnx
import onnx.numpy_helper

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "utils"))
sys.path.insert(0, str(ROOT / "test" / "Integration" / "Encoders"))
import decoder_onnx  # noqa: E402
import tamis_runtime  # noqa: E402
from comparison import Checks, call  # noqa: E402
from decoder_onnx import Decoder  # noqa: E402

TEXTS, CONTINUATION, ALPHA, DELTA = 160, 6, 0.1, 0.05
# By rule: what its steps count, the loss and eps.
RULES = {"window": ("window", "argmax", 0.7), "pages": ("pages", "kl", 0.03), "snapkv": ("capacity", "kl", 0.1)}


def logits_of(model, step, text):
    """[continuation, vocabulary], in float64."""
    context = tamis_runtime.Context(model, 1)
    context.set_step(step)
    generation = tamis_runtime.Generation(context)
    generation.begin([text[:-CONTINUATION]])
    generation.step()
    rows = []
    for token in text[-CONTINUATION:]:
        generation.replace([token])
        generation.step()
        rows.append(generation.logits(0).astype(np.float64))
    return np.stack(rows)


def losses_of(kind, dense, sparse):
    if kind == "argmax":
        return (dense.argmax(1) != sparse.argmax(1)).astype(float)
    a, b = (x - np.log(np.exp(x - x.max(1, keepdims=True)).sum(1, keepdims=True)) - x.max(1, keepdims=True) for x in (dense, sparse))
    return (np.exp(a) * (a - b)).sum(1)


class Calibration:
    def __init__(self, options):
        self.options, self.folder, self.checks = options, options.folder, Checks()
        self.folder.mkdir(parents=True, exist_ok=True)
        form = Decoder(seed=7)
        self.model = self.folder / "decoder.onnx"
        onnx.save(decoder_onnx.build(form), self.model)
        past = {f"past_key_values.{i}.{kind}": np.zeros((1, form.groups, 0, form.size), np.float32)
                for i in range(form.layers) for kind in ("key", "value")}
        np.savez(self.folder / "one.npz", input_ids=[[5]], attention_mask=[[1]], position_ids=[[0]], **past)
        rng = np.random.default_rng(4)
        self.texts = [rng.integers(form.vocabulary, size=length).tolist() for length in rng.integers(70, 130, TEXTS)]
        self.requests = self.folder / "texts.jsonl"
        self.requests.write_text("".join(f"{json.dumps(text)}\n" for text in self.texts))

    def calibrate(self, name, *words):
        policy = self.folder / f"{name}.json"
        policy.unlink(missing_ok=True)
        code, text = call(self.options.tamis, "calibrate", self.model, "--requests", self.requests, "-o", policy, "--alpha", ALPHA,
                          "--delta", DELTA, "--dense-layers", 1, "--threads", 1, *words)
        return code, text, policy

    def check_rule(self, rule):
        amount, loss, eps = RULES[rule]
        code, text, file = self.calibrate(rule, "--cache", rule, "--loss", loss, "--eps", eps, "--continuation", CONTINUATION)
        self.checks.count(f"{rule}: is calibrated", code == 0 and "times as fast as the dense step" in text, text)
        if code != 0:
            return
        policy = json.loads(file.read_text())
        cache, certificate = policy["cache"], policy["certificate"]
        artifact = self.folder / f"{rule}.tamis"
        code, text = call(self.options.tamis, "compile", self.model, "-o", artifact, "--policy", file, "--target=native", "-q")
        self.checks.count(f"{rule}: compiles as it is", code == 0, text)
        code, text = call(self.options.tamis, "inspect", artifact)
        self.checks.count(f"{rule}: is certified", f"certified: {loss} of 'logits' above {eps}" in text, text)
        code, text = call(self.options.tamis, "run", artifact, "--inputs", self.folder / "one.npz", "--monitor", "--report")
        self.checks.count(f"{rule}: is not watched", code != 0 and "about the caches of a decoder" in text, text)
        model = tamis_runtime.Model(artifact, pathlib.Path(self.options.runtime).with_suffix(".so"))
        dense = [logits_of(model, "dense", text) for text in self.texts]
        tests = certificate["groups"][0]["tests"]
        self.checks.count(f"{rule}: steps are what passed", [step[amount] for step in cache["steps"]] ==
                          [test[amount] for test in tests if test["passed"]] and cache["chosen"] == cache["steps"][-1]["name"], policy)
        lost = 0
        for step, test in zip(cache["steps"], tests):
            losses = [losses_of(loss, *pair).mean() for pair in zip(dense, (logits_of(model, step["name"], text) for text in self.texts))]
            violations, tested = sum(each > eps for each in losses), test["violations"]
            lost += max(losses) > 0
            self.checks.count(f"{rule}, {step['name']}: violations", 0 <= violations - tested <= ALPHA * certificate["requests"]["searched"],
                              f"{violations} of all, {tested} of those tested")
            self.checks.count(f"{rule}, {step['name']}: bound", test["bound"] <= ALPHA and test["requests"] == TEXTS // 2, test)
        self.checks.count(f"{rule}: reading less loses something", lost, certificate)
        if rule == "window":
            again = self.calibrate("again", "--cache", rule, "--loss", loss, "--eps", eps, "--continuation", CONTINUATION)[2]
            same = [{key: json.loads(each.read_text())[key] for key in ("cache", "certificate")} for each in (file, again)]
            self.checks.count(f"{rule}: the same again", same[0] == same[1], same)
        return file

    def check_changed(self, file):
        """A certificate is for its own steps, and its own precision."""
        policy = json.loads(file.read_text())
        policy["cache"]["steps"][-1]["window"] = 2
        changed = self.folder / "changed.json"
        changed.write_text(json.dumps(policy))
        for what, flags, words in (("changed", ["--policy", changed], "changed by hand"),
                                   ("another precision", ["--policy", file, "--precision=int8"], "certified at the precision f32")):
            code, text = call(self.options.tamis, "compile", self.model, "-o", self.folder / "x.tamis", *flags)
            self.checks.count(f"refused: {what}", code == 3 and words in text, f"{code}: {text}")

    def refuse(self, what, code, words, *flags):
        got, text, policy = self.calibrate("refused", *flags)
        self.checks.count(f"refused: {what}", got == code and words in text and not policy.exists(), f"{got}: {text}")

    def check_refused(self):
        cache = ["--cache", "pages", "--loss", "kl"]
        self.refuse("a loss of embeddings", 2, "not cosine", "--cache", "pages")
        self.refuse("a rule that there is not", 2, "--cache", "--cache", "oldest")
        self.refuse("layers", 2, "--layers", *cache, "--layers", 1)
        self.refuse("a metric of classes", 2, "--metric", *cache, "--metric", "accuracy")
        self.refuse("two precisions", 2, "one precision", *cache, "--precision", "f32,int8")
        self.refuse("short texts", 3, "of which 120 are to be given one by one", *cache, "--continuation", 120)
        self.refuse("a promise that nothing keeps", 3, "no rows of the caches can be left unread", "--cache", "window", "--loss", "kl",
                    "--eps", 1e-12)
        texts, self.requests = self.requests, self.folder / "other.jsonl"
        self.requests.write_text("".join(f"{json.dumps(text)}\n" for text in [*self.texts[:-1], [5] * 40 + [131]]))
        self.refuse("a token that there is not", 3, f"text {TEXTS} has the token 131; the vocabulary has 131", *cache)
        self.requests.write_text("".join(f"{json.dumps(text)}\n" for text in self.texts[:20]))
        self.refuse("few texts", 3, "has 20 requests", *cache)
        self.requests = texts
        before = self.requests.read_bytes()
        code, text = call(self.options.tamis, "calibrate", self.model, "--requests", self.requests, *cache, "-o", self.requests)
        self.checks.count("refused: a policy in the place of its texts", code == 2 and "would replace" in text and
                          self.requests.read_bytes() == before, f"{code}: {text}")
        model = onnx.load(self.model)
        table = next(each for each in model.graph.initializer if each.name == "embed.weight")
        values = onnx.numpy_helper.to_array(table).copy()
        values[self.texts[0][0]] = np.nan
        table.CopyFrom(onnx.numpy_helper.from_array(values, table.name))
        plain, self.model = self.model, self.folder / "nan.onnx"
        onnx.save(model, self.model)
        self.refuse("logits that are no numbers", 3, ": text ", *cache)
        self.model = plain


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tamis", required=True)
    parser.add_argument("--runtime", required=True, help="the shared library is beside it")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    calibration = Calibration(parser.parse_args())
    files = {rule: calibration.check_rule(rule) for rule in RULES}
    if files["window"]:
        calibration.check_changed(files["window"])
    calibration.check_refused()
    return calibration.checks.finish()


if __name__ == "__main__":
    sys.exit(main())
