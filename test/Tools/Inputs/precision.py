#!/usr/bin/env python3
"""Compiles a model at every precision and compares its outputs with those at f32, at every ISA level that this machine
runs code of.

    precision.py MODEL.onnx FOLDER --tamis build/bin/tamis

The model takes input_ids and attention_mask. Prints a line for each precision and level; exits with 1 when one is bad.
"""
import argparse
import pathlib
import subprocess
import sys

import numpy as np

# The largest difference allowed, in root mean squares of the output at f32.
BOUNDS = {"f32": 1e-5, "split-f32": 1e-4, "bf16": 0.05, "int8": 0.2, "int4": 1.2}
LEVELS = ["x86-64-v3", "x86-64-v3-vnni", "x86-64-v4", "x86-64-v4-vnni", "x86-64-v4-bf16", "x86-64-v4-amx"]


def batch(vocabulary):
    """Sentences of many lengths, from one token to 33."""
    random = np.random.default_rng(7)
    lengths = [33, 1, 2, 7, 16, 17, 32, 20]
    ids = random.integers(1, vocabulary, (len(lengths), max(lengths)), np.int64)
    mask = (np.arange(max(lengths)) < np.array(lengths)[:, None]).astype(np.int64)
    return {"input_ids": ids * mask, "attention_mask": mask}


def run(tamis, artifact, inputs, outputs, level, threads):
    done = subprocess.run([tamis, "run", artifact, "--inputs", inputs, "--outputs", outputs, "--threads", str(threads),
                           "--isa", level], capture_output=True, text=True)
    if done.returncode == 3 and "CPU" in done.stderr:
        return None  # this machine lacks the level
    if done.returncode != 0:
        raise SystemExit(f"{level}: {done.stderr}")
    return dict(np.load(outputs)), outputs.read_bytes()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tamis", required=True)
    options = parser.parse_args()
    inputs = options.folder / "inputs.npz"
    np.savez(inputs, **batch(vocabulary=60))
    good, reference = True, None
    for precision, bound in BOUNDS.items():
        artifact = options.folder / f"{precision}.tamis"
        subprocess.run([options.tamis, "compile", options.model, "-o", artifact, "--precision", precision, "-q",
                        "--target", ",".join(LEVELS)], check=True)
        for level in LEVELS:
            first = run(options.tamis, artifact, inputs, options.folder / "one.npz", level, 1)
            if first is None:
                print(f"{precision} at {level}: not run, this machine lacks it")
                continue
            second = run(options.tamis, artifact, inputs, options.folder / "two.npz", level, 2)
            reference = reference or first[0]
            worst = 0.0
            for name, expected in reference.items():
                scale = np.sqrt(np.mean(np.square(expected, dtype=np.float64)))
                worst = max(worst, float(np.max(np.abs(first[0][name] - expected)) / scale))
            verdict = worst <= bound and first[1] == second[1]
            good &= verdict
            print(f"{precision} at {level}: {worst:.1e} of {bound}, {'good' if verdict else 'BAD'}")
    sys.exit(not good)


if __name__ == "__main__":
    main()
