//===- CopyToLinalg.cpp - Strided copies become loops
//--------------------------------------------------------===//
#include "tamis/Codegen/Passes.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace tamis {
#define GEN_PASS_DEF_MEMREFCOPYTOLINALG
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;

namespace {
struct CopyToLinalg : tamis::impl::MemRefCopyToLinalgBase<CopyToLinalg> {
  void runOnOperation() override {
    SmallVector<memref::CopyOp> copies;
    getOperation().walk([&](memref::CopyOp copy) {
      auto from = dyn_cast<MemRefType>(copy.getSource().getType()),
           to = dyn_cast<MemRefType>(copy.getTarget().getType());
      // A copy between contiguous buffers is one memcpy.
      if (from && to && !(from.getLayout().isIdentity() && to.getLayout().isIdentity()))
        copies.push_back(copy);
    });
    for (memref::CopyOp copy : copies) {
      OpBuilder builder(copy);
      linalg::CopyOp::create(builder, copy.getLoc(), copy.getSource(), copy.getTarget());
      copy.erase();
    }
  }
};
} // namespace
