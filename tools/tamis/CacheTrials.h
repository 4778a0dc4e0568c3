//===- CacheTrials.h - Stepping a decoder through given texts ------------------------------===//
#ifndef TAMIS_TOOLS_CACHETRIALS_H
#define TAMIS_TOOLS_CACHETRIALS_H

#include "Calibration.h"
#include "Generation.h"
#include "Session.h"

#include <functional>
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
  /// `artifact` has one setting, how much of its caches is read. Options and texts must outlive it. Refuses
  /// texts that the model cannot take.
  CacheTrials(const CalibrationOptions &options, const std::vector<Tokens> &texts,
              const std::string &artifact);

  /// Steps through a text reading all rows, and keeps its logits. Refuses a text that gives none.
  CacheTrial runDense(size_t text);
  /// Steps through the text of the last runDense. Logits that are no numbers are an infinite loss.
  CacheTrial run(size_t text, int64_t amount);
  /// Milliseconds of the steps through a text; of all rows without an amount.
  double time(size_t text, std::optional<int64_t> amount);

private:
  void check() const;
  /// `toLogits` gets those of each step in turn.
  CacheTrial step(size_t text, float setting, const std::function<void(int64_t, const float *)> &toLogits);

  const CalibrationOptions &options;
  const std::vector<Tokens> &texts;
  Session session;
  TamisDecoderInfo decoder = TAMIS_DECODER_INFO_INIT;
  float dense = 0; // the setting that reads all rows
  std::optional<Generation> generation;
  std::vector<float> denseLogits; // [continuation, vocabulary]
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CACHETRIALS_H
