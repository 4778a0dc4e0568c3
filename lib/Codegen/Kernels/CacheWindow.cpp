//===- CacheWindow.cpp - kernel.cache_spans, kernel.cache_window --------------------------------------===//
#include "CacheSpan.h"
#include "tamis/Codegen/Kernels/Mask.h"

#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace tamis;

static Value toI64(Emitter &e, Value index) { return arith::IndexCastOp::create(e, e.getI64Type(), index); }

CacheSpan::CacheSpan(Emitter &e, Value spans, Value sequence) {
  Value at = e.mul(sequence, 3);
  first = e.loadIndex(spans, at);
  from = e.loadIndex(spans, e.add(at, 1));
  end = e.loadIndex(spans, e.add(at, 2));
}

Value tamis::emitRows(Emitter &e, Value kept, Value at, Value begin, Value end) {
  Value shift = e.sub(at, begin);
  e.loop(begin, end, [&](Value row) { e.store(toI64(e, row), kept, e.add(row, shift)); });
  return e.add(shift, end);
}

/// The first of `rows` rows that the mask keeps, whose first element is at mask[at]; their number if it keeps
/// none. Padding in front is short: a loop that ends there, not one over all.
static Value emitFirstKept(Emitter &e, Value mask, Value at, Value rows) {
  Type index = e.getIndexType();
  auto loop = scf::WhileOp::create(e, TypeRange{index}, ValueRange{e.index(0)});
  OpBuilder::InsertionGuard guard(e);
  Block *before = e.createBlock(&loop.getBefore(), {}, {index}, {e.getLoc()});
  Value row = before->getArgument(0);
  Value isPadding = e.decide(
      e.less(row, rows),
      [&] {
        Value kept = emitIsKept(e, e.load(mask, e.add(at, row)));
        return Emitter::Values{arith::XOrIOp::create(e, kept, e.boolean(true))};
      },
      [&] { return Emitter::Values{e.boolean(false)}; })[0];
  scf::ConditionOp::create(e, isPadding, ValueRange{row});
  Block *after = e.createBlock(&loop.getAfter(), {}, {index}, {e.getLoc()});
  scf::YieldOp::create(e, ValueRange{e.add(after->getArgument(0), 1)});
  return loop.getResult(0);
}

LogicalResult KernelExpander::expand(kernel::CacheSpansOp op) {
  Emitter e = emitterAt(op);
  Value batch = e.dim(op.getK(), 0), rows = e.dim(op.getK(), 2), queries = op.getQueries();
  Value mask = op.getMask() ? e.flatten(op.getMask()) : Value(),
        starts = op.getStarts() ? e.flatten(op.getStarts()) : Value(), spans = e.flatten(op.getSpans());
  e.loop(e.index(0), batch, [&](Value b) {
    Value from = starts ? e.loadIndex(starts, b) : e.sub(rows, queries), end = e.add(from, queries);
    // The last new token is one, whatever the mask says.
    Value first =
        mask ? emitFirstKept(e, mask, e.mul(b, rows), e.sub(e.max(end, 1), e.index(1))) : e.index(0);
    Value numbers[] = {first, from, end};
    for (int64_t i = 0; i < 3; ++i)
      e.store(toI64(e, numbers[i]), spans, e.add(e.mul(b, 3), i));
  });
  return success();
}

LogicalResult KernelExpander::expand(kernel::CacheWindowOp op) {
  Emitter e = emitterAt(op);
  Value spans = e.flatten(op.getSpans()), kept = e.flatten(op.getKept()), stride = e.dim(op.getKept(), 2);
  int64_t sinks = op.getSinks();
  Value batch = e.dim(op.getSpans(), 0);
  // With all rows read, the lists have no room for any.
  e.when(e.less(e.index(1), stride), [&] {
    Value bytes = e.mul(stride, 8);
    e.parallel(batch, grainForBytes(e, bytes), "token.cache_window", e.index(0), e.mul(batch, bytes),
               [&](Value begin, Value end, Value) {
                 e.loop(begin, end, [&](Value b) {
                   CacheSpan span(e, spans, b);
                   Value window = e.sub(stride, e.index(sinks + 1)), at = e.mul(b, stride);
                   Value front = e.min(e.add(span.first, sinks), span.end);
                   Value behind = e.max(front, e.sub(e.max(span.end, window), window));
                   Value next = emitRows(e, kept, e.add(at, 1), span.first, front);
                   next = emitRows(e, kept, next, behind, span.end);
                   e.store(toI64(e, e.sub(next, e.add(at, 1))), kept, at);
                 });
               });
  });
  return success();
}
