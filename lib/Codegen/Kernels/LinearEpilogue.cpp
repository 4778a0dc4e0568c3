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
  if (form) {
    present.append({&form->data, &form->stride});
    if (form->tileStride)
      present.push_back(&form->tileStride);
  }
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

static VectorType wordsType(Emitter &e) { return VectorType::get(e.getWidth(), e.getI32Type()); }
static Value splatWord(Emitter &e, Value word) { return vector::BroadcastOp::create(e, wordsType(e), word); }

/// What all of q is less, where q stands for (q - zero) * scale; null when there are no integers.
static Value zeroOf(Emitter &e, const LinearEpilogue &epilogue) {
  if (epilogue.range)
    return splatWord(e, arith::FPToSIOp::create(e, e.getI32Type(), e.load(epilogue.range, e.index(1))));
  if (epilogue.columnScales)
    return arith::ConstantOp::create(e, DenseElementsAttr::get(wordsType(e), e.getI32IntegerAttr(128)));
  return {};
}

LinearEpilogue::Columns LinearEpilogue::columns(Emitter &e, Value begin, Value limit) const {
  Columns columns;
  if (limit)
    columns.mask = e.maskOf(e.sub(e.max(limit, begin), begin));
  if (bias)
    columns.bias = e.loadVector(bias, begin, columns.mask);
  Value zero = zeroOf(e, *this);
  if (!zero)
    return columns;
  columns.scale = e.loadVector(columnScales, begin, columns.mask);
  if (range)
    columns.scale = e.mulF(e.splat(e.load(range, e.index(0))), columns.scale);
  columns.excess = arith::MulIOp::create(e, e.loadVector(columnSums, begin, columns.mask), zero);
  if (columnZeros) {
    Value zeros = e.loadVector(columnZeros, begin, columns.mask);
    columns.zeros = arith::ExtSIOp::create(e, wordsType(e), zeros);
  }
  return columns;
}

LinearEpilogue::Row LinearEpilogue::row(Emitter &e, Value row) const {
  Row result;
  if (rowScales)
    result.scale = e.splat(e.load(rowScales, row));
  if (rowSums)
    result.sum = splatWord(e, e.load(rowSums, row));
  return result;
}

Value LinearEpilogue::number(Emitter &e, Value product, const Columns &columns, const Row &row) const {
  Value y = product;
  if (columns.scale) {
    Value number = arith::SubIOp::create(e, vector::BitCastOp::create(e, wordsType(e), y), columns.excess);
    if (row.sum)
      number = arith::SubIOp::create(e, number, arith::MulIOp::create(e, row.sum, columns.zeros));
    Value scale = row.scale ? e.mulF(row.scale, columns.scale) : columns.scale;
    y = e.mulF(arith::SIToFPOp::create(e, e.vectorType(), number), scale);
  } else if (row.scale) {
    y = e.mulF(row.scale, y);
  }
  return bias ? e.addF(y, columns.bias) : y;
}

void LinearEpilogue::emit(Emitter &e, const Tile &tile, const Matrix &out, Value limit) const {
  int64_t width = e.getWidth(), count = tile.panels * panelColumns;
  Value column = e.mul(tile.panel, panelColumns);
  SmallVector<Columns> columns;
  for (int64_t j = 0; j < count; j += width)
    columns.push_back(this->columns(e, e.add(column, j), limit));
  e.loop(e.index(0), tile.rows, [&](Value i) {
    Value from = e.madd(i, tile.product.stride, tile.product.offset);
    Value row = e.add(tile.row, i);
    Value to = e.add(e.madd(row, out.stride, out.offset), column);
    Row numbers = this->row(e, row);
    for (int64_t j = 0; j < count; j += width) {
      const Columns &at = columns[j / width];
      Value place = e.add(to, j), y = e.loadVector(tile.product.data, e.add(from, j));
      y = emitActivation(e, activation, number(e, y, at, numbers));
      if (residual)
        y = e.addF(y, e.loadVector(residual, place, at.mask));
      if (storesF32)
        e.storeVector(y, out.data, place, at.mask);
      if (form)
        form->store(e, y, row, e.add(column, j));
    }
  });
}
