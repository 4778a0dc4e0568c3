//===- TokenProtect.cpp - kernel.token_protect: rows whose tokens are among some ids ------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"

using namespace mlir;
using namespace tamis;

LogicalResult KernelExpander::expand(kernel::TokenProtectOp op) {
  Emitter e = emitterAt(op);
  Value rows = e.dim(op.getIds(), 0), ids = e.flatten(op.getIds()), flags = e.flatten(op.getFlags());
  auto type = cast<IntegerType>(op.getIds().getType().getElementType());
  Value bytes = e.index(type.getWidth() / 8 + 1);
  e.parallel(rows, grainForBytes(e, bytes), "token.protect", e.index(0), e.mul(rows, bytes),
             [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value row) {
                 Value id = e.load(ids, row), found = e.boolean(false);
                 for (int64_t value : op.getValues()) {
                   Value wanted = arith::ConstantOp::create(e, e.getIntegerAttr(type, value));
                   found = arith::OrIOp::create(e, found, e.equal(id, wanted));
                 }
                 e.store(found, flags, row);
               });
             });
  return success();
}
