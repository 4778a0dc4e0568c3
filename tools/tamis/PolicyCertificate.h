//===- PolicyCertificate.h - What a policy proves, and for which model ------------------===//
#ifndef TAMIS_TOOLS_POLICYCERTIFICATE_H
#define TAMIS_TOOLS_POLICYCERTIFICATE_H

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace tamis::tools {

/// The hash by which a certificate knows the part `tokens` that it is about.
std::string hashOfTokens(const nlohmann::ordered_json &tokens);

/// Checks the certificate of a policy file against the model and the precision that it is compiled with.
/// Returns the certificate as JSON; "" where the file leaves no tokens out, and where there is no certificate
/// that holds but `allowUncertified`. Throws ToolError: System if a file cannot be read, Refused if the
/// certificate does not hold.
std::string readCertificate(const std::string &path, const std::string &modelHash,
                            const std::string &precision, bool allowUncertified);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_POLICYCERTIFICATE_H
