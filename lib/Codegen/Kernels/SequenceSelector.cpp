//===- SequenceSelector.cpp - The greatest scores of a sequence ---------------------------------------===//
#include "SequenceSelector.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <limits>

using namespace mlir;
using namespace tamis;

SequenceSelector::SequenceSelector(Emitter &e, Value keys, Value begin, Value length)
    : e(e), keys(keys), begin(begin), length(length),
      vectorOfKeys(VectorType::get(e.getWidth(), e.getI32Type())) {}

Value SequenceSelector::integer(uint32_t value) {
  return arith::ConstantOp::create(e, e.getI32IntegerAttr(static_cast<int32_t>(value)));
}

Value SequenceSelector::vectorOf(uint32_t value) {
  return arith::ConstantOp::create(
      e, DenseElementsAttr::get(vectorOfKeys, e.getI32IntegerAttr(static_cast<int32_t>(value))));
}

Value SequenceSelector::splatOf(Value key) { return vector::BroadcastOp::create(e, vectorOfKeys, key); }

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

void SequenceSelector::protect(Value first, Value last, Value fixed) {
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

Value SequenceSelector::each(Value bound, Value ties, Value init,
                             llvm::function_ref<Value(Value, Value)> body) {
  Emitter::Values inits = {init, ties};
  return e.loop(e.index(0), length, e.index(1), inits, [&](Value i, ValueRange so) {
    Value key = e.load(keys, e.add(begin, i));
    Value above = arith::CmpIOp::create(e, arith::CmpIPredicate::ugt, key, bound);
    Value isTie = arith::AndIOp::create(e, arith::CmpIOp::create(e, arith::CmpIPredicate::eq, key, bound),
                                        e.less(e.index(0), so[1]));
    Value stays = arith::OrIOp::create(e, above, isTie);
    Value next = e.decide(
        stays, [&] { return Emitter::Values{body(i, so[0])}; }, [&] { return Emitter::Values{so[0]}; })[0];
    return Emitter::Values{next, e.select(isTie, e.sub(so[1], e.index(1)), so[1])};
  })[0];
}

void SequenceSelector::write(Value bound, Value ties, Value kept, Value at) {
  each(bound, ties, at, [&](Value i, Value to) {
    e.store(arith::IndexCastOp::create(e, e.getI64Type(), e.add(begin, i)), kept, to);
    return e.add(to, 1);
  });
}
