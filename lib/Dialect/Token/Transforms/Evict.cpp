//===- Evict.cpp - Reads a part of the caches of a decoder --------------------------------------------===//
#include "CachePolicy.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/IR/NNDecoding.h"
#include "tamis/Dialect/NN/Transforms/Remarks.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "tamis/Dialect/Token/IR/TokenCache.h"
#include "tamis/Dialect/Token/Transforms/Passes.h"

namespace tamis::token {
#define GEN_PASS_DEF_TOKENEVICT
#include "tamis/Dialect/Token/Transforms/Passes.h.inc"
} // namespace tamis::token

using namespace mlir;
using namespace tamis;
using namespace tamis::token;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

/// The append whose rows, or the first of them, an attention reads where they lie; null when there is none.
static nn::KVAppendOp appendBehind(Value rows) {
  if (auto slice = rows.getDefiningOp<onnx::SliceOp>())
    rows = slice.getData();
  return rows.getDefiningOp<nn::KVAppendOp>();
}

/// Whether nothing depends on what an op computes, as on the moves that nn-append-cache has left behind.
static bool isIdle(Operation *op) { return op->getNumResults() != 0 && llvm::all_of(op->getUsers(), isIdle); }

/// What reads the rows of a cache otherwise than an attention does where they lie; null when nothing does.
static Operation *copyingReader(Value rows) {
  for (OpOperand &use : rows.getUses()) {
    Operation *user = use.getOwner();
    if (isa<onnx::ShapeOp>(user) || isIdle(user))
      continue;
    if (isa<onnx::SliceOp>(user) && use.getOperandNumber() == 0) {
      if (Operation *reader = copyingReader(user->getResult(0)))
        return reader;
      continue;
    }
    auto attention = dyn_cast<nn::AttentionOp>(user);
    if (!attention || (attention.getK() != use.get() && attention.getV() != use.get()))
      return user;
  }
  return nullptr;
}

/// Whether what chooses rows can read a mask with such elements.
static bool isMaskElement(Type type) {
  return type.isF32() || type.isSignlessInteger(64) || type.isSignlessInteger(32) ||
         type.isSignlessInteger(1);
}

namespace {
struct TokenEvict : tamis::token::impl::TokenEvictBase<TokenEvict> {
  using TokenEvictBase::TokenEvictBase;

  void runOnOperation() override {
    if (policy.empty())
      return;
    llvm::Expected<std::optional<CachePolicy>> known = CachePolicy::read(policy);
    if (!known) {
      getOperation().emitError() << llvm::toString(known.takeError());
      return signalPassFailure();
    }
    if (*known && failed(evict(**known)))
      signalPassFailure();
  }

  LogicalResult evict(const CachePolicy &known) {
    auto decoder = getOperation()->getAttrOfType<DictionaryAttr>("tamis.decoder");
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!decoder || !main)
      return getOperation().emitError(
          "the policy reads a part of the caches, and the model has none: no output is one of its inputs "
          "with "
          "new rows behind it; export it with past_key_values, or take 'cache' out of the policy");
    if (StringRef problem = cast<StringAttr>(decoder.get("problem")).getValue(); !problem.empty())
      return getOperation().emitError(
                 "the policy reads a part of the caches, and the model cannot be stepped: ")
             << problem;
    if (failed(checkReaders()))
      return failure();
    bool isPaddedBehind = cast<BoolAttr>(decoder.get("padded_behind")).getValue();
    if (isPaddedBehind && known.rule == CacheRule::SnapKV)
      return getOperation().emitError(
          "the policy's rule snapkv looks at the end of each prompt, which is not the end of its "
          "rows where the model has padding behind it; take the rule pages");
    Value mask;
    auto maskInput = cast<IntegerAttr>(decoder.get("mask")).getInt();
    if (!isPaddedBehind && maskInput >= 0)
      mask = main.getArgument(maskInput);
    if (mask && typeOf(mask).getRank() != 2)
      return getOperation().emitError(
                 "the policy reads a part of the caches, which needs a mask [batch, tokens], "
                 "not ")
             << mask.getType() << "; export the model with such a mask, or take 'cache' out of the policy";
    if (mask && !isMaskElement(typeOf(mask).getElementType()))
      return getOperation().emitError("the policy reads a part of the caches, which needs a mask of int64, "
                                      "int32, bool or float32, not ")
             << mask.getType() << "; export the model with such a mask, or take 'cache' out of the policy";

    SmallVector<nn::AttentionOp> all;
    main.walk([&](nn::AttentionOp attention) {
      if (appendBehind(attention.getK()))
        all.push_back(attention);
    });
    int64_t windows = 0, parts = 0;
    for (nn::AttentionOp attention :
         ArrayRef(all).drop_front(std::min<size_t>(all.size(), known.denseLayers))) {
      if (attention.getWindow() != 0) {
        ++windows;
        continue;
      }
      if (failed(checkMask(attention, mask)))
        return failure();
      readPart(attention, mask, known, parts++);
    }
    if (parts == 0)
      return getOperation().emitError("the policy reads a part of the caches, and none of the ")
             << all.size() << " attentions with a cache is left for it: the first " << known.denseLayers
             << " are to read all rows ('dense_layers'), " << windows << " have a window of their own";
    attentions += parts;
    describe(known);
    addRemark(getOperation(), getArgument(),
              "a part of the caches is read in " + Twine(parts) + " of " + Twine(all.size()) +
                  " attentions, unless the step 'dense' is chosen at run time");
    return success();
  }

  /// A mask of f32 may be one that is added to scores, with 0 for a token, unless the attention takes it as
  /// its mask of keys.
  LogicalResult checkMask(nn::AttentionOp attention, Value mask) {
    if (!mask || !typeOf(mask).getElementType().isF32() || attention.getKeyMask() == mask ||
        appendBehind(attention.getK()).getStarts())
      return success();
    return getOperation().emitError(
               "the policy reads a part of the caches, which needs a mask of 1 for tokens and 0 for padding, "
               "and this one, ")
           << mask.getType()
           << ", may be one that is added to scores; export the model with a mask of int64, or take 'cache' "
              "out of the policy";
  }

  /// Each cache must be read by attentions, where it lies.
  LogicalResult checkReaders() {
    WalkResult result = getOperation().walk([](nn::KVAppendOp append) {
      constexpr StringLiteral remedy =
          "; export the model with caches of float32 and attentions in the form of "
          "docs/operators.md, or take 'cache' out of the policy";
      Type element = typeOf(append.getRows()).getElementType();
      if (!element.isF32()) {
        append.emitError("the policy reads a part of the caches, and this one is of ")
            << element << ", which is copied in each step" << remedy;
        return WalkResult::interrupt();
      }
      if (Operation *reader = copyingReader(append.getRows())) {
        append.emitError("the policy reads a part of the caches, and this one is copied in each step for ")
            << reader->getName() << remedy;
        return WalkResult::interrupt();
      }
      return WalkResult::advance();
    });
    return failure(result.wasInterrupted());
  }

  /// `memory` is the number of what the context is to keep for it.
  void readPart(nn::AttentionOp attention, Value mask, const CachePolicy &known, int64_t memory) {
    OpBuilder builder(attention);
    Value q = attention.getQ(), k = attention.getK(), starts = appendBehind(k).getStarts();
    if (starts)
      mask = Value();
    int64_t groups = known.rule == CacheRule::Window ? 1 : attention.getKvHeads();
    auto type =
        RankedTensorType::get({typeOf(k).getDimSize(0), groups, ShapedType::kDynamic}, builder.getI64Type());
    Location loc = attention.getLoc();
    constexpr int64_t setting = 0;
    Value kept;
    switch (known.rule) {
    case CacheRule::Window:
      kept = CacheWindowOp::create(builder, loc, type, q, k, mask, starts, setting, known.sinks);
      break;
    case CacheRule::Pages:
      kept = CachePagesOp::create(builder, loc, type, q, k, mask, starts, setting, memory, known.page,
                                  known.sinks, known.window, attention.getHeads(), attention.getQColumn());
      break;
    case CacheRule::SnapKV:
      kept =
          CacheSnapOp::create(builder, loc, type, q, k, mask, starts, setting, memory, known.window,
                              known.pool, attention.getHeads(), attention.getScale(), attention.getQColumn());
      break;
    }
    attention.getKeptMutable().assign(kept);
  }

  /// What the artifact says of its setting and steps.
  void describe(const CachePolicy &known) {
    Builder b(&getContext());
    auto named = [&](StringRef key, Attribute value) { return b.getNamedAttr(key, value); };
    auto number = [&](StringRef key, int64_t value) {
      return named(key, b.getF32FloatAttr(static_cast<float>(value)));
    };
    StringRef name = known.rule == CacheRule::Pages    ? "pages of a cache that are read by their bounds"
                     : known.rule == CacheRule::Window ? "last rows of a cache that are read"
                                                       : "rows of a prompt that are read after it";
    Attribute setting =
        b.getDictionaryAttr({named("name", b.getStringAttr(name)), number("dense", CachePolicy::most),
                             number("min", known.least()), number("max", CachePolicy::most)});
    SmallVector<Attribute> steps;
    auto add = [&](StringRef name, int64_t amount) {
      steps.push_back(
          b.getDictionaryAttr({named("name", b.getStringAttr(name)),
                               named("values", b.getDenseF32ArrayAttr({static_cast<float>(amount)}))}));
    };
    add("dense", CachePolicy::most);
    for (const CacheStep &step : known.steps)
      add(step.name, step.amount);
    getOperation()->setAttr("tamis.policy",
                            b.getDictionaryAttr({named("settings", b.getArrayAttr({setting})),
                                                 named("steps", b.getArrayAttr(steps)),
                                                 named("chosen", b.getI64IntegerAttr(known.chosen)),
                                                 named("reads_cache", b.getUnitAttr())}));
  }
};
} // namespace
