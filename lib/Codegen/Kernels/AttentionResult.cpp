//===- AttentionResult.cpp - Rows of an attention's result --------------------------------------------===//
#include "AttentionResult.h"

using namespace mlir;
using namespace tamis;

Value tamis::emitInverseSum(Emitter &e, Value sum) {
  Value isEmpty = e.compare(arith::CmpFPredicate::OEQ, sum, e.scalar(0));
  return e.select(isEmpty, e.scalar(0), e.divF(e.scalar(1), sum));
}

void AttentionResult::emitRow(Emitter &e, Value products, Value from, Value row, Value column, Value factor,
                              Value sum, Value isFirst, Value isLast) const {
  Value to = e.madd(row, e.index(stride), column);
  auto emit = [&](bool first, bool last) {
    Value old, fresh;
    if (!first)
      old = e.splat(factor);
    if (last)
      fresh = e.splat(emitInverseSum(e, sum));
    e.forVectors(e.index(columns), [&](Value c, Value mask) {
      Value y = e.loadVector(products, e.add(from, c));
      if (!first)
        y = e.fma(e.loadVector(out, e.add(to, c), mask), old, y);
      if (last)
        y = e.mulF(y, fresh);
      store(e, y, row, column, c, mask, last);
    });
  };
  e.either(
      isFirst, [&] { e.either(isLast, [&] { emit(true, true); }, [&] { emit(true, false); }); },
      [&] { e.either(isLast, [&] { emit(false, true); }, [&] { emit(false, false); }); });
}

void AttentionResult::store(Emitter &e, Value y, Value row, Value column, Value c, Value mask,
                            bool last) const {
  if (storesF32 || !last)
    e.storeVector(y, out, e.add(e.madd(row, e.index(stride), column), c), mask);
  if (form && last)
    form->store(e, y, row, e.add(column, c));
}
