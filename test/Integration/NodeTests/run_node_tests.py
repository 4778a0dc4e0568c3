"""Runs ONNX's own tests of single operators through the compiler.

    run_node_tests.py --tamis build/bin/tamis [--only REGEX] [--jobs N] [--import-only build/bin/tamis-translate]

The cases come from Debian's package libonnx-testdata and from the Python package onnx, which makes newer ones. Each is
compiled, run on its inputs and compared with its outputs. What a case passes as an input but the compiler must know
(axes, steps) is made a constant first. At the end, every case is counted: passed, failed, refused (an operator of
docs/operators.md in a use that is documented as not supported), or not applicable, with the reasons. The exit code is
1 when a case failed, or one was refused that is not expected to be.
"""

import argparse
import collections
import concurrent.futures
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import numpy_helper

SOURCE = pathlib.Path(__file__).resolve().parents[3]
DEBIAN = pathlib.Path("/usr/share/libonnx-testdata/data")
OLDEST, NEWEST = 7, 24

# Inputs that must be constants, by operator and position.
CONSTANT = {"Squeeze": [1], "Unsqueeze": [1], "CumSum": [1], "Slice": [3, 4], "Pad": [3], "Dropout": [2]}
CONSTANT |= {f"Reduce{kind}": [1] for kind in
             ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare"]}

# Refusals that docs/operators.md announces; others count as failures.
EXPECTED_REFUSALS = [
    r"is not supported", r"are not supported", r"which is not known at compile time", r"depends on data",
    r"is in training mode", r"drops all dimensions of size 1, but", r"of unknown length", r"twice in one operand",
    r"does not fit its operands or is not supported", r"is an older version of the operator than those supported",
]

Case = collections.namedtuple("Case", "name model sets rtol atol")


def debian_cases():
    for model in sorted(DEBIAN.glob("*/*/model.onnx")):
        if model.parent.parent.name == "real":
            continue
        sets = sorted(model.parent.glob("test_data_set_*"))

        def load(folder, kind):
            files = sorted(folder.glob(f"{kind}_*.pb"), key=lambda file: int(file.stem.split("_")[1]))
            return [file.read_bytes() for file in files]

        yield Case(f"{model.parent.parent.name}/{model.parent.name}", model.read_bytes(),
                   [(load(folder, "input"), load(folder, "output")) for folder in sets], 1e-3, 1e-7)


def package_cases():
    try:
        from onnx.backend.test.case.node import collect_testcases
        cases = collect_testcases(None)
    except Exception as error:  # Some versions need packages for pictures.
        print(f"the cases of the Python package onnx cannot be made: {error}")
        return
    for case in cases:
        if case.model is not None and case.data_sets is not None:
            yield Case(f"package/{case.name}", case.model.SerializeToString(), case.data_sets, case.rtol, case.atol)


def known_operators():
    """The operators of docs/operators.md, with what is not supported of each."""
    operators = {}
    for line in (SOURCE / "docs/operators.md").read_text().splitlines():
        found = re.match(r"\| ([\w.]+) \| [\d, ]+ \| (.*) \|", line)
        if found:
            operators[found.group(1)] = found.group(2).strip()
    return operators


def is_announced(reason, operators):
    """Whether a refusal is one that docs/operators.md announces for the operator that it names."""
    named = re.search(r"\(([\w.]+) \d+\)", reason)
    return bool(named and operators.get(named.group(1))) and any(re.search(each, reason) for each in EXPECTED_REFUSALS)


def nodes_of(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            if attribute.HasField("g"):
                yield from nodes_of(attribute.g)


# Operators whose versions above NEWEST only take more element types.
MORE_TYPES = {"QuantizeLinear", "DequantizeLinear"}


def lower_opset(model):
    """Declares an older opset where the operators have not changed since."""
    for entry in model.opset_import:
        if entry.domain in ("", "ai.onnx") and entry.version > NEWEST:
            for node in nodes_of(model.graph):
                try:
                    schema = onnx.defs.get_schema(node.op_type, entry.version, node.domain)
                except onnx.defs.SchemaError:
                    return
                if node.domain == "" and schema.since_version > NEWEST and node.op_type not in MORE_TYPES:
                    return
            entry.version = NEWEST


def not_applicable(model, operators):
    versions = {entry.domain: entry.version for entry in model.opset_import}
    version = versions.get("", versions.get("ai.onnx", OLDEST))
    functions = {(function.domain, function.name) for function in model.functions}
    for node in nodes_of(model.graph):
        name = f"{node.domain}.{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type
        if name not in operators and (node.domain, node.op_type) not in functions:
            return f"operator {name} is not in docs/operators.md"
    if not OLDEST <= version <= NEWEST:
        return f"opset {version} is not supported"
    for value in list(model.graph.input) + list(model.graph.output):
        if not value.type.HasField("tensor_type"):
            return "an input or output is no tensor"
        kind = onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type)
        if kind in ("STRING", "COMPLEX64", "COMPLEX128") or "FLOAT8" in kind or "INT4" in kind or "INT2" in kind \
                or "FLOAT4" in kind:
            return f"elements of {kind} are not supported"
    return None


def to_array(data):
    """A tensor of a data set, as npz holds it: bfloat16 as its bits. None where it is no tensor."""
    if data is None or isinstance(data, (list, dict)):
        return None
    if isinstance(data, bytes):
        proto = onnx.TensorProto()
        proto.ParseFromString(data)
        data = proto
    if isinstance(data, onnx.TensorProto):
        data = numpy_helper.to_array(data)
    data = np.asarray(data)
    return data.view(np.uint16) if data.dtype.name == "bfloat16" else data


def bake(model, arrays):
    """Makes constants of the inputs in `arrays` (by name) that the compiler must know."""
    for node in nodes_of(model.graph):
        for position in CONSTANT.get(node.op_type, []):
            if position < len(node.input) and node.input[position] in arrays:
                name = node.input[position]
                model.graph.initializer.append(numpy_helper.from_array(arrays.pop(name), name))
                kept = [value for value in model.graph.input if value.name != name]
                del model.graph.input[:]
                model.graph.input.extend(kept)


def agree(got, want, case, is_bfloat16):
    if got.shape != want.shape:
        return f"shape {got.shape}, expected {want.shape}"
    if is_bfloat16:
        # The tool writes the bits as two bytes of no type.
        got, want = [(array.view(np.uint16).astype(np.uint32) << 16).view(np.float32) for array in (got, want)]
    elif got.dtype != want.dtype:
        return f"type {got.dtype}, expected {want.dtype}"
    if np.issubdtype(want.dtype, np.floating):
        rtol = max(case.rtol, 1e-2) if is_bfloat16 or want.dtype == np.float16 else case.rtol
        with np.errstate(all="ignore"):
            close = np.isclose(got.astype(np.float64), want.astype(np.float64), rtol, max(case.atol, 1e-6),
                               equal_nan=True)
    else:
        close = got == want
    if not close.all():
        at = np.unravel_index(np.argmin(close), close.shape)
        return f"{(~close).sum()} of {close.size} elements differ, first at {at}: {got[at]}, expected {want[at]}"
    return None


def reason_of(result):
    lines = [line for line in result.stderr.splitlines() if "error" in line]
    return (lines or result.stderr.splitlines() or ["no message"])[0]


def call(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, errors="replace",
                          timeout=300)


def run_case(case, options, operators):
    model = onnx.ModelProto()
    model.ParseFromString(case.model)
    lower_opset(model)
    if reason := not_applicable(model, operators):
        return "not applicable", reason
    names = [value.name for value in model.graph.input]
    outputs = {value.name: value.type.tensor_type.elem_type for value in model.graph.output}
    if not case.sets:
        return "not applicable", "no data"
    for inputs, expected in case.sets:
        instance = onnx.ModelProto()
        instance.CopyFrom(model)
        arrays = dict(zip(names, map(to_array, inputs)))
        if any(array is None for array in arrays.values()):
            return "not applicable", "an input is no tensor"
        bake(instance, arrays)
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "model.onnx").write_bytes(instance.SerializeToString())
            if options.import_only:
                result = call(options.import_only, "--import-onnx", folder / "model.onnx", "-o", folder / "out.mlir")
            else:
                result = call(options.tamis, "compile", folder / "model.onnx", "-o", folder / "model.tamis",
                              *options.flags)
            if result.returncode != 0:
                reason = reason_of(result)
                is_expected = result.returncode == 3 and is_announced(reason, operators)
                return ("refused" if is_expected else "failed"), f"compile: exit {result.returncode}: {reason}"
            if options.import_only:
                continue
            np.savez(folder / "in.npz", **arrays)
            result = call(options.tamis, "run", folder / "model.tamis", "--inputs", folder / "in.npz", "--outputs",
                          folder / "out.npz")
            declared = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
                        for value in instance.graph.input}
            if result.returncode == 3 and any(list(arrays[name].shape) != declared[name] for name in arrays):
                return "not applicable", "its data has another shape than its model declares"
            if result.returncode != 0:
                return "failed", f"run: exit {result.returncode}: {reason_of(result)}"
            with np.load(folder / "out.npz") as got:
                for (name, kind), want in zip(outputs.items(), map(to_array, expected)):
                    if name not in got:
                        return "failed", f"no output {name}"
                    if difference := agree(got[name], want, case, kind == onnx.TensorProto.BFLOAT16):
                        return "failed", f"{name}: {difference}"
    return "passed", ""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis", help="the driver")
    parser.add_argument("--import-only", metavar="TRANSLATE", help="only import, with this tamis-translate")
    parser.add_argument("--only", default="", metavar="REGEX", help="cases whose name matches")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th case only; says how many remain")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--flags", nargs="*", default=[], help="more flags for tamis compile")
    parser.add_argument("--verbose", action="store_true", help="print every case")
    options = parser.parse_args()

    operators = known_operators()
    cases, seen = [], set()
    for case in [*debian_cases(), *package_cases()]:
        key = (case.model, repr([len(each) for each in case.sets]))
        if re.search(options.only, case.name) and key not in seen:
            seen.add(key)
            cases.append(case)
    found = len(cases)
    cases = cases[:: options.every]

    counts, reasons, used = collections.Counter(), collections.defaultdict(list), collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        def guarded(case):
            try:
                return run_case(case, options, operators)
            except subprocess.TimeoutExpired as error:
                return "failed", f"{error.cmd[1]} takes more than {error.timeout} s"

        for case, (verdict, reason) in zip(cases, pool.map(guarded, cases)):
            counts[verdict] += 1
            if reason:
                reasons[verdict, reason if verdict == "not applicable" else f"{case.name}: {reason}"].append(case.name)
            if options.verbose:
                print(f"{verdict}: {case.name} {reason}", flush=True)
    for verdict in ["not applicable", "refused", "failed"]:
        print(f"\n{verdict}: {counts[verdict]}")
        for (kind, reason), names in sorted(reasons.items(), key=lambda entry: (-len(entry[1]), entry[0])):
            if kind == verdict:
                print(f"  {len(names):4} {reason}" if verdict == "not applicable" else f"  {reason}")
    print(f"\n{len(cases)} of {found} cases: " + ", ".join(
        f"{counts[verdict]} {verdict}" for verdict in ["passed", "failed", "refused", "not applicable"]))
    sys.exit(1 if counts["failed"] else 0)


if __name__ == "__main__":
    main()
