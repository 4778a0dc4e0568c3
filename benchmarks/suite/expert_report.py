"""Writes the results of benchmarks/experts.py as Markdown."""
from . import expert_targets
from .decoding import CHECKED, PROMPT, STEPS
from .expert_layers import LAYERS
from .report import class_text, error_text, figures_and_reasons, not_measured, provenance, settings, title_of
from .targets import error_of, quickest


def name_of(summary, entry, key):
    detail = key.split(", ", 1)[1:]
    return f"{title_of(summary, entry)} {entry['precision']}" + "".join(f", {text}" for text in detail)


def table(summary, rows, head, cell):
    """A line a contender, a column a row of the results, in the order of measurement."""
    keys = list(dict.fromkeys(key for row in rows for key in row["entries"]))
    yield "| | " + " | ".join(head(row) for row in rows) + " |"
    yield "|---|" + "---|" * len(rows)
    for key in keys:
        entries = [row["entries"].get(key) for row in rows]
        name = next(name_of(summary, entry, key) for entry in entries if entry)
        yield f"| {name} | " + " | ".join(cell(row, entry) if entry else "-" for row, entry in zip(rows, entries)) + " |"
    cells = []
    for row in rows:
        grade = next(iter(row["entries"].values()))["grade"]
        ours, theirs = quickest(row, grade, True), quickest(row, grade, False)
        cells.append(f"{theirs['best_ms'] / ours['best_ms']:.2f} ({title_of(summary, theirs)})" if ours and theirs else "-")
    yield "| times as fast as the best other | " + " | ".join(cells) + " |"


def decoder_cell(row, entry):
    speed = [row["tokens"] / (entry[kind] * 1e-3) for kind in ("best_ms", "median_ms")]
    return f"{speed[0]:.0f} / {speed[1]:.0f}; {entry['best_ms']:.2f} ms; {1 - error_of(entry):.4f}"


def decoder_head(row):
    batch, prompt = row["shape"]
    return f"prompt of {prompt}" if row["tokens"] == batch * prompt else f"steps of {batch}"


def decoder(summary):
    result = summary["models"]["decoder"]
    yield "## Decoder, tokens/s"
    yield ""
    yield result["about"]
    yield ""
    yield ("Best / median of all runs in tokens/s; the best in ms; the cosine of the logits with those of products in f32 "
           f"(ONNX Runtime, accuracy_level 0), the mean of each prompt's last token and {CHECKED} steps. Where a token "
           "chooses other experts for a difference in rounding, its logits are others, too: with random weights many "
           "choices are close.")
    for threads in sorted({row["threads"] for row in result["rows"].values()}):
        yield ""
        yield from table(summary, [row for row in result["rows"].values() if row["threads"] == threads], decoder_head, decoder_cell)
    yield ""
    yield (f"A prompt fills empty caches. Steps are the {STEPS} tokens after a prompt of {PROMPT}, one of each sequence a run, and "
           "then the same again from the end of the prompt; which tokens, is fixed. No runtime samples. For a prompt, "
           "llama.cpp and Tamis compute the logits of its last token, as a server asks for them; the ONNX file has those of "
           "all tokens, and ONNX Runtime computes them. The line \"logits of all tokens\" is Tamis with the same work.")


def layer_cell(row, entry):
    return f"{entry['best_ms']:.2f} / {entry['median_ms']:.2f}; {error_text(error_of(entry))}"


def layers(summary):
    yield "## Layers alone, ms"
    yield ""
    yield ("Best / median of all runs; the norm of the difference from the same layer in f32 (numpy, with the weights as "
           "rounded in the file), as a share of the result's. ONNX Runtime runs the same file. Each run has the same tokens, so "
           "caches may hold the weights of the experts that they chose, for all runtimes alike.")
    for key, layer in LAYERS.items():
        result = summary["models"].get(key)
        if not result:
            continue
        yield ""
        yield f"### {result['title']}: {layer.experts} experts of {layer.hidden} x {layer.inner}, top {layer.chosen}"
        for threads in sorted({row["threads"] for row in result["rows"].values()}):
            yield ""
            yield from table(summary, [row for row in result["rows"].values() if row["threads"] == threads],
                             lambda row: f"{row['tokens']} token" + ("" if row["tokens"] == 1 else "s"), layer_cell)


def markdown(summary):
    yield "# Benchmarks of experts"
    yield ""
    yield "Written by `benchmarks/experts.py --docs`; change nothing here by hand. Encoders: [benchmarks.md](benchmarks.md)."
    yield ""
    yield from provenance(summary)
    for threads, gbps in summary["memory_gbps"].items():
        yield f"- Memory gives {threads} threads {gbps:.1f} GB/s (tamis peak, before and after the decoder: the better)"
    yield from (f"- {note}" for note in summary["remarks"])
    yield ""
    yield "## Figures to reach"
    yield ""
    yield class_text(summary) + " The figures stand in benchmarks/experts-targets.toml."
    yield ""
    yield from figures_and_reasons(summary, expert_targets.compare(summary))
    if "decoder" in summary["models"]:
        yield ""
        yield from decoder(summary)
    yield ""
    yield from layers(summary)
    yield ""
    yield ("All runtimes work on the same numbers, in turns, each warmed up before its turn; llama.cpp in a process of its own, "
           "the others in one. Where a runtime has several settings, the quickest of a trial is measured; how often each was:")
    yield ""
    yield from settings(summary)
    yield ""
    yield "Times of other machines, or of a busy one, will differ; the ratio within a run is what to compare."
    yield from not_measured(summary)
