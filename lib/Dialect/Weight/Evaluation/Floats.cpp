//===- Floats.cpp - Conversions of floating-point numbers, on bytes -----------------------------------===//
#include "Floats.h"

#include "llvm/ADT/bit.h"

#include <cmath>
#include <cstring>

using namespace mlir;
using namespace tamis;

uint16_t tamis::roundToBF16(float value) {
  uint32_t bits = llvm::bit_cast<uint32_t>(value);
  if (std::isnan(value))
    return static_cast<uint16_t>(bits >> 16 | 0x40);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}
float tamis::extendBF16(uint16_t bits) { return llvm::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
float tamis::extendF16(uint16_t bits) {
  uint32_t sign = (bits & 0x8000u) << 16, magnitude = (bits & 0x7fffu) << 13;
  if (magnitude >= 0x1fu << 23) // infinity, or a NaN, which becomes quiet
    return llvm::bit_cast<float>(sign | 0x7f800000u | magnitude | (magnitude & 0x7fffffu ? 0x400000u : 0));
  // The exponent is biased by 15 in f16 and by 127 in f32; a product by 2^112 is exact for small numbers,
  // too.
  return llvm::bit_cast<float>(sign | llvm::bit_cast<uint32_t>(llvm::bit_cast<float>(magnitude) * 0x1p112f));
}

void tamis::changeFloats(ArrayRef<char> from, FloatType fromType, MutableArrayRef<char> to, FloatType toType,
                         function_ref<void(llvm::APFloat &)> change) {
  unsigned fromBytes = fromType.getWidth() / 8, toBytes = toType.getWidth() / 8;
  for (size_t i = 0, e = from.size() / fromBytes; i < e; ++i) {
    uint64_t bits = 0;
    memcpy(&bits, from.data() + i * fromBytes, fromBytes);
    llvm::APFloat number(fromType.getFloatSemantics(), llvm::APInt(fromType.getWidth(), bits));
    change(number);
    bool inexact;
    number.convert(toType.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &inexact);
    bits = number.bitcastToAPInt().getZExtValue();
    memcpy(to.data() + i * toBytes, &bits, toBytes);
  }
}

/// Rounds numbers of the type `From`, which `widen` makes floats, into floats or bf16. False: `toType` is
/// neither.
template <typename From>
static bool convertWidened(ArrayRef<char> from, MutableArrayRef<char> to, FloatType toType,
                           float (*widen)(From)) {
  auto convert = [&](auto round) {
    using To = decltype(round(float()));
    for (size_t i = 0, e = from.size() / sizeof(From); i < e; ++i) {
      From number;
      memcpy(&number, from.data() + i * sizeof(From), sizeof(From));
      To result = round(widen(number));
      memcpy(to.data() + i * sizeof(To), &result, sizeof(To));
    }
  };
  if (toType.isF32())
    convert([](float value) { return value; });
  else if (toType.isBF16())
    convert([](float value) { return roundToBF16(value); });
  return toType.isF32() || toType.isBF16();
}

void tamis::convertFloats(ArrayRef<char> from, FloatType fromType, MutableArrayRef<char> to,
                          FloatType toType) {
  // What weights are stored in and computed in; there may be billions.
  bool done = false;
  if (fromType.isF16())
    done = convertWidened<uint16_t>(from, to, toType, extendF16);
  else if (fromType.isBF16())
    done = convertWidened<uint16_t>(from, to, toType, extendBF16);
  else if (fromType.isF32())
    done = convertWidened<float>(from, to, toType, [](float value) { return value; });
  if (!done)
    changeFloats(from, fromType, to, toType, [](llvm::APFloat &) {});
}
