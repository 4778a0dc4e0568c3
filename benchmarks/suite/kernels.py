"""Single kernels, by tamis-kernel-benchmarks: products beside the peak of a core, and reads of weights beside memory."""
import json
import pathlib
import re

PRECISIONS = ("f32", "bf16", "int8")
NAME = re.compile(r"(?P<kind>linear|weight_reads)_(?P<precision>[a-z0-9-]+?)(?:_product)?_(?P<isa>x86-64-v[0-9a-z-]+)/(?P<sizes>.*)/manual_time")
# Products of many rows, of one thread; one row, with more weights than any cache holds.
FILTERS = {"linear": "^linear_{precision}_product_{isa}/M:(64|128|512)/.*/threads:1/",
           "weight_reads": "^weight_reads_{precision}_{isa}/M:1/.*/MB:700/"}


def second_level_bytes():
    """Of a core; None where the system does not say."""
    size = pathlib.Path("/sys/devices/system/cpu/cpu0/cache/index2/size")
    match = re.match(r"(\d+)([KM])", size.read_text()) if size.exists() else None
    return int(match[1]) * {"K": 1 << 10, "M": 1 << 20}[match[2]] if match else None


def program_of(tamis):
    program = tamis.program.parent / "tamis-kernel-benchmarks"
    return program if program.exists() else None


def entry_of(benchmark):
    """One line of Google Benchmark's JSON as a dict of sizes and shares; None for others."""
    match = NAME.match(benchmark["name"])
    if not match:
        return None
    sizes = {key.lower(): int(value) for key, value in (part.split(":") for part in match["sizes"].split("/") if ":" in part)
             if value.isdigit()}
    share = benchmark.get("percent_of_peak", benchmark.get("percent_of_read"))
    return {"kind": match["kind"], "precision": match["precision"], "isa": match["isa"], **sizes, "share": share / 100.0,
            "best": benchmark.get("best_percent", share) / 100.0, "rate": benchmark.get("Gop/s", benchmark.get("GB/s"))}


def measure_kernels(tamis):
    """The entries of all shapes, at the best ISA level of this CPU."""
    import measure

    program = program_of(tamis)
    if program is None:
        return []
    listed, _ = measure.child([program, "--benchmark_list_tests"])
    isa = next(match["isa"] for match in map(NAME.match, listed.splitlines()) if match)
    entries = []
    for kind, pattern in FILTERS.items():
        for precision in PRECISIONS:
            text, _ = measure.child([program, "--benchmark_format=json", "--benchmark_min_time=0.02",
                                     "--benchmark_filter=" + pattern.format(precision=precision, isa=isa)])
            # The program prints the peaks in front.
            found = json.loads(text[text.index("{"):])["benchmarks"]
            entries += [entry for entry in map(entry_of, found) if entry]
    return entries


def bytes_of(entry):
    """What a product reads and writes: rows and weights at the precision, results in f32."""
    size = {"f32": 4, "bf16": 2, "int8": 1}[entry["precision"]]
    return size * entry["k"] * (entry["m"] + entry["n"]) + 4 * entry["m"] * entry["n"]


def chosen(entries, figure, wanted, second_level):
    """The entries that a figure of targets.toml is about."""
    for entry in entries or ():
        if (entry["kind"], entry["precision"]) != (figure["kind"], figure["precision"]):
            continue
        if wanted.get("fits_l2") and (second_level is None or bytes_of(entry) > second_level):
            continue
        yield entry


def shape_text(entry):
    sizes = f"{entry['m']} x {entry['k']} x {entry['n']}" if "n" in entry else f"K {entry['k']}"
    return sizes + (f", {entry['threads']} threads" if entry["threads"] > 1 else ", 1 thread")
