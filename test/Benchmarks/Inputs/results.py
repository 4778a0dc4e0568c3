"""Prints stored results as benchmarks/run.py would have them, of times made up for report.test."""
import json


def entry(peer, precision, grade, ms, error, **more):
    return {"peer": peer, "precision": precision, "grade": grade, "setting": "", "best_ms": ms, "median_ms": ms + 1.0,
            "runs": 3, "errors": {"embedding": error, "hidden": 9.0}, **more}


def row(workload, threads, *entries):
    return {"workload": workload, "shape": [8, 128], "tokens": 1024, "threads": threads, "operations": 1.0e9,
            "date": "2026-01-02", "build": "b", "not_measured": {"openvino int8": "it fell over"},
            "profiles": {"bf16": [
                {"kind": "nn.linear", "share": 0.75, "unit": "bf16-amx", "of_unit": 0.5, "level": "L3", "of_level": 0.1},
                {"kind": "token.pack", "share": 0.2, "unit": "fma-avx512", "of_unit": 0.0, "level": "L2",
                 "of_level": 0.9}]},
            "entries": {f"{e['peer']} {e['precision']}": e for e in entries}}


def kernel(precision, rows, size, share):
    return {"kind": "linear", "precision": precision, "isa": "x86-64-v4-amx", "m": rows, "k": size, "n": size, "threads": 1,
            "share": share, "best": share, "rate": 100.0}


costs = {"model_bytes": 1000, "onnxruntime_first_result_ms": 50.0, "precisions": {
    "f32": {"compile_seconds": 4.0, "compile_peak_bytes": 1 << 20, "artifact_bytes": 1100, "first_result_ms": 9.0},
    "bf16": {"compile_seconds": 15.5, "compile_peak_bytes": 1 << 20, "artifact_bytes": 540, "first_result_ms": 8.0}}}
tamis = {"isa": "x86-64-v4-amx", "tokens_in": 1024, "tokens_computed": 1024}
rows = {"8x128/2": row(
    "8x128", 2,
    entry("tamis", "f32", "f32", 20.0, 1e-6, **tamis),
    entry("tamis", "split-f32", "f32", 10.0, 2e-4, **tamis),  # quicker, but its error is above the figure's
    entry("tamis", "bf16", "bf16", 10.0, 1e-3, **tamis),
    entry("onnxruntime", "f32", "f32", 80.0, 0.0),
    entry("openvino", "f32", "f32", 64.0, 1e-6),
    entry("openvino", "bf16", "bf16", 11.0, 1e-3),
    entry("iree", "bf16", "bf16", 1.0, float("inf")))}  # wrong outputs: no time to compare with
print(json.dumps({
    "schema": "tamis.benchmarks.v2", "commands": ["benchmarks/run.py"], "runtime_text_bytes": 2048,
    "machine": {"cpu": "A CPU", "cores": 2, "system": "Linux"}, "cpu_class": {"id": "amx", "title": "AMX"},
    "versions": {"Tamis": "0.1.0", "ONNX Runtime": "1.2", "OpenVINO": "3.4"},
    "titles": {"tamis": "Tamis", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "iree": "IREE"},
    "not_measured": {"PyTorch": "not asked for"},
    "peaks": {"2": {"f32": 100.0, "split-f32": 400.0, "bf16": 1000.0, "int8": 2000.0}},
    "second_level_bytes": 2 << 20, "kernels": [
        kernel("f32", 64, 384, 0.97), kernel("f32", 64, 4096, 0.85), kernel("bf16", 64, 384, 0.8), kernel("bf16", 64, 4096, 0.3),
        {"kind": "weight_reads", "precision": "f32", "isa": "x86-64-v4-amx", "m": 1, "k": 4096, "mb": 700, "threads": 2,
         "share": 0.95, "best": 0.96, "rate": 20.5}],
    "models": {"l6": {"title": "MiniLM-L6", "rows": rows, "costs": costs}}}))
