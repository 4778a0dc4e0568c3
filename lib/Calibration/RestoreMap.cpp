//===- RestoreMap.cpp - What stands for the last state of a token that was left out --------------------===//
#include "tamis/Calibration/RestoreMap.h"

#include "Ridge.h"

#include <algorithm>

namespace tamis::calibration {

using Eigen::Index;

RestoreMap fitRestoreMap(const States &from, const States &to) {
  Eigen::MatrixXf coefficients = fitLastStates(from, to).first.cast<float>();
  Eigen::Matrix<Eigen::half, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> weights =
      coefficients.topRows(from.columns).cast<Eigen::half>();
  Eigen::RowVectorXf bias = coefficients.row(from.columns);

  RestoreMap map;
  for (Index i = 0; i < weights.size(); ++i)
    map.weights.push_back(Eigen::numext::bit_cast<uint16_t>(weights.data()[i]));
  map.bias.assign(bias.begin(), bias.end());

  RowsF rounded = weights.cast<float>();
  auto sumOverBlocks = [&](auto part) {
    auto sum = part(Index(0), std::min<Index>(kBlock, from.rows()));
    for (Index begin = kBlock; begin < from.rows(); begin += kBlock)
      sum += part(begin, std::min<Index>(kBlock, from.rows() - begin));
    return sum;
  };
  auto last = [&](Index begin, Index count) -> Eigen::MatrixXd {
    return rowsOf(to, begin, count).cast<double>();
  };
  Eigen::RowVectorXd mean = sumOverBlocks([&](Index begin, Index count) -> Eigen::RowVectorXd {
    return last(begin, count).colwise().sum() / static_cast<double>(to.rows());
  });
  double variance = sumOverBlocks(
      [&](Index begin, Index count) { return (last(begin, count).rowwise() - mean).squaredNorm(); });
  double residual = sumOverBlocks([&](Index begin, Index count) {
    RowsF mapped = (rowsOf(from, begin, count) * rounded).rowwise() + bias;
    return (mapped.cast<double>() - last(begin, count)).squaredNorm();
  });
  map.unexplained = variance > 0 ? residual / variance : 0;
  return map;
}

} // namespace tamis::calibration
