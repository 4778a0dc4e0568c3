//===- BF16.cpp - Rounding f32 to one bf16 or to the sum of two ---------------------------------------===//
#include "BF16.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace tamis;

static Value intrinsic(Emitter &e, StringRef name, int64_t lanes, ValueRange operands) {
  auto type = VectorType::get(lanes, e.getBF16Type());
  return LLVM::CallIntrinsicOp::create(e, type, e.getStringAttr(name), operands).getResult(0);
}
static Value round(Emitter &e, Value x) {
  return intrinsic(e, "llvm.x86.avx512bf16.cvtneps2bf16.512", e.getWidth(), {x});
}
static Value roundPair(Emitter &e, Value low, Value high) {
  return intrinsic(e, "llvm.x86.avx512bf16.cvtne2ps2bf16.512", 2 * e.getWidth(), {high, low});
}
static Value restOf(Emitter &e, Value x, Value lead) {
  Value rest = e.subF(x, e.extendBF16(lead));
  // Infinity has no rest: infinity less infinity would be NaN.
  return e.select(e.compare(arith::CmpFPredicate::ORD, rest, rest), rest, e.vector(0));
}

Emitter::Values tamis::roundToTerms(Emitter &e, Value x, bool split) {
  Value lead = round(e, x);
  if (!split)
    return {lead};
  return {lead, round(e, restOf(e, x, lead))};
}

Emitter::Values tamis::roundPairToTerms(Emitter &e, Value low, Value high, bool split) {
  Value lead = roundPair(e, low, high);
  if (!split)
    return {lead};
  auto half = [&](int64_t first) -> Value {
    return vector::ShuffleOp::create(e, lead, lead, llvm::to_vector(llvm::seq(first, first + e.getWidth())));
  };
  return {lead, roundPair(e, restOf(e, low, half(0)), restOf(e, high, half(e.getWidth())))};
}
