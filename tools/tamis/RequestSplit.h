//===- RequestSplit.h - Which requests are searched on, and which tested on ---------------===//
#ifndef TAMIS_TOOLS_REQUESTSPLIT_H
#define TAMIS_TOOLS_REQUESTSPLIT_H

#include "Requests.h"

#include <cstdint>
#include <string>
#include <vector>

namespace tamis::tools {

struct CalibrationOptions;

/// The two halves of the requests, and the groups of lengths that have shares of their own.
struct RequestSplit {
  std::vector<size_t> searched, tested; // numbers of requests
  std::vector<int64_t> bounds; // the longest of each group of lengths but the last, in tokens; ascending

  size_t groupCount() const { return bounds.size() + 1; }
  size_t groupOf(const Request &request) const;
  /// For a person: "up to 64 tokens", "above 64 tokens", or "all lengths".
  std::string groupName(size_t group) const;
};

/// Splits by the options' seed. The groups of lengths have as many requests each, about. Throws
/// ToolError(Refused) where there are too few to prove what is to be promised.
RequestSplit splitRequests(const std::vector<Request> &requests, const CalibrationOptions &options);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_REQUESTSPLIT_H
