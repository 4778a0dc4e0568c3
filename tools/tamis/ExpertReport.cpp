//===- ExpertReport.cpp - What the layers of experts did in a run ----------------===//
#include "ExpertReport.h"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tamis::tools {

double imbalanceOf(const TamisExpertLayer &layer) {
  if (layer.pairs == 0)
    return 0;
  int64_t most = *std::max_element(layer.pairs_of_expert, layer.pairs_of_expert + layer.experts);
  return static_cast<double>(most) * static_cast<double>(layer.experts) / static_cast<double>(layer.pairs);
}

std::string expertsText(const std::vector<TamisExpertLayer> &layers) {
  std::string text;
  for (const TamisExpertLayer &layer : layers)
    text += fmt::format(
        "experts {}: {} tokens to {} of {} experts, {} pairs{}, busiest {:.2f} times the mean, {} "
        "bytes of weights\n",
        layer.name, layer.tokens, layer.experts_touched, layer.experts, layer.pairs,
        layer.pairs_skipped ? fmt::format(" and {} skipped", layer.pairs_skipped) : "", imbalanceOf(layer),
        layer.weight_bytes);
  return text;
}

nlohmann::ordered_json expertsJson(const std::vector<TamisExpertLayer> &layers) {
  auto all = nlohmann::ordered_json::array();
  for (const TamisExpertLayer &layer : layers)
    all.push_back({{"name", layer.name},
                   {"experts", layer.experts},
                   {"experts_touched", layer.experts_touched},
                   {"tokens", layer.tokens},
                   {"pairs", layer.pairs},
                   {"pairs_skipped", layer.pairs_skipped},
                   {"imbalance", imbalanceOf(layer)},
                   {"weight_bytes", layer.weight_bytes},
                   {"pairs_of_expert",
                    std::vector<int64_t>(layer.pairs_of_expert, layer.pairs_of_expert + layer.experts)}});
  return all;
}

void ExpertResidence::add(const TamisReport &report) {
  hits += report.expert_hits;
  stalls += report.expert_stalls;
  stallBytes += report.expert_stall_bytes;
  stallNanoseconds += report.expert_stall_ns;
  residentBytes = report.resident_bytes;
}

std::string ExpertResidence::text() const {
  return fmt::format("resident experts: {} hits, {} stalls of {:.3f} ms for {} bytes; {} bytes in memory\n",
                     hits, stalls, static_cast<double>(stallNanoseconds) / 1e6, stallBytes, residentBytes);
}

nlohmann::ordered_json ExpertResidence::json() const {
  return {{"hits", hits},
          {"stalls", stalls},
          {"stall_ms", static_cast<double>(stallNanoseconds) / 1e6},
          {"stall_bytes", stallBytes},
          {"resident_bytes", residentBytes}};
}

} // namespace tamis::tools
