"""What this machine reaches at most: Gop/s by number of threads and precision."""
import json

import measure

# How `tamis peak` names the units that a precision can use.
UNITS = {"f32": "fma", "bf16": "bf16", "int8": "int"}


def by_precision(rates):
    """From the Gop/s of units by name. Precisions that the CPU has no unit for are computed in f32; split-f32 is three
    products of bf16, where those are quicker than one of f32."""
    best = {precision: max((rate for name, rate in rates.items() if name.startswith(unit)), default=0.0)
            for precision, unit in UNITS.items()}
    f32 = best["f32"]
    return {"f32": f32, "split-f32": max(f32, best["bf16"] / 3), "bf16": max(f32, best["bf16"]),
            "int8": max(f32, best["int8"])}


def measure_peaks(tamis, threads):
    """By number of threads, as JSON has it: a string."""
    peaks = {}
    for count in threads:
        output, _ = measure.child([tamis.program, "peak", "--threads", count, "--json"])
        for column in json.loads(output)["peaks"]:
            if column["threads"] == count:
                peaks[str(count)] = by_precision(column["gops"])
    return peaks


def memory_gbps(tamis, threads):
    """What so many threads read from memory, in GB/s."""
    output, _ = measure.child([tamis.program, "peak", "--threads", threads, "--json"])
    return next(column["gbps"]["DRAM"] for column in json.loads(output)["peaks"] if column["threads"] == threads)
