"""Compares results with the figures that are wanted (targets.toml)."""
import pathlib
import tomllib

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
    """On embeddings where the model has them, else on hidden states."""
    return entry["errors"].get("embedding", entry["errors"].get("hidden", float("inf")))


def compare(models, cpu_class):
    """The figures in order: dicts of `id`, `text`, `wanted`, `got` (None: not measured), `met` and `row`."""
    targets, notes = load()
    figures = []
    for figure in targets["figure"] if cpu_class else []:
        wanted, row = figure[cpu_class["id"]], None
        model = models.get(figure["model"])
        if model:
            row = model["rows"].get(f"{figure['workload']}/{THREADS}")
        ours = quickest(row, figure["grade"], True, wanted.get("error")) if row else None
        theirs = quickest(row, figure["grade"], False) if row else None
        got = theirs["best_ms"] / ours["best_ms"] if ours and theirs else None
        limit = f", error at most {wanted['error']:.0e}" if "error" in wanted else ""
        figures.append({"id": figure["id"], "text": figure["text"] + limit, "wanted": f"{wanted['ratio']:.2f}x",
                        "got": got, "shown": f"{got:.2f}x" if got else "not measured", "ours": ours, "theirs": theirs,
                        "met": got is not None and got >= wanted["ratio"],
                        "missed_by": 1 - got / wanted["ratio"] if got else None, "row": row,
                        "note": notes.get(cpu_class["id"], {}).get(figure["id"])})
    for cost in targets["cost"]:
        got = cost_of(models.get(cost["model"], {}).get("costs"), cost["kind"])
        show = (lambda value: f"{value:.1f} s") if cost["kind"] == "compile_seconds" else lambda value: f"{100 * value:.0f}%"
        figures.append({"id": cost["id"], "text": cost["text"], "wanted": f"at most {show(cost['at_most'])}", "got": got,
                        "shown": show(got) if got else "not measured", "ours": None, "theirs": None, "row": None,
                        "met": got is not None and got <= cost["at_most"],
                        "missed_by": got / cost["at_most"] - 1 if got else None,
                        "note": notes.get("any", {}).get(cost["id"])})
    return figures


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
