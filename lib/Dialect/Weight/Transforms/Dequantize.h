//===- Dequantize.h - Dequantised weights as transforms -------------------------------------------===//
#ifndef TAMIS_LIB_DIALECT_WEIGHT_TRANSFORMS_DEQUANTIZE_H
#define TAMIS_LIB_DIALECT_WEIGHT_TRANSFORMS_DEQUANTIZE_H

#include "mlir/IR/Builders.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

namespace tamis::weight {

/// weight.dequantize for integers that are known, when they are too many to be a constant in the IR; else
/// null.
mlir::Value foldDequantize(mlir::OpBuilder &builder, onnx::DequantizeLinearOp op);
/// The same for (Cast(w) - Cast(zero point)) * scale of 8-bit weights, as quantisers of weights alone write
/// it.
mlir::Value foldScaledCast(mlir::OpBuilder &builder, onnx::MulOp op);

} // namespace tamis::weight

#endif
