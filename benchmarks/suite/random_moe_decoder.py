#!/usr/bin/env python3
"""Writes a decoder of experts in the shape of Qwen3-MoE with random weights of 4 bits as ONNX, for times alone.

    benchmarks/suite/random_moe_decoder.py decoder.onnx --layers 8

GroupQueryAttention, MatMulNBits and QMoE of com.microsoft in blocks of 32, with accuracy_level 4, which is ONNX
Runtime's quickest (activations of 8 bits). Inputs input_ids and attention_mask, and past_key_values.<i>.key and .value;
outputs logits, and present.<i>.key and .value.
"""
import argparse
import dataclasses
import pathlib
import sys

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "utils"))
from onnx_graph import Graph  # noqa: E402 (the path comes first)

MS, BLOCK = "com.microsoft", 32


@dataclasses.dataclass
class Shape:
    layers: int = 8
    hidden: int = 1024
    heads: int = 16
    groups: int = 4
    experts: int = 64
    inner: int = 512
    chosen: int = 8
    vocabulary: int = 32000
    positions: int = 4096
    accuracy: int = 4

    @property
    def size(self):
        return self.hidden // self.heads

    def active_bytes(self):
        """Of weights of 4 bits with a scale of f32 a block, that one token reads, with the head's."""
        wide = self.groups * self.size
        layer = self.hidden * (2 * self.hidden + 2 * wide) + self.chosen * 3 * self.hidden * self.inner
        return int((self.layers * layer + self.hidden * self.vocabulary) * (0.5 + 4 / BLOCK))


class Builder:
    def __init__(self, shape, seed=0):
        self.shape, self.rng, self.graph = shape, np.random.default_rng(seed), Graph(None, 17)

    def quantised(self, name, *shape):
        """Names of bytes [..., columns / 2] and of scales [..., columns / 32]; the numbers have a deviation of about
        1 / sqrt(columns)."""
        columns = shape[-1]
        q = self.rng.integers(0, 256, (*shape[:-1], columns // 2), np.uint8)
        scale = np.full((*shape[:-1], columns // BLOCK), 0.217 / np.sqrt(columns), np.float32)
        return (self.graph.constant(name + ".weight", q, np.uint8), self.graph.constant(name + ".scales", scale))

    def product(self, name, x, rows, columns):
        weight, scales = self.quantised(name, columns, rows)
        array = self.graph.constants[weight]
        array.dims[:] = [columns, rows // BLOCK, BLOCK // 2]
        self.graph.constants[scales].dims[:] = [columns * rows // BLOCK]
        return self.graph.add("MatMulNBits", name, [x, weight, scales], domain=MS, K=rows, N=columns, bits=4,
                              block_size=BLOCK, accuracy_level=self.shape.accuracy)

    def norm(self, name, x):
        ones = self.graph.constant(name + ".weight", np.ones(self.shape.hidden))
        return self.graph.add("SimplifiedLayerNormalization", name, [x, ones], axis=-1, epsilon=1e-6)

    def attention(self, at, layer, x, lengths, total, tables):
        g, shape = self.graph, self.shape
        wide = shape.groups * shape.size
        q, k, v = (self.product(f"{at}/{part}", x, shape.hidden, columns)
                   for part, columns in (("q_proj", shape.hidden), ("k_proj", wide), ("v_proj", wide)))
        past = [f"past_key_values.{layer}.key", f"past_key_values.{layer}.value"]
        outputs = g.add_all("GroupQueryAttention", at + "/attn", [q, k, v, *past, lengths, total, *tables], 3, domain=MS,
                            num_heads=shape.heads, kv_num_heads=shape.groups, do_rotary=1)
        for kind, output in zip(("key", "value"), outputs[1:]):
            g.rename(output, f"present.{layer}.{kind}")
        return self.product(at + "/o_proj", outputs[0], shape.hidden, shape.hidden)

    def experts(self, at, x):
        g, shape = self.graph, self.shape
        rows = g.add("Reshape", at + "/Rows", [x, g.ints(-1, shape.hidden)])
        router = self.rng.standard_normal((shape.hidden, shape.experts)) / np.sqrt(shape.hidden)
        logits = g.add("MatMul", at + "/router", [rows, g.constant(at + ".router.weight", router)])
        fc1, fc1_scales = self.quantised(at + ".fc1", shape.experts, 2 * shape.inner, shape.hidden)
        fc2, fc2_scales = self.quantised(at + ".fc2", shape.experts, shape.hidden, shape.inner)
        y = g.add("QMoE", at + "/experts", [rows, logits, fc1, fc1_scales, "", fc2, fc2_scales], domain=MS,
                  k=shape.chosen, expert_weight_bits=4, block_size=BLOCK, activation_type="swiglu", swiglu_fusion=1,
                  activation_alpha=1.0, activation_beta=0.0, normalize_routing_weights=1,
                  accuracy_level=shape.accuracy)
        return g.add("Reshape", at + "/Back", [y, g.add("Shape", at + "/Shape", [x])])

    def model(self):
        g, shape = self.graph, self.shape
        table = self.rng.standard_normal((shape.vocabulary, shape.hidden))
        x = g.add("Gather", "/embed", [g.constant("embed.weight", table), "input_ids"])
        sums = g.reduce("ReduceSum", "/mask/ReduceSum", "attention_mask", 1, keepdims=0)
        one = g.constant("one", 1, np.int64)
        lengths = g.add("Cast", "/mask/Lengths", [g.add("Sub", "/mask/Sub", [sums, one])], to=T.INT32)
        keys = g.add("Gather", "/mask/Keys", [g.add("Shape", "/mask/Shape", ["attention_mask"]), one])
        total = g.add("Cast", "/mask/Total", [keys], to=T.INT32)
        half = shape.size // 2
        turns = np.outer(np.arange(shape.positions), 1e6 ** (-np.arange(half) / half))
        tables = [g.constant("cos_cache", np.cos(turns)), g.constant("sin_cache", np.sin(turns))]
        for layer in range(shape.layers):
            at = f"/layers/{layer}"
            inner = self.norm(at + "/norm", x)
            x = g.add("Add", at + "/Add", [x, self.attention(at, layer, inner, lengths, total, tables)])
            x = g.add("Add", at + "/Add_1", [x, self.experts(at, self.norm(at + "/norm_1", x))])
        g.rename(self.product("/lm_head", self.norm("/norm", x), shape.hidden, shape.vocabulary), "logits")
        inputs = [("input_ids", T.INT64, ["batch", "new"]), ("attention_mask", T.INT64, ["batch", "total"])]
        outputs = [("logits", T.FLOAT, ["batch", "new", shape.vocabulary])]
        for layer in range(shape.layers):
            for kind in ("key", "value"):
                cache = lambda length: ["batch", shape.groups, length, shape.size]
                inputs.append((f"past_key_values.{layer}.{kind}", T.FLOAT, cache("past")))
                outputs.append((f"present.{layer}.{kind}", T.FLOAT, cache("total")))
        model = g.model("decoder", inputs, outputs, ir_version=10)
        model.opset_import.append(helper.make_opsetid(MS, 1))
        return model


def write(path, shape, seed=0):
    onnx.save(Builder(shape, seed).model(), path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", help="the ONNX file to write")
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    write(options.output, Shape(layers=options.layers), options.seed)


if __name__ == "__main__":
    main()
