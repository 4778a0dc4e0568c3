//===- ControlFlow.cpp - If, Loop and Scan --------------------------------------------------------------===//
//
// Graphs inside of nodes are imported in place. What only a run can decide is computed either way and then
// selected: of an If both branches; of a Loop the iterations up to its largest number, of which those behind
// its end change nothing.
//
//===----------------------------------------------------------------------------------------------===//
#include "Graph.h"
#include "tamis/Dialect/ONNX/Analysis/SymbolicShapes.h"
#include "tamis/Dialect/ONNX/IR/KnownElements.h"

using namespace mlir;

namespace tamis::import {

static constexpr StringLiteral exportAgain = "export the model again";
/// Nodes that the iterations of one Loop or Scan may become.
static constexpr int64_t maxUnrolled = 1 << 16;
/// The same where data says when it ends: all of them are computed, and their shapes are compared.
static constexpr int64_t maxSelected = 1 << 11;

/// The only element of a scalar or a tensor of one element, when it is known.
static std::optional<int64_t> knownScalar(Value value) {
  auto elements = onnx::constantIntegers(value);
  if (!elements || elements->size() != 1)
    return std::nullopt;
  return elements->front();
}

/// A condition or count as a scalar, whose shape may also be [1].
static Value asScalar(Node &node, Value value) {
  if (!value || node.hasFailed() || Node::type(value).getRank() == 0)
    return value;
  return node.make<onnx::ReshapeOp>(value, node.makeIntegers({}));
}

/// Whether two values have the same shape in every run.
static bool haveSameShape(GraphImporter &importer, Value a, Value b) {
  auto first = Node::type(a), second = Node::type(b);
  if (first == second && first.hasStaticShape())
    return true;
  if (first.getRank() != second.getRank())
    return false;
  onnx::SymbolicShapes shapes(importer.function());
  return llvm::equal(shapes.sizes(a), shapes.sizes(b));
}

/// `then` where the scalar `condition` holds, else `otherwise`.
static Value choose(Node &node, Value condition, Value then, Value otherwise, const Twine &what) {
  if (!then || !otherwise || node.hasFailed())
    return {};
  if (then == otherwise)
    return then;
  if (Node::type(then).getElementType() != Node::type(otherwise).getElementType() ||
      !haveSameShape(node.importer, then, otherwise)) {
    (void)node.fail("depends on data and gives " + what + " in shapes that are not known to be the same",
                    "export the model so that they are, or so that the condition is constant");
    return {};
  }
  return node.make<onnx::WhereOp>(condition, then, otherwise);
}

static LogicalResult ifNode(Node &node) {
  SmallVector<Value> results[2];
  auto importBranch = [&](bool isThen) -> LogicalResult {
    auto *branch = node.attribute(isThen ? "then_branch" : "else_branch");
    if (!branch || branch->g().output_size() != static_cast<int>(node.numOutputs()))
      return node.fail("has a branch that does not give its outputs", exportAgain);
    return node.importer.inlineGraph(branch->g(), node.location, {}, results[isThen]);
  };
  if (std::optional<int64_t> condition = knownScalar(node.input(0))) {
    if (failed(importBranch(*condition != 0)))
      return failure();
    for (auto [i, value] : llvm::enumerate(results[*condition != 0]))
      node.setOutput(i, value);
    return success();
  }
  if (!node.element().isInteger(1) || failed(importBranch(true)) || failed(importBranch(false)))
    return failure();
  Value condition = asScalar(node, node.input(0));
  for (auto [i, then, otherwise] : llvm::enumerate(results[true], results[false]))
    node.setOutput(i, choose(node, condition, then, otherwise, "output " + Twine(i)));
  return success();
}

namespace {
/// What the iterations of a Loop or Scan leave behind.
struct Iterations {
  SmallVector<Value> carried;
  SmallVector<SmallVector<Value>> scanned; // By output, then by iteration; with the new dimension in front.
};

class LoopImporter {
public:
  explicit LoopImporter(Node &node) : node(node) {}
  LogicalResult run();

private:
  LogicalResult readBounds();
  LogicalResult iterate(int64_t i);
  void setScanOutputs();

  Node &node;
  const pb::GraphProto *body = nullptr;
  int64_t limit = 0; // Of iterations.
  Iterations state;
  /// Whether the iteration runs: null where it does in any case.
  Value active;
  bool isDone = false;
  Value count; // Of iterations that ran, [1]; null while it is known.
};
} // namespace

LogicalResult LoopImporter::readBounds() {
  auto *attribute = node.attribute("body");
  if (!attribute)
    return node.fail("lacks its body", exportAgain);
  body = &attribute->g();
  int64_t numCarried = std::max<int64_t>(0, static_cast<int64_t>(node.numInputs()) - 2);
  if (body->input_size() != numCarried + 2 ||
      body->output_size() != static_cast<int64_t>(node.numOutputs()) + 1 ||
      static_cast<int64_t>(node.numOutputs()) < numCarried)
    return node.fail("has a body whose inputs and outputs are not those of the node", exportAgain);
  for (int64_t i = 0; i < numCarried; ++i) {
    if (!node.input(i + 2))
      return node.fail("lacks its input " + Twine(i + 2), exportAgain);
    state.carried.push_back(node.input(i + 2));
  }
  state.scanned.resize(node.numOutputs() - numCarried);

  limit = std::numeric_limits<int64_t>::max();
  if (node.input(0)) {
    std::optional<int64_t> trips = knownScalar(node.input(0));
    if (!trips)
      return node.fail(
          "runs a number of times which is not known at compile time",
          "export the model with a constant trip count, or give the sizes it depends on with --dim");
    limit = std::max<int64_t>(0, *trips);
  }
  if (node.input(1)) {
    std::optional<int64_t> condition = knownScalar(node.input(1));
    isDone = condition && *condition == 0;
    if (!condition)
      active = asScalar(node, node.input(1));
  }
  return success();
}

/// Imports the body once more, after which what is carried has changed if the iteration is active.
LogicalResult LoopImporter::iterate(int64_t i) {
  Type i64 = node.builder.getI64Type();
  SmallVector<Value> inputs{node.makeScalar(static_cast<double>(i), i64),
                            active ? active : node.makeScalar(1, node.builder.getI1Type())};
  llvm::append_range(inputs, state.carried);
  SmallVector<Value> results;
  if (failed(node.importer.inlineGraph(*body, node.location, inputs, results)) ||
      llvm::is_contained(results, Value()))
    return failure();
  for (auto [k, carried] : llvm::enumerate(state.carried))
    carried =
        active ? choose(node, active, results[k + 1], carried, "carried value " + Twine(k)) : results[k + 1];
  for (auto [k, parts] : llvm::enumerate(state.scanned))
    parts.push_back(
        node.make<onnx::UnsqueezeOp>(results[state.carried.size() + 1 + k], ArrayRef<int64_t>{0}));
  if (active && !state.scanned.empty()) {
    Value one = node.make<onnx::ReshapeOp>(node.makeCast(active, i64), node.makeIntegers({1}));
    count = count ? node.make<onnx::AddOp>(count, one) : node.make<onnx::AddOp>(one, node.makeIntegers({i}));
  }
  if (node.hasFailed())
    return failure();
  std::optional<int64_t> next = knownScalar(results.front());
  isDone = next && *next == 0;
  if (!next) {
    Value condition = asScalar(node, results.front());
    active = active ? node.make<onnx::AndOp>(active, condition) : condition;
  }
  return failure(node.hasFailed());
}

void LoopImporter::setScanOutputs() {
  for (auto [k, parts] : llvm::enumerate(state.scanned)) {
    Value all = node.make<onnx::ConcatOp>(ValueRange(parts), 0);
    if (count)
      all = node.make<onnx::SliceOp>(all, node.makeIntegers({0}), count, ArrayRef<int64_t>{0},
                                     ArrayRef<int64_t>{1});
    node.setOutput(state.carried.size() + k, all);
  }
}

LogicalResult LoopImporter::run() {
  if (failed(readBounds()))
    return failure();
  int64_t trips = 0;
  for (; trips < limit && !isDone; ++trips) {
    int64_t most = (active ? maxSelected : maxUnrolled) / std::max(1, body->node_size());
    if (trips >= most)
      return node.fail("runs more than " + Twine(most) +
                           " times, or until a condition on data says otherwise",
                       "export the model with a smaller trip count, or without the loop");
    if (failed(iterate(trips)))
      return failure();
  }
  if (trips == 0 && !state.scanned.empty()) {
    // The types of what is scanned are those of the body's results.
    SmallVector<Value> carried = state.carried;
    if (failed(iterate(0)))
      return failure();
    state.carried = carried;
    count = node.makeIntegers({0});
  }
  for (auto [k, value] : llvm::enumerate(state.carried))
    node.setOutput(k, value);
  setScanOutputs();
  return failure(node.hasFailed());
}

static LogicalResult loop(Node &node) { return LoopImporter(node).run(); }

/// The slice of x at `i` along an axis, which goes.
static Value sliceAt(Node &node, Value x, int64_t axis, int64_t i) {
  return node.make<onnx::GatherOp>(x, node.makeScalar(static_cast<double>(i), node.builder.getI64Type()),
                                   axis);
}

static LogicalResult scan(Node &node) {
  auto *attribute = node.attribute("body");
  int64_t numScanned = node.integer("num_scan_inputs", 0),
          numCarried = static_cast<int64_t>(node.numInputs()) - numScanned;
  if (!attribute || numScanned < 1 || numCarried < 0 ||
      attribute->g().input_size() != static_cast<int64_t>(node.numInputs()) ||
      attribute->g().output_size() != static_cast<int64_t>(node.numOutputs()) ||
      static_cast<int64_t>(node.numOutputs()) < numCarried)
    return node.fail("has a body whose inputs and outputs are not those of the node", exportAgain);
  const pb::GraphProto &body = attribute->g();
  size_t numOut = node.numOutputs() - numCarried;
  auto list = [&](StringRef name, size_t size) {
    auto given = node.integers(name);
    return given && given->size() == size ? *given : SmallVector<int64_t>(size, 0);
  };
  SmallVector<int64_t> inAxes = list("scan_input_axes", numScanned),
                       inBack = list("scan_input_directions", numScanned),
                       outAxes = list("scan_output_axes", numOut),
                       outBack = list("scan_output_directions", numOut);
  SmallVector<Value> carried;
  int64_t trips = ShapedType::kDynamic;
  for (unsigned i = 0; i < node.numInputs(); ++i) {
    if (!node.input(i))
      return node.fail("lacks its input " + Twine(i), exportAgain);
    if (i < numCarried) {
      carried.push_back(node.input(i));
      continue;
    }
    int64_t &axis = inAxes[i - numCarried];
    auto resolved = node.axis(axis, node.rank(i));
    if (failed(resolved))
      return failure();
    axis = *resolved;
    if (int64_t size = Node::type(node.input(i)).getDimSize(axis); !ShapedType::isDynamic(size))
      trips = size;
  }
  if (ShapedType::isDynamic(trips))
    return node.fail("scans dimensions whose sizes are not known at compile time",
                     "export the model with constant sizes, or give them with --dim");
  if (trips == 0 || trips > maxUnrolled / std::max(1, body.node_size()))
    return node.fail("runs " + Twine(trips) + " times, which is not supported",
                     "export the model without Scan");
  SmallVector<SmallVector<Value>> scanned(numOut);
  for (int64_t i = 0; i < trips; ++i) {
    SmallVector<Value> inputs = carried, results;
    for (int64_t k = 0; k < numScanned; ++k)
      inputs.push_back(sliceAt(node, node.input(numCarried + k), inAxes[k], inBack[k] ? trips - 1 - i : i));
    if (node.hasFailed() || failed(node.importer.inlineGraph(body, node.location, inputs, results)) ||
        llvm::is_contained(results, Value()))
      return failure();
    for (auto [k, value] : llvm::enumerate(carried))
      value = results[k];
    for (auto [k, parts] : llvm::enumerate(scanned))
      parts.insert(outBack[k] ? parts.begin() : parts.end(), results[numCarried + k]);
  }
  for (auto [k, value] : llvm::enumerate(carried))
    node.setOutput(k, value);
  for (auto [k, parts] : llvm::enumerate(scanned)) {
    auto axis = node.axis(outAxes[k], Node::type(parts.front()).getRank() + 1);
    if (failed(axis))
      return failure();
    for (Value &part : parts)
      part = node.make<onnx::UnsqueezeOp>(part, ArrayRef<int64_t>{*axis});
    node.setOutput(numCarried + k, node.make<onnx::ConcatOp>(ValueRange(parts), *axis));
  }
  return failure(node.hasFailed());
}

void addControlFlow(Registry &registry) {
  registry.add("", "If", {1, 11, 13, 16, 19, 21, 23, 24}, 1, 1, 1, anyCount, "then_branch:g else_branch:g",
               ifNode,
               "conditions on data whose branches give other shapes; both branches are then computed");
  registry.add(
      "", "Loop", {1, 11, 13, 16, 19, 21, 23, 24}, 0, anyCount, 1, anyCount, "body:g", loop,
      "a trip count that is not known at compile time; values carried in other shapes behind a condition "
      "on data");
  registry.add("", "Scan", {9, 11, 16, 19, 21, 23, 24}, 1, anyCount, 1, anyCount,
               "body:g num_scan_inputs:i scan_input_axes:I scan_input_directions:I scan_output_axes:I "
               "scan_output_directions:I",
               scan,
               "dimensions whose sizes are not known at compile time; version 8, whose inputs have a batch");
}

} // namespace tamis::import
