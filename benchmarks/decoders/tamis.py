"""Tamis as a decoder: its weights of 4 bits, and caches that the context keeps."""
import measure
from peers import Tamis, Variant, newer
from tamis_runtime import Context, Model

from .sequences import Sequences

LENGTH = 2048


class TamisDecoder(Tamis):
    def prepare_decoder(self, model, folder):
        artifact = folder / f"{model.stem}-int4.tamis"
        if not newer(artifact, self.build / "bin" / "tamis-compile", model):
            measure.compile_model(self.program, model, artifact, ["--precision=int4", "--max-length", LENGTH, *self.options])
        # The second computes what ONNX Runtime does, whose file gives the logits of all tokens.
        return [Variant("", artifact, {"all": every}) for every in (False, True)]

    def open_decoder(self, variant, shape, batch, length, threads):
        return TamisSequences(Context(Model(variant.file, self.library), threads), batch, variant.settings["all"])


class TamisSequences(Sequences):
    def __init__(self, context, batch, every):
        self.context, self.batch, self.every = context, batch, every

    def prepare(self, ids, past):
        return self.context.cached_run(ids, past, None if self.every else [ids.shape[1] - 1] * self.batch)

    def cut(self, length):
        self.context.truncate_cache(length)

    def logits(self):
        return self.context.output("logits")[:, -1]

    def facts(self):
        return {"isa": self.context.model.isa}
