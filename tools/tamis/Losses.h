//===- Losses.h - How far an answer is from the dense one ------------------------------===//
#ifndef TAMIS_TOOLS_LOSSES_H
#define TAMIS_TOOLS_LOSSES_H

#include "Tensor.h"

#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace tamis::tools {

/// - Cosine: 1 - cosine of two embeddings.
/// - KullbackLeibler: of the softmax of two vectors of logits, from the dense one, in nats.
/// - Argmax: 1 where the greatest element is another one, 0 where it is not.
/// - Label: 1 where the greatest element is the label in the dense answer and another in the sparse one.
/// - Span: 1 where the greatest start or the greatest end is another one, padding aside; of two outputs.
/// - RelativeDistance: |a - b| / |a| over all elements, of a dense a; infinite where only a is 0.
enum class Loss { Cosine, KullbackLeibler, Argmax, Label, Span, RelativeDistance };

/// "cosine", "kl", "argmax", "label", "span", "custom-output"; none for another word.
std::optional<Loss> lossOfName(std::string_view name);

/// The greatest loss of the rows of an output, whose last dimension is that of the vectors; a relative
/// distance is of an output of any shape. Infinite where the shapes differ, where there is no vector of two
/// elements or more (a span may have one), and where a number is none in one of both. `label` is for
/// Loss::Label alone, and `mask`, whose zeros mark padding, for Loss::Span; where it is null or of another
/// shape than the output, all elements count.
double lossOf(Loss loss, const TamisValue &dense, const TamisValue &sparse, int64_t label = -1,
              const TamisValue *mask = nullptr);

/// The greatest loss of the outputs that an answer has: starts and ends for Loss::Span, one for the others.
double lossOf(Loss loss, std::span<const Tensor> dense, std::span<const TamisValue> sparse,
              int64_t label = -1, const TamisValue *mask = nullptr);

/// Whether the greatest element of each row is the one with this number; not where a number is none.
bool isOfClass(const TamisValue &logits, int64_t label);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_LOSSES_H
