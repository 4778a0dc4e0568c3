#!/usr/bin/env python3
"""Compiles exported encoders and compares them with what ONNX Runtime computed on them.

    encoders.py FOLDER --tamis build/bin/tamis --isa x86-64-v3 [--isa x86-64-v4]

FOLDER holds a folder a model: model.onnx, inputs_<i>.npz, expected_<i>.npz. Every model runs with padding removed and
kept, at each ISA level, with 1 and 2 threads, on all its inputs; padded rows are not compared. The tolerance is
1e-4 + 1e-3 |expected|. One and two threads must give the same bits. The last line counts the comparisons; the exit
status is 1 when one failed.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile


def call(*command):
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
    return result.returncode, (result.stdout + result.stderr).strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--isa", action="append", required=True)
    options = parser.parse_args()
    passed, failed = 0, 0

    def count(what, ok, text=""):
        nonlocal passed, failed
        passed, failed = passed + ok, failed + (not ok)
        if not ok:
            print(f"{what}: {text}")

    for model in sorted(options.folder.glob("*/model.onnx")):
        for flags in ([], ["--keep-padding"]):
            with tempfile.TemporaryDirectory() as temporary:
                artifact = pathlib.Path(temporary) / "model.tamis"
                what = f"{model.parent.name} {' '.join(flags)}"
                code, text = call(options.tamis, "compile", model, "-o", artifact, "--quiet", *flags)
                count(f"{what} compile", code == 0, text)
                if code:
                    continue
                for inputs in sorted(model.parent.glob("inputs_*.npz")):
                    expected = inputs.with_name(inputs.name.replace("inputs", "expected"))
                    for isa in options.isa:
                        outputs = []
                        for threads in (1, 2):
                            out = pathlib.Path(temporary) / f"out_{threads}.npz"
                            code, text = call(options.tamis, "run", artifact, "--inputs", inputs, "--isa", isa, "--threads",
                                              threads, "--outputs", out, "--expected", expected, "--rtol", "1e-3",
                                              "--atol", "1e-4")
                            count(f"{what} {inputs.name} {isa} {threads} threads", code == 0, text)
                            outputs.append(out.read_bytes() if code == 0 else None)
                        count(f"{what} {inputs.name} {isa} threads", outputs[0] == outputs[1], "the bits differ")
    print(f"{passed} passed, {failed} failed")
    return failed != 0 or passed == 0


if __name__ == "__main__":
    sys.exit(main())
