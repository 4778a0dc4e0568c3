"""Builds small decoders with caches of keys and values as ONNX, the way that exporters of causal language models do.

Inputs input_ids and position_ids int64 [batch, new], attention_mask int64 [batch, total], past_key_values.<i>.key and
.value float32 [batch, groups, past, size]; outputs logits float32 [batch, new, vocabulary], present.<i>.key and .value.
Weights are random but for their sizes the same each time. Serves test/Integration/Decoding.
"""
import dataclasses
import math

import numpy as np
from onnx import TensorProto as T
from onnx import helper

from onnx_graph import Graph

MS = "com.microsoft"


@dataclasses.dataclass
class Decoder:
    """The forms that exporters differ in. `attention` is "plain" (standard operators), or the operator that does it:
    "GroupQueryAttention", "MultiHeadAttention" (of com.microsoft), "Attention" (of ai.onnx)."""
    layers: int = 2
    hidden: int = 64
    heads: int = 4
    groups: int = 2
    vocabulary: int = 131
    positions: str = "rotary"  # or "table"
    table: int = 512  # rows of a table of positions
    attention: str = "plain"
    mask: bool = True
    seed: int = 0

    @property
    def size(self):
        return self.hidden // self.heads


class Builder:
    def __init__(self, form):
        self.form, self.rng = form, np.random.default_rng(form.seed)
        opset = 23 if form.attention == "Attention" else 17
        self.graph = Graph(None, opset)

    def matrix(self, name, rows, columns):
        return self.graph.constant(name, self.rng.standard_normal((rows, columns)) / math.sqrt(rows))

    def vector(self, name, size):
        return self.graph.constant(name, 1 + 0.2 * self.rng.standard_normal(size))

    def size_of(self, name, x, axis):
        g = self.graph
        return g.add("Gather", name, [g.add("Shape", name + "/Shape", [x]), g.constant(f"axis_{axis}", axis, np.int64)])

    def span(self, name, count):
        g = self.graph
        return g.add("Range", name, [g.constant("zero", 0, np.int64), count, g.constant("unit", 1, np.int64)])

    def norm(self, name, x):
        g = self.graph
        square = g.add("Mul", name + "/Square", [x, x])
        mean = g.reduce("ReduceMean", name + "/Mean", square, -1)
        root = g.add("Sqrt", name + "/Sqrt", [g.add("Add", name + "/Add", [mean, g.constant("epsilon", 1e-5)])])
        scaled = g.add("Div", name + "/Div", [x, root])
        return g.add("Mul", name + "/Mul", [scaled, self.vector(name + ".weight", self.form.hidden)])

    def product(self, name, x, rows, columns):
        return self.graph.add("MatMul", name + "/MatMul", [x, self.matrix(name + ".weight", rows, columns)])

    def angles(self):
        g, half = self.graph, self.form.size // 2
        rates = g.constant("inv_freq", (1e4 ** (-np.arange(half) / half)).reshape(1, 1, half))
        at = g.unsqueeze("/rotary/Unsqueeze", g.add("Cast", "/rotary/Cast", ["position_ids"], to=T.FLOAT), 2)
        turns = g.add("Mul", "/rotary/Mul", [at, rates])
        both = g.add("Concat", "/rotary/Concat", [turns, turns], axis=-1)
        return [g.unsqueeze(f"/rotary/{f}/Unsqueeze", g.add(f, f"/rotary/{f}", [both]), 1) for f in ("Cos", "Sin")]

    def turn(self, name, x, cos, sin):
        g, half = self.graph, self.form.size // 2
        cut = lambda part, begin, end: g.add("Slice", f"{name}/{part}", [x, g.ints(begin), g.ints(end), g.ints(3)])
        back = g.add("Neg", name + "/Neg", [cut("High", half, 2 * half)])
        turned = g.add("Concat", name + "/Concat", [back, cut("Low", 0, half)], axis=-1)
        along = g.add("Mul", name + "/Mul", [x, cos])
        return g.add("Add", name + "/Add", [along, g.add("Mul", name + "/Mul_1", [turned, sin])])

    def bias(self):
        """[batch, 1, new, total]: the lowest float where a query must not see a key."""
        g = self.graph
        new = self.size_of("/mask/New", "input_ids", 1)
        past = self.size_of("/mask/Past", "past_key_values.0.key", 2)
        total = g.add("Add", "/mask/Total", [past, new])
        row = g.add("Add", "/mask/Row", [self.span("/mask/Rows", new), past])
        seen = g.add("LessOrEqual", "/mask/Causal", [self.span("/mask/Keys", total), g.unsqueeze("/mask/Column", row, 1)])
        seen = g.unsqueeze("/mask/Four", seen, 0, 1)
        if self.form.mask:
            kept = g.add("Cast", "/mask/Cast", ["attention_mask"], to=T.BOOL)
            seen = g.add("And", "/mask/And", [seen, g.unsqueeze("/mask/Kept", kept, 1, 2)])
        lowest = g.constant("lowest", np.finfo(np.float32).min)
        return g.add("Where", "/mask/Where", [seen, g.constant("none", 0.0), lowest])

    def heads(self, name, x, count):
        g = self.graph
        split = g.add("Reshape", name + "/Reshape", [x, g.ints(0, 0, count, self.form.size)])
        return g.add("Transpose", name + "/Transpose", [split], perm=[0, 2, 1, 3])

    def plain(self, at, layer, q, k, v):
        g, form = self.graph, self.form
        q, k, v = self.heads(at + "/q", q, form.heads), self.heads(at + "/k", k, form.groups), self.heads(at + "/v", v, form.groups)
        if form.positions == "rotary":
            q, k = self.turn(at + "/q/turn", q, *self.rotary), self.turn(at + "/k/turn", k, *self.rotary)
        for kind, rows in (("key", k), ("value", v)):
            all_rows = g.add("Concat", f"{at}/{kind}/Concat", [f"past_key_values.{layer}.{kind}", rows], axis=2)
            g.rename(all_rows, f"present.{layer}.{kind}")
        k, v = f"present.{layer}.key", f"present.{layer}.value"
        if form.attention == "Attention":
            y = g.add("Attention", at + "/Attention", [q, k, v, self.mask_bias], scale=form.size**-0.5)
        else:
            k, v = self.repeated(at + "/k", k), self.repeated(at + "/v", v)
            across = g.add("Transpose", at + "/k/Across", [k], perm=[0, 1, 3, 2])
            scores = g.add("Mul", at + "/Scale", [g.add("MatMul", at + "/Scores", [q, across]), g.constant("scale", form.size**-0.5)])
            weights = g.add("Softmax", at + "/Softmax", [g.add("Add", at + "/Mask", [scores, self.mask_bias])], axis=-1)
            y = g.add("MatMul", at + "/Mix", [weights, v])
        merged = g.add("Transpose", at + "/Merge", [y], perm=[0, 2, 1, 3])
        return g.add("Reshape", at + "/Flat", [merged, g.ints(0, 0, form.hidden)])

    def repeated(self, name, x):
        g, form = self.graph, self.form
        if form.groups == form.heads:
            return x
        each = form.heads // form.groups
        shape = g.add("Shape", name + "/Shape", [x])
        part = lambda begin, end: g.add("Slice", f"{name}/Slice_{begin}", [shape, g.ints(begin), g.ints(end), g.ints(0)])
        wide = g.add("Concat", name + "/Wide", [part(0, 2), g.ints(each), part(2, 4)], axis=0)
        flat = g.add("Concat", name + "/Sizes", [part(0, 1), g.ints(form.heads), part(2, 4)], axis=0)
        spread = g.add("Expand", name + "/Expand", [g.unsqueeze(name + "/Each", x, 2), wide])
        return g.add("Reshape", name + "/Repeated", [spread, flat])

    def fused(self, at, layer, q, k, v):
        """One operator of com.microsoft, which appends to the cache itself."""
        g, form = self.graph, self.form
        past = [f"past_key_values.{layer}.key", f"past_key_values.{layer}.value"]
        if form.attention == "GroupQueryAttention":
            inputs = [q, k, v, *past, self.lengths, self.total, *self.tables]
            attributes = {"num_heads": form.heads, "kv_num_heads": form.groups, "do_rotary": 1}
        else:
            inputs = [q, k, v, "", "", self.mask_bias, *past]
            attributes = {"num_heads": form.heads, "scale": form.size**-0.5}
        outputs = g.add_all(form.attention, at + "/Attention", inputs, 3, domain=MS, **attributes)
        for kind, output in zip(("key", "value"), outputs[1:]):
            g.rename(output, f"present.{layer}.{kind}")
        return outputs[0]

    def model(self):
        g, form = self.graph, self.form
        x = g.add("Gather", "/embed", [self.matrix("embed.weight", form.vocabulary, form.hidden), "input_ids"])
        has_positions = form.attention != "GroupQueryAttention"
        if form.positions == "table":
            x = g.add("Add", "/embed/Add", [x, g.add("Gather", "/positions", [self.matrix("positions.weight", form.table, form.hidden), "position_ids"])])
        elif has_positions:
            self.rotary = self.angles()
        if form.attention == "GroupQueryAttention":
            sums = g.reduce("ReduceSum", "/mask/ReduceSum", "attention_mask", 1, keepdims=0)
            self.lengths = g.add("Cast", "/mask/Lengths", [g.add("Sub", "/mask/Sub", [sums, g.constant("unit", 1, np.int64)])], to=T.INT32)
            self.total = g.add("Cast", "/mask/Total", [self.size_of("/mask/Keys", "attention_mask", 1)], to=T.INT32)
            turns = np.outer(np.arange(form.table), 1e4 ** (-np.arange(form.size // 2) / (form.size // 2)))
            self.tables = [g.constant("cos_cache", np.cos(turns)), g.constant("sin_cache", np.sin(turns))]
        else:
            self.mask_bias = self.bias()
        for layer in range(form.layers):
            at = f"/layers/{layer}"
            inner = self.norm(at + "/norm", x)
            wide = form.groups * form.size
            q, k, v = (self.product(f"{at}/{part}", inner, form.hidden, columns)
                       for part, columns in (("q_proj", form.hidden), ("k_proj", wide), ("v_proj", wide)))
            mixed = (self.fused if form.attention in ("GroupQueryAttention", "MultiHeadAttention") else self.plain)(at + "/attn", layer, q, k, v)
            x = g.add("Add", at + "/Add", [x, self.product(at + "/o_proj", mixed, form.hidden, form.hidden)])
            inner = self.norm(at + "/norm_1", x)
            gate, up = (self.product(f"{at}/{part}", inner, form.hidden, 2 * form.hidden) for part in ("gate", "up"))
            gate = g.add("Mul", at + "/Silu", [gate, g.add("Sigmoid", at + "/Sigmoid", [gate])])
            inner = g.add("Mul", at + "/Gated", [gate, up])
            x = g.add("Add", at + "/Add_1", [x, self.product(at + "/down", inner, 2 * form.hidden, form.hidden)])
        logits = self.product("/lm_head", self.norm("/norm", x), form.hidden, form.vocabulary)
        g.rename(logits, "logits")
        return self.finish(has_positions)

    def finish(self, has_positions):
        form = self.form
        inputs = [("input_ids", T.INT64, ["batch", "new"])]
        inputs += [("attention_mask", T.INT64, ["batch", "total"])] * form.mask
        inputs += [("position_ids", T.INT64, ["batch", "new"])] * has_positions
        outputs = [("logits", T.FLOAT, ["batch", "new", form.vocabulary])]
        for layer in range(form.layers):
            for kind in ("key", "value"):
                inputs.append((f"past_key_values.{layer}.{kind}", T.FLOAT, ["batch", form.groups, "past", form.size]))
                outputs.append((f"present.{layer}.{kind}", T.FLOAT, ["batch", form.groups, "total", form.size]))
        model = self.graph.model("decoder", inputs, outputs, ir_version=10)
        model.opset_import.append(helper.make_opsetid(MS, 1))
        return model


def build(form):
    """The ONNX model of a Decoder."""
    return Builder(form).model()
