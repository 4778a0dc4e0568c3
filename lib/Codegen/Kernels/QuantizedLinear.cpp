//===- QuantizedLinear.cpp - kernel.dynamic_quantize and kernel.quantized_linear ----------------------===//
//
// The plain form: any ISA level, one row of the result at a time. It says what the kernels of an ISA level
// with byte products must compute, bit for bit up to the order of the additions of the epilogue.
//
//===--------------------------------------------------------------------------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"
#include "tamis/Codegen/Kernels/VectorMath.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

/// round(x) + zero, clamped to [0, 255], as f32; NaN becomes 0.
static Value emitClamped(Emitter &e, Value x, Value zero, Value low, Value high) {
  x = e.addF(math::RoundEvenOp::create(e, x), zero);
  return e.minF(e.maxF(x, low), high);
}

LogicalResult KernelExpander::expand(kernel::DynamicQuantizeOp op) {
  Emitter e = emitterAt(op);
  int64_t rank = cast<MemRefType>(op.getX().getType()).getRank(), width = e.getWidth();
  Value count = e.dims(op.getX(), 0, rank), x = e.flatten(op.getX()), q = e.flatten(op.getQ()),
        parameters = e.flatten(op.getParameters());
  // The extremes of each chunk, then of all: two regions, because a range needs all of x.
  constexpr int64_t chunk = 1 << 14;
  Value chunks = e.ceilDiv(count, chunk);
  auto extremesType = MemRefType::get({ShapedType::kDynamic}, e.getF32Type());
  Value extremes = e.flatten(
      memref::AllocOp::create(e, extremesType, ValueRange{e.mul(chunks, 2)}, e.getI64IntegerAttr(64)));
  e.parallel(chunks, e.index(1), "nn.quantize", e.mul(count, 2), e.mul(count, 4),
             [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value part) {
                 Value first = e.mul(part, chunk), length = e.min(e.sub(count, first), chunk);
                 // maxF and minF give their second operand for NaN.
                 auto extreme = [&](auto pick) {
                   return e.reduceVectors(
                       length, e.vector(0),
                       [&](Value at, Value mask, Value sum) {
                         return pick(e.loadVector(x, e.add(first, at), mask), sum);
                       },
                       pick);
                 };
                 Value high = extreme([&](Value a, Value b) { return e.maxF(a, b); });
                 Value low = extreme([&](Value a, Value b) { return e.minF(a, b); });
                 e.store(e.reduceMax(high), extremes, e.mul(part, 2));
                 Value negated = e.reduceMax(e.subF(e.vector(0), low));
                 e.store(e.subF(e.scalar(0), negated), extremes, e.add(e.mul(part, 2), 1));
               });
             });
  auto range =
      e.loop(e.index(0), chunks, e.index(1), {e.scalar(0), e.scalar(0)}, [&](Value part, ValueRange now) {
        Value high = e.load(extremes, e.mul(part, 2)), low = e.load(extremes, e.add(e.mul(part, 2), 1));
        return Emitter::Values{e.maxF(high, now[0]), e.minF(low, now[1])};
      });
  Value scale = e.divF(e.subF(range[0], range[1]), e.scalar(255));
  scale = e.select(e.compare(arith::CmpFPredicate::OEQ, scale, e.scalar(0)), e.scalar(1), scale);
  Value zero = e.divF(e.subF(e.scalar(0), range[1]), scale);
  zero = emitClamped(e, zero, e.scalar(0), e.scalar(0), e.scalar(255));
  e.store(scale, parameters, e.index(0));
  e.store(zero, parameters, e.index(1));
  e.parallel(chunks, e.index(1), "nn.quantize", e.mul(count, 4), e.mul(count, 5),
             [&](Value begin, Value end, Value) {
               Value divisor = e.splat(scale), offset = e.splat(zero), low = e.vector(0),
                     high = e.vector(255);
               auto quantizeAt = [&](Value at, Value mask) {
                 Value v = e.divF(e.loadVector(x, at, mask), divisor);
                 v = emitClamped(e, v, offset, low, high);
                 auto wide = VectorType::get(width, e.getI32Type()),
                      bytes = VectorType::get(width, e.getI8Type());
                 v = arith::TruncIOp::create(e, bytes, arith::FPToSIOp::create(e, wide, v));
                 if (mask)
                   vector::MaskedStoreOp::create(e, q, ValueRange{at}, mask, v);
                 else
                   vector::StoreOp::create(e, v, q, ValueRange{at});
               };
               e.loop(begin, end, [&](Value part) {
                 Value first = e.mul(part, chunk);
                 e.forVectors(e.min(e.sub(count, first), chunk),
                              [&](Value at, Value mask) { quantizeAt(e.add(first, at), mask); });
               });
             });
  return success();
}

LogicalResult KernelExpander::expand(kernel::QuantizedLinearOp op) {
  Emitter e = emitterAt(op);
  int64_t rank = cast<MemRefType>(op.getOut().getType()).getRank(), width = e.getWidth();
  Value n = e.dim(op.getOut(), -1), k = e.dim(op.getW(), 0), t = e.dims(op.getOut(), 0, rank - 1);
  Value q = e.flatten(op.getQ()), w = e.flatten(op.getW()), parameters = e.flatten(op.getParameters()),
        scales = e.flatten(op.getScale()), sums = e.flatten(op.getColumnSums()), out = e.flatten(op.getOut());
  auto flat = [&](Value buffer) { return buffer ? e.flatten(buffer) : Value(); };
  Value zeroPoints = flat(op.getZeroPoint()), bias = flat(op.getBias()), residual = flat(op.getResidual());
  auto ints = VectorType::get(width, e.getI32Type()), bytes = VectorType::get(width, e.getI8Type());
  auto loadInts = [&](Value buffer, Value at, Value mask) -> Value {
    if (!mask)
      return vector::LoadOp::create(e, ints, buffer, ValueRange{at});
    Value none = arith::ConstantOp::create(e, e.getZeroAttr(ints));
    return vector::MaskedLoadOp::create(e, ints, buffer, ValueRange{at}, mask, none);
  };
  auto loadBytes = [&](Value buffer, Value at, Value mask) -> Value {
    Value v;
    if (mask) {
      Value none = arith::ConstantOp::create(e, e.getZeroAttr(bytes));
      v = vector::MaskedLoadOp::create(e, bytes, buffer, ValueRange{at}, mask, none);
    } else {
      v = vector::LoadOp::create(e, bytes, buffer, ValueRange{at});
    }
    return arith::ExtSIOp::create(e, ints, v);
  };
  auto rowElement = [&](Value row, Value i) -> Value {
    return arith::ExtUIOp::create(e, e.getI32Type(), e.load(q, e.madd(row, k, i)));
  };
  auto splatInts = [&](Value v) -> Value { return vector::BroadcastOp::create(e, ints, v); };
  auto addI = [&](Value a, Value b) -> Value { return arith::AddIOp::create(e, a, b); };
  auto subI = [&](Value a, Value b) -> Value { return arith::SubIOp::create(e, a, b); };
  auto mulI = [&](Value a, Value b) -> Value { return arith::MulIOp::create(e, a, b); };

  Value work = e.mul(t, e.mul(n, k));
  Value moved = e.add(e.mul(n, k), e.mul(t, e.add(k, e.mul(n, 4))));
  e.parallel(t, e.index(1), "nn.quantized_linear", e.mul(work, 2), moved, [&](Value begin, Value end, Value) {
    Value scale = e.splat(e.load(parameters, e.index(0)));
    Value zero = splatInts(arith::FPToSIOp::create(e, e.getI32Type(), e.load(parameters, e.index(1))));
    e.loop(begin, end, [&](Value row) {
      Value rowSum; // of q, for the zero points of the weight
      if (zeroPoints) {
        Value none = arith::ConstantOp::create(e, e.getI32IntegerAttr(0));
        rowSum = splatInts(e.loop(e.index(0), k, e.index(1), none, [&](Value i, ValueRange sum) {
          return Emitter::Values{addI(sum[0], rowElement(row, i))};
        })[0]);
      }
      e.forVectors(n, [&](Value at, Value mask) {
        Value none = arith::ConstantOp::create(e, e.getZeroAttr(ints));
        Value product = e.loop(e.index(0), k, e.index(1), none, [&](Value i, ValueRange sum) {
          Value weight = loadBytes(w, e.madd(i, n, at), mask);
          return Emitter::Values{addI(sum[0], mulI(splatInts(rowElement(row, i)), weight))};
        })[0];
        product = subI(product, mulI(zero, loadInts(sums, at, mask)));
        if (zeroPoints)
          product = subI(product, mulI(rowSum, loadBytes(zeroPoints, at, mask)));
        Value y = arith::SIToFPOp::create(e, e.vectorType(), product);
        y = e.mulF(y, e.mulF(scale, e.loadVector(scales, at, mask)));
        if (bias)
          y = e.addF(y, e.loadVector(bias, at, mask));
        y = emitActivation(e, op.getActivation(), y);
        Value to = e.madd(row, n, at);
        if (residual)
          y = e.addF(y, e.loadVector(residual, to, mask));
        e.storeVector(y, out, to, mask);
      });
    });
  });
  return success();
}
