//===- GenerationTest.cpp - Tokens that follow prompts
//------------------------------------------------------===//
#include "DecoderModel.h"
#include <algorithm>
#include <cmath>
#include <cstdlib>

using namespace tamis::test;

namespace {
/// malloc's allocator that counts, and fails when it is told to.
struct Allocator {
  int64_t calls = 0, left = INT64_MAX;
  TamisAllocator interface = {this,
                              [](void *user, size_t bytes, size_t alignment) -> void * {
                                auto *self = static_cast<Allocator *>(user);
                                ++self->calls;
                                if (self->left-- <= 0)
                                  return nullptr;
                                return std::aligned_alloc(alignment,
                                                          (bytes + alignment - 1) / alignment * alignment);
                              },
                              [](void *, void *data, size_t, size_t) { std::free(data); }};
};

/// A generation of the decoder.
struct Generator {
  explicit Generator(const TamisGenerationOptions &options = TAMIS_GENERATION_OPTIONS_INIT,
                     const Description &description = decoderDescription())
      : model(decoderEntry, description) {
    TamisContextOptions contextOptions = TAMIS_CONTEXT_OPTIONS_INIT;
    contextOptions.threads = 1;
    contextOptions.allocator = &allocator.interface;
    EXPECT_EQ(tamis_context_create(model.model, &contextOptions, &context, &error), TAMIS_OK);
    status = tamis_generation_create(context, &options, &generation, &error);
  }
  ~Generator() {
    tamis_generation_destroy(generation);
    tamis_context_destroy(context);
  }
  TamisStatus begin(const std::vector<std::vector<int64_t>> &prompts) {
    std::vector<const int64_t *> data;
    std::vector<int64_t> lengths;
    static const int64_t none = 0;
    for (const std::vector<int64_t> &prompt : prompts) {
      data.push_back(prompt.empty() ? &none : prompt.data());
      lengths.push_back(int64_t(prompt.size()));
    }
    tokens.assign(prompts.size(), 0);
    return tamis_generation_begin(generation, data.data(), lengths.data(), int32_t(prompts.size()), &error);
  }
  TamisStatus step() { return tamis_generation_step(generation, nullptr, tokens.data(), &error); }
  /// Steps up to `most` times; the tokens of each sequence.
  std::vector<std::vector<int64_t>> run(size_t most) {
    std::vector<std::vector<int64_t>> result(tokens.size());
    for (size_t i = 0; i < most; ++i) {
      EXPECT_EQ(step(), TAMIS_OK) << error.message;
      for (size_t b = 0; b < tokens.size(); ++b)
        if (tokens[b] >= 0)
          result[b].push_back(tokens[b]);
    }
    return result;
  }

  Allocator allocator;
  EmbeddedModel model;
  TamisContext *context = nullptr;
  TamisGeneration *generation = nullptr;
  std::vector<int64_t> tokens;
  Error error;
  TamisStatus status;
};
} // namespace

static TamisGenerationOptions options(int64_t maxNew = 0, int64_t maxLength = 0) {
  TamisGenerationOptions result = TAMIS_GENERATION_OPTIONS_INIT;
  result.max_new_tokens = maxNew;
  result.max_length = maxLength;
  return result;
}

TEST(Generation, FollowsPromptsOfDifferentLengths) {
  Generator generator;
  std::vector<std::vector<int64_t>> prompts = {{3, 1, 4, 1, 5}, {9}, {2, 6}};
  ASSERT_EQ(generator.begin(prompts), TAMIS_OK) << generator.error.message;
  std::vector<std::vector<int64_t>> tokens = generator.run(200); // over several capacities
  for (size_t b = 0; b < prompts.size(); ++b)
    EXPECT_EQ(tokens[b], tokensAfter(prompts[b], 200)) << b;
}

TEST(Generation, BeginsAgain) {
  Generator generator;
  ASSERT_EQ(generator.begin({{1, 2}, {3}}), TAMIS_OK);
  generator.run(5);
  ASSERT_EQ(generator.begin({{7}}), TAMIS_OK);
  EXPECT_EQ(generator.run(5)[0], tokensAfter({7}, 5));
  ASSERT_EQ(generator.begin({{7}, {8}, {9}}), TAMIS_OK);
  EXPECT_EQ(generator.run(70)[2], tokensAfter({9}, 70));
}

TEST(Generation, AllocatesNothingFromStepToStep) {
  TamisGenerationOptions sampled = options();
  sampled.temperature = 1;
  sampled.top_p = 0.9f;
  sampled.top_k = 20;
  for (const TamisGenerationOptions &each : {options(), sampled}) {
    Generator generator(each);
    ASSERT_EQ(generator.begin({{1, 2, 3}, {4}}), TAMIS_OK);
    ASSERT_EQ(tamis_cache_reserve(generator.context, 2, 40, &generator.error), TAMIS_OK);
    generator.run(3);
    int64_t before = generator.allocator.calls;
    generator.run(30);
    EXPECT_EQ(generator.allocator.calls, before);
  }
}

TEST(Generation, EndsByTokensAndMaxima) {
  std::vector<int64_t> expected = tokensAfter({5}, 12);
  int64_t ends[] = {expected[3], 96};
  TamisGenerationOptions ending = options(9);
  ending.end_tokens = ends;
  ending.end_token_count = 2;
  Generator generator(ending);
  ASSERT_EQ(generator.begin({{5}, {1, 1}}), TAMIS_OK);
  std::vector<std::vector<int64_t>> tokens = generator.run(12);
  EXPECT_EQ(tokens[0], std::vector<int64_t>(expected.begin(), expected.begin() + 4));
  std::vector<int64_t> other = tokensAfter({1, 1}, 9);
  other.resize(size_t(std::find_first_of(other.begin(), other.end(), ends, ends + 2) - other.begin()) +
               (std::find_first_of(other.begin(), other.end(), ends, ends + 2) != other.end()));
  EXPECT_EQ(tokens[1], other);

  Generator bounded(options(0, 6));
  ASSERT_EQ(bounded.begin({{5, 5, 5}}), TAMIS_OK);
  EXPECT_EQ(bounded.run(10)[0], tokensAfter({5, 5, 5}, 3));
  // The last token needs no row.
  EXPECT_EQ(tamis_cache_length(bounded.context), 5);
  // The limit is each sequence's own, whatever it is padded to.
  ASSERT_EQ(bounded.begin({{5}, {5, 5, 5, 5, 5}}), TAMIS_OK);
  std::vector<std::vector<int64_t>> both = bounded.run(10);
  EXPECT_EQ(both[0], tokensAfter({5}, 5));
  EXPECT_EQ(both[1], tokensAfter({5, 5, 5, 5, 5}, 1));
}

TEST(Generation, LosesNothingWhenAStepFails) {
  Generator generator;
  ASSERT_EQ(generator.begin({{5, 6}, {7}}), TAMIS_OK);
  std::vector<std::vector<int64_t>> tokens(2);
  auto take = [&] {
    for (size_t b = 0; b < 2; ++b)
      tokens[b].push_back(generator.tokens[b]);
  };
  for (int i = 0; i < 6; ++i) {
    // Logits that are no numbers.
    isBroken = true;
    EXPECT_EQ(generator.step(), TAMIS_ERROR_INPUT);
    EXPECT_TRUE(generator.error.mentions("the logits of sequence 0 have no greatest number"));
    EXPECT_EQ(generator.tokens, (std::vector<int64_t>{-1, -1}));
    isBroken = false;
    // No memory, where the step needs some.
    generator.allocator.left = 0;
    TamisStatus status = generator.step();
    generator.allocator.left = INT64_MAX;
    if (status != TAMIS_OK) {
      EXPECT_EQ(status, TAMIS_ERROR_MEMORY) << generator.error.message;
      ASSERT_EQ(generator.step(), TAMIS_OK) << generator.error.message;
    }
    take();
  }
  EXPECT_EQ(tokens[0], tokensAfter({5, 6}, 6));
  EXPECT_EQ(tokens[1], tokensAfter({7}, 6));
}

TEST(Generation, FailsAtEveryAllocation) {
  for (int64_t left = 0; left < 40; ++left) {
    Generator generator;
    generator.allocator.left = left;
    bool failed = generator.begin({{1, 2, 3}, {4}}) != TAMIS_OK;
    for (int i = 0; i < 3 && !failed; ++i)
      failed = generator.step() != TAMIS_OK;
    generator.allocator.left = INT64_MAX;
    ASSERT_EQ(generator.begin({{1, 2, 3}, {4}}), TAMIS_OK);
    EXPECT_EQ(generator.run(5)[0], tokensAfter({1, 2, 3}, 5)) << left;
  }
}

TEST(Generation, SeesThatItsCachesWereTaken) {
  Generator generator;
  ASSERT_EQ(generator.begin({{5, 6}}), TAMIS_OK);
  generator.run(2);
  ASSERT_EQ(tamis_cache_truncate(generator.context, 1, &generator.error), TAMIS_OK);
  EXPECT_EQ(generator.step(), TAMIS_ERROR_USAGE);
  EXPECT_TRUE(generator.error.mentions("not those of this generation"));
}

TEST(Generation, GivesTheLogits) {
  Generator generator;
  EXPECT_EQ(tamis_generation_logits(generator.generation, 0), nullptr);
  ASSERT_EQ(generator.begin({{5, 6}, {7}}), TAMIS_OK);
  generator.run(1);
  for (int32_t b : {0, 1}) {
    const float *logits = tamis_generation_logits(generator.generation, b);
    EXPECT_EQ(logits[generator.tokens[size_t(b)]], 0);
    EXPECT_EQ(std::max_element(logits, logits + kVocabulary) - logits, generator.tokens[size_t(b)]);
  }
  EXPECT_EQ(tamis_generation_logits(generator.generation, 2), nullptr);
}

TEST(Generation, TakesTheTokensThatItIsGiven) {
  // One that an end token would have ended; one whose token stays; one that is given its end.
  std::vector<std::vector<int64_t>> prompts = {{5}, {1, 1}, {2, 6, 4}};
  int64_t end = tokensAfter({5}, 1)[0];
  TamisGenerationOptions ending = options();
  ending.end_tokens = &end;
  ending.end_token_count = 1;
  Generator generator(ending);
  ASSERT_EQ(generator.begin(prompts), TAMIS_OK);
  auto replace = [&](std::vector<int64_t> tokens) {
    return tamis_generation_replace(generator.generation, tokens.data(), &generator.error);
  };
  EXPECT_EQ(replace({7, -1, -1}), TAMIS_ERROR_USAGE); // nothing is chosen yet
  ASSERT_EQ(generator.step(), TAMIS_OK);
  ASSERT_EQ(generator.tokens[0], end);
  int64_t own = generator.tokens[1];
  EXPECT_EQ(replace({7, -1, 97}), TAMIS_ERROR_INPUT);
  EXPECT_EQ(replace({-2, -1, -1}), TAMIS_ERROR_INPUT);
  ASSERT_EQ(replace({7, -1, end}), TAMIS_OK) << generator.error.message;
  ASSERT_EQ(generator.step(), TAMIS_OK);
  EXPECT_EQ(generator.tokens[0], nextToken({5, 7}));
  EXPECT_EQ(generator.tokens[1], nextToken({1, 1, own}));
  EXPECT_EQ(generator.tokens[2], -1);
  EXPECT_EQ(replace({-1, -1, 8}), TAMIS_ERROR_USAGE);
  EXPECT_EQ(replace({-1, 8, -1}), TAMIS_OK);
  ASSERT_EQ(generator.step(), TAMIS_OK);
  EXPECT_EQ(generator.tokens[1], nextToken({1, 1, own, 8}));

  Generator bounded(options(2));
  ASSERT_EQ(bounded.begin({{5}}), TAMIS_OK);
  bounded.run(2);
  int64_t other = 7;
  ASSERT_EQ(tamis_generation_replace(bounded.generation, &other, &bounded.error), TAMIS_OK);
  ASSERT_EQ(bounded.step(), TAMIS_OK);
  EXPECT_EQ(bounded.tokens[0], -1); // the maximum holds
}

TEST(Generation, RefusesPrompts) {
  Generator generator(options(0, 3));
  EXPECT_EQ(generator.step(), TAMIS_ERROR_USAGE);
  EXPECT_EQ(generator.begin({}), TAMIS_ERROR_USAGE);
  EXPECT_EQ(generator.begin({{1}, {}}), TAMIS_ERROR_INPUT);
  EXPECT_TRUE(generator.error.mentions("prompt 1 has no token"));
  EXPECT_EQ(generator.begin({{1, 2, 3, 4}}), TAMIS_ERROR_INPUT);
  EXPECT_TRUE(generator.error.mentions("prompt 0 has 4 tokens; sequences may have 3"));
  EXPECT_EQ(generator.begin({{1, 2, 3}}), TAMIS_ERROR_INPUT);
  EXPECT_TRUE(
      generator.error.mentions("prompt 0 has 3 tokens; sequences may have 3, with at least one that is new"));
  EXPECT_EQ(generator.begin({{1, 97}}), TAMIS_ERROR_INPUT);
  EXPECT_TRUE(generator.error.mentions("token 1 of prompt 0 is 97; the vocabulary has 97"));
  EXPECT_EQ(generator.begin({{-1}}), TAMIS_ERROR_INPUT);
}

TEST(Generation, RefusesOptionsAndModels) {
  TamisGenerationOptions wrong = options();
  wrong.temperature = NAN;
  EXPECT_EQ(Generator(wrong).status, TAMIS_ERROR_USAGE);
  wrong = options();
  wrong.top_p = 1.5f;
  EXPECT_EQ(Generator(wrong).status, TAMIS_ERROR_USAGE);
  EXPECT_EQ(Generator(options(-1)).status, TAMIS_ERROR_USAGE);

  Description description = decoderDescription();
  description.decoder->problem = "nobody knows the ids";
  Generator unknown(options(), description);
  EXPECT_EQ(unknown.status, TAMIS_ERROR_INPUT);
  EXPECT_TRUE(unknown.error.mentions("the model cannot be stepped: nobody knows the ids"));
  description = decoderDescription();
  description.decoder->maxLength = 8;
  EXPECT_EQ(Generator(options(0, 9), description).status, TAMIS_ERROR_INPUT);
  description.decoder.reset();
  Generator encoder(options(), description);
  EXPECT_EQ(encoder.status, TAMIS_ERROR_INPUT);
  EXPECT_TRUE(encoder.error.mentions("the model has no caches"));
  TamisDecoderInfo info = TAMIS_DECODER_INFO_INIT;
  EXPECT_EQ(tamis_model_decoder(encoder.model.model, &info, nullptr), TAMIS_OK);
  EXPECT_EQ(info.caches, 0);
}

TEST(Generation, KnowsTheDecoder) {
  Description description = decoderDescription();
  description.decoder->maxLength = 8;
  Generator generator(options(), description);
  TamisDecoderInfo info = TAMIS_DECODER_INFO_INIT;
  ASSERT_EQ(tamis_model_decoder(generator.model.model, &info, nullptr), TAMIS_OK);
  EXPECT_EQ(info.caches, 1);
  EXPECT_EQ(info.vocabulary, kVocabulary);
  EXPECT_EQ(info.max_length, 8);
  EXPECT_EQ(info.has_mask, 1);
}

// A model whose outputs declare no sizes: what a step gives is looked at.
TEST(Generation, LogitsOfUndeclaredSize) {
  Description description = decoderDescription();
  description.outputs[0].dims[2] = {-1, ""};
  {
    Generator generator(TAMIS_GENERATION_OPTIONS_INIT, description);
    ASSERT_EQ(generator.begin({{5, 6, 7}}), TAMIS_OK) << generator.error.message;
    EXPECT_EQ(generator.run(3)[0], tokensAfter({5, 6, 7}, 3));
  }
  description.decoder->vocabulary = kVocabulary + 1;
  Generator generator(TAMIS_GENERATION_OPTIONS_INIT, description);
  ASSERT_EQ(generator.begin({{5, 6, 7}}), TAMIS_OK) << generator.error.message;
  EXPECT_EQ(generator.step(), TAMIS_ERROR_ARTIFACT);
  EXPECT_TRUE(generator.error.mentions("logits of 1 x 1 x 97")) << generator.error.message;
  EXPECT_EQ(generator.tokens[0], -1);
  EXPECT_EQ(tamis_generation_logits(generator.generation, 0), nullptr);
  EXPECT_EQ(tamis_cache_length(generator.context), 0);
}
