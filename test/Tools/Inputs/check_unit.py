"""Checks which unit a profile measures linear layers against: check_unit.py BENCH.json PRECISION UNIT"""
import json
import sys

bench, (precision, unit) = json.load(open(sys.argv[1])), sys.argv[2:]
assert bench["precision"] == precision, bench["precision"]
linear = [row for row in bench["profile"]["operations"] if row["kind"] == "nn.linear"]
assert linear and all(row["unit"] == unit for row in linear), linear
assert all(row["unit"] in bench["profile"]["peaks"]["gops"] for row in bench["profile"]["operations"])
print(f"{len(linear)} linear layers at {precision} against {unit}")
