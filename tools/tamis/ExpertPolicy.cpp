//===- ExpertPolicy.cpp - What a policy file says of experts ----------------------===//
#include "ExpertPolicy.h"

#include "ExitCode.h"
#include "File.h"

#include <algorithm>
#include <fmt/format.h>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string_view>

namespace tamis::tools {

using Json = nlohmann::json;

namespace {
/// One object of the file, read key by key.
class Object {
public:
  Object(const Json &json, std::string name, const std::string &path)
      : json(json), name(std::move(name)), path(path) {
    if (!json.is_object())
      throw error("is no object");
  }

  ToolError error(const std::string &why) const {
    return {ExitCode::Refused,
            fmt::format("{}: {} {}; docs/profiles.md has the keys of a policy", path, name, why)};
  }
  /// Refuses keys that are not among these: a word spelt wrong must not be a policy that does nothing.
  void allow(std::initializer_list<std::string_view> known) const {
    for (auto &[key, value] : json.items())
      if (std::find(known.begin(), known.end(), key) == known.end())
        throw error(fmt::format("has the key '{}', which there is not", key));
  }
  bool flag(const char *key, bool otherwise) const {
    if (!json.contains(key))
      return otherwise;
    if (!json[key].is_boolean())
      throw error(fmt::format("has a '{}' that is neither true nor false", key));
    return json[key];
  }
  double share(const char *key, double otherwise) const {
    if (!json.contains(key))
      return otherwise;
    double value = json[key].is_number() ? json[key].get<double>() : -1;
    if (!(value >= 0 && value <= 1))
      throw error(fmt::format("has a '{}' that is no number from 0 to 1", key));
    return value;
  }
  Object part(const char *key) const {
    static const Json none = Json::object();
    return {json.contains(key) ? json[key] : none, fmt::format("its '{}'", key), path};
  }

private:
  const Json &json;
  std::string name;
  const std::string &path;
};
} // namespace

ExpertPolicy ExpertPolicy::read(const std::string &path) {
  std::vector<std::byte> bytes = readFile(path);
  const char *begin = reinterpret_cast<const char *>(bytes.data());
  Json json = Json::parse(begin, begin + bytes.size(), nullptr, /*allow_exceptions=*/false);
  Object root(json, "it", path);
  if (json.value("schema", Json()) != "tamis.policy.v1")
    throw root.error("is no policy of the schema tamis.policy.v1");
  // token-prune reads the second, token-evict the third.
  root.allow({"schema", "experts", "tokens", "cache", "certificate", "measured"});
  Object experts = root.part("experts"), prune = experts.part("prune"), skip = experts.part("skip");
  experts.allow({"order", "merge_duplicates", "prune", "skip"});
  prune.allow({"keep", "fallback"});
  skip.allow({"threshold"});
  ExpertPolicy policy;
  policy.order = experts.flag("order", policy.order);
  policy.mergeDuplicates = experts.flag("merge_duplicates", policy.mergeDuplicates);
  policy.keep = prune.share("keep", policy.keep);
  policy.fallback = prune.share("fallback", policy.fallback);
  policy.skip = skip.share("threshold", policy.skip);
  if (policy.keep == 0)
    throw prune.error("keeps no experts");
  if (policy.skip == 1)
    throw skip.error("has a threshold of 1, which skips all of a token's experts but one; take less");
  return policy;
}

} // namespace tamis::tools
