#!/usr/bin/env python3
"""Exports the decoder that train_text.py wrote, with its cache, by torch.onnx.export.

    export_text.py build/training/text examples/package-text/package-text.onnx

Inputs are input_ids [batch, length], attention_mask [batch, total], position_ids [batch, length] and, for each layer,
past_key_values.N.key and .value [batch, heads, past, size]; outputs are logits [batch, length, words] and present.N.key
and .value [batch, heads, past + length, size]. Experts and weights are as in export_section.py.
"""
import argparse
import pathlib

import onnx
import torch
from transformers import DynamicCache, MixtralForCausalLM

import onnx_file


class WithCache(torch.nn.Module):
    """The model with its cache as a list of tensors: the keys and the values of each layer."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, position_ids, past):
        cache = DynamicCache()
        for layer in range(len(past) // 2):
            cache.update(past[2 * layer], past[2 * layer + 1], layer)
        out = self.model(input_ids=input_ids, attention_mask=attention_mask, position_ids=position_ids, cache=cache,
                         use_cache=True)
        return (out.logits, *[tensor for layer in out.cache.layers for tensor in (layer.keys, layer.values)])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("output", type=pathlib.Path)
    options = parser.parse_args()
    torch.manual_seed(0)
    model = MixtralForCausalLM.from_pretrained(options.folder).eval()
    model.set_attn_implementation("eager")
    model.set_experts_implementation("batched_mm")
    onnx_file.round_to_half(model)

    config = model.config
    layers, heads = config.num_hidden_layers, config.num_key_value_heads
    size = config.hidden_size // config.num_attention_heads
    batch, length, past = 2, 3, 5
    inputs = (torch.randint(3, config.vocab_size, (batch, length)), torch.ones(batch, past + length, dtype=torch.long),
              torch.arange(past, past + length).repeat(batch, 1),
              [torch.randn(batch, heads, past, size) for _ in range(2 * layers)])
    tensors = [f"{layer}.{kind}" for layer in range(layers) for kind in ("key", "value")]
    rows, columns, before = (torch.export.Dim(name) for name in ("batch", "length", "past"))
    total = torch.export.Dim.DYNAMIC
    shapes = ({0: rows, 1: columns}, {0: rows, 1: total}, {0: rows, 1: columns}, [{0: rows, 2: before}] * (2 * layers))
    program = torch.onnx.export(
        WithCache(model).eval(), inputs, dynamo=True, opset_version=20, dynamic_shapes=shapes,
        input_names=["input_ids", "attention_mask", "position_ids"] + ["past_key_values." + name for name in tensors],
        output_names=["logits"] + ["present." + name for name in tensors])
    program.save(options.output)
    # The exporter gives the length of the mask a number for a name.
    exported = onnx.load(options.output)
    mask = next(value for value in exported.graph.input if value.name == "attention_mask")
    onnx_file.rename_dimension(exported, mask.type.tensor_type.shape.dim[1].dim_param, "total")
    onnx.save(exported, options.output)
    onnx_file.finish(options.output)


if __name__ == "__main__":
    main()
