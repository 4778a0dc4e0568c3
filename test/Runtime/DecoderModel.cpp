//===- DecoderModel.cpp - A decoder made by hand
//------------------------------------------------------------===//
#include "DecoderModel.h"
#include <cmath>
#include <cstring>

using namespace tamis::test;

static constexpr int64_t kHeads = 2, kSize = 3;

bool tamis::test::isBroken = false;

Description tamis::test::decoderDescription() {
  Description description;
  Dim batch = {-1, "batch"}, fresh = {-1, "new"}, total = {-1, "total"}, past = {-1, "past"};
  description.inputs = {{"input_ids", TAMIS_I64, {batch, fresh}},
                        {"attention_mask", TAMIS_I64, {batch, total}},
                        {"past", TAMIS_F32, {batch, {kHeads}, past, {kSize}}}};
  description.outputs = {{"logits", TAMIS_F32, {batch, fresh, {kVocabulary}}},
                         {"present", TAMIS_F32, {batch, {kHeads}, total, {kSize}}}};
  description.decoder = DecoderSpec{};
  return description;
}

static int64_t nextOf(int64_t sum, int64_t count) { return (3 * sum + 5 * count + 1) % kVocabulary; }

int64_t tamis::test::nextToken(const std::vector<int64_t> &tokens) {
  int64_t sum = 0;
  for (int64_t token : tokens)
    sum += token;
  return nextOf(sum, int64_t(tokens.size()));
}

std::vector<int64_t> tamis::test::tokensAfter(std::vector<int64_t> tokens, size_t count) {
  std::vector<int64_t> result;
  while (result.size() < count) {
    result.push_back(nextToken(tokens));
    tokens.push_back(result.back());
  }
  return result;
}

void tamis::test::decoderEntry(TamisHost *host, const TamisTensor *inputs, TamisTensor *outputs) {
  const TamisTensor &ids = inputs[0], &mask = inputs[1], &past = inputs[2];
  int64_t batch = ids.dims[0], fresh = ids.dims[1], before = past.dims[2], total = before + fresh;
  TamisCacheRows place;
  host->cache(host, 0, batch * kHeads, total, kSize * int64_t(sizeof(float)), &place);
  auto *rows = static_cast<float *>(place.data);
  const auto *tokens = static_cast<const int64_t *>(ids.data);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < kHeads; ++h) {
      float *head = rows + (b * kHeads + h) * place.capacity * kSize;
      const float *old = static_cast<const float *>(past.data) + (b * kHeads + h) * before * kSize;
      if (!place.kept && before)
        memcpy(head, old, size_t(before * kSize) * sizeof(float));
      for (int64_t t = before; t < total; ++t)
        for (int64_t i = 0; i < kSize; ++i)
          head[t * kSize + i] = float(tokens[b * fresh + t - before]);
    }
  int64_t wanted = host->wanted_rows ? 1 : fresh;
  auto *logits =
      static_cast<float *>(host->allocate(host, batch * wanted * kVocabulary * int64_t(sizeof(float))));
  const auto *kept = static_cast<const int64_t *>(mask.data);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t w = 0; w < wanted; ++w) {
      int64_t row = before + (host->wanted_rows ? host->wanted_rows[b] : w), sum = 0, count = 0;
      // The last element of the last head, so that a wrong stride shows.
      const float *head = rows + (b * kHeads + kHeads - 1) * place.capacity * kSize + kSize - 1;
      for (int64_t t = 0; t <= row; ++t)
        if (kept[b * total + t]) {
          sum += int64_t(head[t * kSize]);
          ++count;
        }
      float *out = logits + (b * wanted + w) * kVocabulary;
      for (int64_t v = 0; v < kVocabulary; ++v)
        out[v] = isBroken ? NAN : -0.1f * float((v - nextOf(sum, count) + kVocabulary) % kVocabulary);
    }
  outputs[0] = {logits, {batch, wanted, kVocabulary}};
  outputs[1] = {place.data, {batch, kHeads, total, kSize}};
}
