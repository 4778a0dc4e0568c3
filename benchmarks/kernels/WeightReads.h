//===- WeightReads.h - How near products of few rows come to the speed of memory ----------------------===//
#ifndef TAMIS_BENCHMARKS_KERNELS_WEIGHTREADS_H
#define TAMIS_BENCHMARKS_KERNELS_WEIGHTREADS_H

#include <string>

/// Registers the benchmarks of a level and precision.
void registerWeightReads(const std::string &isa, const std::string &precision);

#endif
