"""Checks the JSON of a run of the test artifact that was compared with other outputs: check_run.py FILE."""
import json
import sys

run = json.load(open(sys.argv[1]))
assert run["schema"] == "tamis.run.v1" and run["model"].endswith("m.tamis"), run
assert run["outputs"] == [{"name": "y", "type": "f32", "dims": [2, 3, 2]}, {"name": "ids", "type": "i64", "dims": [2, 3]}], run
compared = {entry.pop("name"): entry for entry in run["compared"]}
assert not compared["ids"]["differs"] and compared["ids"]["padding_rows"] == 1, compared
assert compared["y"] == {"differs": True, "reason": "", "elements": 10, "differing": 10, "padding_rows": 1, "max_absolute": 0.5,
                         "max_relative": 1.0}, compared
report = run["report"]
assert (report["tokens_in"], report["tokens_computed"], report["threads"], report["isa"]) == (6, 5, 2, "x86-64-v3"), report
assert report["remarks"] == [{"pass": "token-remove-padding", "text": "padded rows are not computed"}], report
assert report["arena_peak_bytes"] > 0 and "monitor" not in report and "step" not in report, report
