"""What the checks of compiled encoders share: calling Tamis, comparing at ISA levels and thread counts, counting."""
import argparse
import pathlib
import subprocess
import tempfile


def call(*command):
    """The exit status and what the command printed."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300)
    return result.returncode, (result.stdout + result.stderr).strip()


class Checks:
    """Counts what was checked, and prints what failed."""

    def __init__(self):
        self.passed, self.failed = 0, 0

    def count(self, what, ok, text=""):
        self.passed, self.failed = self.passed + bool(ok), self.failed + (not ok)
        if not ok:
            print(f"{what}: {text}")
        return ok

    def finish(self):
        """Prints the last line; the exit status."""
        print(f"{self.passed} passed, {self.failed} failed")
        return self.failed != 0 or self.passed == 0


def run_everywhere(checks, what, tamis, artifact, inputs, expected, isas, tolerance, tokens=None):
    """Runs at each ISA level with 1 and 2 threads, which must give the same bits, and compares with `expected`.

    `tolerance` is a pair, relative and absolute. With `tokens`, so many must have been computed.
    """
    folder = pathlib.Path(artifact).parent
    for isa in isas:
        outputs = []
        for threads in (1, 2):
            out = folder / f"out_{threads}.npz"
            code, text = call(tamis, "run", artifact, "--inputs", inputs, "--outputs", out, "--expected", expected,
                              "--rtol", tolerance[0], "--atol", tolerance[1], "--isa", isa, "--threads", threads,
                              "--report")
            here = f"{what} {pathlib.Path(inputs).name} {isa} {threads} threads"
            checks.count(here, code == 0, text)
            outputs.append(out.read_bytes() if code == 0 else None)
            if code == 0 and tokens is not None:
                checks.count(here, f"tokens computed: {tokens}\n" in text, f"not {tokens} tokens computed: {text}")
        here = f"{what} {pathlib.Path(inputs).name} {isa}"
        checks.count(here, outputs[0] == outputs[1], "the bits differ by threads")


def check_model(description, check):
    """The exit status of check(options, folder), which compares a model of a folder with what lies beside it. The command
    line gives `folder`, `tamis` and one or more `isa`."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--isa", action="append", required=True)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return check(options, pathlib.Path(folder)).finish()
