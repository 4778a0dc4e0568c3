"""Tamis models from Python, by ctypes on the runtime's C interface (runtime/include/tamis/runtime.h).

    model = Model("model.tamis", library="libtamis_runtime.so")
    context = Context(model, threads=2)
    outputs = context.run({"input_ids": ids, "attention_mask": mask})

Serves the scripts of this repository. Errors of the runtime are raised as RuntimeError with its message.
"""
import ctypes
import pathlib

import numpy as np

MAX_DIMENSIONS = 8
# TamisType, the numbers of the ONNX element types.
TYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_,
         10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64}
NUMBERS = {np.dtype(dtype): number for number, dtype in TYPES.items()}


class _Error(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("message", ctypes.c_char * 504)]

    def __init__(self):
        super().__init__(ctypes.sizeof(_Error))


class _Value(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int32), ("rank", ctypes.c_int32), ("dims", ctypes.c_int64 * MAX_DIMENSIONS),
                ("data", ctypes.c_void_p)]


class _Dimension(ctypes.Structure):
    _fields_ = [("extent", ctypes.c_int64), ("symbol", ctypes.c_char_p), ("min", ctypes.c_int64),
                ("max", ctypes.c_int64)]


class _Signature(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("type", ctypes.c_int32), ("rank", ctypes.c_int32),
                ("dims", _Dimension * MAX_DIMENSIONS)]


class _ContextOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("threads", ctypes.c_int32), ("pool", ctypes.c_void_p),
                ("allocator", ctypes.c_void_p), ("max_arena_bytes", ctypes.c_size_t), ("profile", ctypes.c_int32),
                ("logger", ctypes.c_void_p), ("logger_user", ctypes.c_void_p)]


class _Report(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("tokens_in", ctypes.c_int64), ("tokens_computed", ctypes.c_int64),
                ("arena_bytes", ctypes.c_int64), ("arena_peak_bytes", ctypes.c_int64),
                ("system_allocations", ctypes.c_int64), ("threads", ctypes.c_int32), ("cache_bytes", ctypes.c_int64),
                ("expert_hits", ctypes.c_int64), ("expert_stalls", ctypes.c_int64), ("expert_stall_bytes", ctypes.c_int64),
                ("expert_stall_ns", ctypes.c_int64), ("resident_bytes", ctypes.c_int64), ("cache_rows", ctypes.c_int64),
                ("cache_rows_read", ctypes.c_int64)]


class _RunOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("deadline_ns", ctypes.c_int64), ("use_cache", ctypes.c_int32),
                ("wanted_rows", ctypes.c_void_p)]


class _DecoderInfo(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("caches", ctypes.c_int32), ("vocabulary", ctypes.c_int64),
                ("max_length", ctypes.c_int64), ("has_mask", ctypes.c_int32)]


class Model:
    """An artifact, mapped into memory."""

    def __init__(self, path, library):
        self.runtime = ctypes.CDLL(str(library))
        self.runtime.tamis_model_isa.restype = ctypes.c_char_p
        self.handle = ctypes.c_void_p()
        self.check(self.runtime.tamis_model_load, str(path).encode(), None, ctypes.byref(self.handle))
        self.inputs = self._names("input")
        self.outputs = self._names("output")
        self.isa = self.runtime.tamis_model_isa(self.handle).decode()

    def check(self, function, *arguments):
        error = _Error()
        if function(*arguments, ctypes.byref(error)) != 0:
            raise RuntimeError(error.message.decode(errors="replace"))

    def _names(self, kind):
        names, signature = [], _Signature()
        for index in range(getattr(self.runtime, f"tamis_model_{kind}_count")(self.handle)):
            self.check(getattr(self.runtime, f"tamis_model_{kind}"), self.handle, index, ctypes.byref(signature))
            names.append(signature.name.decode())
        return names

    def __del__(self):
        if getattr(self, "handle", None):
            self.runtime.tamis_model_destroy(self.handle)


class Context:
    """What runs a model; for one thread at a time."""

    def __init__(self, model, threads):
        self.model = model
        self.handle = ctypes.c_void_p()
        options = _ContextOptions(size=ctypes.sizeof(_ContextOptions), threads=threads)
        model.check(model.runtime.tamis_context_create, model.handle, ctypes.byref(options), ctypes.byref(self.handle))

    def bind(self, inputs):
        """A function that runs the model once on these arrays, with as little of Python in it as can be."""
        arrays = [np.ascontiguousarray(inputs[name]) for name in self.model.inputs]
        values = (_Value * len(arrays))()
        for value, array in zip(values, arrays):
            value.type, value.rank, value.data = NUMBERS[array.dtype], array.ndim, array.ctypes.data
            value.dims[: array.ndim] = array.shape
        error = _Error()
        run, count, where = self.model.runtime.tamis_run, len(arrays), ctypes.byref(error)

        def once():
            if run(self.handle, values, count, None, where) != 0:
                raise RuntimeError(error.message.decode(errors="replace"))

        once.keeps = arrays  # the values point into them
        return once

    def set_step(self, name):
        """Takes a step of the artifact's policy, by its name, for the next runs."""
        runtime, model = self.model.runtime, self.model.handle
        runtime.tamis_model_step_name.restype = ctypes.c_char_p
        names = [runtime.tamis_model_step_name(model, index).decode() for index in range(runtime.tamis_model_step_count(model))]
        self.model.check(runtime.tamis_context_set_step, self.handle, names.index(name))

    def output(self, name):
        """A copy of an output of the last run."""
        value = _Value()
        index = self.model.outputs.index(name)
        self.model.check(self.model.runtime.tamis_context_output, self.handle, index, ctypes.byref(value))
        shape = tuple(value.dims[: value.rank])
        dtype = np.dtype(TYPES[value.type])
        size = int(np.prod(shape)) * dtype.itemsize
        data = ctypes.string_at(value.data, size) if size else b""
        return np.frombuffer(data, dtype).reshape(shape)

    def outputs(self):
        """Copies of the last run's outputs, by name."""
        return {name: self.output(name) for name in self.model.outputs}

    def run(self, inputs):
        self.bind(inputs)()
        return self.outputs()

    def cached_run(self, ids, past, wanted=None):
        """A function that runs token ids [batch, new] without padding once behind `past` tokens of the context's caches.
        `wanted` are the rows, one for each sequence, whose logits alone are computed; None: all."""
        ids = np.ascontiguousarray(ids, np.int64)
        batch, new = ids.shape
        given = {"input_ids": ids, "attention_mask": np.ones((batch, past + new), np.int64),
                 "position_ids": np.tile(np.arange(past, past + new), (batch, 1))}
        values = (_Value * len(self.model.inputs))()
        for value, name in zip(values, self.model.inputs):
            if name in given:
                array = given[name]
                value.type, value.rank, value.data = NUMBERS[array.dtype], 2, array.ctypes.data
                value.dims[:2] = array.shape
        options = _RunOptions(size=ctypes.sizeof(_RunOptions), use_cache=1)
        rows = None if wanted is None else np.ascontiguousarray(wanted, np.int64)
        if rows is not None:
            options.wanted_rows = rows.ctypes.data
        error = _Error()
        run, count, settings, where = self.model.runtime.tamis_run, len(values), ctypes.byref(options), ctypes.byref(error)

        def once():
            if run(self.handle, values, count, settings, where) != 0:
                raise RuntimeError(error.message.decode(errors="replace"))

        once.keeps = given, rows  # the values point into them
        return once

    def cache_length(self):
        """Tokens of each sequence in the context's caches."""
        self.model.runtime.tamis_cache_length.restype = ctypes.c_int64
        return self.model.runtime.tamis_cache_length(self.handle)

    def truncate_cache(self, length):
        self.model.check(self.model.runtime.tamis_cache_truncate, self.handle, ctypes.c_int64(length))

    def logits_with_cache(self, ids):
        """All logits of a run with the context's caches on token ids without padding, a list for each sequence."""
        self.cached_run(ids, self.cache_length())()
        return self.output("logits")

    def report(self):
        report = _Report(size=ctypes.sizeof(_Report))
        self.model.check(self.model.runtime.tamis_context_report, self.handle, ctypes.byref(report))
        return report

    def __del__(self):
        if getattr(self, "handle", None):
            self.model.runtime.tamis_context_destroy(self.handle)


class Generation:
    """Tokens that follow prompts, the likeliest ones. Uses the caches of its context."""

    def __init__(self, context):
        self.context, self.model, self.count = context, context.model, 0
        info = _DecoderInfo(size=ctypes.sizeof(_DecoderInfo))
        self.model.check(self.model.runtime.tamis_model_decoder, self.model.handle, ctypes.byref(info))
        self.vocabulary = info.vocabulary
        self.model.runtime.tamis_generation_logits.restype = ctypes.POINTER(ctypes.c_float)
        self.handle = ctypes.c_void_p()
        self.model.check(self.model.runtime.tamis_generation_create, context.handle, None, ctypes.byref(self.handle))

    def begin(self, prompts):
        self.count = len(prompts)
        arrays = [(ctypes.c_int64 * len(prompt))(*prompt) for prompt in prompts]
        data = (ctypes.POINTER(ctypes.c_int64) * self.count)(*arrays)
        lengths = (ctypes.c_int64 * self.count)(*map(len, prompts))
        self.model.check(self.model.runtime.tamis_generation_begin, self.handle, data, lengths, self.count)

    def step(self):
        """The next token of each sequence; -1 where it has ended."""
        tokens = (ctypes.c_int64 * self.count)()
        self.model.check(self.model.runtime.tamis_generation_step, self.handle, None, tokens)
        return list(tokens)

    def replace(self, tokens):
        """Others in place of those that the last step chose, one for each sequence; -1 leaves it."""
        if len(tokens) != self.count:
            raise ValueError(f"{len(tokens)} tokens for {self.count} sequences")
        self.model.check(self.model.runtime.tamis_generation_replace, self.handle, (ctypes.c_int64 * self.count)(*tokens))

    def logits(self, sequence):
        """A copy of the logits that the last step's token of a sequence was chosen by."""
        data = self.model.runtime.tamis_generation_logits(self.handle, sequence)
        return np.ctypeslib.as_array(data, (self.vocabulary,)).copy()

    def __del__(self):
        if getattr(self, "handle", None):
            self.model.runtime.tamis_generation_destroy(self.handle)


def library_in(build):
    """The runtime's shared library in a build folder."""
    return pathlib.Path(build) / "lib" / "libtamis_runtime.so"
