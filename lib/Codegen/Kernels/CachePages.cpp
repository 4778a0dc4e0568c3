//===- CachePages.cpp - kernel.cache_bounds, kernel.cache_pages ---------------------------------------===//
//
// Both work by key heads of sequences. Bounds are made anew for the pages that new rows are in, from the keys
// as they lie, so that a page is right however often rows were cut off and appended since.
//
//===--------------------------------------------------------------------------------------------------===//
#include "AttentionDots.h"
#include "AttentionFactors.h"
#include "CacheSpan.h"
#include "SequenceSelector.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace tamis;

static Value toF32(Emitter &e, Value index) {
  return arith::UIToFPOp::create(e, e.getF32Type(), arith::IndexCastOp::create(e, e.getI64Type(), index));
}

/// Writes the least and the greatest elements of the rows [begin, end) of k, `depth` columns each, to
/// bounds[at ...] and `depth` behind.
static void emitBounds(Emitter &e, const Matrix &k, Value begin, Value end, int64_t depth, Value bounds,
                       Value at) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  int64_t width = e.getWidth(), together = 4; // vectors, so that their bounds stay in registers
  for (int64_t first = 0; first < depth; first += together * width) {
    Emitter::Values inits;
    int64_t vectors = std::min(together, static_cast<int64_t>(llvm::divideCeil(depth - first, width)));
    for (int64_t i = 0; i < vectors; ++i)
      inits.append({e.vector(infinity), e.vector(-infinity)});
    Emitter::Values found = e.loop(begin, end, e.index(1), inits, [&](Value row, ValueRange sofar) {
      Emitter::Values next;
      for (int64_t i = 0; i < vectors; ++i) {
        Value keys = loadRow(e, k, row, first + i * width, depth);
        next.append({e.minF(keys, sofar[2 * i]), e.maxF(keys, sofar[2 * i + 1])});
      }
      return next;
    });
    for (int64_t i = 0; i < vectors; ++i) {
      int64_t column = first + i * width;
      Value mask = column + width > depth ? e.maskOf(e.index(depth - column)) : Value();
      e.storeVector(found[2 * i], bounds, e.add(at, column), mask);
      e.storeVector(found[2 * i + 1], bounds, e.add(at, depth + column), mask);
    }
  }
}

LogicalResult KernelExpander::expand(kernel::CacheBoundsOp op) {
  Emitter e = emitterAt(op);
  auto type = cast<MemRefType>(op.getK().getType());
  int64_t heads = type.getDimSize(1), depth = type.getDimSize(3), page = op.getPage();
  Value k = e.flatten(op.getK()), spans = e.flatten(op.getSpans()), bounds = e.flatten(op.getBounds());
  Value headStride = memref::ExtractStridedMetadataOp::create(e, op.getK()).getStrides()[1];
  Value rowLength = e.dim(op.getBounds(), 1), units = e.mul(e.dim(op.getK(), 0), heads);
  Value isKept = op.getKept();
  // In a step, the rows of a page.
  e.parallel(units, e.index(1), "token.cache_pages", e.index(0), e.mul(units, page * depth * 4),
             [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value unit) {
                 CacheSpan span(e, spans, e.div(unit, heads));
                 Matrix keys =
                     AttentionFactors::rowsAt(e, k, e.index(depth), e.index(0), e.mul(unit, headStride));
                 Value part = e.mul(unit, 2 * depth), beginning = toF32(e, e.add(span.first, 1));
                 Value isSame = e.compare(arith::CmpFPredicate::OEQ, e.load(bounds, part), beginning);
                 Value goesOn = arith::AndIOp::create(e, isKept, isSame);
                 Value from = e.select(goesOn, e.max(span.from, span.first), span.first);
                 Value pages = e.ceilDiv(e.sub(span.end, span.first), page);
                 e.loop(e.div(e.sub(from, span.first), page), pages, [&](Value p) {
                   Value row = e.madd(p, e.index(page), span.first);
                   emitBounds(e, keys, row, e.min(e.add(row, page), span.end), depth, bounds,
                              e.madd(e.add(p, 1), rowLength, part));
                 });
                 e.store(beginning, bounds, part);
               });
             });
  return success();
}

namespace {
/// The pages of a key head of one sequence.
struct PageScorer {
  Emitter &e;
  kernel::CachePagesOp op;
  Value bounds, rowLength, part; ///< page p's bounds are at (p + 1) * rowLength + part
  Value pages;
  Value scores, at; ///< of page 0

  /// The greatest product that the query `head` can have with a key of each page; counts if it is greater
  /// than that of heads before.
  void add(const Matrix &q, bool isFirst);
};
} // namespace

void PageScorer::add(const Matrix &q, bool isFirst) {
  int64_t depth = op.getHeadDim(), width = e.getWidth();
  SmallVector<Value> query = loadWholeRow(e, q, e.index(0), depth), isPositive;
  for (Value columns : query)
    isPositive.push_back(e.compare(arith::CmpFPredicate::OGE, columns, e.vector(0)));
  e.loop(e.index(0), pages, [&](Value p) {
    Matrix both{bounds, e.madd(e.add(p, 1), rowLength, part), e.index(depth)};
    Value sum = e.vector(0);
    for (auto [i, columns] : llvm::enumerate(query)) {
      int64_t column = static_cast<int64_t>(i) * width;
      Value least = loadRow(e, both, e.index(0), column, depth),
            greatest = loadRow(e, both, e.index(1), column, depth);
      sum = e.fma(columns, e.select(isPositive[i], greatest, least), sum);
    }
    Value score = e.reduceAdd(sum), place = e.add(at, p);
    e.store(isFirst ? score : e.maxF(e.load(scores, place), score), scores, place);
  });
}

LogicalResult KernelExpander::expand(kernel::CachePagesOp op) {
  Emitter e = emitterAt(op);
  int64_t kvHeads = cast<MemRefType>(op.getKept().getType()).getDimSize(1), page = op.getPage(),
          depth = op.getHeadDim(), group = op.getHeads() / kvHeads, window = op.getWindow();
  Value spans = e.flatten(op.getSpans()), bounds = e.flatten(op.getBounds()), q = e.flatten(op.getQ()),
        kept = e.flatten(op.getKept());
  Value stride = e.dim(op.getKept(), 2), rowLength = e.dim(op.getBounds(), 1), qStride = e.dim(op.getQ(), -1);
  Value most = e.sub(e.dim(op.getBounds(), 0), e.index(1)), wanted = op.getPages();
  Value units = e.mul(e.dim(op.getSpans(), 0), kvHeads);
  e.when(e.less(e.index(1), stride), [&] {
    Value scores = e.flatten(e.allocate(e.getF32Type(), e.mul(units, most))),
          keys = e.flatten(e.allocate(e.getI32Type(), e.mul(units, most)));
    Value flops = e.mul(e.mul(units, most), 2 * depth * group);
    e.parallel(units, e.index(1), "token.cache_pages", flops, e.mul(e.mul(units, most), 2 * depth * 4),
               [&](Value begin, Value end, Value) {
                 e.loop(begin, end, [&](Value unit) {
                   Value b = e.div(unit, kvHeads), keyHead = e.rem(unit, e.index(kvHeads));
                   CacheSpan span(e, spans, b);
                   Value rows = e.sub(span.end, span.first), pages = e.ceilDiv(rows, page);
                   Value at = e.mul(unit, most);
                   PageScorer scorer{e, op, bounds, rowLength, e.mul(unit, 2 * depth), pages, scores, at};
                   for (int64_t i = 0; i < group; ++i) {
                     Value head = e.madd(keyHead, e.index(group), e.index(i));
                     scorer.add(AttentionFactors::rowsAt(e, q, qStride, b,
                                                         e.add(e.mul(head, depth), op.getQColumn())),
                                i == 0);
                   }
                   // Those at the ends are read in any case.
                   Value front = e.min(pages, e.index(llvm::divideCeil(op.getSinks(), page)));
                   Value last = e.div(e.sub(rows, e.min(rows, window)), page), behind = e.sub(pages, last);
                   Value count = e.min(pages, e.add(wanted, e.add(e.min(front, last), behind)));
                   SequenceSelector selector(e, keys, at, pages);
                   selector.makeKeys(scores);
                   selector.protect(front, behind);
                   auto [bound, above] = selector.boundOf(count);
                   Value list = e.mul(unit, stride);
                   Value next =
                       selector.each(bound, e.sub(count, above), e.add(list, 1), [&](Value p, Value to) {
                         Value row = e.madd(p, e.index(page), span.first);
                         Value behindRow = e.min(e.add(row, page), span.end);
                         return emitRows(e, kept, to, row, behindRow);
                       });
                   Value number = e.sub(next, e.add(list, 1));
                   e.store(arith::IndexCastOp::create(e, e.getI64Type(), number), kept, list);
                 });
               });
  });
  return success();
}
