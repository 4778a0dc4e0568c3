//===- Martingale.h - A test that may be looked at after every sample -----------------------------------===//
//
// A gambler who bets that a violation is more probable than alpha, at odds that are fair if it is alpha,
// gains nothing in the long run while it is at most alpha: his wealth reaches 1/delta with probability delta
// at most, ever (Ville 1939; Waudby-Smith and Ramdas 2024 on bets about bounded means). So it is an alarm
// when it does, whenever one looks.
//
// Here several gamblers bet different shares, and each puts 1/(t (t + 1)) of his money in at sample t: what
// was lost in years of good samples does not hide a change for the worse.
//
//===----------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_RUNTIME_MARTINGALE_H
#define TAMIS_RUNTIME_MARTINGALE_H

#include <cstdint>

namespace tamis {

class Martingale {
public:
  /// `alpha` in (0, 1).
  void begin(double rate) {
    *this = {};
    alpha = rate;
  }
  void add(bool isViolation) {
    ++samples;
    auto t = double(samples);
    for (int k = 0; k < kGamblers; ++k) {
      // Shares of the most that can be bet without going bankrupt, 1/alpha.
      double bet = (k + 0.5) / kGamblers / alpha;
      money[k] = (money[k] + 1 / (t * (t + 1))) * (1 + bet * ((isViolation ? 1 : 0) - alpha));
    }
  }
  /// What the gamblers have of 1 that they had, on average; without what they did not put in yet.
  double wealth() const {
    double sum = 0;
    for (double own : money)
      sum += own;
    return sum / kGamblers;
  }
  int64_t count() const { return samples; }

private:
  static constexpr int kGamblers = 8;
  double alpha = 0.5, money[kGamblers] = {};
  int64_t samples = 0;
};

} // namespace tamis

#endif
