//===- Matmul.cpp - kernel.matmul: products whose right factor is packed at run time ------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis;

/// Up to so many rows the right factor is used as it lies: packing would cost as much as the product.
static constexpr int64_t directRows = 12;
/// Rows of the last, partial panel that are computed into a buffer at once.
static constexpr int64_t tailRows = 48;

LogicalResult KernelExpander::expand(kernel::MatmulOp op) {
  Emitter e = emitterAt(op);
  Value a = op.getA(), b = op.getB(), out = op.getOut();
  int64_t aRank = cast<MemRefType>(a.getType()).getRank(), bRank = cast<MemRefType>(b.getType()).getRank(),
          outRank = cast<MemRefType>(out.getType()).getRank();
  if (aRank < 2 || bRank < 2 || outRank < 2)
    return op.emitOpError("needs factors of rank 2 or more");
  Value m = e.dim(a, -2), k = e.dim(a, -1), n = e.dim(out, -1);
  Value batch = e.dims(out, 0, outRank - 2), aBatch = e.dims(a, 0, aRank - 2),
        bBatch = e.dims(b, 0, bRank - 2);
  if (getConstantIntValue(bBatch) == 1) {
    // One right factor for all: the batch is more rows of one product.
    m = e.dims(out, 0, outRank - 1);
    batch = aBatch = e.index(1);
  }
  Value one = e.index(1), zero = e.index(0);
  Value aStride = e.select(e.equal(aBatch, one), zero, e.mul(m, k));
  Value bStride = e.select(e.equal(bBatch, one), zero, e.mul(k, n));
  Value panels = e.ceilDiv(n, panelColumns);
  RowTiles tiles = microkernel().rowTiles(e, m);
  ProductUnits units(e, microkernel(), batch, tiles.tiles, m, panels, k);
  Value packedSize = e.mul(e.mul(units.panelsPerUnit, k), panelColumns);
  Value scratchSize = e.add(packedSize, tailRows * panelColumns);
  Value threads = e.threads();
  Value scratch = e.allocate(e.getF32Type(), e.mul(threads, scratchSize));
  SmallVector<Value> captured = {
      e.flatten(a), e.flatten(b),   e.flatten(out),   e.flatten(scratch),  m,          k, n, aStride,
      bStride,      units.rowUnits, units.panelUnits, units.panelsPerUnit, scratchSize};
  bool tail = !getConstantIntValue(n) || *getConstantIntValue(n) % panelColumns;

  auto body = [&](Emitter &e, ValueRange args) {
    Value a = args[0], b = args[1], out = args[2], scratch = args[3], m = args[4], k = args[5], n = args[6],
          aBatchStride = args[7], bBatchStride = args[8], rowUnits = args[9], panelUnits = args[10],
          panelsPerUnit = args[11], scratchSize = args[12], begin = args[13], end = args[14],
          thread = args[15];
    Value zero = e.index(0), sixteen = e.index(panelColumns);
    Value packed = e.mul(thread, scratchSize);
    Value tailBuffer = e.add(packed, e.sub(scratchSize, e.index(tailRows * panelColumns)));
    Value whole = e.div(n, panelColumns), panels = e.ceilDiv(n, panelColumns);
    e.loop(begin, end, [&](Value unit) {
      Value rowUnit = e.rem(unit, rowUnits), rest = e.div(unit, rowUnits);
      Value batch = e.div(rest, panelUnits);
      Value rowBegin = e.div(e.mul(rowUnit, m), rowUnits);
      Value rows = e.sub(e.div(e.mul(e.add(rowUnit, 1), m), rowUnits), rowBegin);
      Value panelBegin = e.mul(e.rem(rest, panelUnits), panelsPerUnit);
      Value panelEnd = e.min(e.add(panelBegin, panelsPerUnit), panels);
      Value wholeEnd = e.max(e.min(panelEnd, whole), panelBegin);
      Value column = e.mul(panelBegin, panelColumns);
      Matrix left{a, e.madd(batch, aBatchStride, e.mul(rowBegin, k)), k};
      Matrix right{b, e.madd(batch, bBatchStride, column), n};
      Matrix product{out, e.add(e.mul(e.madd(batch, m, rowBegin), n), column), n};
      Value columns = e.min(e.sub(n, column), e.mul(e.sub(panelEnd, panelBegin), panelColumns));
      Value wholeCount = e.sub(wholeEnd, panelBegin);
      Panels packedPanels{scratch, packed, sixteen, e.mul(k, panelColumns)};
      e.either(
          e.less(e.index(directRows), rows),
          [&] {
            emitPackPanels(e, right, k, columns, scratch, packed);
            callProduct(e, left, packedPanels, k, product, rows, wholeCount);
          },
          [&] {
            callProduct(e, left, Panels{b, right.offset, n, sixteen}, k, product, rows, wholeCount);
            if (tail)
              emitPackPanels(e, Matrix{b, e.madd(wholeCount, sixteen, right.offset), n}, k,
                             e.sub(columns, e.mul(wholeCount, panelColumns)), scratch,
                             e.madd(wholeCount, packedPanels.panelStride, packed));
          });
      if (!tail)
        return;
      e.when(e.less(whole, panelEnd), [&] {
        Panels last = packedPanels;
        last.offset = e.madd(wholeCount, last.panelStride, packed);
        Value valid = e.sub(columns, e.mul(wholeCount, panelColumns));
        e.loop(zero, rows, e.index(tailRows), [&](Value first) {
          Value count = e.min(e.sub(rows, first), tailRows);
          Matrix chunk = left;
          chunk.offset = e.madd(first, k, left.offset);
          callProduct(e, chunk, last, k, Matrix{scratch, tailBuffer, sixteen}, count, e.index(1));
          e.loop(zero, count, [&](Value row) {
            Value to = e.add(e.madd(e.add(first, row), n, product.offset), e.mul(wholeCount, panelColumns));
            Value from = e.madd(row, sixteen, tailBuffer);
            for (int64_t j = 0; j < panelColumns; j += e.getWidth())
              e.storeVector(e.loadVector(scratch, e.add(from, j)), out, e.add(to, j),
                            e.maskOf(e.sub(e.max(valid, j), e.index(j))));
          });
        });
      });
    });
  };
  Value count = e.mul(e.mul(units.rowUnits, units.panelUnits), batch);
  Value flops = e.mul(e.mul(e.mul(batch, m), 2), e.mul(n, k));
  Value bytes = e.mul(e.mul(batch, e.add(e.mul(m, e.add(n, k)), e.mul(n, k))), 4);
  e.parallel(count, e.index(1), "matmul", flops, bytes, [&](Value begin, Value end, Value thread) {
    SmallVector<Value> arguments(captured);
    arguments.append({begin, end, thread});
    call(e, tail ? "matmul_tail" : "matmul", arguments, body);
  });
  return success();
}
