//===- AttentionSoftmax.cpp - Softmax over a block of attention scores --------------------------------===//
#include "AttentionSoftmax.h"
#include "tamis/Codegen/Kernels/Mask.h"
#include "tamis/Codegen/Kernels/VectorMath.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

static constexpr float infinity = std::numeric_limits<float>::infinity();
static Value toIndex(Emitter &e, Value v) { return arith::IndexCastOp::create(e, e.getIndexType(), v); }

void tamis::emitKeyMask(Emitter &e, Value scratch, Value at, Value keys, Value mask, Value maskAt,
                        llvm::function_ref<Value(Value)> rowOf) {
  Value off = e.scalar(-infinity), on = e.scalar(0);
  e.loop(e.index(0), keys, [&](Value j) {
    Value kept = emitIsKept(e, e.load(mask, e.add(maskAt, rowOf ? rowOf(j) : j)));
    e.store(e.select(kept, on, off), scratch, e.add(at, j));
  });
}

void AttentionBias::locate(Emitter &e, Value positionsOfRows, Value row, Value rows) {
  positions = positionsOfRows;
  firstRow = row;
  isContiguous = e.equal(strides[3], e.index(1));
  firstPlace = e.index(0);
  if (!positions)
    return;
  // Places ascend: they are contiguous when the last one is as far from the first as their number says.
  Emitter::Values found = e.decide(
      e.less(e.index(0), rows),
      [&] {
        Value first = toIndex(e, e.load(positions, row));
        Value last = toIndex(e, e.load(positions, e.sub(e.add(row, rows), e.index(1))));
        return Emitter::Values{first, e.equal(e.add(e.sub(last, first), 1), rows)};
      },
      [&] { return Emitter::Values{e.index(0), e.boolean(true)}; });
  firstPlace = found[0];
  isContiguous = arith::AndIOp::create(e, isContiguous, found[1]);
}

Value AttentionBias::place(Emitter &e, Value i) const {
  return positions ? toIndex(e, e.load(positions, e.add(firstRow, i))) : i;
}

AttentionRows::AttentionRows(Emitter &e, kernel::AttentionOp op, Value scratch)
    : scratch(scratch), scale(op.getScale().convertToFloat()), softcap(op.getSoftcap().convertToFloat()),
      window(op.getWindow()), causal(op.getCausal()) {}

void AttentionRows::setBlock(Emitter &e, Value keyBegin, Value keys, Value padded,
                             std::optional<LeftRows> weights) {
  this->keyBegin = keyBegin;
  this->keys = keys;
  this->padded = padded;
  this->weights = weights;
}

void AttentionRows::emitScaled(Emitter &e, Value at) const {
  e.forVectors(
      padded,
      [&](Value j, Value) {
        Value v = e.mulF(e.loadVector(scratch, e.add(at, j)), e.vector(scale));
        if (softcap != 0)
          v = e.mulF(emitTanh(e, e.mulF(v, e.vector(1 / softcap))), e.vector(softcap));
        e.storeVector(v, scratch, e.add(at, j));
      },
      /*isWhole=*/true);
}

/// Finite scores far below any that counts, as masks make them, all become this one: a row that has no others
/// is then their mean, as in the model. A power of 2, so that its product with log2 e is exact and none above
/// it is so large that what is lost of the product is more than a factor that floats hold. -inf stays what it
/// is.
static constexpr float lowestFinite = -0x1p30f;

static Value raiseLowest(Emitter &e, Value v) {
  bool isVector = isa<VectorType>(v.getType());
  auto number = [&](float f) { return isVector ? e.vector(f) : e.scalar(f); };
  Value isExcluded = e.compare(arith::CmpFPredicate::OEQ, v, number(-infinity));
  return e.select(isExcluded, v, e.maxF(v, number(lowestFinite)));
}

void AttentionRows::emitBias(Emitter &e, Value at, Value query) const {
  Value row = e.madd(bias.place(e, query), bias.strides[2], bias.base);
  e.either(
      bias.isContiguous,
      [&] {
        Value from = e.add(row, e.add(bias.firstPlace, keyBegin));
        e.forVectors(keys, [&](Value j, Value mask) {
          Value to = e.add(at, j);
          Value v = e.addF(e.loadVector(scratch, to), e.loadVector(bias.data, e.add(from, j), mask));
          e.storeVector(raiseLowest(e, v), scratch, to);
        });
      },
      [&] {
        e.loop(e.index(0), keys, [&](Value j) {
          Value from = e.madd(bias.place(e, e.add(keyBegin, j)), bias.strides[3], row);
          Value to = e.add(at, j);
          e.store(raiseLowest(e, e.addF(e.load(scratch, to), e.load(bias.data, from))), scratch, to);
        });
      });
}

void AttentionRows::emitRange(Emitter &e, Value at, Value query) const {
  auto type = VectorType::get(e.getWidth(), e.getI32Type());
  auto splat = [&](Value v) -> Value {
    return vector::BroadcastOp::create(e, type, arith::IndexCastOp::create(e, e.getI32Type(), v));
  };
  SmallVector<int32_t> numbers;
  for (int64_t i = 0; i < e.getWidth(); ++i)
    numbers.push_back(i);
  Value lanes = arith::ConstantOp::create(e, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
  Value centre = e.add(query, alignment);
  Value low = splat(e.sub(centre, e.index(window / 2))), high = splat(e.add(centre, window / 2)),
        self = splat(centre);
  e.forVectors(
      padded,
      [&](Value j, Value) {
        Value key = arith::AddIOp::create(e, splat(e.add(keyBegin, j)), lanes);
        Value v = e.loadVector(scratch, e.add(at, j));
        auto keepWhere = [&](arith::CmpIPredicate predicate, Value bound) {
          Value kept = arith::CmpIOp::create(e, predicate, key, bound);
          v = e.select(kept, v, e.vector(-infinity));
        };
        if (causal)
          keepWhere(arith::CmpIPredicate::sle, self);
        if (window) {
          keepWhere(arith::CmpIPredicate::sge, low);
          keepWhere(arith::CmpIPredicate::sle, high);
        }
        e.storeVector(v, scratch, e.add(at, j));
      },
      /*isWhole=*/true);
}

Value AttentionRows::emitGreatest(Emitter &e, Value at) const {
  int64_t width = e.getWidth();
  Value lowest = e.vector(-infinity), whole = e.mul(e.div(keys, width), width);
  auto score = [&](Value j) {
    Value v = e.loadVector(scratch, e.add(at, j));
    return maskAt ? e.addF(v, e.loadVector(scratch, e.add(maskAt, j))) : v;
  };
  auto greater = [&](Value a, Value b) { return e.maxF(a, b); };
  Value greatest = e.reduceVectors(
      whole, lowest,
      [&](Value j, Value, Value sofar) {
        Value v = score(j);
        if (maskAt)
          e.storeVector(v, scratch, e.add(at, j));
        return e.maxF(v, sofar);
      },
      greater, /*isWhole=*/true);
  return e.loop(whole, padded, e.index(width), greatest, [&](Value j, ValueRange sofar) {
    Value v = e.select(e.maskOf(e.sub(e.max(keys, j), j)), score(j), lowest);
    e.storeVector(v, scratch, e.add(at, j));
    return Emitter::Values{e.maxF(v, sofar[0])};
  })[0];
}

Value AttentionRows::emitSum(Emitter &e, Value i, Value at, Value subtrahend) const {
  Value power = e.vector(powerScale());
  auto add = [&](Value a, Value b) { return e.addF(a, b); };
  auto weight = [&](Value j, Exp2Error error) {
    Value v = e.fma(e.loadVector(scratch, e.add(at, j)), power, subtrahend);
    return emitExp2OfNegative(e, v, error);
  };
  if (!weights)
    return e.reduceVectors(
        padded, e.vector(0),
        [&](Value j, Value, Value sofar) {
          Value w = weight(j, Exp2Error::Float);
          e.storeVector(w, scratch, e.add(at, j));
          return e.addF(sofar, w);
        },
        add, /*isWhole=*/true);
  Exp2Error error = weights->form == LeftForm::BF16 ? Exp2Error::BF16 : Exp2Error::Float;
  Value begin = weights->begin(e, i);
  int64_t width = e.getWidth();
  Emitter::Values inits(2, e.vector(0));
  Emitter::Values sums =
      e.loop(e.index(0), padded, e.index(2 * width), inits, [&](Value j, ValueRange sofar) {
        Value low = weight(j, error), high = weight(e.add(j, width), error);
        weights->storeTileRow(e, low, high, begin, j);
        return Emitter::Values{e.addF(sofar[0], low), e.addF(sofar[1], high)};
      });
  return add(sums[0], sums[1]);
}

// Without softcap and bias, the scale is applied as the weights are computed; not so a scale under which the
// greatest score is not the greatest one before it.
bool AttentionRows::isScaledFirst() const { return bias.data || softcap != 0 || !(scale > 0); }

// e^(scale (s - m)) = 2^(s c - m c). The rounding of m c scales all weights of the row alike.
float AttentionRows::powerScale() const { return isScaledFirst() ? log2OfE : scale * log2OfE; }

// Scores that are not scaled yet take the bias divided by the scale.
void AttentionRows::emitKeyBias(Emitter &e, Value at, Value keys, Value keyBias, Value from) const {
  Value factor = e.vector(isScaledFirst() ? 1 : 1 / scale);
  e.forVectors(keys, [&](Value j, Value mask) {
    Value v = e.mulF(e.loadVector(keyBias, e.add(from, j), mask), factor);
    e.storeVector(v, scratch, e.add(at, j), mask);
  });
}

Value tamis::emitFiniteMaximum(Emitter &e, Value maximum) {
  Value isNone = e.compare(arith::CmpFPredicate::OEQ, maximum, e.scalar(-infinity));
  return e.select(isNone, e.scalar(0), maximum);
}

void AttentionRows::emitMaximum(Emitter &e, Value at, Value query, Value isFirst, Value maximumAt,
                                Value factorAt) const {
  if (isScaledFirst())
    emitScaled(e, at);
  if (bias.data)
    emitBias(e, at, query);
  if (causal || window)
    emitRange(e, at, query);
  Value maximum = e.mulF(e.reduceMax(emitGreatest(e, at)), e.scalar(powerScale()));
  e.either(
      isFirst, [&] { e.store(maximum, scratch, maximumAt); },
      [&] {
        Value before = e.load(scratch, maximumAt), joined = e.maxF(before, maximum);
        Value factor = emitExp2OfNegative(e, e.splat(e.subF(before, emitFiniteMaximum(e, joined))));
        e.store(joined, scratch, maximumAt);
        e.store(vector::ExtractOp::create(e, factor, ArrayRef<int64_t>{0}), scratch, factorAt);
      });
}

void AttentionRows::emitWeights(Emitter &e, Value i, Value at, Value isFirst, Value maximumAt, Value factorAt,
                                Value sumAt) const {
  Value subtrahend = e.splat(e.subF(e.scalar(0), emitFiniteMaximum(e, e.load(scratch, maximumAt))));
  Value sum = e.reduceAdd(emitSum(e, i, at, subtrahend));
  e.either(
      isFirst, [&] { e.store(sum, scratch, sumAt); },
      [&] {
        Value before = e.mulF(e.load(scratch, sumAt), e.load(scratch, factorAt));
        e.store(e.addF(before, sum), scratch, sumAt);
      });
}
