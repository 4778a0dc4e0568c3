"""Compares what benchmarks/experts.py measured with the figures that are wanted (experts-targets.toml)."""
import tomllib

from .targets import HERE, THREADS, load, model_figure, quickest, with_notes


def compare(summary):
    """The figures in order, as targets.compare has them."""
    wanted = tomllib.loads((HERE / "experts-targets.toml").read_text())
    figures = [model_figure(figure, figure, summary) for figure in wanted["figure"]]
    after = 1 + next(at for at, figure in enumerate(wanted["figure"]) if figure["id"] == "moe-decode-8")
    figures[after:after] = [memory_figure(figure, summary) for figure in wanted["memory"]]
    return with_notes(figures, summary["cpu_class"], load()[1])


def memory_share(summary, row, entry):
    """The least time in which memory gives the weights that a token reads, as a share of a step's; None: not measured."""
    gbps = summary["memory_gbps"].get(str(row["threads"]))
    return summary["active_bytes"] / (gbps * 1e9) / (entry["best_ms"] * 1e-3) if gbps else None


def memory_figure(figure, summary):
    row = summary["models"].get("decoder", {"rows": {}})["rows"].get(f"{figure['workload']}/{THREADS}")
    ours = quickest(row, figure["grade"], True) if row else None
    got, limit = memory_share(summary, row, ours) if ours else None, figure["at_least"]
    shown = "not measured"
    if got is not None:
        shown = (f"{100 * got:.0f}% ({summary['active_bytes'] / 1e6:.1f} MB at {summary['memory_gbps'][str(THREADS)]:.1f} GB/s "
                 f"take {got * ours['best_ms']:.2f} ms of {ours['best_ms']:.2f})")
    return {"id": figure["id"], "text": figure["text"], "wanted": f"{100 * limit:.0f}%", "got": got, "shown": shown,
            "ours": ours, "theirs": None, "row": row, "met": got is not None and got >= limit,
            "missed_by": 1 - got / limit if got is not None else None}
