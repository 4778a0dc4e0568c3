//===- CalibrationState.cpp - What a search has seen, for another call to go on ----------------===//

#include "CalibrationState.h"

#include "ExitCode.h"
#include "File.h"
#include "runtime/src/Hash.h"

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace tamis::tools {

using Json = nlohmann::ordered_json;

namespace {

constexpr const char *kSchema = "tamis.calibration-state.v1";

/// Of all but the hash itself.
std::string hashOf(const Json &state) {
  Json known = state;
  known.erase("hash");
  std::string text = known.dump();
  return fmt::format("{:016x}", Hash::of(text.data(), text.size()));
}

Json jsonOf(const CalibrationFit &fit) {
  Json sieves = Json::array();
  for (const calibration::Sieve &sieve : fit.sieves)
    sieves.push_back({{"weights", sieve.weights}, {"correlation", sieve.correlation}});
  Json maps = Json::array();
  for (const calibration::RestoreMap &map : fit.maps)
    maps.push_back({{"weights", map.weights}, {"bias", map.bias}, {"unexplained", map.unexplained}});
  return {{"layers", fit.layerCount}, {"sieves", sieves}, {"maps", maps}};
}

CalibrationFit fitOf(const Json &json) {
  CalibrationFit fit;
  fit.layerCount = json.at("layers");
  for (const Json &sieve : json.at("sieves"))
    fit.sieves.push_back({sieve.at("weights"), sieve.at("correlation")});
  for (const Json &map : json.at("maps"))
    fit.maps.push_back({map.at("weights"), map.at("bias"), map.at("unexplained")});
  return fit;
}

/// JSON has no infinity: null stands for it.
Json jsonOf(const Trial &trial) {
  Json losses = Json::array();
  for (double loss : trial.losses)
    losses.push_back(std::isfinite(loss) ? Json(loss) : Json());
  Json rows = Json::array(), operations = Json::array();
  for (const CalibrationWork &work : trial.work) {
    rows.push_back(work.rows);
    operations.push_back(work.operations);
  }
  return {{"losses", losses}, {"rows", rows}, {"operations", operations}};
}

Trial trialOf(const Json &json) {
  Trial trial;
  for (const Json &loss : json.at("losses"))
    trial.losses.push_back(loss.is_null() ? std::numeric_limits<double>::infinity() : loss.get<double>());
  auto rows = json.at("rows").get<std::vector<int64_t>>(),
       operations = json.at("operations").get<std::vector<int64_t>>();
  for (size_t i = 0; i < rows.size(); ++i)
    trial.work.push_back({rows[i], operations.at(i)});
  return trial;
}

} // namespace

CalibrationState::CalibrationState(std::string path, std::string key)
    : path(std::move(path)), key(std::move(key)) {
  std::error_code error;
  if (!std::filesystem::exists(this->path, error))
    return;
  std::vector<std::byte> bytes = readFile(this->path);
  read({reinterpret_cast<const char *>(bytes.data()), bytes.size()});
}

void CalibrationState::read(const std::string &text) {
  Json state = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  auto textOf = [&](const char *name) {
    return state.contains(name) && state[name].is_string() ? state[name].get<std::string>() : "";
  };
  if (!state.is_object() || textOf("schema") != kSchema)
    throw ToolError(ExitCode::Refused,
                    fmt::format("{}: is no state of a calibration, which goes there while one lasts; move it "
                                "away or choose another --output",
                                path));
  auto note = [&](const std::string &what) { fmt::print(stderr, "tamis: note: {}: {}\n", path, what); };
  const char *damaged = "was changed or damaged; the calibration starts again";
  if (textOf("hash") != hashOf(state))
    return note(damaged);
  if (textOf("key") != key)
    return note("is of another model, requests or options; the calibration starts again");
  // All of it or nothing.
  std::optional<CalibrationFit> known;
  std::map<std::pair<size_t, size_t>, Trial> tried;
  try {
    if (state.contains("fit"))
      known = fitOf(state["fit"]);
    for (const Json &trial : state.at("trials"))
      tried[{trial.at("variant").get<size_t>(), trial.at("candidate").get<size_t>()}] = trialOf(trial);
  } catch (const Json::exception &) {
    return note(damaged);
  }
  fitted = std::move(known);
  trials = std::move(tried);
  note(fmt::format("the calibration goes on behind {} candidates that were tried", trials.size()));
}

void CalibrationState::setFit(const CalibrationFit &fit) {
  fitted = fit;
  write();
}

const Trial *CalibrationState::find(size_t variant, size_t candidate) const {
  auto found = trials.find({variant, candidate});
  return found == trials.end() ? nullptr : &found->second;
}

void CalibrationState::add(size_t variant, size_t candidate, Trial trial) {
  trials[{variant, candidate}] = std::move(trial);
  write();
}

void CalibrationState::write() const {
  Json state = {{"schema", kSchema}, {"key", key}};
  if (fitted)
    state["fit"] = jsonOf(*fitted);
  state["trials"] = Json::array();
  for (const auto &[numbers, trial] : trials) {
    Json json = {{"variant", numbers.first}, {"candidate", numbers.second}};
    json.update(jsonOf(trial));
    state["trials"].push_back(std::move(json));
  }
  state["hash"] = hashOf(state);
  AtomicFile file(path);
  file.write(state.dump());
  file.commit();
}

void CalibrationState::remove(const std::string &path) {
  std::error_code error;
  std::filesystem::remove(path, error);
  if (error)
    throw ToolError(ExitCode::System, fmt::format("cannot remove '{}': {}", path, error.message()));
}

} // namespace tamis::tools
