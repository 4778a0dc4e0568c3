//===- TensorCopy.cpp - Tensors with memory of their own from others ------------------------===//

#include "TensorCopy.h"

#include <cstring>

namespace tamis::tools {

Tensor copyOf(const TamisValue &value) {
  Tensor copy = Tensor::allocate(value.type, dimsOf(value), "a copy");
  if (copy.bytes())
    std::memcpy(copy.data(), value.data, copy.bytes());
  return copy;
}

TensorMap copyOf(const TensorMap &tensors) {
  TensorMap copies;
  for (const auto &[name, tensor] : tensors)
    copies.emplace(name, copyOf(tensor.value()));
  return copies;
}

} // namespace tamis::tools
