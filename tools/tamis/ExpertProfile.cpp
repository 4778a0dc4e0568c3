//===- ExpertProfile.cpp - What experts did over many requests --------------------===//
#include "ExpertProfile.h"

#include "ExitCode.h"
#include "File.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

namespace tamis::tools {

using Json = nlohmann::ordered_json;
static constexpr const char *schemaName = "tamis.profile.v1";
/// No traffic has more of anything; sums of them over all experts fit 64 bits.
static constexpr int64_t largestCount = int64_t(1) << 40;

double ExpertLayerProfile::score(int64_t expert) const {
  auto e = static_cast<size_t>(expert);
  return pairs[e] ? weightedNorms[e] / static_cast<double>(pairs[e]) : 0;
}

ExpertLayerProfile &ExpertProfile::layer(const TamisExpertObservation &observation) {
  auto experts = static_cast<size_t>(observation.experts);
  for (ExpertLayerProfile &known : layers)
    if (known.name == observation.name && known.pairs.size() == experts && known.slots == observation.slots &&
        known.margins.empty() == !observation.logits)
      return known;
  ExpertLayerProfile fresh;
  fresh.name = observation.name;
  fresh.slots = observation.slots;
  fresh.pairs.resize(experts);
  for (std::vector<double> *sums : {&fresh.weights, &fresh.norms, &fresh.weightedNorms})
    sums->resize(experts);
  if (observation.logits)
    fresh.margins.resize(ExpertLayerProfile::marginBounds.size() + 1);
  return layers.emplace_back(std::move(fresh));
}

static double lengthOf(const float *row, int64_t columns) {
  double sum = 0;
  for (int64_t i = 0; i < columns; ++i)
    sum += static_cast<double>(row[i]) * row[i];
  return std::sqrt(sum);
}

/// The lowest logit of the chosen experts less the highest of the others; infinity when all are chosen.
static double marginOf(const float *logits, int64_t experts, const int64_t *chosen, int64_t slots) {
  double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;
  for (int64_t e = 0; e < experts; ++e) {
    if (std::find(chosen, chosen + slots, e) != chosen + slots)
      lowest = std::min<double>(lowest, logits[e]);
    else
      highest = std::max<double>(highest, logits[e]);
  }
  return lowest - highest;
}

void ExpertProfile::add(const TamisExpertObservation &observation) {
  ExpertLayerProfile &to = layer(observation);
  const int64_t slots = observation.slots, columns = observation.columns;
  for (int64_t token = 0; token < observation.tokens; ++token) {
    const int64_t *chosen = observation.indices + token * slots;
    const float *weights = observation.weights + token * slots;
    const float *rows = observation.outputs + token * slots * columns;
    const float *logits = observation.logits ? observation.logits + token * observation.experts : nullptr;
    std::vector<double> lengths;
    bool finite = true;
    for (int64_t slot = 0; slot < slots; ++slot) {
      lengths.push_back(lengthOf(rows + slot * columns, columns));
      finite &= std::isfinite(lengths.back()) && std::isfinite(weights[slot]);
    }
    for (int64_t e = 0; logits && e < observation.experts; ++e)
      finite &= std::isfinite(logits[e]);
    ++to.tokens;
    if (!finite) {
      ++to.notFinite;
      continue;
    }
    for (int64_t slot = 0; slot < slots; ++slot) {
      auto e = static_cast<size_t>(chosen[slot]);
      ++to.pairs[e];
      to.weights[e] += weights[slot];
      to.norms[e] += lengths[static_cast<size_t>(slot)];
      to.weightedNorms[e] += std::abs(weights[slot]) * lengths[static_cast<size_t>(slot)];
      for (int64_t other = 0; other < slot; ++other)
        if (chosen[slot] != chosen[other])
          ++to.together[std::minmax(chosen[slot], chosen[other])];
    }
    if (logits) {
      double margin = marginOf(logits, observation.experts, chosen, slots);
      const auto &bounds = ExpertLayerProfile::marginBounds;
      ++to.margins[static_cast<size_t>(std::upper_bound(bounds.begin(), bounds.end(), margin) -
                                       bounds.begin())];
    }
  }
}

void ExpertProfile::merge(const ExpertProfile &other, const std::string &path) {
  auto refuse = [&](const std::string &why) {
    throw ToolError(ExitCode::Refused, fmt::format("{}: {}; profile the same ONNX file", path, why));
  };
  if (other.sourceHash != sourceHash)
    refuse(fmt::format("is a profile of {} with the hash {}, not of {} with {}", other.model,
                       other.sourceHash, model, sourceHash));
  requests += other.requests;
  for (const ExpertLayerProfile &from : other.layers) {
    auto found = std::find_if(layers.begin(), layers.end(), [&](const ExpertLayerProfile &known) {
      return known.name == from.name && known.slots == from.slots &&
             known.pairs.size() == from.pairs.size() && known.margins.size() == from.margins.size();
    });
    if (found == layers.end()) {
      layers.push_back(from);
      continue;
    }
    auto add = [](auto &to, const auto &more) {
      std::transform(to.begin(), to.end(), more.begin(), to.begin(), std::plus<>());
    };
    found->tokens += from.tokens;
    found->notFinite += from.notFinite;
    add(found->pairs, from.pairs);
    add(found->weights, from.weights);
    add(found->norms, from.norms);
    add(found->weightedNorms, from.weightedNorms);
    add(found->margins, from.margins);
    for (auto [both, tokens] : from.together)
      found->together[both] += tokens;
  }
}

Json ExpertProfile::json() const {
  Json list = Json::array();
  for (const ExpertLayerProfile &layer : layers) {
    Json together = Json::array();
    for (auto [both, tokens] : layer.together)
      together.push_back({both.first, both.second, tokens});
    Json entry = {{"name", layer.name},
                  {"experts", layer.experts()},
                  {"slots", layer.slots},
                  {"tokens", layer.tokens},
                  {"not_finite", layer.notFinite},
                  {"pairs", layer.pairs},
                  {"weight_sum", layer.weights},
                  {"norm_sum", layer.norms},
                  {"weighted_norm_sum", layer.weightedNorms},
                  {"together", together}};
    if (!layer.margins.empty()) {
      entry["margin_bounds"] = ExpertLayerProfile::marginBounds;
      entry["margin_tokens"] = layer.margins;
    }
    list.push_back(entry);
  }
  return {{"schema", schemaName},
          {"model", {{"name", model}, {"source_hash", sourceHash}}},
          {"requests", requests},
          {"layers", list}};
}

/// What a profile must be, beyond its types.
static std::string faultOf(const ExpertLayerProfile &layer, int64_t experts, const Json &bounds) {
  auto count = static_cast<size_t>(experts);
  auto isCount = [](int64_t number) { return number >= 0 && number <= largestCount; };
  if (experts < 1 || layer.slots < 1 || layer.slots > experts || !isCount(layer.tokens) ||
      !isCount(layer.notFinite) || layer.notFinite > layer.tokens ||
      !std::all_of(layer.pairs.begin(), layer.pairs.end(), isCount) ||
      !std::all_of(layer.margins.begin(), layer.margins.end(), isCount))
    return "has counts that cannot be";
  if (layer.pairs.size() != count || layer.weights.size() != count || layer.norms.size() != count ||
      layer.weightedNorms.size() != count)
    return "has lists that are not of its number of experts";
  if (std::accumulate(layer.pairs.begin(), layer.pairs.end(), int64_t(0)) !=
      (layer.tokens - layer.notFinite) * layer.slots)
    return "has another number of pairs than its tokens make";
  for (const std::vector<double> *sums : {&layer.weights, &layer.norms, &layer.weightedNorms})
    if (!std::all_of(sums->begin(), sums->end(), [](double sum) { return std::isfinite(sum); }))
      return "has a sum that is no number";
  for (auto [both, tokens] : layer.together)
    if (both.first < 0 || both.first >= both.second || both.second >= experts || !isCount(tokens))
      return "has experts together that it does not have";
  if (!layer.margins.empty() && bounds != Json(ExpertLayerProfile::marginBounds))
    return "has margins by other bounds than those of this version";
  if (!layer.margins.empty() && layer.margins.size() != ExpertLayerProfile::marginBounds.size() + 1)
    return "has margins that are not one more than their bounds";
  return "";
}

ExpertProfile ExpertProfile::read(const std::string &path) {
  std::vector<std::byte> bytes = readFile(path);
  auto refuse = [&](const std::string &why) {
    return ToolError(ExitCode::Refused, fmt::format("{}: {}; make it with 'tamis profile'", path, why));
  };
  const char *begin = reinterpret_cast<const char *>(bytes.data());
  Json json = Json::parse(begin, begin + bytes.size(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || json.value("schema", Json()) != schemaName)
    throw refuse(fmt::format("is no profile of the schema {}", schemaName));
  try {
    ExpertProfile profile(json.at("model").at("name"), json.at("model").at("source_hash"));
    profile.requests = json.at("requests");
    if (profile.requests < 0 || profile.requests > largestCount)
      throw refuse("has a number of requests that cannot be");
    for (const Json &entry : json.at("layers")) {
      ExpertLayerProfile layer;
      layer.name = entry.at("name");
      layer.slots = entry.at("slots");
      layer.tokens = entry.at("tokens");
      layer.notFinite = entry.at("not_finite");
      entry.at("pairs").get_to(layer.pairs);
      entry.at("weight_sum").get_to(layer.weights);
      entry.at("norm_sum").get_to(layer.norms);
      entry.at("weighted_norm_sum").get_to(layer.weightedNorms);
      for (const Json &both : entry.at("together"))
        layer.together[{both.at(0), both.at(1)}] += both.at(2).get<int64_t>();
      if (entry.contains("margin_tokens"))
        entry.at("margin_tokens").get_to(layer.margins);
      if (std::string fault = faultOf(layer, entry.at("experts"), entry.value("margin_bounds", Json()));
          !fault.empty())
        throw refuse(fmt::format("the layer '{}' {}", layer.name, fault));
      profile.layers.push_back(std::move(layer));
    }
    return profile;
  } catch (const Json::exception &error) {
    throw refuse(fmt::format("is damaged ({})", error.what()));
  }
}

/// A character an expert, from ' ' for one that nobody chose to '@' for the busiest.
static std::string heatLine(const ExpertLayerProfile &layer) {
  static constexpr std::string_view shades = " .:-=+*#%@";
  int64_t most = std::max<int64_t>(1, *std::max_element(layer.pairs.begin(), layer.pairs.end()));
  std::string line;
  for (int64_t pairs : layer.pairs) {
    double share = static_cast<double>(pairs) / static_cast<double>(most);
    line += shades[static_cast<size_t>(std::ceil(share * static_cast<double>(shades.size() - 1)))];
  }
  return line;
}

/// "0.012 (3 0.4%)": the share of tokens whose margin is below the bound.
static std::string marginText(const ExpertLayerProfile &layer) {
  int64_t below = 0, all = std::accumulate(layer.margins.begin(), layer.margins.end(), int64_t(0));
  for (size_t i = 0; i < layer.margins.size(); ++i) {
    below += layer.margins[i];
    if (2 * below >= all && all > 0)
      return i < ExpertLayerProfile::marginBounds.size()
                 ? fmt::format("half of the tokens have a router margin below {}",
                               ExpertLayerProfile::marginBounds[i])
                 : fmt::format("half of the tokens have a router margin of {} or more",
                               ExpertLayerProfile::marginBounds.back());
  }
  return "the router's margins are not known";
}

std::string ExpertProfile::text() const {
  std::string text = fmt::format("profile of {} (hash {}): {} requests, {} layers of experts\n", model,
                                 sourceHash, requests, layers.size());
  for (const ExpertLayerProfile &layer : layers) {
    std::vector<int64_t> order(static_cast<size_t>(layer.experts()));
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
      int64_t ofA = layer.pairs[static_cast<size_t>(a)], ofB = layer.pairs[static_cast<size_t>(b)];
      return ofA != ofB ? ofA > ofB : a < b;
    });
    int64_t all = std::accumulate(layer.pairs.begin(), layer.pairs.end(), int64_t(0));
    int64_t unused = std::count(layer.pairs.begin(), layer.pairs.end(), 0);
    text +=
        fmt::format("\n{}: {} tokens to {} of {} experts each, {} never chosen; {}\n  |{}|\n", layer.name,
                    layer.tokens, layer.slots, layer.experts(), unused, marginText(layer), heatLine(layer));
    if (layer.notFinite)
      text += fmt::format("  {} tokens with NaN or infinity are left out\n", layer.notFinite);
    text += "  expert   pairs   share  mean weight  mean length  score\n";
    constexpr size_t shown = 8;
    for (size_t i = 0; i < std::min(order.size(), shown); ++i) {
      auto e = static_cast<size_t>(order[i]);
      double pairs = static_cast<double>(std::max<int64_t>(1, layer.pairs[e]));
      text += fmt::format("  {:6} {:7} {:6.1f}% {:12.4f} {:12.4g} {:6.4g}\n", order[i], layer.pairs[e],
                          100 * static_cast<double>(layer.pairs[e]) /
                              static_cast<double>(std::max<int64_t>(1, all)),
                          layer.weights[e] / pairs, layer.norms[e] / pairs, layer.score(order[i]));
    }
    if (order.size() > shown)
      text += fmt::format("  ... and {} less busy ones\n", order.size() - shown);
  }
  return text;
}

} // namespace tamis::tools
