//===- TokenIndex.cpp - kernel.token_index: places of the real tokens ---------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"
#include "tamis/Codegen/Kernels/Mask.h"

#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis;

// A few thousand elements at most: one thread walks them, without branches.
LogicalResult KernelExpander::expand(kernel::TokenIndexOp op) {
  Emitter e = emitterAt(op);
  auto type = cast<MemRefType>(op.getMask().getType());
  if (type.getRank() != 2)
    return op.emitOpError("needs a mask [B, S]");
  Value batch = e.dim(op.getMask(), 0), length = e.dim(op.getMask(), 1), total = e.mul(batch, length);
  Value mask = e.flatten(op.getMask()), rows = e.flatten(op.getRows()), offsets = e.flatten(op.getOffsets());
  Type i64 = e.getI64Type();
  auto toI64 = [&](Value v) -> Value { return arith::IndexCastOp::create(e, i64, v); };
  bool check = op.getBinary() && !type.getElementType().isInteger(1);

  e.store(toI64(e.index(0)), offsets, e.index(0));
  Emitter::Values inits = {e.index(0), e.boolean(true)};
  Emitter::Values found = e.loop(e.index(0), batch, e.index(1), inits, [&](Value b, ValueRange outer) {
    Value base = e.mul(b, length);
    Emitter::Values inner = e.loop(e.index(0), length, e.index(1), outer, [&](Value s, ValueRange carried) {
      Value place = e.add(base, s);
      Value element = e.load(mask, place);
      Value kept = emitIsKept(e, element);
      // The number of rows so far is at most the place, so that this stays in bounds.
      e.store(toI64(place), rows, carried[0]);
      Value count = e.add(carried[0], arith::IndexCastUIOp::create(e, e.getIndexType(), kept));
      Value binary = carried[1];
      if (check) {
        Value weight = emitMaskWeight(e, element);
        Value one = e.compare(arith::CmpFPredicate::OEQ, weight, e.scalar(1));
        Value zero = e.compare(arith::CmpFPredicate::OEQ, weight, e.scalar(0));
        binary = arith::AndIOp::create(e, binary, arith::OrIOp::create(e, one, zero));
      }
      return Emitter::Values{count, binary};
    });
    e.store(toI64(inner[0]), offsets, e.add(b, 1));
    return inner;
  });
  if (check)
    rt::CheckOp::create(e, found[1],
                        "the mask holds a value that is neither 0 nor 1; compile with --keep-padding");
  rt::CountOp::create(e, 0, total);
  rt::CountOp::create(e, 1, found[0]);
  return success();
}
