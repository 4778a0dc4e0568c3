//===- TokenSelect.cpp - kernel.token_select: the rows of each sequence that are kept -----------------===//
//
// The least score that is kept is found bit by bit: 32 times it is counted how many rows have at least a
// number. That is 32 reads of a few hundred words for each sequence, without a sort and without branches.
//
//===--------------------------------------------------------------------------------------------------===//
#include "GroupSetting.h"
#include "tamis/Codegen/Kernels/Expansion.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

#include <limits>

using namespace mlir;
using namespace tamis;

namespace {
/// Selects from one sequence. Scores become unsigned keys of the same order.
class SequenceSelector {
public:
  SequenceSelector(Emitter &e, Value keys, Value begin, Value length)
      : e(e), keys(keys), begin(begin), length(length),
        vectorOfKeys(VectorType::get(e.getWidth(), e.getI32Type())) {}

  void makeKeys(Value scores);
  /// The rows at the ends, and those of `fixed`, flags of all rows or null, stay in any case.
  void protect(int64_t first, int64_t last, Value fixed);
  Value countProtected() { return count(arith::CmpIPredicate::uge, vectorOf(protectedKey)); }
  /// How many rows have at least this score, an f32.
  Value countFrom(Value score);
  /// The `count`-th greatest key, and how many are greater.
  std::pair<Value, Value> boundOf(Value count);
  /// Writes the rows above the bound, and the first of those at it, to kept[at ...].
  void write(Value bound, Value ties, Value kept, Value at);

private:
  static constexpr uint32_t protectedKey = 0xffffffff;
  Value integer(uint32_t value) {
    return arith::ConstantOp::create(e, e.getI32IntegerAttr(static_cast<int32_t>(value)));
  }
  Value vectorOf(uint32_t value) {
    return arith::ConstantOp::create(
        e, DenseElementsAttr::get(vectorOfKeys, e.getI32IntegerAttr(static_cast<int32_t>(value))));
  }
  /// The keys of a vector of scores.
  Value keysOf(Value scores);
  /// Keys that compare so with those of the vector `bounds`. Lanes behind the last row are 0, which neither
  /// comparison finds.
  Value count(arith::CmpIPredicate predicate, Value bounds);
  Value splatOf(Value key) { return vector::BroadcastOp::create(e, vectorOfKeys, key); }

  Emitter &e;
  Value keys, begin, length;
  VectorType vectorOfKeys;
};
} // namespace

Value SequenceSelector::keysOf(Value scores) {
  // The sum makes -0 the 0 that it is equal to.
  Value bits = arith::BitcastOp::create(e, vectorOfKeys, e.addF(scores, e.vector(0)));
  // Of a negative number all bits turn, of a positive one the sign.
  Value turned = arith::OrIOp::create(e, arith::ShRSIOp::create(e, bits, vectorOf(31)), vectorOf(0x80000000));
  Value isNaN = e.compare(arith::CmpFPredicate::UNO, scores, scores);
  return e.select(isNaN, vectorOf(0xfffffffe), arith::XOrIOp::create(e, bits, turned));
}

void SequenceSelector::makeKeys(Value scores) {
  e.forVectors(length, [&](Value i, Value mask) {
    Value found = keysOf(e.loadVector(scores, e.add(begin, i), mask));
    e.storeVector(found, keys, e.add(begin, i), mask);
  });
}

Value SequenceSelector::countFrom(Value score) {
  Value found = count(arith::CmpIPredicate::uge, keysOf(e.splat(score)));
  // Below the lowest number is -infinity, which is to stay where all is.
  Value lowest = e.scalar(std::numeric_limits<float>::lowest());
  return e.select(e.compare(arith::CmpFPredicate::OLE, score, lowest), length, found);
}

void SequenceSelector::protect(int64_t first, int64_t last, Value fixed) {
  Value greatest = integer(protectedKey), end = e.add(begin, length);
  e.loop(begin, e.add(begin, e.min(length, first)), [&](Value row) { e.store(greatest, keys, row); });
  e.loop(e.sub(end, e.min(length, last)), end, [&](Value row) { e.store(greatest, keys, row); });
  if (fixed)
    e.loop(begin, end,
           [&](Value row) { e.store(e.select(e.load(fixed, row), greatest, e.load(keys, row)), keys, row); });
}

Value SequenceSelector::count(arith::CmpIPredicate predicate, Value bounds) {
  Value sums = e.reduceVectors(
      length, vectorOf(0),
      [&](Value i, Value mask, Value sum) -> Value {
        Value found = arith::CmpIOp::create(e, predicate, e.loadVector(keys, e.add(begin, i), mask), bounds);
        return arith::AddIOp::create(e, sum, arith::ExtUIOp::create(e, vectorOfKeys, found));
      },
      [&](Value a, Value b) -> Value { return arith::AddIOp::create(e, a, b); });
  Value sum = vector::ReductionOp::create(e, vector::CombiningKind::ADD, sums);
  return arith::IndexCastOp::create(e, e.getIndexType(), sum);
}

std::pair<Value, Value> SequenceSelector::boundOf(Value wanted) {
  Emitter::Values inits = {integer(0)};
  Value bound = e.loop(e.index(0), e.index(32), e.index(1), inits, [&](Value step, ValueRange so) {
    Value shift = arith::SubIOp::create(e, integer(31), arith::IndexCastOp::create(e, e.getI32Type(), step));
    Value tried = arith::OrIOp::create(e, so[0], arith::ShLIOp::create(e, integer(1), shift));
    Value enough = arith::CmpIOp::create(e, arith::CmpIPredicate::uge,
                                         count(arith::CmpIPredicate::uge, splatOf(tried)), wanted);
    return Emitter::Values{e.select(enough, tried, so[0])};
  })[0];
  return {bound, count(arith::CmpIPredicate::ugt, splatOf(bound))};
}

void SequenceSelector::write(Value bound, Value ties, Value kept, Value at) {
  Emitter::Values inits = {at, ties};
  e.loop(begin, e.add(begin, length), e.index(1), inits, [&](Value row, ValueRange so) {
    Value key = e.load(keys, row);
    Value above = arith::CmpIOp::create(e, arith::CmpIPredicate::ugt, key, bound);
    Value isTie = arith::AndIOp::create(e, arith::CmpIOp::create(e, arith::CmpIPredicate::eq, key, bound),
                                        e.less(e.index(0), so[1]));
    Value stays = arith::OrIOp::create(e, above, isTie);
    e.when(stays, [&] { e.store(arith::IndexCastOp::create(e, e.getI64Type(), row), kept, so[0]); });
    return Emitter::Values{e.select(stays, e.add(so[0], 1), so[0]),
                           e.select(isTie, e.sub(so[1], e.index(1)), so[1])};
  });
}

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
    selector.protect(op.getFirst(), op.getLast(), fixed);
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
