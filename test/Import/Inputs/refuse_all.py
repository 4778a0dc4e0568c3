"""Imports every model of a folder; each must be refused (exit code 3) with an error that is one line."""

import pathlib
import subprocess
import sys

tool, folder = sys.argv[1], pathlib.Path(sys.argv[2])
models = sorted(folder.glob("*.onnx"))
assert models, "no models"
for model in models:
    result = subprocess.run([tool, "--import-onnx", str(model)], capture_output=True, text=True, timeout=60)
    first = result.stderr.splitlines()[:1]
    if result.returncode != 3 or not first or not first[0].startswith("error: "):
        sys.exit(f"{model.name}: exit code {result.returncode}, {result.stderr}")
