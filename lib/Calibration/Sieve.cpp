//===- Sieve.cpp - The least-squares sieve -------------------------------------------------------------===//
#include "tamis/Calibration/Sieve.h"

#include "Ridge.h"

#include <algorithm>
#include <cmath>

namespace tamis::calibration {

using Eigen::Index;
using Eigen::VectorXd;

namespace {

double correlationOf(const VectorXd &a, const VectorXd &b) {
  VectorXd x = a.array() - a.mean(), y = b.array() - b.mean();
  double lengths = x.norm() * y.norm();
  return lengths > 0 ? x.dot(y) / lengths : 0;
}

} // namespace

Sieve fitSieve(const States &from, const States &to) {
  auto [coefficients, gram] = fitLastStates(from, to);
  Eigen::MatrixXf map = coefficients.cast<float>();

  VectorXd logs(from.rows());
  for (Index begin = 0; begin < from.rows(); begin += kBlock) {
    Index count = std::min<Index>(kBlock, from.rows() - begin);
    RowsF residual = withOnes(from, begin, count) * map - rowsOf(to, begin, count);
    // A state that follows exactly matters least, but not without a bound.
    logs.segment(begin, count) = residual.rowwise().norm().cast<double>().array().max(1e-6).log();
  }
  auto logsOf = [&](Index begin, Index count) { return logs.segment(begin, count).cast<float>().eval(); };
  VectorXd weights = solveRidge(gram, products(from, 1, logsOf).second, 10).col(0);

  VectorXd scores(from.rows());
  for (Index begin = 0; begin < from.rows(); begin += kBlock) {
    Index count = std::min<Index>(kBlock, from.rows() - begin);
    scores.segment(begin, count) = withOnes(from, begin, count).cast<double>() * weights;
  }
  Sieve sieve;
  sieve.correlation = correlationOf(scores, logs);
  // All scores of a sequence move by the intercept alike.
  for (Index i = 0; i < from.columns; ++i)
    sieve.weights.push_back(static_cast<float>(weights[i]));
  return sieve;
}

} // namespace tamis::calibration
