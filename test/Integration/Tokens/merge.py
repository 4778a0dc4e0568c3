#!/usr/bin/env python3
"""Compiles a small encoder with policies that merge tokens, and compares it with the same encoder in NumPy.

    merge.py --tamis build/bin/tamis --folder FOLDER --isa LEVEL

The encoder of NumPy works on one sequence, in double precision, and merges as ToMe's rule says: rows at even places into the most
similar ones at odd places, the most similar pairs first, means by sizes, and the logarithm of the sizes added to later
scores. The last line counts what was checked; the exit status is 1 when something differs.
"""
import argparse
import math
import pathlib
import sys

import numpy as np

from prune import HEADS, HIDDEN, LAYERS, WORDS, Pruning, build, scores_of, share_of, weights

LENGTHS = (1, 2, 3, 7, 16, 17, 33, 65)
SPECIAL = [3, 11]
EPSILON = 1e-12
erf = np.vectorize(math.erf, otypes=[float])


def normalize(x, weight, bias):
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred ** 2).mean(-1, keepdims=True) + EPSILON) * weight + bias


class Sequence:
    """The rows of a sequence on their way through the encoder."""

    def __init__(self, weight, padded, real):
        ids = padded[real]
        self.weight, self.ids, self.whole = lambda name: weight(name).astype(np.float64), ids, len(ids)
        self.places, self.sizes, self.counts, self.gap = np.arange(len(ids)), np.ones(len(ids)), [], np.inf
        # The row that each token is in; nobody asks where some are left out.
        self.home = np.arange(len(ids))
        rows = self.weight("embeddings.word_embeddings.weight")[ids] + self.weight("embeddings.token_type_embeddings.weight")[0]
        self.x = self.norm("embeddings.LayerNorm", rows + self.weight("embeddings.position_embeddings.weight")[real])

    def norm(self, name, x):
        return normalize(x, self.weight(name + ".weight"), self.weight(name + ".bias"))

    def linear(self, name, x):
        return x @ self.weight(name + ".weight").T + self.weight(name + ".bias")

    def fixed(self, point, special):
        """Whether each row stays as it is."""
        place, last = np.arange(len(self.x)), len(self.x) - min(point.get("last", 1), len(self.x))
        return (place < point.get("first", 1)) | (place >= last) | np.isin(self.ids[self.places], special)

    def count(self, point, share, staying):
        rows = int(np.float32(len(self.x)) * np.float32(share_of(point, share, self.whole)) + np.float32(0.5))
        ends = point.get("first", 1) + point.get("last", 1)
        return min(max(rows, point.get("minimum", 8), ends, staying), len(self.x))

    def keep(self, stays):
        self.x, self.places, self.sizes = self.x[stays], self.places[stays], self.sizes[stays]

    def note_gap(self, scores, count):
        order = np.sort(-scores)
        if count < len(order):
            self.gap = min(self.gap, order[count] - order[count - 1])

    def prune(self, point, share, special):
        scores, fixed = np.array(scores_of(point, self.x, None, None), float), self.fixed(point, special)
        scores[fixed] = np.inf
        count, before = self.count(point, share, fixed.sum()), len(self.x)
        self.note_gap(scores, count)
        stays = np.sort(np.argsort(-scores, kind="stable")[:count])
        self.keep(stays)
        self.home = None
        self.counts.append((before, count))

    def merge(self, point, share, special, keys):
        rows, fixed = len(self.x), self.fixed(point, special)
        metric = keys / np.linalg.norm(keys, axis=-1, keepdims=True)
        even = [row for row in range(0, rows, 2) if not fixed[row]]
        odd = [row for row in range(1, rows, 2) if not fixed[row]]
        scores, partner = np.full(rows, np.inf), {}
        for row in even if odd else []:
            cosines = metric[odd] @ metric[row]
            partner[row] = odd[int(np.argmax(cosines))]
            scores[row] = -cosines.max()
        count = self.count(point, share, np.isinf(scores).sum())
        self.note_gap(scores, count)
        stays = np.sort(np.argsort(-scores, kind="stable")[:count])
        if count < rows:
            for row in set(range(rows)) - set(stays):
                best = np.sort(metric[odd] @ metric[row])
                self.gap = min(self.gap, best[-1] - best[-2] if len(odd) > 1 else np.inf)
        into = np.array([row if row in stays else partner.get(row, -1) for row in range(rows)])
        sums, sizes = np.zeros_like(self.x), np.zeros(rows)
        np.add.at(sums, into, self.x * self.sizes[:, None])
        np.add.at(sizes, into, self.sizes)
        self.x, self.sizes = sums / np.where(sizes, sizes, 1)[:, None], sizes
        if self.home is not None:
            self.home = np.searchsorted(stays, into)[self.home]
        self.keep(stays)
        self.counts.append((rows, count))

    def layer(self, number, merge):
        """`merge` is called behind the attention with the mean keys."""
        at, rows = f"encoder.layer.{number}.attention", len(self.x)
        q, k, v = (self.linear(f"{at}.self.{part}", self.x).reshape(rows, HEADS, -1) for part in ("query", "key", "value"))
        scores = np.einsum("qhd,khd->hqk", q, k) / math.sqrt(HIDDEN // HEADS) + np.log(self.sizes)
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = np.einsum("hqk,khd->qhd", powers / powers.sum(-1, keepdims=True), v).reshape(rows, HIDDEN)
        self.x = self.linear(f"{at}.output.dense", mixed) + self.x
        merge(k.mean(1))
        self.x = self.norm(f"{at}.output.LayerNorm", self.x)
        inner = self.linear(f"encoder.layer.{number}.intermediate.dense", self.x)
        inner = inner * (erf(inner / math.sqrt(2)) + 1) / 2
        self.x = self.norm(f"encoder.layer.{number}.output.LayerNorm", self.linear(f"encoder.layer.{number}.output.dense", inner) + self.x)


class Merging(Pruning):
    def __init__(self, options):
        super().__init__(options)
        self.weight = weights(np.random.default_rng(11))
        self.model = build(self.weight, "encoder", LAYERS, HIDDEN, HEADS)
        (self.folder / "model.onnx").write_bytes(self.model.SerializeToString())
        self.bare = self.folder / "bare.tamis"
        self.run("compile", self.folder / "model.onnx", "-o", self.bare, "--quiet", "--target", options.isa)

    def draw(self, seed):
        rng, longest = np.random.default_rng(seed), max(LENGTHS)
        self.ids = rng.integers(0, WORDS, (len(LENGTHS), longest))
        self.mask = np.array([[place < length if row % 2 else place >= longest - length for place in range(longest)]
                              for row, length in enumerate(LENGTHS)]).astype(np.int64)

    def sequences(self, tokens, step):
        """All sequences behind the last layer, at the shares of a step."""
        prunes = {point["layer"]: (point, keep) for point, keep in zip(tokens.get("prune", []), step.get("keep", []))}
        merges = {point["layer"]: (point, stay) for point, stay in zip(tokens.get("merge", []), step.get("stay", []))}
        special = tokens.get("protect_ids", [])
        for ids, mask in zip(self.ids, self.mask):
            # Places of tokens in the padded row are those in the table of positions.
            sequence = Sequence(self.weight, ids, np.flatnonzero(mask))
            for layer in range(LAYERS):
                if layer in prunes:
                    sequence.prune(*prunes[layer], special)
                merge = (lambda keys: sequence.merge(*merges[layer], special, keys)) if layer in merges else lambda keys: None
                sequence.layer(layer, merge)
            yield sequence

    def wanted(self, tokens, step):
        """The outputs, how many rows go on from each place, and the least gap between two scores that a choice rested on."""
        states, means, counts, gap = np.zeros((*self.ids.shape, HIDDEN)), [], None, np.inf
        for row, sequence in enumerate(self.sequences(tokens, step)):
            places = np.flatnonzero(self.mask[row])
            if tokens["dropped"] == "merged":
                states[row][places] = sequence.x[sequence.home]
            else:
                states[row][places[sequence.places]] = sequence.x
            by = np.ones(len(sequence.x)) if tokens.get("pool") == "kept" else sequence.sizes
            mean = (sequence.x * by[:, None]).sum(0) / by.sum()
            means.append(mean / np.linalg.norm(mean))
            counts = np.array(sequence.counts) if counts is None else counts + np.array(sequence.counts)
            gap = min(gap, sequence.gap)
        return states, np.array(means), [tuple(map(int, count)) for count in counts], gap

    def policies(self):
        merge = lambda layer, **more: {"layer": layer, **more}
        linear = lambda layer, **more: {"layer": layer, "rule": "linear", "weights": self.rng.standard_normal(HIDDEN).round(3).tolist(), **more}
        yield "one layer", {"merge": [merge(1)]}, {"half": {"stay": [0.5]}, "most": {"stay": [0.8]}}
        yield "by length", {"merge": [merge(0, lengths=[16, 40], minimum=2, first=0, last=0)]}, {"groups": {"stay": [[1, 0.75, 0.5]]}}
        yield "all layers", {"merge": [merge(0), merge(1, first=2, last=3), merge(2)], "dropped": "merged"}, \
            {"all": {"stay": [0.6, 0.7, 0.5]}, "one": {"stay": [1, 1, 0.5]}}
        yield "unweighted means", {"merge": [merge(0)], "pool": "kept"}, {"half": {"stay": [0.5]}}
        yield "protected tokens", {"merge": [merge(0, minimum=1), merge(1, minimum=1)], "protect_ids": SPECIAL}, {"half": {"stay": [0.5, 0.5]}}
        yield "left out and merged", {"prune": [linear(0), linear(2, minimum=3)], "merge": [merge(0), merge(1)], "protect_ids": SPECIAL}, \
            {"both": {"keep": [0.8, 0.5], "stay": [0.6, 0.7]}, "merged": {"keep": [1, 1], "stay": [0.5, 0.5]}, "left out": {"keep": [0.5, 0.3], "stay": [1, 1]}}
        yield "protected from being left out", {"prune": [linear(1, minimum=1, first=0, last=0)], "protect_ids": SPECIAL}, {"few": {"keep": [0.05]}}

    def compare_step(self, what, artifact, tokens, step, name):
        states, means, counts, _ = self.wanted(tokens, step)
        bits = []
        for threads in (1, 2):
            out = self.folder / "out.npz"
            text = self.run("run", artifact, "--inputs", self.inputs, "--outputs", out, "--step", name, "--threads", threads, "--report")
            got = np.load(out)
            bits.append((got["last_hidden_state"].tobytes(), got["embedding"].tobytes()))
        self.checks.count(f"{what}: threads", bits[0] == bits[1], "the bits differ")
        for output, want, tolerance in (("embedding", means, 1e-5), ("last_hidden_state", states, 2e-4)):
            error = np.abs(got[output] - want).max()
            self.checks.count(f"{what}: {output}", error <= tolerance, f"off by {error:.3g}")
        for rows, kept in counts:
            self.checks.count(f"{what}: report", f": {kept} of {rows} go on\n" in text, f"not {kept} of {rows} in\n{text}")

    def compare_dense(self, what, artifact):
        """The step dense is the model without a policy, to the bit."""
        outputs = []
        for words in ((artifact, "--step", "dense"), (self.bare,)):
            out = self.folder / "out.npz"
            self.run("run", words[0], "--inputs", self.inputs, "--outputs", out, *words[1:])
            outputs.append({name: value.tobytes() for name, value in np.load(out).items()})
        self.checks.count(f"{what}: dense", outputs[0] == outputs[1], "differs from the model without a policy")

    def results(self):
        for what, tokens, steps in self.policies():
            tokens = {"dropped": "zeros", **tokens, "steps": [{"name": name, **step} for name, step in steps.items()]}
            artifact = self.compile(tokens)
            # No two scores may be so close that rounding chooses between them.
            for seed in range(100):
                self.draw(seed)
                if min(self.wanted(tokens, step)[3] for step in steps.values()) > 2e-5:
                    break
            else:
                raise SystemExit(f"{what}: two scores are too close to tell apart with any seed")
            np.savez(self.inputs, input_ids=self.ids, attention_mask=self.mask)
            self.compare_dense(what, artifact)
            for name, step in steps.items():
                self.compare_step(f"{what}, {name}", artifact, tokens, step, name)

    def refused(self):
        good, steps = {"layer": 0}, [{"name": "half", "stay": [0.5]}]

        def refuse(text, code=3, **changes):
            tokens = {"merge": [good], "steps": steps, "dropped": "zeros"} | changes
            output = self.compile({key: value for key, value in tokens.items() if value is not None}, code=code)
            self.checks.count(f"refused: {text}", text in output, output)

        refuse("the policy merges tokens in layer 3, and the model has 3; layers count from 0", merge=[good | {"layer": 3}])
        refuse("set 'dropped' to \"merged\"", dropped="refuse")
        refuse("'dropped' is restore, which puts back what 'prune' leaves out", dropped="restore")
        prune = [{"layer": 0, "rule": "stride"}]
        refuse("which is for 'merge' without 'prune'", dropped="merged", prune=prune, steps=[{"name": "half", "keep": [0.5], "stay": [0.5]}])
        refuse("which is for 'merge' without 'prune'", dropped="merged", merge=None, prune=prune, steps=[{"name": "half", "keep": [0.5]}])
        refuse("it has no 'merge'", pool="weighted", merge=None, prune=prune, steps=[{"name": "half", "keep": [0.5]}])
        refuse("has a 'stay' that is no share from 0.5 on", steps=[{"name": "half", "stay": [0.4]}])
        refuse("has not one element of 'stay' for each of 'merge'", steps=[{"name": "half", "stay": [0.5, 0.5]}])
        refuse("has not one element of 'keep' for each of 'prune'", steps=[{"name": "half", "stay": [0.5], "keep": [0.5]}])
        refuse("an element of 'merge' has the key 'rule'", merge=[good | {"rule": "stride"}])
        refuse("an element of 'merge' has a 'minimum' that is no integer from 1 on", merge=[good | {"minimum": 0}])
        refuse("the layers of 'merge' do not ascend", merge=[good, good], steps=[{"name": "half", "stay": [0.5, 0.5]}])
        refuse("its 'tokens' has no lists 'prune' or 'merge'", merge=None)
        refuse("its 'protect_ids' is no list of ids of tokens", protect_ids=[-1])
        refuse(f"protects the token {WORDS}, and the model knows those below {WORDS}", protect_ids=[WORDS])
        rule = {"layer": 1, "rule": "attention", "queries": "first"}
        refuse("by this attention, behind which it merges them", prune=[rule], steps=[{"name": "half", "keep": [0.5], "stay": [0.5]}])
        refuse("which adds a bias to its scores", prune=[rule | {"layer": 2}], steps=[{"name": "half", "keep": [0.5], "stay": [0.5]}])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("--isa", default="native")
    test = Merging(parser.parse_args())
    test.results()
    test.refused()
    return test.checks.finish()


if __name__ == "__main__":
    sys.exit(main())
