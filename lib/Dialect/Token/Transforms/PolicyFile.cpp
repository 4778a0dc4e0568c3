//===- PolicyFile.cpp - Reading files of the schema tamis.policy.v1 -----------------------------------===//
#include "PolicyFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MemoryBuffer.h"

using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

llvm::Error tamis::token::policyError(StringRef path, const Twine &why) {
  return llvm::createStringError(std::make_error_code(std::errc::invalid_argument),
                                 (path + ": " + why + "; docs/pruning.md has the keys of a policy").str());
}

std::optional<std::string> tamis::token::unknownKey(const json::Object &object,
                                                    llvm::ArrayRef<StringRef> known) {
  for (const auto &[key, value] : object)
    if (!llvm::is_contained(known, StringRef(key)))
      return StringRef(key).str();
  return std::nullopt;
}

llvm::Expected<json::Object> tamis::token::readPolicyFile(StringRef path) {
  auto file = llvm::MemoryBuffer::getFile(path);
  if (!file)
    return llvm::createStringError(file.getError(),
                                   (path + ": cannot be read (" + file.getError().message() + ")").str());
  llvm::Expected<json::Value> parsed = json::parse((*file)->getBuffer());
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return policyError(path, "is no JSON");
  }
  json::Object *root = parsed->getAsObject();
  if (!root || root->getString("schema") != "tamis.policy.v1")
    return policyError(path, "is no policy of the schema tamis.policy.v1");
  if (root->get("tokens") && root->get("cache"))
    return policyError(path, "has both 'tokens', which is for encoders, and 'cache', which is for decoders");
  return std::move(*root);
}
