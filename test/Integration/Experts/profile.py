#!/usr/bin/env python3
"""Profiles a small model of two layers of experts and compares every number with NumPy's.

    profile.py --tamis build/bin/tamis --folder FOLDER

Also: the profiles of two halves of the requests merge into that of all, threads change nothing, tokens with NaN are
counted apart. The last line counts what was checked; the exit status is 1 when something differs.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np

import two_layers

HIDDEN, INNER, EXPERTS, SLOTS = 16, 24, 6, 2
BOUNDS = [0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0]


def model(rng):
    """Two layers of experts, and their weights."""
    weights = {}
    for layer in two_layers.LAYERS:
        own = {"router": (HIDDEN, EXPERTS), "w1": (EXPERTS, INNER, HIDDEN), "w2": (EXPERTS, HIDDEN, INNER)}
        for name, shape in own.items():
            weights[f"{layer}_{name}"] = rng.standard_normal(shape).astype(np.float32) * np.float32(0.4)
    return two_layers.build(weights, HIDDEN, SLOTS, "relu"), weights


def expected(weights, requests):
    """The profile's numbers by layer, in float64."""
    layers = {}
    for x in requests:
        x = x.astype(np.float64)
        for layer in ("first", "second"):
            router, w1, w2 = (weights[f"{layer}_{name}"].astype(np.float64) for name in ("router", "w1", "w2"))
            to = layers.setdefault(f"{layer}/experts", {"tokens": 0, "not_finite": 0, "pairs": np.zeros(EXPERTS, int),
                                                        "weight_sum": np.zeros(EXPERTS), "norm_sum": np.zeros(EXPERTS),
                                                        "weighted_norm_sum": np.zeros(EXPERTS), "together": {},
                                                        "margin_tokens": np.zeros(len(BOUNDS) + 1, int)})
            sums = np.zeros_like(x)
            for row, token in enumerate(x):
                to["tokens"] += 1
                logits = token @ router
                if not np.isfinite(logits).all():
                    to["not_finite"] += 1
                    sums[row] = np.nan
                    continue
                order = np.argsort(-logits)
                chosen, rest = order[:SLOTS], order[SLOTS:]
                scores = np.exp(logits[chosen] - logits.max())
                scores /= scores.sum()
                for expert, weight in zip(chosen, scores):
                    y = w2[expert] @ np.maximum(w1[expert] @ token, 0)
                    sums[row] += weight * y
                    length = np.linalg.norm(y)
                    to["pairs"][expert] += 1
                    to["weight_sum"][expert] += weight
                    to["norm_sum"][expert] += length
                    to["weighted_norm_sum"][expert] += weight * length
                both = tuple(sorted(int(e) for e in chosen))
                to["together"][both] = to["together"].get(both, 0) + 1
                to["margin_tokens"][np.searchsorted(BOUNDS, logits[chosen[-1]] - logits[rest[0]], side="right")] += 1
            x = sums
    return layers


def differences(profile, want, requests):
    """What of a profile is not as expected, as texts."""
    if profile["requests"] != requests:
        yield f"{profile['requests']} requests, expected {requests}"
    if [layer["name"] for layer in profile["layers"]] != list(want):
        yield f"layers {[layer['name'] for layer in profile['layers']]}"
        return
    for layer in profile["layers"]:
        to = want[layer["name"]]
        for key in ("tokens", "not_finite"):
            if layer[key] != to[key]:
                yield f"{layer['name']}: {key} {layer[key]}, expected {to[key]}"
        for key in ("pairs", "margin_tokens"):
            if layer[key] != to[key].tolist():
                yield f"{layer['name']}: {key} {layer[key]}, expected {to[key].tolist()}"
        for key in ("weight_sum", "norm_sum", "weighted_norm_sum"):
            if not np.allclose(layer[key], to[key], rtol=1e-4, atol=1e-5):
                yield f"{layer['name']}: {key} {layer[key]}, expected {to[key].tolist()}"
        together = {(a, b): count for a, b, count in layer["together"]}
        if together != to["together"]:
            yield f"{layer['name']}: together {together}, expected {to['together']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    options = parser.parse_args()
    rng, folder = np.random.default_rng(5), options.folder
    folder.mkdir(parents=True, exist_ok=True)
    made, weights = model(rng)
    (folder / "model.onnx").write_bytes(made.SerializeToString())
    requests = [rng.standard_normal((tokens, HIDDEN)).astype(np.float32) for tokens in (1, 9, 40, 130)]
    requests[2][7, 3] = np.nan
    requests.append(np.zeros((0, HIDDEN), np.float32))
    for half in ("all", "a", "b"):
        (folder / half).mkdir(exist_ok=True)
    for number, request in enumerate(requests):
        for half in ("all", "a" if number < 2 else "b"):
            np.savez(folder / half / f"{number}.npz", x=request)

    def call(*words):
        subprocess.run([options.tamis, *map(str, words)], check=True, stdout=subprocess.DEVNULL)

    def profile(name, *words):
        call("profile", folder / "observed.tamis", "-o", folder / name, "--quiet", *words)
        return json.loads((folder / name).read_text())

    call("compile", folder / "model.onnx", "-o", folder / "observed.tamis", "--observe-experts", "--quiet")
    checked = failed = 0
    whole, halves = expected(weights, requests), [expected(weights, requests[:2]), expected(weights, requests[2:])]
    for name, found, want, count in (
            ("one thread", profile("all.json", "--requests", folder / "all", "--threads", 1), whole, 5),
            ("two threads", profile("all2.json", "--requests", folder / "all", "--threads", 2), whole, 5),
            ("first half", profile("a.json", "--requests", folder / "a"), halves[0], 2),
            ("second half", profile("b.json", "--requests", folder / "b" / "2.npz", "--requests", folder / "b" / "3.npz",
                                    "--requests", folder / "b" / "4.npz"), halves[1], 3),
            ("merged with requests", profile("ab.json", "--requests", folder / "a", "--merge", folder / "b.json"), whole, 5),
            ("merged", profile("ba.json", "--merge", folder / "a.json", "--merge", folder / "b.json"), whole, 5)):
        reasons = list(differences(found, want, count))
        for reason in reasons:
            print(f"{name}: {reason}")
        checked, failed = checked + 1, failed + bool(reasons)
    if (folder / "all.json").read_bytes() != (folder / "all2.json").read_bytes():
        print("one thread and two give other files")
        failed += 1
    print(f"{checked} profiles, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
