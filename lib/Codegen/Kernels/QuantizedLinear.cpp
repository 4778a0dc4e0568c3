//===- QuantizedLinear.cpp - kernel.quantized_linear: products of quantised rows and weights -----------===//
#include "LinearProduct.h"

using namespace mlir;
using namespace tamis;

LogicalResult KernelExpander::expand(kernel::QuantizedLinearOp op) {
  Emitter e = emitterAt(op);
  Value x = op.getX(), w = op.getW(), out = op.getOut();
  auto weightType = cast<MemRefType>(w.getType()), outType = cast<MemRefType>(out.getType());
  if (weightType.getRank() != 4 || weightType.getDimSize(2) != panelColumns || weightType.getDimSize(3) != 4)
    return op.emitOpError("needs a packed weight, [ceil(N / 16), words, 16, 4] of i8");
  const Microkernel &microkernel = this->microkernel(OperandKind::Int8);
  Value words = e.dim(w, 1), k = e.dim(x, -1), rows = e.dims(out, 0, outType.getRank() - 1);
  LeftOperand left(e, microkernel, rows, words, e.flatten(op.getRange()),
                   /*sumsRows=*/bool(op.getZeroPoint()));
  left.closeGaps(e, rows);
  left.convert(e, e.flatten(x), rows, k);
  LinearEpilogue epilogue;
  if (const LeftOperand *result = formForReaders(e, out, epilogue.storesF32))
    epilogue.form = result->rows;
  auto flat = [&](Value buffer) { return buffer ? e.flatten(buffer) : Value(); };
  epilogue.bias = flat(op.getBias());
  epilogue.residual = flat(op.getResidual());
  epilogue.columnScales = flat(op.getScale());
  epilogue.columnSums = flat(op.getColumnSums());
  epilogue.range = left.range;
  epilogue.columnZeros = flat(op.getZeroPoint());
  epilogue.rowSums = left.sums;
  epilogue.activation = op.getActivation();
  LinearProduct product{microkernel, left, w, out, k, words, epilogue};
  product.emit(*this, e, "quantized_linear_", "nn.quantized_linear");
  return success();
}
