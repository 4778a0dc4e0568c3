//===- Passes.td - Passes on tokens ----------------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_TOKEN_TRANSFORMS_PASSES
#define TAMIS_DIALECT_TOKEN_TRANSFORMS_PASSES

include "mlir/Pass/PassBase.td"

def TokenRemovePadding : Pass<"token-remove-padding", "::mlir::ModuleOp"> {
  let summary = "Computes with the rows of real tokens only";
  let description = [{
    When every attention excludes keys by the same mask, a row of padding reaches no other row: rows of a sequence
    meet in attention and in the mean over tokens only, and both leave padding out. Ids are packed to rows before the
    embedding, everything behind works on the R real rows, attention and pooling take offsets, and outputs [B, S,
    ...] come back with zeros at padded places.

    Where padding is kept and the model excludes keys by finite numbers, a row of padding without keys is weighed by
    them, as in the model: other ops may mix such rows with those of tokens.

    Padding is kept, with a remark, where the proof fails: an op that mixes the tokens of a sequence otherwise (among
    them an nn.quantized_linear without a given range), an attention without a proven mask, a mask that is not an
    argument. The module attribute `tamis.remarks` says what was done or which node stood in the way;
    `tamis.mask_input` names the mask when padding was removed.
  }];
  let options = [Option<"keepPadding", "keep-padding", "bool", "false", "Do nothing but say so">];
  let statistics = [
    Statistic<"rowwiseOps", "rowwise", "Ops that work on real rows">,
    Statistic<"packedInputs", "packed", "Values packed">,
    Statistic<"unpackedOutputs", "unpacked", "Values unpacked">
  ];
  let dependentDialects = ["::tamis::token::TokenDialect", "::tamis::nn::NNDialect",
                           "::tamis::onnx::ONNXDialect"];
}

def TokenMerge : Pass<"token-merge", "::mlir::ModuleOp"> {
  let summary = "Merges tokens that are alike, as a policy says";
  let description = [{
    The elements of `merge` of a policy name layers, by the number of their attention. Behind each attention, at the first place at
    which the hidden states are the one tensor of rows that goes on (in front of the layer's MLP), token.match compares rows by
    the attention's keys, token.select takes those that stay, and token.merge puts the others into them. What lives on
    beside the hidden states, places and what is packed from inputs, is that of the row that stayed. From there on attentions add
    the logarithm of the rows' sizes to their scores (`key_bias`), and means weigh rows by their sizes, unless the policy's `pool` is
    `kept`.

    How many rows stay is a setting of the run, as in token-prune, in front of which this pass runs. With `dropped` set to
    `merged`, outputs with a row for each token have, for each, the row that it was merged into.

    Refused with an error: a model whose padding is kept; a layer that there is not, or behind which more than the hidden
    states goes on; an attention behind it that is causal or has a window; an op that reads a place that is not protected; an
    output with a row for each token, unless the policy says what it may hold.
  }];
  let options = [Option<"policy", "policy", "std::string", "\"\"", "A file of the schema tamis.policy.v1; empty: do nothing">];
  let statistics = [Statistic<"points", "points", "Layers in which tokens are merged">];
  let dependentDialects = ["::tamis::onnx::ONNXDialect", "::tamis::token::TokenDialect"];
}

def TokenPrune : Pass<"token-prune", "::mlir::ModuleOp"> {
  let summary = "Leaves out the tokens that matter least, as a policy says";
  let description = [{
    A policy (schema tamis.policy.v1, its part `tokens`) names layers, by the number of their attention, and a rule to score
    tokens by. In front of each the hidden states are cut down to the rows that token.select keeps, with all that lives on
    beside them: places, positions, what is packed from inputs. The place is the last one in front of the attention's
    own layers at which the hidden states are the one tensor of rows that goes on, so that a row that is left out costs
    nothing behind it. Rows keep their places, and with them their positions.

    Tokens of the ids that the policy protects stay, wherever they stand: token.protect looks at the ids that the model's
    greatest table of embeddings is read by.

    How many rows are kept is no constant: token.select reads settings of the run, whose values the policy's steps
    give. At a share of 1 nothing is left out. The module attribute `tamis.policy` has the settings, the steps and the
    one that is chosen, for the artifact.

    Refused with an error: a model whose padding is kept; a layer that there is not, or in front of which more than the
    hidden states goes on; weights of another width; an op that reads a place that is not protected; an output with a row
    for each token, unless the policy says that it may hold zeros, or how token-restore puts back what is gone.
  }];
  let options = [Option<"policy", "policy", "std::string", "\"\"", "A file of the schema tamis.policy.v1; empty: do nothing">];
  let statistics = [Statistic<"points", "points", "Layers in front of which tokens are left out">];
  let dependentDialects = ["::tamis::onnx::ONNXDialect", "::tamis::token::TokenDialect"];
}

def TokenRestore : Pass<"token-restore", "::mlir::ModuleOp"> {
  let summary = "Puts rows back that token-prune has left out, where outputs need a row for each token";
  let description = [{
    Runs behind token-prune, with the same policy, and does nothing unless its `dropped` is `restore`. The policy has for each
    layer in front of which tokens are left out a map, fitted in a calibration, from the hidden states there to those
    behind the last layer. The rows that are dropped are gathered and mapped in front of their layer, so that their states need
    not be kept. Behind the last layer, where the hidden states are the one tensor of rows, token.restore puts them
    back, those that were dropped last first. Ops from there to the outputs work on all rows again.

    What reads single rows or means (token.first, nn.mean_pool) goes on with the kept rows, unless the policy's `pool` is
    `mapped`: then means run over all. At a share of 1 nothing is mapped, and the result is that without a policy.

    Refused with an error: maps of other sizes than those of the hidden states; a model in which something else beside the hidden
    states goes on behind the last layer; one without an output that the restored rows would be in.
  }];
  let options = [Option<"policy", "policy", "std::string", "\"\"", "The file that token-prune had; empty: do nothing">];
  let statistics = [Statistic<"restored", "restored", "Values that have a row for each token again">];
  let dependentDialects = ["::tamis::nn::NNDialect", "::tamis::token::TokenDialect", "::tamis::weight::WeightDialect"];
}

def TokenEvict : Pass<"token-evict", "::mlir::ModuleOp"> {
  let summary = "Reads a part of the caches of a decoder, as a policy says";
  let description = [{
    The part `cache` of a policy (schema tamis.policy.v1) has a rule by which each new token reads some rows of the keys and values
    that the context keeps: token.cache_window, token.cache_pages or token.cache_snap between nn.kv_append and nn.attention. Nothing
    is taken out of a cache, so that another step of the policy, `dense` among them, reads all of it again between any two
    runs. A run of several tokens a sequence, such as a prompt, reads all rows.

    How much is read is a setting of the run, as in token-prune; `tamis.policy` has it for the artifact. An attention with
    a window of its own, and the first ones where the policy says so, go on reading all rows.

    Refused with an error: a model without caches, or one that cannot be stepped; an attention that reads a copy of
    its cache, as it does of f16 and bf16 or with attention sinks; a policy with a part `tokens` beside this one.
  }];
  let options = [Option<"policy", "policy", "std::string", "\"\"", "A file of the schema tamis.policy.v1; empty: do nothing">];
  let statistics = [Statistic<"attentions", "attentions", "Attentions that read a part of their caches">];
  let dependentDialects = ["::tamis::token::TokenDialect"];
}

def TokenObserveStates : Pass<"token-observe-states", "::mlir::ModuleOp"> {
  let summary = "Shows the host the hidden states in front of each layer, and behind the last";
  let description = [{
    token.observe where token-prune would leave tokens out: what the rules of a policy are fitted on (tamis calibrate).
    Layers count from 0; behind the last one stands their number. A layer in front of which more than the hidden states
    goes on is not shown. Nothing of the results changes.
  }];
  let statistics = [Statistic<"observed", "observed", "Places whose hidden states are shown">];
  let dependentDialects = ["::tamis::token::TokenDialect"];
}

def TokenLastLogits : Pass<"token-last-logits", "::mlir::ModuleOp"> {
  let summary = "Logits of the rows that are wanted";
  let description = [{
    The logits of a decoder (`tamis.decoder`) are followed back through ops that make each row from one row: a norm, the
    last linear layer, a cap of the logits. In front of them nn.wanted_rows leaves the rows that the caller of the run
    wants, one of each sequence for the next token or all. `wanted_rows` of `tamis.decoder` then says so.

    What is also read by something else is computed in full, and so is a layer whose activations are quantised by the
    range of all rows (nn.quantized_linear without a given range), which would round differently.
  }];
  let statistics = [Statistic<"sliced", "sliced", "Logits that are computed for wanted rows only">];
  let dependentDialects = ["::tamis::nn::NNDialect"];
}

#endif
