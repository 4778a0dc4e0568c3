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
    SmallVector<scf::ForallOp> rows;
    getOperation().walk([&](scf::ForallOp loop) { rows.push_back(loop); });
    for (scf::ForallOp loop : rows)
      lowerRows(loop);
    SmallVector<scf::ParallelOp> loops;
    getOperation().walk<WalkOrder::PreOrder>([&](scf::ParallelOp loop) { loops.push_back(loop); });
    for (scf::ParallelOp loop : loops) {
      if (isNested(loop) || loop.getNumReductions() || isSmall(loop) || !isNormal(loop))
        toSerialLoops(loop);
      else
        toParallelRegion(loop);
    }
  }

  static bool isNested(Operation *loop) {
    return loop->getParentOfType<rt::ParallelOp>() || loop->getParentOfType<scf::ForOp>() ||
           loop->getParentOfType<scf::ForallOp>() || loop->getParentOfType<scf::ParallelOp>();
  }

  /// A loop over rows: each is a unit, or it is serial when it is nested, small, or asks for buffers of sizes
  /// that only the run knows: the arena serves one thread.
  void lowerRows(scf::ForallOp loop) {
    OpBuilder builder(loop);
    Location loc = loop.getLoc();
    auto constant = [&](int64_t value) -> Value {
      return arith::ConstantIndexOp::create(builder, loc, value);
    };
    SmallVector<Value> sizes = loop.getUpperBound(builder);
    Value units = constant(1), one = constant(1), elements = one;
    for (Value size : sizes)
      units = builder.createOrFold<arith::MulIOp>(loc, units, size);
    // The largest buffer that the rows are cut from says how much work there is.
    llvm::SetVector<Value> buffers;
    SmallVector<memref::AllocOp> allocs;
    loop.walk([&](memref::SubViewOp view) {
      if (!loop.getRegion().isAncestor(view.getSource().getParentRegion()))
        buffers.insert(view.getSource());
    });
    loop.walk([&](memref::AllocOp alloc) { allocs.push_back(alloc); });
    for (Value buffer : buffers) {
      Value size = one;
      for (int64_t i = 0; i < cast<MemRefType>(buffer.getType()).getRank(); ++i)
        size = builder.createOrFold<arith::MulIOp>(loc, size, dimOf(builder, loc, buffer, i));
      elements = builder.createOrFold<arith::MaxUIOp>(loc, elements, size);
    }
    std::optional<int64_t> known = getConstantIntValue(elements);
    bool serial =
        isNested(loop) || (known && *known < minWork) ||
        llvm::any_of(allocs, [](memref::AllocOp alloc) { return !alloc.getType().hasStaticShape(); });
    auto body = [&](OpBuilder &b, Location loc, Value begin, Value end, Value) {
      // A buffer on the stack lives as long as the region; in a loop it would grow the stack.
      if (!serial)
        for (memref::AllocOp alloc : allocs) {
          Value stack = memref::AllocaOp::create(b, loc, alloc.getType(), alloc.getAlignmentAttr());
          alloc.replaceAllUsesWith(stack);
          alloc.erase();
        }
      auto rows = scf::ForOp::create(b, loc, begin, end, one);
      b.setInsertionPointToStart(rows.getBody());
      SmallVector<Value> indices(sizes.size());
      Value rest = rows.getInductionVar();
      for (int64_t i = sizes.size() - 1; i > 0; --i) {
        indices[i] = arith::RemUIOp::create(b, loc, rest, sizes[i]);
        rest = arith::DivUIOp::create(b, loc, rest, sizes[i]);
      }
      indices[0] = rest;
      for (auto [argument, index] : llvm::zip(loop.getInductionVars(), indices))
        argument.replaceAllUsesWith(index);
      Block *target = b.getInsertionBlock();
      target->getOperations().splice(b.getInsertionPoint(), loop.getBody()->getOperations(),
                                     loop.getBody()->begin(), std::prev(loop.getBody()->end()));
      b.setInsertionPointAfter(rows);
    };
    if (serial) {
      body(builder, loc, constant(0), units, Value());
    } else {
      Value perUnit =
          arith::DivUIOp::create(builder, loc, elements, arith::MaxUIOp::create(builder, loc, units, one));
      Value grain = arith::DivUIOp::create(builder, loc, constant(minWork),
                                           arith::MaxUIOp::create(builder, loc, perUnit, one));
      grain = arith::MaxUIOp::create(builder, loc, grain, one);
      Value bytes = arith::MulIOp::create(builder, loc, elements, constant(8));
      rt::ParallelOp::create(builder, loc, units, grain, "rows", elements, bytes, body);
      ++parallel;
    }
    loop.erase();
  }

  static Value dimOf(OpBuilder &builder, Location loc, Value buffer, int64_t i) {
    auto type = cast<MemRefType>(buffer.getType());
    if (type.isDynamicDim(i))
      return memref::DimOp::create(builder, loc, buffer, i);
    return arith::ConstantIndexOp::create(builder, loc, type.getDimSize(i));
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
