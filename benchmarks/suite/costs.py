"""What a model costs before its first result: compile time and memory, sizes, start."""
import measure

from .workloads import SENTENCES


def measure_costs(tamis, precisions, model, folder, repeats=3):
    """By precision, what compiling takes and gives; and the first results, Tamis's and ONNX Runtime's."""
    costs = {"model_bytes": model.path.stat().st_size, "precisions": {}}
    theirs = []
    for precision in precisions:
        seconds, memory = tamis.compile(model, precision, folder)
        artifact = tamis.artifact(model, precision, folder)
        first = measure.first_result_ms(tamis.program, artifact, model.path, SENTENCES, 2, repeats)
        theirs.append(first[1])
        costs["precisions"][precision] = {"compile_seconds": seconds, "compile_peak_bytes": memory,
                                          "artifact_bytes": artifact.stat().st_size, "first_result_ms": first[0]}
    costs["onnxruntime_first_result_ms"] = min(theirs)
    return costs
