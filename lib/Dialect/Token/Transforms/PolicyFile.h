//===- PolicyFile.h - Reading files of the schema tamis.policy.v1 -------------------------------------===//
#ifndef TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_POLICYFILE_H
#define TAMIS_LIB_DIALECT_TOKEN_TRANSFORMS_POLICYFILE_H

#include "llvm/Support/Error.h"
#include "llvm/Support/JSON.h"

#include <optional>

namespace tamis::token {

/// The error that a policy has; `why` goes on behind the path.
llvm::Error policyError(llvm::StringRef path, const llvm::Twine &why);

/// A key that is not among `known`: a word spelt wrong must not be a policy that does nothing.
std::optional<std::string> unknownKey(const llvm::json::Object &object,
                                      llvm::ArrayRef<llvm::StringRef> known);

/// The whole file. The error is a sentence that begins with the path.
llvm::Expected<llvm::json::Object> readPolicyFile(llvm::StringRef path);

} // namespace tamis::token

#endif
