//===- Ridge.h - Ridge regression on hidden states ------------------------------------------------------===//
#ifndef TAMIS_LIB_CALIBRATION_RIDGE_H
#define TAMIS_LIB_CALIBRATION_RIDGE_H

#include "tamis/Calibration/States.h"

#include <Eigen/Core>
#include <algorithm>
#include <utility>

namespace tamis::calibration {

using RowsF = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Rows that are multiplied in single precision before their sum is added in double.
constexpr Eigen::Index kBlock = 1024;

/// Rows [begin, begin + count).
inline Eigen::Map<const RowsF> rowsOf(const States &states, Eigen::Index begin, Eigen::Index count) {
  return {states.data.data() + begin * states.columns, count, states.columns};
}

/// Rows [begin, begin + count) with a column of ones behind them, for the intercept.
RowsF withOnes(const States &states, Eigen::Index begin, Eigen::Index count);

/// Sums of products of the rows of `from`, ones behind them, with themselves and with `right(begin, count)`,
/// which has so many columns.
template <typename Right>
std::pair<Eigen::MatrixXd, Eigen::MatrixXd> products(const States &from, Eigen::Index columns, Right right) {
  Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(from.columns + 1, from.columns + 1),
                  cross = Eigen::MatrixXd::Zero(from.columns + 1, columns);
  for (Eigen::Index begin = 0; begin < from.rows(); begin += kBlock) {
    Eigen::Index count = std::min<Eigen::Index>(kBlock, from.rows() - begin);
    RowsF block = withOnes(from, begin, count);
    gram += (block.transpose() * block).template cast<double>();
    cross += (block.transpose() * right(begin, count)).template cast<double>();
  }
  return {gram, cross};
}

/// The coefficients of least squares whose own squares count `weight` times.
Eigen::MatrixXd solveRidge(const Eigen::MatrixXd &gram, const Eigen::MatrixXd &cross, double weight);

/// Those, with weight 1, of the rows of `to` by the rows of `from`: [columns of from + 1, columns of to], the
/// intercepts last; and the products of the rows of `from`.
std::pair<Eigen::MatrixXd, Eigen::MatrixXd> fitLastStates(const States &from, const States &to);

} // namespace tamis::calibration

#endif
