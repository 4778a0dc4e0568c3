//===- LayerSizes.cpp - Sizes of what nn, moe and token ops give --------------------------------------===//
#include "tamis/Dialect/MoE/IR/MoEDialect.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/ONNX/Analysis/SymbolicShapes.h"
#include "tamis/Dialect/Token/IR/TokenDialect.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

using Sizes = SmallVector<Polynomial, 4>;

Sizes SymbolicShapes::layerSizes(OpResult result) {
  Operation *op = result.getOwner();
  auto type = cast<RankedTensorType>(result.getType());
  unsigned rank = type.getRank();
  return llvm::TypeSwitch<Operation *, Sizes>(op)
      .Case<nn::LinearOp, nn::QuantizedLinearOp, nn::AttentionOp>(
          [&](auto) { return Sizes(sizes(op->getOperand(0))); })
      .Case([&](nn::EmbeddingOp embedding) {
        Sizes to = broadcast(embedding.getIds(), rank - 1);
        to.push_back(type.getShape().back());
        return to;
      })
      .Case([&](nn::MeanPoolOp pool) {
        Sizes from(sizes(pool.getX()));
        return Sizes{pool.getMask() ? from.front() : newSymbol(), from.back()};
      })
      .Case([&](moe::RouteOp route) {
        Sizes to(sizes(route.getLogits()));
        to.back() = type.getShape().back();
        return to;
      })
      .Case([&](moe::ExpertsOp experts) {
        Sizes to(sizes(experts.getIndices()));
        if (experts.getWeights())
          to.pop_back();
        to.push_back(type.isDynamicDim(rank - 1) ? newSymbol() : Polynomial(type.getShape().back()));
        return to;
      })
      .Case([&](moe::CombineOp combine) {
        Sizes to(sizes(combine.getY()));
        to.erase(to.end() - 2);
        return to;
      })
      .Case<token::PackOp>([&](auto pack) {
        Sizes from(sizes(pack.getX())), to{sizes(pack.getRows()).front()};
        to.append(from.begin() + std::min<size_t>(2, from.size()), from.end());
        return to;
      })
      .Case<token::UnpackOp>([&](auto unpack) {
        Sizes from(sizes(unpack.getX())), to(sizes(unpack.getMask()));
        to.append(from.begin() + 1, from.end());
        return to;
      })
      .Case<token::FirstOp>([&](auto first) {
        Sizes to(sizes(first.getX()));
        to.front() = sizes(first.getMask()).front();
        return to;
      })
      .Case<token::PositionsOp>([&](auto positions) { return Sizes(sizes(positions.getRows())); })
      .Default([](Operation *) { return Sizes{}; });
}
