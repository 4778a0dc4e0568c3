"""What a runtime is to the suite: files made once, and runs of one batch that are timed."""
import dataclasses
import importlib
import pathlib
import sys

# What a precision may be compared with: runtimes whose error is of the same order.
GRADES = {"f32": "f32", "split-f32": "f32", "bf16": "bf16", "int8": "int8", "int4": "int4"}


@dataclasses.dataclass(frozen=True)
class Variant:
    """One setting of a runtime for a precision. Of several the quickest is measured."""

    label: str
    file: pathlib.Path
    settings: dict = dataclasses.field(default_factory=dict)


class Run:
    """A model made ready for one batch; a call computes it."""

    def __init__(self, call, outputs, facts=None):
        self.call, self._outputs, self._facts = call, outputs, facts

    def outputs(self):
        """The last call's outputs, by the names of the ONNX file."""
        return self._outputs()

    def facts(self):
        """What else the runtime tells of the last call."""
        return self._facts() if self._facts else {}


class Peer:
    """A runtime. `key` names it on the command line, `package` is the Python package that must be there."""

    key = title = package = requirements = ""
    precisions = ()

    def missing(self):
        """Why this runtime cannot be measured, or None."""
        try:
            importlib.import_module(self.package)
        except Exception as error:  # A package may fail in its own ways: none of them ends the others' run.
            return f"{self.package} cannot be imported ({first_line(error)}); see benchmarks/{self.requirements}"
        return None

    def version(self):
        return importlib.import_module(self.package).__version__

    def prepare(self, model, precision, folder, calibration):
        """Makes the files of a precision in `folder` where they are missing. Returns the variants to try.
        `calibration` is a list of batches."""
        raise NotImplementedError

    def open(self, model, variant, inputs, threads):
        """A Run of the variant for these inputs."""
        raise NotImplementedError


def choose_peers(kinds, asked):
    """Of runtimes by key, those that can be measured, and by title why the others cannot. `asked` are keys."""
    peers, absent = [], {}
    for key, kind in kinds.items():
        peer = kind()
        command = "benchmarks/" + pathlib.Path(sys.argv[0]).name
        reason = peer.missing() if key in asked else f"not asked for; {command} --peers measures {key}"
        if reason:
            absent[peer.title] = reason
        else:
            peers.append(peer)
    return peers, absent


def first_line(error):
    """The first line of an error's text that says anything, cut to a table's width."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[0][:160]


def newer(made, *sources):
    """Whether the file `made` is there and no older than its sources."""
    return made.exists() and all(made.stat().st_mtime >= source.stat().st_mtime for source in sources)
