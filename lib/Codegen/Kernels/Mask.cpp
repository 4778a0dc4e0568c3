//===- Mask.cpp - Elements of attention masks of any type ---------------------------------------------===//
#include "tamis/Codegen/Kernels/Mask.h"

using namespace mlir;
using namespace tamis;

Value tamis::emitIsKept(Emitter &e, Value element) {
  Type type = element.getType();
  if (type.isInteger(1))
    return element;
  Value zero = arith::ConstantOp::create(e, e.getZeroAttr(type));
  if (isa<FloatType>(type))
    return arith::CmpFOp::create(e, arith::CmpFPredicate::UNE, element, zero);
  return arith::CmpIOp::create(e, arith::CmpIPredicate::ne, element, zero);
}

Value tamis::emitMaskWeight(Emitter &e, Value element) {
  Type type = element.getType();
  if (type.isF32())
    return element;
  if (type.isInteger(1))
    return arith::UIToFPOp::create(e, e.getF32Type(), element);
  return arith::SIToFPOp::create(e, e.getF32Type(), element);
}
