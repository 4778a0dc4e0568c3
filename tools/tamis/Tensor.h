//===- Tensor.h - A tensor that a tool owns -----------------------------------===//
#ifndef TAMIS_TOOLS_TENSOR_H
#define TAMIS_TOOLS_TENSOR_H

#include "tamis/runtime.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tamis::tools {

/// "f32", "i64", ...; "?" for a number that is no TamisType.
std::string_view typeName(TamisType type);
/// The type of such a name; none if there is no such type.
std::optional<TamisType> typeOfName(std::string_view name);

/// Elements of a tensor; none if a dimension is negative or the product does not fit.
std::optional<int64_t> elementCount(std::span<const int64_t> dims);
/// Bytes of a tensor; none as above.
std::optional<size_t> byteCount(TamisType type, std::span<const int64_t> dims);

/// "2x7x32xf32"; "f32" for a scalar.
std::string shapeText(TamisType type, std::span<const int64_t> dims);

inline std::span<const int64_t> dimsOf(const TamisValue &value) {
  return {value.dims, static_cast<size_t>(value.rank)};
}

/// Element `index` as a double; integers beyond 2^53 are rounded.
double elementAsDouble(TamisType type, const void *data, int64_t index);
/// Writes `value` as element `index` of a floating-point type, rounded to nearest even.
void storeFloat(TamisType type, void *data, int64_t index, double value);
bool isFloat(TamisType type);

/// A contiguous row-major tensor with memory of its own, aligned to 64 bytes.
class Tensor {
public:
  Tensor() : value_{} {}
  /// Uninitialised memory. Throws ToolError: Refused if the size overflows or the rank is above
  /// TAMIS_MAX_DIMENSIONS, System if there is no such memory. `source` names the tensor in messages.
  static Tensor allocate(TamisType type, std::span<const int64_t> dims, const std::string &source);

  TamisType type() const { return value_.type; }
  std::span<const int64_t> dims() const { return dimsOf(value_); }
  std::byte *data() { return memory_.get(); }
  size_t bytes() const { return bytes_; }
  /// Valid as long as the tensor.
  const TamisValue &value() const { return value_; }
  /// Takes the same bytes as another type of the same element size.
  void reinterpret(TamisType type) { value_.type = type; }

private:
  struct Free {
    void operator()(std::byte *data) const { std::free(data); }
  };
  TamisValue value_;
  size_t bytes_ = 0;
  std::unique_ptr<std::byte, Free> memory_;
};

/// Tensors by name, as an npz file holds them.
using TensorMap = std::map<std::string, Tensor, std::less<>>;

} // namespace tamis::tools

#endif // TAMIS_TOOLS_TENSOR_H
