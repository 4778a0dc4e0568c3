//===- TensorScatter.cpp - Rows written into caches of a fixed size -------------------------------------===//
//
// present = past, with update's element s along the axis at write_indices[batch] + s (modulo the size of the
// axis, when it is circular). That is a ScatterElements whose places do not depend on the other dimensions.
//
//===----------------------------------------------------------------------------------------------===//
#include "HeadAttention.h"

using namespace mlir;

namespace tamis::import {

/// Fails unless both have the same sizes but along `axis`, as far as they are known, and a batch has an
/// index.
static LogicalResult checkSizes(Node &node, int64_t axis) {
  ArrayRef<int64_t> past = Node::type(node.input(0)).getShape(),
                    update = Node::type(node.input(1)).getShape();
  auto differ = [](int64_t a, int64_t b) {
    return a != b && !ShapedType::isDynamic(a) && !ShapedType::isDynamic(b);
  };
  bool fits = past.size() == update.size();
  for (size_t i = 0; fits && i < past.size(); ++i)
    fits = static_cast<int64_t>(i) == axis ? ShapedType::isDynamic(past[i]) || update[i] <= past[i]
                                           : !differ(past[i], update[i]);
  if (!fits)
    return node.fail("has an update that does not fit its past_cache", "export the model again");
  if (Value starts = node.input(2))
    if (node.rank(2) != 1 || differ(Node::type(starts).getDimSize(0), past[0]))
      return node.fail("needs write_indices [batch]", "export the model again");
  return success();
}

static LogicalResult tensorScatter(Node &node) {
  StringRef mode = node.string("mode", "linear");
  int64_t rank = node.rank();
  auto axis = node.axis(node.integer("axis", -2), rank);
  if (failed(axis) || failed(node.checkIndex(2, "write indices")))
    return failure();
  if (*axis == 0)
    return node.fail("writes along the batch dimension", "export the model again");
  if (mode != "linear" && mode != "circular")
    return node.fail("has mode = '" + mode + "', which is neither linear nor circular",
                     "export the model again");
  if (failed(checkSizes(node, *axis)))
    return failure();

  Value past = node.input(0), update = node.input(1);
  auto unsqueezed = [&](Value vector, int64_t kept) {
    SmallVector<int64_t> axes;
    for (int64_t i = 0; i < rank; ++i)
      if (i != kept)
        axes.push_back(i);
    return node.make<onnx::UnsqueezeOp>(vector, ArrayRef<int64_t>(axes));
  };
  Value size = sizeOf(node, past, *axis),
        places = unsqueezed(indices(node, sizeOf(node, update, *axis)), *axis);
  if (Value starts = node.input(2))
    places = node.make<onnx::AddOp>(unsqueezed(starts, 0), places);
  if (mode == "circular")
    places = node.make<onnx::ModOp>(places, size, false);
  else if (node.input(2)) // Below 0 there is no place, though ScatterElements would count it from the end.
    places = node.make<onnx::WhereOp>(
        node.make<onnx::LessOp>(places, node.makeScalar(0, node.builder.getI64Type())), size, places);
  // With the sizes of the past, and a place for each index, so that an update of others ends the run.
  int64_t first = 0;
  SmallVector<Value> sizes;
  if (Value starts = node.input(2)) {
    sizes.push_back(node.make<onnx::ShapeOp>(starts, 0, 1));
    first = 1;
  }
  if (first < *axis)
    sizes.push_back(node.make<onnx::ShapeOp>(past, first, *axis));
  sizes.push_back(shapeOf(node, update, *axis));
  if (*axis + 1 < rank)
    sizes.push_back(node.make<onnx::ShapeOp>(past, *axis + 1, rank));
  places = node.make<onnx::ExpandOp>(places, node.make<onnx::ConcatOp>(ValueRange(sizes), 0));
  node.setOutput(0, node.make<onnx::ScatterElementsOp>(past, places, update, *axis, "none"));
  return success();
}

void addTensorScatter(Registry &registry) {
  registry.add("", "TensorScatter", {24}, 2, 3, 1, 1, "axis:i mode:s", tensorScatter);
}

} // namespace tamis::import
