//===- CacheTrials.cpp - Stepping a decoder through given texts ----------------------------===//

#include "CacheTrials.h"

#include "ExitCode.h"
#include "Losses.h"
#include "runtime/src/Clock.h"

#include <algorithm>
#include <fmt/format.h>

namespace tamis::tools {

static SessionOptions sessionOptions(const CalibrationOptions &options, const std::string &artifact) {
  SessionOptions session;
  session.artifact = artifact;
  session.threads = options.threads;
  return session;
}

CacheTrials::CacheTrials(const CalibrationOptions &options, const std::string &artifact)
    : options(options), session_(sessionOptions(options, artifact)) {
  session_.createContext(/*profile=*/false);
  TamisError error = TAMIS_ERROR_INIT;
  tools::check(tamis_model_decoder(session_.model(), &decoder, &error), error);
  generation.emplace(session_.handle(), TamisGenerationOptions TAMIS_GENERATION_OPTIONS_INIT);
  denseLogits.resize(static_cast<size_t>(options.continuation * decoder.vocabulary));
}

int64_t CacheTrials::check(const std::vector<Tokens> &texts) const {
  int64_t longest = 0;
  for (size_t i = 0; i < texts.size(); ++i) {
    auto length = static_cast<int64_t>(texts[i].size());
    auto refuse = [&](const std::string &why) {
      throw ToolError(ExitCode::Refused, fmt::format("{}: text {} {}", options.requests, i + 1, why));
    };
    if (length <= options.continuation)
      refuse(fmt::format("has {} tokens, of which {} are to be given one by one behind a prompt; give longer "
                         "texts or a smaller --continuation",
                         length, options.continuation));
    if (decoder.max_length != 0 && length >= decoder.max_length)
      refuse(fmt::format("has {} tokens, and the model takes sequences of up to {} with one more; cut it",
                         length, decoder.max_length));
    // The runtime looks at those of the prompt, and says which one it is.
    for (int64_t token : texts[i])
      if (token < 0 || token >= decoder.vocabulary)
        refuse(fmt::format("has the token {}; the vocabulary has {}", token, decoder.vocabulary));
    longest = std::max(longest, length);
  }
  return longest;
}

float CacheTrials::dense() const {
  TamisSetting setting;
  TamisError error = TAMIS_ERROR_INIT;
  tools::check(tamis_model_setting(session_.model(), 0, &setting, &error), error);
  return setting.dense;
}

CacheTrial CacheTrials::runDense(const Tokens &text) { return step(text, dense(), /*isDense=*/true); }

CacheTrial CacheTrials::run(const Tokens &text, int64_t amount) {
  return step(text, static_cast<float>(amount), /*isDense=*/false);
}

CacheTrial CacheTrials::step(const Tokens &text, float setting, bool isDense) {
  CacheTrial trial;
  session_.set({setting});
  auto given = text.end() - static_cast<std::ptrdiff_t>(options.continuation);
  generation->begin({Tokens(text.begin(), given)});
  generation->step();
  float *dense = denseLogits.data();
  for (auto token = given; token != text.end(); ++token, dense += decoder.vocabulary) {
    generation->replace({*token});
    int64_t begin = monotonicNanoseconds();
    generation->step();
    trial.milliseconds += static_cast<double>(monotonicNanoseconds() - begin) / 1e6;
    TamisReport report = session_.report();
    trial.rows += report.cache_rows;
    trial.rowsRead += report.cache_rows_read;
    const float *logits = generation->logits(0);
    if (isDense)
      std::copy_n(logits, decoder.vocabulary, dense);
    else
      trial.loss += lossOf(options.loss, TamisValue{TAMIS_F32, 2, {1, decoder.vocabulary}, dense},
                           TamisValue{TAMIS_F32, 2, {1, decoder.vocabulary}, logits});
  }
  trial.loss /= static_cast<double>(options.continuation);
  return trial;
}

} // namespace tamis::tools
