#!/usr/bin/env python3
"""Writes the decoder of random_moe_decoder.py as GGUF, for llama.cpp: the same integers, as Q4_0.

    benchmarks/suite/decoder_gguf.py decoder.gguf decoder.onnx

The architecture is "llama" with experts, which computes just what the ONNX file does: Qwen3-MoE's own norms of queries
and keys, which "qwen3moe" demands, are not in there. So the logits of both can be compared. That architecture turns
neighbouring elements of a head where ONNX turns halves: the rows of queries and keys change places accordingly. A scale
is of f16 in Q4_0. There is no tokenizer.
"""
import argparse

import numpy as np
import onnx
from onnx import numpy_helper

BLOCK = 32


def q4_0(packed, scales):
    """Blocks of Q4_0, [..., columns / 32 * 18]: of nibbles [..., columns / 2], the lower one first, whose zero is 8."""
    blocks = packed.reshape(*packed.shape[:-1], -1, BLOCK // 2)
    values = np.stack([blocks & 15, blocks >> 4], -1).reshape(*blocks.shape[:-1], BLOCK)
    halves = values[..., : BLOCK // 2] | (values[..., BLOCK // 2 :] << 4)  # a byte has elements 16 apart
    scale = scales.astype(np.float16)[..., None].view(np.uint8)
    return np.concatenate([scale, halves], -1).reshape(*packed.shape[:-1], -1)


def neighbours(array, heads):
    """Rows of queries or keys: those that lay half a head apart come to lie side by side."""
    return array.reshape(heads, 2, -1, array.shape[-1]).swapaxes(1, 2).reshape(array.shape)


class Decoder:
    """The weights of an ONNX file by name."""

    def __init__(self, path):
        graph = onnx.load(path).graph
        self.tensors = {value.name: value for value in graph.initializer}
        self.nodes = {node.name: {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute} for node in graph.node}
        self.layers = sum(node.op_type == "QMoE" for node in graph.node)

    def array(self, name):
        return numpy_helper.to_array(self.tensors[name])

    def matrix(self, name):
        """Nibbles [rows, columns / 2] and scales [rows, columns / 32] of a product."""
        packed = self.array(name + ".weight")
        packed = packed.reshape(len(packed), -1)
        return packed, self.array(name + ".scales").reshape(len(packed), -1)


def write(path, model):
    import gguf
    decoder = Decoder(model)
    attention, experts = decoder.nodes["/layers/0/attn"], decoder.nodes["/layers/0/experts"]
    heads, groups = attention["num_heads"], attention["kv_num_heads"]
    vocabulary, hidden = decoder.tensors["embed.weight"].dims
    count, _, inner = decoder.tensors["/layers/0.fc2.weight"].dims
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_vocab_size(vocabulary)
    writer.add_context_length(decoder.tensors["cos_cache"].dims[0])
    writer.add_embedding_length(hidden)
    writer.add_block_count(decoder.layers)
    writer.add_feed_forward_length(2 * inner)  # two nibbles a byte
    writer.add_rope_dimension_count(hidden // heads)
    writer.add_head_count(heads)
    writer.add_head_count_kv(groups)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_expert_count(count)
    writer.add_expert_used_count(experts["k"])
    writer.add_tokenizer_model("none")
    quantised = lambda name, *weights: writer.add_tensor(name, q4_0(*weights), raw_dtype=gguf.GGMLQuantizationType.Q4_0)
    floats = lambda name, array: writer.add_tensor(name, np.ascontiguousarray(array, np.float32))
    floats("token_embd.weight", decoder.array("embed.weight"))
    floats("output_norm.weight", decoder.array("/norm.weight"))
    quantised("output.weight", *decoder.matrix("/lm_head"))
    for layer in range(decoder.layers):
        ours, theirs = f"/layers/{layer}", f"blk.{layer}"
        floats(f"{theirs}.attn_norm.weight", decoder.array(ours + "/norm.weight"))
        floats(f"{theirs}.ffn_norm.weight", decoder.array(ours + "/norm_1.weight"))
        floats(f"{theirs}.ffn_gate_inp.weight", decoder.array(ours + ".router.weight").T)
        for part, of in (("q", heads), ("k", groups)):
            quantised(f"{theirs}.attn_{part}.weight", *(neighbours(array, of) for array in decoder.matrix(f"{ours}/{part}_proj")))
        quantised(f"{theirs}.attn_v.weight", *decoder.matrix(ours + "/v_proj"))
        quantised(f"{theirs}.attn_output.weight", *decoder.matrix(ours + "/o_proj"))
        first = [decoder.array(ours + ".fc1" + kind) for kind in (".weight", ".scales")]
        for part, at in (("gate", 0), ("up", 1)):  # rows in turn
            quantised(f"{theirs}.ffn_{part}_exps.weight", *(array[:, at::2] for array in first))
        quantised(f"{theirs}.ffn_down_exps.weight", *(decoder.array(ours + ".fc2" + kind) for kind in (".weight", ".scales")))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", help="the GGUF file to write")
    parser.add_argument("model", help="the ONNX file")
    options = parser.parse_args()
    write(options.output, options.model)


if __name__ == "__main__":
    main()
