//===- CalibrationReport.h - What a calibration found, for people and programs ----------===//
#ifndef TAMIS_TOOLS_CALIBRATIONREPORT_H
#define TAMIS_TOOLS_CALIBRATIONREPORT_H

#include "tamis/Calibration/Certificate.h"

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

namespace tamis::tools {

/// The share of the tested half whose answer is its label: of the reference with all tokens, and of the
/// chosen step.
struct Accuracy {
  double dense, chosen;
};

/// Shares are parts of 1. A loss that is infinite is one of an answer that was no number.
struct CalibrationReport {
  /// Shares of tokens that are kept, one for each of `layers`, on the half that is searched on.
  struct Candidate {
    std::vector<double> keep;
    double rows = 0;                 // of all layers, as a share of the dense ones
    int64_t violations = 0;          // requests of the group whose loss is above eps
    double operations = 1;           // as a share of the dense ones
    std::optional<double> skip = {}; // share of a token's sum below which its experts are skipped
  };
  /// Requests of some lengths.
  struct Group {
    std::string name;     // "up to 64 tokens"
    int64_t searched = 0; // requests
    std::vector<Candidate> candidates;
    std::vector<calibration::Tested> tests; // from the safest to the fastest; of candidates by number
    /// The candidate of the chosen step; null where nothing was certified, so that all tokens are kept.
    const Candidate *chosen() const;
  };
  /// A rule, where it keeps a share of the tokens at the first of `layers` alone.
  struct Baseline {
    std::string rule;
    double keep = 1;
    double meanLoss = 0, medianLoss = 0, p95Loss = 0;
  };
  /// A request of the tested half at the chosen step.
  struct Outcome {
    std::string name;
    int64_t length = 0; // real tokens
    double loss = 0;
    std::vector<int64_t> kept; // tokens behind each of `layers`
  };
  struct Token {
    std::optional<int64_t> id;            // none for a model without input_ids
    std::string text;                     // empty where no vocabulary was given
    std::optional<int64_t> leftOutBefore; // a layer; none for a token that stays
  };
  struct WorstRequest {
    Outcome outcome;
    std::vector<Token> tokens;
  };

  std::string model, requests; // names of files
  std::string precision, loss, output, chosenStep;
  std::string reference;               // the precision of the dense answers that losses are beside
  std::vector<std::string> precisions; // that were tried; `precision` is the fastest of them
  std::string rule;                    // by which tokens are chosen; that of the policy
  bool merges = false;                 // it leaves none out, but merges them
  std::vector<std::string> rules;      // that were tried; `rule` is the fastest of them
  calibration::Promise promise{};
  size_t searched = 0, tested = 0; // requests
  uint64_t seed = 0;
  std::vector<int64_t> layers;      // in front of which tokens are left out, or in which they are merged
  std::vector<double> correlations; // of the score of each with what context does for a token
  size_t possible = 0,
         untried = 0; // candidates of all precisions and rules, and those left when the time was over
  std::optional<Accuracy> accuracy; // none where nobody said what is right
  std::vector<Group> groups;
  std::vector<Baseline> baselines;     // of the score ("linear"), of rules that know nothing, and of `rules`
  std::vector<Outcome> outcomes;       // of all requests tested
  std::vector<WorstRequest> worst;     // those of the greatest losses, the worst first
  double denseMs = 0, chosenMs = 0;    // of all requests tested, one after the other
  std::optional<double> onnxRuntimeMs; // of a request on average, as the caller measured it

  /// Requests that are counted by their loss, from one to the next bound; the last bin has its end with it.
  struct Bin {
    double from, to;
    int64_t count;
  };
  /// Of the finite losses of `outcomes`, in bins of equal width from 0 on.
  std::vector<Bin> lossHistogram() const;

  /// Requests of neighbouring lengths, about as many in each range.
  struct LengthRange {
    int64_t shortest, longest, requests;
    std::vector<double> kept; // share of the tokens that are left behind each of `layers`
  };
  std::vector<LengthRange> keptByLength() const;

  /// For each share, a sentence that says whether the score loses less than the other rules: than keeping
  /// tokens at random and at even distances, above all.
  std::vector<std::string> comparisons() const;
};

/// A test's counts and bounds, as certificates and reports have them; what was tested is for the caller to
/// add.
nlohmann::ordered_json jsonOf(const calibration::Tested &test);

/// All of a report (schema tamis.calibration.v1). A loss that is infinite becomes null.
nlohmann::ordered_json jsonOf(const CalibrationReport &report);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CALIBRATIONREPORT_H
