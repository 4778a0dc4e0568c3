//===- Tensor.cpp - A tensor that a tool owns ---------------------------------===//

#include "Tensor.h"

#include "ExitCode.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <limits>

namespace tamis::tools {

namespace {

struct NamedType {
  std::string_view name;
  TamisType type;
};

constexpr NamedType namedTypes[] = {
    {"f32", TAMIS_F32}, {"u8", TAMIS_U8},   {"i8", TAMIS_I8},    {"u16", TAMIS_U16},   {"i16", TAMIS_I16},
    {"i32", TAMIS_I32}, {"i64", TAMIS_I64}, {"f16", TAMIS_F16},  {"bool", TAMIS_BOOL}, {"f64", TAMIS_F64},
    {"u32", TAMIS_U32}, {"u64", TAMIS_U64}, {"bf16", TAMIS_BF16}};

template <typename T> T load(const void *data, int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const std::byte *>(data) + static_cast<size_t>(index) * sizeof(T),
              sizeof(T));
  return value;
}

template <typename T> void store(void *data, int64_t index, T value) {
  std::memcpy(static_cast<std::byte *>(data) + static_cast<size_t>(index) * sizeof(T), &value, sizeof(T));
}

/// The shape of a 16-bit floating-point format.
struct SmallFloat {
  int mantissaBits;
  int minExponent; // of a normal number
  int maxExponent;
};
constexpr SmallFloat half = {10, -14, 15};
constexpr SmallFloat brain = {7, -126, 127};

double decode(uint16_t bits, SmallFloat format) {
  int exponentBits = 15 - format.mantissaBits;
  int exponent = (bits >> format.mantissaBits) & ((1 << exponentBits) - 1);
  int mantissa = bits & ((1 << format.mantissaBits) - 1);
  double magnitude;
  if (exponent == (1 << exponentBits) - 1)
    magnitude = mantissa ? std::numeric_limits<double>::quiet_NaN() : std::numeric_limits<double>::infinity();
  else if (exponent == 0)
    magnitude = std::ldexp(mantissa, format.minExponent - format.mantissaBits);
  else
    magnitude = std::ldexp(mantissa + (1 << format.mantissaBits),
                           exponent - 1 + format.minExponent - format.mantissaBits);
  return bits >> 15 ? -magnitude : magnitude;
}

uint16_t encode(double value, SmallFloat format) {
  int exponentBits = 15 - format.mantissaBits;
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  uint16_t infinity = static_cast<uint16_t>(((1 << exponentBits) - 1) << format.mantissaBits);
  if (std::isnan(value))
    return sign | infinity | static_cast<uint16_t>(1 << (format.mantissaBits - 1));
  double magnitude = std::fabs(value);
  if (std::isinf(magnitude))
    return sign | infinity;
  if (magnitude == 0)
    return sign;
  int exponent = std::max(std::ilogb(magnitude), format.minExponent);
  if (exponent > format.maxExponent)
    return sign | infinity;
  // In units of the last place: below 2^mantissaBits the number is subnormal; rounding up to
  // 2^(mantissaBits + 1) carries into the exponent, and from the largest number to infinity.
  int units = static_cast<int>(std::nearbyint(std::ldexp(magnitude, format.mantissaBits - exponent)));
  return sign | static_cast<uint16_t>(((exponent - format.minExponent) << format.mantissaBits) + units);
}

} // namespace

std::string_view typeName(TamisType type) {
  for (const NamedType &entry : namedTypes)
    if (entry.type == type)
      return entry.name;
  return "?";
}

std::optional<TamisType> typeOfName(std::string_view name) {
  if (name == "i1")
    return TAMIS_BOOL;
  for (const NamedType &entry : namedTypes)
    if (entry.name == name)
      return entry.type;
  return std::nullopt;
}

std::optional<int64_t> elementCount(std::span<const int64_t> dims) {
  int64_t count = 1;
  bool empty = false;
  for (int64_t dim : dims) {
    if (dim < 0)
      return std::nullopt;
    empty |= dim == 0;
    if (dim != 0 && __builtin_mul_overflow(count, dim, &count))
      return std::nullopt;
  }
  return empty ? 0 : count;
}

std::optional<size_t> byteCount(TamisType type, std::span<const int64_t> dims) {
  std::optional<int64_t> count = elementCount(dims);
  int64_t bytes;
  if (!count || __builtin_mul_overflow(*count, static_cast<int64_t>(tamis_type_size(type)), &bytes))
    return std::nullopt;
  return static_cast<size_t>(bytes);
}

std::string shapeText(TamisType type, std::span<const int64_t> dims) {
  std::string text;
  for (int64_t dim : dims)
    text += fmt::format("{}x", dim);
  return text + std::string(typeName(type));
}

bool isFloat(TamisType type) {
  return type == TAMIS_F32 || type == TAMIS_F64 || type == TAMIS_F16 || type == TAMIS_BF16;
}

double elementAsDouble(TamisType type, const void *data, int64_t index) {
  switch (type) {
  case TAMIS_F32:
    return load<float>(data, index);
  case TAMIS_F64:
    return load<double>(data, index);
  case TAMIS_F16:
    return decode(load<uint16_t>(data, index), half);
  case TAMIS_BF16:
    return decode(load<uint16_t>(data, index), brain);
  case TAMIS_U8:
  case TAMIS_BOOL:
    return load<uint8_t>(data, index);
  case TAMIS_I8:
    return load<int8_t>(data, index);
  case TAMIS_U16:
    return load<uint16_t>(data, index);
  case TAMIS_I16:
    return load<int16_t>(data, index);
  case TAMIS_U32:
    return load<uint32_t>(data, index);
  case TAMIS_I32:
    return load<int32_t>(data, index);
  case TAMIS_U64:
    return static_cast<double>(load<uint64_t>(data, index));
  case TAMIS_I64:
    return static_cast<double>(load<int64_t>(data, index));
  }
  return 0;
}

void storeFloat(TamisType type, void *data, int64_t index, double value) {
  switch (type) {
  case TAMIS_F32:
    return store(data, index, static_cast<float>(value));
  case TAMIS_F64:
    return store(data, index, value);
  case TAMIS_F16:
    return store(data, index, encode(value, half));
  default:
    return store(data, index, encode(value, brain));
  }
}

Tensor Tensor::allocate(TamisType type, std::span<const int64_t> dims, const std::string &source) {
  if (dims.size() > TAMIS_MAX_DIMENSIONS)
    throw ToolError(ExitCode::Refused, fmt::format("{}: has {} dimensions, at most {} are possible", source,
                                                   dims.size(), TAMIS_MAX_DIMENSIONS));
  std::optional<size_t> bytes = byteCount(type, dims);
  if (!bytes)
    throw ToolError(ExitCode::Refused, fmt::format("{}: its shape is too large to address", source));
  Tensor tensor;
  tensor.value_.type = type;
  tensor.value_.rank = static_cast<int32_t>(dims.size());
  std::copy(dims.begin(), dims.end(), tensor.value_.dims);
  tensor.bytes_ = *bytes;
  // A multiple of the alignment, as aligned_alloc wants, and never zero.
  tensor.memory_.reset(static_cast<std::byte *>(std::aligned_alloc(64, (*bytes + 64) / 64 * 64)));
  if (!tensor.memory_)
    throw ToolError(ExitCode::System, fmt::format("{}: no memory for {} bytes", source, *bytes));
  tensor.value_.data = tensor.memory_.get();
  return tensor;
}

} // namespace tamis::tools
