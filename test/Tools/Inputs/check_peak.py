"""Checks what tamis peak wrote: check_peak.py PEAK.json THREADS"""
import json
import os
import pathlib
import sys

peak, threads = json.load(open(sys.argv[1])), int(sys.argv[2])
assert peak["schema"] == "tamis.peak.v1" and peak["threads"] == threads and peak["cpu"]

# Every unit whose instructions the kernel of the system reports, and no other.
flags = next(line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("flags"))
flags = set(flags.split(":")[1].split())
avx512 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
vnni = avx512 | {"avx512_vnni"}
bf16 = vnni | {"avx512_bf16"}
amx = bf16 | {"avx512_fp16", "amx_tile", "amx_bf16", "amx_int8"}
needed = {"fma-avx2": set(), "fma-avx512": avx512, "int16-avx2": set(), "int16-avx512": avx512,
          "int8-avx2": {"avx_vnni"}, "int8-avx512": vnni, "bf16-avx512": bf16, "bf16-amx": amx, "int8-amx": amx}
names = [unit["name"] for unit in peak["units"]]
assert names == [name for name, features in needed.items() if features <= flags], names
assert all(unit["description"] and unit["isa"].startswith("x86-64-v") for unit in peak["units"])

caches = [cache["name"] for cache in peak["caches"]]
assert caches == ["L1", "L2", "L3"][:len(caches)]
assert all(cache["bytes"] >= 4096 and cache["cores"] >= 1 for cache in peak["caches"])
assert [column["threads"] for column in peak["peaks"]] == ([1, threads] if threads > 1 else [1])
for column in peak["peaks"]:
    assert list(column["gops"]) == names, column
    levels = list(column["gbps"])
    assert levels[-1] == "DRAM" and set(levels) <= set(caches + ["DRAM"]), levels
    # What no core of today exceeds: two vectors of 64 bytes a cycle, or a product of tiles in 16, at 8 GHz.
    cores = min(column["threads"], os.cpu_count())
    per_cycle = {"fma": 64, "int16": 128, "int8": 256, "bf16": 128}
    for name, rate in column["gops"].items():
        kind, unit = name.split("-")
        width = {"avx2": 0.5, "avx512": 1, "amx": 8}[unit]
        assert 0 < rate <= 8 * cores * per_cycle[kind] * width, (name, rate)
    assert all(0 < rate <= 8 * cores * 256 for rate in column["gbps"].values()), column
