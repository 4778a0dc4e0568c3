//===- Ridge.cpp - Ridge regression on hidden states ----------------------------------------------------===//
#include "Ridge.h"

#include <Eigen/Cholesky>

namespace tamis::calibration {

using Eigen::Index;
using Eigen::MatrixXd;

RowsF withOnes(const States &states, Index begin, Index count) {
  RowsF block(count, states.columns + 1);
  block.leftCols(states.columns) = rowsOf(states, begin, count);
  block.col(states.columns).setOnes();
  return block;
}

MatrixXd solveRidge(const MatrixXd &gram, const MatrixXd &cross, double weight) {
  return (gram + weight * MatrixXd::Identity(gram.rows(), gram.cols())).ldlt().solve(cross);
}

std::pair<MatrixXd, MatrixXd> fitLastStates(const States &from, const States &to) {
  auto [gram, cross] =
      products(from, to.columns, [&](Index begin, Index count) { return rowsOf(to, begin, count); });
  return {solveRidge(gram, cross, 1), gram};
}

} // namespace tamis::calibration
