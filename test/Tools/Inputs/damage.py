"""Checks that damaged artifacts are refused: damage.py TAMIS COMMAND ARTIFACT SCRATCH

Cuts and flips a sample of places; the runtime's tests cover every one.
"""
import pathlib
import subprocess
import sys

tamis, command, artifact, scratch = sys.argv[1:]
content = pathlib.Path(artifact).read_bytes()


def check(damaged, what):
    pathlib.Path(scratch).write_bytes(damaged)
    result = subprocess.run([tamis, command, scratch], capture_output=True, text=True)
    # An empty file cannot be mapped, but is no failure of the system either.
    if result.returncode != 3 or not result.stderr.startswith("tamis: error: "):
        sys.exit(f"{what}: exit code {result.returncode}: {result.stderr}")


for length in range(0, len(content), max(len(content) // 60, 1)):
    check(content[:length], f"cut to {length}")
for place in range(0, len(content), max(len(content) // 60, 1)):
    flipped = bytearray(content)
    flipped[place] ^= 1 << place % 8
    check(bytes(flipped), f"flipped byte {place}")
check(content + b"\0", "one byte more")
