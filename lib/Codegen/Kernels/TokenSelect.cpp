//===- TokenSelect.cpp - kernel.token_select: the rows of each sequence that are kept -----------------===//
#include "GroupSetting.h"
#include "SequenceSelector.h"
#include "tamis/Codegen/Kernels/Expansion.h"

#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis;

/// share * length, rounded.
static Value shareOf(Emitter &e, Value share, Value length) {
  Value rows =
      arith::UIToFPOp::create(e, e.getF32Type(), arith::IndexCastOp::create(e, e.getI64Type(), length));
  Value rounded = e.addF(e.mulF(rows, share), e.scalar(0.5F));
  return arith::IndexCastOp::create(e, e.getIndexType(), arith::FPToUIOp::create(e, e.getI64Type(), rounded));
}

LogicalResult KernelExpander::expand(kernel::TokenSelectOp op) {
  Emitter e = emitterAt(op);
  Value rows = e.dim(op.getScores(), 0), batch = e.sub(e.dim(op.getOffsets(), 0), e.index(1));
  Value scores = e.flatten(op.getScores()), offsets = e.flatten(op.getOffsets()),
        kept = e.flatten(op.getKept()), keptOffsets = e.flatten(op.getKeptOffsets());
  Value keys = e.flatten(e.allocate(e.getI32Type(), rows));
  Value whole = e.flatten(op.getWhole()), fixed = op.getFixed() ? e.flatten(op.getFixed()) : Value();
  auto lengthOf = [&](Value flat, Value b) {
    return e.sub(e.loadIndex(flat, e.add(b, 1)), e.loadIndex(flat, b));
  };
  auto store = [&](Value value, Value at) {
    e.store(arith::IndexCastOp::create(e, e.getI64Type(), value), keptOffsets, at);
  };
  auto selectorOf = [&](Value b, Value length) {
    SequenceSelector selector(e, keys, e.loadIndex(offsets, b), length);
    selector.makeKeys(scores);
    selector.protect(e.index(op.getFirst()), e.index(op.getLast()), fixed);
    return selector;
  };
  // Where the counts depend on scores or flags, the keys are made for them.
  bool countsKeys = op.getByScore() || fixed;
  // The number of rows that stay of a sequence.
  auto countOf = [&](Value b) {
    Value length = lengthOf(offsets, b);
    Value setting = emitGroupSetting(e, op.getSetting(), op.getLengths(), lengthOf(whole, b)), count;
    if (op.getByScore()) {
      count = selectorOf(b, length).countFrom(setting);
    } else {
      count = shareOf(e, setting, length);
      if (fixed)
        count = e.decide(
            e.less(count, length),
            [&] { return Emitter::Values{e.max(count, selectorOf(b, length).countProtected())}; },
            [&] { return Emitter::Values{count}; })[0];
    }
    int64_t least = std::max<int64_t>(op.getMinimum(), op.getFirst() + op.getLast());
    return e.min(e.max(count, least), length);
  };
  store(e.index(0), e.index(0));
  Emitter::Values inits = {e.index(0)};
  Value total = e.loop(e.index(0), batch, e.index(1), inits, [&](Value b, ValueRange so) {
    Value end = e.add(so[0], countOf(b));
    store(end, e.add(b, 1));
    return Emitter::Values{end};
  })[0];
  e.parallel(
      batch, e.index(1), "token.select", e.index(0), e.mul(rows, 4 * 34),
      [&](Value first, Value last, Value) {
        e.loop(first, last, [&](Value b) {
          Value begin = e.loadIndex(offsets, b), length = e.sub(e.loadIndex(offsets, e.add(b, 1)), begin);
          Value at = e.loadIndex(keptOffsets, b), count = e.sub(e.loadIndex(keptOffsets, e.add(b, 1)), at);
          e.either(
              e.equal(count, length),
              [&] {
                e.loop(e.index(0), length, [&](Value i) {
                  e.store(arith::IndexCastOp::create(e, e.getI64Type(), e.add(begin, i)), kept, e.add(at, i));
                });
              },
              [&] {
                SequenceSelector selector =
                    countsKeys ? SequenceSelector(e, keys, begin, length) : selectorOf(b, length);
                auto [bound, above] = selector.boundOf(count);
                selector.write(bound, e.sub(count, above), kept, at);
              });
        });
      });
  rt::TokensOp::create(e, rows, total, kept);
  return success();
}
