#!/usr/bin/env python3
"""Measured errors are those of the outputs, and --precision=auto keeps to what --max-error allows.

    choose_precision.py MODEL.onnx FOLDER --tamis build/bin/tamis

The model takes input_ids and attention_mask. Prints a line for each compilation; exits with 1 when one is bad. Which of
the precisions that are good enough is the quickest depends on the machine, and is not checked.
"""
import argparse
import json
import pathlib
import subprocess
import sys

import numpy as np

from precision import BOUNDS, batch


class Compiler:
    def __init__(self, options):
        self.options = options
        self.inputs = options.folder / "calibration.npz"
        self.artifact = options.folder / "m.tamis"

    def compile(self, *flags):
        command = [self.options.tamis, "compile", self.options.model, "-o", self.artifact, "--json", "--target=native",
                   *flags]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    def precision(self):
        done = subprocess.run([self.options.tamis, "inspect", self.artifact, "--json"], check=True, capture_output=True)
        return json.loads(done.stdout)["precision"]

    def outputs(self, isa):
        outputs = self.options.folder / "outputs.npz"
        subprocess.run([self.options.tamis, "run", self.artifact, "--inputs", self.inputs, "--outputs", outputs, "--isa",
                        isa], check=True)
        return dict(np.load(outputs))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tamis", required=True)
    options = parser.parse_args()
    compiler = Compiler(options)
    np.savez(compiler.inputs, **batch(vocabulary=60))
    inputs = ("--inputs", compiler.inputs)
    good, errors, reference = True, {}, None

    def report(what, is_good, found):
        nonlocal good
        good &= is_good
        print(f"{what}: {found['name']}, error {found['measured']['error']:.2e}, {'good' if is_good else 'BAD'}")

    for precision in BOUNDS:
        summary = compiler.compile("--precision", precision, *inputs)
        found = compiler.precision()
        outputs = compiler.outputs(found["measured"]["isa"])
        reference = reference or outputs
        errors[precision] = max(float(np.max(np.abs(outputs[name] - reference[name].astype(np.float64)))) for name in reference)
        report(precision, found["name"] == precision and found["measured"]["error"] == errors[precision] ==
               summary["error"] and found["measured"]["max_error"] is None, found)
    # Just what a precision needs, and just too little for it.
    for worst, bound in [(errors["int8"], errors["int8"]), (errors["bf16"], errors["int8"] * 0.999), (0.0, 0.0)]:
        summary = compiler.compile("--precision", "auto", *inputs, "--max-error", repr(bound))
        found = compiler.precision()
        chosen = found["name"]
        report(f"auto within {bound:.2e}", errors[chosen] <= worst and found["measured"]["error"] == errors[chosen] and
               found["measured"]["max_error"] == bound and summary["precision"] == chosen, found)
    sys.exit(not good)


if __name__ == "__main__":
    main()
