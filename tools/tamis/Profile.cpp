//===- Profile.cpp - Time per operation, from the runtime's events --------------------===//

#include "Profile.h"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace tamis::tools {

namespace {

/// Work a nanosecond is work in units of 1e9 a second.
double rate(int64_t work, int64_t nanoseconds) {
  return nanoseconds > 0 ? static_cast<double>(work) / static_cast<double>(nanoseconds) : 0;
}

} // namespace

void Profile::add(const std::vector<TamisEvent> &events, int64_t nanoseconds) {
  ++runs;
  total += nanoseconds;
  for (const TamisEvent &event : events) {
    ProfileEntry &entry = operations[{event.name, event.kind}];
    entry.name = event.name;
    entry.kind = event.kind;
    ++entry.calls;
    entry.nanoseconds += event.end_ns - event.begin_ns;
    entry.flops += event.flops;
    entry.bytes += event.bytes;
    inside += event.end_ns - event.begin_ns;
    moved += event.bytes;
  }
}

std::vector<ProfileEntry> Profile::sorted(bool byKind) const {
  std::map<std::pair<std::string, std::string>, ProfileEntry> grouped;
  for (const auto &[key, entry] : operations) {
    ProfileEntry &sum = grouped[{byKind ? "" : entry.name, entry.kind}];
    sum.name = byKind ? "" : entry.name;
    sum.kind = entry.kind;
    sum.calls += entry.calls;
    sum.nanoseconds += entry.nanoseconds;
    sum.flops += entry.flops;
    sum.bytes += entry.bytes;
  }
  std::vector<ProfileEntry> result;
  for (const auto &[key, entry] : grouped)
    result.push_back(entry);
  // Equal times in the order of the names, so that the table is the same each time.
  std::ranges::sort(result, [](const ProfileEntry &a, const ProfileEntry &b) {
    return std::tie(b.nanoseconds, a.name, a.kind) < std::tie(a.nanoseconds, b.name, b.kind);
  });
  return result;
}

std::set<std::string> Profile::kinds() const {
  std::set<std::string> kinds;
  for (const auto &[key, entry] : operations)
    kinds.insert(entry.kind);
  return kinds;
}

Shares Profile::sharesOf(const ProfileEntry &entry, const Roofline &roofline) const {
  return {roofline.shareOfUnit(entry.kind, rate(entry.flops, entry.nanoseconds)),
          roofline.shareOfMemory(entry.kind, rate(entry.bytes, entry.nanoseconds), entry.bytes / entry.calls,
                                 moved / runs)};
}

std::string Profile::tableOf(const std::vector<ProfileEntry> &entries, const Roofline &roofline,
                             bool named) const {
  std::string text = fmt::format("{:>10} {:>7} {:>7} {:>9} {:>8}  {:<18}  {}\n", "ms", "share", "calls",
                                 "GFLOP/s", "GB/s", "of peak", named ? "operation" : "kind");
  for (const ProfileEntry &entry : entries) {
    Shares shares = sharesOf(entry, roofline);
    text += fmt::format("{:>10.4f} {:>6.1f}% {:>7} {:>9.1f} {:>8.1f}  {:>4.0f}% {:<12}  {}\n",
                        static_cast<double>(entry.nanoseconds) / 1e6 / static_cast<double>(runs),
                        100 * rate(entry.nanoseconds, total), entry.calls / runs,
                        rate(entry.flops, entry.nanoseconds), rate(entry.bytes, entry.nanoseconds),
                        100 * shares.higher().share, shares.higher().peak,
                        named ? fmt::format("{} ({})", entry.name, entry.kind) : entry.kind);
  }
  return text;
}

nlohmann::ordered_json Profile::jsonOf(const std::vector<ProfileEntry> &entries, const Roofline &roofline,
                                       bool named) const {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const ProfileEntry &entry : entries) {
    Shares shares = sharesOf(entry, roofline);
    nlohmann::ordered_json row;
    if (named)
      row["name"] = entry.name;
    row["kind"] = entry.kind;
    row["calls"] = entry.calls / runs;
    row["ms"] = static_cast<double>(entry.nanoseconds) / 1e6 / static_cast<double>(runs);
    row["share"] = rate(entry.nanoseconds, total);
    row["gflops"] = rate(entry.flops, entry.nanoseconds);
    row["gbps"] = rate(entry.bytes, entry.nanoseconds);
    row["unit"] = shares.ofUnit.peak;
    row["of_unit"] = shares.ofUnit.share;
    row["level"] = shares.ofMemory.peak;
    row["of_level"] = shares.ofMemory.share;
    list.push_back(std::move(row));
  }
  return list;
}

std::string Profile::table(const Roofline &roofline) const {
  if (runs == 0)
    return {};
  return fmt::format("{}{:>10.4f} {:>6.1f}%{:49}outside operations\n\n{}",
                     tableOf(sorted(/*byKind=*/true), roofline, /*named=*/false),
                     static_cast<double>(total - inside) / 1e6 / static_cast<double>(runs),
                     100.0 * rate(total - inside, total), "",
                     tableOf(sorted(/*byKind=*/false), roofline, /*named=*/true));
}

nlohmann::ordered_json Profile::json(const Roofline &roofline) const {
  double runCount = static_cast<double>(std::max<int64_t>(runs, 1));
  nlohmann::ordered_json result, gbps = nlohmann::ordered_json::object();
  for (const Roofline::Level &level : roofline.levels)
    gbps[level.name] = level.rate;
  result["runs"] = runs;
  result["total_ms"] = static_cast<double>(total) / 1e6 / runCount;
  result["outside_ms"] = static_cast<double>(total - inside) / 1e6 / runCount;
  result["peaks"] = {{"gops", roofline.units}, {"gbps", gbps}};
  result["kinds"] = jsonOf(sorted(/*byKind=*/true), roofline, /*named=*/false);
  result["operations"] = jsonOf(sorted(/*byKind=*/false), roofline, /*named=*/true);
  return result;
}

nlohmann::ordered_json traceOf(const std::vector<TamisEvent> &events, int64_t beginNs, int64_t endNs) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  auto slice = [&](const std::string &name, const std::string &kind, int64_t from, int64_t to) {
    // Microseconds from the run's begin.
    list.push_back({{"name", name},
                    {"cat", kind},
                    {"ph", "X"},
                    {"ts", static_cast<double>(from - beginNs) / 1e3},
                    {"dur", static_cast<double>(to - from) / 1e3},
                    {"pid", 1},
                    {"tid", 1}});
  };
  slice("run", "run", beginNs, endNs);
  for (const TamisEvent &event : events) {
    slice(event.name, event.kind, event.begin_ns, event.end_ns);
    list.back()["args"] = {{"kind", event.kind},
                           {"flops", event.flops},
                           {"bytes", event.bytes},
                           {"GFLOP/s", rate(event.flops, event.end_ns - event.begin_ns)},
                           {"GB/s", rate(event.bytes, event.end_ns - event.begin_ns)}};
  }
  return {{"traceEvents", list}, {"displayTimeUnit", "ns"}};
}

} // namespace tamis::tools
