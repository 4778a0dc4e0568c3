//===- AttentionSoftmax.cpp - Softmax over a block of attention scores --------------------------------===//
#include "AttentionSoftmax.h"
#include "tamis/Codegen/Kernels/VectorMath.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

static constexpr float infinity = std::numeric_limits<float>::infinity();
static Value toIndex(Emitter &e, Value v) { return arith::IndexCastOp::create(e, e.getIndexType(), v); }

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

void AttentionRows::emitBias(Emitter &e, Value at, Value keys, Value keyBegin, Value query) const {
  Value row = e.madd(bias.place(e, query), bias.strides[2], bias.base);
  e.either(
      bias.isContiguous,
      [&] {
        Value from = e.add(row, e.add(bias.firstPlace, keyBegin));
        e.forVectors(keys, [&](Value j, Value mask) {
          Value to = e.add(at, j);
          Value v = e.addF(e.loadVector(scratch, to), e.loadVector(bias.data, e.add(from, j), mask));
          e.storeVector(v, scratch, to);
        });
      },
      [&] {
        e.loop(e.index(0), keys, [&](Value j) {
          Value from = e.madd(bias.place(e, e.add(keyBegin, j)), bias.strides[3], row);
          Value to = e.add(at, j);
          e.store(e.addF(e.load(scratch, to), e.load(bias.data, from)), scratch, to);
        });
      });
}

void AttentionRows::emitRange(Emitter &e, Value at, Value padded, Value keyBegin, Value query) const {
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

void AttentionRows::emitRow(Emitter &e, Value at, Value padded, Value keys, Value keyBegin, Value query,
                            Value isFirst, Value maximumAt, Value sumAt, Value factorAt) const {
  // Without softcap and bias, the scale is applied as the scores are read, twice; not so a scale that would
  // not keep the -infinity of masked keys.
  bool scaled = bias.data || softcap != 0 || !(scale > 0);
  if (scaled)
    e.forVectors(
        padded,
        [&](Value j, Value) {
          Value v = e.mulF(e.loadVector(scratch, e.add(at, j)), e.vector(scale));
          if (softcap != 0)
            v = e.mulF(emitTanh(e, e.mulF(v, e.vector(1 / softcap))), e.vector(softcap));
          e.storeVector(v, scratch, e.add(at, j));
        },
        /*isWhole=*/true);
  if (bias.data)
    emitBias(e, at, keys, keyBegin, query);
  if (causal || window)
    emitRange(e, at, padded, keyBegin, query);

  auto score = [&](Value j) {
    Value v = e.loadVector(scratch, e.add(at, j)), mask = e.loadVector(scratch, e.add(maskAt, j));
    return scaled ? e.addF(v, mask) : e.fma(v, e.vector(scale), mask);
  };
  auto greater = [&](Value a, Value b) { return e.maxF(a, b); };
  Value greatest = e.reduceVectors(
      padded, e.vector(-infinity), [&](Value j, Value, Value sofar) { return e.maxF(score(j), sofar); },
      greater,
      /*isWhole=*/true);
  Value maximum = e.reduceMax(greatest);
  auto isNone = [&](Value m) { return e.compare(arith::CmpFPredicate::OEQ, m, e.scalar(-infinity)); };
  // What earlier blocks have: their maximum, their sum rescaled to the new maximum, and the factor that does
  // so.
  Emitter::Values earlier = e.decide(
      isFirst, [&] { return Emitter::Values{maximum, e.scalar(0), e.scalar(0)}; },
      [&] {
        Value before = e.load(scratch, maximumAt);
        Value joined = e.maxF(before, maximum);
        Value safe = e.select(isNone(joined), e.scalar(0), joined);
        Value factor = vector::ExtractOp::create(e, emitExpOfNegative(e, e.splat(e.subF(before, safe))),
                                                 ArrayRef<int64_t>{0});
        return Emitter::Values{joined, e.mulF(e.load(scratch, sumAt), factor), factor};
      });
  maximum = earlier[0];
  // A row without keys subtracts 0, so that all its weights become 0 rather than NaN.
  Value subtrahend = e.splat(e.select(isNone(maximum), e.scalar(0), maximum));
  Value sum = e.reduceVectors(
      padded, e.vector(0),
      [&](Value j, Value, Value sofar) {
        Value weight = emitExpOfNegative(e, e.subF(score(j), subtrahend));
        e.storeVector(weight, scratch, e.add(at, j));
        return e.addF(sofar, weight);
      },
      [&](Value a, Value b) { return e.addF(a, b); }, /*isWhole=*/true);
  e.store(maximum, scratch, maximumAt);
  e.store(e.addF(earlier[1], e.reduceAdd(sum)), scratch, sumAt);
  e.store(earlier[2], scratch, factorAt);
}
