//===- Node.h - One node while it is imported ----------------------------------------------------------===//
#ifndef TAMIS_LIB_IMPORT_NODE_H
#define TAMIS_LIB_IMPORT_NODE_H

#include "ModelFile.h"
#include "Registry.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

namespace tamis::import {

class GraphImporter;

/// What a handler sees of a node. Ops are created with inferred types and folded at once. Once something has
/// failed, all that is made is null; so handlers need not check each step.
class Node {
public:
  Node(GraphImporter &importer, const pb::NodeProto &proto, int version, mlir::Location location,
       llvm::ArrayRef<mlir::Value> inputs);

  const pb::NodeProto &proto;
  const int version;
  GraphImporter &importer;

  unsigned numInputs() const { return inputs.size(); }
  unsigned numOutputs() const { return outputs.size(); }
  /// Null when the input is absent.
  mlir::Value input(unsigned i) const { return i < inputs.size() ? inputs[i] : mlir::Value(); }
  llvm::ArrayRef<mlir::Value> allInputs() const { return inputs; }
  /// True when the output has a name, so that something may read it.
  bool isUsed(unsigned i) const {
    return static_cast<int>(i) < proto.output_size() && !proto.output(i).empty();
  }
  void setOutput(unsigned i, mlir::Value value);
  /// As the handlers left them: null where one did not set it.
  llvm::ArrayRef<mlir::Value> getOutputs() const { return outputs; }

  // Attributes, which the registry has checked for their types.
  const pb::AttributeProto *attribute(llvm::StringRef name) const;
  int64_t integer(llvm::StringRef name, int64_t otherwise) const;
  bool flag(llvm::StringRef name, bool otherwise) const { return integer(name, otherwise) != 0; }
  float real(llvm::StringRef name, float otherwise) const;
  llvm::StringRef string(llvm::StringRef name, llvm::StringRef otherwise) const;
  std::optional<llvm::SmallVector<int64_t>> integers(llvm::StringRef name) const;

  static mlir::RankedTensorType type(mlir::Value value) {
    return llvm::cast<mlir::RankedTensorType>(value.getType());
  }
  int64_t rank(unsigned i = 0) const { return type(inputs[i]).getRank(); }
  mlir::Type element(unsigned i = 0) const { return type(inputs[i]).getElementType(); }

  /// Makes an axis of [-rank, rank) non-negative; fails with an error when it is out of range.
  llvm::FailureOr<int64_t> axis(int64_t axis, int64_t rank);
  /// The same for a list, which comes back ascending; fails when one is there twice.
  llvm::FailureOr<llvm::SmallVector<int64_t>> axes(llvm::ArrayRef<int64_t> axes, int64_t rank);
  /// The elements of an input that must be a constant; fails with an error that calls it `what`.
  llvm::FailureOr<llvm::SmallVector<int64_t>> constant(unsigned i, llvm::StringRef what);

  /// Fails with an error unless the input, called `what`, is absent or has elements of i64 (or also i32).
  llvm::LogicalResult checkIndex(unsigned i, llvm::StringRef what, bool orInt32 = false);

  /// Creates an op from operands and attributes (in the order of ODS), folds it, and gives its result.
  template <typename OpTy, typename... Args> mlir::Value make(Args &&...args) {
    return makeTyped<OpTy>(builder.getF32Type(), std::forward<Args>(args)...);
  }
  /// For ops whose element type only their result carries.
  template <typename OpTy, typename... Args> mlir::Value makeTyped(mlir::Type element, Args &&...args) {
    if (failed)
      return {};
    auto provisional = mlir::RankedTensorType::get({}, element);
    mlir::Operation *op = OpTy::create(builder, location, provisional, std::forward<Args>(args)...);
    auto results = finish(op);
    return results.empty() ? mlir::Value() : results.front();
  }
  /// The same for ops of several results.
  template <typename OpTy, typename... Args>
  llvm::SmallVector<mlir::Value> makeMany(unsigned count, Args &&...args) {
    if (failed)
      return llvm::SmallVector<mlir::Value>(count);
    llvm::SmallVector<mlir::Type> types(count, mlir::RankedTensorType::get({}, builder.getF32Type()));
    auto results = finish(OpTy::create(builder, location, types, std::forward<Args>(args)...));
    results.resize(count);
    return results;
  }
  mlir::Value makeCast(mlir::Value value, mlir::Type element);
  mlir::Value makeConstant(mlir::DenseElementsAttr value) {
    return make<onnx::ConstantOp>(mlir::ElementsAttr(value));
  }
  mlir::Value makeIntegers(llvm::ArrayRef<int64_t> values);
  /// A scalar of a float or integer type.
  mlir::Value makeScalar(double value, mlir::Type element);

  /// Reports an error about this node: "reason", and what the user can do about it. Only the first one
  /// counts.
  llvm::LogicalResult fail(const llvm::Twine &reason, const llvm::Twine &remedy = "");
  bool hasFailed() const { return failed; }

  mlir::OpBuilder &builder;
  const mlir::Location location;

private:
  llvm::SmallVector<mlir::Value> finish(mlir::Operation *op);

  llvm::SmallVector<mlir::Value> inputs, outputs;
  bool failed = false;
};

} // namespace tamis::import

#endif
