"""The Markdown of stored results: report.py FOLDER-OF-BENCHMARKS RESULTS.json"""
import json
import pathlib
import sys

sys.path.insert(0, sys.argv[1])
from suite import report  # noqa: E402 (the path comes first)

print("\n".join(report.markdown(json.loads(pathlib.Path(sys.argv[2]).read_text()))))
