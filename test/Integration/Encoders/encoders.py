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
import sys
import tempfile

from comparison import Checks, call, run_everywhere


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--isa", action="append", required=True)
    options = parser.parse_args()
    checks = Checks()
    for model in sorted(options.folder.glob("*/model.onnx")):
        for flags in ([], ["--keep-padding"]):
            with tempfile.TemporaryDirectory() as temporary:
                artifact = pathlib.Path(temporary) / "model.tamis"
                what = f"{model.parent.name} {' '.join(flags)}"
                target = "--target=" + ",".join(options.isa)
                code, text = call(options.tamis, "compile", model, "-o", artifact, "--quiet", target, *flags)
                if not checks.count(f"{what} compile", code == 0, text):
                    continue
                for inputs in sorted(model.parent.glob("inputs_*.npz")):
                    expected = inputs.with_name(inputs.name.replace("inputs", "expected"))
                    run_everywhere(checks, what, options.tamis, artifact, inputs, expected, options.isa, (1e-3, 1e-4))
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
