//===- Folding.h - The folder of the onnx dialect -----------------------------------------------------===//
#ifndef TAMIS_LIB_DIALECT_ONNX_IR_FOLDING_H
#define TAMIS_LIB_DIALECT_ONNX_IR_FOLDING_H

namespace tamis::onnx {
class ONNXDialect;

/// Adds the fold of all onnx ops: small results that are known become constants, ops that do nothing vanish.
void addFolder(ONNXDialect &dialect);
} // namespace tamis::onnx

#endif
