//===- ConvertONNXToNN.cpp - The pass convert-onnx-to-nn and what its stages share --------------------===//
#include "Raising.h"
#include "mlir/IR/Iterators.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "tamis/Conversion/Passes.h"
#include "tamis/Dialect/MoE/IR/MoEDialect.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"

namespace tamis {
#define GEN_PASS_DEF_CONVERTONNXTONN
#include "tamis/Conversion/Passes.h.inc"
} // namespace tamis

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

Value raising::skipIdleCasts(Value value) {
  while (auto cast = value.getDefiningOp<onnx::CastOp>()) {
    if (typeOf(cast.getX()).getElementType() != typeOf(cast.getY()).getElementType())
      break;
    value = cast.getX();
  }
  return value;
}

std::optional<double> Stage::scalar(Value value) {
  RankedTensorType type = typeOf(value);
  if (!type.hasStaticShape() || type.getNumElements() != 1)
    return std::nullopt;
  const onnx::Element *element =
      elements.build({value, SmallVector<onnx::Polynomial, 4>(type.getRank(), onnx::Polynomial())});
  if (element->kind != onnx::Element::Number)
    return std::nullopt;
  return element->number;
}

bool Stage::isScalar(Value value, double expected, double tolerance) {
  std::optional<double> number = scalar(value);
  return number && std::fabs(*number - expected) <= tolerance * std::fabs(expected);
}

bool Stage::isFilledWith(Value value, double number) {
  SmallVector<onnx::Polynomial, 4> place;
  for (const onnx::Polynomial &size : shapes.sizes(value))
    place.push_back(shapes.newIndex(size));
  return elements.build({value, place})->isNumber(number);
}

std::optional<double> Stage::scalarOperand(Operation *op, Value &other) {
  for (unsigned i : {1u, 0u}) {
    std::optional<double> number = scalar(op->getOperand(i));
    // A tensor of one element but more dimensions would change the shape.
    if (number && typeOf(op->getOperand(i)).getRank() <= typeOf(op->getOperand(1 - i)).getRank()) {
      other = op->getOperand(1 - i);
      return number;
    }
  }
  return std::nullopt;
}

void Stage::buildAt(Operation *op, Operation *named) {
  builder.setInsertionPoint(op);
  where = (named ? named : op)->getLoc();
}

void Stage::remark(Operation *op, const Twine &text) {
  if (remarks)
    emitRemark(op->getLoc(), text);
}

void raising::refineTypes(Stage &stage) {
  stage.function.walk([&](Operation *op) {
    for (Value result : op->getResults()) {
      auto type = dyn_cast<RankedTensorType>(result.getType());
      if (!type || type.hasStaticShape() || op->getName().getDialectNamespace() != "onnx")
        continue;
      SmallVector<int64_t> shape(type.getShape());
      for (auto [i, size] : llvm::enumerate(stage.shapes.sizes(result)))
        if (std::optional<int64_t> constant = size.constant();
            type.isDynamicDim(i) && constant && *constant >= 0)
          shape[i] = *constant;
      result.setType(type.clone(shape));
    }
  });
  auto *terminator = stage.function.getBody().front().getTerminator();
  stage.function.setFunctionType(FunctionType::get(
      stage.function.getContext(), stage.function.getArgumentTypes(), terminator->getOperandTypes()));
}

/// Shape vectors whose elements are constants or sizes of arguments, made from those: a value is not computed
/// for its shape, and does not stand in the way of packing.
void raising::readShapesFromArguments(Stage &stage) {
  SmallVector<Operation *> ops;
  stage.function.walk([&](Operation *op) {
    if (op->getNumResults() == 1 && op->getNumOperands() > 0 &&
        !op->getOperand(0).getDefiningOp<onnx::ShapeOp>())
      ops.push_back(op);
  });
  auto vector = RankedTensorType::get({1}, stage.builder.getI64Type());
  for (Operation *op : ops) {
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    auto shape = dyn_cast<onnx::ShapeOp>(op);
    bool fromArgument = shape && isa<BlockArgument>(shape.getX());
    if (!type || !type.getElementType().isSignlessInteger(64) || type.getRank() > 1 ||
        !type.hasStaticShape() || type.getNumElements() == 0 || fromArgument)
      continue;
    const onnx::Integers *elements = stage.shapes.integers(op->getResult(0));
    auto known = [&](const std::optional<onnx::Polynomial> &element) {
      return element && (element->constant() || stage.shapes.source(*element));
    };
    if (!elements || static_cast<int64_t>(elements->size()) != type.getNumElements() ||
        !llvm::all_of(*elements, known))
      continue;
    stage.buildAt(op);
    SmallVector<Value> parts;
    bool sizes = false;
    for (const std::optional<onnx::Polynomial> &element : onnx::Integers(*elements)) {
      if (std::optional<int64_t> constant = element->constant()) {
        parts.push_back(onnx::ConstantOp::create(
            stage.builder, stage.location(), DenseElementsAttr::get(vector, ArrayRef<int64_t>{*constant})));
        continue;
      }
      auto [argument, dimension] = *stage.shapes.source(*element);
      parts.push_back(
          onnx::ShapeOp::create(stage.builder, stage.location(), vector, argument, dimension, dimension + 1));
      sizes = true;
    }
    Value result = parts.front();
    if (!sizes) {
      SmallVector<int64_t> constants;
      for (const std::optional<onnx::Polynomial> &element : *elements)
        constants.push_back(*element->constant());
      result = onnx::ConstantOp::create(stage.builder, stage.location(),
                                        DenseElementsAttr::get(type, ArrayRef<int64_t>(constants)));
    } else if (type.getRank() == 0) {
      result = onnx::SqueezeOp::create(stage.builder, stage.location(), type, result, ArrayRef<int64_t>{0});
    } else if (parts.size() > 1) {
      result = onnx::ConcatOp::create(stage.builder, stage.location(), type, parts, 0);
    }
    op->getResult(0).replaceAllUsesWith(result);
  }
}

/// Erases what has no use, back to front.
static void eraseDead(func::FuncOp function) {
  SmallVector<Operation *> ops;
  function.walk<WalkOrder::PostOrder, ReverseIterator>([&](Operation *op) { ops.push_back(op); });
  for (Operation *op : ops)
    if (isOpTriviallyDead(op))
      op->erase();
}

namespace {
struct ConvertONNXToNN : tamis::impl::ConvertONNXToNNBase<ConvertONNXToNN> {
  using ConvertONNXToNNBase::ConvertONNXToNNBase;

  void runOnOperation() override {
    Counts counts;
    getOperation().walk([&](func::FuncOp function) {
      if (!function.getBody().hasOneBlock())
        return;
      weight::foldTransforms(function);
      for (auto run : {refineTypes, readShapesFromArguments, raiseActivations, raiseNorms, convertExperts,
                       raiseStaticQuantizedLinears, raiseLinears, raiseQuantizedLinears, raiseMaskedExperts,
                       raiseExpertLoops, raiseDispatchedExperts, raiseDenseExperts, raiseGatheredExperts,
                       raiseEmbeddings, raisePooling, raiseAttention}) {
        Stage stage(function, counts, printRaising);
        run(stage);
        if (stage.hasRefused())
          return signalPassFailure();
        eraseDead(function);
      }
    });
    attentionOps += counts.attention;
    linearOps += counts.linear;
    normOps += counts.norm;
    activationOps += counts.activation;
    embeddingOps += counts.embedding;
    poolOps += counts.pool;
    expertOps += counts.experts;
  }
};
} // namespace
