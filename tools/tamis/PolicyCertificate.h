//===- PolicyCertificate.h - What a policy proves, and for which model ------------------===//
#ifndef TAMIS_TOOLS_POLICYCERTIFICATE_H
#define TAMIS_TOOLS_POLICYCERTIFICATE_H

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tamis::tools {

struct CompileOptions;

/// The hash by which a certificate knows the policy that it is in: of all that decides what is left out, and
/// of the certificate but for this hash.
std::string hashOfPolicy(const nlohmann::ordered_json &policy);

/// Reads the certificate of options.policy into options.certificate and .certifiedHash; they stay empty where
/// the file leaves no tokens out, and, with allowUncertified, where it has none that holds for these options.
/// Whether the model is the one that was certified is to be seen when it is read. Throws ToolError: System if
/// the file cannot be read, Refused if the certificate does not hold.
void readCertificate(CompileOptions &options);

/// Of a file of 'tamis profile', by which a policy with a certificate skips experts. Throws ToolError.
std::string hashOfProfile(const std::string &path);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_POLICYCERTIFICATE_H
