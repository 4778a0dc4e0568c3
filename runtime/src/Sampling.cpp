//===- Sampling.cpp - The choice of a token by its logits -----------------------------------------------===//
#include "Sampling.h"
#include <cstring>

using namespace tamis;

static uint64_t splitMix64(uint64_t state) {
  uint64_t z = state + 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

double tamis::uniformDraw(uint64_t seed, uint64_t sequence, uint64_t draw) {
  uint64_t bits = splitMix64(splitMix64(splitMix64(seed) + sequence) + draw);
  return double(bits >> 11) * 0x1p-53;
}

// 2^n e^r with r in [-ln 2 / 2, ln 2 / 2], whose Taylor series ends at r^13: the next term is below 2e-17.
double tamis::expOfNegative(double x) {
  if (!(x > -700))
    return 0;
  auto n = int64_t(x * 1.44269504088896340736 - 0.5);
  double r = x - double(n) * 6.93147180369123816490e-01;
  r -= double(n) * 1.90821492927058770002e-10;
  double sum = 1;
  for (int k = 13; k >= 1; --k)
    sum = 1 + sum * r / k;
  uint64_t bits = uint64_t(n + 1023) << 52;
  double power;
  memcpy(&power, &bits, sizeof(power));
  return sum * power;
}

// The greatest logit's lowest token; -1 when there is nothing to choose.
static int64_t greatestToken(const float *logits, int64_t count) {
  int64_t best = -1;
  float greatest = -__builtin_inff();
  for (int64_t i = 0; i < count; ++i) {
    if (__builtin_isnan(logits[i]))
      return -1;
    if (logits[i] > greatest) {
      greatest = logits[i];
      best = i;
    }
  }
  return greatest == __builtin_inff() ? -1 : best;
}

// Whether `a` comes before `b`: the greater logit, of equal ones the lower token.
static bool precedes(const Candidate &a, const Candidate &b) {
  return a.logit > b.logit || (a.logit == b.logit && a.token < b.token);
}

// Restores the heap below `at`, whose top precedes all.
static void siftDown(Candidate *heap, int64_t count, int64_t at) {
  Candidate moved = heap[at];
  for (int64_t child; (child = 2 * at + 1) < count; at = child) {
    if (child + 1 < count && precedes(heap[child + 1], heap[child]))
      ++child;
    if (!precedes(heap[child], moved))
      break;
    heap[at] = heap[child];
  }
  heap[at] = moved;
}

// The first candidate, in their order, at which the weights before it and its own exceed the share.
static int64_t drawn(const Candidate *first, int64_t count, int64_t step, double share) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    sum += first[i * step].weight;
    if (sum > share)
      return first[i * step].token;
  }
  return first[(count - 1) * step].token; // by rounding alone
}

int64_t tamis::chooseToken(const float *logits, int64_t count, const Sampling &sampling, double draw,
                           Candidate *candidates) {
  int64_t best = greatestToken(logits, count);
  if (best < 0 || !(sampling.temperature > 0))
    return best;
  double total = 0, greatest = logits[best];
  int64_t taken = 0;
  for (int64_t i = 0; i < count; ++i) {
    double weight = expOfNegative((logits[i] - greatest) / double(sampling.temperature));
    candidates[taken] = {int32_t(i), logits[i], weight};
    taken += weight > 0;
    total += weight;
  }
  bool cutsCount = sampling.topK > 0 && sampling.topK < taken;
  bool cutsShare = sampling.topP > 0 && sampling.topP < 1;
  if (!cutsCount && !cutsShare)
    return drawn(candidates, taken, 1, draw * total);

  // A heap gives the greatest one by one, to the array's end, so that no more are sorted than are kept.
  for (int64_t i = taken / 2 - 1; i >= 0; --i)
    siftDown(candidates, taken, i);
  int64_t most = cutsCount ? sampling.topK : taken, kept = 0;
  double sum = 0;
  auto pop = [&] {
    Candidate top = candidates[0];
    candidates[0] = candidates[taken - kept - 1];
    siftDown(candidates, taken - kept - 1, 0);
    candidates[taken - ++kept] = top;
    return top.weight;
  };
  if (cutsCount) {
    while (kept < most)
      sum += pop();
    if (cutsShare) {
      double wanted = double(sampling.topP) * sum;
      int64_t few = 0;
      for (sum = 0; few < kept && (few == 0 || sum < wanted); ++few)
        sum += candidates[taken - 1 - few].weight;
      kept = few;
    }
  } else {
    double wanted = double(sampling.topP) * total;
    while (kept < most && (kept == 0 || sum < wanted))
      sum += pop();
  }
  return drawn(candidates + taken - 1, kept, -1, draw * sum);
}
