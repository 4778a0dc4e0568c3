//===- Linear.cpp - kernel.linear at the precision of its weight ---------------------------------------===//
#include "LinearProduct.h"

using namespace mlir;
using namespace tamis;

std::optional<OperandKind> tamis::operandKindOf(MemRefType weight) {
  Type element = weight.getElementType();
  if (element.isF32() && weight.getRank() == 3)
    return OperandKind::F32;
  if (element.isBF16() && weight.getRank() == 5)
    return OperandKind::SplitF32;
  if (weight.getRank() != 4)
    return std::nullopt;
  if (element.isInteger(8) && weight.getDimSize(2) == panelColumns)
    return OperandKind::Int8;
  if (element.isBF16() && weight.getDimSize(2) == panelColumns)
    return OperandKind::BF16;
  return std::nullopt;
}
static StringRef nameOf(OperandKind kind) {
  switch (kind) {
  case OperandKind::F32:
    return "linear_";
  case OperandKind::BF16:
    return "linear_bf16_";
  case OperandKind::SplitF32:
    return "linear_split_";
  case OperandKind::Int8:
    return "linear_int8_";
  }
  return "";
}

LogicalResult KernelExpander::expand(kernel::LinearOp op) {
  Emitter e = emitterAt(op);
  Value x = op.getX(), w = op.getW();
  std::optional<OperandKind> kind = operandKindOf(cast<MemRefType>(w.getType()));
  if (!kind || cast<MemRefType>(x.getType()).getRank() < 1)
    return op.emitOpError("needs a packed weight, [ceil(N / 16), K, 16] of f32 or [ceil(N / 16), words, 16, "
                          "elements a word] of bf16 or i8");
  if ((*kind == OperandKind::Int8) != bool(op.getScale()))
    return op.emitOpError("needs scales and sums of the columns for a weight of i8, and only for one");
  const Microkernel &microkernel = this->microkernel(*kind);
  Value words = *kind == OperandKind::SplitF32 ? e.mul(e.dim(w, 1), 16) : e.dim(w, 1);
  Value k = *kind == OperandKind::F32 ? words : e.dim(x, -1); // words are known more often
  LeftOperand left = leftOperand(e, op, microkernel, *kind);
  LinearEpilogue epilogue;
  if (const LeftOperand *result = formForReaders(e, op.getOut(), epilogue.storesF32))
    epilogue.form = result->rows;
  auto flat = [&](Value buffer) { return buffer ? e.flatten(buffer) : Value(); };
  epilogue.bias = flat(op.getBias());
  epilogue.residual = flat(op.getResidual());
  epilogue.columnScales = flat(op.getScale());
  epilogue.columnSums = flat(op.getSums());
  epilogue.rowScales = left.scales;
  epilogue.activation = op.getActivation();
  LinearProduct product{microkernel, left, w, op.getOut(), k, words, epilogue};
  product.emit(*this, e, nameOf(*kind), "nn.linear");
  return success();
}
