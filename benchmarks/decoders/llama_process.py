"""llama.cpp's C interface, in a process of its own: see llama_cpp.py."""
import ctypes
import os

import numpy as np


def serve(pipe, settings, file, vocabulary, batch, length, threads):
    """Answers requests (name of a method, arguments...) until there is None. The first answer says that all is loaded."""
    os.environ["OMP_WAIT_POLICY"] = settings["wait"]  # read when its library is loaded
    try:
        sequences = LlamaSequences(settings["relay"], file, vocabulary, batch, length, threads)
        pipe.send((None, None))
        while request := pipe.recv():
            pipe.send((None, getattr(sequences, request[0])(*request[1:])))
    except EOFError:
        pass
    except Exception as error:
        pipe.send((str(error), None))


class LlamaSequences:
    def __init__(self, relay, file, vocabulary, batch, length, threads):
        import llama_cpp as api
        self.api, self.vocabulary, self.batch = api, vocabulary, batch
        self.silent = api.llama_log_callback(lambda level, text, user: None)  # its log is long
        api.llama_log_set(self.silent, ctypes.c_void_p(0))
        api.llama_backend_init()
        options = api.llama_model_default_params()
        options.use_extra_bufts, options.n_gpu_layers = relay, 0
        model = api.llama_model_load_from_file(str(file).encode(), options)
        if not model:
            raise RuntimeError(f"llama.cpp does not load {file.name}")
        options = api.llama_context_default_params()
        tokens = batch * length
        options.n_ctx, options.n_batch, options.n_ubatch, options.n_seq_max = tokens, tokens, min(tokens, 512), batch
        options.n_threads = options.n_threads_batch = threads
        options.no_perf = True
        self.context = api.llama_init_from_model(model, options)
        if not self.context:
            raise RuntimeError("llama.cpp makes no context")
        self.memory = api.llama_get_memory(self.context)
        self.prepared, self.rows = [], []

    def prepare(self, ids, past):
        """Returns the number that `run` takes."""
        new = ids.shape[1]
        batch, rows = self.api.llama_batch_init(ids.size, 0, 1), []
        batch.n_tokens = ids.size
        for at, (sequence, place) in enumerate(np.ndindex(*ids.shape)):
            batch.token[at], batch.pos[at] = int(ids[sequence, place]), past + place
            batch.n_seq_id[at], batch.seq_id[at][0] = 1, sequence
            batch.logits[at] = place == new - 1
            if place == new - 1:
                rows.append(at)
        self.prepared.append((batch, rows))
        return len(self.prepared) - 1

    def run(self, number):
        batch, self.rows = self.prepared[number]
        status = self.api.llama_decode(self.context, batch)
        self.api.llama_synchronize(self.context)
        if status != 0:
            raise RuntimeError(f"llama_decode: {status}")

    def cut(self, length):
        for sequence in range(self.batch):
            self.api.llama_memory_seq_rm(self.memory, sequence, length, -1)

    def logits(self):
        of = lambda row: np.ctypeslib.as_array(self.api.llama_get_logits_ith(self.context, row), (self.vocabulary,))
        return np.stack([of(row).copy() for row in self.rows])
