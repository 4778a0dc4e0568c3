"""OpenVINO: the model as it is with arithmetic in f32 or bf16, and quantised by NNCF."""
import logging

import numpy as np

from .peer import Peer, Run, Variant, newer


class OpenVino(Peer):
    key, title, package, requirements = "openvino", "OpenVINO", "openvino", "requirements.txt"
    precisions = ("f32", "bf16", "int8")

    def version(self):
        import openvino
        return openvino.__version__.split("-")[0]

    def prepare(self, model, precision, folder, calibration):
        shapes = (("fixed shapes", True), ("free shapes", False))
        if precision != "int8":
            return [Variant(label, model.path, {"hint": precision, "fixed": fixed}) for label, fixed in shapes]
        static, weights = self.quantise(model, folder, calibration)
        # What is not quantised may be of bf16: the error of int8 is larger by far.
        return [Variant("weights and activations, rest bf16", static, {"hint": "bf16", "fixed": True}),
                Variant("weights and activations, rest f32", static, {"hint": "f32", "fixed": True}),
                Variant("weights, activations at run time, rest bf16", weights,
                        {"hint": "bf16", "fixed": True, "DYNAMIC_QUANTIZATION_GROUP_SIZE": str(2**64 - 1)})]

    def quantise(self, model, folder, calibration):
        static, weights = folder / f"{model.key}-nncf.xml", folder / f"{model.key}-nncf-weights.xml"
        if newer(static, model.path) and newer(weights, model.path):
            return static, weights
        import nncf
        import openvino
        nncf.set_log_level(logging.ERROR)
        core = openvino.Core()
        names = {name for value in core.read_model(model.path).inputs for name in value.names}
        batches = [{name: array for name, array in batch.items() if name in names} for batch in calibration]
        quantised = nncf.quantize(core.read_model(model.path), nncf.Dataset(batches),
                                  model_type=nncf.ModelType.TRANSFORMER, subset_size=len(batches))
        openvino.save_model(quantised, static, compress_to_fp16=False)
        compressed = nncf.compress_weights(core.read_model(model.path), mode=nncf.CompressWeightsMode.INT8_SYM)
        openvino.save_model(compressed, weights, compress_to_fp16=False)
        return static, weights

    def open(self, model, variant, inputs, threads):
        import openvino
        core, settings = openvino.Core(), dict(variant.settings)
        graph = core.read_model(variant.file)
        if settings.pop("fixed"):
            graph.reshape({value.get_any_name(): inputs[value.get_any_name()].shape for value in graph.inputs})
        settings.update(INFERENCE_PRECISION_HINT=settings.pop("hint"), PERFORMANCE_HINT="LATENCY", NUM_STREAMS=1,
                        INFERENCE_NUM_THREADS=threads)
        request = core.compile_model(graph, "CPU", settings).create_infer_request()
        arrays = {value.get_any_name(): np.ascontiguousarray(inputs[value.get_any_name()]) for value in graph.inputs}
        for name, array in arrays.items():
            request.set_tensor(name, openvino.Tensor(array, shared_memory=True))
        names = [value.get_any_name() for value in graph.outputs]

        def call():
            request.infer()

        call.keeps = arrays  # the tensors point into them
        return Run(call, lambda: {name: request.get_tensor(name).data.copy() for name in names})
