//===- RTOps.cpp - Builders and verifiers of the rt ops -------------------------------------------===//
#include "tamis/Dialect/RT/IR/RTDialect.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace tamis::rt;

void ParallelOp::build(OpBuilder &builder, OperationState &state, Value count, Value grain, StringRef kind,
                       Value flops, Value bytes,
                       function_ref<void(OpBuilder &, Location, Value, Value, Value)> bodyBuilder) {
  state.addOperands({count, grain, flops, bytes});
  state.getOrAddProperties<Properties>().kind = builder.getStringAttr(kind);
  Type index = builder.getIndexType();
  OpBuilder::InsertionGuard guard(builder);
  Block *body = builder.createBlock(state.addRegion(), {}, {index, index, index},
                                    {state.location, state.location, state.location});
  if (bodyBuilder)
    bodyBuilder(builder, state.location, body->getArgument(0), body->getArgument(1), body->getArgument(2));
  ensureTerminator(*state.regions.back(), builder, state.location);
}

LogicalResult ParallelOp::verify() {
  Block &entry = getBody().front();
  // Once lowered, the body's arguments are machine integers.
  if (entry.getNumArguments() != 3 ||
      !llvm::all_of(entry.getArgumentTypes(), [](Type type) { return type.isIntOrIndex(); }))
    return emitOpError("needs a body with the arguments begin, end and thread");
  return success();
}

#define GET_OP_CLASSES
#include "tamis/Dialect/RT/IR/RTOps.cpp.inc"
