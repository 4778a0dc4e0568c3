//===- Requests.cpp - What a model is asked, one request after the other --------------===//

#include "Requests.h"

#include "ExitCode.h"
#include "Npz.h"
#include "Prompts.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <numeric>

namespace tamis::tools {

namespace {

[[noreturn]] void refuse(const std::string &path, const std::string &why) {
  throw ToolError(ExitCode::Refused, fmt::format("{}: {}", path, why));
}

std::string maskName(const TamisModel *model) {
  const char *name = tamis_model_mask_input(model);
  return name ? name : "attention_mask";
}

bool isInteger(TamisType type) { return type == TAMIS_I64 || type == TAMIS_I32; }

/// Elements of a mask that are not 0; those of its first row alone count for `last`, the place behind the
/// last.
int64_t realTokens(const Tensor &mask, int64_t row, int64_t columns, int64_t *last = nullptr) {
  int64_t count = 0;
  for (int64_t i = 0; i < columns; ++i)
    if (elementAsDouble(mask.type(), mask.value().data, row * columns + i) != 0) {
      ++count;
      if (last)
        *last = i + 1;
    }
  return count;
}

/// All of an npz file, one sequence: the lengths of several would be those of none.
Request wholeFile(const std::string &path, const TamisModel *model) {
  Request request{readNpz(path), 0, std::filesystem::path(path).filename()};
  for (const auto &[name, tensor] : request.inputs)
    if (tensor.dims().size() > 1 && tensor.dims()[0] != 1)
      refuse(
          path,
          fmt::format(
              "'{}' holds {} sequences; give each a file of its own, or all of them as rows of one npz file "
              "instead of a folder",
              name, tensor.dims()[0]));
  auto mask = request.inputs.find(maskName(model));
  if (mask != request.inputs.end())
    request.length = realTokens(mask->second, 0, elementCount(mask->second.dims()).value_or(0));
  else
    for (const auto &[name, tensor] : request.inputs)
      if (tensor.dims().size() > 1)
        request.length = tensor.dims()[1];
  return request;
}

/// Row `row` of a tensor [rows, length, ...] without what is behind `length`.
Tensor rowOf(Tensor &tensor, int64_t row, int64_t length, int64_t padded, const std::string &source) {
  std::vector<int64_t> dims(tensor.dims().begin(), tensor.dims().end());
  int64_t rows = dims[0];
  dims[0] = 1;
  size_t stride = tensor.bytes() / static_cast<size_t>(rows);
  bool isCut = dims.size() > 1 && dims[1] == padded;
  if (isCut)
    dims[1] = length;
  Tensor result = Tensor::allocate(tensor.type(), dims, source);
  std::memcpy(result.data(), tensor.data() + stride * static_cast<size_t>(row), result.bytes());
  return result;
}

std::vector<Request> rowsOfFile(const std::string &path, const TamisModel *model) {
  TensorMap tensors = readNpz(path);
  if (tensors.empty())
    refuse(path, "holds no arrays");
  int64_t rows = -1;
  for (auto &[name, tensor] : tensors) {
    int64_t own = tensor.dims().empty() ? -1 : tensor.dims()[0];
    if (own < 1 || (rows >= 0 && own != rows))
      refuse(path, fmt::format("the array '{}' has not one row for each request", name));
    rows = own;
  }
  auto mask = tensors.find(maskName(model));
  bool hasMask = mask != tensors.end() && mask->second.dims().size() == 2;
  int64_t padded = hasMask ? mask->second.dims()[1] : -1;
  std::vector<Request> requests;
  for (int64_t row = 0; row < rows; ++row) {
    Request request;
    request.name = fmt::format("{} row {}", std::filesystem::path(path).filename().string(), row);
    int64_t last = padded;
    if (hasMask) {
      last = 0;
      request.length = realTokens(mask->second, row, padded, &last);
    }
    for (auto &[name, tensor] : tensors) {
      request.inputs.emplace(name, rowOf(tensor, row, std::max<int64_t>(last, 1), padded, path));
      if (!hasMask && tensor.dims().size() > 1)
        request.length = tensor.dims()[1];
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

Tensor integers(TamisType type, const std::vector<int64_t> &values, const std::string &source) {
  const int64_t dims[] = {1, static_cast<int64_t>(values.size())};
  Tensor tensor = Tensor::allocate(type, dims, source);
  for (size_t i = 0; i < values.size(); ++i)
    if (type == TAMIS_I64)
      reinterpret_cast<int64_t *>(tensor.data())[i] = values[i];
    else
      reinterpret_cast<int32_t *>(tensor.data())[i] = static_cast<int32_t>(values[i]);
  return tensor;
}

/// What an input gets for a line of tokens, by its name, as exporters have them.
std::vector<int64_t> valuesOf(const TamisSignature &signature, const std::string &mask, const Tokens &tokens,
                              const std::string &path) {
  std::string name = signature.name;
  if (isInteger(signature.type) && signature.rank == 2) {
    if (name == "input_ids")
      return tokens;
    if (name == mask)
      return std::vector<int64_t>(tokens.size(), 1);
    if (name == "token_type_ids")
      return std::vector<int64_t>(tokens.size(), 0);
    if (name == "position_ids") {
      std::vector<int64_t> places(tokens.size());
      std::iota(places.begin(), places.end(), 0);
      return places;
    }
  }
  refuse(path, fmt::format(
                   "a line of tokens does not say what the model's input '{}' is; give requests as npz files",
                   name));
}

std::vector<Request> linesOfFile(const std::string &path, const TamisModel *model) {
  std::vector<Request> requests;
  std::string mask = maskName(model);
  for (const Tokens &tokens : readPromptFile(path, "--requests")) {
    Request request;
    request.length = static_cast<int64_t>(tokens.size());
    request.name =
        fmt::format("{} line {}", std::filesystem::path(path).filename().string(), requests.size() + 1);
    if (tokens.empty())
      refuse(path, fmt::format("line {} has no tokens", requests.size() + 1));
    for (int32_t i = 0; i < tamis_model_input_count(model); ++i) {
      TamisSignature signature;
      TamisError error = TAMIS_ERROR_INIT;
      check(tamis_model_input(model, i, &signature, &error), error);
      request.inputs.emplace(signature.name,
                             integers(signature.type, valuesOf(signature, mask, tokens, path), path));
    }
    requests.push_back(std::move(request));
  }
  return requests;
}

} // namespace

std::vector<Request> readRequests(const std::string &path, const TamisModel *model) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<Request> requests;
  if (fs::is_directory(path, error)) {
    for (const std::string &file : npzFilesIn(path))
      requests.push_back(wholeFile(file, model));
  } else {
    requests = fs::path(path).extension() == ".jsonl" ? linesOfFile(path, model) : rowsOfFile(path, model);
  }
  if (requests.empty())
    refuse(path, "holds no requests; give a folder of npz files, an npz file of many rows, or a jsonl file");
  return requests;
}

const TamisValue *maskOf(const Request &request, const TamisModel *model) {
  auto mask = request.inputs.find(maskName(model));
  return mask == request.inputs.end() ? nullptr : &mask->second.value();
}

std::vector<int64_t> tokenIds(const Request &request, const TamisModel *model) {
  auto ids = request.inputs.find("input_ids"), mask = request.inputs.find(maskName(model));
  std::vector<int64_t> real;
  if (ids == request.inputs.end() || !isInteger(ids->second.type()))
    return real;
  const TamisValue &value = ids->second.value();
  int64_t count = elementCount(ids->second.dims()).value_or(0);
  bool hasMask = mask != request.inputs.end() && elementCount(mask->second.dims()) == count;
  for (int64_t i = 0; i < count; ++i)
    if (!hasMask || elementAsDouble(mask->second.type(), mask->second.value().data, i) != 0)
      real.push_back(value.type == TAMIS_I64
                         ? static_cast<const int64_t *>(value.data)[i]
                         : static_cast<int64_t>(elementAsDouble(value.type, value.data, i)));
  return real;
}

} // namespace tamis::tools
