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

/// Reads requests for a model. A folder holds npz files, each one sequence; an npz file holds many, a row of
/// its arrays each, whose padding behind the tokens is cut off; a jsonl file holds an array of token ids a
/// line, for a model whose inputs are input_ids, the mask, token_type_ids and position_ids. Throws ToolError:
/// System if a file cannot be read, Refused if it holds no requests for the model.
std::vector<Request> readRequests(const std::string &path, const TamisModel *model);

/// The request's input whose zeros mark padding; null when there is none. It is valid as long as the request.
const TamisValue *maskOf(const Request &request, const TamisModel *model);

/// The ids of a request's real tokens, in order; none for a model without the input input_ids.
std::vector<int64_t> tokenIds(const Request &request, const TamisModel *model);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_REQUESTS_H
