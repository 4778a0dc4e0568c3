//===- LinearEpilogue.cpp - What a linear layer does to a tile right after its product -----------------===//
#include "LinearEpilogue.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "tamis/Codegen/Kernels/VectorMath.h"

using namespace mlir;
using namespace tamis;

SmallVector<Value *> LinearEpilogue::operands() {
  SmallVector<Value *> present;
  for (Value *operand :
       {&bias, &residual, &columnScales, &columnSums, &rowScales, &range, &columnZeros, &rowSums})
    if (*operand)
      present.push_back(operand);
  if (form)
    present.append({&form->data, &form->stride});
  return present;
}

std::string LinearEpilogue::name() const {
  std::string name = nn::stringifyActivation(activation).str();
  if (columnZeros)
    name += "_zeros";
  if (bias)
    name += "_bias";
  if (residual)
    name += "_residual";
  if (form) {
    name += form->form == LeftForm::SplitF32 ? "_to_split" : form->tiled ? "_to_bf16" : "_to_bf16_rows";
    if (!storesF32)
      name += "_only";
  }
  return name;
}

namespace {
/// What one vector of columns needs, whatever the row.
struct Columns {
  Value mask, bias;
  Value scale;  ///< of a product of integers, as are the others
  Value excess; ///< what zero adds to the product
  Value zeros;  ///< what sums of rows are multiplied by
};
} // namespace

static VectorType wordsType(Emitter &e) { return VectorType::get(e.getWidth(), e.getI32Type()); }
static Value splatWord(Emitter &e, Value word) { return vector::BroadcastOp::create(e, wordsType(e), word); }

/// `zero` is null when there are no integers.
static Columns emitColumns(Emitter &e, const LinearEpilogue &epilogue, Value zero, Value begin, Value limit) {
  Columns columns;
  if (limit)
    columns.mask = e.maskOf(e.sub(e.max(limit, begin), begin));
  if (epilogue.bias)
    columns.bias = e.loadVector(epilogue.bias, begin, columns.mask);
  if (!zero)
    return columns;
  columns.scale = e.loadVector(epilogue.columnScales, begin, columns.mask);
  columns.excess = arith::MulIOp::create(e, e.loadVector(epilogue.columnSums, begin, columns.mask), zero);
  if (epilogue.columnZeros) {
    Value zeros = e.loadVector(epilogue.columnZeros, begin, columns.mask);
    columns.zeros = arith::ExtSIOp::create(e, wordsType(e), zeros);
  }
  return columns;
}

void LinearEpilogue::emit(Emitter &e, const Tile &tile, const Matrix &out, Value limit) const {
  int64_t width = e.getWidth(), count = tile.panels * panelColumns;
  Value column = e.mul(tile.panel, panelColumns);
  Value zero, scale;
  if (range) {
    scale = e.splat(e.load(range, e.index(0)));
    zero = splatWord(e, arith::FPToSIOp::create(e, e.getI32Type(), e.load(range, e.index(1))));
  } else if (columnScales) {
    zero = arith::ConstantOp::create(e, DenseElementsAttr::get(wordsType(e), e.getI32IntegerAttr(128)));
  }
  SmallVector<Columns> columns;
  for (int64_t j = 0; j < count; j += width)
    columns.push_back(emitColumns(e, *this, zero, e.add(column, j), limit));
  e.loop(e.index(0), tile.rows, [&](Value i) {
    Value from = e.madd(i, tile.product.stride, tile.product.offset);
    Value row = e.add(tile.row, i);
    Value to = e.add(e.madd(row, out.stride, out.offset), column);
    Value rowScale = rowScales ? e.splat(e.load(rowScales, row)) : scale;
    Value rowSum = rowSums ? splatWord(e, e.load(rowSums, row)) : Value();
    for (int64_t j = 0; j < count; j += width) {
      const Columns &at = columns[j / width];
      Value place = e.add(to, j), y = e.loadVector(tile.product.data, e.add(from, j));
      if (zero) {
        Value number = arith::SubIOp::create(e, vector::BitCastOp::create(e, wordsType(e), y), at.excess);
        if (rowSum)
          number = arith::SubIOp::create(e, number, arith::MulIOp::create(e, rowSum, at.zeros));
        y = e.mulF(arith::SIToFPOp::create(e, e.vectorType(), number), e.mulF(rowScale, at.scale));
      }
      if (bias)
        y = e.addF(y, at.bias);
      y = emitActivation(e, activation, y);
      if (residual)
        y = e.addF(y, e.loadVector(residual, place, at.mask));
      if (storesF32)
        e.storeVector(y, out.data, place, at.mask);
      if (form)
        form->store(e, y, row, e.add(column, j));
    }
  });
}
