"""Replaces a file of weights while a model is compiled: swap_while_compiling.py TAMIS MODEL.onnx WEIGHTS OUT.

The replacement is a symbolic link to the same bytes. It happens after the import and before weights are written: the
compiler prints its IR after every pass, and waits for a reader in between. The exit status is the compiler's.
"""
import pathlib
import subprocess
import sys

tamis, model, weights, out = sys.argv[1:]
weights = pathlib.Path(weights)
command = [tamis, "compile", model, "-o", out, "--mlir-print-ir-after-all"]
process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
first = process.stderr.readline()  # A pass has run.
elsewhere = weights.with_name(weights.name + ".moved")
weights.rename(elsewhere)
weights.symlink_to(elsewhere.name)
text = first + process.stderr.read()
print(next((line for line in text.splitlines() if "error:" in line), "no error"))
sys.exit(process.wait())
