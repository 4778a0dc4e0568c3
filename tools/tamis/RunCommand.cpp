//===- RunCommand.cpp - tamis run: run a model once ----------------------------------===//

#include "Commands.h"
#include "Compare.h"
#include "ExpertReport.h"
#include "InputOptions.h"
#include "PeakMemory.h"

#include "artifact_generated.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <memory>

namespace tamis::tools {

namespace {

struct RunOptions {
  SessionOptions session;
  InputOptions inputs;
  std::string outputs;
  std::string expected;
  // Those of the acceptance corpus.
  Tolerance tolerance{1e-3, 1e-4};
  bool report = false;
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

/// Compares all outputs that `expected` names and prints a line for each; true if all agree.
bool compareAll(const std::vector<NamedValue> &outputs, TensorMap &expected, const TamisValue *mask,
                Tolerance tolerance) {
  bool agree = true;
  for (auto &[name, tensor] : expected) {
    auto found = std::ranges::find(outputs, name, &NamedValue::name);
    if (found == outputs.end()) {
      fmt::print("{}: differs: the model has no such output\n", name);
      agree = false;
      continue;
    }
    if (found->value.type == TAMIS_BF16 && tensor.type() == TAMIS_U16)
      tensor.reinterpret(TAMIS_BF16);
    Comparison result = compare(found->value, tensor.value(), mask, tolerance);
    agree &= !result.differs();
    if (!result.reason.empty()) {
      fmt::print("{}: differs: {}\n", name, result.reason);
      continue;
    }
    std::string verdict = result.differing
                              ? fmt::format("differs in {} of {} elements", result.differing, result.compared)
                              : fmt::format("agrees in {} elements", result.compared);
    std::string padding =
        result.paddingRows ? fmt::format("; {} padding rows left out", result.paddingRows) : "";
    fmt::print("{}: {}; largest difference {:.3g} absolute, {:.3g} relative{}\n", name, verdict,
               result.maxAbsolute, result.maxRelative, padding);
  }
  return agree;
}

void printReport(const Session &session, bool hasBudget) {
  TamisReport report = session.report();
  fmt::print("tokens in: {}\n", report.tokens_in);
  fmt::print("tokens computed: {}\n", report.tokens_computed);
  if (report.tokens_in > report.tokens_computed)
    fmt::print("padding removed: {} ({:.1f}%)\n", report.tokens_in - report.tokens_computed,
               100.0 * static_cast<double>(report.tokens_in - report.tokens_computed) /
                   static_cast<double>(report.tokens_in));
  if (int32_t count = tamis_model_step_count(session.model())) {
    int32_t step = tamis_context_step(session.handle());
    fmt::print("step: {} ({} of {})\n", tamis_model_step_name(session.model(), step), step + 1, count);
  }
  for (const TamisTokenLayer &layer : session.tokens())
    fmt::print("tokens at {}: {} of {} go on\n", layer.name, layer.kept, layer.rows);
  fmt::print("{}", expertsText(session.experts()));
  if (hasBudget) {
    ExpertResidence residence;
    residence.add(report);
    fmt::print("{}", residence.text());
  }
  fmt::print("arena: {} bytes reserved, {} at most in use\n", report.arena_bytes, report.arena_peak_bytes);
  fmt::print("memory: {} bytes resident at most\n", peakMemory());
  fmt::print("threads: {}\n", report.threads);
  fmt::print("ISA level: {}\n", tamis_model_isa(session.model()));
  size_t bytes = 0;
  const schema::Artifact *header = schema::GetArtifact(tamis_model_header(session.model(), &bytes));
  for (const schema::Remark *remark : *header->remarks())
    fmt::print("{}: {}\n", remark->pass()->string_view(), remark->text()->string_view());
}

ExitCode run(const RunOptions &options) {
  // Everything that can be refused is read before the model runs.
  Session session(options.session);
  session.bind(readInputs(options.inputs));
  TensorMap expected;
  if (!options.expected.empty())
    expected = readNpz(options.expected);

  session.run();
  std::vector<NamedValue> outputs = session.outputs();
  if (!options.outputs.empty())
    writeNpz(options.outputs, outputs);
  else if (options.expected.empty())
    for (const NamedValue &output : outputs)
      printSummary(output);
  bool agree = compareAll(outputs, expected, session.mask(), options.tolerance);
  if (options.report)
    printReport(session, options.session.residentBudget != 0);
  return agree ? ExitCode::Done : ExitCode::Differs;
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
  command->add_flag(
      "--report", options->report,
      "Print the tokens computed, what each layer of experts did, memory, threads, ISA level, and what the "
      "passes remark");
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
      {"Keep half a gibibyte of its experts in memory, and say how often that was too little",
       "tamis run moe.tamis --inputs batch.npz --resident-budget 512MiB --report"},
      {"Use one thread and the code for AVX2", "tamis run model.tamis --inputs batch.npz --threads 1 --isa "
                                               "x86-64-v3"},
  }));
  command->callback([options, &exit] { exit = run(*options); });
}

} // namespace tamis::tools
