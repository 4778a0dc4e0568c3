//===- Inputs.cpp - The checks of a run's inputs --------------------------------------------------------===//
//
// Generated code relies on these: it reads as many elements as the sizes say, without looking again.
//
//===----------------------------------------------------------------------------------------------------===//
#include "Context.h"
#include "Error.h"

using namespace tamis;

// Larger than any memory, and small enough that generated code's sums of a few sizes do not overflow.
static constexpr int64_t kMaxBytes = int64_t(1) << 47;

static const char *typeName(TamisType type) {
  switch (type) {
  case TAMIS_F32:
    return "f32";
  case TAMIS_U8:
    return "u8";
  case TAMIS_I8:
    return "i8";
  case TAMIS_U16:
    return "u16";
  case TAMIS_I16:
    return "i16";
  case TAMIS_I32:
    return "i32";
  case TAMIS_I64:
    return "i64";
  case TAMIS_BOOL:
    return "bool";
  case TAMIS_F16:
    return "f16";
  case TAMIS_F64:
    return "f64";
  case TAMIS_U32:
    return "u32";
  case TAMIS_U64:
    return "u64";
  case TAMIS_BF16:
    return "bf16";
  }
  return "an unknown type";
}

// The input and dimension that gave a symbol its size first.
static TamisStatus refuseSymbol(const TamisModel *model, int32_t input, int32_t dim, int64_t size,
                                int64_t first, TamisError *error) {
  int32_t symbol = model->inputs[input].symbols[dim];
  for (int32_t i = 0; i <= input; ++i)
    for (int32_t d = 0; d < model->inputs[i].signature.rank; ++d)
      if (model->inputs[i].symbols[d] == symbol)
        return fail(error, TAMIS_ERROR_INPUT,
                    "input " TAMIS_NAME ": dimension %d ('%.60s') is %lld, but it is %lld in dimension %d of "
                    "input " TAMIS_NAME "; they must be equal",
                    model->inputs[input].signature.name, dim, model->inputs[input].signature.dims[dim].symbol,
                    static_cast<long long>(size), static_cast<long long>(first), d,
                    model->inputs[i].signature.name);
  return TAMIS_ERROR_INPUT;
}

// One dimension against its declaration and the sizes of symbols so far (-1: none yet).
static TamisStatus checkDimension(const TamisModel *model, int32_t input, int32_t dim, int64_t size,
                                  int64_t *symbols, TamisError *error) {
  const Tensor &tensor = model->inputs[input];
  const TamisDimension &declared = tensor.signature.dims[dim];
  const char *name = tensor.signature.name;
  if (size < 0)
    return fail(error, TAMIS_ERROR_INPUT, "input " TAMIS_NAME ": dimension %d is negative (%lld)", name, dim,
                static_cast<long long>(size));
  if (declared.size >= 0 && size != declared.size)
    return fail(error, TAMIS_ERROR_INPUT, "input " TAMIS_NAME ": dimension %d is %lld; the model takes %lld",
                name, dim, static_cast<long long>(size), static_cast<long long>(declared.size));
  if (declared.size < 0 && (size < declared.min || (declared.max != 0 && size > declared.max))) {
    if (declared.max == 0)
      return fail(
          error, TAMIS_ERROR_INPUT,
          "input " TAMIS_NAME ": dimension %d ('%.60s') is %lld; the model was compiled for %lld or more",
          name, dim, declared.symbol, static_cast<long long>(size), static_cast<long long>(declared.min));
    return fail(error, TAMIS_ERROR_INPUT,
                "input " TAMIS_NAME
                ": dimension %d ('%.60s') is %lld; the model was compiled for %lld to %lld",
                name, dim, declared.symbol, static_cast<long long>(size),
                static_cast<long long>(declared.min), static_cast<long long>(declared.max));
  }
  int32_t symbol = tensor.symbols[dim];
  if (symbol < 0)
    return TAMIS_OK;
  if (symbols[symbol] >= 0 && symbols[symbol] != size)
    return refuseSymbol(model, input, dim, size, symbols[symbol], error);
  symbols[symbol] = size;
  return TAMIS_OK;
}

static TamisStatus checkInput(const TamisModel *model, int32_t index, const TamisValue &value,
                              int64_t *symbols, TamisError *error) {
  const TamisSignature &signature = model->inputs[index].signature;
  const char *name = signature.name;
  if (value.type != signature.type)
    return fail(error, TAMIS_ERROR_INPUT, "input " TAMIS_NAME " has elements of type %s; the model takes %s",
                name, typeName(value.type), typeName(signature.type));
  if (value.rank != signature.rank)
    return fail(error, TAMIS_ERROR_INPUT, "input " TAMIS_NAME " has %d dimensions; the model takes %d", name,
                value.rank, signature.rank);
  auto elementBytes = int64_t(tamis_type_size(signature.type));
  int64_t elements = 1;
  bool overflow = false;
  // Zeros are left out of the product, so that strides of an empty tensor do not overflow either.
  for (int32_t d = 0; d < signature.rank; ++d) {
    if (TamisStatus status = checkDimension(model, index, d, value.dims[d], symbols, error);
        status != TAMIS_OK)
      return status;
    overflow |= value.dims[d] != 0 && __builtin_mul_overflow(elements, value.dims[d], &elements);
  }
  if (overflow || elements > kMaxBytes / elementBytes)
    return fail(error, TAMIS_ERROR_INPUT, "input " TAMIS_NAME " is larger than any memory", name);
  bool empty = false;
  for (int32_t d = 0; d < signature.rank; ++d)
    empty |= value.dims[d] == 0;
  if (!value.data && !empty)
    return fail(error, TAMIS_ERROR_INPUT, "input " TAMIS_NAME " has no data: its pointer is null", name);
  if (reinterpret_cast<uintptr_t>(value.data) % uintptr_t(elementBytes) != 0)
    return fail(error, TAMIS_ERROR_INPUT,
                "input " TAMIS_NAME ": its data is not aligned to its elements of %d bytes", name,
                int(elementBytes));
  return TAMIS_OK;
}

TamisStatus tamis::checkInputs(const TamisModel *model, const TamisValue *inputs, int32_t count,
                               TamisTensor *tensors, int64_t *symbols, TamisError *error) {
  if (count != model->inputCount)
    return fail(error, TAMIS_ERROR_INPUT, "%d inputs were given; the model takes %d", count,
                model->inputCount);
  if (!inputs && count != 0)
    return fail(error, TAMIS_ERROR_USAGE, "the inputs are null");
  for (int32_t i = 0; i < model->symbolCount; ++i)
    symbols[i] = -1;
  for (int32_t i = 0; i < count; ++i) {
    if (TamisStatus status = checkInput(model, i, inputs[i], symbols, error); status != TAMIS_OK)
      return status;
    tensors[i].data = const_cast<void *>(inputs[i].data);
    for (int32_t d = 0; d < TAMIS_MAX_RANK; ++d)
      tensors[i].dims[d] = d < model->inputs[i].signature.rank ? inputs[i].dims[d] : 1;
  }
  return TAMIS_OK;
}
