//===- VectorMathTest.cpp - Errors of the elementary functions, over the floats -----------------------===//
#include "tamis/Codegen/Kernels/VectorMath.h"
#include "KernelTest.h"
#include "tamis/Codegen/Kernels/Microkernel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/BuiltinOps.h"

#include "llvm/ADT/bit.h"
#include <limits>

using namespace mlir;

/// A module whose @main(x, y) applies a function to every element.
static std::string textOf(const std::string &isa,
                          llvm::function_ref<Value(tamis::Emitter &, Value)> function) {
  MLIRContext context;
  context.loadDialect<LLVM::LLVMDialect, arith::ArithDialect, func::FuncDialect, math::MathDialect,
                      memref::MemRefDialect, scf::SCFDialect, vector::VectorDialect>();
  OpBuilder builder(&context);
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  auto buffer = MemRefType::get({ShapedType::kDynamic}, builder.getF32Type());
  builder.setInsertionPointToEnd(module->getBody());
  auto main = func::FuncOp::create(builder, builder.getUnknownLoc(), "main",
                                   builder.getFunctionType({buffer, buffer}, {}));
  builder.setInsertionPointToStart(main.addEntryBlock());
  tamis::Emitter e(builder.getUnknownLoc(), builder, tamis::Microkernel::get(isa)->vectorWidth());
  Value x = e.flatten(main.getArgument(0)), y = e.flatten(main.getArgument(1));
  e.forVectors(e.dim(x, 0), [&](Value at, Value mask) {
    e.storeVector(function(e, e.loadVector(x, at, mask)), y, at, mask);
  });
  func::ReturnOp::create(e);
  std::string text;
  llvm::raw_string_ostream stream(text);
  module->print(stream);
  return text;
}

/// The distance of neighbouring floats at |value|, a normal number.
static double ulp(double value) { return std::ldexp(1.0, std::max(std::ilogb(value), -126) - 23); }

namespace {
struct Bounds {
  double absolute, ulps;
};
} // namespace

static void sweep(Report &report, const std::string &isa, const char *name,
                  llvm::function_ref<Value(tamis::Emitter &, Value)> function, double (*reference)(double),
                  Bounds bounds, float from, float to) {
  JitKernel kernel(textOf(isa, function), isa);
  // Every 397th float of the range, and the special ones.
  constexpr uint32_t stride = 397;
  const float special[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN, 1.0f, -1.0f, 88.72f, 89.0f, -87.32f,
                           -87.34f, -104.0f, 1e-40f, 3.4e38f, -3.4e38f,
                           // NaN of every bit: integer arithmetic may carry into the exponent.
                           llvm::bit_cast<float>(0xffffffffu), llvm::bit_cast<float>(0x7fc00001u)};
  constexpr int64_t block = 1 << 16;
  Buffer x({block}), y({block});
  double worst = 0, worstUlps = 0;
  float worstAt = 0;
  auto runBlock = [&](int64_t count) {
    kernel.run({&x, &y});
    for (int64_t i = 0; i < count; ++i) {
      float in = x.as()[i], out = y.as()[i];
      double exact = reference(in);
      if (std::isnan(exact) || std::isinf(float(exact))) {
        report.require(std::string(name) + ": wrong at the special value " + std::to_string(in),
                       std::isnan(exact) ? std::isnan(out) : out == float(exact));
        continue;
      }
      if (!(in >= from && in <= to))
        continue;
      double error = std::abs(out - exact);
      worst = std::max(worst, error);
      if (error / ulp(exact) > worstUlps) {
        worstUlps = error / ulp(exact);
        worstAt = in;
      }
    }
  };
  std::copy(std::begin(special), std::end(special), x.as());
  runBlock(std::size(special));
  int64_t count = 0;
  for (uint64_t bits = 0; bits < 0x7f800000u * 2ull; bits += stride) {
    uint32_t pattern = bits < 0x7f800000u ? bits : (bits - 0x7f800000u) | 0x80000000u;
    std::memcpy(&x.as()[count], &pattern, 4);
    if (++count == block) {
      runBlock(count);
      count = 0;
    }
  }
  runBlock(count);
  std::printf("%-16s %s: error %.3g, %.2f ulp (at %.9g)\n", name, isa.c_str(), worst, worstUlps, worstAt);
  report.require(std::string(name) + ": the error is above the stated one",
                 worst <= bounds.absolute && worstUlps <= bounds.ulps);
  report.require(std::string(name) + ": wrote outside", y.guardIsIntact());
}

bool testVectorMath(const std::string &isa) {
  Report report{"vector-math"};
  constexpr double none = std::numeric_limits<double>::infinity();
  constexpr float all = std::numeric_limits<float>::max();
  sweep(
      report, isa, "exp", tamis::emitExp, [](double x) { return std::exp(x); }, {none, 2.2}, -86.97f,
      88.7228f);
  sweep(
      report, isa, "exp, underflow", tamis::emitExp, [](double x) { return std::exp(x); }, {1.7e-38, none},
      -all, -86.97f);
  sweep(
      report, isa, "exp2 of negative",
      [](tamis::Emitter &e, Value x) { return tamis::emitExp2OfNegative(e, x); },
      [](double x) { return std::exp2(std::min(x, 0.0)); }, {none, 2.6}, -126, 0);
  sweep(
      report, isa, "rough exp2",
      [](tamis::Emitter &e, Value x) { return tamis::emitExp2OfNegative(e, x, tamis::Exp2Error::BF16); },
      [](double x) { return std::exp2(std::min(x, 0.0)); }, {none, 1260}, -126, 0);
  sweep(
      report, isa, "exp2, underflow",
      [](tamis::Emitter &e, Value x) { return tamis::emitExp2OfNegative(e, x); },
      [](double x) { return std::exp2(std::min(x, 0.0)); }, {1.2e-38, none}, -all, -126);
  sweep(report, isa, "erf", tamis::emitErf, [](double x) { return std::erf(x); }, {3e-7, none}, -all, all);
  sweep(report, isa, "tanh", tamis::emitTanh, [](double x) { return std::tanh(x); }, {3e-7, 5}, -all, all);
  return report.finish(isa);
}
