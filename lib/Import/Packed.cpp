//===- Packed.cpp - Weights of few bits, and pieces of weights -----------------------------------------===//
#include "Packed.h"

#include "tamis/Dialect/Weight/IR/WeightDialect.h"

using namespace mlir;

namespace tamis::import {

Value unpack(Node &node, Value x, int64_t bits) {
  return bits == 8 ? x : node.make<onnx::UnpackBitsOp>(x, bits);
}

Value reshape(Node &node, Value x, ArrayRef<int64_t> shape) {
  return node.make<onnx::ReshapeOp>(x, node.makeIntegers(shape), /*allowzero=*/false);
}

Value sliceOf(Node &node, Value x, int64_t axis, int64_t begin, int64_t size) {
  return node.make<onnx::SliceOp>(x, node.makeIntegers({begin}), node.makeIntegers({begin + size}),
                                  ArrayRef<int64_t>{axis}, ArrayRef<int64_t>{1});
}

LogicalResult checkCount(Node &node, unsigned i, int64_t count, StringRef what) {
  auto type = Node::type(node.input(i));
  if (type.hasStaticShape() && type.getNumElements() == count)
    return success();
  return node.fail("has " + what + " of " +
                       (type.hasStaticShape() ? Twine(type.getNumElements()).str() : "an unknown number of") +
                       " elements, but its sizes, bits and block_size need " + Twine(count),
                   quantizeAgain);
}

bool isKnown(Value value) { return isa_and_nonnull<onnx::ConstantOp, weight::LoadOp>(value.getDefiningOp()); }

} // namespace tamis::import
