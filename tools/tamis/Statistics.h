//===- Statistics.h - Figures of repeated measurements --------------------------------===//
#ifndef TAMIS_TOOLS_STATISTICS_H
#define TAMIS_TOOLS_STATISTICS_H

#include <vector>

namespace tamis::tools {

/// Of the samples, in their unit.
struct Statistics {
  double min, median, p90, mean;
  double deviation; // standard deviation of the samples
};

/// `samples` must not be empty. Percentiles interpolate between neighbours.
Statistics summarize(std::vector<double> samples);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_STATISTICS_H
