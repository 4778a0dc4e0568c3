//===- DecoderModel.h - A decoder made by hand
//--------------------------------------------------------------===//
#ifndef TAMIS_TEST_RUNTIME_DECODERMODEL_H
#define TAMIS_TEST_RUNTIME_DECODERMODEL_H

#include "TestModel.h"

namespace tamis::test {

/// Tokens that the decoder knows.
inline constexpr int64_t kVocabulary = 97;

/// ids i64[batch, new], mask i64[batch, total], past f32[batch, 2, past, 3] -> logits f32[batch, new,
/// vocabulary], present f32[batch, 2, total, 3]. A token's row in the cache is the token; the next token's
/// logit is greatest at nextToken of what the mask leaves.
Description decoderDescription();
void decoderEntry(TamisHost *host, const TamisTensor *inputs, TamisTensor *outputs);
/// While it is set, all logits are NaN.
extern bool isBroken;

/// What follows these tokens.
int64_t nextToken(const std::vector<int64_t> &tokens);
/// The `count` tokens that follow.
std::vector<int64_t> tokensAfter(std::vector<int64_t> tokens, size_t count);

} // namespace tamis::test

#endif
