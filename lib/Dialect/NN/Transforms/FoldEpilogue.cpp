//===- FoldEpilogue.cpp - Activation and residual inside the linear layer before them -----------------===//
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/NN/Transforms/Activations.h"
#include "tamis/Dialect/NN/Transforms/Passes.h"
#include "tamis/Dialect/ONNX/Analysis/SymbolicShapes.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

namespace tamis::nn {
#define GEN_PASS_DEF_NNFOLDEPILOGUE
#include "tamis/Dialect/NN/Transforms/Passes.h.inc"
} // namespace tamis::nn

using namespace mlir;
using namespace tamis;
using namespace tamis::nn;

/// Moves `linear` down to its only user, whose result it takes over.
template <typename Op> static void takeOver(Op linear, Operation *user) {
  linear->moveBefore(user);
  user->getResult(0).replaceAllUsesWith(linear.getY());
  user->erase();
}

namespace {
struct NNFoldEpilogue : tamis::nn::impl::NNFoldEpilogueBase<NNFoldEpilogue> {
  void runOnOperation() override {
    getOperation().walk([&](func::FuncOp function) {
      onnx::SymbolicShapes shapes(function);
      SmallVector<Operation *> linears;
      function.walk([&](Operation *op) {
        if (isa<LinearOp, QuantizedLinearOp>(op))
          linears.push_back(op);
      });
      for (Operation *op : linears) {
        if (auto linear = dyn_cast<LinearOp>(op))
          fold(linear, shapes);
        else
          fold(cast<QuantizedLinearOp>(op), shapes);
      }
    });
  }

  template <typename Op> void fold(Op linear, onnx::SymbolicShapes &shapes) {
    if (!linear.getY().hasOneUse() || linear.getResidual())
      return;
    Operation *user = *linear.getY().user_begin();
    if (linear.getActivation() == Activation::None && activationOf(user) != Activation::None &&
        user->getResult(0).getType() == linear.getY().getType() && user->getBlock() == linear->getBlock()) {
      linear.setActivation(activationOf(user));
      takeOver(linear, user);
      ++foldedActivations;
      if (!linear.getY().hasOneUse())
        return;
      user = *linear.getY().user_begin();
    }
    auto add = dyn_cast<onnx::AddOp>(user);
    if (!add || add->getBlock() != linear->getBlock())
      return;
    Value residual = add.getA() == linear.getY() ? add.getB() : add.getA();
    // Equal at run time, whatever the inputs' sizes: nothing is broadcast.
    if (residual == linear.getY() || residual.getType() != linear.getY().getType() ||
        add.getC().getType() != residual.getType() || shapes.sizes(residual) != shapes.sizes(linear.getY()))
      return;
    linear->moveBefore(add);
    linear.getResidualMutable().assign(residual);
    takeOver(linear, add);
    ++foldedResiduals;
  }
};
} // namespace
