//===- StoreTables.cpp - Tables of embeddings at the precision of the products -------------------------===//
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/NN/Transforms/Passes.h"
#include "tamis/Dialect/NN/Transforms/Precision.h"
#include "tamis/Dialect/Weight/Evaluation/Evaluator.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "llvm/ADT/SetVector.h"

namespace tamis::nn {
#define GEN_PASS_DEF_NNSTORETABLES
#include "tamis/Dialect/NN/Transforms/Passes.h.inc"
} // namespace tamis::nn

using namespace mlir;
using namespace tamis;
using namespace tamis::nn;

/// A weight of f32 that nothing else reads as it is: otherwise it would be stored twice. What transforms make
/// of it, such as the packed copy of a tied output layer, is stored by itself in any case.
static bool isTable(Value table) {
  return weight::isWeight(table) && cast<RankedTensorType>(table.getType()).getElementType().isF32() &&
         llvm::all_of(table.getUsers(),
                      [](Operation *user) { return isa<EmbeddingOp>(user) || weight::isWeightOp(user); });
}

static bool isRounded(Precision precision) {
  return precision != Precision::F32 && precision != Precision::SplitF32;
}

namespace {
struct NNStoreTables : tamis::nn::impl::NNStoreTablesBase<NNStoreTables> {
  using NNStoreTablesBase::NNStoreTablesBase;

  void runOnOperation() override {
    FailureOr<Precision> known = parsePrecision(getOperation(), precision);
    if (failed(known))
      return signalPassFailure();
    llvm::SetVector<Value> rounded, kept;
    getOperation().walk([&](EmbeddingOp embedding) {
      for (Value table : embedding.getTables())
        if (isTable(table))
          (isRounded(precisionOf(embedding, *known)) ? rounded : kept).insert(table);
    });
    rounded.remove_if([&](Value table) { return kept.contains(table); });
    const llvm::SetVector<Value> &unusual = isRounded(*known) ? kept : rounded;
    getOperation().walk([&](EmbeddingOp embedding) {
      if (llvm::any_of(embedding.getTables(), [&](Value table) { return unusual.contains(table); }))
        listPrecision(embedding, stringifyPrecision(isRounded(*known) ? Precision::F32 : Precision::BF16));
    });
    for (Value table : rounded)
      round(table);
  }

  void round(Value table) {
    auto type = cast<RankedTensorType>(table.getType());
    OpBuilder builder(table.getContext());
    builder.setInsertionPointAfterValue(table);
    auto rounded = type.clone(builder.getBF16Type());
    Value stored = weight::CastOp::create(builder, table.getLoc(), rounded, table);
    table.replaceUsesWithIf(stored, [](OpOperand &use) { return isa<EmbeddingOp>(use.getOwner()); });
    ++roundedTables;
    savedBytes += weight::bytesOf(type) - weight::bytesOf(rounded);
  }
};
} // namespace
