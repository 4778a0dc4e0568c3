//===- ExpertMatcher.cpp - An expert's layers, found from an element of its result --------------------===//
#include "ExpertMatcher.h"
#include "tamis/Dialect/NN/Transforms/Activations.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;
using onnx::ElementOf;
using onnx::Polynomial;

/// What is multiplied to the hidden row: an activation of a product, or a product.
struct ExpertMatcher::Half {
  ExpertProduct product;
  nn::Activation activation = nn::Activation::None;
  float alpha = 1, beta = 0, limit = std::numeric_limits<float>::infinity();
};

Polynomial raising::rowsOf(Stage &stage, Value value, int64_t axis) {
  while (auto expand = value.getDefiningOp<onnx::ExpandOp>()) {
    Value before = expand->getOperand(0);
    int64_t own = axis - (typeOf(value).getRank() - typeOf(before).getRank());
    if (own < 0 || stage.shapes.sizes(before)[own].isConstant(1))
      break;
    value = before;
    axis = own;
  }
  return stage.shapes.sizes(value)[axis];
}

std::nullopt_t ExpertMatcher::fail(Operation *op, const Twine &text) {
  stage.remark(op, "this looks like a mixture of experts, but " + text);
  return std::nullopt;
}

ElementOf ExpertMatcher::operand(Value value, ArrayRef<Polynomial> indices) {
  SmallVector<Polynomial, 4> place;
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(value);
  for (auto [size, index] : llvm::zip(sizes, indices.take_back(sizes.size())))
    place.push_back(size.isConstant(1) ? Polynomial() : index);
  return trace(value, place);
}

bool ExpertMatcher::isExpert(const ElementOf &element) {
  if (!isPair(element))
    return false;
  Value found = routerIndices(stage, element.tensor);
  if (!found || (indices && found != indices))
    return false;
  indices = found;
  return true;
}

Value ExpertMatcher::weightAt(const ElementOf &element, int64_t rank, SmallVectorImpl<Polynomial> &rest) {
  ArrayRef<Polynomial> place = element.indices;
  auto isWeight = [&](Value value) { return weight::isKnownWeight(value) && isF32(value); };
  if (isWeight(element.tensor)) {
    // A bias may have dimensions of 1 between the expert's and its own.
    SmallVector<Polynomial, 4> pair;
    if (rank == 1 && place.size() > 2 &&
        llvm::all_of(typeOf(element.tensor).getShape().slice(1, place.size() - 2),
                     [](int64_t size) { return size == 1; })) {
      pair = {place.front(), place.back()};
      place = pair;
    }
    bool ofAll = static_cast<int64_t>(place.size()) == rank + 1;
    if (!expert || (ofAll ? !(place.front() == *expert) : static_cast<int64_t>(place.size()) != rank))
      return {};
    rest.append(place.begin() + ofAll, place.end());
    return element.tensor;
  }
  Value data;
  ElementOf at;
  if (auto gather = element.tensor.getDefiningOp<onnx::GatherOp>()) {
    size_t depth = stage.shapes.sizes(gather.getIndices()).size();
    if (gather.getAxis() != 0)
      return {};
    data = gather.getData();
    at = trace(gather.getIndices(), place.take_front(depth));
    rest.append(place.begin() + depth, place.end());
  } else if (auto gather = element.tensor.getDefiningOp<onnx::GatherNDOp>()) {
    ArrayRef<Polynomial> sizes = stage.shapes.sizes(gather.getIndices());
    if (gather.getBatchDims() != 0 || !sizes.back().isConstant(1))
      return {};
    data = gather.getData();
    SmallVector<Polynomial, 4> tuple(place.take_front(sizes.size() - 1));
    rest.append(place.begin() + tuple.size(), place.end());
    tuple.push_back(Polynomial());
    at = trace(gather.getIndices(), tuple);
  } else {
    return {};
  }
  return isWeight(data) && static_cast<int64_t>(rest.size()) == rank && isExpert(at) ? data : Value();
}

bool ExpertMatcher::linear(const ElementOf &element, ExpertProduct &result) {
  nn::LinearOp linear = plainLinear(element.tensor);
  if (!linear || !expert || (linear.getBias() && !result.bias.empty()))
    return false;
  result.w = {linear.getW()};
  if (linear.getBias())
    result.bias = {linear.getBias()};
  SmallVector<Polynomial, 4> place(element.indices);
  result.column = place.back();
  place.back() = result.inner = stage.shapes.newIndex(typeOf(linear.getW()).getDimSize(0));
  result.x = trace(linear.getX(), place);
  return true;
}

bool ExpertMatcher::matmul(const ElementOf &element, ExpertProduct &result) {
  auto matmul = element.tensor.getDefiningOp<onnx::MatMulOp>();
  if (!matmul || element.indices.size() < 2)
    return false;
  ArrayRef<Polynomial> place = element.indices, batch = place.drop_back(2);
  size_t rank = place.size();
  if (stage.shapes.sizes(matmul.getA()).size() < 2 || stage.shapes.sizes(matmul.getB()).size() < 2)
    return false;
  result.inner = stage.shapes.newIndex(stage.shapes.sizes(matmul.getA()).back());
  for (bool weightIsLeft : {true, false}) {
    result.column = place[weightIsLeft ? rank - 2 : rank - 1];
    SmallVector<Polynomial, 4> a(batch), b(batch), rest;
    a.append({place[rank - 2], result.inner});
    b.append({result.inner, place[rank - 1]});
    ElementOf left = operand(matmul.getA(), a), right = operand(matmul.getB(), b);
    Value w = weightAt(weightIsLeft ? left : right, 2, rest);
    if (!w)
      continue;
    result.isTransposed = rest[0] == result.column && rest[1] == result.inner;
    if (!result.isTransposed && !(rest[0] == result.inner && rest[1] == result.column))
      continue;
    result.w = {w};
    result.x = weightIsLeft ? right : left;
    return true;
  }
  return false;
}

bool ExpertMatcher::productOf(const ElementOf &a, const ElementOf &b, const Polynomial &inner,
                              ExpertProduct &result) {
  for (bool weightIsLeft : {true, false}) {
    SmallVector<Polynomial, 4> rest;
    Value w = weightAt(weightIsLeft ? a : b, 2, rest);
    if (!w || (!(rest[0] == inner) && !(rest[1] == inner)))
      continue;
    result.isTransposed = rest[1] == inner;
    result.column = rest[result.isTransposed ? 0 : 1];
    result.inner = inner;
    result.w = {w};
    result.x = weightIsLeft ? b : a;
    return true;
  }
  return false;
}

bool ExpertMatcher::einsum(const ElementOf &element, ExpertProduct &result) {
  if (!isa_and_nonnull<onnx::EinsumOp>(element.tensor.getDefiningOp()))
    return false;
  SmallVector<Polynomial, 2> summed;
  SmallVector<ElementOf, 3> found = terms(element, summed);
  return found.size() == 2 && summed.size() == 1 && productOf(found[0], found[1], summed.front(), result);
}

std::optional<ExpertProduct> ExpertMatcher::product(const ElementOf &element) {
  ExpertProduct result;
  ElementOf place = element;
  SmallVector<Polynomial, 4> biasColumn;
  if (auto add = place.tensor.getDefiningOp<onnx::AddOp>())
    for (unsigned i : {0u, 1u})
      if (Value bias = weightAt(operand(add->getOperand(i), element.indices), 1, biasColumn)) {
        result.bias = {bias};
        place = operand(add->getOperand(1 - i), element.indices);
        break;
      }
  if (!linear(place, result) && !matmul(place, result) && !einsum(place, result) && !grouped(place, result))
    return std::nullopt;
  if (!biasColumn.empty() && !(biasColumn.front() == result.column))
    return std::nullopt;
  return result;
}

/// The limit of min(x, limit), and x.
static std::optional<double> upperLimit(Stage &stage, Value value, Value &x) {
  if (auto clip = value.getDefiningOp<onnx::ClipOp>(); clip && clip.getMax()) {
    x = clip.getX();
    std::optional<double> low = clip.getMin() ? stage.scalar(clip.getMin()) : std::nullopt;
    if (clip.getMin() && (!low || *low > -std::numeric_limits<float>::max()))
      return std::nullopt;
    return stage.scalar(clip.getMax());
  }
  if (auto min = value.getDefiningOp<onnx::MinOp>())
    return stage.scalarOperand(min, x);
  return std::nullopt;
}

std::optional<ExpertMatcher::Half> ExpertMatcher::gateOf(const ElementOf &element) {
  Operation *op = element.tensor.getDefiningOp();
  if (!op)
    return std::nullopt;
  Half half;
  half.activation = nn::activationOf(op);
  ElementOf inner;
  if (half.activation != nn::Activation::None) {
    inner = operand(op->getOperand(0), element.indices);
  } else if (auto swish = dyn_cast<onnx::SwishOp>(op)) {
    half.alpha = swish.getAlpha().convertToFloat();
    inner = operand(swish.getX(), element.indices);
  } else if (isa<onnx::MulOp>(op)) {
    // g * sigmoid(alpha * g)
    for (unsigned i : {0u, 1u}) {
      ElementOf gate = operand(op->getOperand(i), element.indices),
                sigmoid = operand(op->getOperand(1 - i), element.indices);
      auto factor = sigmoid.tensor.getDefiningOp<onnx::SigmoidOp>();
      ElementOf scaled = factor ? operand(factor.getX(), sigmoid.indices) : ElementOf();
      auto product = scaled.tensor ? scaled.tensor.getDefiningOp<onnx::MulOp>() : onnx::MulOp();
      Value g;
      std::optional<double> alpha = product ? stage.scalarOperand(product, g) : std::nullopt;
      if (alpha && *alpha != 0 && operand(g, scaled.indices) == gate) {
        half.alpha = static_cast<float>(*alpha);
        inner = gate;
      }
    }
  }
  if (!inner.tensor)
    return std::nullopt;
  if (half.activation == nn::Activation::None)
    half.activation = nn::Activation::Silu;
  Value x;
  if (std::optional<double> limit = upperLimit(stage, inner.tensor, x)) {
    half.limit = static_cast<float>(*limit);
    inner = operand(x, inner.indices);
  }
  std::optional<ExpertProduct> found = product(inner);
  if (!found)
    return std::nullopt;
  half.product = *found;
  return half;
}

std::optional<ExpertMatcher::Half> ExpertMatcher::upOf(const ElementOf &element) {
  Half half;
  ElementOf inner = element;
  Value x;
  if (auto add = inner.tensor.getDefiningOp<onnx::AddOp>())
    if (std::optional<double> beta = stage.scalarOperand(add, x)) {
      half.beta = static_cast<float>(*beta);
      inner = operand(x, inner.indices);
    }
  if (auto clip = inner.tensor.getDefiningOp<onnx::ClipOp>()) {
    std::optional<double> low = clip.getMin() ? stage.scalar(clip.getMin()) : std::nullopt,
                          high = clip.getMax() ? stage.scalar(clip.getMax()) : std::nullopt;
    if (!low || !high || *low != -*high)
      return std::nullopt;
    half.limit = static_cast<float>(*high);
    inner = operand(clip.getX(), inner.indices);
  }
  std::optional<ExpertProduct> found = product(inner);
  if (!found)
    return std::nullopt;
  half.product = *found;
  return half;
}

/// Is the product's column first + step * index, for all of `count` indices?
static std::optional<ColumnRange> columnsOf(const ExpertProduct &product, const Polynomial &index,
                                            int64_t count) {
  for (int64_t step : {1, 2})
    if (std::optional<int64_t> first = (product.column - index * Polynomial(step)).constant()) {
      int64_t all = product.columns();
      if (*first >= 0 && *first + (count - 1) * step < all && (step == 1 || (*first < 2 && count * 2 == all)))
        return ColumnRange{*first, step};
      return std::nullopt;
    }
  return std::nullopt;
}

std::optional<std::pair<ElementOf, ElementOf>> ExpertMatcher::factors(const ElementOf &element) {
  Operation *op = element.tensor.getDefiningOp();
  if (isa_and_nonnull<onnx::MulOp>(op))
    return std::make_pair(operand(op->getOperand(0), element.indices),
                          operand(op->getOperand(1), element.indices));
  SmallVector<Polynomial, 2> summed;
  if (isa_and_nonnull<onnx::EinsumOp>(op)) {
    SmallVector<ElementOf, 3> found = terms(element, summed);
    return found.size() == 2 && summed.empty() ? std::optional(std::make_pair(found[0], found[1]))
                                               : std::nullopt;
  }
  // An outer product: of a column and a row.
  auto matmul = dyn_cast_or_null<onnx::MatMulOp>(op);
  ArrayRef<Polynomial> place = element.indices;
  if (!matmul || place.size() < 2 || stage.shapes.sizes(matmul.getA()).size() < 2 ||
      stage.shapes.sizes(matmul.getB()).size() < 2 || !stage.shapes.sizes(matmul.getA()).back().isConstant(1))
    return std::nullopt;
  SmallVector<Polynomial, 4> a(place), b(place);
  a.back() = Polynomial();
  b[b.size() - 2] = Polynomial();
  return std::make_pair(operand(matmul.getA(), a), operand(matmul.getB(), b));
}

SmallVector<ElementOf, 3> ExpertMatcher::terms(const ElementOf &element, SmallVectorImpl<Polynomial> &summed,
                                               char chosen, const Polynomial &chosenAt) {
  auto op = cast<onnx::EinsumOp>(element.tensor.getDefiningOp());
  auto [operands, output] = op.getEquation().split("->");
  llvm::SmallDenseMap<char, Polynomial> at;
  for (auto [letter, index] : llvm::zip(output, element.indices))
    at[letter] = index;
  if (chosen)
    at[chosen] = chosenAt;
  SmallVector<StringRef, 3> letters;
  operands.split(letters, ',');
  SmallVector<ElementOf, 3> result;
  for (auto [own, input] : llvm::zip(letters, op.getInputs())) {
    SmallVector<Polynomial, 4> place;
    for (auto [letter, size] : llvm::zip(own, stage.shapes.sizes(input))) {
      auto [found, isNew] = at.try_emplace(letter);
      if (isNew) {
        found->second = newIndex(size);
        summed.push_back(found->second);
      }
      place.push_back(size.isConstant(1) ? Polynomial() : found->second);
    }
    result.push_back(trace(input, place));
  }
  return result;
}

ElementOf ExpertMatcher::withoutFactor(const ElementOf &element, bool &found) {
  auto both = rowFactor ? factors(element) : std::nullopt;
  found = false;
  if (both && (found = rowFactor(both->first)))
    return both->second;
  if (both && (found = rowFactor(both->second)))
    return both->first;
  return element;
}

std::optional<MatchedExpert> ExpertMatcher::expertOf(Operation *result, const ExpertProduct &out,
                                                     const Polynomial &column) {
  if (!(out.column == column))
    return fail(result, "its columns are in another order than those of the last product");
  MatchedExpert found;
  found.out = out;
  Operation *hidden = out.x.tensor.getDefiningOp();
  std::optional<Half> gate, up;
  if (isa_and_nonnull<onnx::MulOp>(hidden))
    for (unsigned i : {0u, 1u})
      if ((gate = gateOf(operand(hidden->getOperand(i), out.x.indices))) &&
          (up = upOf(operand(hidden->getOperand(1 - i), out.x.indices))))
        break;
  if (!gate || !up) {
    up.reset();
    gate = gateOf(out.x);
  }
  if (!gate)
    return fail(hidden ? hidden : result, "this is no activation of an expert's product, or times another");
  if (!up && (gate->alpha != 1 || gate->limit != std::numeric_limits<float>::infinity()))
    return fail(hidden, "its activation has a factor or a limit, and multiplies no other product");
  if (up && gate->limit != up->limit)
    return fail(hidden, "the two halves of its hidden row have different limits");
  found.gate = gate->product;
  found.form.activation = gate->activation;
  found.form.alpha = gate->alpha;
  found.form.limit = gate->limit;
  if (gate->alpha == 0 || (gate->activation != nn::Activation::Silu && gate->alpha != 1))
    return fail(hidden, "its activation has a factor");
  if (up) {
    found.up = up->product;
    found.form.beta = up->beta;
  }
  bool gateHasFactor, upHasFactor;
  found.gate.x = withoutFactor(found.gate.x, gateHasFactor);
  if (found.up) {
    found.up->x = withoutFactor(found.up->x, upHasFactor);
    if (gateHasFactor != upHasFactor)
      return fail(hidden, "only one half of its hidden row is of rows that are multiplied by the score");
  }
  auto readsToken = [&](const ExpertProduct &product) {
    const ElementOf &x = product.x;
    SmallVector<Polynomial, 4> expected(leading.begin(), leading.end());
    expected.append({token, product.inner});
    return x.tensor == found.gate.x.tensor && x.indices == expected;
  };
  if (!readsToken(found.gate) || (found.up && !readsToken(*found.up)))
    return fail(hidden, "its rows are not the tokens'");
  found.x = found.gate.x.tensor;
  int64_t inner = out.depth();
  std::optional<ColumnRange> gateColumns = columnsOf(found.gate, out.inner, inner),
                             upColumns = up ? columnsOf(*found.up, out.inner, inner) : ColumnRange();
  if (!gateColumns || !upColumns)
    return fail(hidden, "its hidden columns are in another order than those of a product");
  found.gateColumns = *gateColumns;
  found.upColumns = *upColumns;
  return found;
}

bool MatchedExpert::isAlike(const MatchedExpert &other) const {
  auto productsAreAlike = [](const ExpertProduct &a, const ExpertProduct &b) {
    auto type = [](Value value) { return value.getType(); };
    return llvm::equal(llvm::map_range(a.w, type), llvm::map_range(b.w, type)) &&
           llvm::equal(llvm::map_range(a.bias, type), llvm::map_range(b.bias, type)) &&
           a.isTransposed == b.isTransposed;
  };
  return x == other.x && form.activation == other.form.activation && form.alpha == other.form.alpha &&
         form.beta == other.form.beta && form.limit == other.form.limit && gateColumns == other.gateColumns &&
         upColumns == other.upColumns && up.has_value() == other.up.has_value() &&
         productsAreAlike(gate, other.gate) && productsAreAlike(out, other.out) &&
         (!up || productsAreAlike(*up, *other.up));
}

/// Matrices of single experts as one weight with a leading dimension.
static Value stack(Stage &stage, ArrayRef<Value> parts, bool areOfAll, bool isBias) {
  if (areOfAll) {
    Value all = weight::asWeight(stage.builder, parts.front());
    ArrayRef<int64_t> shape = typeOf(all).getShape();
    if (!isBias || shape.size() == 2)
      return all;
    return weight::ReshapeOp::create(stage.builder, stage.location(),
                                     typeOf(all).clone({shape.front(), shape.back()}), all);
  }
  SmallVector<Value> stacked;
  for (Value part : parts) {
    part = weight::asWeight(stage.builder, part);
    SmallVector<int64_t> shape(typeOf(part).getShape());
    shape.insert(shape.begin(), 1);
    stacked.push_back(
        weight::ReshapeOp::create(stage.builder, stage.location(), typeOf(part).clone(shape), part));
  }
  SmallVector<int64_t> shape(typeOf(stacked.front()).getShape());
  shape[0] = static_cast<int64_t>(stacked.size());
  return weight::ConcatOp::create(stage.builder, stage.location(), typeOf(stacked.front()).clone(shape),
                                  stacked, 0);
}

/// Columns of a layer of all experts, as [E, K, N], with their bias.
static ExpertLayer layerOf(Stage &stage, const ExpertProduct &product, ColumnRange columns, int64_t count) {
  auto &builder = stage.builder;
  auto slice = [&](Value value, int64_t axis, int64_t begin, int64_t size) -> Value {
    SmallVector<int64_t> shape(typeOf(value).getShape());
    shape[axis] = size;
    return weight::SliceOp::create(builder, stage.location(), typeOf(value).clone(shape), value, axis, begin);
  };
  auto take = [&](Value value, int64_t axis) -> Value {
    SmallVector<int64_t> shape(typeOf(value).getShape());
    if (columns.step == 1)
      return count == shape[axis] ? value : slice(value, axis, columns.first, count);
    SmallVector<int64_t> pairs(shape);
    pairs[axis] = count;
    pairs.insert(pairs.begin() + axis + 1, 2);
    shape[axis] = count;
    Value split = weight::ReshapeOp::create(builder, stage.location(), typeOf(value).clone(pairs), value);
    return weight::ReshapeOp::create(builder, stage.location(), typeOf(value).clone(shape),
                                     slice(split, axis + 1, columns.first, 1));
  };
  ExpertLayer layer;
  layer.w = take(stack(stage, product.w, product.isOfAll(), false), product.isTransposed ? 1 : 2);
  if (product.isTransposed)
    layer.w = transposed(stage, layer.w);
  if (!product.bias.empty())
    layer.bias = take(stack(stage, product.bias, typeOf(product.bias.front()).getRank() > 1, true), 1);
  return layer;
}

/// The same product of several matches as one: a weight of all experts is to be the same in all of them, and
/// of single ones there are to be as many as experts. Null otherwise.
static std::optional<ExpertProduct> join(ArrayRef<MatchedExpert> matches, int64_t experts,
                                         function_ref<const ExpertProduct &(const MatchedExpert &)> part) {
  ExpertProduct all = part(matches.front());
  auto add = [&](SmallVector<Value> &to, const SmallVector<Value> &from, bool areOfAll) {
    if (!areOfAll)
      llvm::append_range(to, from);
    return !areOfAll || to == from;
  };
  bool biasIsOfAll = !all.bias.empty() && typeOf(all.bias.front()).getRank() > 1;
  for (const MatchedExpert &match : matches.drop_front())
    if (!add(all.w, part(match).w, all.isOfAll()) || !add(all.bias, part(match).bias, biasIsOfAll))
      return std::nullopt;
  auto count = [](const SmallVector<Value> &values, bool areOfAll) {
    return areOfAll ? typeOf(values.front()).getDimSize(0) : static_cast<int64_t>(values.size());
  };
  if (count(all.w, all.isOfAll()) != experts ||
      (!all.bias.empty() && count(all.bias, biasIsOfAll) != experts))
    return std::nullopt;
  return all;
}

std::optional<ExpertLayers> ExpertMatcher::layersOf(Operation *op, ArrayRef<MatchedExpert> matches) {
  const MatchedExpert &first = matches.front();
  int64_t experts = 0;
  for (const MatchedExpert &match : matches)
    experts += static_cast<int64_t>(match.out.w.size());
  if (first.out.isOfAll())
    experts = typeOf(first.out.w.front()).getDimSize(0);
  using Match = const MatchedExpert &;
  std::optional<ExpertProduct> gate = join(matches, experts,
                                           [](Match e) -> const ExpertProduct & { return e.gate; }),
                               up, out = join(matches, experts, [](Match e) -> const ExpertProduct & {
                                     return e.out;
                                   });
  if (first.up)
    up = join(matches, experts, [](Match e) -> const ExpertProduct & { return *e.up; });
  if (!gate || !out || (first.up && !up))
    return fail(op, "a product has not one matrix, and one bias if any, for each expert");
  ExpertLayers layers = first.form;
  int64_t inner = first.out.depth();
  layers.gate = layerOf(stage, *gate, first.gateColumns, inner);
  if (up)
    layers.up = layerOf(stage, *up, first.upColumns, inner);
  layers.out = layerOf(stage, *out, ColumnRange(), first.out.columns());
  return layers;
}
