//===- FloatsTest.cpp - Conversions of floating-point numbers, beside LLVM's --------------------------===//
#include "../../../lib/Dialect/Weight/Evaluation/Floats.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"
#include "llvm/ADT/STLExtras.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

using namespace mlir;
using namespace tamis;

namespace {

/// The bits of `from` as LLVM's own arithmetic converts them.
uint64_t expected(uint64_t bits, FloatType from, FloatType to) {
  llvm::APFloat number(from.getFloatSemantics(), llvm::APInt(from.getWidth(), bits));
  bool inexact;
  number.convert(to.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &inexact);
  return number.bitcastToAPInt().getZExtValue();
}

/// Converts all of `numbers` and compares each.
template <typename From, typename To>
void check(const std::vector<From> &numbers, FloatType from, FloatType to) {
  std::vector<To> results(numbers.size());
  auto *in = reinterpret_cast<const char *>(numbers.data());
  auto *out = reinterpret_cast<char *>(results.data());
  convertFloats({in, numbers.size() * sizeof(From)}, from, {out, results.size() * sizeof(To)}, to);
  for (size_t i = 0; i < numbers.size(); ++i) {
    uint64_t bits = 0;
    memcpy(&bits, &numbers[i], sizeof(From));
    ASSERT_EQ(uint64_t(results[i]), expected(bits, from, to)) << std::hex << bits;
  }
}

std::vector<uint16_t> allHalves() {
  std::vector<uint16_t> numbers(1 << 16);
  for (size_t i = 0; i < numbers.size(); ++i)
    numbers[i] = static_cast<uint16_t>(i);
  return numbers;
}

TEST(Floats, WidensEveryHalf) {
  MLIRContext context;
  Builder builder(&context);
  check<uint16_t, uint32_t>(allHalves(), builder.getF16Type(), builder.getF32Type());
  std::vector<uint16_t> numbers = allHalves();
  // A signalling NaN keeps its bits, since weights are widened by a shift alone.
  llvm::erase_if(numbers, [](uint16_t bits) { return (bits & 0x7fc0) == 0x7f80 && bits & 0x3f; });
  check<uint16_t, uint32_t>(numbers, builder.getBF16Type(), builder.getF32Type());
}

TEST(Floats, RoundsToBF16) {
  MLIRContext context;
  Builder builder(&context);
  check<uint16_t, uint16_t>(allHalves(), builder.getF16Type(), builder.getBF16Type());
  std::vector<uint32_t> numbers; // each exponent with what lies at, below and above a half of the last bit
  for (uint32_t top = 0; top < 1 << 16; top += 7)
    for (uint32_t low : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu})
      numbers.push_back(top << 16 | low);
  check<uint32_t, uint16_t>(numbers, builder.getF32Type(), builder.getBF16Type());
}

TEST(Floats, RoundsToHalf) {
  MLIRContext context;
  Builder builder(&context);
  std::vector<uint32_t> numbers;
  for (uint32_t top = 0; top < 1 << 16; top += 13)
    numbers.push_back(top << 16 | 0x1000u);
  check<uint32_t, uint16_t>(numbers, builder.getF32Type(), builder.getF16Type());
}

} // namespace
