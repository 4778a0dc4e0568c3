"""BERT, tiny, with random weights, and what other families share with it.

`variants` are spellings; see exported_graph.py for the words. The last word is the head:

    base      last_hidden_state, and pooler_output where the family has a pooler
    cls       logits of the sequence
    tok       logits of each token
    qa        start_logits and end_logits
    mlm       logits over the vocabulary, by the table of words
    electra   one logit for each token
    sent      the mean over the tokens at length 1, as sentence-transformers does
"""
import numpy as np
from onnx import helper

from exported_graph import FLOAT, INT32, INT64, ExportedGraph, RandomWeights

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
                value = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
                self.model.graph.input.append(value)

    def output(self, name, value, *shape):
        """An output; 0 and 1 in its shape are the batch and the length."""
        tokens = [self.graph.batch, self.graph.length] if self.graph.static else ["rows", "tokens"]
        shape = [tokens[size] if size < 2 else size for size in shape]
        self.outputs.append((self.graph.rename(value, name), FLOAT, shape))

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
            mixed = graph.attend(q, k, v, mask, self.heads, self.hidden // self.heads, bias, self.scale_queries(),
                                 self.heads_apart())
            mixed = self.join_heads(f"{at}/attention/output/dense", mixed)
            graph.scope = f"{at}/attention/output"
            rows = graph.op("Add", mixed, x)
            x = graph.layer_norm(f"{at}/attention/output/LayerNorm", rows, self.hidden, self.epsilon)
            graph.scope = f"{at}/intermediate"
            inner = graph.gelu(graph.linear(f"{at}/intermediate/dense", x, self.hidden, self.inner), self.tanh)
            graph.scope = f"{at}/output"
            rows = graph.op("Add", graph.linear(f"{at}/output/dense", inner, self.inner, self.hidden), x)
            x = graph.layer_norm(f"{at}/output/LayerNorm", rows, self.hidden, self.epsilon)
        graph.scope = "/head"
        return x

    def position_bias(self):
        return None

    def heads_apart(self):
        """Whether join_heads takes [B, S, h, D], not [B, S, h * D]."""
        return False

    def join_heads(self, name, x):
        """The projection of what the heads made."""
        return self.graph.linear(name, x, self.hidden, self.hidden)

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
        column = graph.up("attention_mask", -1 if graph.dynamo else 2)
        weights = graph.expand(column, graph.batch, graph.length, self.hidden)
        weights = graph.op("Cast", weights, to=FLOAT)
        total = graph.reduce("ReduceSum", "/pool/ReduceSum", graph.op("Mul", x, weights), 1, keepdims=0)
        count = graph.reduce("ReduceSum", "/pool/ReduceSum", weights, 1, keepdims=0)
        mean = graph.op("Div", total, graph.at_least("/pool/Clip", count, "least_count", 1e-9))
        norm = graph.reduce("ReduceL2", "/pool/ReduceL2", mean, 1)
        norm = graph.at_least("/pool/Clip", norm, "least_norm", 1e-12)
        norm = graph.expand(norm, graph.batch if graph.dynamo or graph.static else (mean, 0), self.hidden)
        self.output("sentence_embedding", graph.op("Div", mean, norm), 0, self.hidden)
