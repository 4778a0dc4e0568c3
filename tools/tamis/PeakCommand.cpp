//===- PeakCommand.cpp - tamis peak: measure the machine -------------------------------===//

#include "Commands.h"
#include "MachinePeaks.h"
#include "Progress.h"

#include "runtime/src/Cpu.h"

#include <cpuid.h>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace tamis::tools {

namespace {

using Json = nlohmann::ordered_json;

struct PeakOptions {
  int32_t threads = 0; // 0: one for each core
  double minSeconds = 0.1;
  bool json = false;
};

/// What a number of threads reach together.
struct Peaks {
  int32_t threads;
  std::vector<double> units;       // Gop/s, in the order of arithmeticUnits(); 0: this CPU lacks it
  std::vector<double> levels;      // GB/s, in the order of memoryLevels(); 0: not to be measured
  std::vector<int64_t> levelBytes; // that each thread read
};

/// As the CPU calls itself.
std::string cpuName() {
  uint32_t words[13] = {};
  for (uint32_t i = 0; i < 3; ++i)
    __get_cpuid(0x80000002 + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2], &words[4 * i + 3]);
  std::string name = reinterpret_cast<const char *>(words);
  name.erase(0, name.find_first_not_of(' '));
  name.erase(name.find_last_not_of(' ') + 1);
  return name.empty() ? "unknown" : name;
}

Peaks measure(int32_t threads, double seconds, Progress &progress) {
  Peaks peaks{threads, {}, {}, {}};
  PeakMeter meter(threads, seconds);
  auto report = [&](const std::string &what) {
    if (progress.isDue())
      progress.show(fmt::format("peak: {}, {} thread{}, {:.1f} s", what, threads, threads == 1 ? "" : "s",
                                progress.seconds()));
  };
  for (const ArithmeticUnit &unit : arithmeticUnits()) {
    report(unit.name);
    peaks.units.push_back(unit.isAvailable() ? meter.operationRate(unit) : 0);
  }
  std::vector<MemoryLevel> levels = memoryLevels();
  for (size_t i = 0; i < levels.size(); ++i) {
    report(levels[i].name);
    peaks.levelBytes.push_back(meter.bytesForReading(levels, i));
    peaks.levels.push_back(peaks.levelBytes[i] ? meter.readRate(levels[i], peaks.levelBytes[i]) : 0);
  }
  return peaks;
}

Json jsonOf(const std::vector<Peaks> &columns, int32_t threads) {
  Json json;
  json["schema"] = "tamis.peak.v1";
  json["version"] = tamis_version();
  json["cpu"] = cpuName();
  json["threads"] = threads;
  json["units"] = Json::array();
  for (const ArithmeticUnit &unit : arithmeticUnits())
    if (unit.isAvailable())
      json["units"].push_back({{"name", unit.name}, {"description", unit.description}, {"isa", unit.isa}});
  json["caches"] = Json::array();
  std::vector<MemoryLevel> levels = memoryLevels();
  for (const MemoryLevel &level : levels)
    if (level.bytes)
      json["caches"].push_back({{"name", level.name}, {"bytes", level.bytes}, {"cores", level.cores}});
  json["peaks"] = Json::array();
  for (const Peaks &column : columns) {
    Json gops = Json::object(), gbps = Json::object();
    for (size_t i = 0; i < column.units.size(); ++i)
      if (column.units[i] > 0)
        gops[arithmeticUnits()[i].name] = column.units[i];
    for (size_t i = 0; i < column.levels.size(); ++i)
      if (column.levels[i] > 0)
        gbps[levels[i].name] = column.levels[i];
    json["peaks"].push_back({{"threads", column.threads}, {"gops", gops}, {"gbps", gbps}});
  }
  return json;
}

std::string sizeText(int64_t bytes) {
  return bytes >> 20 ? fmt::format("{} MiB", bytes >> 20) : fmt::format("{} KiB", bytes >> 10);
}

void print(const std::vector<Peaks> &columns) {
  auto row = [](const std::string &name, const std::string &description, auto cellOf, size_t count) {
    fmt::print("{:<13} {:<36}", name, description);
    for (size_t i = 0; i < count; ++i)
      fmt::print(" {:>12}", cellOf(i));
    fmt::print("\n");
  };
  auto heading = [&](const char *what, const char *unit) {
    row(
        what, unit,
        [&](size_t i) {
          return fmt::format("{} thread{}", columns[i].threads, columns[i].threads == 1 ? "" : "s");
        },
        columns.size());
  };
  std::vector<MemoryLevel> levels = memoryLevels();
  std::string caches;
  for (const MemoryLevel &level : levels)
    if (level.bytes)
      caches += fmt::format(", {} {}", level.name, sizeText(level.bytes));
  char isas[256];
  describeCpu(isas, sizeof(isas));
  fmt::print("{}{}\nISA levels {}\n\n", cpuName(), caches, isas);
  heading("Gop/s", "");
  for (size_t i = 0; i < arithmeticUnits().size(); ++i)
    if (arithmeticUnits()[i].isAvailable())
      row(
          arithmeticUnits()[i].name, arithmeticUnits()[i].description,
          [&](size_t column) { return fmt::format("{:.1f}", columns[column].units[i]); }, columns.size());
  fmt::print("\n");
  heading("GB/s", "");
  for (size_t i = 0; i < levels.size(); ++i)
    if (std::ranges::any_of(columns, [&](const Peaks &column) { return column.levels[i] > 0; }))
      row(
          levels[i].name, fmt::format("reads of {} a thread", sizeText(columns.back().levelBytes[i])),
          [&](size_t column) {
            double rate = columns[column].levels[i];
            return rate > 0 ? fmt::format("{:.1f}", rate) : std::string("-");
          },
          columns.size());
}

void peak(const PeakOptions &options) {
  if (isaRank("x86-64-v3") == 0)
    throw ToolError(
        ExitCode::Refused,
        "this CPU, or its operating system, lacks AVX2 and FMA (x86-64-v3), which all code of Tamis "
        "uses; measure on a machine that runs models");
  int32_t threads = options.threads ? options.threads : coreCount();
  std::vector<Peaks> columns;
  {
    Progress progress;
    columns.push_back(measure(1, options.minSeconds, progress));
    if (threads > 1)
      columns.push_back(measure(threads, options.minSeconds, progress));
  }
  if (options.json)
    fmt::print("{}\n", jsonOf(columns, threads).dump(2, ' ', false, Json::error_handler_t::replace));
  else
    print(columns);
}

} // namespace

void addPeakCommand(CLI::App &driver, ExitCode &) {
  CLI::App *command =
      driver.add_subcommand("peak", "Measure what this machine can do: arithmetic and reads of memory");
  auto options = std::make_shared<PeakOptions>();
  command->add_option("--threads", options->threads, "Threads that work together; 0: one for each core")
      ->type_name("N")
      ->check(CLI::Range(0, static_cast<int>(Pool::kMaxThreads)).description(""))
      ->capture_default_str();
  command->add_option("--min-time", options->minSeconds, "Measure each peak for at least this many seconds")
      ->type_name("S")
      ->check(numberWithin(0, 86400))
      ->capture_default_str();
  command->add_flag("--json", options->json, "Print one JSON object (schema tamis.peak.v1)");
  command->footer(examples({
      {"Measure one thread and all cores", "tamis peak"},
      {"Take longer, on a machine that is not quiet", "tamis peak --threads 2 --min-time 2"},
      {"Keep the peaks beside a benchmark's results", "tamis peak --json > peaks.json"},
  }));
  command->callback([options] { peak(*options); });
}

} // namespace tamis::tools
