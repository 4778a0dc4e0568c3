"""ONNX Runtime: the model as it is, and dynamically quantised."""
import logging

import numpy as np

import measure

from .peer import Peer, Run, Variant, newer


class OnnxRuntime(Peer):
    key, title, package, requirements = "onnxruntime", "ONNX Runtime", "onnxruntime", "requirements.txt"
    precisions = ("f32", "int8")

    def prepare(self, model, precision, folder, calibration):
        if precision == "f32":
            return [Variant("", model.path)]
        from onnxruntime.quantization import QuantType, quantize_dynamic
        logging.getLogger().setLevel(logging.ERROR)  # It advises a step that helps convolutions.
        variants = []
        for per_channel in (False, True):
            for reduce_range in (False, True):
                label = ("per channel" if per_channel else "per tensor") + (", 7 bits" if reduce_range else "")
                file = folder / f"{model.key}-ort-{label.replace(', ', '-').replace(' ', '-')}.onnx"
                if not newer(file, model.path):
                    quantize_dynamic(model.path, file, per_channel=per_channel, reduce_range=reduce_range,
                                     weight_type=QuantType.QInt8)
                variants.append(Variant(label, file))
        return variants

    def session(self, variant, threads):
        return measure.onnxruntime_session(variant.file, threads)

    def open(self, model, variant, inputs, threads):
        session = self.session(variant, threads)
        names = [value.name for value in session.get_outputs()]
        arrays = {value.name: np.ascontiguousarray(inputs[value.name]) for value in session.get_inputs()}

        def outputs():
            return dict(zip(names, session.run(names, arrays)))

        return Run(measure.bound_run(session, inputs), outputs)
