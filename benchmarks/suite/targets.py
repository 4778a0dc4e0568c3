"""Compares results with the figures that are wanted (targets.toml)."""
import pathlib
import tomllib

from . import kernels

HERE = pathlib.Path(__file__).resolve().parent.parent
THREADS = 2


def load():
    return [tomllib.loads((HERE / name).read_text()) for name in ("targets.toml", "notes.toml")]


def class_of(features):
    """The class of a CPU with these features, or None."""
    for kind in load()[0]["class"]:
        if set(kind["features"]) <= set(features):
            return kind
    return None


def is_figure(model, workload, threads):
    """Whether a figure is about this row."""
    return threads == THREADS and any((figure["model"], figure["workload"]) == (model, workload)
                                      for figure in load()[0]["figure"])


def quickest(row, grade, ours, error=None):
    """The quickest entry of a grade, of Tamis or of the others; None where there is none within the error."""
    entries = [entry for entry in row["entries"].values()
               if entry["grade"] == grade and (entry["peer"] == "tamis") == ours and error_of(entry) < float("inf")
               and (error is None or error_of(entry) <= error)]
    return min(entries, key=lambda entry: entry["best_ms"], default=None)


def error_of(entry):
    """On embeddings where the model has them, else on hidden states; of a layer or a decoder, the one there is."""
    return next((entry["errors"][kind] for kind in ("embedding", "hidden", "result") if kind in entry["errors"]), float("inf"))


def compare(summary):
    """The figures in order: dicts of `id`, `text`, `wanted`, `got` (None: not measured), `met` and `row`."""
    targets, notes = load()
    kind = summary["cpu_class"]
    figures = []
    if kind:
        figures += [model_figure(figure, figure[kind["id"]], summary) for figure in targets["figure"]]
        figures += [kernel_figure(figure, figure[kind["id"]], summary) for figure in targets["kernel"] if kind["id"] in figure]
    figures += [cost_figure(figure, summary) for figure in targets["cost"]]
    return with_notes(figures, kind, notes)


def with_notes(figures, kind, notes):
    """The figures, each with its `note` for this class of CPU (None: there is none)."""
    for figure in figures:
        figure["note"] = notes.get(kind["id"] if kind else "", {}).get(figure["id"], notes["any"].get(figure["id"]))
    return figures


def model_figure(figure, wanted, summary):
    model = summary["models"].get(figure["model"])
    row = model["rows"].get(f"{figure['workload']}/{THREADS}") if model else None
    ours = quickest(row, figure["grade"], True, wanted.get("error")) if row else None
    theirs = quickest(row, figure["grade"], False) if row else None
    got = theirs["best_ms"] / ours["best_ms"] if ours and theirs else None
    limit = f", error at most {wanted['error']:.0e}" if "error" in wanted else ""
    return {"id": figure["id"], "text": figure["text"] + limit, "wanted": f"{wanted['ratio']:.2f}x",
            "got": got, "shown": f"{got:.2f}x" if got else "not measured", "ours": ours, "theirs": theirs,
            "met": got is not None and got >= wanted["ratio"],
            "missed_by": 1 - got / wanted["ratio"] if got else None, "row": row}


def kernel_figure(figure, wanted, summary):
    entries = list(kernels.chosen(summary.get("kernels"), figure, wanted, summary.get("second_level_bytes")))
    least = min(entries, key=lambda entry: entry["share"], default=None)
    got, limit = least["share"] if least else None, wanted["at_least"]
    shown = "not measured"
    if least:
        reached = sum(entry["share"] >= limit for entry in entries)
        shown = (f"{100 * got:.0f}% at the slowest ({kernels.shape_text(least)}), {100 * max(e['share'] for e in entries):.0f}% "
                 f"at the quickest; {reached} of {len(entries)} shapes reach it")
    return {"id": figure["id"], "text": figure["text"] + (", what fits L2" if wanted.get("fits_l2") else ""),
            "wanted": f"{100 * limit:.0f}%", "got": got, "shown": shown, "ours": None, "theirs": None, "row": None,
            "met": got is not None and got >= limit, "missed_by": 1 - got / limit if got is not None else None}


def cost_figure(figure, summary):
    got = cost_of(summary["models"].get(figure["model"], {}).get("costs"), figure["kind"])
    show = (lambda value: f"{value:.1f} s") if figure["kind"] == "compile_seconds" else lambda value: f"{100 * value:.0f}%"
    return {"id": figure["id"], "text": figure["text"], "wanted": f"at most {show(figure['at_most'])}", "got": got,
            "shown": show(got) if got else "not measured", "ours": None, "theirs": None, "row": None,
            "met": got is not None and got <= figure["at_most"],
            "missed_by": got / figure["at_most"] - 1 if got else None}


def cost_of(costs, kind):
    precisions = costs["precisions"] if costs else {}
    if kind == "compile_seconds":
        return max((entry["compile_seconds"] for entry in precisions.values()), default=None)
    if kind == "first_result_share":
        first = precisions.get("f32", {}).get("first_result_ms")
        return first / costs["onnxruntime_first_result_ms"] if first else None
    if "bf16" not in precisions:
        return None
    return precisions["bf16"]["artifact_bytes"] / costs["model_bytes"]
