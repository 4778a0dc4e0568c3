//===- ExpertReport.h - What the layers of experts did in a run ------------------===//
#ifndef TAMIS_TOOLS_EXPERTREPORT_H
#define TAMIS_TOOLS_EXPERTREPORT_H

#include "tamis/runtime.h"

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace tamis::tools {

/// The pairs of the busiest expert over the mean of all experts: 1 when all are as busy; 0 without pairs.
double imbalanceOf(const TamisExpertLayer &layer);

/// A line a layer: tokens, experts touched, pairs, imbalance, bytes of weights read.
std::string expertsText(const std::vector<TamisExpertLayer> &layers);

/// The same as an array of objects, with the pairs of each expert.
nlohmann::ordered_json expertsJson(const std::vector<TamisExpertLayer> &layers);

/// How often experts were in memory when a layer wanted them, in runs of a model with a resident budget.
struct ExpertResidence {
  int64_t hits = 0, stalls = 0, stallBytes = 0, stallNanoseconds = 0; ///< of all runs that were added
  int64_t residentBytes = 0;                                          ///< after the last of them

  void add(const TamisReport &report);
  std::string text() const;
  nlohmann::ordered_json json() const;
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_EXPERTREPORT_H
