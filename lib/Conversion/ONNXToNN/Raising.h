//===- Raising.h - What the stages of convert-onnx-to-nn share ---------------------------------------===//
//
// The pass runs in stages over one function. A stage walks the ops as they stood when it began; what it
// replaces stays behind without uses until the stage is over, so that the analyses stay valid.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef TAMIS_LIB_CONVERSION_ONNXTONN_RAISING_H
#define TAMIS_LIB_CONVERSION_ONNXTONN_RAISING_H

#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/ONNX/Analysis/Elements.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

namespace tamis::raising {

struct Counts {
  unsigned attention = 0, linear = 0, norm = 0, activation = 0, embedding = 0, pool = 0, experts = 0;
};

class Stage {
public:
  Stage(mlir::func::FuncOp function, Counts &counts, bool remarks)
      : function(function), counts(counts), builder(function.getContext()), shapes(function),
        elements(shapes), remarks(remarks) {}

  /// The value of a tensor of one element that does not depend on the model's inputs.
  std::optional<double> scalar(mlir::Value value);
  bool isScalar(mlir::Value value, double expected, double tolerance = 1e-4);
  /// Is every element of a tensor this number?
  bool isFilledWith(mlir::Value value, double number);
  /// For a commutative op: its scalar operand's value, and the other operand in `other`.
  std::optional<double> scalarOperand(mlir::Operation *op, mlir::Value &other);
  /// Puts `builder` before `op`, with its location or that of `named`.
  void buildAt(mlir::Operation *op, mlir::Operation *named = nullptr);
  mlir::Location location() const { return where; }
  /// An error at the node: the graph has no meaning that can be compiled.
  mlir::InFlightDiagnostic refuse(mlir::Operation *op) {
    refused = true;
    return mlir::emitError(op->getLoc());
  }
  bool hasRefused() const { return refused; }
  /// Says at the node why what looks like a layer is none, when asked for.
  void remark(mlir::Operation *op, const llvm::Twine &text);

  mlir::func::FuncOp function;
  Counts &counts;
  mlir::OpBuilder builder;
  onnx::SymbolicShapes shapes;
  onnx::Elements elements;

private:
  bool remarks, refused = false;
  mlir::Location where = mlir::UnknownLoc::get(function.getContext());
};

/// `value` before casts that change nothing.
mlir::Value skipIdleCasts(mlir::Value value);
inline mlir::RankedTensorType typeOf(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType());
}
inline bool isF32(mlir::Value value) { return typeOf(value).getElementType().isF32(); }

// The stages, in order.
void refineTypes(Stage &stage);
void readShapesFromArguments(Stage &stage);
void raiseActivations(Stage &stage);
void raiseNorms(Stage &stage);
void convertExperts(Stage &stage);
void raiseStaticQuantizedLinears(Stage &stage);
void raiseLinears(Stage &stage);
void raiseQuantizedLinears(Stage &stage);
void raiseEmbeddings(Stage &stage);
void raiseMaskedExperts(Stage &stage);
void raiseExpertLoops(Stage &stage);
void raiseDispatchedExperts(Stage &stage);
void raiseDenseExperts(Stage &stage);
void raiseGatheredExperts(Stage &stage);
void raisePooling(Stage &stage);
void raiseAttention(Stage &stage);

} // namespace tamis::raising

#endif
