//===- Linear.cpp - kernel.linear at the precision of its weight ---------------------------------------===//
#include "Int4Tiles.h"
#include "LinearProduct.h"

using namespace mlir;
using namespace tamis;

std::optional<OperandKind> tamis::operandKindOf(MemRefType weight) {
  Type element = weight.getElementType();
  if (element.isF32() && weight.getRank() == 3)
    return OperandKind::F32;
  if (element.isBF16() && weight.getRank() == 5)
    return OperandKind::SplitF32;
  if (weight::Int4Format::of(weight))
    return OperandKind::Int4;
  if (weight.getRank() != 4)
    return std::nullopt;
  if (element.isInteger(8) && weight.getDimSize(2) == panelColumns)
    return OperandKind::Int8;
  if (element.isBF16() && weight.getDimSize(2) == panelColumns)
    return OperandKind::BF16;
  return std::nullopt;
}
static std::string nameOf(OperandKind kind, MemRefType weight) {
  switch (kind) {
  case OperandKind::F32:
    return "linear_";
  case OperandKind::BF16:
    return "linear_bf16_";
  case OperandKind::SplitF32:
    return "linear_split_";
  case OperandKind::Int8:
    return "linear_int8_";
  case OperandKind::Int4: {
    weight::Int4Format format = *weight::Int4Format::of(weight);
    return "linear_int4_g" + std::to_string(format.group) + (format.hasZeros ? "_zeros_" : "_");
  }
  }
  return "";
}

LogicalResult KernelExpander::expand(kernel::LinearOp op) {
  Emitter e = emitterAt(op);
  Value x = op.getX(), w = op.getW();
  auto weight = cast<MemRefType>(w.getType());
  std::optional<OperandKind> kind = operandKindOf(weight);
  if (!kind || cast<MemRefType>(x.getType()).getRank() < 1)
    return op.emitOpError(
        "needs a packed weight, [ceil(N / 16), K, 16] of f32 or [ceil(N / 16), words, 16, "
        "elements a word] of bf16 or i8, or [ceil(N / 16), groups, rows of a block, 16] of i32");
  if ((*kind == OperandKind::Int8) != bool(op.getScale()))
    return op.emitOpError("needs scales and sums of the columns for a weight of i8, and only for one");
  const Microkernel &microkernel = microkernelFor(weight);
  Value words = e.dim(w, 1);
  if (*kind == OperandKind::SplitF32)
    words = e.mul(words, 16);
  if (*kind == OperandKind::Int4)
    words = e.mul(words, weight.getDimSize(2));
  Value k = *kind == OperandKind::F32 ? words : e.dim(x, -1); // words are known more often
  LinearEpilogue epilogue;
  if (const LeftOperand *result = formForReaders(e, op.getOut(), epilogue.storesF32))
    epilogue.form = result->rows;
  auto flat = [&](Value buffer) { return buffer ? e.flatten(buffer) : Value(); };
  epilogue.bias = flat(op.getBias());
  epilogue.residual = flat(op.getResidual());
  epilogue.columnScales = flat(op.getScale());
  epilogue.columnSums = flat(op.getSums());
  epilogue.activation = op.getActivation();
  auto emit = [&] {
    LeftOperand left = leftOperand(e, op, microkernel, *kind);
    LinearEpilogue own = epilogue;
    own.rowScales = left.scales;
    LinearProduct product{microkernel, left, w, op.getOut(), k, words, own};
    product.emit(*this, e, nameOf(*kind, weight), "nn.linear");
  };
  if (*kind != OperandKind::Int4 || !level.amx) {
    emit();
    return success();
  }
  Value rows = e.dims(op.getOut(), 0, cast<MemRefType>(op.getOut().getType()).getRank() - 1);
  e.either(e.less(rows, e.index(Int4TileProduct::fewestRows)), emit,
           [&] { Int4TileProduct(op, *weight::Int4Format::of(weight)).emit(*this, e, rows, k, epilogue); });
  return success();
}
