//===- CalibrationProof.cpp - What is proved on the tested half ------------------------------===//

#include "CalibrationProof.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>

namespace tamis::tools {

using calibration::Tested;

CalibrationKnobs VariantProof::knobsAt(const CalibrationSearch &search, size_t group, size_t step) const {
  CalibrationKnobs knobs = search.candidates[search.dense()];
  for (size_t i = 0; i < step + startsDense && i < tests[group].size(); ++i)
    if (tests[group][i].passed)
      knobs = search.candidates[tests[group][i].candidate];
  return knobs;
}

std::vector<VariantProof> certifyVariants(const CalibrationOptions &options,
                                          const std::vector<Request> &requests, const RequestSplit &split,
                                          const CalibrationSearch &search, CalibrationTrials &trials,
                                          Progress &progress) {
  calibration::Promise promise = options.promise;
  std::vector<CalibrationVariant> variants = options.variants();
  promise.delta /= static_cast<double>(split.groupCount() * variants.size());
  auto inGroup = [&](const std::vector<size_t> &half, size_t group) {
    std::vector<size_t> of;
    std::ranges::copy_if(half, std::back_inserter(of),
                         [&](size_t i) { return split.groupOf(requests[i]) == group; });
    return of;
  };
  auto certifyVariant = [&](size_t number) {
    VariantProof proof;
    proof.variant = variants[number];
    const auto &[precision, rule] = proof.variant;
    proof.startsDense = precision != options.reference();
    size_t steps = proof.startsDense; // one that keeps all tokens is a gain beside the reference
    for (size_t group = 0; group < split.groupCount(); ++group) {
      double denseCost = 0;
      for (size_t i : inGroup(split.searched, group))
        denseCost += static_cast<double>(trials.denseWork(precision, i).operations);
      std::vector<size_t> rungs = calibration::ladder(search.measured[number][group], promise, denseCost);
      if (proof.startsDense)
        rungs.insert(rungs.begin(), search.dense());
      std::vector<size_t> of = inGroup(split.tested, group);
      std::vector<double> losses;
      proof.tests.push_back(
          calibration::certify(rungs, promise, [&](size_t candidate) -> const std::vector<double> & {
            if (progress.isDue())
              progress.show(fmt::format("testing {} at {}, group {} of {}", rule, precision, group + 1,
                                        split.groupCount()));
            losses = candidate == search.dense()
                         ? trials.denseLosses(precision, of)
                         : trials.losses(proof.variant, search.candidates[candidate], of);
            return losses;
          }));
      const std::vector<Tested> &tests = proof.tests.back();
      if (proof.startsDense && !tests.front().passed)
        return proof; // no step of it can do without its dense one
      auto passed = std::ranges::count_if(tests, [](const Tested &test) { return test.passed; });
      steps = std::max(steps, static_cast<size_t>(passed) - proof.startsDense);
    }
    proof.steps = steps;
    return proof;
  };
  std::vector<VariantProof> proofs;
  for (size_t number = 0; number < variants.size(); ++number) {
    proofs.push_back(certifyVariant(number));
    if (proofs.back().steps == 0)
      trials.close(variants[number]);
  }
  return proofs;
}

size_t chooseFastest(std::vector<VariantProof> &proofs, const std::vector<Request> &requests,
                     const RequestSplit &split, const CalibrationSearch &search, CalibrationTrials &trials,
                     Progress &progress) {
  trials.endCounting();
  for (int round = 0; round < 3; ++round)
    for (VariantProof &proof : proofs)
      for (bool isDense : {true, false}) {
        if (proof.steps == 0)
          continue;
        double sum = 0;
        for (size_t i : split.tested)
          sum += trials.time(proof.variant,
                             proof.knobsAt(search, split.groupOf(requests[i]), isDense ? 0 : proof.steps), i);
        double &least = isDense ? proof.denseTime : proof.chosenTime;
        least = round == 0 ? sum : std::min(least, sum);
        if (progress.isDue())
          progress.show("measuring times");
      }
  size_t fastest = proofs.size();
  for (size_t i = 0; i < proofs.size(); ++i)
    if (proofs[i].steps > 0 &&
        (fastest == proofs.size() || proofs[i].chosenTime < proofs[fastest].chosenTime))
      fastest = i;
  return fastest;
}

} // namespace tamis::tools
