//===- RaiseAttention.cpp - Attention, whatever the exporter wrote ------------------------------------===//
//
// The anchor is the softmax. Above it are the scores (a product of q and k, scaled, with masks and biases
// added or selected), below it the product with v. Where q, k and v come from is found by following their
// elements back through the ops that only move data: what ends in columns of a [B, S, ...] value is read
// there; what does not (rotary embedding in between) is transposed to it.
//
//===----------------------------------------------------------------------------------------------===//
#include "MaskProof.h"
#include "llvm/ADT/SetVector.h"
#include <cmath>

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;
using namespace tamis::raising;

namespace {
/// Where q, k or v lie.
struct Heads {
  enum Layout {
    Columns,  // [B, S, ...], from `column` on
    RowMajor, // [B, S, h, D]
    HeadMajor // [B, h, S, D]
  };
  Value value;
  int64_t column = 0;
  Layout layout = Columns;
};

struct Mask {
  Value value;
  bool inverted = false;                                  // Of a boolean mask: true excludes.
  double fill = -std::numeric_limits<double>::infinity(); // The score of what a boolean mask excludes.
};

/// What stands between the inputs and the result.
struct Core {
  Operation *softmax = nullptr; // Or the onnx.Attention op.
  Value q, k, v;                // [B, h, S, D], k also [B, h, D, T] (`keysAcross`), k and v perhaps repeated.
  bool keysAcross = false;
  double scale = 1, softcap = 0;
  SmallVector<Mask, 2> masks;
  bool causal = false;
  Value result; // [B, h, S, E], or [B, S, h * E] when `flat`.
};

struct Dimensions {
  int64_t heads, headDim, valueDim;
  Polynomial batch, queries, keys;
};
} // namespace

/// value = factor * inner; factors are taken off as long as there are some.
static Value takeScale(Stage &stage, Value value, double &scale) {
  while (true) {
    value = skipIdleCasts(value);
    Operation *op = value.getDefiningOp();
    Value inner;
    if (isa_and_nonnull<onnx::MulOp>(op)) {
      std::optional<double> factor = stage.scalarOperand(op, inner);
      if (!factor)
        return value;
      scale *= *factor;
      value = inner;
    } else if (auto divisor =
                   isa_and_nonnull<onnx::DivOp>(op) ? stage.scalar(op->getOperand(1)) : std::nullopt;
               divisor && *divisor != 0) {
      scale /= *divisor;
      value = op->getOperand(0);
    } else {
      return value;
    }
  }
}

/// Is this the product of two computed tensors, [B, h, S, T], perhaps scaled, masked, biased? Its way to it
/// is found by readScores.
static bool leadsToScores(Stage &stage, Value value, unsigned depth = 0) {
  double scale = 1;
  value = takeScale(stage, value, scale);
  Operation *op = value.getDefiningOp();
  if (!op || depth > 8 || typeOf(value).getRank() != 4)
    return false;
  if (isa<onnx::MatMulOp>(op))
    return true;
  if (isa<onnx::AddOp>(op))
    return leadsToScores(stage, op->getOperand(0), depth + 1) ||
           leadsToScores(stage, op->getOperand(1), depth + 1);
  if (isa<onnx::WhereOp>(op))
    return leadsToScores(stage, op->getOperand(1), depth + 1) ||
           leadsToScores(stage, op->getOperand(2), depth + 1);
  if (isa<onnx::TanhOp>(op))
    return leadsToScores(stage, op->getOperand(0), depth + 1);
  return false;
}

/// Follows the scores up to the product of q and k.
static bool readScores(Stage &stage, Value value, Core &core) {
  value = skipIdleCasts(value);
  while (Operation *op = value.getDefiningOp()) {
    if (isa<onnx::AddOp>(op)) {
      bool first = leadsToScores(stage, op->getOperand(0));
      if (first == leadsToScores(stage, op->getOperand(1)))
        return false;
      core.masks.push_back({op->getOperand(first ? 1 : 0)});
      value = skipIdleCasts(op->getOperand(first ? 0 : 1));
      continue;
    }
    if (auto where = dyn_cast<onnx::WhereOp>(op)) {
      bool kept = leadsToScores(stage, where.getX());
      std::optional<double> fill = stage.scalar(kept ? where.getY() : where.getX());
      if (!fill || *fill > -1e4)
        return false;
      core.masks.push_back({where.getCondition(), !kept, *fill});
      value = skipIdleCasts(kept ? where.getX() : where.getY());
      continue;
    }
    break;
  }
  // c * tanh(s / c)
  double outer = 1;
  Value scaled = takeScale(stage, value, outer);
  if (auto cap = scaled.getDefiningOp<onnx::TanhOp>()) {
    core.softcap = outer;
    outer = 1;
    scaled = takeScale(stage, cap.getX(), outer);
    outer *= core.softcap;
  }
  auto product = scaled.getDefiningOp<onnx::MatMulOp>();
  if (!product || typeOf(scaled).getRank() != 4)
    return false;
  core.scale = outer;
  core.q = takeScale(stage, product.getA(), core.scale);
  core.k = takeScale(stage, product.getB(), core.scale);
  core.keysAcross = true;
  return true;
}

/// The weights without the guard that makes rows of NaN zero: nn.attention gives zeros there anyway.
static Value skipGuards(Stage &stage, Value weights) {
  while (true) {
    Value next;
    for (Operation *user : weights.getUsers()) {
      auto where = dyn_cast<onnx::WhereOp>(user);
      auto test = where ? where.getCondition().getDefiningOp<onnx::IsNaNOp>() : onnx::IsNaNOp();
      if (test && test.getX() == weights && where.getY() == weights && stage.isScalar(where.getX(), 0, 0))
        next = where.getZ();
      else if (auto cast = dyn_cast<onnx::CastOp>(user);
               cast && cast.getX().getType() == cast.getY().getType())
        next = cast.getY();
    }
    if (!next)
      return weights;
    weights = next;
  }
}

static std::optional<Core> matchSoftmax(Stage &stage, onnx::SoftmaxOp softmax) {
  Core core;
  core.softmax = softmax;
  if (typeOf(softmax.getY()).getRank() != 4 || softmax.getAxis() != 3 || !isF32(softmax.getY()) ||
      !leadsToScores(stage, softmax.getX()))
    return std::nullopt;
  if (!readScores(stage, softmax.getX(), core)) {
    stage.remark(softmax, "the scores of this softmax are no scaled product with masks added to it");
    return std::nullopt;
  }
  Value weights = skipGuards(stage, softmax.getY());
  auto product = weights.hasOneUse() ? dyn_cast<onnx::MatMulOp>(*weights.user_begin()) : onnx::MatMulOp();
  if (!product || product.getA() != weights) {
    stage.remark(softmax, "the weights of this softmax are used by more than the product with the values");
    return std::nullopt;
  }
  core.v = product.getB();
  core.result = product.getC();
  return core;
}

static std::optional<Core> matchFused(Stage &stage, onnx::AttentionOp op) {
  Core core;
  core.softmax = op;
  if (!isF32(op.getY()))
    return std::nullopt;
  core.q = op.getQ();
  core.k = op.getK();
  core.v = op.getV();
  core.scale = op.getScale().convertToFloat();
  core.softcap = op.getSoftcap().convertToFloat();
  core.causal = op.getIsCausal();
  if (op.getMask())
    core.masks.push_back({op.getMask()});
  core.result = op.getY();
  return core;
}

/// Where element (batch, head, row, i) of a tensor [B, h, S, size] lies, the head being `keyHead`, the part
/// of the head's index that may matter. Absent when the tensor must be moved as it is.
static std::optional<Heads> locate(Stage &stage, Value tensor, ArrayRef<Polynomial> at,
                                   const Polynomial &batch, const Polynomial &row, const Polynomial &keyHead,
                                   const Polynomial &i, int64_t size) {
  ElementOf source = stage.elements.trace({tensor, SmallVector<Polynomial, 4>(at)});
  // The tensor that is read must not have more of what is told apart by a size than the one that was traced.
  auto extent = [&](const Polynomial &index) {
    return stage.shapes.sizes(tensor)[llvm::find(at, index) - at.begin()];
  };
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(source.tensor);
  for (auto [index, size] : llvm::zip_equal(source.indices, sizes))
    if (((index == batch || index == row) && !(size == extent(index))) ||
        (source.indices.size() == 4 && index == i && !(size == extent(i))))
      return std::nullopt;
  using Indices = SmallVector<Polynomial, 4>;
  if (source.indices == Indices{batch, row, keyHead, i})
    return Heads{source.tensor, 0, Heads::RowMajor};
  if (source.indices == Indices{batch, keyHead, row, i})
    return Heads{source.tensor, 0, Heads::HeadMajor};
  if (source.indices.size() != 3 || !(source.indices[0] == batch) || !(source.indices[1] == row))
    return std::nullopt;
  std::optional<int64_t> column = (source.indices[2] - keyHead * size - i).constant();
  if (!column || *column < 0)
    return std::nullopt;
  return Heads{source.tensor, *column};
}

/// [B, h, S, D] (or, across, [B, h, D, S], or with its heads behind the rows) as [B, S, h * D] by moving the
/// data.
static Value flattenHeads(Stage &stage, Value value, ArrayRef<int64_t> perm) {
  RankedTensorType type = typeOf(value);
  SmallVector<int64_t> shape;
  for (int64_t source : perm)
    shape.push_back(type.getDimSize(source));
  if (perm != ArrayRef<int64_t>{0, 1, 2, 3})
    value = onnx::TransposeOp::create(stage.builder, stage.location(),
                                      RankedTensorType::get(shape, type.getElementType()), value, perm);
  auto target = DenseElementsAttr::get(RankedTensorType::get({3}, stage.builder.getI64Type()),
                                       ArrayRef<int64_t>{0, 0, shape[2] * shape[3]});
  Value sizes = onnx::ConstantOp::create(stage.builder, stage.location(), target);
  return onnx::ReshapeOp::create(
      stage.builder, stage.location(),
      RankedTensorType::get({shape[0], shape[1], shape[2] * shape[3]}, type.getElementType()), value, sizes,
      false);
}

static Heads asColumns(Stage &stage, const std::optional<Heads> &heads, Value tensor, bool across) {
  if (!heads)
    return {
        flattenHeads(stage, tensor, across ? ArrayRef<int64_t>{0, 3, 1, 2} : ArrayRef<int64_t>{0, 2, 1, 3})};
  if (heads->layout == Heads::RowMajor)
    return {flattenHeads(stage, heads->value, {0, 1, 2, 3})};
  if (heads->layout == Heads::HeadMajor)
    return {flattenHeads(stage, heads->value, {0, 2, 1, 3})};
  return *heads;
}

/// Additive parts of a bias, so that a mask in a sum is seen.
static void flattenSum(Stage &stage, Mask mask, SmallVectorImpl<Mask> &parts, unsigned depth = 0) {
  auto add = skipIdleCasts(mask.value).getDefiningOp<onnx::AddOp>();
  if (!add || depth > 4 || !isF32(add.getC()))
    return parts.push_back(mask);
  flattenSum(stage, {add.getA()}, parts, depth + 1);
  flattenSum(stage, {add.getB()}, parts, depth + 1);
}

/// A boolean mask as numbers to add.
static Value asBias(Stage &stage, const Mask &mask) {
  RankedTensorType type = typeOf(mask.value);
  Value value = mask.value;
  if (type.getElementType().isInteger(1)) {
    auto scalar = [&](float number) -> Value {
      return onnx::ConstantOp::create(
          stage.builder, stage.location(),
          DenseElementsAttr::get(RankedTensorType::get({}, stage.builder.getF32Type()), number));
    };
    Value admitted = scalar(0), excluded = scalar(static_cast<float>(mask.fill));
    if (mask.inverted)
      std::swap(admitted, excluded);
    type = RankedTensorType::get(type.getShape(), stage.builder.getF32Type());
    value = onnx::WhereOp::create(stage.builder, stage.location(), type, value, admitted, excluded);
  }
  if (type.getRank() == 4)
    return value;
  SmallVector<int64_t> axes(4 - type.getRank()), shape(4 - type.getRank(), 1);
  std::iota(axes.begin(), axes.end(), 0);
  llvm::append_range(shape, type.getShape());
  return onnx::UnsqueezeOp::create(stage.builder, stage.location(),
                                   RankedTensorType::get(shape, type.getElementType()), value, axes);
}

/// The sum of two biases of rank 4.
static Value addBiases(Stage &stage, Value a, Value b) {
  if (!a)
    return b;
  SmallVector<int64_t> shape;
  for (auto [x, y] : llvm::zip(typeOf(a).getShape(), typeOf(b).getShape()))
    shape.push_back(x == 1 ? y : y == 1 || x == y ? x : ShapedType::isDynamic(x) ? y : x);
  return onnx::AddOp::create(stage.builder, stage.location(),
                             RankedTensorType::get(shape, stage.builder.getF32Type()), a, b);
}

/// where(no key counts, 0, y): nn.attention gives zeros there already, when the test is on the same mask.
static SmallVector<onnx::WhereOp> emptyRowGuards(Stage &stage, Value result, const MaskProof &proof,
                                                 const ScoreIndices &at) {
  SmallVector<onnx::WhereOp> guards;
  for (Operation *user : result.getUsers()) {
    auto where = dyn_cast<onnx::WhereOp>(user);
    auto less = where ? where.getCondition().getDefiningOp<onnx::LessOp>() : onnx::LessOp();
    auto sum = less ? less.getA().getDefiningOp<onnx::ReduceSumOp>() : onnx::ReduceSumOp();
    auto cast = sum ? sum.getData().getDefiningOp<onnx::CastOp>() : onnx::CastOp();
    if (!cast || where.getY() != result || !stage.isScalar(where.getX(), 0, 0) ||
        !stage.isScalar(less.getB(), 1, 0) ||
        sum.getAxes() != ArrayRef<int64_t>{typeOf(sum.getData()).getRank() - 1} ||
        !typeOf(cast.getX()).getElementType().isInteger(1) || typeOf(where.getZ()) != typeOf(result))
      continue;
    MaskProof counted = proveMask(stage, cast.getX(), at);
    if (counted.complete && counted.keyMask == proof.keyMask && counted.causal == proof.causal &&
        counted.window == proof.window)
      guards.push_back(where);
  }
  return guards;
}

namespace {
/// The masks of one attention, split into what the op says itself and a bias.
struct Masks {
  MaskProof proof;
  Value bias;
  /// All of them as a bias, where a row without keys has weights by it.
  Value emptyRowBias;
};
} // namespace

/// An expansion to the scores' shape only costs memory: the op broadcasts.
static Mask withoutExpansion(Mask mask) {
  while (auto expand = mask.value.getDefiningOp<onnx::ExpandOp>())
    mask.value = expand.getX();
  return mask;
}

static bool readMasks(Stage &stage, const Core &core, const ScoreIndices &at, Masks &masks) {
  MaskProof &all = masks.proof;
  SmallVector<Mask, 4> parts;
  for (const Mask &mask : core.masks)
    flattenSum(stage, mask, parts);
  for (const Mask &part : parts) {
    Type element = typeOf(part.value).getElementType();
    if (typeOf(part.value).getRank() > 4 || !(element.isF32() || element.isInteger(1))) {
      stage.remark(core.softmax, "a mask or bias of the scores has a type that attention does not take");
      return false;
    }
    MaskProof proof = proveMask(stage, part.value, at, part.inverted);
    bool clash = proof.keyMask && all.keyMask && proof.keyMask != all.keyMask;
    if (proof.keyMask && !clash) {
      all.keyMask = proof.keyMask;
      all.binary |= proof.binary;
      all.isFinite |=
          proof.isFinite || (typeOf(part.value).getElementType().isInteger(1) && std::isfinite(part.fill));
    }
    if (proof.complete && !clash) {
      all.causal |= proof.causal;
      if (proof.window)
        all.window = all.window ? std::min(all.window, proof.window) : proof.window;
      continue;
    }
    masks.bias = addBiases(stage, masks.bias, asBias(stage, withoutExpansion(part)));
  }
  // What the op excludes by itself, such as keys behind the query, is not among the parts.
  if (all.isFinite && !core.causal && emptyRowGuards(stage, core.result, all, at).empty())
    for (const Mask &part : parts)
      masks.emptyRowBias = addBiases(stage, masks.emptyRowBias, asBias(stage, withoutExpansion(part)));
  return true;
}

/// Puts `y` [B, S, h * E] for what is computed of `result` [B, h, S, E]: flattened where it is flattened,
/// else moved.
static void replaceResult(Stage &stage, Value result, Value y, const Dimensions &dims,
                          const ScoreIndices &at) {
  // The ops that move the result, and nothing but it.
  llvm::SetVector<Value> moved;
  moved.insert(result);
  Polynomial i = stage.shapes.newIndex(dims.valueDim);
  SmallVector<Polynomial, 4> flat{at.batch, at.query, at.head * dims.valueDim + i};
  ElementOf wanted{result, {at.batch, at.head, at.query, i}};
  for (size_t k = 0; k < moved.size() && k < 16; ++k) {
    for (Operation *user : llvm::make_early_inc_range(moved[k].getUsers())) {
      if (!isa<onnx::ReshapeOp, onnx::TransposeOp, onnx::CastOp>(user) || user->getOperand(0) != moved[k])
        continue;
      Value next = user->getResult(0);
      ArrayRef<Polynomial> sizes = stage.shapes.sizes(next);
      if (sizes.size() == 3 && sizes[0] == dims.batch && sizes[1] == dims.queries &&
          sizes[2].isConstant(dims.heads * dims.valueDim)) {
        if (stage.elements.trace({next, flat}, result) == wanted) {
          next.replaceAllUsesWith(y);
          continue;
        }
      }
      moved.insert(next);
    }
  }
  // Only what this pass and the exporter left behind is without users.
  auto stillUsed = [&](Value value) {
    return llvm::any_of(value.getUsers(),
                        [](Operation *user) { return !user->use_empty() || user->getNumResults() == 0; });
  };
  if (!stillUsed(result))
    return;
  RankedTensorType type = typeOf(result);
  auto target = DenseElementsAttr::get(RankedTensorType::get({4}, stage.builder.getI64Type()),
                                       ArrayRef<int64_t>{0, 0, dims.heads, dims.valueDim});
  Value sizes = onnx::ConstantOp::create(stage.builder, stage.location(), target);
  Value split = onnx::ReshapeOp::create(
      stage.builder, stage.location(),
      RankedTensorType::get({type.getDimSize(0), type.getDimSize(2), dims.heads, dims.valueDim},
                            type.getElementType()),
      y, sizes, false);
  result.replaceAllUsesWith(
      onnx::TransposeOp::create(stage.builder, stage.location(), type, split, ArrayRef<int64_t>{0, 2, 1, 3}));
}

/// Sizes of four-dimensional q, k, v; absent when they are not known.
static std::optional<Dimensions> readDimensions(Stage &stage, const Core &core) {
  ArrayRef<Polynomial> q = stage.shapes.sizes(core.q), k = stage.shapes.sizes(core.k),
                       v = stage.shapes.sizes(core.v);
  if (q.size() != 4 || k.size() != 4 || v.size() != 4)
    return std::nullopt;
  std::optional<int64_t> heads = q[1].constant(), headDim = q[3].constant(), valueDim = v[3].constant();
  if (!heads || !headDim || !valueDim || *heads <= 0 || *headDim <= 0 || *valueDim <= 0)
    return std::nullopt;
  return Dimensions{*heads, *headDim, *valueDim, q[0], q[2], core.keysAcross ? k[3] : k[2]};
}

static nn::AttentionOp build(Stage &stage, const Core &core, const Dimensions &dims, int64_t keyHeads,
                             const Heads &q, const Heads &k, const Heads &v, const Masks &masks) {
  OpBuilder &b = stage.builder;
  const MaskProof &proof = masks.proof;
  int64_t shape[] = {dims.batch.constant().value_or(ShapedType::kDynamic),
                     dims.queries.constant().value_or(ShapedType::kDynamic), dims.heads * dims.valueDim};
  return nn::AttentionOp::create(
      b, stage.location(), RankedTensorType::get(shape, b.getF32Type()), q.value, k.value, v.value,
      proof.keyMask, masks.bias, Value(), Value(), Value(), masks.emptyRowBias, Value(), dims.heads, keyHeads,
      dims.headDim, dims.valueDim, APFloat(static_cast<float>(core.scale)), q.column, k.column, v.column,
      proof.causal || core.causal, proof.window, APFloat(static_cast<float>(core.softcap)));
}

/// An attention's mask is an argument; what is proven of its elements is kept with it.
static void noteMask(Stage &stage, const MaskProof &proof) {
  if (auto argument = dyn_cast_or_null<BlockArgument>(proof.keyMask); argument && proof.binary)
    stage.function.setArgAttr(argument.getArgNumber(), "tamis.binary_mask", stage.builder.getUnitAttr());
}

static void raiseCore(Stage &stage, Core core, Operation *place) {
  std::optional<Dimensions> dims = readDimensions(stage, core);
  if (!dims)
    return stage.remark(core.softmax,
                        "the number of heads or the size of a head is not known at compile time");
  ScoreIndices at;
  at.batch = stage.shapes.newIndex(dims->batch);
  at.query = stage.shapes.newIndex(dims->queries);
  at.key = stage.shapes.newIndex(dims->keys);
  Polynomial i = stage.shapes.newIndex(dims->headDim), e = stage.shapes.newIndex(dims->valueDim);
  // k and v may be one head for several of q: the head is keyHead * group + member, and member must not
  // matter.
  std::optional<Heads> k, v;
  int64_t keyHeads = dims->heads;
  auto keyAt = [&](const Polynomial &head) {
    SmallVector<Polynomial, 4> indices{at.batch, head, at.key, i};
    if (core.keysAcross)
      std::swap(indices[2], indices[3]);
    return indices;
  };
  int64_t keyGroups = stage.shapes.sizes(core.k)[1].constant().value_or(dims->heads);
  if (keyGroups <= 0 || dims->heads % keyGroups != 0 ||
      !(stage.shapes.sizes(core.v)[1].isConstant(keyGroups)))
    return stage.remark(core.softmax, "the heads of keys and values do not divide those of the queries");
  Polynomial queryHead = stage.shapes.newIndex(dims->heads);
  at.head = queryHead;
  for (int64_t group = keyGroups; group >= 1 && !(k && v); --group) {
    if (keyGroups % group != 0)
      continue;
    keyHeads = keyGroups / group;
    Polynomial keyHead = keyHeads == 1 ? Polynomial() : stage.shapes.newIndex(keyHeads);
    Polynomial head = group == 1 ? keyHead : keyHead * group + stage.shapes.newIndex(group);
    k = locate(stage, core.k, keyAt(head), at.batch, at.key, keyHead, i, dims->headDim);
    v = locate(stage, core.v, {at.batch, head, at.key, e}, at.batch, at.key, keyHead, e, dims->valueDim);
  }
  std::optional<Heads> q = locate(stage, core.q, {at.batch, queryHead, at.query, i}, at.batch, at.query,
                                  queryHead, i, dims->headDim);
  stage.buildAt(place, core.softmax);
  Masks masks;
  if (!readMasks(stage, core, at, masks))
    return;
  if ((masks.proof.causal || core.causal) && !(dims->queries == dims->keys))
    return stage.remark(core.softmax, "causal attention of queries and keys of different numbers");
  // A factor of all of q may also stand before its heads are told apart.
  if (q && q->layout == Heads::Columns)
    q->value = takeScale(stage, q->value, core.scale);
  Value y = build(stage, core, *dims, keyHeads, asColumns(stage, q, core.q, false),
                  asColumns(stage, k, core.k, core.keysAcross), asColumns(stage, v, core.v, false), masks);
  noteMask(stage, masks.proof);
  for (onnx::WhereOp guard : emptyRowGuards(stage, core.result, masks.proof, at))
    guard.getZ().replaceAllUsesWith(core.result);
  replaceResult(stage, core.result, y, *dims, at);
  ++stage.counts.attention;
}

/// onnx.Attention of flat operands has everything already.
static void raiseFlat(Stage &stage, const Core &core, onnx::AttentionOp op) {
  int64_t heads = op.getQNumHeads(), keyHeads = op.getKvNumHeads();
  ArrayRef<Polynomial> qs = stage.shapes.sizes(core.q), ks = stage.shapes.sizes(core.k),
                       vs = stage.shapes.sizes(core.v);
  std::optional<int64_t> q = qs[2].constant(), v = vs[2].constant();
  if (heads <= 0 || keyHeads <= 0 || heads % keyHeads != 0 || !q || !v)
    return stage.remark(op, "the number of heads or the size of a head is not known at compile time");
  Dimensions dims{heads, *q / heads, *v / keyHeads, qs[0], qs[1], ks[1]};
  ScoreIndices at{stage.shapes.newIndex(dims.batch), stage.shapes.newIndex(heads),
                  stage.shapes.newIndex(dims.queries), stage.shapes.newIndex(dims.keys)};
  stage.buildAt(op);
  Masks masks;
  if (!readMasks(stage, core, at, masks))
    return;
  if ((masks.proof.causal || core.causal) && !(dims.queries == dims.keys))
    return stage.remark(op, "causal attention of queries and keys of different numbers");
  noteMask(stage, masks.proof);
  op.getY().replaceAllUsesWith(
      build(stage, core, dims, keyHeads, {core.q}, {core.k}, {core.v}, masks).getY());
  ++stage.counts.attention;
}

void raising::raiseAttention(Stage &stage) {
  SmallVector<Operation *> ops;
  stage.function.walk([&](Operation *op) {
    if (isa<onnx::SoftmaxOp, onnx::AttentionOp>(op))
      ops.push_back(op);
  });
  for (Operation *op : ops) {
    if (auto fused = dyn_cast<onnx::AttentionOp>(op)) {
      std::optional<Core> core = matchFused(stage, fused);
      if (!core)
        continue;
      if (typeOf(fused.getQ()).getRank() == 3)
        raiseFlat(stage, *core, fused);
      else
        raiseCore(stage, std::move(*core), fused);
    } else if (std::optional<Core> core = matchSoftmax(stage, cast<onnx::SoftmaxOp>(op))) {
      Operation *place = core->result.getDefiningOp();
      raiseCore(stage, std::move(*core), place);
    }
  }
}
