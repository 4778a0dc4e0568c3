//===- TensorCopy.h - Tensors with memory of their own from others --------------------------===//
#ifndef TAMIS_TOOLS_TENSORCOPY_H
#define TAMIS_TOOLS_TENSORCOPY_H

#include "Tensor.h"

namespace tamis::tools {

/// Throws as Tensor::allocate does.
Tensor copyOf(const TamisValue &value);
TensorMap copyOf(const TensorMap &tensors);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_TENSORCOPY_H
