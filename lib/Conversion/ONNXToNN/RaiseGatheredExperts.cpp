//===- RaiseGatheredExperts.cpp - Experts whose weights are gathered for each pair ---------------------===//
//
// The batched form: weights [E, N, K] of all experts, one matrix gathered for each pair of a token and an
// expert, and products of matrices with vectors.
//
//   sum over j of weights[t, j] * (out[indices[t, j]] h(t, j)),  h(t, j) = act(in[indices[t, j]] x[t])
//
// Which element of what is multiplied is followed through the ops that move data, so that it does not matter
// whether tokens were repeated by Tile, Expand or Gather, pairs were flattened, or weights transposed.
//
//===----------------------------------------------------------------------------------------------===//
#include "Experts.h"
#include "tamis/Dialect/NN/Transforms/Activations.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;
using onnx::ElementOf;
using onnx::Polynomial;

namespace {
/// What one element of a pair's product is: the sum over k of w[expert of the pair][k, column] * x[k].
struct GatheredProduct {
  Value w; ///< [E, K, N], or [E, N, K] when `isTransposed`
  bool isTransposed;
  Value bias; ///< [E, N] or null
  Polynomial column;
  ElementOf x;      ///< its element of index `inner`
  Polynomial inner; ///< runs over [0, K)
  Value indices;    ///< the router's
};

/// One sum over the pairs of a token, while it is looked at.
class GatheredExperts {
public:
  GatheredExperts(Stage &stage, onnx::ReduceSumOp sum) : stage(stage), sum(sum) {}
  bool raise();

private:
  ElementOf trace(Value value, ArrayRef<Polynomial> indices) {
    return stage.elements.trace({value, SmallVector<Polynomial, 4>(indices)});
  }
  /// The operand's element that goes into an element of an elementwise op.
  ElementOf operand(Value value, ArrayRef<Polynomial> indices);
  bool isPair(const ElementOf &element) const {
    return element.indices.size() == 2 && element.indices[0] == token && element.indices[1] == slot;
  }
  bool fail(Operation *op, const Twine &text) {
    stage.remark(op ? op : sum, "this looks like a mixture of experts, but " + text);
    return false;
  }
  /// The tensor of weights or biases that an element is gathered from by the expert of the pair, and its
  /// other indices.
  Value gathered(const ElementOf &element, SmallVectorImpl<Polynomial> &rest, Value &indices);
  std::optional<GatheredProduct> product(const ElementOf &element);
  /// Columns first, first + step, ... of a layer as [E, K, N], with their bias.
  ExpertLayer layerOf(const GatheredProduct &product, int64_t first, int64_t step, int64_t count);
  /// Is `column` first + step * i, in [0, columns of the layer)?
  bool columns(const GatheredProduct &product, const Polynomial &index, int64_t count, int64_t &first,
               int64_t &step);

  Stage &stage;
  onnx::ReduceSumOp sum;
  Polynomial token, slot;
};
} // namespace

ElementOf GatheredExperts::operand(Value value, ArrayRef<Polynomial> indices) {
  SmallVector<Polynomial, 4> place;
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(value);
  for (auto [size, index] : llvm::zip(sizes, indices.take_back(sizes.size())))
    place.push_back(size.isConstant(1) ? Polynomial() : index);
  return trace(value, place);
}

Value GatheredExperts::gathered(const ElementOf &element, SmallVectorImpl<Polynomial> &rest, Value &indices) {
  Value data;
  ElementOf at;
  if (auto gather = element.tensor.getDefiningOp<onnx::GatherOp>()) {
    size_t rank = stage.shapes.sizes(gather.getIndices()).size();
    if (gather.getAxis() != 0)
      return {};
    data = gather.getData();
    at = trace(gather.getIndices(), ArrayRef(element.indices).take_front(rank));
    rest.append(element.indices.begin() + rank, element.indices.end());
  } else if (auto gather = element.tensor.getDefiningOp<onnx::GatherNDOp>()) {
    ArrayRef<Polynomial> sizes = stage.shapes.sizes(gather.getIndices());
    if (gather.getBatchDims() != 0 || !sizes.back().isConstant(1))
      return {};
    data = gather.getData();
    SmallVector<Polynomial, 4> place(ArrayRef(element.indices).take_front(sizes.size() - 1));
    rest.append(element.indices.begin() + place.size(), element.indices.end());
    place.push_back(Polynomial());
    at = trace(gather.getIndices(), place);
  } else {
    return {};
  }
  if (!weight::isKnownWeight(data) || !isF32(data) || !isPair(at) || !topKOf(at.tensor))
    return {};
  indices = topKOf(at.tensor).getIndices();
  return data;
}

std::optional<GatheredProduct> GatheredExperts::product(const ElementOf &element) {
  GatheredProduct result;
  ElementOf place = element;
  SmallVector<Polynomial, 4> biasColumn;
  Value biasIndices;
  if (auto add = place.tensor.getDefiningOp<onnx::AddOp>())
    for (unsigned i : {0u, 1u}) {
      ElementOf bias = operand(add->getOperand(i), element.indices);
      if ((result.bias = gathered(bias, biasColumn, biasIndices))) {
        place = operand(add->getOperand(1 - i), element.indices);
        break;
      }
    }
  auto matmul = place.tensor.getDefiningOp<onnx::MatMulOp>();
  if (!matmul || place.indices.size() != 3)
    return std::nullopt;
  ArrayRef<Polynomial> aSizes = stage.shapes.sizes(matmul.getA());
  if (aSizes.size() != 3 || stage.shapes.sizes(matmul.getB()).size() != 3)
    return std::nullopt;
  Polynomial pair = place.indices[0];
  result.inner = stage.shapes.newIndex(aSizes[2]);
  for (bool weightIsLeft : {true, false}) {
    // The side of the vector has one row, or one column.
    result.column = place.indices[weightIsLeft ? 1 : 2];
    if (!place.indices[weightIsLeft ? 2 : 1].isConstant(0))
      continue;
    ElementOf left = operand(matmul.getA(), {pair, place.indices[1], result.inner}),
              right = operand(matmul.getB(), {pair, result.inner, place.indices[2]});
    SmallVector<Polynomial, 4> rest;
    result.w = gathered(weightIsLeft ? left : right, rest, result.indices);
    if (!result.w || rest.size() != 2 || (biasIndices && biasIndices != result.indices))
      continue;
    result.isTransposed = rest[0] == result.column && rest[1] == result.inner;
    if (!result.isTransposed && !(rest[0] == result.inner && rest[1] == result.column))
      continue;
    if (result.bias && (biasColumn.size() != 1 || !(biasColumn[0] == result.column)))
      continue;
    result.x = weightIsLeft ? right : left;
    return result;
  }
  return std::nullopt;
}

bool GatheredExperts::columns(const GatheredProduct &product, const Polynomial &index, int64_t count,
                              int64_t &first, int64_t &step) {
  for (int64_t candidate : {1, 2})
    if (std::optional<int64_t> rest = (product.column - index * Polynomial(candidate)).constant()) {
      first = *rest;
      step = candidate;
      int64_t all = typeOf(product.w).getDimSize(product.isTransposed ? 1 : 2);
      return first >= 0 && first + (count - 1) * step < all && (step == 1 || (first < 2 && count * 2 == all));
    }
  return false;
}

ExpertLayer GatheredExperts::layerOf(const GatheredProduct &product, int64_t first, int64_t step,
                                     int64_t count) {
  auto &builder = stage.builder;
  auto slice = [&](Value value, int64_t axis, int64_t begin, int64_t size) -> Value {
    SmallVector<int64_t> shape(typeOf(value).getShape());
    shape[axis] = size;
    return weight::SliceOp::create(builder, stage.location(), typeOf(value).clone(shape), value, axis, begin);
  };
  auto take = [&](Value value, int64_t axis) -> Value {
    value = weight::asWeight(builder, value);
    SmallVector<int64_t> shape(typeOf(value).getShape());
    if (step == 1)
      return count == shape[axis] ? value : slice(value, axis, first, count);
    SmallVector<int64_t> pairs(shape);
    pairs[axis] = count;
    pairs.insert(pairs.begin() + axis + 1, 2);
    shape[axis] = count;
    Value split = weight::ReshapeOp::create(builder, stage.location(), typeOf(value).clone(pairs), value);
    return weight::ReshapeOp::create(builder, stage.location(), typeOf(value).clone(shape),
                                     slice(split, axis + 1, first, 1));
  };
  ExpertLayer layer;
  layer.w = take(product.w, product.isTransposed ? 1 : 2);
  if (product.isTransposed)
    layer.w = transposed(stage, layer.w);
  if (product.bias)
    layer.bias = take(product.bias, 1);
  return layer;
}

bool GatheredExperts::raise() {
  RankedTensorType type = typeOf(sum.getData());
  if (type.getRank() != 3 || sum.getAxes() != ArrayRef<int64_t>{1} || sum.getKeepdims() ||
      !isF32(sum.getData()))
    return false;
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(sum.getData());
  Polynomial tokens = sizes[0];
  token = stage.shapes.newIndex(sizes[0]);
  slot = stage.shapes.newIndex(sizes[1]);
  Polynomial column = stage.shapes.newIndex(sizes[2]);
  ElementOf term = trace(sum.getData(), {token, slot, column});
  auto weighted = term.tensor.getDefiningOp<onnx::MulOp>();
  if (!weighted)
    return false;

  // Which factor is the weight of the pair?
  std::optional<GatheredProduct> out;
  Value weights;
  for (unsigned i : {0u, 1u}) {
    ElementOf weight = operand(weighted->getOperand(1 - i), term.indices);
    if (!isPair(weight))
      continue;
    out = product(operand(weighted->getOperand(i), term.indices));
    weights = weight.tensor;
    if (out)
      break;
  }
  if (!out)
    return false; // Most sums are no experts.
  onnx::TopKOp topK = topKOf(out->indices);
  if (typeOf(weights).getShape() != typeOf(out->indices).getShape())
    return fail(weighted, "its weights are not those of its router's choice");
  if (!(out->column == column))
    return fail(weighted, "its columns are in another order than those of the last product");

  // The hidden row: an activation, perhaps times another product.
  ExpertLayers layers;
  Operation *hidden = out->x.tensor.getDefiningOp();
  std::optional<GatheredProduct> gate, up;
  auto activated = [&](const ElementOf &element) {
    Operation *op = element.tensor.getDefiningOp();
    layers.activation = op ? nn::activationOf(op) : nn::Activation::None;
    if (layers.activation == nn::Activation::None)
      return false;
    gate = product(operand(op->getOperand(0), element.indices));
    return gate.has_value();
  };
  if (auto gated = dyn_cast_or_null<onnx::MulOp>(hidden)) {
    for (unsigned i : {0u, 1u})
      if (activated(operand(gated->getOperand(i), out->x.indices))) {
        up = product(operand(gated->getOperand(1 - i), out->x.indices));
        break;
      }
    if (!gate || !up)
      return fail(gated, "this is no activation of one gathered product times another");
    if (!(gate->x.tensor == up->x.tensor) || gate->indices != up->indices)
      return fail(gated, "its two products are of different rows or experts");
  } else if (!hidden || !activated(out->x)) {
    return fail(hidden, "this is no activation of a gathered product");
  }
  if (gate->indices != out->indices)
    return fail(hidden, "its products take different experts");
  auto readsToken = [&](const GatheredProduct &product) {
    const ElementOf &x = product.x;
    return x.indices.size() == 2 && x.indices[0] == token && x.indices[1] == product.inner;
  };
  Value x = gate->x.tensor;
  if (!readsToken(*gate) || (up && !readsToken(*up)))
    return fail(hidden, "its rows are not the tokens'");
  ArrayRef<Polynomial> rows = stage.shapes.sizes(x);
  if (rows.size() != 2 || !(rows[0] == tokens) || !(stage.shapes.sizes(out->indices)[0] == tokens))
    return fail(hidden, "the router's tokens are not proven to be the experts'");

  RankedTensorType outType = typeOf(out->w);
  int64_t inner = outType.getDimSize(out->isTransposed ? 2 : 1), first, step, upFirst, upStep;
  if (!columns(*gate, out->inner, inner, first, step) ||
      (up && !columns(*up, out->inner, inner, upFirst, upStep)))
    return fail(hidden, "its hidden columns are in another order than those of a product");
  stage.buildAt(sum, topK);
  layers.gate = layerOf(*gate, first, step, inner);
  if (up)
    layers.up = layerOf(*up, upFirst, upStep, inner);
  layers.out = layerOf(*out, 0, 1, outType.getDimSize(out->isTransposed ? 1 : 2));
  Choice choice = raiseRouting(stage, {out->indices, weights});
  stage.buildAt(sum, topK);
  Value y = buildExperts(stage, x, choice.indices, choice.weights, layers);
  sum.getReduced().replaceAllUsesWith(y);
  return true;
}

void raising::raiseGatheredExperts(Stage &stage) {
  SmallVector<onnx::ReduceSumOp> ops;
  stage.function.walk([&](onnx::ReduceSumOp op) { ops.push_back(op); });
  for (onnx::ReduceSumOp op : ops)
    (void)GatheredExperts(stage, op).raise();
}
