//===- Emitter.cpp - Short spellings for the IR that kernels are made of ------------------------------===//
#include "tamis/Codegen/Kernels/Emitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace tamis;

Value Emitter::index(int64_t value) { return arith::ConstantIndexOp::create(*this, value); }
Value Emitter::add(Value a, Value b) { return createOrFold<arith::AddIOp>(a, b); }
Value Emitter::sub(Value a, Value b) { return createOrFold<arith::SubIOp>(a, b); }
Value Emitter::mul(Value a, Value b) { return createOrFold<arith::MulIOp>(a, b); }
Value Emitter::div(Value a, Value b) { return createOrFold<arith::DivUIOp>(a, b); }
Value Emitter::rem(Value a, Value b) { return createOrFold<arith::RemUIOp>(a, b); }
Value Emitter::ceilDiv(Value a, Value b) { return div(sub(add(a, b), index(1)), b); }
Value Emitter::min(Value a, Value b) { return createOrFold<arith::MinUIOp>(a, b); }
Value Emitter::max(Value a, Value b) { return createOrFold<arith::MaxUIOp>(a, b); }
Value Emitter::less(Value a, Value b) { return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::slt, a, b); }
Value Emitter::equal(Value a, Value b) { return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, a, b); }
Value Emitter::select(Value condition, Value a, Value b) {
  return createOrFold<arith::SelectOp>(condition, a, b);
}
Value Emitter::boolean(bool value) { return arith::ConstantOp::create(*this, getBoolAttr(value)); }

VectorType Emitter::vectorType() { return VectorType::get(width, getF32Type()); }
Value Emitter::scalar(float value) { return arith::ConstantOp::create(*this, getF32FloatAttr(value)); }
Value Emitter::vector(float value) {
  return arith::ConstantOp::create(*this, DenseElementsAttr::get(vectorType(), value));
}
Value Emitter::splat(Value scalar) { return vector::BroadcastOp::create(*this, vectorType(), scalar); }
Value Emitter::addF(Value a, Value b) { return arith::AddFOp::create(*this, a, b); }
Value Emitter::subF(Value a, Value b) { return arith::SubFOp::create(*this, a, b); }
Value Emitter::mulF(Value a, Value b) { return arith::MulFOp::create(*this, a, b); }
Value Emitter::divF(Value a, Value b) { return arith::DivFOp::create(*this, a, b); }
Value Emitter::fma(Value a, Value b, Value c) { return vector::FMAOp::create(*this, a, b, c); }
Value Emitter::extendBF16(Value x) {
  auto halves = VectorType::get(width, getI16Type()), words = VectorType::get(width, getI32Type());
  Value bits = arith::ExtUIOp::create(*this, words, vector::BitCastOp::create(*this, halves, x));
  Value sixteen = arith::ConstantOp::create(*this, DenseElementsAttr::get(words, getI32IntegerAttr(16)));
  return vector::BitCastOp::create(*this, vectorType(), arith::ShLIOp::create(*this, bits, sixteen));
}
Value Emitter::compare(arith::CmpFPredicate predicate, Value a, Value b) {
  return arith::CmpFOp::create(*this, predicate, a, b);
}
Value Emitter::maxF(Value a, Value b) { return select(compare(arith::CmpFPredicate::OGT, a, b), a, b); }
Value Emitter::minF(Value a, Value b) { return select(compare(arith::CmpFPredicate::OLT, a, b), a, b); }

// Halving by shuffles: a fixed order of sums, and no chain as long as the vector.
static Value halve(Emitter &e, Value v, llvm::function_ref<Value(Value, Value)> join) {
  int64_t lanes = cast<VectorType>(v.getType()).getNumElements();
  while (lanes > 1) {
    SmallVector<int64_t> low, high;
    for (int64_t i = 0; i < lanes / 2; ++i) {
      low.push_back(i);
      high.push_back(i + lanes / 2);
    }
    v = join(vector::ShuffleOp::create(e, v, v, low), vector::ShuffleOp::create(e, v, v, high));
    lanes /= 2;
  }
  return vector::ExtractOp::create(e, v, ArrayRef<int64_t>{0});
}
Value Emitter::reduceAdd(Value v) {
  return halve(*this, v, [&](Value a, Value b) { return addF(a, b); });
}
Value Emitter::reduceMax(Value v) {
  return halve(*this, v, [&](Value a, Value b) { return maxF(a, b); });
}

MemRefType Emitter::flatType(Type element) {
  auto layout = StridedLayoutAttr::get(getContext(), ShapedType::kDynamic, {1});
  return MemRefType::get({ShapedType::kDynamic}, element, layout);
}

Value Emitter::flatten(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  MemRefType flat = flatType(type.getElementType());
  if (type == flat)
    return buffer;
  Value size = dims(buffer, 0, type.getRank());
  Value base = buffer, offset = index(0);
  if (!type.getLayout().isIdentity()) {
    auto metadata = memref::ExtractStridedMetadataOp::create(*this, buffer);
    base = metadata.getBaseBuffer();
    offset = metadata.getOffset();
  }
  return memref::ReinterpretCastOp::create(*this, flat, base, OpFoldResult(offset),
                                           ArrayRef<OpFoldResult>{OpFoldResult(size)},
                                           ArrayRef<OpFoldResult>{OpFoldResult(getIndexAttr(1))});
}

Value Emitter::dim(Value buffer, int64_t i) {
  auto type = cast<MemRefType>(buffer.getType());
  if (i < 0)
    i += type.getRank();
  if (!type.isDynamicDim(i))
    return index(type.getDimSize(i));
  return memref::DimOp::create(*this, buffer, i);
}
Value Emitter::dims(Value buffer, int64_t begin, int64_t end) {
  Value product = index(1);
  for (int64_t i = begin; i < end; ++i)
    product = mul(product, dim(buffer, i));
  return product;
}
Value Emitter::allocate(Type element, Value size) {
  auto type = MemRefType::get({ShapedType::kDynamic}, element);
  return memref::AllocOp::create(*this, type, ValueRange{size}, getI64IntegerAttr(64));
}
Value Emitter::load(Value flat, Value at) { return memref::LoadOp::create(*this, flat, ValueRange{at}); }
Value Emitter::loadIndex(Value flat, Value at) {
  return arith::IndexCastOp::create(*this, getIndexType(), load(flat, at));
}
void Emitter::store(Value value, Value flat, Value at) {
  memref::StoreOp::create(*this, value, flat, ValueRange{at});
}

Value Emitter::loadVector(Value flat, Value at, Value mask) {
  auto type = VectorType::get(width, cast<MemRefType>(flat.getType()).getElementType());
  if (!mask)
    return vector::LoadOp::create(*this, type, flat, ValueRange{at});
  Value zero = arith::ConstantOp::create(*this, getZeroAttr(type));
  return vector::MaskedLoadOp::create(*this, type, flat, ValueRange{at}, mask, zero);
}
void Emitter::storeVector(Value value, Value flat, Value at, Value mask) {
  if (mask)
    vector::MaskedStoreOp::create(*this, flat, ValueRange{at}, mask, value);
  else
    vector::StoreOp::create(*this, value, flat, ValueRange{at});
}
Value Emitter::maskOf(Value count) {
  auto type = VectorType::get(width, getI32Type());
  SmallVector<int32_t> numbers = llvm::to_vector(llvm::seq<int32_t>(0, width));
  Value lanes = arith::ConstantOp::create(*this, DenseElementsAttr::get(type, ArrayRef<int32_t>(numbers)));
  Value bound = arith::IndexCastOp::create(*this, getI32Type(), min(count, width));
  bound = vector::BroadcastOp::create(*this, type, bound);
  return arith::CmpIOp::create(*this, arith::CmpIPredicate::slt, lanes, bound);
}

void Emitter::loop(Value begin, Value end, Value step, llvm::function_ref<void(Value)> body) {
  loop(begin, end, step, ValueRange{}, [&](Value i, ValueRange) {
    body(i);
    return Values{};
  });
}
Emitter::Values Emitter::loop(Value begin, Value end, Value step, ValueRange inits,
                              llvm::function_ref<Values(Value, ValueRange)> body) {
  auto loop = scf::ForOp::create(*this, begin, end, step, inits);
  InsertionGuard guard(*this);
  // A loop without results comes with its terminator.
  if (inits.empty())
    setInsertionPoint(loop.getBody()->getTerminator());
  else
    setInsertionPointToEnd(loop.getBody());
  Values results = body(loop.getInductionVar(), loop.getRegionIterArgs());
  if (!inits.empty())
    scf::YieldOp::create(*this, results);
  return Values(loop.getResults());
}

void Emitter::when(Value condition, llvm::function_ref<void()> body) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/false);
  InsertionGuard guard(*this);
  setInsertionPoint(op.thenBlock()->getTerminator());
  body();
}
void Emitter::either(Value condition, llvm::function_ref<void()> ifTrue, llvm::function_ref<void()> ifFalse) {
  auto op = scf::IfOp::create(*this, condition, /*withElseRegion=*/true);
  InsertionGuard guard(*this);
  setInsertionPoint(op.thenBlock()->getTerminator());
  ifTrue();
  setInsertionPoint(op.elseBlock()->getTerminator());
  ifFalse();
}
Emitter::Values Emitter::decide(Value condition, llvm::function_ref<Values()> ifTrue,
                                llvm::function_ref<Values()> ifFalse) {
  auto op = scf::IfOp::create(
      *this, condition,
      [&](OpBuilder &b, Location) {
        InsertionGuard guard(*this);
        restoreInsertionPoint(b.saveInsertionPoint());
        scf::YieldOp::create(*this, ifTrue());
      },
      [&](OpBuilder &b, Location) {
        InsertionGuard guard(*this);
        restoreInsertionPoint(b.saveInsertionPoint());
        scf::YieldOp::create(*this, ifFalse());
      });
  return Values(op.getResults());
}

void Emitter::choose(Value selector, ArrayRef<int64_t> cases, llvm::function_ref<void(int64_t)> body,
                     llvm::function_ref<void()> otherwise) {
  auto op = scf::IndexSwitchOp::create(*this, TypeRange{}, selector, cases, cases.size());
  InsertionGuard guard(*this);
  for (auto [number, region] : llvm::zip(cases, op.getCaseRegions())) {
    createBlock(&region);
    body(number);
    scf::YieldOp::create(*this);
  }
  createBlock(&op.getDefaultRegion());
  otherwise();
  scf::YieldOp::create(*this);
}

Value Emitter::threads() { return rt::ThreadsOp::create(*this, getIndexType()); }

void Emitter::parallel(Value count, Value grain, StringRef kind, Value flops, Value bytes,
                       llvm::function_ref<void(Value, Value, Value)> body) {
  auto op = rt::ParallelOp::create(*this, count, grain, kind, flops, bytes,
                                   [](OpBuilder &, Location, Value, Value, Value) {});
  InsertionGuard guard(*this);
  Block &block = op.getBody().front();
  setInsertionPoint(block.getTerminator());
  body(block.getArgument(0), block.getArgument(1), block.getArgument(2));
}

void Emitter::forVectors(Value count, llvm::function_ref<void(Value, Value)> body, bool isWhole) {
  Value whole = mul(div(count, width), width);
  loop(index(0), whole, index(width), [&](Value at) { body(at, Value()); });
  auto known = getConstantIntValue(count);
  if (isWhole || (known && *known % width == 0))
    return;
  when(less(whole, count), [&] { body(whole, maskOf(sub(count, whole))); });
}

Value Emitter::reduceVectors(Value count, Value init, llvm::function_ref<Value(Value, Value, Value)> step,
                             llvm::function_ref<Value(Value, Value)> join, bool isWhole) {
  // Four accumulators hide the latency of the reduction.
  constexpr int64_t sets = 4;
  Value whole = mul(div(count, width), width);
  Value unrolled = mul(div(count, width * sets), width * sets);
  SmallVector<Value> inits(sets, init);
  Values sums = loop(index(0), unrolled, index(width * sets), inits, [&](Value at, ValueRange accumulators) {
    Values next;
    for (int64_t i = 0; i < sets; ++i)
      next.push_back(step(add(at, i * width), Value(), accumulators[i]));
    return next;
  });
  Value sum = join(join(sums[0], sums[1]), join(sums[2], sums[3]));
  sum = loop(unrolled, whole, index(width), sum,
             [&](Value at, ValueRange accumulator) { return Values{step(at, Value(), accumulator[0])}; })[0];
  auto known = getConstantIntValue(count);
  if (isWhole || (known && *known % width == 0))
    return sum;
  return decide(
      less(whole, count), [&] { return Values{step(whole, maskOf(sub(count, whole)), sum)}; },
      [&] { return Values{sum}; })[0];
}
