//===- Requests.h - What a model is asked, one request after the other ----------------===//
#ifndef TAMIS_TOOLS_REQUESTS_H
#define TAMIS_TOOLS_REQUESTS_H

#include "Tensor.h"

#include <string>
#include <vector>

namespace tamis::tools {

/// The inputs of one run, and its real tokens.
struct Request {
  TensorMap inputs;
  int64_t length = 0;
  std::string name; // for reports: the file, and the row or line in it
};

/// Reads requests for a model. A folder holds npz files, each a run of its own; an npz file holds many
/// sequences, a row of its arrays each, without the padding behind them; a jsonl file holds an array of token
/// ids a line, for the model's first input of integers but the mask, with ones for the mask and zeros for
/// other inputs of integers. Throws ToolError: System if a file cannot be read, Refused if it holds no
/// requests for the model.
std::vector<Request> readRequests(const std::string &path, const TamisModel *model);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_REQUESTS_H
