//===- MatmulToKernel.cpp - Products that no layer claimed become kernels -----------------------------===//
#include "tamis/Codegen/Passes.h"
#include "tamis/Dialect/Kernel/IR/KernelDialect.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace tamis {
#define GEN_PASS_DEF_CONVERTMATMULTOKERNEL
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;
using namespace tamis;

/// Whether a buffer of f32 has its elements side by side.
static bool isPlain(Value buffer) {
  auto type = dyn_cast<MemRefType>(buffer.getType());
  return type && type.getElementType().isF32() && type.getLayout().isIdentity();
}

static bool isZero(Value value) { return matchPattern(value, m_AnyZeroFloat()); }

/// The linalg.fill that sets `out` to 0 and is the last op before `op` to touch it; null when there is none.
static linalg::FillOp findZeroFill(Operation *op, Value out) {
  for (Operation *before = op->getPrevNode(); before; before = before->getPrevNode()) {
    auto fill = dyn_cast<linalg::FillOp>(before);
    if (fill && fill.getOutputs()[0] == out)
      return isZero(fill.getInputs()[0]) ? fill : nullptr;
    if (llvm::is_contained(before->getOperands(), out) || before->getNumRegions())
      return nullptr;
    // Views of `out` under another name.
    if (llvm::any_of(before->getOperands(), [&](Value v) {
          auto view = v.getDefiningOp<ViewLikeOpInterface>();
          return view && llvm::is_contained(view->getOperands(), out);
        }))
      return nullptr;
  }
  return nullptr;
}

namespace {
struct ConvertMatmulToKernel : tamis::impl::ConvertMatmulToKernelBase<ConvertMatmulToKernel> {
  using ConvertMatmulToKernelBase::ConvertMatmulToKernelBase;

  void runOnOperation() override {
    SmallVector<linalg::LinalgOp> products;
    getOperation()->walk([&](linalg::LinalgOp op) {
      if (auto matmul = dyn_cast<linalg::MatmulOp>(*op); matmul && !matmul.hasUserDefinedMaps())
        products.push_back(op);
      if (auto matmul = dyn_cast<linalg::BatchMatmulOp>(*op); matmul && !matmul.hasUserDefinedMaps())
        products.push_back(op);
    });
    for (linalg::LinalgOp op : products) {
      Value a = op.getDpsInputs()[0], b = op.getDpsInputs()[1], out = op.getDpsInits()[0];
      if (!op.hasPureBufferSemantics() || !isPlain(a) || !isPlain(b) || !isPlain(out))
        continue;
      linalg::FillOp fill = findZeroFill(op, out);
      if (!fill)
        continue;
      OpBuilder builder(op);
      kernel::MatmulOp::create(builder, op.getLoc(), a, b, out);
      op.erase();
      fill.erase();
      ++converted;
    }
  }
};
} // namespace
