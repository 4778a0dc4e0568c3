//===- PolicyCertificate.cpp - What a policy proves, and for which model ----------------===//

#include "PolicyCertificate.h"

#include "CompileOptions.h"
#include "ExitCode.h"
#include "File.h"
#include "runtime/src/Hash.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tamis::tools {

using Json = nlohmann::ordered_json;

static constexpr const char *kHash = "policy_hash";

std::string hashOfPolicy(const Json &policy) {
  Json known = Json::object();
  for (const char *key : {"tokens", "cache", "experts", "certificate"})
    if (policy.contains(key))
      known[key] = policy[key];
  if (known.contains("certificate") && known["certificate"].is_object())
    known["certificate"].erase(kHash);
  // What is no UTF-8 is written so, too.
  std::string text = known.dump(-1, ' ', false, Json::error_handler_t::replace);
  return fmt::format("{:016x}", Hash::of(text.data(), text.size()));
}

std::string hashOfProfile(const std::string &path) {
  std::vector<std::byte> bytes = readFile(path);
  return fmt::format("{:016x}", Hash::of(bytes.data(), bytes.size()));
}

static std::string textOf(const Json &object, const char *key) {
  return object.is_object() && object.contains(key) && object[key].is_string()
             ? object[key].get<std::string>()
             : "";
}

/// Experts may be skipped as the certificate has it, by the profile that it has.
static std::string problemOfExperts(const Json &policy, const CompileOptions &options) {
  std::string profile = textOf(policy["certificate"], "profile_hash");
  if (policy.contains("experts") || (profile.empty() && !options.profile.empty()))
    return "is certified with all experts, not with those of a profile";
  if (profile.empty() || (!options.profile.empty() && hashOfProfile(options.profile) == profile))
    return "";
  return fmt::format(
      "is certified with a profile of experts with the hash {}, which is to be given with --profile",
      profile);
}

/// Why a certificate does not hold; "" if it does.
static std::string problemOf(const Json &policy, const CompileOptions &options) {
  if (!policy.contains("certificate"))
    return policy.contains("cache") ? "has no certificate for the rows of caches that it does not read"
                                    : "has no certificate for the tokens that it leaves out or merges";
  const Json &certificate = policy["certificate"];
  if (textOf(certificate, kHash) != hashOfPolicy(policy))
    return "was changed by hand or damaged since it was certified";
  if (std::string certified = textOf(certificate, "precision"); certified != options.precision)
    return fmt::format("is certified at the precision {}, not at {}", certified, options.precision);
  if (!options.layerPrecisions.empty() || options.int4Group)
    return "is certified with one precision for all layers, not with --layer-precision or --int4-group";
  return problemOfExperts(policy, options);
}

void readCertificate(CompileOptions &options) {
  std::vector<std::byte> bytes = readFile(options.policy);
  const char *begin = reinterpret_cast<const char *>(bytes.data());
  Json policy = Json::parse(begin, begin + bytes.size(), nullptr, /*allow_exceptions=*/false);
  if (!policy.is_object() || (!policy.contains("tokens") && !policy.contains("cache")))
    return;
  std::string problem = problemOf(policy, options);
  if (problem.empty()) {
    options.certificate = policy["certificate"].dump();
    options.certifiedHash = textOf(policy["certificate"].value("model", Json()), "source_hash");
    return;
  }
  if (!options.allowUncertified)
    throw ToolError(
        ExitCode::Refused,
        fmt::format(
            "{}: {}; make the policy with 'tamis calibrate', or take it as it is with --allow-uncertified",
            options.policy, problem));
}

} // namespace tamis::tools
