//===- AppendCache.cpp - Caches of keys and values that rows are appended to ---------------------------===//
//
// What is proven is data flow: a result of the model is an argument with rows behind it, and nothing but the
// argument's shape is read otherwise. Then a context may keep the argument's rows, and add the new ones in
// place. Which input is what (DecoderRoles) is written down for the artifact.
//
//===---------------------------------------------------------------------------------------------------===//
#include "DecoderRoles.h"
#include "tamis/Dialect/NN/IR/NNDecoding.h"
#include "tamis/Dialect/NN/Transforms/Passes.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"

namespace tamis::nn {
#define GEN_PASS_DEF_NNAPPENDCACHE
#include "tamis/Dialect/NN/Transforms/Passes.h.inc"
} // namespace tamis::nn

using namespace mlir;
using namespace tamis;
using namespace tamis::nn;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// [batch, heads, rows, size] with heads and size known, and rows not.
static bool isCacheType(RankedTensorType type) {
  return type.getRank() == 4 && isa<FloatType>(type.getElementType()) && !type.getElementType().isF64() &&
         !type.isDynamicDim(1) && type.isDynamicDim(2) && !type.isDynamicDim(3);
}

/// Nothing but `append` reads more of the past than its shape.
static bool isReadBy(BlockArgument past, Operation *append) {
  unsigned reads = 0;
  for (Operation *user : past.getUsers())
    if (!isa<onnx::ShapeOp>(user) && (user != append || ++reads > 1))
      return false;
  return reads == 1;
}

/// A scalar 0, or a constant of nothing else.
static bool isZero(Value value) {
  auto constant = value.getDefiningOp<onnx::ConstantOp>();
  auto elements = constant ? dyn_cast<DenseElementsAttr>(constant.getValue()) : DenseElementsAttr();
  if (!elements || !elements.isSplat())
    return false;
  if (isa<FloatType>(elements.getElementType()))
    return elements.getSplatValue<APFloat>().isZero();
  return elements.getElementType().isInteger() && elements.getSplatValue<APInt>().isZero();
}

/// 0, 1, 2, ... along the rows of [batch, heads, rows, size].
static bool countsRows(Value value) {
  auto unsqueeze = value.getDefiningOp<onnx::UnsqueezeOp>();
  auto range = unsqueeze ? unsqueeze.getData().getDefiningOp<onnx::RangeOp>() : onnx::RangeOp();
  return range && unsqueeze.getAxes() == ArrayRef<int64_t>{1} && isZero(range.getStart());
}

namespace {
/// What a result of the model is made of.
struct Append {
  BlockArgument past;
  Value added;
  Value starts, padShape; ///< the shape of what is behind the past, where rows go elsewhere
  Operation *reader = nullptr;
};
} // namespace

/// concat(past, added).
static Append matchConcat(Value result) {
  auto concat = result.getDefiningOp<onnx::ConcatOp>();
  if (!concat || concat.getInputs().size() != 2 || concat.getAxis() != 2)
    return {};
  return {dyn_cast<BlockArgument>(concat.getInputs()[0]), concat.getInputs()[1], Value(), Value(), concat};
}

/// Rows from starts[b] on of concat(past, zeros), of which those from starts[b] on were made zeros: what
/// GroupQueryAttention becomes on import.
static Append matchScatter(Value result) {
  auto scatter = result.getDefiningOp<onnx::ScatterElementsOp>();
  if (!scatter || scatter.getAxis() != 2 || scatter.getReduction() != "none")
    return {};
  auto where = scatter.getData().getDefiningOp<onnx::WhereOp>();
  auto less = where ? where.getCondition().getDefiningOp<onnx::LessOp>() : onnx::LessOp();
  auto expand = scatter.getIndices().getDefiningOp<onnx::ExpandOp>();
  auto place = expand ? expand.getX().getDefiningOp<onnx::AddOp>() : onnx::AddOp();
  if (!less || !place || !isZero(where.getY()) || !countsRows(less.getA()))
    return {};
  Value start = less.getB();
  Value row = place.getA() == start ? place.getB() : place.getB() == start ? place.getA() : Value();
  auto unsqueeze = start.getDefiningOp<onnx::UnsqueezeOp>();
  if (!row || !countsRows(row) || !unsqueeze || unsqueeze.getAxes() != ArrayRef<int64_t>{2, 3} ||
      typeOf(unsqueeze.getData()).getRank() != 2 || typeOf(unsqueeze.getData()).getDimSize(1) != 1)
    return {};
  Append append = matchConcat(where.getX());
  auto pad = append.past ? append.added.getDefiningOp<onnx::ExpandOp>() : onnx::ExpandOp();
  if (!pad || !isZero(pad.getX()))
    return {};
  append.added = scatter.getUpdates();
  append.starts = unsqueeze.getData();
  append.padShape = pad.getShape();
  return append;
}

namespace {
struct NNAppendCache : tamis::nn::impl::NNAppendCacheBase<NNAppendCache> {
  using NNAppendCacheBase::NNAppendCacheBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main || !main.getBody().hasOneBlock())
      return;
    Decoder decoder;
    Operation *terminator = main.getBody().front().getTerminator();
    for (OpOperand &result : terminator->getOpOperands())
      appendTo(result, decoder);
    if (decoder.caches.empty())
      return;
    module.walk([&](AttentionOp attention) { readInPlace(attention); });
    findRoles(main, decoder);
    if (maxLength && (!decoder.maxLength || maxLength < decoder.maxLength))
      decoder.maxLength = maxLength;
    module->setAttr("tamis.decoder", decoder.toAttribute(&getContext()));
  }

  /// Makes a result that is an argument with rows behind it a cache.
  void appendTo(OpOperand &result, Decoder &decoder) {
    Append append = matchConcat(result.get());
    if (!append.past)
      append = matchScatter(result.get());
    Operation *terminator = result.getOwner();
    if (!append.past || append.past.getOwner() != terminator->getBlock() ||
        !isCacheType(typeOf(append.past)) || !isCacheType(typeOf(append.added)) ||
        !isCacheType(typeOf(result.get())) || !isReadBy(append.past, append.reader) ||
        // Another output of the same value would be the host's buffer, with its room behind each head.
        llvm::count(terminator->getOperands(), result.get()) != 1)
      return;
    // The past is known where it is read; new rows where they come behind.
    Operation *old = result.get().getDefiningOp();
    OpBuilder builder(old);
    Value extra;
    if (append.starts) {
      auto scalar = RankedTensorType::get({}, builder.getI64Type());
      Value two =
          onnx::ConstantOp::create(builder, old->getLoc(), DenseElementsAttr::get(scalar, int64_t(2)));
      extra = onnx::GatherOp::create(builder, old->getLoc(), scalar, append.padShape, two, 0);
      decoder.paddedBehind = true;
    }
    Type type = result.get().getType();
    auto made = KVAppendOp::create(builder, old->getLoc(), type, type, append.past, append.added,
                                   append.starts, extra, static_cast<int64_t>(decoder.caches.size()));
    decoder.caches.push_back({append.past.getArgNumber(), result.getOperandNumber()});
    Value whole = result.get();
    whole.replaceUsesWithIf(made.getPresent(), [&](OpOperand &use) { return use.getOwner() == terminator; });
    whole.replaceAllUsesWith(made.getRows());
    old->erase();
    ++caches;
  }

  /// Whether this is a cache, or its first rows.
  static bool isCache(Value rows) {
    if (auto slice = rows.getDefiningOp<onnx::SliceOp>(); slice && slice.getAxes() == ArrayRef<int64_t>{2} &&
                                                          slice.getSteps() == ArrayRef<int64_t>{1} &&
                                                          isZero(slice.getStarts()))
      rows = slice.getData();
    return rows.getDefiningOp<KVAppendOp>() != nullptr;
  }

  /// The cache that k or v of an attention is the [batch, rows, heads * size] of; null when it is none.
  static Value cacheBehind(Value flat) {
    auto reshape = flat.getDefiningOp<onnx::ReshapeOp>();
    auto transpose = reshape ? reshape.getData().getDefiningOp<onnx::TransposeOp>() : onnx::TransposeOp();
    if (!transpose || transpose.getPerm() != ArrayRef<int64_t>{0, 2, 1, 3} || !isCache(transpose.getX()))
      return {};
    auto shape = reshape.getShape().getDefiningOp<onnx::ConstantOp>();
    auto sizes = shape ? dyn_cast<DenseIntElementsAttr>(shape.getValue()) : DenseIntElementsAttr();
    RankedTensorType type = typeOf(transpose.getX());
    if (!sizes || typeOf(flat).getRank() != 3 || reshape.getAllowzero() ||
        !llvm::equal(sizes.getValues<int64_t>(),
                     ArrayRef<int64_t>{0, 0, type.getDimSize(1) * type.getDimSize(3)}))
      return {};
    return transpose.getX();
  }

  void readInPlace(AttentionOp attention) {
    Value k = cacheBehind(attention.getK()), v = cacheBehind(attention.getV());
    int64_t heads = attention.getKvHeads();
    if (!k || !v || attention.getOffsets() || attention.getKColumn() || attention.getVColumn() ||
        typeOf(k).getDimSize(1) != heads || typeOf(v).getDimSize(1) != heads ||
        !typeOf(k).getElementType().isF32())
      return;
    attention.getKMutable().assign(k);
    attention.getVMutable().assign(v);
    ++attentions;
  }
};
} // namespace
