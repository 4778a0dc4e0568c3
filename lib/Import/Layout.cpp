//===- Layout.cpp - Operators that move data to other places -------------------------------------------===//
#include "Node.h"
#include "tamis/Dialect/ONNX/IR/KnownElements.h"

using namespace mlir;

namespace tamis::import {

static LogicalResult transpose(Node &node) {
  SmallVector<int64_t> perm = llvm::to_vector(llvm::reverse(llvm::seq<int64_t>(node.rank())));
  if (auto given = node.integers("perm"))
    perm = *given;
  node.setOutput(0, node.make<onnx::TransposeOp>(node.input(0), ArrayRef<int64_t>(perm)));
  return success();
}

static LogicalResult concat(Node &node) {
  auto axis = node.axis(node.integer("axis", 1), node.rank());
  if (failed(axis))
    return failure();
  for (Value input : node.allInputs())
    if (!input)
      return node.fail("lacks one of its inputs", "export the model again");
  node.setOutput(0, node.make<onnx::ConcatOp>(ValueRange(node.allInputs()), *axis));
  return success();
}

static LogicalResult splitInto(Node &node, Value sizes) {
  auto axis = node.axis(node.integer("axis", 0), node.rank());
  if (failed(axis) || failed(node.checkIndex(1, "sizes")))
    return failure();
  if (node.attribute("num_outputs") &&
      node.integer("num_outputs", 0) != static_cast<int64_t>(node.numOutputs()))
    return node.fail("has another number of outputs than its num_outputs", "export the model again");
  int64_t size = Node::type(node.input(0)).getDimSize(*axis), count = node.numOutputs();
  if (!sizes && node.version < 18 && !ShapedType::isDynamic(size) && size % count != 0)
    return node.fail("cannot cut " + Twine(size) + " into " + Twine(count) + " equal parts",
                     "export the model again");
  for (auto [i, part] : llvm::enumerate(node.makeMany<onnx::SplitOp>(count, node.input(0), sizes, *axis)))
    node.setOutput(i, part);
  return success();
}
static LogicalResult splitWithAttribute(Node &node) {
  auto sizes = node.integers("split");
  return splitInto(node, sizes ? node.makeIntegers(*sizes) : Value());
}
static LogicalResult split(Node &node) { return splitInto(node, node.input(1)); }

static LogicalResult sliceAlong(Node &node, Value starts, Value ends, ArrayRef<int64_t> givenAxes,
                                ArrayRef<int64_t> steps) {
  SmallVector<int64_t> axes;
  for (int64_t each : givenAxes) {
    auto axis = node.axis(each, node.rank());
    if (failed(axis))
      return failure();
    axes.push_back(*axis);
  }
  node.setOutput(0, node.make<onnx::SliceOp>(node.input(0), starts, ends, ArrayRef<int64_t>(axes), steps));
  return success();
}
static LogicalResult sliceWithAttributes(Node &node) {
  auto starts = node.integers("starts"), ends = node.integers("ends"), axes = node.integers("axes");
  if (!starts || !ends)
    return node.fail("lacks its starts or ends", "export the model again");
  SmallVector<int64_t> all = llvm::to_vector(llvm::seq<int64_t>(starts->size()));
  return sliceAlong(node, node.makeIntegers(*starts), node.makeIntegers(*ends), axes ? *axes : all,
                    SmallVector<int64_t>(starts->size(), 1));
}
static LogicalResult slice(Node &node) {
  for (unsigned i : {1, 2})
    if (failed(node.checkIndex(i, "bounds", /*orInt32=*/true)))
      return failure();
  auto starts = Node::type(node.input(1));
  if (starts.getRank() != 1 || starts.isDynamicDim(0))
    return node.fail("has starts of unknown length", "export the model with constant axes");
  int64_t count = starts.getDimSize(0);
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(count)), steps(count, 1);
  if (node.input(3)) {
    auto given = node.constant(3, "axes");
    if (failed(given))
      return failure();
    axes = *given;
  }
  if (node.input(4)) {
    auto given = node.constant(4, "steps");
    if (failed(given))
      return failure();
    steps = *given;
  }
  return sliceAlong(node, node.input(1), node.input(2), axes, steps);
}

static LogicalResult padWithAttributes(Node &node) {
  auto pads = node.integers("pads");
  if (!pads)
    return node.fail("lacks its pads", "export the model again");
  node.setOutput(0, node.make<onnx::PadOp>(node.input(0), node.makeIntegers(*pads),
                                           node.makeScalar(node.real("value", 0), node.element()),
                                           node.string("mode", "constant")));
  return success();
}
static LogicalResult pad(Node &node) {
  if (failed(node.checkIndex(1, "pads")))
    return failure();
  Value pads = node.input(1);
  if (node.input(3)) {
    // Pads of some axes only: spread them to all.
    auto given = node.constant(3, "axes");
    if (failed(given))
      return failure();
    int64_t rank = node.rank(), count = given->size();
    auto type = Node::type(pads);
    if (type.getRank() != 1 || type.getDimSize(0) != 2 * count)
      return node.fail("has another number of pads than twice its axes", "export the model again");
    SmallVector<int64_t> from(2 * rank, 2 * count); // One zero behind the pads.
    for (auto [i, each] : llvm::enumerate(*given)) {
      auto axis = node.axis(each, rank);
      if (failed(axis))
        return failure();
      from[*axis] = i;
      from[*axis + rank] = i + count;
    }
    Value extended = node.make<onnx::ConcatOp>(ValueRange{pads, node.makeIntegers({0})}, 0);
    pads = node.make<onnx::GatherOp>(extended, node.makeIntegers(from), 0);
  }
  node.setOutput(0,
                 node.make<onnx::PadOp>(node.input(0), pads, node.input(2), node.string("mode", "constant")));
  return success();
}

static LogicalResult tile(Node &node) {
  if (failed(node.checkIndex(1, "repeats")))
    return failure();
  node.setOutput(0, node.make<onnx::TileOp>(node.input(0), node.input(1)));
  return success();
}

static LogicalResult trilu(Node &node) {
  if (failed(node.checkIndex(1, "offsets")))
    return failure();
  node.setOutput(0, node.make<onnx::TriluOp>(node.input(0), node.input(1), node.flag("upper", true)));
  return success();
}

void addLayout(Registry &registry) {
  registry.add("", "Transpose", {1, 13, 21, 23, 24}, 1, 1, 1, 1, "perm:I", transpose);
  registry.add("", "Concat", {4, 11, 13}, 1, anyCount, 1, 1, "axis:i", concat);
  registry.add("", "Split", {2, 11}, 1, 1, 1, anyCount, "axis:i split:I", splitWithAttribute);
  registry.add("", "Split", {13}, 1, 2, 1, anyCount, "axis:i", split);
  registry.add("", "Split", {18}, 1, 2, 1, anyCount, "axis:i num_outputs:i", split);
  registry.add("", "Slice", {1}, 1, 1, 1, 1, "axes:I starts:I ends:I", sliceWithAttributes);
  registry.add("", "Slice", {10, 11, 13}, 3, 5, 1, 1, "", slice,
               "axes or steps that are no constants; starts of unknown length");
  registry.add("", "Pad", {2}, 1, 1, 1, 1, "mode:s pads:I value:f", padWithAttributes);
  registry.add("", "Pad", {11, 13}, 2, 3, 1, 1, "mode:s", pad);
  registry.add("", "Pad", {18, 19, 21, 23, 24}, 2, 4, 1, 1, "mode:s", pad, "axes that are no constant");
  registry.add("", "Tile", {6, 13}, 2, 2, 1, 1, "", tile);
  registry.add("", "Trilu", {14}, 1, 2, 1, 1, "upper:i", trilu);
}

} // namespace tamis::import
