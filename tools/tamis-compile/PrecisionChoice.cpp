//===- PrecisionChoice.cpp - The quickest precision whose error is small enough ------------------------===//
#include "PrecisionChoice.h"

#include "ExitCode.h"
#include "Trial.h"

#include <filesystem>
#include <fmt/format.h>
#include <limits>
#include <memory>

namespace tamis::tools {

namespace {

void refuseCombinations(const CompileOptions &options) {
  if (options.inputs.empty() && options.maxError)
    throw ToolError(ExitCode::Usage, "--max-error is measured on inputs: give them with --inputs FILE.npz");
  if (options.precision == "auto" && !options.inputs.empty() && !options.maxError)
    throw ToolError(ExitCode::Usage,
                    "--precision=auto with --inputs needs --max-error E, the largest difference "
                    "from f32 that an element of an output may have");
}

} // namespace

Setting choosePrecision(const CompileOptions &options) {
  refuseCombinations(options);
  bool isAuto = options.precision == "auto";
  if (options.inputs.empty())
    return {isAuto ? "f32" : options.precision, {}};
  double bound = options.maxError.value_or(std::numeric_limits<double>::infinity());

  readNpz(options.inputs); // a file that cannot be read is refused before anything is compiled
  TemporaryFolder folder("trial");
  CompileOptions plain = options;
  // What a policy leaves out counts as an error, too.
  plain.layerPrecisions.clear();
  plain.profile.clear();
  plain.policy.clear();
  plain.experts = {};
  Trial reference(plain, "f32", folder);
  std::vector<std::string> candidates{options.precision};
  if (isAuto)
    candidates = {"f32", "split-f32", "bf16", "int8", "int4"};
  Setting best;
  double leastTime = std::numeric_limits<double>::infinity(), leastError = leastTime;
  for (const std::string &precision : candidates) {
    bool isReference = precision == "f32" && options.layerPrecisions.empty() && options.policy.empty();
    std::unique_ptr<Trial> own = isReference ? nullptr : std::make_unique<Trial>(options, precision, folder);
    Trial &trial = isReference ? reference : *own;
    double error = isReference ? 0 : trial.errorAgainst(reference);
    leastError = std::min(leastError, error);
    if (!(error <= bound))
      continue;
    double time = candidates.size() > 1 ? trial.milliseconds() : 0;
    if (time >= leastTime)
      continue;
    leastTime = time;
    best.precision = precision;
    best.measured =
        MeasuredError{error, options.maxError.value_or(-1), trial.isa(),
                      std::filesystem::path(options.inputs).filename().string(), hashFile(options.inputs)};
  }
  if (best.precision.empty())
    throw ToolError(
        ExitCode::Refused,
        fmt::format(
            "outputs at {} differ by {:.3g} from those at f32 on '{}', and --max-error allows {:.3g}; "
            "allow more, or {}",
            isAuto ? "every precision" : options.precision, leastError, options.inputs, bound,
            isAuto ? "give fewer layers a precision of their own"
                   : "take --precision=auto, or a finer one of f32, split-f32 and bf16"));
  return best;
}

} // namespace tamis::tools
