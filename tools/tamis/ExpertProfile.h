//===- ExpertProfile.h - What experts did over many requests ----------------------===//
//
// The file that `tamis profile` writes and that can be merged and inspected (docs/profiles.md). All that it
// holds are counts and sums, so that profiles of parts of the traffic add up to that of the whole.
//
//===------------------------------------------------------------------------------===//
#ifndef TAMIS_TOOLS_EXPERTPROFILE_H
#define TAMIS_TOOLS_EXPERTPROFILE_H

#include "tamis/runtime.h"

#include <array>
#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <utility>
#include <vector>

namespace tamis::tools {

/// One layer. Vectors have an element for each expert.
struct ExpertLayerProfile {
  /// Bounds of the router's margins: the chosen experts' lowest logit less the others' highest.
  static constexpr std::array marginBounds = {0.0, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0};

  std::string name; ///< the ONNX node's
  int64_t slots = 0, tokens = 0;
  std::vector<int64_t> pairs;        ///< tokens that chose the expert
  std::vector<double> weights;       ///< the sum of their weights
  std::vector<double> norms;         ///< the sum of the lengths (2-norms) of what it gave them
  std::vector<double> weightedNorms; ///< the sum of weight times length
  /// Tokens that chose both experts, the lower one first.
  std::map<std::pair<int64_t, int64_t>, int64_t> together;
  /// Tokens by margin: below the first bound, between each and the next, from the last one on. Empty where
  /// the router's logits are not known.
  std::vector<int64_t> margins;
  int64_t notFinite = 0; ///< tokens with a logit, weight or result that is NaN or infinite; not in the sums

  int64_t experts() const { return static_cast<int64_t>(pairs.size()); }
  /// The mean over its tokens of weight times length: what a token loses without the expert, by the measure
  /// of REAP (Lasby et al., 2025); 0 for an expert that none chose.
  double score(int64_t expert) const;
};

class ExpertProfile {
public:
  ExpertProfile(std::string model, std::string sourceHash)
      : model(std::move(model)), sourceHash(std::move(sourceHash)) {}
  /// Reads a file. Throws ToolError: System if it cannot be read, Refused if it is no profile.
  static ExpertProfile read(const std::string &path);

  /// Adds what a layer did in a run.
  void add(const TamisExpertObservation &observation);
  /// Adds another profile of the same model; throws ToolError(Refused) if it is of another, naming `path`.
  void merge(const ExpertProfile &other, const std::string &path);

  nlohmann::ordered_json json() const;
  /// A table a layer, and a line of it as a heat map: a character an expert.
  std::string text() const;

  std::string model, sourceHash; ///< of the ONNX file, as the artifact has them
  int64_t requests = 0;
  std::vector<ExpertLayerProfile> layers; ///< in the order of execution

private:
  ExpertLayerProfile &layer(const TamisExpertObservation &observation);
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_EXPERTPROFILE_H
