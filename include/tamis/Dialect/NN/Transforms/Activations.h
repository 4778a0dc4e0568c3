//===- Activations.h - Activations of onnx as those of layers ------------------------------------------===//
#ifndef TAMIS_DIALECT_NN_TRANSFORMS_ACTIVATIONS_H
#define TAMIS_DIALECT_NN_TRANSFORMS_ACTIVATIONS_H

#include "tamis/Dialect/NN/IR/NNDialect.h"

namespace tamis::nn {

/// The activation that an onnx op is; None for another op.
Activation activationOf(mlir::Operation *op);

} // namespace tamis::nn

#endif
