//===- TokenPolicy.h - What a policy file says of tokens ----------------------------------------------===//
#ifndef TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_TOKENPOLICY_H
#define TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_TOKENPOLICY_H

#include "tamis/Dialect/Token/IR/TokenDialect.h"
#include "llvm/Support/Error.h"

#include <optional>

namespace tamis::token {

/// Scores by the attention of the layer before (token.attention_score).
struct AttentionRule {
  Queries queries = Queries::First;
  int64_t count = 1;
  bool byValues = false;
};

/// A place in front of a layer where tokens are left out.
struct PrunePoint {
  int64_t layer = 0; ///< number of the attention in front of which it is, from 0
  Rule rule = Rule::Linear;
  std::optional<AttentionRule> attention; ///< in place of `rule`
  std::vector<float> weights;             ///< of the linear rule, one a column of the hidden states
  int64_t seed = 0;                       ///< of the random rule
  std::vector<int64_t> lengths;           ///< greatest lengths of the groups of sequences but the last
  int64_t minimum = 8, first = 1, last = 1;
  bool threshold = false; ///< steps give the least score that is kept, not a share
};

/// Shares that are kept, or least scores, for each point one a group of lengths, by a name.
struct PolicyStep {
  std::string name;
  std::vector<std::vector<double>> keep;
};

/// The part `tokens` of a file of the schema tamis.policy.v1 (docs/pruning.md).
struct TokenPolicy {
  std::vector<PrunePoint> points; ///< by rising layer
  std::vector<PolicyStep> steps;  ///< behind the dense one
  int64_t chosen = 0;             ///< 0: dense; else a step's number + 1
  bool zerosForDropped = false;   ///< outputs of every token may hold zeros where one was left out

  /// Reads a file; one without the part gives no points. The error is a sentence that begins with the path.
  static llvm::Expected<TokenPolicy> read(llvm::StringRef path);
};

} // namespace tamis::token

#endif
