//===- Reductions.cpp - Reductions and scans
//-------------------------------------------------------------===//
#include "Node.h"

using namespace mlir;

namespace tamis::import {

template <typename OpTy>
static LogicalResult reduceAxes(Node &node, std::optional<SmallVector<int64_t>> given) {
  bool isNoop = node.flag("noop_with_empty_axes", false);
  if (!given || given->empty()) {
    if (isNoop) {
      node.setOutput(0, node.input(0));
      return success();
    }
    given = llvm::to_vector(llvm::seq<int64_t>(node.rank()));
  }
  auto axes = node.axes(*given, node.rank());
  if (failed(axes))
    return failure();
  node.setOutput(0, node.make<OpTy>(node.input(0), ArrayRef<int64_t>(*axes), node.flag("keepdims", true)));
  return success();
}
template <typename OpTy> static LogicalResult reduceWithAttribute(Node &node) {
  return reduceAxes<OpTy>(node, node.integers("axes"));
}
template <typename OpTy> static LogicalResult reduce(Node &node) {
  if (!node.input(1))
    return reduceAxes<OpTy>(node, std::nullopt);
  auto axes = node.constant(1, "axes");
  return failed(axes) ? failure() : reduceAxes<OpTy>(node, *axes);
}

template <typename OpTy> static LogicalResult arg(Node &node) {
  auto axis = node.axis(node.integer("axis", 0), node.rank());
  if (failed(axis))
    return failure();
  node.setOutput(0, node.make<OpTy>(node.input(0), *axis, node.flag("keepdims", true),
                                    node.flag("select_last_index", false)));
  return success();
}

static LogicalResult cumSum(Node &node) {
  auto given = node.constant(1, "axis");
  if (failed(given))
    return failure();
  if (given->size() != 1)
    return node.fail("has more or less than one axis", "export the model again");
  auto axis = node.axis(given->front(), node.rank());
  if (failed(axis))
    return failure();
  node.setOutput(0, node.make<onnx::CumSumOp>(node.input(0), *axis, node.flag("exclusive", false),
                                              node.flag("reverse", false)));
  return success();
}

void addReductions(Registry &registry) {
  constexpr StringLiteral old = "axes:I keepdims:i", current = "keepdims:i noop_with_empty_axes:i",
                          restriction = "axes that are no constant";
  // The versions with an attribute `axes`, then those with an input.
  auto add = [&](StringRef name, SmallVector<int> before, LogicalResult (*handleBefore)(Node &),
                 SmallVector<int> since, LogicalResult (*handle)(Node &)) {
    registry.add("", name, before, 1, 1, 1, 1, old, handleBefore);
    registry.add("", name, since, 1, 2, 1, 1, current, handle, restriction);
  };
#define TAMIS_REDUCTION(NAME, BEFORE, SINCE)                                                                 \
  add(#NAME, SmallVector<int> BEFORE, reduceWithAttribute<onnx::NAME##Op>, SmallVector<int> SINCE,           \
      reduce<onnx::NAME##Op>)
#define TAMIS_LIST(...) {__VA_ARGS__}
  TAMIS_REDUCTION(ReduceL1, TAMIS_LIST(1, 11, 13), {18});
  TAMIS_REDUCTION(ReduceL2, TAMIS_LIST(1, 11, 13), {18});
  TAMIS_REDUCTION(ReduceLogSum, TAMIS_LIST(1, 11, 13), {18});
  TAMIS_REDUCTION(ReduceLogSumExp, TAMIS_LIST(1, 11, 13), {18});
  TAMIS_REDUCTION(ReduceMax, TAMIS_LIST(1, 11, 12, 13), TAMIS_LIST(18, 20));
  TAMIS_REDUCTION(ReduceMean, TAMIS_LIST(1, 11, 13), {18});
  TAMIS_REDUCTION(ReduceMin, TAMIS_LIST(1, 11, 12, 13), TAMIS_LIST(18, 20));
  TAMIS_REDUCTION(ReduceProd, TAMIS_LIST(1, 11, 13), {18});
  TAMIS_REDUCTION(ReduceSum, TAMIS_LIST(1, 11), {13});
  TAMIS_REDUCTION(ReduceSumSquare, TAMIS_LIST(1, 11, 13), {18});
#undef TAMIS_LIST
#undef TAMIS_REDUCTION
  registry.add("", "ArgMax", {1, 11}, 1, 1, 1, 1, "axis:i keepdims:i", arg<onnx::ArgMaxOp>);
  registry.add("", "ArgMax", {12, 13}, 1, 1, 1, 1, "axis:i keepdims:i select_last_index:i",
               arg<onnx::ArgMaxOp>);
  registry.add("", "ArgMin", {1, 11}, 1, 1, 1, 1, "axis:i keepdims:i", arg<onnx::ArgMinOp>);
  registry.add("", "ArgMin", {12, 13}, 1, 1, 1, 1, "axis:i keepdims:i select_last_index:i",
               arg<onnx::ArgMinOp>);
  registry.add("", "CumSum", {11, 14}, 2, 2, 1, 1, "exclusive:i reverse:i", cumSum,
               "an axis that is no constant");
}

} // namespace tamis::import
