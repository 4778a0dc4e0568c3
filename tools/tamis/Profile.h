//===- Profile.h - Time per operation, from the runtime's events ----------------------===//
#ifndef TAMIS_TOOLS_PROFILE_H
#define TAMIS_TOOLS_PROFILE_H

#include "Roofline.h"

#include "tamis/runtime.h"

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tamis::tools {

/// What the regions of one operation, or of all operations of one kind, took in all profiled runs.
struct ProfileEntry {
  std::string name; // empty for the sum of a kind
  std::string kind;
  int64_t calls = 0;
  int64_t nanoseconds = 0;
  int64_t flops = 0;
  int64_t bytes = 0;
};

/// The parts of this machine's peaks that an entry reached.
struct Shares {
  Roofline::Share ofUnit, ofMemory;
  /// Of the one that is nearer: what the entry is bound by, if anything.
  const Roofline::Share &higher() const { return ofUnit.share < ofMemory.share ? ofMemory : ofUnit; }
};

/// Sums up events run by run.
class Profile {
public:
  /// Adds a run that took `nanoseconds` in all.
  void add(const std::vector<TamisEvent> &events, int64_t nanoseconds);

  /// The kinds of the operations.
  std::set<std::string> kinds() const;

  /// Tables for a person: by kind, then by operation, the longest first. The roofline has all of kinds().
  std::string table(const Roofline &roofline) const;
  /// {"runs", "total_ms", "outside_ms", "peaks": {...}, "kinds": [...], "operations": [...]}, times a run.
  nlohmann::ordered_json json(const Roofline &roofline) const;

private:
  std::vector<ProfileEntry> sorted(bool byKind) const;
  std::string tableOf(const std::vector<ProfileEntry> &entries, const Roofline &roofline, bool named) const;
  nlohmann::ordered_json jsonOf(const std::vector<ProfileEntry> &entries, const Roofline &roofline,
                                bool named) const;
  Shares sharesOf(const ProfileEntry &entry, const Roofline &roofline) const;

  std::map<std::pair<std::string, std::string>, ProfileEntry> operations; // by name and kind
  int64_t runs = 0;
  int64_t total = 0;  // ns
  int64_t inside = 0; // ns within events
  int64_t moved = 0;  // bytes
};

/// A trace of one run in the format that Perfetto and Chrome open.
nlohmann::ordered_json traceOf(const std::vector<TamisEvent> &events, int64_t beginNs, int64_t endNs);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_PROFILE_H
