"""Imports every model of a folder; each must be refused (exit code 3) within LIMIT seconds, with an error that is one
line: refuse_all.py TOOL FOLDER LIMIT."""

import pathlib
import subprocess
import sys

tool, folder, limit = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
models = sorted(folder.glob("*.onnx"))
assert models, "no models"
for model in models:
    result = subprocess.run([tool, "--import-onnx", str(model)], capture_output=True, text=True, timeout=limit)
    first = result.stderr.splitlines()[:1]
    if result.returncode != 3 or not first or not first[0].startswith("error: "):
        sys.exit(f"{model.name}: exit code {result.returncode}, {result.stderr}")
