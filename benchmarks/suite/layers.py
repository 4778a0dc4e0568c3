"""Measures layers of experts alone (expert_layers.py) beside ONNX Runtime on the same file."""
import numpy as np

from . import expert_layers
from .measurement import Contender, measure_entries, today


def error_of(got, want):
    """The norm of the difference as a share of the result's; infinite where a number is no number."""
    if got.shape != want.shape or not np.isfinite(got).all():
        return float("inf")
    return float(np.linalg.norm(got.astype(np.float64) - want) / np.linalg.norm(want))


def contenders_of(layer, tamis, peers, folder):
    """Tamis at the layer's precisions, and the others with the file as it is."""
    theirs = layer.precisions[0]
    return [*(Contender(tamis, precision, tamis.prepare(layer, precision, folder, None)) for precision in layer.precisions),
            *(Contender(peer, theirs, peer.prepare_layer(layer)) for peer in peers)]


def measure_layer(layer, tokens, contenders, folder, threads, rounds, seconds):
    """A row of the results, with where the time of Tamis goes."""
    inputs = layer.inputs(tokens)
    want = expert_layers.reference(layer, inputs)
    entries, failed = measure_entries(
        contenders, lambda peer, variant: peer.open(layer, variant, inputs, threads),
        lambda run: {"result": error_of(run.outputs()["y"], want)}, rounds, seconds)
    npz = folder / "inputs.npz"
    np.savez(npz, **inputs)
    profiles = {contender.precision: contender.peer.profile(contender.variants[0], npz, threads, seconds)
                for contender in contenders if contender.peer.key == "tamis"}
    return {"workload": str(tokens), "shape": [tokens, layer.hidden], "tokens": tokens, "threads": threads,
            "operations": layer.operations(tokens), "date": today(), "not_measured": failed, "profiles": profiles,
            "entries": entries}
