"""Tamis: an artifact for each precision, run through the C interface of its runtime."""
import hashlib
import json
import subprocess

import measure
from tamis_runtime import Context, Model, library_in

from .peer import Peer, Run, Variant, newer


class Tamis(Peer):
    key, title = "tamis", "Tamis"
    precisions = ("f32", "split-f32", "bf16", "int8")
    options = ()  # further ones of `tamis compile`

    def __init__(self, build):
        self.build, self.program, self.library = build, build / "bin" / "tamis", library_in(build)

    def missing(self):
        return None

    def version(self):
        output = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=True).stdout
        return output.split()[-1]

    def identity(self):
        """What tells one build from another."""
        digest = hashlib.sha256()
        for file in (self.build / "bin" / "tamis-compile", self.library):
            digest.update(file.read_bytes())
        return digest.hexdigest()[:12]

    def artifact(self, model, precision, folder):
        return folder / f"{model.key}-{precision}.tamis"

    def compile(self, model, precision, folder):
        """Compiles for every ISA level that matters. Returns the seconds of the process and its peak memory."""
        artifact = self.artifact(model, precision, folder)
        return measure.compile_model(self.program, model.path, artifact, [f"--precision={precision}", *self.options])

    def prepare(self, model, precision, folder, calibration):
        artifact = self.artifact(model, precision, folder)
        if not newer(artifact, self.build / "bin" / "tamis-compile", model.path):
            self.compile(model, precision, folder)
        return [Variant("", artifact)]

    def open(self, model, variant, inputs, threads):
        loaded = Model(variant.file, self.library)
        context = Context(loaded, threads)

        def facts():
            report = context.report()
            return {"isa": loaded.isa, "tokens_in": report.tokens_in, "tokens_computed": report.tokens_computed,
                    "arena_bytes": report.arena_bytes}

        return Run(context.bind(inputs), context.outputs, facts)

    def profile(self, variant, inputs, threads, seconds):
        """The kinds of operations by their share of the time, as `tamis bench --profile` tells."""
        command = [self.program, "bench", variant.file, "--inputs", inputs, "--threads", threads, "--min-time", seconds,
                   "--profile", "--json"]
        return json.loads(measure.child(command)[0])["profile"]["kinds"]
