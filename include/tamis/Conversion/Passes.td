//===- Passes.td - Conversions between dialects ----------------------------------*- tablegen -*-===//
#ifndef TAMIS_CONVERSION_PASSES
#define TAMIS_CONVERSION_PASSES

include "mlir/Pass/PassBase.td"

def ConvertONNXToNN : Pass<"convert-onnx-to-nn", "::mlir::ModuleOp"> {
  let summary = "Raises layers that exporters spell with many ops to single nn ops";
  let description = [{
    Attention, layer and RMS normalisation, GELU and SiLU, linear layers (of floats, and of activations
    and weights of 8 bits, with ranges of the run or of the model), embeddings and the mean over real tokens,
    found by data flow, whatever the names, the exporter or the order of operands. What almost matches stays in the
    onnx dialect and runs as it stands; `print-raising` says at which node and why.

    Mixtures of experts become moe ops: onnx.MoE; the sum of all experts, each times a factor that is 0 unless the token
    chose it; products with weights gathered for each pair of a token and an expert. An expert that no token chose is
    then not computed.

    An attention mask that is proven to exclude a key where an argument's element is 0 becomes that argument, the
    op's `key_mask`. When the proof holds for elements of 0 and 1 only, the argument gets the attribute
    `tamis.binary_mask`. Sizes that shape arithmetic makes constant become static.

    ```mlir
    %s = onnx.MatMul %q, %k ...
    %b = onnx.Add %s, %mask ...        =>   nn.attention %q, %k, %v key_mask %attention_mask {heads = 12 ...}
    %p = onnx.Softmax %b ...
    %y = onnx.MatMul %p, %v ...
    ```
  }];
  let options = [Option<"printRaising", "print-raising", "bool", "false",
                        "Say at nodes that look like a layer why they are none">];
  let statistics = [
    Statistic<"attentionOps", "attention", "Attention layers raised">,
    Statistic<"linearOps", "linear", "Linear layers raised">,
    Statistic<"normOps", "norm", "Normalisations raised">,
    Statistic<"activationOps", "activation", "Activations raised from their spellings">,
    Statistic<"embeddingOps", "embedding", "Embedding lookups raised">,
    Statistic<"poolOps", "pool", "Means over tokens raised">,
    Statistic<"expertOps", "experts", "Mixtures of experts raised">
  ];
  let dependentDialects = ["::tamis::moe::MoEDialect", "::tamis::nn::NNDialect", "::tamis::onnx::ONNXDialect",
                           "::tamis::weight::WeightDialect"];
}

def ConvertONNXToLinalg : Pass<"convert-onnx-to-linalg", "::mlir::ModuleOp"> {
  let summary = "Lower onnx ops to linalg, tensor, scf and arith";
  let description = [{
    Every onnx op becomes code on tensors of dynamic sizes and static ranks; unsigned integers become signless, in
    signatures too. Arithmetic on small integer tensors (shapes) becomes arithmetic on scalars. Whatever sizes and
    indices the data brings is checked by rt.check before it is used.

    Sizes that broadcast against each other and may differ at run time are compared there: the operand that must be
    repeated is copied to the full size then, and used as it is otherwise.

    The arguments of public functions are marked as not writable, and results that are slices are copied.
  }];
  let dependentDialects = [
    "::mlir::arith::ArithDialect", "::mlir::bufferization::BufferizationDialect", "::mlir::func::FuncDialect",
    "::mlir::linalg::LinalgDialect", "::mlir::math::MathDialect", "::mlir::scf::SCFDialect",
    "::mlir::tensor::TensorDialect", "::tamis::rt::RTDialect"
  ];
  let statistics = [
    Statistic<"lowered", "lowered", "onnx ops lowered">,
    Statistic<"checks", "checks", "Checks of sizes and indices that remain for run time">,
    Statistic<"broadcasts", "broadcasts", "Operands whose broadcasting is decided at run time">
  ];
}

#endif
