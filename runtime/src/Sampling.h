//===- Sampling.h - The choice of a token by its logits -------------------------------------------------===//
#ifndef TAMIS_RUNTIME_SAMPLING_H
#define TAMIS_RUNTIME_SAMPLING_H

#include <cstdint>

namespace tamis {

struct Sampling {
  float temperature; ///< 0: the greatest logit
  int32_t topK;      ///< 0: all
  float topP;        ///< 0 or 1: all
  uint64_t seed;
};

/// A token that takes part, and its weight; scratch of chooseToken.
struct Candidate {
  int32_t token;
  float logit;
  double weight;
};

/// Draw `draw` of sequence `sequence`, in [0, 1): two rounds of SplitMix64, so that no state is carried.
double uniformDraw(uint64_t seed, uint64_t sequence, uint64_t draw);

/// e^x for x <= 0 within 1e-14, the same bits on every machine, which the C library does not promise.
double expOfNegative(double x);

/// The token; -1 when the logits have none to choose: a NaN or +infinity among them, or none above -infinity.
/// `candidates` has room for `count`, unless the greatest logit is wanted.
int64_t chooseToken(const float *logits, int64_t count, const Sampling &sampling, double draw,
                    Candidate *candidates);

} // namespace tamis

#endif
