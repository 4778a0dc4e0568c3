//===- PolicyCertificate.cpp - What a policy proves, and for which model ----------------===//

#include "PolicyCertificate.h"

#include "ExitCode.h"
#include "File.h"
#include "runtime/src/Hash.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace tamis::tools {

using Json = nlohmann::ordered_json;

std::string hashOfTokens(const Json &tokens) {
  std::string text = tokens.dump();
  return fmt::format("{:016x}", Hash::of(text.data(), text.size()));
}

/// Why a certificate does not hold; "" if it does.
static std::string problemOf(const Json &root, const std::string &modelHash, const std::string &precision) {
  if (!root.contains("certificate"))
    return "has no certificate for the tokens that it leaves out";
  const Json &certificate = root["certificate"];
  auto text = [&](const Json &object, const char *key) {
    return object.is_object() && object.contains(key) && object[key].is_string()
               ? object[key].get<std::string>()
               : "";
  };
  if (!certificate.is_object() || text(certificate, "tokens_hash") != hashOfTokens(root["tokens"]))
    return "has a certificate for other tokens than it leaves out, so that something was changed by hand or "
           "damaged";
  const Json model = certificate.value("model", Json());
  if (std::string hash = text(model, "source_hash"); hash != modelHash)
    return fmt::format("is certified for {} with the hash {}, not for this model, {}",
                       text(model, "source_name"), hash, modelHash);
  if (std::string certified = text(certificate, "precision"); certified != precision)
    return fmt::format("is certified at the precision {}, not at {}", certified, precision);
  return "";
}

std::string readCertificate(const std::string &path, const std::string &modelHash,
                            const std::string &precision, bool allowUncertified) {
  std::vector<std::byte> bytes = readFile(path);
  const char *begin = reinterpret_cast<const char *>(bytes.data());
  Json root = Json::parse(begin, begin + bytes.size(), nullptr, /*allow_exceptions=*/false);
  if (!root.is_object() || !root.contains("tokens"))
    return "";
  std::string problem = problemOf(root, modelHash, precision);
  if (problem.empty())
    return root["certificate"].dump();
  if (!allowUncertified)
    throw ToolError(ExitCode::Refused,
                    fmt::format("{}: {}; make the policy with 'tamis calibrate', or take it as it is with "
                                "--allow-uncertified",
                                path, problem));
  return "";
}

} // namespace tamis::tools
