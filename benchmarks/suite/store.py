"""The results on disk: one JSON file, to which a run may add."""
import json

SCHEMA = "tamis.benchmarks.v2"


def read(path, machine, schema=SCHEMA):
    """The stored results, if they are of this machine and form; else None."""
    if not path.exists():
        return None
    stored = json.loads(path.read_text())
    return stored if stored.get("schema") == schema and stored["machine"] == machine else None


def write(path, summary):
    scratch = path.with_suffix(".part")
    scratch.write_text(json.dumps(summary, indent=1) + "\n")
    scratch.replace(path)


def ordered(summary, models, workloads):
    """The summary with models, workloads and threads in the order given, however they came."""
    place = lambda item: (workloads.index(item[1]["workload"]), item[1]["threads"])
    of = summary["models"]
    for result in of.values():
        result["rows"] = dict(sorted(result["rows"].items(), key=place))
    summary["models"] = {key: of[key] for key in models if key in of}
    return summary
