/*===- tamis/runtime.hpp - The runtime's C interface as C++ classes -------------------------------------===*
 *
 * Header-only, C++20; needs exceptions, which are thrown here, in the caller's code, never by the runtime.
 *
 *   tamis::Model model("encoder.tamis");
 *   tamis::Context context(model, {.threads = 2});
 *   context.run({tamis::input<int64_t>(ids, {1, 5}), tamis::input<int64_t>(mask, {1, 5})});
 *   tamis::Output<float> embedding = context.output<float>(0);
 *===---------------------------------------------------------------------------------------------------===*/
#ifndef TAMIS_RUNTIME_HPP
#define TAMIS_RUNTIME_HPP

#include "tamis/runtime.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace tamis {

/// Thrown by everything below when the runtime refuses; what() is the runtime's message.
class Error : public std::runtime_error {
public:
  Error(TamisStatus status, const char *message) : std::runtime_error(message), code(status) {}
  TamisStatus status() const { return code; }

private:
  TamisStatus code;
};

namespace detail {
template <typename Function, typename... Arguments> void check(Function function, Arguments... arguments) {
  TamisError error = TAMIS_ERROR_INIT;
  if (TamisStatus status = function(arguments..., &error); status != TAMIS_OK)
    throw Error(status, error.message);
}
} // namespace detail

/// The TamisType of a C++ type. Half-precision types have none in C++20: fill a TamisValue by hand.
template <typename T> constexpr TamisType typeOf() {
  using U = std::remove_cv_t<T>;
  if constexpr (std::is_same_v<U, float>)
    return TAMIS_F32;
  else if constexpr (std::is_same_v<U, double>)
    return TAMIS_F64;
  else if constexpr (std::is_same_v<U, bool>)
    return TAMIS_BOOL;
  else {
    static_assert(std::is_integral_v<U>, "a model has no inputs or outputs of this type");
    constexpr bool isSigned = std::is_signed_v<U>;
    switch (sizeof(U)) {
    case 1:
      return isSigned ? TAMIS_I8 : TAMIS_U8;
    case 2:
      return isSigned ? TAMIS_I16 : TAMIS_U16;
    case 4:
      return isSigned ? TAMIS_I32 : TAMIS_U32;
    default:
      return isSigned ? TAMIS_I64 : TAMIS_U64;
    }
  }
}

/// A row-major input over the caller's memory, which must live until run() returns. `data` must have as many
/// elements as `dims` say; at most TAMIS_MAX_DIMENSIONS dims.
template <typename T> TamisValue input(std::span<const T> data, std::initializer_list<int64_t> dims) {
  TamisValue value = {typeOf<T>(), static_cast<int32_t>(dims.size()), {}, data.data()};
  uint64_t count = 1;
  size_t at = 0;
  if (dims.size() > TAMIS_MAX_DIMENSIONS)
    throw Error(TAMIS_ERROR_USAGE, "an input has more dimensions than the runtime allows");
  for (int64_t dim : dims) {
    value.dims[at++] = dim;
    if (dim < 0 || (dim != 0 && count > UINT64_MAX / static_cast<uint64_t>(dim)))
      throw Error(TAMIS_ERROR_USAGE, "an input has impossible dimensions");
    count *= static_cast<uint64_t>(dim);
  }
  if (count != data.size())
    throw Error(TAMIS_ERROR_USAGE, "an input's dimensions do not match its number of elements");
  return value;
}

/// An output; both spans are valid until the context's next run.
template <typename T> struct Output {
  std::span<const T> data;
  std::span<const int64_t> dims;

  explicit Output(const TamisValue &result) : value(std::make_unique<TamisValue>(result)) {
    size_t count = 1;
    for (int32_t i = 0; i < value->rank; ++i)
      count *= static_cast<size_t>(value->dims[i]);
    data = {static_cast<const T *>(value->data), count};
    dims = {value->dims, static_cast<size_t>(value->rank)};
  }

private:
  std::unique_ptr<TamisValue> value; // holds the dims, at an address that moves do not change
};

/// An immutable model; threads may share it. Must outlive its contexts.
class Model {
public:
  explicit Model(const std::string &path, TamisModelOptions options = TAMIS_MODEL_OPTIONS_INIT) {
    TamisModel *loaded = nullptr;
    detail::check(tamis_model_load, path.c_str(), &options, &loaded);
    model.reset(loaded);
  }
  /// Takes over a model of the C interface, such as one that NAME_model_load of a generated header made.
  explicit Model(TamisModel *loaded) : model(loaded) {}

  const TamisModel *get() const { return model.get(); }
  int32_t inputCount() const { return tamis_model_input_count(get()); }
  int32_t outputCount() const { return tamis_model_output_count(get()); }
  TamisSignature input(int32_t index) const { return signature(tamis_model_input, index); }
  TamisSignature output(int32_t index) const { return signature(tamis_model_output, index); }

private:
  template <typename Function> TamisSignature signature(Function function, int32_t index) const {
    TamisSignature result;
    detail::check(function, get(), index, &result);
    return result;
  }

  struct Destroy {
    void operator()(TamisModel *model) const { tamis_model_destroy(model); }
  };
  std::unique_ptr<TamisModel, Destroy> model;
};

/// What a run needs; for one thread at a time.
class Context {
public:
  struct Options {
    int32_t threads = 0; // 0: one for each core this process may use
    bool profile = false;
    size_t maxArenaBytes = 0; // 0: no limit
  };

  explicit Context(const Model &model) : Context(model, Options{}) {}
  Context(const Model &model, Options chosen) {
    TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
    options.threads = chosen.threads;
    options.profile = chosen.profile;
    options.max_arena_bytes = chosen.maxArenaBytes;
    TamisContext *created = nullptr;
    detail::check(tamis_context_create, model.get(), &options, &created);
    context.reset(created);
  }

  TamisContext *get() const { return context.get(); }

  /// Inputs in the order of the model's signature.
  void run(std::span<const TamisValue> inputs) {
    const TamisRunOptions *none = nullptr;
    detail::check(tamis_run, get(), inputs.data(), static_cast<int32_t>(inputs.size()), none);
  }
  void run(std::initializer_list<TamisValue> inputs) { run(std::span<const TamisValue>(inputs)); }

  template <typename T> Output<T> output(int32_t index) const {
    TamisValue value;
    detail::check(tamis_context_output, get(), index, &value);
    if (value.type != typeOf<T>())
      throw Error(TAMIS_ERROR_USAGE, "an output is of another type than the one asked for");
    return Output<T>(value);
  }

  TamisReport report() const {
    TamisReport result = TAMIS_REPORT_INIT;
    detail::check(tamis_context_report, get(), &result);
    return result;
  }

private:
  struct Destroy {
    void operator()(TamisContext *context) const { tamis_context_destroy(context); }
  };
  std::unique_ptr<TamisContext, Destroy> context;
};

} // namespace tamis

#endif
