//===- Labels.cpp - What is right for each request ----------------------------------------===//

#include "Labels.h"

#include "ExitCode.h"
#include "Npy.h"

#include <fmt/format.h>

namespace tamis::tools {

std::vector<int64_t> readLabels(const std::string &path) {
  Tensor tensor = readNpyFile(path);
  const TamisValue &value = tensor.value();
  if ((value.type != TAMIS_I64 && value.type != TAMIS_I32) || value.rank != 1)
    throw ToolError(ExitCode::Refused,
                    fmt::format("{}: is {}; labels are an npy file of i64 or i32, [requests]", path,
                                shapeText(value.type, dimsOf(value))));
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < value.dims[0]; ++i)
    labels.push_back(value.type == TAMIS_I64 ? static_cast<const int64_t *>(value.data)[i]
                                             : static_cast<const int32_t *>(value.data)[i]);
  return labels;
}

} // namespace tamis::tools
