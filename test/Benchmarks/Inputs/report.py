"""The Markdown of stored results: report.py FOLDER-OF-BENCHMARKS RESULTS.json [MODULE OF THE REPORT]"""
import importlib
import json
import pathlib
import sys

sys.path[:0] = [sys.argv[1], str(pathlib.Path(sys.argv[1]).parent / "utils")]
report = importlib.import_module("suite." + (sys.argv[3] if len(sys.argv) > 3 else "report"))
print("\n".join(report.markdown(json.loads(pathlib.Path(sys.argv[2]).read_text()))))
