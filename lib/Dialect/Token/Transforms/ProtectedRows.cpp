//===- ProtectedRows.cpp - Rows that stay for what their tokens are -----------------------------------===//
#include "ProtectedRows.h"

#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::token;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

FailureOr<Value> tamis::token::protectedRows(IndexOp index, const TokenPolicy &policy) {
  if (policy.protectedIds.empty())
    return Value();
  // Tables of places and of kinds of tokens are smaller than that of words.
  PackOp ids;
  int64_t words = 0;
  for (auto embedding : index->getBlock()->getOps<nn::EmbeddingOp>())
    for (auto [table, read] : llvm::zip_equal(embedding.getTables(), embedding.getIds()))
      if (auto pack = read.getDefiningOp<PackOp>();
          pack && isa<BlockArgument>(pack.getX()) && typeOf(table).getDimSize(0) > words) {
        ids = pack;
        words = typeOf(table).getDimSize(0);
      }
  if (!ids)
    return index.emitError(
        "the policy protects tokens by their ids, and the model has no table of embeddings that "
        "is read by an input; take 'protect_ids' out of the policy");
  for (int64_t id : policy.protectedIds)
    if (id >= words)
      return index.emitError("the policy protects the token ")
             << id << ", and the model knows those below " << words << "; is it the policy of another model?";
  OpBuilder builder(index->getContext());
  builder.setInsertionPointAfter(ids);
  auto type = RankedTensorType::get({ShapedType::kDynamic}, builder.getI1Type());
  return ProtectOp::create(builder, ids.getLoc(), type, ids.getY(), policy.protectedIds).getFlags();
}
