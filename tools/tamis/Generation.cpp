//===- Generation.cpp - The tokens that follow prompts, by the runtime ----------------===//

#include "Generation.h"

#include "ExitCode.h"

namespace tamis::tools {

Generation::Generation(TamisContext *context, const TamisGenerationOptions &options) {
  TamisGeneration *created = nullptr;
  check(tamis_generation_create(context, &options, &created, &error), error);
  generation.reset(created);
}

void Generation::begin(const std::vector<Tokens> &prompts) {
  std::vector<const int64_t *> data;
  std::vector<int64_t> lengths;
  for (const Tokens &prompt : prompts) {
    // An empty prompt has no address, and is refused for its length.
    static const int64_t none = 0;
    data.push_back(prompt.empty() ? &none : prompt.data());
    lengths.push_back(static_cast<int64_t>(prompt.size()));
  }
  check(tamis_generation_begin(generation.get(), data.data(), lengths.data(),
                               static_cast<int32_t>(prompts.size()), &error),
        error);
  tokens.resize(prompts.size());
}

const Tokens &Generation::step() {
  check(tamis_generation_step(generation.get(), nullptr, tokens.data(), &error), error);
  return tokens;
}

void Generation::replace(const Tokens &others) {
  check(tamis_generation_replace(generation.get(), others.data(), &error), error);
}

} // namespace tamis::tools
