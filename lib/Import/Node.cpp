//===- Node.cpp - One node while it is imported --------------------------------------------------------===//
#include "Node.h"

#include "Graph.h"
#include "mlir/IR/Diagnostics.h"
#include "tamis/Dialect/ONNX/IR/KnownElements.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tamis::import {

Node::Node(GraphImporter &importer, const pb::NodeProto &proto, int version, Location location,
           ArrayRef<Value> inputs)
    : proto(proto), version(version), importer(importer), builder(importer.builder), location(location),
      inputs(inputs), outputs(proto.output_size()) {}

void Node::setOutput(unsigned i, Value value) {
  if (i < outputs.size())
    outputs[i] = value;
}

const pb::AttributeProto *Node::attribute(StringRef name) const {
  for (const auto &attribute : proto.attribute())
    if (attribute.name() == name)
      return &attribute;
  return nullptr;
}

int64_t Node::integer(StringRef name, int64_t otherwise) const {
  auto *found = attribute(name);
  return found ? found->i() : otherwise;
}

float Node::real(StringRef name, float otherwise) const {
  auto *found = attribute(name);
  return found ? found->f() : otherwise;
}

StringRef Node::string(StringRef name, StringRef otherwise) const {
  auto *found = attribute(name);
  return found ? StringRef(found->s()) : otherwise;
}

std::optional<SmallVector<int64_t>> Node::integers(StringRef name) const {
  auto *found = attribute(name);
  if (!found)
    return std::nullopt;
  return SmallVector<int64_t>(found->ints().begin(), found->ints().end());
}

FailureOr<int64_t> Node::axis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return fail("has axis " + Twine(axis) + ", which is out of range for rank " + Twine(rank));
  return axis < 0 ? axis + rank : axis;
}

FailureOr<SmallVector<int64_t>> Node::axes(ArrayRef<int64_t> axes, int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t each : axes) {
    auto resolved = axis(each, rank);
    if (mlir::failed(resolved))
      return failure();
    if (llvm::is_contained(result, *resolved))
      return fail("has axis " + Twine(*resolved) + " twice");
    result.push_back(*resolved);
  }
  llvm::sort(result);
  return result;
}

FailureOr<SmallVector<int64_t>> Node::constant(unsigned i, StringRef what) {
  if (auto elements = onnx::constantIntegers(input(i)))
    return *elements;
  return fail("takes " + what + " from '" + escape(proto.input(i)) + "', which is not known at compile time",
              "export the model with constant " + what + ", or give the sizes it depends on with --dim");
}

LogicalResult Node::checkIndex(unsigned i, StringRef what, bool orInt32) {
  if (!input(i) || element(i).isInteger(64) || (orInt32 && element(i).isInteger(32)))
    return success();
  return fail("has " + what + " that are not 64-bit integers", "export the model again");
}

Value Node::makeCast(Value value, Type element) {
  return value ? makeTyped<onnx::CastOp>(element, value) : Value();
}

Value Node::makeIntegers(ArrayRef<int64_t> values) {
  return makeConstant(DenseElementsAttr::get(
      RankedTensorType::get(static_cast<int64_t>(values.size()), builder.getI64Type()), values));
}

Value Node::makeScalar(double value, Type element) {
  onnx::Number number{onnx::toInteger(value), value};
  return makeConstant(onnx::makeConstant(RankedTensorType::get({}, element), {number}));
}

LogicalResult Node::fail(const Twine &reason, const Twine &remedy) {
  if (!failed)
    importer.report(location, importer.describe(proto, version) + " " + reason.str(), remedy.str());
  failed = true;
  return failure();
}

SmallVector<Value> Node::finish(Operation *op) {
  SmallVector<Type> types;
  std::string reason;
  {
    ScopedDiagnosticHandler handler(op->getContext(), [&](Diagnostic &diagnostic) {
      if (reason.empty())
        reason = diagnostic.str();
      return success();
    });
    if (mlir::failed(cast<onnx::ShapeInferenceOpInterface>(op).inferResultTypes(types)))
      types.clear();
  }
  // The dialect speaks of its op; the user knows the node.
  StringRef text = reason;
  if (size_t end = text.find("' op "); text.starts_with("'") && end != StringRef::npos)
    text = text.drop_front(end + 5);
  if (llvm::any_of(types, [](Type type) { return isTooLarge(cast<RankedTensorType>(type)); })) {
    text = "has a result too large for any memory";
    types.clear();
  }
  if (types.empty()) {
    op->erase();
    (void)fail(text);
    return {};
  }
  for (auto [result, type] : llvm::zip_equal(op->getResults(), types))
    result.setType(type);
  SmallVector<Value> results;
  if (!isa<onnx::ConstantOp>(op) && succeeded(builder.tryFold(op, results)) && !results.empty()) {
    op->erase();
    return results;
  }
  return SmallVector<Value>(op->getResults());
}

} // namespace tamis::import
