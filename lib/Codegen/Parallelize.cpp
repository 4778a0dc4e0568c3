//===- Parallelize.cpp - Outer parallel loops become rt.parallel --------------------------------------===//
#include "tamis/Codegen/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

namespace tamis {
#define GEN_PASS_DEF_RTPARALLELIZE
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;
using namespace tamis;

namespace {
struct Parallelize : tamis::impl::RTParallelizeBase<Parallelize> {
  using RTParallelizeBase::RTParallelizeBase;

  void runOnOperation() override {
    SmallVector<scf::ParallelOp> loops;
    getOperation().walk<WalkOrder::PreOrder>([&](scf::ParallelOp loop) { loops.push_back(loop); });
    for (scf::ParallelOp loop : loops) {
      bool nested = loop->getParentOfType<rt::ParallelOp>() || loop->getParentOfType<scf::ForOp>() ||
                    loop->getParentOfType<scf::ParallelOp>();
      if (nested || loop.getNumReductions() || isSmall(loop) || !isNormal(loop))
        toSerialLoops(loop);
      else
        toParallelRegion(loop);
    }
  }

  /// Whether all loops run from 0 by steps of 1.
  static bool isNormal(scf::ParallelOp loop) {
    return llvm::all_of(loop.getLowerBound(), [](Value v) { return getConstantIntValue(v) == 0; }) &&
           llvm::all_of(loop.getStep(), [](Value v) { return getConstantIntValue(v) == 1; });
  }

  bool isSmall(scf::ParallelOp loop) const {
    int64_t work = 1;
    for (Value upper : loop.getUpperBound()) {
      std::optional<int64_t> size = getConstantIntValue(upper);
      if (!size)
        return false;
      work *= *size;
    }
    bool inner = false;
    loop.getBody()->walk([&](LoopLikeOpInterface) { inner = true; });
    return !inner && work < minWork;
  }

  void toSerialLoops(scf::ParallelOp loop) {
    OpBuilder builder(loop);
    Location loc = loop.getLoc();
    if (loop.getNumReductions())
      return; // convert-scf-to-cf takes it
    SmallVector<Value> indices;
    Operation *outermost = nullptr;
    for (auto [lower, upper, step] : llvm::zip(loop.getLowerBound(), loop.getUpperBound(), loop.getStep())) {
      auto serial = scf::ForOp::create(builder, loc, lower, upper, step);
      outermost = outermost ? outermost : serial.getOperation();
      indices.push_back(serial.getInductionVar());
      builder.setInsertionPointToStart(serial.getBody());
    }
    moveBody(loop, indices, builder);
    loop.erase();
  }

  /// Moves the body before the insertion point, with the loop's variables replaced.
  static void moveBody(scf::ParallelOp loop, ValueRange indices, OpBuilder &builder) {
    for (auto [argument, index] : llvm::zip(loop.getInductionVars(), indices))
      argument.replaceAllUsesWith(index);
    Block *target = builder.getInsertionBlock();
    target->getOperations().splice(builder.getInsertionPoint(), loop.getBody()->getOperations(),
                                   loop.getBody()->begin(), std::prev(loop.getBody()->end()));
  }

  void toParallelRegion(scf::ParallelOp loop) {
    OpBuilder builder(loop);
    Location loc = loop.getLoc();
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(builder, loc, value);
    };
    SmallVector<Value> sizes(loop.getUpperBound());
    Value zero = constant(0), one = constant(1), least = constant(minWork);
    bool single = sizes.size() == 1;
    Value units = one, inner = single ? one : sizes.back();
    for (Value size : single ? ArrayRef(sizes) : ArrayRef(sizes).drop_back())
      units = arith::MulIOp::create(builder, loc, units, size);
    Value total = arith::MulIOp::create(builder, loc, units, inner);
    Value grain =
        arith::DivUIOp::create(builder, loc, least, arith::MaxUIOp::create(builder, loc, inner, one));
    grain = arith::MaxUIOp::create(builder, loc, grain, one);
    // Work is counted in elements; a map over f32 reads and writes about 8 bytes an element.
    Value bytes = arith::MulIOp::create(builder, loc, total, constant(8));
    rt::ParallelOp::create(builder, loc, units, grain, "elementwise", total, bytes,
                           [&](OpBuilder &b, Location loc, Value begin, Value end, Value) {
                             auto outer = scf::ForOp::create(b, loc, begin, end, one);
                             b.setInsertionPointToStart(outer.getBody());
                             SmallVector<Value> indices(sizes.size());
                             Value rest = outer.getInductionVar();
                             for (int64_t i = sizes.size() - (single ? 1 : 2); i > 0; --i) {
                               indices[i] = arith::RemUIOp::create(b, loc, rest, sizes[i]);
                               rest = arith::DivUIOp::create(b, loc, rest, sizes[i]);
                             }
                             indices[0] = rest;
                             if (!single) {
                               auto last = scf::ForOp::create(b, loc, zero, sizes.back(), one);
                               indices.back() = last.getInductionVar();
                               b.setInsertionPointToStart(last.getBody());
                             }
                             moveBody(loop, indices, b);
                             b.setInsertionPointAfter(outer);
                           });
    loop.erase();
    ++parallel;
  }
};
} // namespace
