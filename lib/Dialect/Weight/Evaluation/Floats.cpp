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

void tamis::convertFloats(ArrayRef<char> from, FloatType fromType, MutableArrayRef<char> to,
                          FloatType toType) {
  if (!fromType.isF32() || !toType.isBF16())
    return changeFloats(from, fromType, to, toType, [](llvm::APFloat &) {});
  // What tables of words are converted by, which have tens of millions of elements.
  for (size_t i = 0, e = from.size() / sizeof(float); i < e; ++i) {
    float value;
    memcpy(&value, from.data() + i * sizeof(value), sizeof(value));
    uint16_t rounded = roundToBF16(value);
    memcpy(to.data() + i * sizeof(rounded), &rounded, sizeof(rounded));
  }
}
