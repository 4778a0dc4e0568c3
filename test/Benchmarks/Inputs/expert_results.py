"""Prints stored results as benchmarks/experts.py would have them, of times made up for experts-report.test."""
import json


def entry(peer, precision, grade, ms, error, setting=""):
    more = {"isa": "x86-64-v4-amx"} if peer == "tamis" else {}
    return {"peer": peer, "precision": precision, "grade": grade, "setting": setting, "best_ms": ms, "median_ms": 2 * ms,
            "runs": 3, "errors": {"result": error}, **more}


def row(workload, shape, tokens, **entries):
    names = {"ours": "tamis int4", "every": "tamis int4, logits of all tokens", "ort": "onnxruntime int4", "llama": "llama.cpp int4"}
    return {"workload": workload, "shape": shape, "tokens": tokens, "threads": 2, "date": "2026-01-02", "build": "b",
            "not_measured": {}, "entries": {names[name]: value for name, value in entries.items()}}


int4 = lambda peer, ms, error=0.001, setting="": entry(peer, "int4", "int4", ms, error, setting)
decoder = {
    "prefill-128/2": row("prefill-128", [1, 128], 128, ours=int4("tamis", 64.0), every=int4("tamis", 80.0),
                         ort=int4("onnxruntime", 256.0, setting="one buffer"), llama=int4("llama.cpp", 192.0)),
    "decode-1/2": row("decode-1", [1, 32], 1, ours=int4("tamis", 5.0), ort=int4("onnxruntime", 10.0, setting="one buffer"),
                      llama=int4("llama.cpp", 6.0)),
    # Its logits are others than those that were asked for: no time to compare.
    "decode-8/2": row("decode-8", [8, 32], 8, ours=int4("tamis", 10.0, 0.2), llama=int4("llama.cpp", 50.0))}
dense = {"workload": "128", "shape": [128, 256], "tokens": 128, "threads": 2, "date": "2026-01-02", "build": "b", "not_measured": {},
         "profiles": {"f32": [{"kind": "moe.experts", "share": 0.9, "unit": "fma-avx512", "of_unit": 0.5, "level": "L2", "of_level": 0.1}]},
         "entries": {"tamis f32": entry("tamis", "f32", "f32", 2.0, 1e-6), "tamis split-f32": entry("tamis", "split-f32", "f32", 1.0, 1e-3),
                     "onnxruntime f32": entry("onnxruntime", "f32", "f32", 9.0, 1e-6)}}
print(json.dumps({
    "schema": "tamis.expert-benchmarks.v1", "commands": ["benchmarks/experts.py"], "remarks": ["The machine was shared"],
    "machine": {"cpu": "A CPU", "cores": 2, "system": "Linux"}, "cpu_class": None,
    "versions": {"Tamis": "0.1.0", "ONNX Runtime": "1.2", "llama.cpp": "of llama-cpp-python 3.4"},
    "titles": {"tamis": "Tamis", "onnxruntime": "ONNX Runtime", "llama.cpp": "llama.cpp"}, "not_measured": {},
    "memory_gbps": {"2": 20.0}, "active_bytes": 80_000_000,
    "models": {"decoder": {"title": "decoder", "about": "A decoder.", "rows": decoder},
               "dense": {"title": "exported densely, f32", "rows": {"128/2": dense}}}}))
