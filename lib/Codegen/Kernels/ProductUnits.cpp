//===- ProductUnits.cpp - How a product is cut into units of work -------------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"

#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis;

/// What the weights and the rows of a unit may take of the second-level cache, in words of 32 bits.
static constexpr int64_t weightWords = 64 * 1024;
static constexpr int64_t inputWords = 96 * 1024;
/// Multiply-adds of f32 below which claiming a unit costs too much of it.
static constexpr int64_t smallestUnit = 200 * 1000;
/// So many rows take a vector kernel for f32 as long as their weights take to come from a cache: fewer are
/// not quicker.
static constexpr int64_t readingRows = 6;
/// Units a thread, so that threads that started late or were interrupted leave work to others.
static constexpr int64_t unitsPerThread = 8;

ProductUnits::ProductUnits(Emitter &e, const Microkernel &microkernel, Value batches, Value tiles, Value rows,
                           Value panels, Value depth) {
  int64_t maxRows = microkernel.maxRows();
  Value safeDepth = e.max(depth, 1);
  Value tilesPerUnit = e.max(e.div(e.index(inputWords / maxRows), safeDepth), 2);
  rowUnits = e.ceilDiv(tiles, tilesPerUnit);
  Value fits = e.max(e.div(e.index(weightWords / panelColumns), safeDepth), panelGroup);
  Value wanted = e.mul(e.threads(), e.index(unitsPerThread));
  wanted = e.ceilDiv(wanted, e.max(e.mul(batches, rowUnits), 1));
  wanted = e.max(wanted, e.ceilDiv(panels, fits));
  Value rowsPerUnit = e.min(rows, e.mul(tilesPerUnit, maxRows));
  Value panelWork =
      e.mul(e.mul(e.max(rowsPerUnit, readingRows * microkernel.speed()), panelColumns), safeDepth);
  panelsPerUnit =
      e.max(e.ceilDiv(panels, wanted), e.ceilDiv(e.index(smallestUnit * microkernel.speed()), panelWork));
  // Where there are few units, equally many for all threads.
  Value groups = e.ceilDiv(panels, panelGroup),
        groupsPerUnit = e.max(e.ceilDiv(panelsPerUnit, panelGroup), 1);
  Value shares = e.div(e.ceilDiv(groups, groupsPerUnit), e.threads());
  Value even = e.ceilDiv(groups, e.mul(e.max(shares, 1), e.threads()));
  Value isAlone = e.equal(e.mul(batches, rowUnits), e.index(1));
  groupsPerUnit =
      e.select(e.select(isAlone, e.less(e.index(0), shares), e.boolean(false)), even, groupsPerUnit);
  panelsPerUnit = e.mul(groupsPerUnit, panelGroup);
  panelUnits = e.ceilDiv(panels, panelsPerUnit);
}

Value tamis::grainForBytes(Emitter &e, Value bytesPerUnit) {
  return e.max(e.div(e.index(32 * 1024), e.max(bytesPerUnit, 1)), 1);
}
