"""The families of encoders beside BERT (encoder.py), and their spellings in real exports."""
import math

import numpy as np
from onnx import helper

from encoder import POSITIONS, VOCABULARY, Encoder
from exported_graph import FLOAT, INT64, Spelling


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
            rows = graph.op("Expand", zeros, graph.sizes(graph.batch, 1))
            types = graph.op("GatherElements", rows, positions, axis=1)
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
    """One layer's weights for all layers, embeddings narrower than they are, GELU by tanh; Einsum joined heads once."""

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

    def heads_apart(self):
        return self.graph.opset == 12  # The newest when transformers 3 wrote Einsum.

    def join_heads(self, name, x):
        graph = self.graph
        if not self.heads_apart():
            return super().join_heads(name, x)
        graph.declare_linear(name, self.hidden, self.hidden)
        weight, size = name.strip("/").replace("/", "."), self.hidden // self.heads
        by_head = graph.source(weight + ".weight").T.reshape(self.heads, size, self.hidden)
        product = graph.op("Einsum", x, graph.constant(weight + ".by_head", by_head), equation="bfnd,ndh->bfh")
        return graph.op("Add", product, graph.weight(weight + ".bias"))


FAMILIES = {"bert": Encoder, "minilm": MiniLM, "distilbert": DistilBERT, "roberta": RoBERTa, "mpnet": MPNet,
            "electra": ELECTRA, "albert": ALBERT}


def variants(family):
    """The spellings of a family."""
    return [Spelling.parse(line) for line in FAMILIES[family].variants.strip().splitlines()]
