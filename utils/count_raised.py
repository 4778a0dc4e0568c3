#!/usr/bin/env python3
"""Counts the mixtures of experts of a corpus that become moe ops, and says of the others which node stood in the way.

    count_raised.py CORPUS [--tamis build/bin/tamis] [--group C] [--only TEXT] [--at-least N]

A case is a folder with model.onnx. It is raised when it has moe.experts, no remark about what is almost a mixture of
experts, and no NonZero but that which lists the experts of a layer whose exporter fixed their number. The exit status
is 1 when fewer than N cases are raised, or when one does not compile.
"""
import argparse
import pathlib
import re
import subprocess
import sys

def ops_of(tamis, model):
    """How often each op is there after raising, and the remarks; None when the model does not compile."""
    command = [*tamis, "compile", str(model), "-o", "-", "--emit", "mlir", "--level", "model", "--print-raising"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=600, check=False)
    if done.returncode:
        return None, done.stderr.strip().splitlines()
    counts = {}
    for op in re.findall(r"^\s*(?:%\S+(?:, %\S+)* = )?((?:onnx|moe|scf)\.\w+)", done.stdout, re.MULTILINE):
        counts[op] = counts.get(op, 0) + 1
    remarks = [line for line in done.stderr.splitlines() if "expert" in line or "router" in line]
    return counts, remarks


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--group", default="C")
    parser.add_argument("--only", default="")
    parser.add_argument("--at-least", type=int, default=0)
    options = parser.parse_args()
    cases = [path.parent for path in sorted(options.corpus.glob("*/model.onnx"))
             if path.parent.name.startswith(options.group) and options.only in path.parent.name]
    raised = routed = failed = 0
    for case in cases:
        counts, remarks = ops_of(options.tamis.split(), case / "model.onnx")
        if counts is None:
            failed += 1
            print(f"{case.name}: does not compile: {remarks[0] if remarks else ''}", flush=True)
            continue
        experts, routes = counts.get("moe.experts", 0), counts.get("moe.route", 0)
        almost = any("this looks like a mixture of experts" in remark for remark in remarks)
        whole = experts > 0 and counts.get("onnx.NonZero", 0) <= experts and not almost
        raised += whole
        routed += whole and routes == experts
        print(f"{case.name}: {'raised' if whole else 'not raised'}: {experts} layers of experts, {routes} routers", flush=True)
        for remark in [] if whole and routes == experts else remarks[:3]:
            print(f"  {remark}")
    print(f"{raised} of {len(cases)} raised, {routed} of them with their routers; {failed} did not compile")
    return failed > 0 or raised < options.at_least


if __name__ == "__main__":
    sys.exit(main())
