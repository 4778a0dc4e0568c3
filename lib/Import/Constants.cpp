//===- Constants.cpp - Constants and identities ---------------------------------------------------------===//
#include "Graph.h"
#include "tamis/Dialect/ONNX/IR/KnownElements.h"

using namespace mlir;

namespace tamis::import {

template <typename T> static DenseElementsAttr denseOf(ArrayRef<T> values, Type element, bool isScalar) {
  SmallVector<int64_t> sizes;
  if (!isScalar)
    sizes.push_back(values.size());
  return DenseElementsAttr::get(RankedTensorType::get(sizes, element), values);
}

static LogicalResult constant(Node &node) {
  if (node.proto.attribute_size() != 1)
    return node.fail("has more or less than one value", "export the model again");
  const pb::AttributeProto &attribute = node.proto.attribute(0);
  Builder &builder = node.builder;
  StringRef name = attribute.name();
  if (name == "value" || name == "sparse_value") {
    std::string error;
    MLIRContext *context = builder.getContext();
    const ModelFile &file = node.importer.file;
    auto tensor = name == "value" ? readTensor(context, file, attribute.t(), error)
                                  : readSparse(context, file, attribute.sparse_tensor(), error);
    if (!tensor)
      return node.fail(error);
    node.setOutput(0, node.importer.makeTensor(*tensor, node.proto.output(0), node.location));
    return success();
  }
  DenseElementsAttr value;
  if (name == "value_float")
    value = denseOf<float>(attribute.f(), builder.getF32Type(), /*isScalar=*/true);
  else if (name == "value_int")
    value = denseOf<int64_t>(attribute.i(), builder.getI64Type(), /*isScalar=*/true);
  else if (name == "value_floats")
    value = denseOf<float>(ArrayRef(attribute.floats().data(), attribute.floats_size()), builder.getF32Type(),
                           false);
  else if (name == "value_ints")
    value = denseOf<int64_t>(SmallVector<int64_t>(attribute.ints().begin(), attribute.ints().end()),
                             builder.getI64Type(), false);
  else
    return node.fail("is a string, which is not supported", "take strings out of the model");
  node.setOutput(0, node.makeConstant(value));
  return success();
}

static LogicalResult identity(Node &node) {
  node.setOutput(0, node.input(0));
  return success();
}

/// Does nothing outside of training; all elements are kept.
static LogicalResult dropout(Node &node) {
  if (node.input(2)) {
    auto training = node.constant(2, "training_mode");
    if (failed(training))
      return failure();
    if (!training->empty() && training->front())
      return node.fail("is in training mode", "export the model for inference");
  }
  node.setOutput(0, node.input(0));
  if (node.isUsed(1)) {
    Type element = node.version < 10 ? node.element() : Type(node.builder.getI1Type());
    Value shape = node.make<onnx::ShapeOp>(node.input(0), 0, node.rank());
    ElementsAttr one = onnx::makeConstant(RankedTensorType::get(1, element), {onnx::Number{1, 1}});
    node.setOutput(1, node.make<onnx::ConstantOfShapeOp>(shape, one));
  }
  return success();
}

void addConstants(Registry &registry) {
  registry.add("", "Constant", {1, 9, 11}, 0, 0, 1, 1, "value:t sparse_value:p", constant);
  registry.add("", "Constant", {12, 13, 19, 21, 23, 24}, 0, 0, 1, 1,
               "value:t sparse_value:p value_float:f value_floats:F value_int:i value_ints:I value_string:s "
               "value_strings:S",
               constant, "strings");
  registry.add("", "Identity", {1, 13, 14, 16, 19, 21, 23, 24}, 1, 1, 1, 1, "", identity,
               "sequences, optionals");
  registry.add("", "Dropout", {7, 10}, 1, 1, 1, 2, "ratio:f", dropout);
  registry.add("", "Dropout", {12, 13, 22}, 1, 3, 1, 2, "seed:i", dropout, "training mode");
}

} // namespace tamis::import
