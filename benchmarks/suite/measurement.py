"""Measures a workload: every runtime and precision in turns, with its error beside its time."""
import sys
import time

import numpy as np

import measure
from peers import GRADES, first_line

NOISE = 0.03  # of a trial, as a share


class Contender:
    """A runtime at a precision, with the variants of it that are prepared. `detail` tells apart what is measured twice."""

    def __init__(self, peer, precision, variants, detail=""):
        self.peer, self.precision, self.variants, self.detail = peer, precision, variants, detail
        self.key = f"{peer.key} {precision}" + (f", {detail}" if detail else "")


def prepare(peers, precisions, model, folder, calibration):
    """The contenders of a model, and by key why the others are none."""
    contenders, reasons = [], {}
    for peer in peers:
        for precision in peer.precisions:
            if precision not in precisions:
                continue
            try:
                contenders.append(Contender(peer, precision, peer.prepare(model, precision, folder, calibration)))
            except Exception as error:  # Of a peer, of any kind: it is reported, and the others are measured.
                if peer.key == "tamis":
                    raise
                reasons[f"{peer.key} {precision}"] = first_line(error)
    return contenders, reasons


def seconds_of(run, budget):
    """The best of a few calls after a first: enough to choose between variants."""
    run.call()
    best, end = float("inf"), time.perf_counter() + budget
    while True:
        start = time.perf_counter()
        run.call()
        best = min(best, time.perf_counter() - start)
        if time.perf_counter() > end:
            return best


def choose(contender, open_variant, error_of, budget):
    """Opens all variants of a contender. Returns the quickest one's run and itself, or None, and by label why others
    failed. Of those that are as quick but for noise, the one with the least error."""
    tried, failures = [], {}
    for variant in contender.variants:
        try:
            run = open_variant(contender.peer, variant)
            seconds = seconds_of(run, budget)
            tried.append((seconds, error_of(run), run, variant))
        except Exception as error:  # Of a peer, of any kind: it is reported, and the others are measured.
            if contender.peer.key == "tamis":
                raise
            failures[variant.label] = first_line(error)
    if not tried:
        return None, failures
    bound = (1 + NOISE) * min(entry[0] for entry in tried)
    return min((entry for entry in tried if entry[0] <= bound), key=lambda entry: entry[1])[2:], failures


def errors(got, want, mask):
    """The largest absolute difference of embeddings and of hidden states, by rank; infinite where a number is no
    number, or a shape is another."""
    result = {}
    for name, expected in want.items():
        kind = {2: "embedding", 3: "hidden"}.get(expected.ndim)
        if kind is None:
            continue
        given = got.get(name)
        if given is None or given.shape != expected.shape:
            worst = float("inf")
        else:
            difference = np.abs(given.astype(np.float64) - expected)
            if kind == "hidden":
                difference = difference[mask != 0]
            worst = float(difference.max(initial=0.0)) if np.isfinite(difference).all() else float("inf")
        result[kind] = max(result.get(kind, 0.0), worst)
    return result


def reference(model, inputs):
    """The outputs of ONNX Runtime in f32."""
    session = measure.onnxruntime_session(model.path, 0)
    names = [value.name for value in session.get_outputs()]
    return dict(zip(names, session.run(names, {value.name: inputs[value.name] for value in session.get_inputs()})))


def measure_entries(contenders, open_variant, errors_of, rounds, seconds):
    """Measures contenders in turns, each with its quickest variant. `open_variant` makes a Run of a peer's variant,
    `errors_of` a dict of a run's errors. Returns by contender its times, errors and setting; and by contender why it has
    none."""
    runs, chosen, failed = {}, {}, {}
    for contender in contenders:
        found, failures = choose(contender, open_variant, lambda run: max(errors_of(run).values()), seconds / 4)
        if found:
            runs[contender.key], chosen[contender.key] = found
        for label, reason in failures.items():
            failed[contender.key + (f" ({label})" if label else "")] = reason
    times = measure.in_turns({key: run.call for key, run in runs.items()}, rounds, seconds, at_least=1)
    entries = {}
    for contender in contenders:
        key = contender.key
        if key not in runs:
            continue
        entries[key] = {
            "peer": contender.peer.key, "precision": contender.precision, "grade": GRADES[contender.precision],
            "setting": chosen[key].label, "best_ms": measure.best_ms(times[key]),
            "median_ms": measure.median_ms(times[key]), "runs": len(times[key]),
            "errors": errors_of(runs[key]), **runs[key].facts()}
    return entries, failed


def measure_row(contenders, model, name, inputs, threads, rounds, seconds):
    """A row of the results of an encoder."""
    want, mask = reference(model, inputs), inputs["attention_mask"]
    entries, failed = measure_entries(
        contenders, lambda peer, variant: peer.open(model, variant, inputs, threads),
        lambda run: errors(run.outputs(), want, mask), rounds, seconds)
    lengths = mask.sum(axis=1)
    return {"workload": name, "shape": list(mask.shape), "tokens": int(lengths.sum()), "threads": threads,
            "operations": model.operations(lengths), "date": today(), "not_measured": failed, "entries": entries}


def today():
    return time.strftime("%Y-%m-%d", time.gmtime())


def say(model, row, titles):
    """Shows a row as soon as it is there."""
    times = ", ".join(f"{titles[entry['peer']]} {entry['precision']} {entry['best_ms']:.2f}"
                      for entry in row["entries"].values())
    print(f"{model.title} {row['workload']} x {row['threads']}, ms: {times}", file=sys.stderr)
