//===- VectorMath.cpp - Elementary functions on vectors of f32 ----------------------------------------===//
#include "tamis/Codegen/Kernels/VectorMath.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;
using arith::CmpFPredicate;

static VectorType bitsType(Emitter &e) { return VectorType::get(e.getWidth(), e.getI32Type()); }
static Value bitsOf(Emitter &e, Value x) { return arith::BitcastOp::create(e, bitsType(e), x); }
static Value constantBits(Emitter &e, int32_t value) {
  return arith::ConstantOp::create(e, DenseElementsAttr::get(bitsType(e), value));
}

/// c[0] + t (c[1] + t (c[2] + ...)).
static Value polynomial(Emitter &e, Value t, ArrayRef<float> c) {
  Value sum = e.vector(c.back());
  for (float coefficient : llvm::reverse(c.drop_back()))
    sum = e.fma(sum, t, e.vector(coefficient));
  return sum;
}

// x is cut to [-limit, limit]; NaN stays, since the comparison with it is false.
static Value clamp(Emitter &e, Value x, float limit) {
  x = e.minF(e.vector(limit), x);
  return e.maxF(e.vector(-limit), x);
}

// e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2. 2^n is infinite for n = 128: the result is
// doubled and scaled with 2^(n - 1).
static Value expCore(Emitter &e, Value x) {
  // Adding 1.5 * 2^23 rounds to an integer, which then stands in the low bits of the sum.
  Value magic = e.vector(12582912.0f);
  Value shifted = e.fma(x, e.vector(log2OfE), magic);
  Value n = e.subF(shifted, magic);
  Value r = e.fma(n, e.vector(-0.693359375f), x);
  r = e.fma(n, e.vector(2.12194440e-4f), r);
  Value p = polynomial(e, r, {1.0f, 1.0f, 0.4999923168f, 0.1666711441f, 0.04189012513f, 0.008312533098f});
  Value power = arith::ShLIOp::create(e, bitsOf(e, shifted), constantBits(e, 23));
  power = arith::AddIOp::create(e, power, constantBits(e, 126 << 23));
  power = arith::BitcastOp::create(e, e.vectorType(), power);
  return e.mulF(e.addF(p, p), power);
}

/// Where 2^(n - 1) would be less than the smallest normal number.
static constexpr float expUnderflow = -86.98f;
static constexpr float expOverflow = 88.7228394f;

Value tamis::emitExp(Emitter &e, Value x) {
  Value low = e.vector(expUnderflow), high = e.vector(expOverflow);
  Value y = expCore(e, e.maxF(low, e.minF(high, x)));
  y = e.select(e.compare(CmpFPredicate::OLT, x, low), e.vector(0), y);
  return e.select(e.compare(CmpFPredicate::OGT, x, high), e.vector(std::numeric_limits<float>::infinity()),
                  y);
}

/// An AVX-512 instruction on all lanes in the current mode of rounding.
static Value unmasked(Emitter &e, StringRef name, Value x, Value other) {
  SmallVector<Value> operands{x, other, e.vector(0),
                              arith::ConstantOp::create(e, e.getIntegerAttr(e.getI16Type(), -1)),
                              arith::ConstantOp::create(e, e.getI32IntegerAttr(4))};
  return LLVM::CallIntrinsicOp::create(e, e.vectorType(), e.getStringAttr(name), operands).getResult(0);
}

// 2^x = 2^n 2^f with n = floor(x); polynomials of least relative error on [0, 1].
Value tamis::emitExp2OfNegative(Emitter &e, Value x, Exp2Error error) {
  auto power = [&](Value f) {
    if (error == Exp2Error::BF16)
      return polynomial(e, f, {0.9999252f, 0.69583356f, 0.22606716f, 0.07802452f});
    return polynomial(e, f, {0.99999994f, 0.6931531f, 0.24015361f, 0.055826318f, 0.00898934f, 0.0018775767f});
  };
  if (e.getWidth() == 16) {
    // x - floor(x), 0 for infinity; a 2^floor(b), 0 for -infinity.
    Value toFloor = arith::ConstantOp::create(e, e.getI32IntegerAttr(9));
    Value f = unmasked(e, "llvm.x86.avx512.mask.reduce.ps.512", x, toFloor);
    return unmasked(e, "llvm.x86.avx512.mask.scalef.ps.512", power(f), x);
  }
  Value low = e.vector(-126), bound = e.maxF(low, x), n = math::FloorOp::create(e, bound);
  // Adding 1.5 * 2^23 brings an integer to the low bits: that of 2^n's exponent. The product keeps NaN one,
  // which adding integers would not.
  Value exponent = bitsOf(e, e.addF(n, e.vector(12582912.0f + 127)));
  Value scale = arith::ShLIOp::create(e, exponent, constantBits(e, 23));
  Value y = e.mulF(power(e.subF(bound, n)), arith::BitcastOp::create(e, e.vectorType(), scale));
  return e.select(e.compare(CmpFPredicate::OLT, x, low), e.vector(0), y);
}

/// a / b for normal b below 2^126, to about the last bit: a division takes as long as ten multiply-adds,
/// AVX-512's estimate of 1 / b (14 bits of it) and one step of Newton's method as three. AVX2's has 12 bits,
/// too few for one step.
static Value quickDivide(Emitter &e, Value a, Value b) {
  if (e.getWidth() != 16)
    return e.divF(a, b);
  SmallVector<Value> operands{b, e.vector(0),
                              arith::ConstantOp::create(e, e.getIntegerAttr(e.getI16Type(), -1))};
  Value estimate = LLVM::CallIntrinsicOp::create(e, e.vectorType(),
                                                 e.getStringAttr("llvm.x86.avx512.rcp14.ps.512"), operands)
                       .getResult(0);
  Value error = e.fma(e.subF(e.vector(0), b), estimate, e.vector(1));
  return e.mulF(a, e.fma(estimate, error, estimate));
}

// Both: x P(x^2) / Q(x^2), fitted by reweighted least squares for the smallest relative error.
Value tamis::emitErf(Emitter &e, Value x) {
  x = clamp(e, x, 3.925f);
  Value t = e.mulF(x, x);
  Value p = polynomial(e, t, {1.12837911f, 0.189983413f, 0.0515309386f, 0.00359137356f, 0.000230479927f});
  Value q = polynomial(
      e, t,
      {1.0f, 0.501700819f, 0.112906553f, 0.0144477533f, 0.00105597568f, 2.31397462e-05f, -1.11901947e-07f});
  // Rounding takes it past 1 near the limit.
  return clamp(e, quickDivide(e, e.mulF(p, x), q), 1);
}
Value tamis::emitTanh(Emitter &e, Value x) {
  x = clamp(e, x, 7.9f);
  Value t = e.mulF(x, x);
  Value p = polynomial(e, t, {1.0f, 0.134506315f, 0.0035790049f, 2.20234597e-05f, 1.54282791e-08f});
  Value q = polynomial(e, t, {1.0f, 0.467839599f, 0.026192287f, 0.000342367159f, 8.59890349e-07f});
  return quickDivide(e, e.mulF(p, x), q);
}

static Value sigmoid(Emitter &e, Value x) {
  Value one = e.vector(1);
  return e.divF(one, e.addF(one, emitExp(e, e.subF(e.vector(0), x))));
}

Value tamis::emitActivation(Emitter &e, nn::Activation kind, Value x) {
  switch (kind) {
  case nn::Activation::None:
    return x;
  case nn::Activation::Relu:
    return e.maxF(e.vector(0), x);
  case nn::Activation::Gelu: {
    Value y = emitErf(e, e.mulF(x, e.vector(0.707106781f)));
    Value half = e.mulF(x, e.vector(0.5f));
    return e.fma(half, y, half);
  }
  case nn::Activation::GeluTanh: {
    Value cubic = e.fma(e.mulF(x, x), e.vector(0.044715f), e.vector(1));
    Value y = emitTanh(e, e.mulF(e.mulF(x, e.vector(0.797884561f)), cubic));
    Value half = e.mulF(x, e.vector(0.5f));
    return e.fma(half, y, half);
  }
  case nn::Activation::Tanh:
    return emitTanh(e, x);
  case nn::Activation::Silu:
    return e.mulF(x, sigmoid(e, x));
  case nn::Activation::Sigmoid:
    return sigmoid(e, x);
  }
  llvm_unreachable("all activations are listed");
}
