//===- CacheTrials.h - Stepping a decoder through given texts ------------------------------===//
#ifndef TAMIS_TOOLS_CACHETRIALS_H
#define TAMIS_TOOLS_CACHETRIALS_H

#include "Calibration.h"
#include "Generation.h"
#include "Session.h"

#include <optional>
#include <vector>

namespace tamis::tools {

/// A text, stepped through while a part of the caches is read.
struct CacheTrial {
  double loss = 0;                // the mean over the tokens that were given one by one
  int64_t rows = 0, rowsRead = 0; // of the caches, in their steps
  double milliseconds = 0;        // of their steps
};

/// Texts of token ids whose last tokens are given one by one. All functions throw ToolError.
class CacheTrials {
public:
  /// `artifact` has one setting, how much of its caches is read.
  CacheTrials(const CalibrationOptions &options, const std::string &artifact);

  /// Tokens that may be read at most: those of the longest text. Refuses texts that the model cannot take.
  int64_t check(const std::vector<Tokens> &texts) const;
  /// Steps through a text reading all rows, and keeps its logits for lossesOf.
  CacheTrial runDense(const Tokens &text);
  /// Steps through the text of the last runDense.
  CacheTrial run(const Tokens &text, int64_t amount);

  /// The greatest setting, which reads all rows.
  float dense() const;
  const Session &session() const { return session_; }

private:
  CacheTrial step(const Tokens &text, float setting, bool isDense);

  const CalibrationOptions &options;
  Session session_;
  TamisDecoderInfo decoder = TAMIS_DECODER_INFO_INIT;
  std::optional<Generation> generation;
  std::vector<float> denseLogits; // [continuation, vocabulary]
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CACHETRIALS_H
