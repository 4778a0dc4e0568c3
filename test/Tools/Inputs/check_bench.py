"""Checks what tamis bench wrote about the test artifact: check_bench.py BENCH.json TRACE.json"""
import json
import sys

bench, trace = (json.load(open(path)) for path in sys.argv[1:])
assert bench["schema"] == "tamis.bench.v1"
assert 0 < bench["min_ms"] <= bench["median_ms"] <= bench["p90_ms"]
assert bench["runs"] >= 5 and bench["threads"] == 2 and bench["isa"] == "x86-64-v3"
assert bench["tokens_in"] == 6 and bench["tokens_computed"] == 5 and bench["arena_bytes"] > 0
profile = bench["profile"]
assert [row["name"] for row in profile["operations"]] == ["/model/Double"]
assert [row["kind"] for row in profile["kinds"]] == ["nn.double"]
assert profile["operations"][0]["calls"] == 1 and 0 <= profile["operations"][0]["share"] <= 1
# The test model is of f32, which AVX2 multiplies. Its 96 bytes lie in the nearest cache.
assert bench["precision"] == "f32"
assert list(profile["peaks"]["gops"]) == ["fma-avx2"] and list(profile["peaks"]["gbps"])[-1] == "DRAM"
assert all(rate > 0 for peaks in profile["peaks"].values() for rate in peaks.values())
for row in profile["kinds"] + profile["operations"]:
    assert row["unit"] == "fma-avx2" and row["level"] == list(profile["peaks"]["gbps"])[0]
    assert 0 < row["of_unit"] < 1.5 and 0 < row["of_level"] < 1.5, row
    assert abs(row["of_unit"] * profile["peaks"]["gops"]["fma-avx2"] - row["gflops"]) < 1e-6, row

run, operation = trace["traceEvents"]
assert run["name"] == "run" and operation["name"] == "/model/Double" and operation["args"]["flops"] == 12
assert all(event["ph"] == "X" for event in trace["traceEvents"])
assert run["ts"] <= operation["ts"] and operation["ts"] + operation["dur"] <= run["ts"] + run["dur"]
