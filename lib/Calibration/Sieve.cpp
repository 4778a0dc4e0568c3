//===- Sieve.cpp - The least-squares sieve -------------------------------------------------------------===//
#include "tamis/Calibration/Sieve.h"

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>
#include <cmath>

namespace tamis::calibration {

namespace {

using RowsF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

/// Rows that are multiplied in single precision before their sum is added in double.
constexpr Index kBlock = 1024;

/// Rows [begin, begin + count) with a column of ones behind them.
RowsF withOnes(const States &states, Index begin, Index count) {
  RowsF block(count, states.columns + 1);
  block.leftCols(states.columns) =
      Eigen::Map<const RowsF>(states.data.data() + begin * states.columns, count, states.columns);
  block.col(states.columns).setOnes();
  return block;
}

/// Sums of products of the rows of `from` with themselves and with `right(begin, count)`.
template <typename Right>
std::pair<MatrixXd, MatrixXd> products(const States &from, Index columns, Right right) {
  MatrixXd gram = MatrixXd::Zero(from.columns + 1, from.columns + 1),
           cross = MatrixXd::Zero(from.columns + 1, columns);
  for (Index begin = 0; begin < from.rows(); begin += kBlock) {
    Index count = std::min<Index>(kBlock, from.rows() - begin);
    RowsF block = withOnes(from, begin, count);
    gram += (block.transpose() * block).template cast<double>();
    cross += (block.transpose() * right(begin, count)).template cast<double>();
  }
  return {gram, cross};
}

MatrixXd solve(const MatrixXd &gram, const MatrixXd &cross, double weight) {
  return (gram + weight * MatrixXd::Identity(gram.rows(), gram.cols())).ldlt().solve(cross);
}

double correlationOf(const VectorXd &a, const VectorXd &b) {
  VectorXd x = a.array() - a.mean(), y = b.array() - b.mean();
  double lengths = x.norm() * y.norm();
  return lengths > 0 ? x.dot(y) / lengths : 0;
}

} // namespace

Sieve fitSieve(const States &from, const States &to) {
  auto last = [&](Index begin, Index count) {
    return Eigen::Map<const RowsF>(to.data.data() + begin * to.columns, count, to.columns);
  };
  auto [gram, cross] = products(from, to.columns, last);
  Eigen::MatrixXf map = solve(gram, cross, 1).cast<float>();

  VectorXd logs(from.rows());
  for (Index begin = 0; begin < from.rows(); begin += kBlock) {
    Index count = std::min<Index>(kBlock, from.rows() - begin);
    RowsF residual = withOnes(from, begin, count) * map - last(begin, count);
    // A state that follows exactly matters least, but not without a bound.
    logs.segment(begin, count) = residual.rowwise().norm().cast<double>().array().max(1e-6).log();
  }
  auto logsOf = [&](Index begin, Index count) { return logs.segment(begin, count).cast<float>().eval(); };
  VectorXd weights = solve(gram, products(from, 1, logsOf).second, 10).col(0);

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
