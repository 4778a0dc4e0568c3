//===- CacheTrials.cpp - Stepping a decoder through given texts ----------------------------===//

#include "CacheTrials.h"

#include "ExitCode.h"
#include "Losses.h"
#include "runtime/src/Clock.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace tamis::tools {

static SessionOptions sessionOptions(const CalibrationOptions &options, const std::string &artifact) {
  SessionOptions session;
  session.artifact = artifact;
  session.threads = options.threads;
  return session;
}

CacheTrials::CacheTrials(const CalibrationOptions &options, const std::vector<Tokens> &texts,
                         const std::string &artifact)
    : options(options), texts(texts), session(sessionOptions(options, artifact)) {
  session.createContext(/*profile=*/false);
  TamisError error = TAMIS_ERROR_INIT;
  tools::check(tamis_model_decoder(session.model(), &decoder, &error), error);
  TamisSetting setting;
  tools::check(tamis_model_setting(session.model(), 0, &setting, &error), error);
  dense = setting.dense;
  generation.emplace(session.handle(), TamisGenerationOptions TAMIS_GENERATION_OPTIONS_INIT);
  check();
  denseLogits.resize(static_cast<size_t>(options.continuation * decoder.vocabulary));
}

static std::string nameOf(const CalibrationOptions &options, size_t text) {
  return fmt::format("{}: text {}", options.requests, text + 1);
}

void CacheTrials::check() const {
  for (size_t i = 0; i < texts.size(); ++i) {
    auto length = static_cast<int64_t>(texts[i].size());
    auto refuse = [&](const std::string &why) {
      throw ToolError(ExitCode::Refused, fmt::format("{} {}", nameOf(options, i), why));
    };
    if (length <= options.continuation)
      refuse(fmt::format("has {} tokens, of which {} are to be given one by one behind a prompt; give longer "
                         "texts or a smaller --continuation",
                         length, options.continuation));
    if (decoder.max_length != 0 && length >= decoder.max_length)
      refuse(fmt::format("has {} tokens, and the model takes sequences of up to {} with one more; cut it",
                         length, decoder.max_length));
    for (int64_t token : texts[i])
      if (token < 0 || token >= decoder.vocabulary)
        refuse(fmt::format("has the token {}; the vocabulary has {}", token, decoder.vocabulary));
  }
}

CacheTrial CacheTrials::runDense(size_t text) {
  try {
    return step(text, dense, [&](int64_t number, const float *logits) {
      std::copy_n(logits, decoder.vocabulary, denseLogits.data() + number * decoder.vocabulary);
    });
  } catch (const ToolError &error) {
    throw ToolError(error.code, fmt::format("{}: {}", nameOf(options, text), error.what()));
  }
}

CacheTrial CacheTrials::run(size_t text, int64_t amount) {
  double loss = 0;
  try {
    CacheTrial trial = step(text, static_cast<float>(amount), [&](int64_t number, const float *logits) {
      const float *all = denseLogits.data() + number * decoder.vocabulary;
      loss += lossOf(options.loss, TamisValue{TAMIS_F32, 2, {1, decoder.vocabulary}, all},
                     TamisValue{TAMIS_F32, 2, {1, decoder.vocabulary}, logits});
    });
    trial.loss = loss / static_cast<double>(options.continuation);
    return trial;
  } catch (const ToolError &error) {
    // The same text gave numbers where all rows were read.
    if (error.code != ExitCode::Refused)
      throw;
    return {std::numeric_limits<double>::infinity(), 0, 0, 0};
  }
}

double CacheTrials::time(size_t text, std::optional<int64_t> amount) {
  return step(text, amount ? static_cast<float>(*amount) : dense, [](int64_t, const float *) {}).milliseconds;
}

CacheTrial CacheTrials::step(size_t text, float setting,
                             const std::function<void(int64_t, const float *)> &toLogits) {
  CacheTrial trial;
  session.set({setting});
  const Tokens &tokens = texts[text];
  auto given = tokens.end() - static_cast<std::ptrdiff_t>(options.continuation);
  generation->begin({Tokens(tokens.begin(), given)});
  generation->step();
  for (int64_t number = 0; number < options.continuation; ++number) {
    generation->replace({given[number]});
    int64_t begin = monotonicNanoseconds();
    generation->step();
    trial.milliseconds += static_cast<double>(monotonicNanoseconds() - begin) / 1e6;
    TamisReport report = session.report();
    trial.rows += report.cache_rows;
    trial.rowsRead += report.cache_rows_read;
    toLogits(number, generation->logits(0));
  }
  return trial;
}

} // namespace tamis::tools
