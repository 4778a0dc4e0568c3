//===- CachePolicy.cpp - What a policy file says of caches --------------------------------------------===//
#include "CachePolicy.h"
#include "PolicyFile.h"

#include "llvm/ADT/STLExtras.h"

using namespace tamis::token;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

namespace {
/// Reads the part; the first mistake ends it.
class Reader {
public:
  Reader(StringRef path, const json::Object &cache) : path(path), cache(cache) {}

  llvm::Error read(CachePolicy &policy) {
    StringRef rule = cache.getString("rule").value_or(""), amount;
    llvm::SmallVector<StringRef> known = {"rule", "dense_layers", "steps", "chosen"};
    if (rule == "window") {
      amount = "window";
      known.append({"sinks"});
    } else if (rule == "pages") {
      policy.rule = CacheRule::Pages;
      policy.denseLayers = 2; // as published: their attention is spread widely
      amount = "pages";
      known.append({"sinks", "page", "window"});
    } else if (rule == "snapkv") {
      policy.rule = CacheRule::SnapKV;
      policy.window = 32;
      amount = "capacity";
      known.append({"window", "pool"});
    } else {
      return policyError(path, "its 'cache' has no 'rule' window, pages or snapkv");
    }
    if (auto key = unknownKey(cache, known))
      return policyError(path, "its 'cache' has the key '" + Twine(*key) + "', which the rule '" + rule +
                                   "' has not");
    for (auto [key, number, least] : {std::tuple("sinks", &policy.sinks, 0),
                                      {"page", &policy.page, 1},
                                      {"pool", &policy.pool, 1},
                                      {"window", &policy.window, 1},
                                      {"dense_layers", &policy.denseLayers, 0}})
      if (const json::Value *found = cache.get(key))
        if (!readNumber(*found, least, *number))
          return policyError(path, "its 'cache' has a '" + Twine(key) + "' that is no integer from " +
                                       Twine(least) + " to " + Twine(CachePolicy::most));
    if (policy.pool % 2 == 0)
      return policyError(path, "its 'cache' has a 'pool' that is even: it has as many rows on either side");
    return readSteps(amount, policy);
  }

private:
  static bool readNumber(const json::Value &value, int64_t least, int64_t &number) {
    auto integer = value.getAsInteger();
    if (!integer || *integer < least || *integer > CachePolicy::most)
      return false;
    number = *integer;
    return true;
  }

  llvm::Error readSteps(StringRef amount, CachePolicy &policy) {
    const json::Array *steps = cache.getArray("steps");
    if (!steps || steps->empty())
      return policyError(path, "its 'cache' has no list 'steps' with an element");
    for (const json::Value &value : *steps) {
      const json::Object *object = value.getAsObject();
      CacheStep step;
      if (!object || !object->getString("name") || !object->get(amount) ||
          !readNumber(*object->get(amount), 1, step.amount))
        return policyError(path, "a step of its 'cache' has no 'name', or no '" + amount +
                                     "' that is an integer from 1 to " + Twine(CachePolicy::most));
      if (auto key = unknownKey(*object, {"name", amount}))
        return policyError(path,
                           "a step of its 'cache' has the key '" + Twine(*key) + "', which there is not");
      step.name = object->getString("name")->str();
      if (step.name.empty() || step.name == "dense" || numberOf(step.name, policy))
        return policyError(path, "two steps of its 'cache' are named '" + Twine(step.name) +
                                     "'; step 'dense' is there by itself");
      if (step.amount < policy.least())
        return policyError(path, "the step '" + Twine(step.name) + "' of its 'cache' has a '" + amount +
                                     "' of " + Twine(step.amount) + ", which the 'window' of " +
                                     Twine(policy.window) + " takes up, so that nothing is chosen; take " +
                                     Twine(policy.least()) + " at least");
      policy.steps.push_back(std::move(step));
    }
    StringRef first = policy.steps.front().name;
    StringRef chosen = cache.getString("chosen").value_or(cache.get("chosen") ? StringRef() : first);
    policy.chosen = numberOf(chosen, policy);
    if (policy.chosen == 0 && chosen != "dense")
      return policyError(path, "there is no step '" + chosen + "' of its 'cache' to be chosen");
    return llvm::Error::success();
  }

  /// 0 where there is none.
  static int64_t numberOf(StringRef name, const CachePolicy &policy) {
    auto found = llvm::find_if(policy.steps, [&](const CacheStep &step) { return step.name == name; });
    return found == policy.steps.end() ? 0 : found - policy.steps.begin() + 1;
  }

  StringRef path;
  const json::Object &cache;
};
} // namespace

llvm::Expected<std::optional<CachePolicy>> CachePolicy::read(StringRef path) {
  llvm::Expected<json::Object> root = readPolicyFile(path);
  if (!root)
    return root.takeError();
  const json::Value *cache = root->get("cache");
  if (!cache)
    return std::nullopt;
  if (!cache->getAsObject())
    return policyError(path, "its 'cache' is no object");
  CachePolicy policy;
  if (llvm::Error error = Reader(path, *cache->getAsObject()).read(policy))
    return error;
  return policy;
}
