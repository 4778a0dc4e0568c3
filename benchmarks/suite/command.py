"""What the commands run.py and experts.py share: their choices, the environment they run in, and how they end."""
import pathlib
import sys

from . import environment

BENCHMARKS = pathlib.Path(__file__).resolve().parent.parent
ROOT = BENCHMARKS.parent


def check_choices(parser, options, choices):
    """Turns each option that names some of `choices` into a list, in their order; ends the program at another word."""
    for name, known in choices.items():
        words = getattr(options, name).split(",")
        for word in words:
            if word not in known:
                parser.error(f"--{name} has no '{word}'; there are {', '.join(known)}")
        setattr(options, name, [word for word in known if word in words])


def enter(options, optional):
    """Goes on in the suite's Python environment, with the packages of the peers asked for: `optional` names their lists.
    Returns its folder, in which everything is made."""
    folder = options.build / "benchmarks"
    if not (options.build / "bin" / "tamis").exists():
        raise SystemExit(f"benchmarks/{pathlib.Path(sys.argv[0]).name}: there is no Tamis in {options.build}; run "
                         "utils/quickstart.sh, or say --build")
    folder.mkdir(exist_ok=True)
    environment.enter(folder / "python", BENCHMARKS / "requirements.txt",
                      [BENCHMARKS / optional[key] for key in options.peers if key in optional])
    return folder


def finish(options, lines, document):
    """Prints the report, and writes it to a document where that was asked for."""
    text = "\n".join(lines) + "\n"
    print(text)
    print(f"All numbers: {options.json}", file=sys.stderr)
    if options.docs:
        (ROOT / "docs" / document).write_text(text)
