//===- RunCommand.cpp - tamis run: run a model once ----------------------------------===//

#include "Commands.h"
#include "Compare.h"
#include "InputOptions.h"
#include "RunReport.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

namespace tamis::tools {

namespace {

struct RunOptions {
  SessionOptions session;
  InputOptions inputs;
  std::string outputs;
  std::string expected;
  // Those of the acceptance corpus.
  Tolerance tolerance{1e-3, 1e-4};
  bool monitor = false;
  double shadowRate = 0.01;
  bool report = false;
  bool json = false;
};

std::string elementText(const TamisValue &value, int64_t index) {
  if (value.type == TAMIS_I64)
    return fmt::format("{}", static_cast<const int64_t *>(value.data)[index]);
  if (value.type == TAMIS_U64)
    return fmt::format("{}", static_cast<const uint64_t *>(value.data)[index]);
  return fmt::format("{:.6g}", elementAsDouble(value.type, value.data, index));
}

/// One line: name, shape, type, and the first elements.
void printSummary(const NamedValue &output) {
  constexpr int64_t shown = 8;
  const TamisValue &value = output.value;
  int64_t count = elementCount(dimsOf(value)).value_or(0);
  std::string elements;
  for (int64_t i = 0; i < std::min(count, shown); ++i)
    elements += (i ? " " : "") + elementText(value, i);
  fmt::print("{}: {} = [{}{}]\n", output.name, shapeText(value.type, dimsOf(value)), elements,
             count > shown ? " ..." : "");
}

/// A tensor that was expected, beside the output of its name.
struct NamedComparison {
  std::string name;
  Comparison result;
};

/// Compares all outputs that `expected` names.
std::vector<NamedComparison> compareAll(const std::vector<NamedValue> &outputs, TensorMap &expected,
                                        const TamisValue *mask, Tolerance tolerance) {
  std::vector<NamedComparison> all;
  for (auto &[name, tensor] : expected) {
    auto found = std::ranges::find(outputs, name, &NamedValue::name);
    if (found == outputs.end()) {
      all.push_back({name, {}});
      all.back().result.reason = "the model has no such output";
      continue;
    }
    if (found->value.type == TAMIS_BF16 && tensor.type() == TAMIS_U16)
      tensor.reinterpret(TAMIS_BF16);
    all.push_back({name, compare(found->value, tensor.value(), mask, tolerance)});
  }
  return all;
}

void printComparison(const NamedComparison &compared) {
  const Comparison &result = compared.result;
  if (!result.reason.empty()) {
    fmt::print("{}: differs: {}\n", compared.name, result.reason);
    return;
  }
  std::string verdict = result.differing
                            ? fmt::format("differs in {} of {} elements", result.differing, result.compared)
                            : fmt::format("agrees in {} elements", result.compared);
  std::string padding =
      result.paddingRows ? fmt::format("; {} padding rows left out", result.paddingRows) : "";
  fmt::print("{}: {}; largest difference {:.3g} absolute, {:.3g} relative{}\n", compared.name, verdict,
             result.maxAbsolute, result.maxRelative, padding);
}

void printJson(const RunOptions &options, const Session &session, const std::vector<NamedValue> &outputs,
               const std::vector<NamedComparison> &compared) {
  nlohmann::ordered_json json = {
      {"schema", "tamis.run.v1"}, {"version", tamis_version()}, {"model", options.session.artifact}};
  for (const char *list : {"outputs", "compared"})
    json[list] = nlohmann::ordered_json::array();
  for (const NamedValue &output : outputs) {
    std::span<const int64_t> dims = dimsOf(output.value);
    json["outputs"].push_back({{"name", output.name},
                               {"type", typeName(output.value.type)},
                               {"dims", std::vector<int64_t>(dims.begin(), dims.end())}});
  }
  for (const auto &[name, result] : compared)
    json["compared"].push_back({{"name", name},
                                {"differs", result.differs()},
                                {"reason", result.reason},
                                {"elements", result.compared},
                                {"differing", result.differing},
                                {"padding_rows", result.paddingRows},
                                {"max_absolute", result.maxAbsolute},
                                {"max_relative", result.maxRelative}});
  if (options.report)
    json["report"] = reportJson(session, options.session.residentBudget != 0);
  // A file name or a node's name need not be UTF-8.
  fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

ExitCode run(const RunOptions &options) {
  // Everything that can be refused is read before the model runs.
  Session session(options.session);
  session.bind(readInputs(options.inputs));
  TensorMap expected;
  if (!options.expected.empty())
    expected = readNpz(options.expected);
  if (options.monitor)
    session.watch(options.shadowRate);

  session.run();
  std::vector<NamedValue> outputs = session.outputs();
  if (!options.outputs.empty())
    writeNpz(options.outputs, outputs);
  std::vector<NamedComparison> compared = compareAll(outputs, expected, session.mask(), options.tolerance);
  if (options.json) {
    printJson(options, session, outputs, compared);
  } else {
    if (options.outputs.empty() && options.expected.empty())
      for (const NamedValue &output : outputs)
        printSummary(output);
    for (const NamedComparison &one : compared)
      printComparison(one);
    if (options.report)
      fmt::print("{}", reportText(session, options.session.residentBudget != 0));
  }
  bool differs =
      std::ranges::any_of(compared, [](const NamedComparison &one) { return one.result.differs(); });
  return differs ? ExitCode::Differs : ExitCode::Done;
}

} // namespace

void addRunCommand(CLI::App &driver, ExitCode &exit) {
  CLI::App *command = driver.add_subcommand("run", "Run a compiled model once");
  auto options = std::make_shared<RunOptions>();
  addSessionOptions(*command, options->session, options->inputs);
  command
      ->add_option(
          "--outputs", options->outputs,
          "Write the outputs by name to an npz file; without it and --expected, a summary is printed")
      ->type_name("FILE");
  CLI::Option *expected =
      command
          ->add_option("--expected", options->expected,
                       "Compare with the outputs in an npz file, by name, rows of padding aside; exit with 1 "
                       "if they differ")
          ->type_name("FILE");
  CLI::Validator positive = numberWithin(0, std::numeric_limits<double>::max());
  command->add_option("--rtol", options->tolerance.relative, "Tolerance relative to the expected value")
      ->type_name("R")
      ->check(positive)
      ->needs(expected)
      ->capture_default_str();
  command->add_option("--atol", options->tolerance.absolute, "Absolute tolerance")
      ->type_name("A")
      ->check(positive)
      ->needs(expected)
      ->capture_default_str();
  CLI::Option *monitor =
      command
          ->add_flag("--monitor", options->monitor,
                     "Run under a monitor of what the artifact's policy promised; --report shows its state")
          ->excludes(command->get_option("--step"));
  command
      ->add_option("--shadow-rate", options->shadowRate,
                   "The share of runs that the monitor also runs densely; 1: this one")
      ->type_name("R")
      ->check(numberWithin(0, 1))
      ->needs(monitor)
      ->capture_default_str();
  command->add_flag(
      "--report", options->report,
      "Print the tokens computed, what each layer of experts did, memory, threads, ISA level, and what the "
      "passes remark");
  command->add_flag("--json", options->json, "Print one JSON object (schema tamis.run.v1) instead of lines");
  command->footer(examples({
      {"Print a summary of the outputs", "tamis run model.tamis --inputs batch.npz"},
      {"Give inputs one by one",
       "tamis run model.tamis --input ids=@ids.npy --input 'mask=2x3xi64=[[1 1 1][1 0 0]]'"},
      {"Keep the outputs, and say what was computed",
       "tamis run model.tamis --inputs batch.npz --outputs out.npz --report"},
      {"Compare with the outputs of another runtime",
       "tamis run model.tamis --inputs batch.npz --expected want.npz --rtol 1e-3 --atol 2e-5"},
      {"Leave no tokens out, whatever its policy chose",
       "tamis run model.tamis --inputs batch.npz --step dense"},
      {"See whether its policy keeps what it promised on this batch, for a script",
       "tamis run model.tamis --inputs batch.npz --monitor --shadow-rate 1 --report --json"},
      {"Keep half a gibibyte of its experts in memory, and say how often that was too little",
       "tamis run moe.tamis --inputs batch.npz --resident-budget 512MiB --report"},
      {"Use one thread and the code for AVX2", "tamis run model.tamis --inputs batch.npz --threads 1 --isa "
                                               "x86-64-v3"},
  }));
  command->callback([options, &exit] { exit = run(*options); });
}

} // namespace tamis::tools
