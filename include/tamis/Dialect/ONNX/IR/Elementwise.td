//===- Elementwise.td - Elementwise operators ----------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_ONNX_IR_ELEMENTWISE
#define TAMIS_DIALECT_ONNX_IR_ELEMENTWISE

include "tamis/Dialect/ONNX/IR/ONNXBase.td"

class ONNX_UnaryOp<string mnemonic> : ONNX_Op<mnemonic, [Elementwise, SameOperandsAndResultShape]> {
  let arguments = (ins ONNX_Tensor:$x);
  let results = (outs ONNX_Tensor:$y);
  let summary = mnemonic # " of each element";
}

// x and y are broadcast to one shape as numpy does.
class ONNX_BinaryOp<string mnemonic, list<Trait> traits = []> : ONNX_Op<mnemonic, traits> {
  let arguments = (ins ONNX_Tensor:$a, ONNX_Tensor:$b);
  let results = (outs ONNX_Tensor:$c);
  let summary = mnemonic # " of two tensors, broadcast as numpy does";
}
class ONNX_CompareOp<string mnemonic> : ONNX_BinaryOp<mnemonic> {
  let results = (outs ONNX_BoolTensor:$c);
}

foreach op = ["Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Cos", "Cosh", "Erf", "Exp",
              "Floor", "IsNaN", "Log", "Neg", "Not", "Reciprocal", "Relu", "Round", "Sigmoid", "Sign", "Sin",
              "Sinh", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh", "Mish", "HardSwish"] in
  def ONNX_#op#Op : ONNX_UnaryOp<op>;

foreach op = ["Add", "Mul", "Max", "Min", "And", "Or", "Xor"] in
  def ONNX_#op#Op : ONNX_BinaryOp<op, [Commutative]>;
foreach op = ["Sub", "Div", "Pow", "PRelu"] in
  def ONNX_#op#Op : ONNX_BinaryOp<op>;
foreach op = ["Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual"] in
  def ONNX_#op#Op : ONNX_CompareOp<op>;

def ONNX_ModOp : ONNX_BinaryOp<"Mod"> {
  let arguments = (ins ONNX_Tensor:$a, ONNX_Tensor:$b, DefaultValuedAttr<BoolAttr, "false">:$fmod);
  let description = "The result has the sign of b, or with fmod that of a.";
}

def ONNX_GeluOp : ONNX_UnaryOp<"Gelu"> {
  let arguments = (ins ONNX_Tensor:$x, DefaultValuedAttr<BoolAttr, "false">:$tanh);
  let description = [{
    x * 0.5 * (1 + erf(x / sqrt 2)), or with `tanh` the approximation
    x * 0.5 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))). Other spellings are raised to this op.
  }];
}
def ONNX_EluOp : ONNX_UnaryOp<"Elu"> { let arguments = (ins ONNX_Tensor:$x, F32Attr:$alpha); }
def ONNX_LeakyReluOp : ONNX_UnaryOp<"LeakyRelu"> { let arguments = (ins ONNX_Tensor:$x, F32Attr:$alpha); }
def ONNX_HardSigmoidOp : ONNX_UnaryOp<"HardSigmoid"> {
  let arguments = (ins ONNX_Tensor:$x, F32Attr:$alpha, F32Attr:$beta);
}
def ONNX_SwishOp : ONNX_UnaryOp<"Swish"> {
  let arguments = (ins ONNX_Tensor:$x, F32Attr:$alpha);
  let description = "x * sigmoid(alpha * x)";
}
def ONNX_IsInfOp : ONNX_UnaryOp<"IsInf"> {
  let arguments = (ins ONNX_Tensor:$x, DefaultValuedAttr<BoolAttr, "true">:$detect_negative,
                   DefaultValuedAttr<BoolAttr, "true">:$detect_positive);
}

def ONNX_CastOp : ONNX_Op<"Cast", [SameOperandsAndResultShape]> {
  let summary = "Converts the element type";
  let description = "Float to integer truncates; to bool is x != 0. The result type carries the target.";
  let arguments = (ins ONNX_Tensor:$x);
  let results = (outs ONNX_Tensor:$y);
  let hasFolder = 1;
}

def ONNX_ClipOp : ONNX_SegmentedOp<"Clip"> {
  let summary = "Clamps to [min, max], each a tensor of one element or absent";
  let arguments = (ins ONNX_Tensor:$x, Optional<ONNX_Tensor>:$min, Optional<ONNX_Tensor>:$max);
  let results = (outs ONNX_Tensor:$y);
}

def ONNX_WhereOp : ONNX_Op<"Where"> {
  let summary = "condition ? x : y, all three broadcast";
  let arguments = (ins ONNX_BoolTensor:$condition, ONNX_Tensor:$x, ONNX_Tensor:$y);
  let results = (outs ONNX_Tensor:$z);
}

#endif
