"""Imports a model cut at every STEP-th byte, and with every STEP-th byte changed: damage.py TOOL MODEL STEP LIMIT. An
import that takes longer than LIMIT seconds fails."""

import pathlib
import subprocess
import sys

tool, path, step, limit = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
whole = path.read_bytes()
damaged = path.with_suffix(".damaged.onnx")
refused = harmless = 0


def run(content, what, codes):
    global refused, harmless
    damaged.write_bytes(content)
    result = subprocess.run([tool, "--import-onnx", str(damaged), "-o", "-"], capture_output=True, timeout=limit)
    if result.returncode not in codes or (result.returncode and not result.stderr):
        sys.exit(f"{what}: exit code {result.returncode}\n{result.stderr.decode(errors='replace')}")
    refused += result.returncode != 0
    harmless += result.returncode == 0


for length in range(0, len(whole), step):
    # A cut between two fields can leave a sound model.
    run(whole[:length], f"cut to {length} bytes", {0, 3})
for position in range(0, len(whole), step):
    flipped = bytearray(whole)
    flipped[position] ^= (0xFF, 0x01, 0x80)[position // step % 3]
    run(bytes(flipped), f"byte {position} changed", {0, 3})
print(f"{refused} refused, {harmless} harmless")
