"""ONNX Runtime as a decoder: the present keys and values of a run are the past of the next, without a copy by us."""
import numpy as np
import onnx

import measure
from peers import OnnxRuntime, Variant

from .sequences import Sequences


INT8 = 4  # of accuracy_level: activations of 8 bits, its quickest
# Of its session: scales of blocks are applied to sums of several blocks at once.
DEFERRED = (("ep.cpu.qmoe_deferred_scale", "1"),)


def quantised_session(path, threads, accuracy, entries=()):
    """A session whose products with quantised weights have this accuracy_level, whatever the file says."""
    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type in ("MatMulNBits", "QMoE"):
            kept = [attribute for attribute in node.attribute if attribute.name != "accuracy_level"]
            del node.attribute[:]
            node.attribute.extend([*kept, onnx.helper.make_attribute("accuracy_level", accuracy)])
    return measure.onnxruntime_session(model.SerializeToString(), threads, entries)


class OnnxRuntimeDecoder(OnnxRuntime):
    """Also runs layers of experts alone, with the same settings of their products."""

    def __init__(self):
        self.sessions = {}  # kept, since a session takes long to make

    def session(self, variant, threads):
        settings = variant.settings
        if "accuracy" not in settings:
            return super().session(variant, threads)
        key = variant.file, settings["accuracy"], settings["entries"], threads
        if key not in self.sessions:
            self.sessions[key] = quantised_session(variant.file, threads, settings["accuracy"], settings["entries"])
        return self.sessions[key]

    def prepare_layer(self, layer):
        if layer.form not in ("int8", "int4"):
            return [Variant("", layer.path)]
        settings = (("accuracy_level 4", INT8, ()), ("accuracy_level 4, deferred scales", INT8, DEFERRED), ("accuracy_level 0", 0, ()))
        return [Variant(label, layer.path, {"accuracy": accuracy, "entries": entries}) for label, accuracy, entries in settings]

    def prepare_decoder(self, model, folder):
        settings = (("one buffer of past and present", True, ()), ("one buffer of past and present, deferred scales", True, DEFERRED),
                    ("present bound as past", False, ()))
        return [Variant(label, model, {"shared": shared, "accuracy": INT8, "entries": entries}) for label, shared, entries in settings]

    def open_decoder(self, variant, shape, batch, length, threads):
        kind = SharedBuffers if variant.settings["shared"] else FedBack
        return kind(self.session(variant, threads), shape, batch, length)


def caches(session):
    """Pairs of names: what the file calls the past, and the present that continues it."""
    past = [value.name for value in session.get_inputs() if value.name.startswith("past_key_values.")]
    return [(name, name.replace("past_key_values.", "present.")) for name in past]


class OrtSequences(Sequences):
    def __init__(self, session, shape, batch, length):
        import onnxruntime
        self.session, self.shape, self.batch = session, shape, batch
        self.make = onnxruntime.OrtValue.ortvalue_from_numpy
        self.results, self.last = {}, None

    def room(self, length):
        """A cache of so many tokens of each sequence."""
        return self.make(np.zeros((self.batch, self.shape.groups, length, self.shape.size), np.float32))

    def binding(self, ids, past):
        """The inputs but for the past, and the logits."""
        binding = self.session.io_binding()
        new = ids.shape[1]
        mask = np.ones((self.batch, past + new), np.int64)
        if new not in self.results:
            self.results[new] = self.make(np.zeros((self.batch, new, self.shape.vocabulary), np.float32))
        logits = self.results[new]
        binding.bind_ortvalue_input("input_ids", self.make(np.ascontiguousarray(ids, np.int64)))
        binding.bind_ortvalue_input("attention_mask", self.make(mask))
        binding.bind_ortvalue_output("logits", logits)
        return binding, logits

    def logits(self):
        return self.last.numpy()[:, -1].copy()


class SharedBuffers(OrtSequences):
    """GroupQueryAttention writes into the past where the present is bound to the same memory."""

    def __init__(self, session, shape, batch, length):
        super().__init__(session, shape, batch, length)
        self.buffers = {names: self.room(length) for names in caches(session)}

    def prepare(self, ids, past):
        binding, logits = self.binding(ids, past)
        for (old, new), buffer in self.buffers.items():
            binding.bind_ortvalue_input(old, buffer)
            binding.bind_ortvalue_output(new, buffer)

        def once():
            self.session.run_with_iobinding(binding)
            self.last = logits

        return once

    def cut(self, length):
        pass  # The mask alone says how much of a buffer counts.


class FedBack(OrtSequences):
    """The outputs of a run are the inputs of the next."""

    def __init__(self, session, shape, batch, length):
        super().__init__(session, shape, batch, length)
        self.names = caches(session)
        self.kept = {0: [self.room(0) for _ in self.names]}  # by length, what a cut goes back to
        self.past = self.kept[0]

    def prepare(self, ids, past):
        binding, logits = self.binding(ids, past)
        keep = ids.shape[1] > 1

        def once():
            for (old, new), value in zip(self.names, self.past):
                binding.bind_ortvalue_input(old, value)
                binding.bind_output(new, "cpu")
            self.session.run_with_iobinding(binding)
            self.past = binding.get_outputs()[1:]
            self.last = logits
            if keep:
                self.kept[past + ids.shape[1]] = self.past

        return once

    def cut(self, length):
        self.past = self.kept[length]
