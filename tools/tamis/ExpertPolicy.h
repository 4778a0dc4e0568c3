//===- ExpertPolicy.h - What a policy file says of experts ------------------------===//
#ifndef TAMIS_TOOLS_EXPERTPOLICY_H
#define TAMIS_TOOLS_EXPERTPOLICY_H

#include <string>

namespace tamis::tools {

/// The part `experts` of a file of the schema tamis.policy.v1 (docs/profiles.md). As it is here, no result
/// changes.
struct ExpertPolicy {
  bool order = true;            ///< store the busiest first
  bool mergeDuplicates = false; ///< store equal ones once
  double keep = 1;              ///< share of the experts that are kept, above 0
  double fallback = 0;          ///< share of the router's mass below which all experts count, from 0 to 1
  double skip = 0;              ///< share of a token's sum below which an expert is skipped, below 1

  /// Reads a file. Throws ToolError: System if it cannot be read, Refused if it is no policy.
  static ExpertPolicy read(const std::string &path);
  /// Whether anything in it is decided by a profile, other than the order.
  bool needsProfile() const { return keep < 1 || skip > 0; }
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_EXPERTPOLICY_H
