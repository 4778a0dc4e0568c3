"""Checks that a man page exists for every command and shows every long option in an example."""
import pathlib
import re
import sys

pages = {page.stem: page.read_text() for page in pathlib.Path(sys.argv[1]).glob("*.1")}
commands = re.findall(r"\\fB([\w\\-]+)\\fR\(1\)", pages["tamis"])
assert {"tamis-run", "tamis-bench", "tamis-inspect"} <= set(pages), pages.keys()
assert {name.replace("\\", "") for name in commands} == set(pages) - {"tamis"}, commands
problems = []
for name, text in pages.items():
    if name == "tamis":
        continue
    options, rest = text.split(".SH OPTIONS")[1].split(".SH EXAMPLES")
    examples = rest.split(".SH EXIT STATUS")[0]
    for option in re.findall(r"^.*\\fB(\\-\\-[\w\\-]+)\\fR", options, re.MULTILINE):
        if option != "\\-\\-help" and not re.search(re.escape(option) + r"(?![\w\\])", examples):
            problems.append(f"{name}: no example of {option}")
sys.exit("\n".join(problems) or 0)
