//===- TokenMerge.cpp - kernel.token_merge: rows become means of rows ---------------------------------===//
//
// First each sequence finds out where its rows go, and the sizes of the new ones. Then units of work are some
// columns of a sequence: kept rows are copied with their weight, and the others added to them in their order.
// So the order of a sum depends on neither units nor threads.
//
//===--------------------------------------------------------------------------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"

using namespace mlir;
using namespace tamis;

/// Columns of a unit of work.
static constexpr int64_t columnBlock = 128;

namespace {
/// The rows of one sequence, before and after.
struct MergedSequence {
  Emitter &e;
  Value sizes; ///< null: all 1
  Value kept, partners, mergedSizes, into;
  Value begin, end, keptBegin, keptEnd;

  MergedSequence(Emitter &e, kernel::TokenMergeOp op)
      : e(e), sizes(op.getSizes() ? e.flatten(op.getSizes()) : Value()), kept(e.flatten(op.getKept())),
        partners(e.flatten(op.getPartners())), mergedSizes(e.flatten(op.getMergedSizes())),
        into(e.flatten(op.getInto())), offsets(e.flatten(op.getOffsets())),
        keptOffsets(e.flatten(op.getKeptOffsets())) {}

  void moveTo(Value b) {
    begin = e.loadIndex(offsets, b);
    end = e.loadIndex(offsets, e.add(b, 1));
    keptBegin = e.loadIndex(keptOffsets, b);
    keptEnd = e.loadIndex(keptOffsets, e.add(b, 1));
  }
  /// Fills `into` and `mergedSizes`.
  void place();
  /// Columns [column, column + columns) of all new rows.
  void merge(Value x, Value out, Value width, Value column, Value columns);

private:
  Value number(Value index) { return arith::IndexCastOp::create(e, e.getI64Type(), index); }
  Value sizeOf(Value row) { return sizes ? e.load(sizes, row) : e.scalar(1); }
  /// The part that a row has in the new row that it is in; 1 where it is alone.
  Value weightOf(Value row, Value newRow) { return e.divF(sizeOf(row), e.load(mergedSizes, newRow)); }

  Value offsets, keptOffsets;
};
} // namespace

void MergedSequence::place() {
  Value nowhere = arith::ConstantOp::create(e, e.getI64IntegerAttr(-1));
  e.loop(begin, end, [&](Value row) { e.store(nowhere, into, row); });
  e.loop(keptBegin, keptEnd, [&](Value newRow) {
    Value row = e.loadIndex(kept, newRow);
    e.store(number(newRow), into, row);
    e.store(sizeOf(row), mergedSizes, newRow);
  });
  e.loop(begin, end, [&](Value row) {
    Value isMerged = arith::CmpIOp::create(e, arith::CmpIPredicate::eq, e.load(into, row), nowhere);
    e.when(isMerged, [&] {
      Value newRow = e.loadIndex(into, e.loadIndex(partners, row));
      e.store(number(newRow), into, row);
      e.store(e.addF(e.load(mergedSizes, newRow), sizeOf(row)), mergedSizes, newRow);
    });
  });
}

void MergedSequence::merge(Value x, Value out, Value width, Value column, Value columns) {
  e.loop(keptBegin, keptEnd, [&](Value newRow) {
    Value row = e.loadIndex(kept, newRow), weight = e.splat(weightOf(row, newRow));
    Value from = e.madd(row, width, column), to = e.madd(newRow, width, column);
    e.forVectors(columns, [&](Value at, Value mask) {
      e.storeVector(e.mulF(e.loadVector(x, e.add(from, at), mask), weight), out, e.add(to, at), mask);
    });
  });
  e.loop(begin, end, [&](Value row) {
    Value newRow = e.loadIndex(into, row);
    e.when(arith::CmpIOp::create(e, arith::CmpIPredicate::ne, e.loadIndex(kept, newRow), row), [&] {
      Value weight = e.splat(weightOf(row, newRow));
      Value from = e.madd(row, width, column), to = e.madd(newRow, width, column);
      e.forVectors(columns, [&](Value at, Value mask) {
        Value sum = e.loadVector(out, e.add(to, at), mask);
        sum = e.fma(e.loadVector(x, e.add(from, at), mask), weight, sum);
        e.storeVector(sum, out, e.add(to, at), mask);
      });
    });
  });
}

LogicalResult KernelExpander::expand(kernel::TokenMergeOp op) {
  if (op.getX().getType().getRank() != 2)
    return op.emitOpError("needs x [R, H]");
  Emitter e = emitterAt(op);
  Value rows = e.dim(op.getX(), 0), width = e.dim(op.getX(), 1);
  Value batch = e.sub(e.dim(op.getOffsets(), 0), e.index(1));
  Value x = e.flatten(op.getX()), out = e.flatten(op.getOut());
  MergedSequence sequence(e, op);
  e.parallel(batch, e.index(1), "token.merge", e.index(0), e.mul(rows, 32),
             [&](Value first, Value last, Value) {
               e.loop(first, last, [&](Value b) {
                 sequence.moveTo(b);
                 sequence.place();
               });
             });
  Value blocks = e.ceilDiv(width, columnBlock);
  e.parallel(e.mul(batch, blocks), e.index(1), "token.merge", e.mul(e.mul(rows, width), 2),
             e.mul(e.mul(rows, width), 8), [&](Value first, Value last, Value) {
               e.loop(first, last, [&](Value unit) {
                 sequence.moveTo(e.div(unit, blocks));
                 Value column = e.mul(e.rem(unit, blocks), columnBlock);
                 sequence.merge(x, out, width, column, e.min(e.sub(width, column), columnBlock));
               });
             });
  return success();
}
