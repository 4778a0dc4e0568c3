"""Writes the results as Markdown."""
from .kernels import shape_text
from .targets import compare, error_of, quickest

MIB = 1024.0 * 1024.0
PRECISIONS = ("f32", "split-f32", "bf16", "int8")


def threads_text(count):
    return f"{count} thread" + ("" if count == 1 else "s")


def batch_text(row):
    return "x".join(map(str, row["shape"])) + (" mixed" if row["workload"] == "mixed" else "")


def error_text(error):
    return f"{error:.0e}" if error else "0"


def peak_share(summary, row, entry):
    """The share of the machine's peak of what the real tokens need, or None."""
    peaks = summary["peaks"].get(str(row["threads"]))
    if not peaks:
        return None
    return row["operations"] / (entry["best_ms"] * 1e-3) / (peaks[entry["precision"]] * 1e9)


def title_of(summary, entry):
    return summary["titles"][entry["peer"]]


def ratios(summary):
    precisions = [p for p in PRECISIONS
                  if any(f"tamis {p}" in row["entries"] for m in summary["models"].values() for row in m["rows"].values())]
    yield "| model | batch | threads | " + " | ".join(precisions) + " |"
    yield "|---|---|---|" + "---|" * len(precisions)
    for result in summary["models"].values():
        for row in result["rows"].values():
            cells = []
            for precision in precisions:
                ours = row["entries"].get(f"tamis {precision}")
                theirs = quickest(row, ours["grade"], False) if ours else None
                cells.append(f"{theirs['best_ms'] / ours['best_ms']:.2f} ({title_of(summary, theirs)})" if theirs else "-")
            yield f"| {result['title']} | {batch_text(row)} | {row['threads']} | " + " | ".join(cells) + " |"


def times(summary, result, threads):
    rows = [row for row in result["rows"].values() if row["threads"] == threads]
    # In the order of measurement: Tamis, then the others.
    keys = list(dict.fromkeys(key for row in rows for key in row["entries"]))
    yield "| | " + " | ".join(batch_text(row) for row in rows) + " |"
    yield "|---|" + "---|" * len(rows)
    for key in keys:
        cells, name = [], ""
        for row in rows:
            entry = row["entries"].get(key)
            if entry is None:
                cells.append("-")
                continue
            name = f"{title_of(summary, entry)} {entry['precision']}"
            share = peak_share(summary, row, entry)
            parts = [f"{entry['best_ms']:.2f} / {entry['median_ms']:.2f}", error_text(error_of(entry))]
            cells.append("; ".join(parts + ([f"{100 * share:.0f}%"] if share is not None else [])))
        yield f"| {name} | " + " | ".join(cells) + " |"


def settings(summary):
    """How often each setting of a runtime was the quickest."""
    counts = {}
    for result in summary["models"].values():
        for row in result["rows"].values():
            for entry in row["entries"].values():
                if entry["setting"]:
                    of = counts.setdefault((title_of(summary, entry), entry["precision"]), {})
                    of[entry["setting"]] = of.get(entry["setting"], 0) + 1
    for (title, precision), of in sorted(counts.items()):
        chosen = ", ".join(f"{setting} ({count})" for setting, count in sorted(of.items(), key=lambda item: -item[1]))
        yield f"- {title} {precision}: {chosen}"


def profile_text(row, precision):
    """The kinds of operations that take most of the time, and how near each is to a peak, from `tamis bench`."""
    parts = []
    for kind in row.get("profiles", {}).get(precision, ())[:4]:
        share, peak = max((kind["of_unit"], kind["unit"]), (kind["of_level"], kind["level"]))
        parts.append(f"{kind['kind']} {100 * kind['share']:.0f}% (at {100 * share:.0f}% of {peak})")
    return ", ".join(parts)


def figures(summary, compared):
    yield "| figure | wanted | measured | met |"
    yield "|---|---|---|---|"
    for figure in compared:
        by = ""
        if figure["ours"] and figure["theirs"]:
            by = (f" (Tamis {figure['ours']['precision']} {figure['ours']['best_ms']:.2f} ms, error "
                  f"{error_text(error_of(figure['ours']))}; {title_of(summary, figure['theirs'])} "
                  f"{figure['theirs']['best_ms']:.2f} ms)")
        met = "-" if figure["got"] is None else "yes" if figure["met"] else "no"
        yield f"| {figure['text']} | {figure['wanted']} | {figure['shown']}{by} | {met} |"


def missed(compared):
    """A paragraph for each figure that was measured and is not met."""
    for figure in compared:
        if figure["got"] is None or figure["met"]:
            continue
        text = f"- **{figure['text']}**: {figure['shown']} instead of {figure['wanted']}, off by " \
               f"{100 * figure['missed_by']:.0f}%."
        profile = profile_text(figure["row"], figure["ours"]["precision"]) if figure["row"] else None
        if profile:
            text += f" Where the time of Tamis goes: {profile}."
        yield text + f" {figure['note'] or 'Not looked into yet.'}"


def products(entries):
    """The share of the peak of products: a line a shape, a column for each precision and number of rows."""
    of = {(entry["precision"], entry["m"], entry["k"], entry["n"]): entry for entry in entries if entry["kind"] == "linear"}
    columns = list(dict.fromkeys((precision, m) for precision, m, _, _ in of))
    yield "| K | N | " + " | ".join(f"{precision}, {m} rows" for precision, m in columns) + " |"
    yield "|---|---|" + "---|" * len(columns)
    for k, n in dict.fromkeys((k, n) for _, _, k, n in of):
        cells = [of.get((precision, m, k, n)) for precision, m in columns]
        yield f"| {k} | {n} | " + " | ".join(f"{100 * cell['share']:.0f} / {100 * cell['best']:.0f}" if cell else "-"
                                             for cell in cells) + " |"


def weight_reads(entries):
    yield "| precision | | GB/s of weights | share of reading |"
    yield "|---|---|---|---|"
    for entry in entries:
        if entry["kind"] == "weight_reads":
            yield f"| {entry['precision']} | {shape_text(entry)} | {entry['rate']:.1f} | {100 * entry['share']:.0f}% |"


def kernels(summary):
    entries = summary.get("kernels")
    if not entries:
        return
    yield ""
    yield "## Kernels"
    yield ""
    yield (f"Products [rows, K] x [K, N] of one thread with results in f32, at {entries[0]['isa']}, in percent of what the "
           "level's multiply-add reaches: the median of pairs measured in turns / the best run over the best peak.")
    yield ""
    yield from products(entries)
    yield ""
    yield "One row times 700 MB of weights, beside what as many threads read from as much memory without computing:"
    yield ""
    yield from weight_reads(entries)


def costs(summary):
    yield ("| model | precision | compile, s | compile, peak MiB | artifact, MiB | ONNX, MiB | first result, ms "
           "| ONNX Runtime's, ms |")
    yield "|---|---|---|---|---|---|---|---|"
    for result in summary["models"].values():
        of = result.get("costs")
        for precision, entry in (of["precisions"] if of else {}).items():
            yield (f"| {result['title']} | {precision} | {entry['compile_seconds']:.1f} "
                   f"| {entry['compile_peak_bytes'] / MIB:.0f} | {entry['artifact_bytes'] / MIB:.1f} "
                   f"| {of['model_bytes'] / MIB:.1f} | {entry['first_result_ms']:.0f} "
                   f"| {of['onnxruntime_first_result_ms']:.0f} |")


def not_measured(summary):
    """The section that says why, where something was not."""
    reasons = list(reasons_not_measured(summary))
    if reasons:
        yield from ("", "## Not measured", "", *reasons)


def reasons_not_measured(summary):
    for title, reason in summary["not_measured"].items():
        yield f"- {title}: {reason}"
    for result in summary["models"].values():
        # A reason is mostly the same for every row.
        reasons = {}
        for row in result["rows"].values():
            for key, reason in row["not_measured"].items():
                reasons.setdefault((key, reason), []).append(f"{row['workload']} x {row['threads']}")
        for (key, reason), rows in reasons.items():
            peer, precision = key.split(" ", 1)
            where = "" if len(rows) == len(result["rows"]) else f", {', '.join(rows)}"
            yield f"- {summary['titles'][peer]} {precision} of {result['title']}{where}: {reason}"


def peaks_text(summary):
    for threads, peaks in sorted(summary["peaks"].items(), key=lambda item: int(item[0])):
        yield (f"- Peak of {threads_text(int(threads))}, Gop/s: "
               + ", ".join(f"{precision} {peaks[precision]:.0f}" for precision in PRECISIONS))
    if not summary["peaks"]:
        yield "- Peaks: not measured"


def provenance(summary):
    """What was measured: when, where, of which versions."""
    where, versions = summary["machine"], summary["versions"]
    rows = [row for result in summary["models"].values() for row in result["rows"].values()]
    isa = ", ".join(sorted({entry["isa"] for row in rows for entry in row["entries"].values() if "isa" in entry}))
    dates = sorted({row["date"] for row in rows})
    if dates:
        yield f"- Measured on {' to '.join(dict.fromkeys((dates[0], dates[-1])))} by " \
              + ", ".join(f"`{command}`" for command in summary["commands"])
    yield f"- CPU: {where['cpu']}, {where['cores']} cores; {where['system']}"
    yield f"- Tamis {versions['Tamis']}, code for {isa}"
    yield "- " + ", ".join(f"{title} {version}" for title, version in versions.items() if title != "Tamis")
    if len({row["build"] for row in rows}) > 1:
        yield "- Not all rows were measured with the same build of Tamis"


def class_text(summary):
    kind = summary["cpu_class"]
    return f"This CPU is of the class {kind['title']}; 2 threads." if kind else "This CPU is of no class that has figures of speed."


def figures_and_reasons(summary, compared):
    """The table of figures, and why some are missed."""
    yield from figures(summary, compared)
    reasons = list(missed(compared))
    if reasons:
        yield ""
        yield "Where a figure is missed:"
        yield ""
        yield from reasons


def markdown(summary):
    yield "# Benchmarks"
    yield ""
    yield "Written by `benchmarks/run.py --docs`; change nothing here by hand."
    yield ""
    yield from provenance(summary)
    yield from peaks_text(summary)
    yield ""
    yield "## How many times as fast as the best other"
    yield ""
    yield ("Best time of the quickest other runtime whose arithmetic is of the same grade, over the best time of Tamis: above "
           "1, Tamis is quicker. f32 and split-f32 are one grade. In brackets, which runtime it is.")
    yield ""
    yield from ratios(summary)
    compared = compare(summary)
    yield ""
    yield "## Figures to reach"
    yield ""
    yield class_text(summary) + " The figures stand in benchmarks/targets.toml."
    yield ""
    yield from figures_and_reasons(summary, compared)
    yield ""
    yield "## Times, ms"
    yield ""
    yield ("Best / median of all runs; the largest error of the embeddings beside ONNX Runtime in f32 (of hidden states, "
           "where a model has no embeddings); the share of the machine's peak in that precision, counting the products "
           "of real tokens alone. Split-f32 is three products of bf16 where the CPU has tiles.")
    for result in summary["models"].values():
        for threads in sorted({row["threads"] for row in result["rows"].values()}):
            yield ""
            yield f"### {result['title']}, {threads_text(threads)}"
            yield ""
            yield from times(summary, result, threads)
    yield ""
    yield ("All runtimes work on the same arrays in one process, in turns, each warmed up before its turn; ONNX Runtime "
           "has all graph optimisations, spinning threads and bound inputs, OpenVINO the latency hint, one stream and as "
           "many threads as the others. Where a runtime has several settings, the quickest of a trial is measured; "
           "how often each was:")
    yield ""
    yield from settings(summary)
    yield ""
    yield ("The mixed batch is the padded one of examples/sentences; Tamis leaves its padding out, the others compute "
           "it. Models with random weights are for times alone: their errors say how the arithmetic rounds, not what a "
           "trained model would lose. Times of other machines, or of a busy one, will differ; the ratio within a run is "
           "what to compare.")
    yield from kernels(summary)
    yield ""
    yield "## Cost of a model"
    yield ""
    yield from costs(summary)
    yield ""
    yield ("Compiled for every ISA level that matters to the precision. First result: for Tamis the whole process "
           "`tamis run` on the mixed batch with 2 threads, from start to exit; for ONNX Runtime "
           "creating the session and its first run in f32, without the start of Python and its imports. Best of three.")
    text = summary["runtime_text_bytes"]
    if text is not None:
        yield ""
        yield f"The runtime's shared library has {text / 1024.0:.0f} KiB of code (its .text section)."
    yield from not_measured(summary)
