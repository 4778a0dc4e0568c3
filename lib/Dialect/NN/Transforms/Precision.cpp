//===- Precision.cpp - The precisions of products with weights ----------------------------------------===//
#include "tamis/Dialect/NN/Transforms/Precision.h"

#include "llvm/ADT/StringSwitch.h"

#include <optional>

using namespace mlir;
using namespace tamis::nn;

FailureOr<Precision> tamis::nn::parsePrecision(Operation *op, StringRef name) {
  auto known = llvm::StringSwitch<std::optional<Precision>>(name)
                   .Case("f32", Precision::F32)
                   .Case("split-f32", Precision::SplitF32)
                   .Case("bf16", Precision::BF16)
                   .Case("int8", Precision::Int8)
                   .Default(std::nullopt);
  if (known)
    return *known;
  return op->emitError("there is no precision '") << name << "'; there are f32, split-f32, bf16 and int8";
}
