//===- LinalgVectorize.cpp - linalg.generic on buffers becomes vector code ------------------------------===//
//
// One strategy for maps and reductions of any rank: loops that all operands walk alike are merged, the last
// loop that is left runs over whole vectors with one masked vector behind them, the other parallel loops are
// work units. Reductions keep their accumulators in registers. Widths are those of the ISA level, so this
// runs once a level; what it refuses stays linalg and becomes scalar loops.
//
//===----------------------------------------------------------------------------------------------------===//
#include "tamis/Codegen/Passes.h"
#include "tamis/Codegen/VectorLoops.h"

#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Linalg/Transforms/Transforms.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "tamis/Codegen/Kernels/Microkernel.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

namespace tamis {
#define GEN_PASS_DEF_LINALGVECTORIZE
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;
using namespace tamis;

namespace {

/// An operand as a flat buffer, with the distance that each loop moves in it.
struct Access {
  Value flat;                 ///< null for an operand that is no buffer
  SmallVector<Value> strides; ///< by loop; null where the loop does not move the operand
};

/// Emits the code of one op.
class Vectorizer {
public:
  Vectorizer(VectorLoops &loops, Emitter &e, int64_t minWork)
      : loops(loops), op(loops.op), e(e), minWork(minWork), lanes(e.getWidth()) {}

  void emit() {
    for (OpOperand &operand : op->getOpOperands())
      accesses.push_back(access(operand));
    for (const VectorLoops::Loop &loop : loops.loops) {
      Value size = e.index(1);
      for (unsigned dim : loop.dims)
        size = e.mul(size, sizeOf(dim));
      sizes.push_back(size);
    }
    at.assign(sizes.size(), Value());
    vectorLoop = sizes.size() - 1;
    SmallVector<unsigned> outer;
    for (unsigned i = 0; i < vectorLoop; ++i)
      (loops.loops[i].isReduction ? reductions : outer).push_back(i);
    Value units = e.index(1), total = e.index(1);
    for (unsigned i : outer)
      units = e.mul(units, sizes[i]);
    for (Value size : sizes)
      total = e.mul(total, size);

    // Without other parallel loops, chunks of the vector loop are the units.
    bool chunked = outer.empty() && !loops.loops[vectorLoop].isReduction;
    Value chunk = e.index(loops.isReduction() ? lanes * sets() : 4096);
    if (chunked)
      units = e.ceilDiv(sizes[vectorLoop], chunk);
    auto body = [&](Value begin, Value end, Value) {
      e.loop(begin, end, [&](Value unit) {
        if (chunked) {
          Value first = e.mul(unit, chunk);
          emitUnit(first, e.min(e.add(first, chunk), sizes[vectorLoop]));
          return;
        }
        for (unsigned i = outer.size(); i-- > 1; unit = e.div(unit, sizes[outer[i]]))
          at[outer[i]] = e.rem(unit, sizes[outer[i]]);
        if (!outer.empty())
          at[outer.front()] = unit;
        emitUnit(e.index(0), sizes[vectorLoop]);
      });
    };
    std::optional<int64_t> known = getConstantIntValue(total);
    bool nested = op->getParentOfType<rt::ParallelOp>() || op->getParentOfType<scf::ForOp>() ||
                  op->getParentOfType<scf::ForallOp>() || op->getParentOfType<scf::ParallelOp>();
    if (nested || (known && *known < minWork) || getConstantIntValue(units) == 1) {
      body(e.index(0), units, Value());
      return;
    }
    Value perUnit = e.div(total, e.max(units, e.index(1)));
    Value grain = e.max(e.div(e.index(minWork), e.max(perUnit, e.index(1))), e.index(1));
    e.parallel(units, grain, "elementwise", e.mul(total, loops.arithmetic), bytes(), body);
  }

private:
  /// Vectors side by side. A reduction that walks down columns takes 256 bytes of each row: narrower strips
  /// waste what the memory fetches ahead. A short body needs several to hide the loop's own work.
  int64_t sets() {
    if (loops.isReduction())
      return std::max<int64_t>(1, 64 / lanes);
    return loops.arithmetic <= 8 ? 4 : 1;
  }

  Value sizeOf(unsigned dim) {
    for (OpOperand &operand : op->getOpOperands())
      for (auto [i, expr] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
        if (expr == e.getAffineDimExpr(dim))
          return e.dim(operand.get(), i);
    llvm_unreachable("a loop of a linalg op is in one of its maps");
  }

  Value bytes() {
    Value sum = e.index(0);
    for (Value buffer : op->getOperands())
      if (auto type = dyn_cast<MemRefType>(buffer.getType()))
        sum = e.add(
            sum, e.mul(e.dims(buffer, 0, type.getRank()), type.getElementType().getIntOrFloatBitWidth() / 8));
    return sum;
  }

  Access access(OpOperand &operand) {
    Access result;
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type)
      return result;
    Value buffer = operand.get();
    int64_t rank = type.getRank();
    SmallVector<Value> strides(rank);
    if (type.getLayout().isIdentity()) {
      result.flat = e.flatten(buffer);
      Value stride = e.index(1);
      for (int64_t i = rank; i-- > 0; stride = e.mul(stride, e.dim(buffer, i)))
        strides[i] = stride;
    } else {
      auto metadata = memref::ExtractStridedMetadataOp::create(e, buffer);
      Value last = e.index(0);
      for (int64_t i = 0; i < rank; ++i) {
        strides[i] = staticStride(type, i) ? e.index(*staticStride(type, i)) : metadata.getStrides()[i];
        last = e.madd(e.sub(e.dim(buffer, i), e.index(1)), strides[i], last);
      }
      result.flat = memref::ReinterpretCastOp::create(
          e, e.flatType(type.getElementType()), metadata.getBaseBuffer(), OpFoldResult(metadata.getOffset()),
          ArrayRef<OpFoldResult>{OpFoldResult(e.add(last, 1))},
          ArrayRef<OpFoldResult>{OpFoldResult(e.getIndexAttr(1))});
    }
    for (const VectorLoops::Loop &loop : loops.loops) {
      Value stride;
      // The last of merged dimensions is the one of the smallest steps.
      for (auto [i, expr] : llvm::enumerate(op.getMatchingIndexingMap(&operand).getResults()))
        if (expr == e.getAffineDimExpr(loop.dims.back()))
          stride = strides[i];
      result.strides.push_back(stride);
    }
    return result;
  }

  static std::optional<int64_t> staticStride(MemRefType type, int64_t i) {
    auto [strides, offset] = type.getStridesAndOffset();
    return ShapedType::isDynamic(strides[i]) ? std::nullopt : std::optional(strides[i]);
  }

  /// The place of an operand's element in its flat buffer, `position` steps of the vector loop further.
  Value place(const Access &access, Value position) {
    Value offset = e.index(0);
    for (auto [i, stride] : llvm::enumerate(access.strides)) {
      Value step = i == vectorLoop ? position : at[i];
      if (stride && step)
        offset = e.madd(step, stride, offset);
    }
    return offset;
  }

  Value load(unsigned operand, Value position, Value mask) {
    const Access &access = accesses[operand];
    if (!access.flat)
      return op->getOperand(operand);
    Value offset = place(access, position);
    if (!access.strides[vectorLoop])
      return e.load(access.flat, offset);
    VectorType type = vectorOf(cast<MemRefType>(access.flat.getType()).getElementType());
    if (!mask)
      return vector::LoadOp::create(e, type, access.flat, ValueRange{offset});
    Value zero = arith::ConstantOp::create(e, e.getZeroAttr(type));
    return vector::MaskedLoadOp::create(e, type, access.flat, ValueRange{offset}, mask, zero);
  }

  void store(Value value, unsigned operand, Value position, Value mask) {
    const Access &access = accesses[operand];
    Value offset = place(access, position);
    value = widen(value);
    if (mask)
      vector::MaskedStoreOp::create(e, access.flat, ValueRange{offset}, mask, value);
    else
      vector::StoreOp::create(e, value, access.flat, ValueRange{offset});
  }

  VectorType vectorOf(Type element) { return VectorType::get(lanes, element); }
  Value widen(Value value) {
    if (isa<VectorType>(value.getType()))
      return value;
    return vector::BroadcastOp::create(e, vectorOf(value.getType()), value);
  }

  /// The op's body for one vector: what it yields. `accumulators` stand for the outputs; without them,
  /// outputs that the body reads are loaded. Values that do not change along the vector stay scalars.
  SmallVector<Value> compute(Value position, Value mask, ValueRange accumulators) {
    IRMapping values;
    Block *body = op.getBody();
    unsigned inputs = op.getNumDpsInputs();
    for (BlockArgument argument : body->getArguments()) {
      unsigned i = argument.getArgNumber();
      if (i >= inputs && !accumulators.empty())
        values.map(argument, accumulators[i - inputs]);
      else if (!argument.use_empty())
        values.map(argument, load(i, position, mask));
    }
    for (Operation &inner : body->without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
        values.map(index.getResult(), indexOf(index.getDim(), position));
        continue;
      }
      SmallVector<Value> operands;
      bool isVector = false;
      for (Value operand : inner.getOperands()) {
        operands.push_back(values.lookupOrDefault(operand));
        isVector |= isa<VectorType>(operands.back().getType());
      }
      if (!isVector) {
        e.clone(inner, values);
        continue;
      }
      SmallVector<Type> types;
      for (Type type : inner.getResultTypes())
        types.push_back(vectorOf(type));
      for (Value &operand : operands)
        operand = widen(operand);
      Operation *made = e.OpBuilder::create(inner.getLoc(), inner.getName().getIdentifier(), operands, types,
                                            inner.getAttrs());
      values.map(inner.getResults(), made->getResults());
    }
    SmallVector<Value> results;
    for (Value yielded : body->getTerminator()->getOperands())
      results.push_back(values.lookupOrDefault(yielded));
    return results;
  }

  Value indexOf(unsigned dim, Value position) {
    if (dim == loops.loops[vectorLoop].dims.front()) {
      auto type = vectorOf(e.getIndexType());
      SmallVector<Attribute> numbers;
      for (int64_t i = 0; i < lanes; ++i)
        numbers.push_back(e.getIndexAttr(i));
      Value iota = arith::ConstantOp::create(e, DenseElementsAttr::get(type, numbers));
      return arith::AddIOp::create(e, vector::BroadcastOp::create(e, type, position), iota);
    }
    for (unsigned i = 0; i < vectorLoop; ++i)
      if (loops.loops[i].dims.front() == dim)
        return at[i];
    return e.index(0); // of size 1
  }

  /// Everything of the parallel loops' current step, positions [begin, end) of the vector loop.
  void emitUnit(Value begin, Value end) {
    if (loops.loops[vectorLoop].isReduction)
      return emitRowReduction();
    int64_t sets = this->sets();
    Value count = e.sub(end, begin);
    Value wide = e.add(begin, e.mul(e.div(count, lanes * sets), lanes * sets));
    Value whole = e.add(begin, e.mul(e.div(count, lanes), lanes));
    if (sets > 1)
      e.loop(begin, wide, e.index(lanes * sets), [&](Value position) { emitVectors(position, sets, {}); });
    e.loop(sets > 1 ? wide : begin, whole, e.index(lanes),
           [&](Value position) { emitVectors(position, 1, {}); });
    if (std::optional<int64_t> known = getConstantIntValue(sizes[vectorLoop]); known && *known % lanes == 0)
      return;
    e.when(e.less(whole, end), [&] { emitVectors(whole, 1, e.maskOf(e.sub(end, whole))); });
  }

  /// `sets` vectors side by side, from `position` on.
  void emitVectors(Value position, int64_t sets, Value mask) {
    SmallVector<Value> positions;
    for (int64_t i = 0; i < sets; ++i)
      positions.push_back(e.add(position, i * lanes));
    unsigned output = op.getNumDpsInputs();
    if (!loops.isReduction()) {
      SmallVector<SmallVector<Value>> results;
      for (Value each : positions)
        results.push_back(compute(each, mask, {}));
      for (auto [each, values] : llvm::zip_equal(positions, results))
        for (auto [i, value] : llvm::enumerate(values))
          store(value, output + i, each, mask);
      return;
    }
    SmallVector<Value> accumulators;
    for (Value each : positions)
      accumulators.push_back(load(output, each, mask));
    accumulators = emitReductions(0, accumulators, [&](ValueRange sofar) {
      Emitter::Values next;
      for (auto [each, accumulator] : llvm::zip_equal(positions, sofar))
        next.push_back(widen(compute(each, mask, accumulator).front()));
      return next;
    });
    for (auto [each, accumulator] : llvm::zip_equal(positions, accumulators))
      store(accumulator, output, each, mask);
  }

  /// The loops over the reductions from number `i` on, carrying `accumulators`.
  Emitter::Values emitReductions(unsigned i, ValueRange accumulators,
                                 llvm::function_ref<Emitter::Values(ValueRange)> body) {
    if (i == reductions.size())
      return body(accumulators);
    return e.loop(e.index(0), sizes[reductions[i]], e.index(1), accumulators,
                  [&](Value step, ValueRange sofar) {
                    at[reductions[i]] = step;
                    return emitReductions(i + 1, sofar, body);
                  });
  }

  Value combine(Value a, Value b) {
    Operation *combiner = loops.combiner;
    return e
        .OpBuilder::create(e.getLoc(), combiner->getName().getIdentifier(), {a, b}, a.getType(),
                           combiner->getAttrs())
        ->getResult(0);
  }

  /// The vector loop is a reduction: one element of the output.
  void emitRowReduction() {
    unsigned output = op.getNumDpsInputs();
    TypedAttr neutral = *arith::getNeutralElement(loops.combiner);
    Value init = arith::ConstantOp::create(
        e, DenseElementsAttr::get(vectorOf(neutral.getType()), ArrayRef<Attribute>{neutral}));
    Value sum = emitReductions(0, init, [&](ValueRange sofar) {
      auto step = [&](Value position, Value mask, Value accumulator) {
        Value next = widen(compute(position, mask, accumulator).front());
        return mask ? e.select(mask, next, accumulator) : next;
      };
      auto join = [&](Value a, Value b) { return combine(a, b); };
      Value row = e.reduceVectors(sizes[vectorLoop], init, step, join);
      return Emitter::Values{reductions.empty() ? row : combine(sofar[0], row)};
    })[0];
    // Halving by shuffles, in a fixed order.
    for (int64_t half = lanes / 2; half > 0; half /= 2) {
      auto low = llvm::to_vector(llvm::seq<int64_t>(0, half)),
           high = llvm::to_vector(llvm::seq(half, 2 * half));
      sum =
          combine(vector::ShuffleOp::create(e, sum, sum, low), vector::ShuffleOp::create(e, sum, sum, high));
    }
    Value result = vector::ExtractOp::create(e, sum, ArrayRef<int64_t>{0});
    Value offset = place(accesses[output], {});
    Value flat = accesses[output].flat;
    e.store(combine(e.load(flat, offset), result), flat, offset);
  }

  VectorLoops &loops;
  linalg::GenericOp op;
  Emitter &e;
  int64_t minWork, lanes;
  unsigned vectorLoop = 0;
  SmallVector<Access> accesses;
  SmallVector<Value> sizes, at;
  SmallVector<unsigned> reductions;
};

struct LinalgVectorize : tamis::impl::LinalgVectorizeBase<LinalgVectorize> {
  using LinalgVectorizeBase::LinalgVectorizeBase;

  void runOnOperation() override {
    std::unique_ptr<Microkernel> microkernel = Microkernel::get(isa);
    if (!microkernel) {
      getOperation().emitError("there is no vector width for the ISA level '")
          << isa << "'; use x86-64-v3 or x86-64-v4";
      return signalPassFailure();
    }
    IRRewriter rewriter(&getContext());
    SmallVector<linalg::LinalgOp> ops;
    getOperation().walk([&](linalg::LinalgOp op) { ops.push_back(op); });
    for (linalg::LinalgOp each : ops) {
      linalg::GenericOp op = generalized(rewriter, each);
      FailureOr<VectorLoops> loops = op ? VectorLoops::of(op) : FailureOr<VectorLoops>();
      if (failed(loops)) {
        ++refused;
        continue;
      }
      rewriter.setInsertionPoint(op);
      Emitter e(op.getLoc(), rewriter, loops->lanes(microkernel->vectorWidth()));
      Vectorizer(*loops, e, minWork).emit();
      op.erase();
      ++vectorized;
    }
  }

  /// Fills and copies as generic ops; null for other named ops.
  static linalg::GenericOp generalized(IRRewriter &rewriter, linalg::LinalgOp op) {
    if (auto generic = dyn_cast<linalg::GenericOp>(*op))
      return generic;
    if (!mlir::isa<linalg::FillOp, linalg::CopyOp>(*op))
      return nullptr;
    rewriter.setInsertionPoint(op);
    FailureOr<linalg::GenericOp> generic = linalg::generalizeNamedOp(rewriter, op);
    return succeeded(generic) ? *generic : linalg::GenericOp();
  }
};
} // namespace
