"""Encoders of seven families, tiny, with random weights, in the spellings that real exports have.

`FAMILIES` maps a family's name to its class, whose `variants` are spellings; see exported_graph.py for the words.
The last word is the head:

    base      last_hidden_state, and pooler_output where the family has a pooler
    cls       logits of the sequence
    tok       logits of each token
    qa        start_logits and end_logits
    mlm       logits over the vocabulary, by the table of words
    electra   one logit for each token
    sent      the mean over the tokens at length 1, as sentence-transformers does
"""
import math

import numpy as np
from onnx import TensorProto, helper

from exported_graph import FLOAT, INT32, INT64, ExportedGraph, RandomWeights, Spelling

VOCABULARY, POSITIONS, PADDING_ID = 61, 64, 1


class Encoder:
    """BERT; the other families say what differs."""

    hidden, heads, inner, embedding = 32, 4, 48, None
    epsilon = 1e-12
    has_types, has_pooler, tanh = True, True, False
    variants = """
        ts     eager static   9 subtract reduce erf  base
        ts     eager dynamic 11 subtract reduce half tok
        ts     sdpa  static  16 invert   reduce erf  cls
        ts     sdpa  dynamic 17 indices  op     erf  qa
        dynamo eager static  18 invert   op     erf  qa
        dynamo eager dynamic 20 indices  op     op   base
        dynamo sdpa  static  22 indices  reduce op   cls
        dynamo sdpa  dynamic 21 invert   op     op   mlm
        dynamo op    dynamic 23 indices  op     op   base
        dynamo flat  static  24 invert   op     op   tok
    """

    def __init__(self, spelling, batch, length, seed, layers):
        self.spelling, self.layers, self.outputs = spelling, layers, []
        self.graph = ExportedGraph(spelling, RandomWeights(seed), batch, length)
        graph = self.graph
        x = self.embed()
        x = self.encode(x)
        getattr(self, spelling.head)(x)
        names = ["input_ids", "attention_mask"] + ["token_type_ids"] * self.has_types
        # dynamo gives each input symbols of its own, unless an operation needs them to be the same.
        apart = graph.dynamo and spelling.attention != "fill"
        self.dims = {name: [batch, length] if graph.static else ["batch", "sequence"] if not graph.dynamo else
                     ["s43" if apart and name == "attention_mask" else "s72", "s53"] for name in names}
        version = helper.find_min_ir_version_for([helper.make_opsetid("", spelling.opset)])
        self.model = graph.model(str(spelling), [(name, INT64, dims) for name, dims in self.dims.items()],
                                 self.outputs, ir_version=version)
        if spelling.opset < 10:  # The first exporters made weights inputs with defaults.
            self.model.ir_version = 3
            for tensor in self.model.graph.initializer:
                self.model.graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims))

    def output(self, name, value, *shape):
        rows = ["rows", "tokens"] if not self.graph.static else [self.graph.batch, self.graph.length]
        self.outputs.append((self.graph.rename(value, name), FLOAT, [rows[size] if size < 2 else size for size in shape]))

    # Embeddings.

    def table(self, name, rows, ids):
        graph = self.graph
        name = f"embeddings.{name}.weight"
        graph.source.declare(name, (rows, self.embedding or self.hidden), deviation=0.5)
        return graph.op("Gather", graph.weight(name), ids, axis=0)

    def position_ids(self):
        graph = self.graph
        ids = graph.constant("position_ids", np.arange(POSITIONS)[None], np.int64)
        if graph.static:
            return graph.constant("position_ids_cut", np.arange(graph.length)[None], np.int64)
        if graph.opset < 10:
            return graph.op("Slice", ids, axes=[1], starts=[0], ends=[graph.length])
        return graph.op("Slice", ids, graph.ints(0), graph.size_list(graph.length), graph.ints(1), graph.ints(1))

    def positions_of_tokens(self):
        """Tokens that are not padding counted from 2 on; padding is at 1."""
        graph = self.graph
        real = graph.op("Cast", graph.op("Not", graph.op("Equal", "input_ids", graph.integer(PADDING_ID))), to=INT32)
        if graph.dynamo:
            count = graph.op("CumSum", graph.op("Cast", real, to=INT64), graph.integer(1))
            count = graph.op("Cast", count, to=INT32)
        else:
            count = graph.op("CumSum", real, graph.integer(1, np.int32))
        count = graph.op("Cast", graph.op("Mul", count, real), to=INT64)
        return graph.op("Add", count, graph.integer(PADDING_ID))

    def embed(self):
        graph = self.graph
        graph.scope = "/embeddings"
        x = self.table("word_embeddings", VOCABULARY, "input_ids")
        x = graph.op("Add", x, self.table("token_type_embeddings", 2, "token_type_ids"))
        x = graph.op("Add", x, self.table("position_embeddings", POSITIONS, self.position_ids()))
        return self.norm_embeddings(x)

    def norm_embeddings(self, x):
        columns = self.embedding or self.hidden
        x = self.graph.layer_norm("/embeddings/LayerNorm", x, columns, self.epsilon)
        if self.embedding:
            x = self.graph.linear("/embeddings_project", x, self.embedding, self.hidden)
        return x

    # Layers.

    def layer_name(self, layer):
        return f"/encoder/layer/{layer}"

    def scale_queries(self):
        return False

    def encode(self, x):
        graph = self.graph
        graph.scope = "/mask"
        mask = graph.mask() if self.spelling.attention != "fill" else None
        if mask and self.spelling.attention == "eager":
            mask = graph.additive(mask)
            graph.additive = lambda value, excluded=None: value  # Done once for all layers.
        bias = self.position_bias()
        for layer in range(self.layers):
            at = self.layer_name(layer)
            graph.scope = f"{at}/attention/self"
            q, k, v = (graph.linear(f"{at}/attention/self/{part}", x, self.hidden, self.hidden)
                       for part in ("query", "key", "value"))
            mixed = graph.attend(q, k, v, mask, self.heads, self.hidden // self.heads, bias, self.scale_queries())
            mixed = graph.linear(f"{at}/attention/output/dense", mixed, self.hidden, self.hidden)
            graph.scope = f"{at}/attention/output"
            x = graph.layer_norm(f"{at}/attention/output/LayerNorm", graph.op("Add", mixed, x), self.hidden, self.epsilon)
            graph.scope = f"{at}/intermediate"
            inner = graph.gelu(graph.linear(f"{at}/intermediate/dense", x, self.hidden, self.inner), self.tanh)
            graph.scope = f"{at}/output"
            rows = graph.op("Add", graph.linear(f"{at}/output/dense", inner, self.inner, self.hidden), x)
            x = graph.layer_norm(f"{at}/output/LayerNorm", rows, self.hidden, self.epsilon)
        graph.scope = "/head"
        return x

    def position_bias(self):
        return None

    # Heads.

    def first(self, x):
        """The row of the first token."""
        return self.graph.op("Gather", x, self.graph.integer(0), axis=1)

    def pooled(self, x):
        return self.graph.op("Tanh", self.graph.gemm("/pooler/dense", self.first(x), self.hidden, self.hidden))

    def base(self, x):
        if self.has_pooler:
            self.output("pooler_output", self.pooled(x), 0, self.hidden)
        self.output("last_hidden_state", x, 0, 1, self.hidden)

    def cls(self, x):
        self.output("logits", self.graph.gemm("/classifier", self.pooled(x), self.hidden, 3), 0, 3)

    def tok(self, x):
        self.output("logits", self.graph.linear("/classifier", x, self.hidden, 5), 0, 1, 5)

    def qa(self, x):
        graph = self.graph
        logits = graph.linear("/qa_outputs", x, self.hidden, 2)
        inputs, attributes = [logits], {"axis": -1}
        if graph.opset < 13:
            attributes["split"] = [1, 1]
        elif graph.opset < 18:
            inputs.append(graph.ints(1, 1))
        else:
            attributes["num_outputs"] = 2
        halves = graph.add_all("Split", "/head/Split", inputs, 2, **attributes)
        for half, name in zip(halves, ("start_logits", "end_logits")):
            self.output(name, graph.squeeze("/head/Squeeze", half, -1), 0, 1)

    def mlm(self, x):
        graph = self.graph
        x = graph.gelu(graph.linear("/transform/dense", x, self.hidden, self.hidden), self.tanh)
        x = graph.layer_norm("/transform/LayerNorm", x, self.hidden, self.epsilon)
        table = graph.op("Transpose", graph.weight("embeddings.word_embeddings.weight"), perm=[1, 0])
        graph.source.declare("decoder.bias", VOCABULARY)
        graph.layers["linear"] += 1
        logits = graph.op("Add", graph.op("MatMul", x, table), graph.weight("decoder.bias"))
        self.output("logits", logits, 0, 1, VOCABULARY)

    def sent(self, x):
        graph = self.graph
        graph.layers["mean_pool"] += 1
        weights = graph.expand(graph.up("attention_mask", -1 if graph.dynamo else 2), graph.batch, graph.length, self.hidden)
        weights = graph.op("Cast", weights, to=FLOAT)
        total = graph.reduce("ReduceSum", "/pool/ReduceSum", graph.op("Mul", x, weights), 1, keepdims=0)
        count = graph.reduce("ReduceSum", "/pool/ReduceSum", weights, 1, keepdims=0)
        mean = graph.op("Div", total, graph.at_least("/pool/Clip", count, "least_count", 1e-9))
        norm = graph.at_least("/pool/Clip", graph.reduce("ReduceL2", "/pool/ReduceL2", mean, 1), "least_norm", 1e-12)
        norm = graph.expand(norm, graph.batch if graph.dynamo or graph.static else (mean, 0), self.hidden)
        self.output("sentence_embedding", graph.op("Div", mean, norm), 0, self.hidden)


class MiniLM(Encoder):
    """BERT with narrow heads, under sentence-transformers."""

    hidden, heads, inner = 48, 12, 96
    variants = """
        ts     eager static  10 subtract reduce erf  sent
        ts     eager dynamic 14 invert   reduce erf  sent
        ts     sdpa  static  15 invert   reduce half sent
        ts     sdpa  dynamic 17 invert   op     erf  sent
        dynamo eager static  19 indices  op     erf  sent
        dynamo eager dynamic 18 invert   reduce erf  sent
        dynamo sdpa  static  20 indices  op     op   sent
        dynamo sdpa  dynamic 20 indices  op     op   sent
        dynamo op    dynamic 24 indices  op     op   sent
    """


class DistilBERT(Encoder):
    """No token types, no pooler; queries are scaled, and before transformers 5 masked scores are replaced."""

    hidden, heads, inner = 32, 2, 80
    has_types, has_pooler = False, False
    variants = """
        ts     fill  static   9 none     reduce erf  cls
        ts     fill  dynamic 12 none     reduce half base
        ts     eager dynamic 17 indices  op     erf  tok
        ts     sdpa  static  14 indices  reduce erf  base
        ts     sdpa  dynamic 18 indices  op     erf  sent
        dynamo fill  static  18 none     op     erf  mlm
        dynamo fill  dynamic 19 none     reduce erf  tok
        dynamo eager dynamic 20 indices  op     op   sent
        dynamo sdpa  static  21 indices  op     op   tok
        dynamo sdpa  dynamic 20 indices  op     op   qa
    """

    def scale_queries(self):
        return self.spelling.attention == "fill"

    def embed(self):
        graph = self.graph
        graph.scope = "/embeddings"
        x = self.table("word_embeddings", VOCABULARY, "input_ids")
        x = graph.op("Add", x, self.table("position_embeddings", POSITIONS, self.position_ids()))
        return self.norm_embeddings(x)

    def cls(self, x):
        x = self.graph.op("Relu", self.graph.gemm("/pre_classifier", self.first(x), self.hidden, self.hidden))
        self.output("logits", self.graph.gemm("/classifier", x, self.hidden, 3), 0, 3)


class RoBERTa(Encoder):
    """Positions counted from the ids; token types that the model fills in itself."""

    hidden, heads, inner, epsilon = 40, 5, 64, 1e-5
    has_types = False
    variants = """
        ts     eager static  11 subtract reduce erf  base
        ts     eager dynamic 13 subtract reduce erf  cls
        ts     sdpa  static  14 invert   reduce erf  tok
        ts     sdpa  dynamic 16 invert   reduce half sent
        dynamo eager static  18 invert   op     erf  mlm
        dynamo eager dynamic 21 indices  op     op   cls
        dynamo sdpa  static  20 indices  op     op   qa
        dynamo sdpa  dynamic 20 indices  op     op   base
        dynamo op    dynamic 23 indices  op     op   tok
    """

    def embed(self):
        graph = self.graph
        graph.scope = "/embeddings"
        positions = self.positions_of_tokens()
        zeros = graph.constant("token_type_zeros", np.zeros((1, POSITIONS)), np.int64)
        if graph.dynamo:
            types = graph.op("GatherElements", graph.op("Expand", zeros, graph.sizes(graph.batch, 1)), positions, axis=1)
        elif graph.static:
            types = graph.constant("token_types", np.zeros((graph.batch, graph.length)), np.int64)
        else:
            types = graph.op("Slice", zeros, graph.ints(0), graph.size_list(graph.length), graph.ints(1), graph.ints(1))
            types = graph.expand(types, graph.batch, graph.length)
        x = self.table("word_embeddings", VOCABULARY, "input_ids")
        x = graph.op("Add", x, self.table("token_type_embeddings", 1, types))
        x = graph.op("Add", x, self.table("position_embeddings", POSITIONS + 2, positions))
        return self.norm_embeddings(x)

    def cls(self, x):
        x = self.graph.op("Tanh", self.graph.gemm("/classifier/dense", self.first(x), self.hidden, self.hidden))
        self.output("logits", self.graph.gemm("/classifier/out_proj", x, self.hidden, 2), 0, 2)


class MPNet(Encoder):
    """Positions counted from the ids; a bias by the distance of query and key, in buckets."""

    hidden, heads, inner, epsilon = 48, 4, 64, 1e-5
    buckets, farthest = 32, 128
    has_types = False
    variants = """
        ts     eager static  12 subtract reduce erf  base
        ts     eager dynamic 13 subtract reduce half cls
        ts     sdpa  static  14 invert   reduce erf  sent
        ts     sdpa  dynamic 17 indices  op     erf  tok
        dynamo eager static  18 invert   reduce erf  qa
        dynamo eager dynamic 20 indices  op     op   sent
        dynamo sdpa  static  21 indices  op     op   base
        dynamo sdpa  dynamic 20 indices  op     op   mlm
        dynamo op    dynamic 23 subtract op     op   sent
    """

    def embed(self):
        graph = self.graph
        graph.scope = "/embeddings"
        positions = self.positions_of_tokens()
        x = self.table("word_embeddings", VOCABULARY, "input_ids")
        x = graph.op("Add", x, self.table("position_embeddings", POSITIONS + 2, positions))
        return self.norm_embeddings(x)

    def position_bias(self):
        graph = self.graph
        graph.scope = "/encoder/position_bias"
        place = graph.range(graph.length)
        distance = graph.op("Neg", graph.op("Sub", graph.up(place, 0), graph.up(place, 1)))
        half = self.buckets // 2
        exact = half // 2
        ahead = graph.op("Cast", graph.op("Less", distance, graph.integer(0)), to=INT64)
        offset = graph.op("Add", graph.op("Mul", ahead, graph.integer(half)), graph.integer(0))
        far = graph.op("Abs", distance)
        growth = graph.op("Log", graph.op("Div", graph.op("Cast", far, to=FLOAT), graph.number(float(exact))))
        growth = graph.op("Div", growth, graph.number(math.log(self.farthest / exact)))
        large = graph.op("Cast", graph.op("Mul", growth, graph.number(float(half - exact))), to=INT64)
        large = graph.op("Add", large, graph.integer(exact))
        shape = graph.op("Shape", large)
        last = graph.op("Expand", graph.integer(half - 1), shape) if graph.dynamo else graph.op(
            "ConstantOfShape", shape, value=helper.make_tensor("value", INT64, [1], [half - 1]))
        bucket = graph.op("Where", graph.op("Less", far, graph.integer(exact)), far, graph.op("Min", large, last))
        name = "encoder.relative_attention_bias.weight"
        graph.source.declare(name, (self.buckets, self.heads))
        values = graph.op("Gather", graph.weight(name), graph.op("Add", offset, bucket), axis=0)
        values = graph.up(graph.op("Transpose", values, perm=[2, 0, 1]), 0)
        return graph.expand(values, graph.batch, -1, graph.length, graph.length)


class ELECTRA(Encoder):
    """Embeddings narrower than the layers; a head that judges each token."""

    hidden, heads, inner, embedding = 32, 4, 48, 24
    has_pooler = False
    variants = """
        ts     eager static  11 subtract reduce erf  base
        ts     eager dynamic 12 subtract reduce erf  electra
        ts     sdpa  static  14 invert   reduce erf  cls
        ts     sdpa  dynamic 17 indices  op     erf  electra
        dynamo eager static  18 invert   op     erf  tok
        dynamo eager dynamic 20 indices  op     op   base
        dynamo sdpa  static  22 indices  op     op   electra
        dynamo sdpa  dynamic 20 indices  op     op   cls
        dynamo op    static  23 invert   op     op   electra
    """

    def cls(self, x):
        graph = self.graph
        x = graph.gelu(graph.gemm("/classifier/dense", self.first(x), self.hidden, self.hidden))
        self.output("logits", graph.gemm("/classifier/out_proj", x, self.hidden, 4), 0, 4)

    def electra(self, x):
        graph = self.graph
        x = graph.gelu(graph.linear("/discriminator/dense", x, self.hidden, self.hidden))
        x = graph.linear("/discriminator/dense_prediction", x, self.hidden, 1)
        self.output("logits", graph.squeeze("/head/Squeeze", x, -1), 0, 1)


class ALBERT(Encoder):
    """One layer's weights for all layers, embeddings narrower than them, GELU by tanh."""

    hidden, heads, inner, embedding = 48, 3, 64, 16
    tanh = True
    variants = """
        ts     eager static  10 subtract reduce tanh base
        ts     eager dynamic 12 subtract reduce fast tok
        ts     sdpa  static  14 invert   reduce tanh cls
        ts     sdpa  dynamic 17 invert   op     tanh qa
        dynamo eager static  18 invert   op     tanh sent
        dynamo eager dynamic 20 indices  op     op   base
        dynamo sdpa  static  21 indices  op     fast tok
        dynamo sdpa  dynamic 20 indices  op     tanh sent
        dynamo op    dynamic 24 indices  op     op   cls
    """

    def layer_name(self, layer):
        return "/encoder/shared"


FAMILIES = {family.__name__.lower(): family
            for family in (Encoder, MiniLM, DistilBERT, RoBERTa, MPNet, ELECTRA, ALBERT)}
FAMILIES["bert"] = FAMILIES.pop("encoder")


def variants(family):
    """The spellings of a family."""
    return [Spelling.parse(line) for line in FAMILIES[family].variants.strip().splitlines()]
