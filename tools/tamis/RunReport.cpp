//===- RunReport.cpp - What a run did beside its outputs ---------------------------------===//

#include "RunReport.h"

#include "ExitCode.h"
#include "ExpertReport.h"
#include "PeakMemory.h"

#include "artifact_generated.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tamis::tools {

using Json = nlohmann::ordered_json;

static const schema::Artifact *headerOf(const Session &session) {
  size_t bytes = 0;
  return schema::GetArtifact(tamis_model_header(session.model(), &bytes));
}

static std::string monitorText(TamisMonitor *monitor) {
  TamisMonitorState state = TAMIS_MONITOR_STATE_INIT;
  TamisError error = TAMIS_ERROR_INIT;
  check(tamis_monitor_state(monitor, &state, &error), error);
  return fmt::format(
      "monitor: step {} in force after {} alarms and {} ascents\n"
      "monitor: {} of {} runs were also run densely; {} samples, {} violations, {} clean in a row\n"
      "monitor: wealth of the test {:.4g}, last loss {:.4g}, greatest {:.4g}\n",
      state.step_name, state.alarms, state.ascents, state.shadow_runs, state.runs, state.samples,
      state.violations, state.clean_samples, state.wealth, state.last_loss, state.greatest_loss);
}

static Json monitorJson(TamisMonitor *monitor) {
  std::string text(static_cast<size_t>(tamis_monitor_text(monitor, TAMIS_TEXT_JSON, nullptr, 0)), '\0');
  tamis_monitor_text(monitor, TAMIS_TEXT_JSON, text.data(), text.size() + 1);
  return Json::parse(text);
}

std::string reportText(const Session &session, bool hasBudget) {
  TamisReport report = session.report();
  std::string text =
      fmt::format("tokens in: {}\ntokens computed: {}\n", report.tokens_in, report.tokens_computed);
  if (report.tokens_in > report.tokens_computed)
    text += fmt::format("padding removed: {} ({:.1f}%)\n", report.tokens_in - report.tokens_computed,
                        100.0 * static_cast<double>(report.tokens_in - report.tokens_computed) /
                            static_cast<double>(report.tokens_in));
  if (int32_t count = tamis_model_step_count(session.model())) {
    int32_t step = tamis_context_step(session.handle());
    text +=
        fmt::format("step: {} ({} of {})\n", tamis_model_step_name(session.model(), step), step + 1, count);
  }
  for (const TamisTokenLayer &layer : session.tokens())
    text += fmt::format("tokens at {}: {} of {} go on\n", layer.name, layer.kept, layer.rows);
  if (report.cache_rows)
    text += fmt::format("rows of caches read: {} of {}\n", report.cache_rows_read, report.cache_rows);
  if (session.monitor())
    text += monitorText(session.monitor());
  text += expertsText(session.experts());
  if (hasBudget) {
    ExpertResidence residence;
    residence.add(report);
    text += residence.text();
  }
  text += fmt::format("arena: {} bytes reserved, {} at most in use\n", report.arena_bytes,
                      report.arena_peak_bytes);
  text += fmt::format("memory: {} bytes resident at most\nthreads: {}\nISA level: {}\n", peakMemory(),
                      report.threads, tamis_model_isa(session.model()));
  for (const schema::Remark *remark : *headerOf(session)->remarks())
    text += fmt::format("{}: {}\n", remark->pass()->string_view(), remark->text()->string_view());
  return text;
}

nlohmann::ordered_json reportJson(const Session &session, bool hasBudget) {
  TamisReport report = session.report();
  Json json = {{"tokens_in", report.tokens_in}, {"tokens_computed", report.tokens_computed}};
  if (tamis_model_step_count(session.model()))
    json["step"] = tamis_model_step_name(session.model(), tamis_context_step(session.handle()));
  for (const TamisTokenLayer &layer : session.tokens())
    json["tokens"].push_back({{"name", layer.name}, {"rows", layer.rows}, {"kept", layer.kept}});
  if (report.cache_rows) {
    json["cache_rows"] = report.cache_rows;
    json["cache_rows_read"] = report.cache_rows_read;
  }
  if (session.monitor())
    json["monitor"] = monitorJson(session.monitor());
  if (std::vector<TamisExpertLayer> layers = session.experts(); !layers.empty())
    json["experts"] = expertsJson(layers);
  if (hasBudget) {
    ExpertResidence residence;
    residence.add(report);
    json["resident_experts"] = residence.json();
  }
  json["arena_bytes"] = report.arena_bytes;
  json["arena_peak_bytes"] = report.arena_peak_bytes;
  json["peak_bytes"] = peakMemory();
  json["threads"] = report.threads;
  json["isa"] = tamis_model_isa(session.model());
  json["remarks"] = Json::array();
  for (const schema::Remark *remark : *headerOf(session)->remarks())
    json["remarks"].push_back({{"pass", remark->pass()->str()}, {"text", remark->text()->str()}});
  return json;
}

} // namespace tamis::tools
