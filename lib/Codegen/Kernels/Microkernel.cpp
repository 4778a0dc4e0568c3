//===- Microkernel.cpp - The kernel of an ISA level, and how rows are cut into tiles ------------------===//
#include "tamis/Codegen/Kernels/Microkernel.h"
#include "AMXMicrokernel.h"
#include "Int4Microkernel.h"
#include "VectorMicrokernel.h"

using namespace mlir;
using namespace tamis;

RowTiles::RowTiles(Emitter &e, Value rows, int64_t most, bool even) {
  tiles = e.ceilDiv(rows, most);
  if (even) {
    quotient = e.div(rows, e.max(tiles, 1));
    remainder = e.sub(rows, e.mul(quotient, tiles));
  } else {
    quotient = e.index(most);
    limit = rows;
  }
}
Value RowTiles::begin(Emitter &e, Value tile) const {
  return limit ? e.mul(tile, quotient) : e.madd(tile, quotient, e.min(tile, remainder));
}
Value RowTiles::size(Emitter &e, Value tile) const {
  if (limit)
    return e.min(e.sub(limit, begin(e, tile)), quotient);
  return e.select(e.less(tile, remainder), e.add(quotient, 1), quotient);
}

TileOperands::TileOperands(Emitter &e, const RowTiles &tiles, Value tile, const Matrix &left,
                           const Matrix &out, Value panel, int64_t width, Value buffer)
    : row(tiles.begin(e, tile)), rows(tiles.size(e, tile)), left(left), sums(out) {
  this->left.offset = e.madd(row, left.stride, left.offset);
  if (buffer)
    sums = {buffer, e.index(0), e.index(width * panelColumns)};
  else
    sums.offset = e.add(e.madd(row, out.stride, out.offset), e.mul(panel, panelColumns));
}

void tamis::forPanelGroups(Emitter &e, int64_t widest, Value begin, Value end,
                           llvm::function_ref<void(int64_t, Value, Value)> body) {
  for (int64_t width = widest; width >= 1; width /= 2) {
    Value last = e.madd(e.div(e.sub(end, begin), width), e.index(width), begin);
    body(width, begin, last);
    begin = last;
  }
}

std::unique_ptr<Microkernel> Microkernel::get(StringRef isa, OperandKind kind) {
  const ISALevel *level = lookupISALevel(isa);
  if (!level || kind == OperandKind::Int4)
    return nullptr;
  if (level->amx && kind != OperandKind::F32)
    return std::make_unique<AMXMicrokernel>(*level, kind);
  return std::make_unique<VectorMicrokernel>(*level, kind);
}

std::unique_ptr<Microkernel> Microkernel::get(StringRef isa, const weight::Int4Format &format) {
  const ISALevel *level = lookupISALevel(isa);
  return level ? std::make_unique<Int4Microkernel>(*level, format) : nullptr;
}
