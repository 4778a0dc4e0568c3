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

/// What outputs with a row for each token hold where one was left out.
enum class Dropped {
  Refuse,  ///< there must be no such output
  Zeros,   ///< zeros
  Restore, ///< what a map makes of the token's states in front of the layer
  Merged,  ///< the row into which the token was merged
};

/// A map from a token's states in front of a layer, H columns, to those behind the last one, N columns.
struct RestoreMap {
  std::string weights;     ///< [H, N], row-major, binary16 little-endian
  std::vector<float> bias; ///< [N]
};

/// What means run over.
enum class Pool {
  Kept,     ///< the rows that are left, each once
  Weighted, ///< these, each as often as there are tokens merged into it
  Mapped,   ///< restored rows, too
};

/// What places for leaving out and for merging have in common.
struct RowPoint {
  int64_t layer = 0;            ///< number of the attention at which it is, from 0
  std::vector<int64_t> lengths; ///< greatest lengths of the groups of sequences but the last
  int64_t minimum = 8, first = 1, last = 1;
};

/// A place behind the attention of a layer where tokens are merged.
struct MergePoint : RowPoint {};

/// A place in front of a layer where tokens are left out.
struct PrunePoint : RowPoint {
  Rule rule = Rule::Linear;
  std::optional<AttentionRule> attention; ///< in place of `rule`
  std::vector<float> weights;             ///< of the linear rule, one a column of the hidden states
  int64_t seed = 0;                       ///< of the random rule
  bool threshold = false;                 ///< steps give the least score that is kept, not a share
  RestoreMap restore;                     ///< where dropped tokens are restored
};

/// For each point, shares that are kept, or least scores, one a group of lengths; by a name.
struct PolicyStep {
  std::string name;
  std::vector<std::vector<double>> keep; ///< of `points`
  std::vector<std::vector<double>> stay; ///< of `merges`
  std::vector<double> skip;              ///< of the layers of experts, or one for all; empty: nothing is said
};

/// The part `tokens` of a file of the schema tamis.policy.v1 (docs/pruning.md).
struct TokenPolicy {
  std::vector<PrunePoint> points;    ///< by rising layer
  std::vector<MergePoint> merges;    ///< likewise
  std::vector<int64_t> protectedIds; ///< tokens that stay as they are, wherever they stand
  std::vector<PolicyStep> steps;     ///< behind the dense one
  int64_t chosen = 0;                ///< 0: dense; else a step's number + 1
  Dropped dropped = Dropped::Refuse;
  Pool pool = Pool::Kept;

  /// The number of the first setting of a point: those of `points` come first, one a group of lengths.
  int64_t settingOf(const PrunePoint &point) const;
  int64_t settingOf(const MergePoint &point) const;

  /// Reads a file; one without the part gives no points. The error is a sentence that begins with the path.
  static llvm::Expected<TokenPolicy> read(llvm::StringRef path);
};

} // namespace tamis::token

#endif
