"""Measures Tamis beside ONNX Runtime, fairly: both in one process, in turns, each warmed up before its turn.

Serves utils/quickstart.py and benchmarks/run.py.
"""
import importlib.util
import json
import pathlib
import statistics
import subprocess
import sys
import time

import numpy as np


def has_onnxruntime():
    return importlib.util.find_spec("onnxruntime") is not None


def onnxruntime_session(model, threads, entries=()):
    """A session at its best setting for latency: all graph optimisations, spinning threads, no more than asked. `model`
    is a path, or the bytes of a model; `entries` are further pairs of the session's configuration."""
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "1")
    for key, value in entries:
        options.add_session_config_entry(key, value)
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"])


def bound_run(session, inputs):
    """A function that runs the session once on these arrays, bound beforehand: ONNX Runtime's quickest way."""
    binding = session.io_binding()
    for value in session.get_inputs():
        binding.bind_cpu_input(value.name, np.ascontiguousarray(inputs[value.name]))
    for value in session.get_outputs():
        binding.bind_output(value.name, "cpu")
    return lambda: session.run_with_iobinding(binding)


def in_turns(runs, rounds=5, seconds=0.5, at_least=3):
    """Times the functions `runs` (by name) in turns. In each of `rounds` a function has a turn of about
    `seconds` and `at_least` calls; before it comes a warm-up of two calls, or one if it takes as long as the turn, in
    which the threads that another runtime left spinning go to sleep. Returns the seconds of every call, by name."""
    times = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            time.sleep(0.05)
            start = time.perf_counter()
            run()
            if time.perf_counter() - start < seconds:
                run()
            end, calls = time.perf_counter() + seconds, 0
            while calls < at_least or time.perf_counter() < end:
                start = time.perf_counter()
                run()
                times[name].append(time.perf_counter() - start)
                calls += 1
    return times


def best_ms(times):
    return min(times) * 1e3


def median_ms(times):
    return statistics.median(times) * 1e3


def differences(got, want, mask=None):
    """The largest absolute difference of each output. Rows that the mask [batch, length] marks as padding are
    left out where an output is [batch, length, ...]."""
    result = {}
    for name, expected in want.items():
        given = got[name]
        if given.shape != expected.shape or given.dtype != expected.dtype:
            raise SystemExit(f"output {name}: {given.dtype}{list(given.shape)}, but ONNX Runtime has "
                             f"{expected.dtype}{list(expected.shape)}")
        if mask is not None and expected.shape[:2] == mask.shape:
            given, expected = given[mask != 0], expected[mask != 0]
        if expected.size == 0:
            result[name] = 0.0
        else:
            result[name] = float(np.max(np.abs(given.astype(np.float64) - expected.astype(np.float64))))
    return result


def child(command):
    """Runs a program to its end. Returns its standard output and its seconds."""
    command = [str(word) for word in command]
    start = time.perf_counter()
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    seconds = time.perf_counter() - start
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)}: exit status {process.returncode}")
    return process.stdout, seconds


def compile_model(tamis, model, artifact, options=()):
    """Compiles a model, with further options of `tamis compile`. Returns the seconds of the whole process and the peak
    of its memory in bytes, which only the program itself can tell: the system counts the pages that it shared with this
    one when it was started."""
    output, seconds = child([tamis, "compile", model, "-o", artifact, "--json", *options])
    return seconds, json.loads(output)["peak_bytes"]


FIRST_RESULT = """
import sys, time
import numpy, onnxruntime
sys.path.insert(0, sys.argv[1])
from measure import onnxruntime_session
inputs = dict(numpy.load(sys.argv[3]))
start = time.perf_counter()
session = onnxruntime_session(sys.argv[2], int(sys.argv[4]))
session.run(None, {value.name: inputs[value.name] for value in session.get_inputs()})
print(time.perf_counter() - start)
"""


def first_result_ms(tamis, artifact, model, inputs, threads, repeats=5):
    """The best of `repeats`, in turns: Tamis from the start of the process `tamis run` to its end, which
    prints a summary of the outputs; ONNX Runtime's session creation and first run, without the start of Python and its imports.
    Without an ONNX model, Tamis alone."""
    ours, theirs = [], []
    here = pathlib.Path(__file__).parent
    for _ in range(repeats):
        command = [tamis, "run", artifact, "--inputs", inputs, "--threads", threads]
        ours.append(child(command)[1])
        if model is not None:
            command = [sys.executable, "-c", FIRST_RESULT, here, model, inputs, threads]
            theirs.append(float(child(command)[0]))
    return min(ours) * 1e3, min(theirs) * 1e3 if theirs else None


def text_bytes(library):
    """Size of a library's .text section, by its ELF section table; None when that cannot be told."""
    data = pathlib.Path(library).read_bytes()
    if data[:5] != b"\x7fELF\x02":
        return None
    word = lambda at, size: int.from_bytes(data[at : at + size], "little")
    table, entry, count, names = word(0x28, 8), word(0x3A, 2), word(0x3C, 2), word(0x3E, 2)
    names_at = word(table + names * entry + 0x18, 8)
    for index in range(count):
        header = table + index * entry
        name = data[names_at + word(header, 4) :].split(b"\0", 1)[0]
        if name == b".text":
            return word(header + 0x20, 8)
    return None
