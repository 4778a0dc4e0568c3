//===- CacheSnap.cpp - kernel.cache_snap, kernel.cache_snap_rows --------------------------------------===//
#include "AttentionDots.h"
#include "AttentionFactors.h"
#include "CacheSpan.h"
#include "SequenceSelector.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace tamis;

/// Where the lists begin in the memory of a decision.
static constexpr int64_t header = 4;

namespace {
/// What the rows before the last ones get of one sequence and key head.
struct PromptScorer {
  Emitter &e;
  kernel::CacheSnapOp op;
  Matrix keys;      ///< of the sequence's first token on
  Value candidates; ///< rows before the last ones
  Value scratch;    ///< flat
  Value weights;    ///< where this thread's weights begin in it
  Value sums, at;   ///< of the candidates, and where they begin

  /// Adds the weights of a query that sees so many keys.
  void add(const Matrix &q, Value seen);
  /// Replaces each sum by those around it.
  void pool();
};
} // namespace

void PromptScorer::add(const Matrix &q, Value seen) {
  auto depth = cast<MemRefType>(op.getK().getType()).getDimSize(3);
  SmallVector<Value> query = loadWholeRow(e, q, e.index(0), depth);
  Value sum = emitQueryWeights(e, query, keys, depth, seen, op.getScale().convertToFloat(), scratch, weights);
  Value factor = e.splat(e.divF(e.scalar(1), sum));
  e.forVectors(candidates, [&](Value j, Value mask) {
    Value own = e.loadVector(scratch, e.add(weights, j), mask);
    Value before = e.loadVector(sums, e.add(at, j), mask);
    e.storeVector(e.fma(own, factor, before), sums, e.add(at, j), mask);
  });
}

void PromptScorer::pool() {
  int64_t reach = static_cast<int64_t>(op.getPool()) / 2;
  e.forVectors(candidates, [&](Value j, Value mask) {
    e.storeVector(e.loadVector(sums, e.add(at, j), mask), scratch, e.add(weights, j), mask);
  });
  e.loop(e.index(0), candidates, [&](Value j) {
    Value from = e.sub(e.max(j, reach), e.index(reach)), to = e.min(e.add(j, reach + 1), candidates);
    Emitter::Values zero = {e.scalar(0)};
    Value sum = e.loop(from, to, e.index(1), zero, [&](Value i, ValueRange sofar) {
      return Emitter::Values{e.addF(sofar[0], e.load(scratch, e.add(weights, i)))};
    })[0];
    e.store(sum, sums, e.add(at, j));
  });
}

LogicalResult KernelExpander::expand(kernel::CacheSnapOp op) {
  Emitter e = emitterAt(op);
  auto type = cast<MemRefType>(op.getK().getType());
  int64_t kvHeads = type.getDimSize(1), depth = type.getDimSize(3), group = op.getHeads() / kvHeads;
  Value q = e.flatten(op.getQ()), k = e.flatten(op.getK()), spans = e.flatten(op.getSpans()),
        memory = e.flatten(op.getMemory());
  Value queries = e.dim(op.getQ(), 1), rows = e.dim(op.getK(), 2), qStride = e.dim(op.getQ(), -1);
  Value headStride = memref::ExtractStridedMetadataOp::create(e, op.getK()).getStrides()[1];
  Value units = e.mul(e.dim(op.getK(), 0), kvHeads), capacity = op.getCapacity();
  auto toI64 = [&](Value index) { return arith::IndexCastOp::create(e, e.getI64Type(), index); };
  e.when(op.getDecides(), [&] {
    Value sums = e.flatten(e.allocate(e.getF32Type(), e.mul(units, rows))),
          keys = e.flatten(e.allocate(e.getI32Type(), e.mul(units, rows))),
          scratch = e.flatten(e.allocate(e.getF32Type(), e.mul(e.threads(), rows)));
    Value products = e.mul(e.mul(units, rows), 2 * depth * group * static_cast<int64_t>(op.getWindow()));
    e.parallel(
        units, e.index(1), "token.cache_snap", products, e.mul(e.mul(units, rows), depth * 4),
        [&](Value begin, Value end, Value thread) {
          e.loop(begin, end, [&](Value unit) {
            Value b = e.div(unit, kvHeads), keyHead = e.rem(unit, e.index(kvHeads));
            CacheSpan span(e, spans, b);
            Value tokens = e.sub(span.end, span.first);
            // The end of the prompt: no row before it may be left out.
            Value last = e.min(e.min(tokens, static_cast<int64_t>(op.getWindow())), capacity);
            Value asked = e.min(last, queries);
            PromptScorer scorer{e, op, {}, e.sub(tokens, last), scratch, e.mul(thread, rows), sums, {}};
            scorer.keys = AttentionFactors::rowsAt(e, k, e.index(depth), span.first, e.mul(unit, headStride));
            scorer.at = e.mul(unit, rows);
            e.forVectors(scorer.candidates, [&](Value j, Value mask) {
              e.storeVector(e.vector(0), sums, e.add(scorer.at, j), mask);
            });
            e.loop(e.index(0), e.mul(asked, group), [&](Value i) {
              Value back = e.sub(asked, e.div(i, group)); // 1: the last query
              Value row = e.madd(b, queries, e.sub(queries, back));
              Value head = e.madd(keyHead, e.index(group), e.rem(i, e.index(group)));
              Value column = e.add(e.mul(head, depth), op.getQColumn());
              scorer.add(AttentionFactors::rowsAt(e, q, qStride, row, column), e.add(e.sub(tokens, back), 1));
            });
            scorer.pool();
            Value list = e.add(e.mul(unit, e.add(capacity, 1)), header), next = e.add(list, 1);
            Value count = e.min(e.sub(capacity, last), scorer.candidates);
            next = e.decide(
                e.less(e.index(0), count),
                [&] {
                  SequenceSelector selector(e, keys, scorer.at, scorer.candidates);
                  selector.makeKeys(sums);
                  auto [bound, above] = selector.boundOf(count);
                  Value behind = selector.each(bound, e.sub(count, above), next, [&](Value i, Value to) {
                    e.store(toI64(e.add(span.first, i)), memory, to);
                    return e.add(to, 1);
                  });
                  return Emitter::Values{behind};
                },
                [&] { return Emitter::Values{next}; })[0];
            next = emitRows(e, memory, next, e.sub(span.end, last), span.end);
            e.store(toI64(e.sub(next, e.add(list, 1))), memory, list);
          });
        });
  });
  return success();
}

LogicalResult KernelExpander::expand(kernel::CacheSnapRowsOp op) {
  Emitter e = emitterAt(op);
  int64_t kvHeads = cast<MemRefType>(op.getKept().getType()).getDimSize(1);
  Value memory = e.flatten(op.getMemory()), spans = e.flatten(op.getSpans()), kept = e.flatten(op.getKept());
  Value stride = e.dim(op.getKept(), 2), capacity = op.getCapacity(), since = op.getSince();
  Value units = e.mul(e.dim(op.getKept(), 0), kvHeads);
  e.when(e.less(e.index(1), stride), [&] {
    Value bytes = e.mul(stride, 16);
    e.parallel(units, grainForBytes(e, bytes), "token.cache_snap", e.index(0), e.mul(units, bytes),
               [&](Value begin, Value end, Value) {
                 e.loop(begin, end, [&](Value unit) {
                   CacheSpan span(e, spans, e.div(unit, kvHeads));
                   Value from = e.add(e.mul(unit, e.add(capacity, 1)), header), to = e.mul(unit, stride);
                   Value count = e.loadIndex(memory, from);
                   e.loop(e.index(1), e.add(count, 1),
                          [&](Value i) { e.store(e.load(memory, e.add(from, i)), kept, e.add(to, i)); });
                   Value next = emitRows(e, kept, e.add(e.add(to, 1), count), since, span.end);
                   Value number = e.sub(next, e.add(to, 1));
                   e.store(arith::IndexCastOp::create(e, e.getI64Type(), number), kept, to);
                 });
               });
  });
  return success();
}
