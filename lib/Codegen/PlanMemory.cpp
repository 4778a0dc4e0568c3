//===- PlanMemory.cpp - Free each buffer right behind its last use -----------------------------------===//
#include "tamis/Codegen/Passes.h"

#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace tamis {
#define GEN_PASS_DEF_RTPLANMEMORY
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;

namespace {
struct PlanMemory : tamis::impl::RTPlanMemoryBase<PlanMemory> {
  void runOnOperation() override {
    BufferViewFlowAnalysis views(getOperation());
    SmallVector<memref::AllocOp> allocs;
    getOperation().walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    for (memref::AllocOp alloc : allocs) {
      if (Operation *last = lastUse(alloc, views)) {
        OpBuilder builder(alloc.getContext());
        builder.setInsertionPointAfter(last);
        memref::DeallocOp::create(builder, alloc.getLoc(), alloc);
        ++freed;
      } else {
        ++kept;
      }
    }
  }

  /// The last op of the allocation's block that touches it or a view of it; null when it leaves the block or
  /// is freed already.
  static Operation *lastUse(memref::AllocOp alloc, BufferViewFlowAnalysis &views) {
    Block *block = alloc->getBlock();
    Operation *last = alloc;
    for (Value alias : views.resolve(alloc)) {
      if (!block->getParent()->isAncestor(alias.getParentRegion()))
        return nullptr;
      for (Operation *user : alias.getUsers()) {
        if (isa<memref::DeallocOp>(user))
          return nullptr;
        Operation *here = block->findAncestorOpInBlock(*user);
        if (!here || here->hasTrait<OpTrait::IsTerminator>())
          return nullptr;
        if (last->isBeforeInBlock(here))
          last = here;
      }
    }
    return last;
  }
};
} // namespace
