//===- Folding.cpp - The folder of the onnx dialect ---------------------------------------------------===//
#include "Folding.h"

#include "Inference.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/FoldInterfaces.h"
#include "tamis/Dialect/ONNX/IR/KnownElements.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tamis::onnx;

/// Same type, and at most one size open, so that the number of elements decides it.
static bool isSameShape(RankedTensorType from, RankedTensorType to) {
  return from == to && from.getNumDynamicDims() <= 1 && !llvm::is_contained(from.getShape(), 0);
}

static bool takesAll(SliceOp op) {
  auto starts = constantIntegers(op.getStarts()), ends = constantIntegers(op.getEnds());
  if (!starts || !ends || op.getData().getType() != op.getY().getType())
    return false;
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    int64_t size = tensorType(op.getData()).getDimSize(axis);
    if ((*starts)[i] != 0 || op.getSteps()[i] != 1 || (*ends)[i] < (size == dynamicSize ? INT32_MAX : size))
      return false;
  }
  return true;
}

/// The operand that the op's result equals, if any.
static Value findIdentity(Operation *op) {
  return TypeSwitch<Operation *, Value>(op)
      .Case([](ReshapeOp op) {
        return isSameShape(tensorType(op.getData()), tensorType(op.getReshaped())) ? op.getData() : Value();
      })
      .Case([](FlattenOp op) {
        return op.getAxis() == 1 && tensorType(op.getX()).getRank() == 2 ? op.getX() : Value();
      })
      .Case([](ExpandOp op) {
        if (op.getX().getType() != op.getY().getType())
          return Value();
        auto target = constantIntegers(op.getShape());
        bool ones = target && llvm::all_of(*target, [](int64_t size) { return size == 1; });
        return ones || tensorType(op.getX()).hasStaticShape() ? op.getX() : Value();
      })
      .Case([](TileOp op) {
        auto repeats = constantIntegers(op.getRepeats());
        return repeats && llvm::all_of(*repeats, [](int64_t count) { return count == 1; }) ? op.getX()
                                                                                           : Value();
      })
      .Case([](SqueezeOp op) { return op.getAxes().empty() ? op.getData() : Value(); })
      .Case([](UnsqueezeOp op) { return op.getAxes().empty() ? op.getData() : Value(); })
      .Case([](ConcatOp op) { return op.getInputs().size() == 1 ? op.getInputs().front() : Value(); })
      .Case([](SplitOp op) {
        return op.getNumResults() == 1 && op.getX().getType() == op.getParts()[0].getType() ? op.getX()
                                                                                            : Value();
      })
      .Case([](SliceOp op) { return takesAll(op) ? op.getData() : Value(); })
      .Default([](Operation *) { return Value(); });
}

namespace {
struct Folder : DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;

  LogicalResult fold(Operation *op, ArrayRef<Attribute>,
                     SmallVectorImpl<OpFoldResult> &results) const override {
    if (isa<ConstantOp>(op))
      return failure();
    if (Value same = findIdentity(op); same && same.getType() == op->getResult(0).getType()) {
      results.push_back(same);
      return success();
    }
    for (auto [known, type] : llvm::zip_equal(evaluate(op), op->getResultTypes())) {
      DenseElementsAttr constant = known ? makeConstant(cast<ShapedType>(type), *known) : DenseElementsAttr();
      if (!constant) {
        results.clear();
        return failure();
      }
      results.push_back(constant);
    }
    return success();
  }
};
} // namespace

void tamis::onnx::addFolder(ONNXDialect &dialect) { dialect.addInterfaces<Folder>(); }
