//===- Tensors.h - TensorProtos, checked ---------------------------------------------------------------===//
#ifndef TAMIS_LIB_IMPORT_TENSORS_H
#define TAMIS_LIB_IMPORT_TENSORS_H

#include "ModelFile.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

namespace tamis::import {

/// The element type that ONNX numbers so; null for those that are not supported (strings, complex, fp8,
/// 4-bit).
mlir::Type elementType(mlir::MLIRContext *context, int64_t dataType);
/// The same for tensors in files and between nodes, which may have 4 bits: i4, ui4.
mlir::Type storedElementType(mlir::MLIRContext *context, int64_t dataType);
/// "FLOAT16", or "type 77" where ONNX knows no such type.
std::string elementTypeName(int64_t dataType);

/// Where the elements of a tensor are: in a file, from `offset` on, or in `bytes`.
struct Tensor {
  mlir::RankedTensorType type;
  bool isInFile = false;
  std::string file; // Relative to the model's folder.
  uint64_t offset = 0;
  std::string bytes; // Little-endian, row-major; elements of 4 bits in pairs, the lower half first.
};

/// Checks a tensor in full: type, shape, size of its data. External files are opened, and read only where the
/// tensor is small. On failure the result is empty and `error` is a sentence without its subject ("has no
/// data").
std::optional<Tensor> readTensor(mlir::MLIRContext *context, const ModelFile &file,
                                 const pb::TensorProto &proto, std::string &error);
/// A sparse tensor as a dense one.
std::optional<Tensor> readSparse(mlir::MLIRContext *context, const ModelFile &file,
                                 const pb::SparseTensorProto &proto, std::string &error);

/// Too large for any memory, whatever the sizes are that are not known yet: products of sizes then do not
/// overflow.
bool isTooLarge(mlir::RankedTensorType type);
/// True for tensors that are onnx.Constant in the IR: integers and bools of at most 1024 elements, others of
/// at most 16.
bool isSmallConstant(mlir::RankedTensorType type);
/// The elements of a small tensor. Fails when a file cannot be read.
mlir::DenseElementsAttr readElements(const ModelFile &file, const Tensor &tensor);
/// A vector of bytes that are all the same, as zero points mostly are, as a constant of any size; null for
/// any other tensor, and for one in an external file.
mlir::DenseElementsAttr readUniformBytes(const ModelFile &file, const Tensor &tensor);
/// The elements of a large tensor whose bytes are no range of a file.
mlir::ElementsAttr makeElements(const Tensor &tensor, llvm::StringRef name);

} // namespace tamis::import

#endif
