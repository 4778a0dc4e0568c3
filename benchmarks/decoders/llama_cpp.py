"""llama.cpp as a decoder: the same weights as Q4_0, by the C interface that llama-cpp-python brings."""
import ctypes

import numpy as np

from peers import Peer, Variant, newer

from .sequences import Sequences


class LlamaCpp(Peer):
    key, title, package, requirements = "llama.cpp", "llama.cpp", "llama_cpp", "requirements-llama.txt"

    def version(self):
        import llama_cpp
        return f"of llama-cpp-python {llama_cpp.__version__}"

    def prepare_decoder(self, model, folder):
        from suite import decoder_gguf
        file = model.with_suffix(".gguf")
        if not newer(file, model):
            scratch = file.with_suffix(".part")
            decoder_gguf.write(scratch, model)
            scratch.rename(file)
        return [Variant("weights laid out anew for the CPU", file, {"relay": True}),
                Variant("weights as stored", file, {"relay": False})]

    def open_decoder(self, variant, shape, batch, length, threads):
        import llama_cpp as api
        silence(api)
        api.llama_backend_init()
        options = api.llama_model_default_params()
        options.use_extra_bufts, options.n_gpu_layers = variant.settings["relay"], 0
        model = api.llama_model_load_from_file(str(variant.file).encode(), options)
        if not model:
            raise RuntimeError(f"llama.cpp does not load {variant.file.name}")
        return LlamaSequences(api, model, shape, batch, length, threads)


def silence(api):
    """Keeps its log, which is long, off the screen."""
    if not hasattr(silence, "callback"):
        silence.callback = api.llama_log_callback(lambda level, text, user: None)
    api.llama_log_set(silence.callback, ctypes.c_void_p(0))


class LlamaSequences(Sequences):
    def __init__(self, api, model, shape, batch, length, threads):
        self.api, self.model, self.shape, self.batch = api, model, shape, batch
        options = api.llama_context_default_params()
        tokens = batch * length
        options.n_ctx, options.n_batch, options.n_ubatch, options.n_seq_max = tokens, tokens, min(tokens, 512), batch
        options.n_threads = options.n_threads_batch = threads
        options.no_perf = True
        self.context = api.llama_init_from_model(model, options)
        if not self.context:
            raise RuntimeError("llama.cpp makes no context")
        self.memory = api.llama_get_memory(self.context)
        self.rows, self.batches = [], []

    def prepare(self, ids, past):
        new = ids.shape[1]
        batch = self.api.llama_batch_init(ids.size, 0, 1)
        self.batches.append(batch)
        batch.n_tokens, rows = ids.size, []
        for at, (sequence, place) in enumerate(np.ndindex(*ids.shape)):
            batch.token[at], batch.pos[at] = int(ids[sequence, place]), past + place
            batch.n_seq_id[at], batch.seq_id[at][0] = 1, sequence
            batch.logits[at] = place == new - 1
            if place == new - 1:
                rows.append(at)

        def once():
            status = self.api.llama_decode(self.context, batch)
            self.api.llama_synchronize(self.context)
            if status != 0:
                raise RuntimeError(f"llama_decode: {status}")
            self.rows = rows

        return once

    def cut(self, length):
        for sequence in range(self.batch):
            self.api.llama_memory_seq_rm(self.memory, sequence, length, -1)

    def logits(self):
        return np.stack([np.ctypeslib.as_array(self.api.llama_get_logits_ith(self.context, row), (self.shape.vocabulary,)).copy()
                         for row in self.rows])

    def __del__(self):
        for batch in getattr(self, "batches", ()):
            self.api.llama_batch_free(batch)
        if getattr(self, "context", None):
            self.api.llama_free(self.context)
        self.api.llama_model_free(self.model)
