//===- Session.cpp - A model, a context, and inputs bound by name -----------------===//

#include "Session.h"

#include "ExitCode.h"

#include <fmt/format.h>
#include <iterator>
#include <unistd.h>

namespace tamis::tools {

namespace {

void log(void *, TamisLogLevel level, const char *message) {
  if (level == TAMIS_LOG_WARNING)
    fmt::print(stderr, "tamis: warning: {}\n", message);
}

TamisSignature inputSignature(const TamisModel *model, int32_t index) {
  TamisSignature signature;
  TamisError error = TAMIS_ERROR_INIT;
  check(tamis_model_input(model, index, &signature, &error), error);
  return signature;
}

std::string wantedInputs(const TamisModel *model) {
  std::string text;
  for (int32_t i = 0; i < tamis_model_input_count(model); ++i)
    text += fmt::format("{}{}", i ? ", " : "", signatureText(inputSignature(model, i)));
  return text.empty() ? "no inputs" : text;
}

} // namespace

std::string signatureText(const TamisSignature &signature) {
  std::string dims;
  for (int32_t i = 0; i < signature.rank; ++i) {
    const TamisDimension &dim = signature.dims[i];
    dims += i ? " x " : "";
    if (dim.size >= 0)
      dims += fmt::format("{}", dim.size);
    else
      dims += dim.symbol && *dim.symbol ? dim.symbol : "?";
  }
  return fmt::format("{} {}[{}]", signature.name, typeName(signature.type), dims);
}

Session::Session(const SessionOptions &sessionOptions) : options(sessionOptions) {
  TamisModelOptions modelOptions = TAMIS_MODEL_OPTIONS_INIT;
  modelOptions.isa = options.isa.empty() ? nullptr : options.isa.c_str();
  modelOptions.resident_budget = options.residentBudget;
  modelOptions.logger = log;
  TamisError error = TAMIS_ERROR_INIT;
  TamisModel *loaded = nullptr;
  check(tamis_model_load(options.artifact.c_str(), &modelOptions, &loaded, &error), error);
  model_.reset(loaded);
}

void Session::bind(TensorMap given) {
  inputs.clear();
  tensors.clear();
  auto refuse = [&](const std::string &why) {
    throw ToolError(ExitCode::Refused, fmt::format("{}; the model wants {}", why, wantedInputs(model())));
  };
  for (int32_t i = 0; i < tamis_model_input_count(model()); ++i) {
    TamisSignature signature = inputSignature(model(), i);
    auto found = given.find(signature.name);
    if (found == given.end())
      refuse(fmt::format("the input '{}' is not given", signature.name));
    Tensor &tensor = found->second;
    // NumPy has no bfloat16: its bits are also accepted as u16.
    if (signature.type == TAMIS_BF16 && tensor.type() == TAMIS_U16)
      tensor.reinterpret(TAMIS_BF16);
    if (tensor.type() != signature.type || tensor.value().rank != signature.rank)
      refuse(fmt::format("the input '{}' is {}", signature.name, shapeText(tensor.type(), tensor.dims())));
    auto moved = tensors.insert(given.extract(found));
    inputs.push_back(moved.position->second.value());
  }
  if (!given.empty())
    refuse(fmt::format("the model has no input '{}'", given.begin()->first));
}

void Session::createContext(bool profile, ExpertObserver observer, StateObserver states,
                            TokenObserver tokens) {
  TamisContextOptions contextOptions = TAMIS_CONTEXT_OPTIONS_INIT;
  contextOptions.threads = options.threads;
  contextOptions.profile = profile;
  contextOptions.expert_observer = observer.call;
  contextOptions.expert_observer_user = observer.user;
  contextOptions.state_observer = states.call;
  contextOptions.state_observer_user = states.user;
  contextOptions.token_observer = tokens.call;
  contextOptions.token_observer_user = tokens.user;
  contextOptions.logger = log;
  TamisError error = TAMIS_ERROR_INIT;
  TamisContext *created = nullptr;
  context.reset();
  check(tamis_context_create(model(), &contextOptions, &created, &error), error);
  context.reset(created);
  if (!options.step.empty())
    chooseStep();
}

void Session::chooseStep() {
  std::string names;
  for (int32_t i = 0; i < tamis_model_step_count(model()); ++i) {
    if (options.step == tamis_model_step_name(model(), i)) {
      TamisError error = TAMIS_ERROR_INIT;
      return check(tamis_context_set_step(context.get(), i, &error), error);
    }
    names += fmt::format("{}{}", i ? ", " : "; it has ", tamis_model_step_name(model(), i));
  }
  throw ToolError(ExitCode::Refused,
                  fmt::format("{}: has no step '{}'{}", options.artifact, options.step,
                              names.empty() ? "; compile it with a --policy that leaves tokens out" : names));
}

void Session::set(const std::vector<float> &settings) {
  TamisError error = TAMIS_ERROR_INIT;
  check(tamis_context_set_settings(context.get(), settings.data(), static_cast<int32_t>(settings.size()),
                                   &error),
        error);
}

void Session::watch(double shadowRate) {
  TamisMonitorOptions monitorOptions = TAMIS_MONITOR_OPTIONS_INIT;
  monitorOptions.shadow_rate = shadowRate;
  TamisError error = TAMIS_ERROR_INIT;
  TamisMonitor *created = nullptr;
  TamisStatus status = tamis_monitor_create(model(), &monitorOptions, &created, &error);
  // A model without a promise breaks the interface's rules; here it is what the user gave.
  if (status == TAMIS_ERROR_USAGE)
    throw ToolError(ExitCode::Refused, fmt::format("{}: {}", options.artifact, error.message));
  check(status, error);
  monitor_.reset(created);
}

void Session::run() {
  if (!context)
    createContext(/*profile=*/false);
  TamisError error = TAMIS_ERROR_INIT;
  auto count = static_cast<int32_t>(inputs.size());
  check(monitor_ ? tamis_monitor_run(monitor_.get(), context.get(), inputs.data(), count, nullptr, &error)
                 : tamis_run(context.get(), inputs.data(), count, nullptr, &error),
        error);
}

std::vector<NamedValue> Session::outputs() const {
  std::vector<NamedValue> result;
  TamisError error = TAMIS_ERROR_INIT;
  for (int32_t i = 0; i < tamis_model_output_count(model()); ++i) {
    TamisSignature signature;
    TamisValue value;
    check(tamis_model_output(model(), i, &signature, &error), error);
    check(tamis_context_output(context.get(), i, &value, &error), error);
    result.push_back({signature.name, value});
  }
  return result;
}

TamisReport Session::report() const {
  TamisReport report = TAMIS_REPORT_INIT;
  TamisError error = TAMIS_ERROR_INIT;
  check(tamis_context_report(context.get(), &report, &error), error);
  return report;
}

std::vector<TamisEvent> Session::events() const {
  std::vector<TamisEvent> events(static_cast<size_t>(tamis_context_events(context.get(), nullptr, 0)));
  tamis_context_events(context.get(), events.data(), static_cast<int64_t>(events.size()));
  return events;
}

std::vector<TamisExpertLayer> Session::experts() const {
  std::vector<TamisExpertLayer> layers(size_t(tamis_context_experts(context.get(), nullptr, 0)));
  tamis_context_experts(context.get(), layers.data(), int64_t(layers.size()));
  return layers;
}

std::vector<TamisTokenLayer> Session::tokens() const {
  std::vector<TamisTokenLayer> layers(size_t(tamis_context_tokens(context.get(), nullptr, 0)));
  tamis_context_tokens(context.get(), layers.data(), int64_t(layers.size()));
  return layers;
}

const TamisValue *Session::mask() const {
  const char *name = tamis_model_mask_input(model());
  auto found = tensors.find(name ? name : "attention_mask");
  return found == tensors.end() ? nullptr : &found->second.value();
}

} // namespace tamis::tools
