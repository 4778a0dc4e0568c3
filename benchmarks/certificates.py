#!/usr/bin/env python3
"""Counts how often a certificate is wrong: MiniLM-L6 on the descriptions of Debian packages, split again and again.

    benchmarks/certificates.py build/training/packages.jsonl [--record test/Calibration/Inputs/minilm-losses.txt]

A score is fitted on some descriptions, and all others are embedded at each share of tokens that is kept. Then, 200 times: of
those others some are drawn to search on and some to test on, as `tamis calibrate` does, and on all that is left the setting
that was certified is looked at: it is wrong where more than alpha of them lose more than eps. That may happen in a share
delta of the splits. Search and test are written here a second time, in Python. --record writes the losses, for a test
(test/Calibration/CertificateTest.cpp). Takes the Python environment that benchmarks/run.py makes.
"""
import argparse
import json
import math
import pathlib
import subprocess

import pruning
from suite import command

ALPHA, DELTA = 0.05, 0.05
FITTED, OTHERS, HALF, SPLITS = 400, 1600, 300, 200
SHARES = [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.6, 0.5, 0.4, 0.3]
RUNGS = [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]  # of alpha


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("texts", type=pathlib.Path, help="what utils/training/packages.py wrote")
    parser.add_argument("--build", type=pathlib.Path, default=pruning.ROOT / "build" / "release", help="a build folder of Tamis")
    parser.add_argument("--record", type=pathlib.Path, help="write the losses to this file")
    options = parser.parse_args()
    options.peers = ()
    return options


def losses_of(options, folder):
    """[request, share] of descriptions that nothing was fitted on, and their lengths."""
    import numpy as np
    from suite import models
    from tamis_runtime import Context, Model, library_in
    folder /= "certificates"
    folder.mkdir(exist_ok=True)
    program, model = options.build / "bin" / "tamis", models.MODELS["l6"]
    models.make(model, folder.parent)
    texts = [ids for ids, _ in pruning.read_texts(options.texts, FITTED + OTHERS)]
    np.savez(folder / "requests.npz", **pruning.padded(texts[:FITTED]))
    policy, artifact = folder / "policy.json", folder / "steps.tamis"
    call = lambda *words: subprocess.run([program, *map(str, words)], check=True, stdout=subprocess.DEVNULL)
    call("calibrate", model.path, "--requests", folder / "requests.npz", "-o", policy, "--zeros", "--groups", 1, "--eps", 0.15, "--alpha", 0.1,
         "--threads", 1)
    tokens = json.loads(policy.read_text())["tokens"]
    tokens |= {"steps": [{"name": f"keep-{share}", "keep": [share]} for share in SHARES], "chosen": f"keep-{SHARES[0]}"}
    policy.write_text(json.dumps({"schema": "tamis.policy.v1", "tokens": tokens}))
    call("compile", model.path, "-o", artifact, "--quiet", "--target=native", "--policy", policy, "--allow-uncertified")
    context = Context(Model(artifact, library_in(options.build)), 1)

    def embeddings(step):
        context.set_step(step)
        return np.concatenate([context.run(pruning.padded([ids]))["embedding"] for ids in texts[FITTED:]]).astype(np.float64)

    dense = embeddings("dense")
    columns = [1 - (dense * embeddings(step["name"])).sum(1) for step in tokens["steps"]]
    return np.stack(columns, 1), [len(ids) for ids in texts[FITTED:]]


def passes(bad, count):
    tail = sum(math.comb(count, i) * ALPHA ** i * (1 - ALPHA) ** (count - i) for i in range(bad + 1))
    return tail <= DELTA


def certified(searched, tested):
    """The column of the last rung that passes; None: none does. Later columns cost less."""
    chosen, seen = None, set()
    for rung in RUNGS:
        safe = [column for column, bad in enumerate(searched.sum(0)) if bad <= rung * ALPHA * len(searched)]
        if not safe or safe[-1] in seen:
            continue
        seen.add(safe[-1])
        if not passes(int(tested[:, safe[-1]].sum()), len(tested)):
            break
        chosen = safe[-1]
    return chosen


def splits(losses, eps):
    """How many splits certify something, how many of them wrongly, and the share of tokens that is kept on average."""
    import numpy as np
    beyond, some, wrong, kept = losses > eps, 0, 0, []
    for seed in range(SPLITS):
        order = np.random.default_rng(seed).permutation(len(beyond))
        chosen = certified(beyond[order[:HALF]], beyond[order[HALF:2 * HALF]])
        kept.append(1 if chosen is None else SHARES[chosen])
        some += chosen is not None
        wrong += chosen is not None and beyond[order[2 * HALF:], chosen].mean() > ALPHA
    return some, wrong, float(np.mean(kept))


def main():
    options = parse()
    losses, lengths = losses_of(options, command.enter(options, {}))
    if options.record:
        head = [f"# Losses, 1 - cosine, of MiniLM-L6 on {len(losses)} descriptions of Debian packages, in units of 0.0001: a line for each,",
                "# with its tokens, and the loss where so many of 1000 tokens are kept by the fitted score. Written by",
                "# benchmarks/certificates.py --record.", "# tokens " + " ".join(f"{1000 * share:.0f}" for share in SHARES)]
        rows = [f"{length} " + " ".join(str(round(1e4 * max(loss, 0))) for loss in row) for length, row in zip(lengths, losses)]
        options.record.write_text("\n".join(head + rows) + "\n")
    for eps in pruning.EPS:
        some, wrong, kept = splits(losses, eps)
        print(f"eps {eps}: {some} of {SPLITS} splits certify something, {wrong} of them wrongly ({100 * wrong / SPLITS:.1f}%, and "
              f"{100 * DELTA:.0f}% are allowed); {100 * kept:.1f}% of tokens are kept on average")


if __name__ == "__main__":
    main()
