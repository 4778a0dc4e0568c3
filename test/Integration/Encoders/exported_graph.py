"""The building blocks of encoders in the spellings of PyTorch's exporters.

`ts` is torch.onnx.export(dynamo=False), `dynamo` its successor. What they write was read off exported models: sizes
as chains of Shape, Gather, Unsqueeze and Concat, or as Shape with start and end; constants as nodes or as
initialisers; masks as transformers 4 and 5 compute them.
"""
import collections
import math
from dataclasses import dataclass

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from onnx_graph import Graph

FLOAT, INT64, INT32, BOOL = TensorProto.FLOAT, TensorProto.INT64, TensorProto.INT32, TensorProto.BOOL
LOWEST = np.finfo(np.float32).min


@dataclass(frozen=True)
class Spelling:
    exporter: str  # ts, dynamo
    attention: str  # eager; sdpa; fill: masked scores are replaced; op, flat: the operator Attention, by heads or rows
    dims: str  # static, dynamic
    opset: int
    mask: str  # subtract: (1 - m) * lowest; invert: 1 - m, filled; indices: gathered by index, true where a key counts
    norm: str  # op, reduce
    gelu: str  # op, erf, half: (x / 2)(1 + erf), tanh, fast
    head: str  # see families.py

    @classmethod
    def parse(cls, text):
        words = text.split()
        return cls(*words[:3], int(words[3]), *words[4:])

    def __str__(self):
        return (f"{self.exporter}-{self.attention}-{self.dims}-{self.opset}-{self.mask}-{self.norm}-{self.gelu}-"
                f"{self.head}")


class RandomWeights:
    """Weights by name, random from a seed, of the shapes that `declare` is told."""

    def __init__(self, seed):
        self.random, self.arrays = np.random.default_rng(seed), {}

    def declare(self, name, shape, mean=0.0, deviation=1.0):
        if name not in self.arrays:
            self.arrays[name] = self.random.normal(mean, deviation, shape).astype(np.float32)
        return name

    def __call__(self, name):
        return self.arrays[name]


class ExportedGraph(Graph):
    """A graph in one spelling. A size is a number, or a pair of a value and its axis."""

    def __init__(self, spelling, weights, batch, length):
        super().__init__(weights, spelling.opset)
        self.spelling, self.scope, self.constant_nodes = spelling, "/model", set()
        self.layers = collections.Counter()  # What was written, by kind.
        self.dynamo, self.static = spelling.exporter == "dynamo", spelling.dims == "static"
        self.batch = batch if self.static else ("input_ids", 0)
        self.length = length if self.static else ("attention_mask", 1)

    def constant(self, name, array, dtype=np.float32):
        value = np.array(array, dtype)
        if self.dynamo or isinstance(array, np.ndarray):
            self.constants.setdefault(name, numpy_helper.from_array(value, name))
        elif name not in self.constant_nodes:
            self.constant_nodes.add(name)
            self.nodes.append(helper.make_node("Constant", [], [name], name=name + "_constant",
                                               value=numpy_helper.from_array(value)))
        return name

    def op(self, operator, *inputs, **attributes):
        """A node named for the module it is in."""
        return self.add(operator, f"{self.scope}/{operator}", inputs, **attributes)

    def number(self, value):
        return self.constant(f"float_{value}", value)

    def integer(self, value, dtype=np.int64):
        return self.constant(f"{np.dtype(dtype)}_{value}", value, dtype)

    def up(self, x, *axes):
        """Dimensions of 1 put in: one node for each in TorchScript."""
        if self.dynamo:
            return self.unsqueeze(self.scope + "/Unsqueeze", x, *axes)
        for axis in axes:
            x = self.unsqueeze(self.scope + "/Unsqueeze", x, axis)
        return x

    # Sizes.

    def size(self, size):
        """A size as a scalar."""
        if isinstance(size, int):
            return self.integer(size)
        if self.dynamo:
            return self.op("Squeeze", self.size_list(size))
        x, axis = size
        return self.op("Gather", self.op("Shape", x), self.integer(axis), axis=0)

    def size_list(self, size):
        """A size as a list of one."""
        if isinstance(size, int):
            return self.ints(size)
        if self.dynamo:
            return self.op("Shape", size[0], start=size[1], end=size[1] + 1)
        return self.up(self.size(size), 0)

    def sizes(self, *sizes):
        if all(isinstance(size, int) for size in sizes):
            return self.ints(*sizes)
        return self.op("Concat", *[self.size_list(size) for size in sizes], axis=0)

    def reshape(self, x, *sizes):
        return self.op("Reshape", x, self.sizes(*sizes))

    def expand(self, x, *sizes):
        """`x` repeated to these sizes; it has its own size, or 1, where one is -1."""
        known = self.static or self.dynamo
        target = self.sizes(*[1 if size == -1 and known else size for size in sizes])
        if known:
            return self.op("Expand", x, target)
        # TorchScript asks at run time which sizes are -1.
        target = self.op("Reshape", target, self.ints(-1))
        ones = self.op("ConstantOfShape", self.op("Shape", target), value=helper.make_tensor("value", INT64, [1], [1]))
        kept = self.op("Equal", target, self.op("Mul", ones, self.integer(-1)))
        return self.op("Expand", x, self.op("Where", kept, ones, target))

    def range(self, size):
        """0, 1, ... below a size; a constant where the size is one."""
        if isinstance(size, int):
            return self.constant(f"range_{size}", np.arange(size), np.int64)
        return self.op("Range", self.integer(0), self.size(size), self.integer(1))

    # Layers.

    def linear(self, name, x, columns, outputs):
        """x [..., columns] to [..., outputs]; a Gemm of two-dimensional x is `gemm`."""
        self.declare_linear(name, columns, outputs)
        weight = name.strip("/").replace("/", ".")
        if not self.dynamo:
            return super().linear(name, x)
        matrix = self.constant(weight + ".weight", self.source(weight + ".weight").T)
        product = self.add("MatMul", name + "/MatMul", [x, matrix])
        return self.add("Add", name + "/Add", [product, self.weight(weight + ".bias")])

    def gemm(self, name, x, columns, outputs):
        self.declare_linear(name, columns, outputs)
        weight = name.strip("/").replace("/", ".")
        return self.add("Gemm", name + "/Gemm", [x, self.weight(weight + ".weight"), self.weight(weight + ".bias")],
                        transB=1)

    def declare_linear(self, name, columns, outputs):
        weight = name.strip("/").replace("/", ".")
        self.layers["linear"] += 1
        self.source.declare(weight + ".weight", (outputs, columns), deviation=1 / math.sqrt(columns))
        self.source.declare(weight + ".bias", outputs, deviation=0.1)

    def layer_norm(self, name, x, columns, epsilon):
        self.layers["layer_norm"] += 1
        weight = name.strip("/").replace("/", ".")
        self.source.declare(weight + ".weight", columns, 1.0, 0.1)
        self.source.declare(weight + ".bias", columns, deviation=0.1)
        if self.spelling.norm == "op":
            return super().layer_norm(name, x, epsilon)
        mean = self.reduce("ReduceMean", name + "/ReduceMean", x, -1)
        centred = self.add("Sub", name + "/Sub", [x, mean])
        square = self.add("Pow", name + "/Pow", [centred, self.number(2.0)])
        variance = self.reduce("ReduceMean", name + "/ReduceMean", square, -1)
        deviation = self.add("Sqrt", name + "/Sqrt", [self.add("Add", name + "/Add", [variance, self.number(epsilon)])])
        normal = self.add("Div", name + "/Div", [centred, deviation])
        scaled = self.add("Mul", name + "/Mul", [normal, self.weight(weight + ".weight")])
        return self.add("Add", name + "/Add", [scaled, self.weight(weight + ".bias")])

    def gelu(self, x, tanh=False):
        """GELU; its approximation by tanh where the model has that."""
        self.layers["gelu"] += 1
        kind = self.spelling.gelu
        if kind == "op":
            return self.op("Gelu", x, approximate="tanh" if tanh else "none")
        if not tanh:
            if kind == "erf":
                return super().gelu(self.scope, x)
            gate = self.op("Add", self.op("Erf", self.op("Div", x, self.number(math.sqrt(2)))), self.number(1.0))
            return self.op("Mul", self.op("Mul", x, self.number(0.5)), gate)
        if kind == "fast":
            inner = self.op("Mul", self.op("Mul", x, self.number(0.7978845608)), self.op(
                "Add", self.op("Mul", self.op("Mul", x, self.number(0.044715)), x), self.number(1.0)))
        else:
            cube = self.op("Mul", self.op("Pow", x, self.number(3.0)), self.number(0.044715))
            inner = self.op("Mul", self.op("Add", x, cube), self.number(math.sqrt(2 / math.pi)))
        gate = self.op("Add", self.op("Tanh", inner), self.number(1.0))
        return self.op("Mul", self.op("Mul", x, self.number(0.5)), gate)

    # Masks of keys, from attention_mask [batch, length].

    def mask(self):
        """The mask that attention takes, made once for all layers: to add, or boolean with indices."""
        kind = self.spelling.mask
        if kind == "indices":
            return self.mask_by_indices()
        if kind == "subtract":
            wide = self.op("Cast", self.up("attention_mask", 1, 2), to=FLOAT)
            lowest = -10000.0 if self.opset < 11 else LOWEST
            return self.op("Mul", self.op("Sub", self.number(1.0), wide), self.number(lowest))
        wide = self.expand(self.up("attention_mask", 1, 2), self.batch, 1, self.length, self.length)
        inverted = self.op("Sub", self.number(1.0), self.op("Cast", wide, to=FLOAT))
        return self.op("Where", self.op("Cast", inverted, to=BOOL), self.number(LOWEST), inverted)

    def mask_by_indices(self):
        true = self.op("Cast", "attention_mask", to=BOOL)
        batch = self.up(self.range(self.batch), 1, 2, 3)
        key = self.up(self.range(self.length), 0, 1, 2)
        if self.dynamo:
            shape = self.op("Shape", self.op("Max", batch, key))
            pairs = [self.up(self.op("Expand", index, shape), -1) for index in (batch, key)]
            chosen = self.op("GatherND", true, self.op("Concat", *pairs, axis=-1))
            valid = self.op("GreaterOrEqual", self.up(self.range(self.length), 0, 1, 3), self.integer(0))
            return self.op("And", self.op("And", self.constant("true", True, np.bool_), valid), chosen)
        row = self.op("Gather", self.op("Shape", true), self.ints(1), axis=0)
        place = self.op("Add", key, self.op("Mul", batch, row))
        chosen = self.op("Gather", self.op("Flatten", true, axis=2), place, axis=0)
        chosen = self.op("Reshape", self.op("Reshape", chosen, self.ints(-1)), self.op("Shape", place))
        all_true = self.op("ConstantOfShape", self.constant("no_sizes", [], np.int64),
                           value=helper.make_tensor("value", BOOL, [1], [True]))
        valid = self.op("Cast", self.op("GreaterOrEqual", self.up(self.range(self.length), 0, 1, 3),
                                        self.integer(0)), to=BOOL)
        both = self.op("And", self.op("And", all_true, valid), self.op("Cast", chosen, to=BOOL))
        return self.expand(both, self.batch, -1, self.length, self.length)

    def additive(self, mask, excluded=LOWEST):
        """A mask to add."""
        if self.spelling.mask != "indices":
            return mask
        return self.op("Where", mask, self.number(0.0), self.number(excluded))

    # Attention.

    def split_heads(self, x, heads, size, *perm):
        return self.op("Transpose", self.reshape(x, self.batch, self.length, heads, size), perm=perm)

    def attend(self, q, k, v, mask, heads, size, bias=None, scale_queries=False, apart=False):
        """q, k, v [B, S, h * D] to [B, S, h * D], or with `apart` to [B, S, h, D].

        `bias`, [1 or B, h, S, S], is added to the scores.
        """
        self.layers["attention"] += 1
        if self.spelling.attention == "flat":
            return self.op("Attention", q, k, v, mask, q_num_heads=heads, kv_num_heads=heads)
        if self.spelling.attention in ("sdpa", "op"):
            q, k, v = (self.split_heads(x, heads, size, 0, 2, 1, 3) for x in (q, k, v))
            if bias:
                mask = self.op("Add", self.additive(mask), bias)
            if self.spelling.attention == "op":
                mixed = self.op("Attention", q, k, v, mask, scale=1 / math.sqrt(size), is_causal=0)
            else:
                mixed = self.scaled_dot_product(q, k, v, mask, size, biased=bias)
        else:
            mixed = self.eager(q, k, v, mask, heads, size, bias, scale_queries)
        mixed = self.op("Transpose", mixed, perm=[0, 2, 1, 3])
        return mixed if apart else self.reshape(mixed, self.batch, self.length, heads * size)

    def eager(self, q, k, v, mask, heads, size, bias, scale_queries):
        q, v = (self.split_heads(x, heads, size, 0, 2, 1, 3) for x in (q, v))
        if self.opset < 13 and not self.dynamo:
            k = self.op("Transpose", self.split_heads(k, heads, size, 0, 2, 1, 3), perm=[0, 1, 3, 2])
        else:
            k = self.split_heads(k, heads, size, 0, 2, 3, 1)
        root = self.number(math.sqrt(size))
        if scale_queries:
            q = self.op("Div", q, root)
        scores = self.op("MatMul", q, k)
        if not scale_queries:
            scores = self.op("Mul", scores, self.number(1 / math.sqrt(size))) if self.dynamo else self.op(
                "Div", scores, root)
        if bias:
            scores = self.op("Add", scores, bias)
        if self.spelling.attention == "fill":
            hidden = self.op("Equal", "attention_mask", self.integer(0))
            hidden = self.op("Expand", self.reshape(hidden, self.batch, 1, 1, self.length), self.op("Shape", scores))
            fill = self.number(-math.inf if self.opset < 14 else LOWEST)
            scores = self.op("Where", self.op("Cast", hidden, to=BOOL), fill, scores)
        else:
            scores = self.op("Add", scores, self.additive(mask))
        return self.op("MatMul", self.op("Softmax", scores, axis=3 if self.opset < 13 else -1), v)

    def scaled_dot_product(self, q, k, v, mask, size, biased):
        """torch.nn.functional.scaled_dot_product_attention, in primitive operators."""
        if self.dynamo and not self.static:
            shape = self.op("Shape", k)
            last, rows = (self.op("Slice", shape, self.ints(b), self.ints(e)) for b, e in ((-1, 2**63 - 1), (-2, -1)))
            outer = self.op("Slice", shape, self.ints(-(2**63)), self.ints(-2))
            k = self.op("Reshape", k, self.op("Concat", self.ints(-1), rows, last, axis=0))
            k = self.op("Transpose", k, perm=[0, 2, 1])
            k = self.op("Reshape", k, self.op("Concat", outer, last, rows, axis=0))
        else:
            k = self.op("Transpose", k, perm=[0, 1, 3, 2])
        if self.dynamo or self.static:
            scale = self.number(math.sqrt(1 / math.sqrt(size)))
        else:
            columns = self.op("Slice", self.op("Shape", q), self.ints(-1), self.ints(2**63 - 1))
            root = self.op("Sqrt", self.op("Cast", columns, to=FLOAT))
            scale = self.op("Sqrt", self.op("Div", self.constant("one_list", [1.0]), root))
        scores = self.op("MatMul", self.op("Mul", q, scale), self.op("Mul", k, scale))
        boolean = self.spelling.mask == "indices" and not biased
        if boolean:
            mask = self.additive(mask, LOWEST if self.dynamo else -math.inf)
        weights = self.op("Softmax", self.op("Add", scores, mask), axis=-1)
        if boolean:  # Rows without a key are NaN.
            weights = self.op("Where", self.op("IsNaN", weights), self.number(0.0), weights)
        return self.op("MatMul", weights, v)
