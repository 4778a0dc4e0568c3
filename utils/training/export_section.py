#!/usr/bin/env python3
"""Exports the encoder that train_section.py wrote, by the transformers library's exporter.

    export_section.py build/training/section examples/package-section/package-section.onnx

The experts are spelt as `grouped_mm`, the form that the transformers library's own exporter takes: pairs sorted by
expert. --experts batched_mm is its other form, by torch.onnx.export: weights gathered for each pair of a token and its
expert, which ONNX Runtime runs much slower. Weights are stored as float16 and computed in float32.
"""
import argparse
import pathlib

import torch

import onnx_file
from section_model import MixtralForMeanClassification


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    parser.add_argument("--experts", choices=("batched_mm", "grouped_mm"), default="grouped_mm")
    options = parser.parse_args()
    torch.manual_seed(0)
    model = MixtralForMeanClassification.from_pretrained(options.folder).eval()
    model.set_attn_implementation("eager")
    model.model.set_experts_implementation(options.experts)
    onnx_file.round_to_half(model)

    ids = torch.randint(3, model.config.vocab_size, (3, 11))
    mask = torch.ones_like(ids)
    mask[1, 7:] = 0
    ids *= mask
    axes = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length")}
    if options.experts == "batched_mm":
        program = torch.onnx.export(
            model, (ids, mask), dynamo=True, opset_version=20, input_names=["input_ids", "attention_mask"],
            output_names=["logits"], dynamic_shapes={"input_ids": axes, "attention_mask": axes})
        program.save(options.output)
    else:
        import onnx_ir
        from transformers.exporters.exporter_onnx import OnnxConfig, OnnxExporter
        inputs = {"input_ids": ids, "attention_mask": mask}
        program = OnnxExporter().export(model, inputs, config=OnnxConfig(dynamic=True)).program
        onnx_ir.save(program, str(options.output))
    onnx_file.finish(options.output)


if __name__ == "__main__":
    main()
