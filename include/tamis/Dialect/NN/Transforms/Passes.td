//===- Passes.td - Passes on layers ----------------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_NN_TRANSFORMS_PASSES
#define TAMIS_DIALECT_NN_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def NNAppendCache : Pass<"nn-append-cache", "::mlir::ModuleOp"> {
  let summary = "Caches of keys and values that new rows are appended to";
  let description = [{
    Where a result of @main is an argument [batch, heads, past, size] with rows behind it, and nothing else reads more
    of the argument than its shape, the concatenation becomes nn.kv_append: a context of the runtime may then keep the
    rows and append to them in place. Attentions read such keys and values where they lie.

    The module's attribute `tamis.decoder` has the pairs of arguments and results, which arguments are token ids, mask
    and positions, and which result is the logits. What is read of an argument tells its role, names only where that
    leaves more than one; `problem` says what is not known.
  }];
  let options = [Option<"maxLength", "max-length", "int64_t", "0",
                        "Tokens of a sequence that the caches may hold; 0: no bound">];
  let statistics = [
    Statistic<"caches", "caches", "Results that became appends">,
    Statistic<"attentions", "attentions", "Attentions that read caches where they lie">
  ];
}

def NNFuseQKV : Pass<"nn-fuse-qkv", "::mlir::ModuleOp"> {
  let summary = "One product for the queries, keys and values of an attention";
  let description = [{
    Linear layers of the same x that only one attention reads become one, whose weight is the concatenation of
    theirs; the attention reads its columns. Layers with and without a bias, or with and without zero points, are not
    mixed, nor are layers of floats and of integers, or of different ranges.
  }];
  let statistics = [Statistic<"fusedLinears", "fused", "Linear layers that went into a fused one">];
  let dependentDialects = ["::tamis::weight::WeightDialect"];
}

def NNFoldEpilogue : Pass<"nn-fold-epilogue", "::mlir::ModuleOp"> {
  let summary = "Activation and residual addition inside the linear layer before them";
  let description = [{
    An activation, and behind it an addition of a tensor of the same shape, that are the only readers of a linear
    layer's result are computed while that result is still in registers.
  }];
  let statistics = [
    Statistic<"foldedActivations", "activations", "Activations folded">,
    Statistic<"foldedResiduals", "residuals", "Residual additions folded">
  ];
}

def NNAssignPrecisions : Pass<"nn-assign-precisions", "::mlir::ModuleOp"> {
  let summary = "Precisions of single layers, by the names of their nodes";
  let description = [{
    REGEX=PRECISION holds for each layer of which REGEX is found in the name of an ONNX node that it was made of: an
    nn.linear or a moe.experts with constant weights, an nn.attention, an nn.embedding. The last that holds becomes its
    attribute `tamis.precision`, which the passes that decide on precisions (nn-pack-weights, moe-pack-weights,
    nn-store-tables, nn-attention-precision) prefer to their option. Nodes that became one layer (nn-fuse-qkv) share
    their precision. An expression that no layer has is an error.
  }];
  let options = [ListOption<"layerPrecisions", "layer-precision", "std::string",
                            "REGEX=PRECISION: the precision of layers by the names of their nodes">];
  let statistics = [Statistic<"layers", "layers", "Layers with a precision of their own">];
}

def NNPackWeights : Pass<"nn-pack-weights", "::mlir::ModuleOp"> {
  let summary = "Weights of linear layers in the layout and precision that the microkernels read";
  let description = [{
    Puts weight.pack_panels behind each weight [K, N] that an nn.linear multiplies by, and the sums of its columns
    beside that of an nn.quantized_linear. The precision is that of the products of nn.linear: `f32`; `split-f32` (weights, and on AMX activations, as sums of two bf16: an error near that of
    f32); `bf16` (both rounded to bf16 where the ISA level multiplies bf16, else only the weights); `int8` (weights
    symmetric with a scale a column, activations rounded to 8 bits with a scale a row at run time); `int4` (the same, but
    weights of 4 bits with a scale for each `int4-group` elements of a column; weights that have 4 bits in the model keep
    them, their blocks, scales and zero points). A layer with an odd K stays at f32 under `split-f32` and `bf16`.

    A layer with a precision of its own (nn-assign-precisions) has that. The module's attribute `tamis.layer_precisions`
    lists the nodes whose layers have another precision than `precision`, for whatever reason. Where the number of columns of
    an operand is not known, an rt.check compares it with K.
  }];
  let options = [
    Option<"precision", "precision", "std::string", "\"f32\"", "f32, split-f32, bf16, int8 or int4">,
    Option<"int4Group", "int4-group", "int64_t", "32", "Elements of a column that share a scale under int4: 32, 64 or 128">
  ];
  let statistics = [Statistic<"packedWeights", "packed", "Weights packed">];
  let dependentDialects = ["::mlir::arith::ArithDialect", "::mlir::tensor::TensorDialect", "::tamis::rt::RTDialect",
                           "::tamis::weight::WeightDialect"];
}

def NNStoreTables : Pass<"nn-store-tables", "::mlir::ModuleOp"> {
  let summary = "Tables of embeddings at the precision of the products";
  let description = [{
    Under `bf16`, `int8` and `int4` a weight of f32 that is a table of nn.embedding, and that nothing else reads as it is, is
    stored rounded to bf16; rows become f32 again as they are read. `f32` and `split-f32` leave tables as they are. An
    nn.embedding may have a precision of its own (nn-assign-precisions); a table is rounded where all that read it say
    so. Runs behind nn-pack-weights, when a linear layer that shares its weight with a table (tied weights) has its own
    packed copy.
  }];
  let options = [Option<"precision", "precision", "std::string", "\"f32\"", "f32, split-f32, bf16, int8 or int4">];
  let statistics = [
    Statistic<"roundedTables", "rounded", "Tables stored as bf16">,
    Statistic<"savedBytes", "saved-bytes", "Bytes that need not be stored for it">
  ];
  let dependentDialects = ["::tamis::weight::WeightDialect"];
}

def NNAttentionPrecision : Pass<"nn-attention-precision", "::mlir::ModuleOp"> {
  let summary = "The precision of the products inside attentions";
  let description = [{
    Sets the precision of each nn.attention: `f32` and `split-f32` are those of the layers round it; under `bf16`,
    `int8` and `int4` it is bf16, since weights of an attention and scores have no scale that is known
    beforehand. An attention may have a precision of its own (nn-assign-precisions).
  }];
  let options = [Option<"precision", "precision", "std::string", "\"f32\"", "f32, split-f32, bf16, int8 or int4">];
  let statistics = [Statistic<"attentions", "attentions", "Attentions whose products are not of f32">];
}

#endif
