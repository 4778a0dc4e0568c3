//===- CachePolicy.h - What a policy file says of caches ----------------------------------------------===//
#ifndef TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_CACHEPOLICY_H
#define TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_CACHEPOLICY_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace tamis::token {

/// How the rows of a cache that a new token reads are chosen.
enum class CacheRule {
  Window, ///< the first ones and the last
  Pages,  ///< those pages in which its scores can be greatest
  SnapKV, ///< those that the end of the prompt attended to
};

/// How much is read, by a name: rows of the window, pages, or rows of the prompt.
struct CacheStep {
  std::string name;
  int64_t amount = 0;
};

/// The part `cache` of a file of the schema tamis.policy.v1 (docs/pruning.md).
struct CachePolicy {
  /// What steps may say; f32, which settings are, has each number up to it. The dense step says it, too: no
  /// cache has so many rows.
  static constexpr int64_t most = int64_t(1) << 24;

  CacheRule rule = CacheRule::Window;
  int64_t sinks = 4;
  int64_t page = 16;            ///< of the rule `pages`
  int64_t pool = 5;             ///< of the rule `snapkv`
  int64_t window = 16;          ///< of both
  int64_t denseLayers = 0;      ///< attentions, from the first one on, that read all rows
  std::vector<CacheStep> steps; ///< behind the dense one
  int64_t chosen = 0;           ///< 0: dense; else a step's number + 1

  /// The least that a step may say: with snapkv, one row more than those that stay in any case.
  int64_t least() const { return rule == CacheRule::SnapKV ? window + 1 : 1; }

  /// Reads a file; nothing where it has no such part. The error is a sentence that begins with the path.
  static llvm::Expected<std::optional<CachePolicy>> read(llvm::StringRef path);
};

} // namespace tamis::token

#endif
