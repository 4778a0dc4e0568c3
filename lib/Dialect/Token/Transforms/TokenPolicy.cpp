//===- TokenPolicy.cpp - What a policy file says of tokens --------------------------------------------===//
#include "TokenPolicy.h"
#include "PolicyFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"

#include <cmath>

using namespace tamis::token;
using llvm::StringRef;
using llvm::Twine;
namespace json = llvm::json;

namespace {
/// Reads the parts; the first mistake ends it.
class Reader {
public:
  explicit Reader(StringRef path) : path(path) {}

  llvm::Error readPoint(const json::Value &value, PrunePoint &point) {
    const json::Object *object = value.getAsObject();
    if (!object)
      return policyError(path, "an element of 'prune' is no object");
    if (auto key = unknownKey(*object, {"layer", "rule", "weights", "seed", "queries", "count", "values",
                                        "by", "lengths", "minimum", "first", "last", "restore"}))
      return policyError(path, "an element of 'prune' has the key '" + Twine(*key) + "', which there is not");
    StringRef name = object->getString("rule").value_or("");
    if (name == "attention")
      point.attention.emplace();
    else if (auto rule = symbolizeRule(name))
      point.rule = *rule;
    else
      return policyError(path, "an element of 'prune' has no 'rule' linear, attention, stride or random");
    if (llvm::Error error = readAttentionRule(*object, point))
      return error;
    StringRef by = object->getString("by").value_or(object->get("by") ? "" : "share");
    if (by != "share" && by != "score")
      return policyError(path, "an element of 'prune' has a 'by' that is neither share nor score");
    point.threshold = by == "score";
    if (llvm::Error error = readInteger(*object, "prune", "seed", 0, point.seed))
      return error;
    if (llvm::Error error = readRows(*object, "prune", point))
      return error;
    const json::Array *weights = object->getArray("weights");
    if ((name == "linear") != bool(weights))
      return policyError(path, "an element of 'prune' needs 'weights' for the rule linear, and for no other");
    if (weights && !readNumbers(*weights, point.weights))
      return policyError(path, "an element of 'prune' has 'weights' that are no numbers");
    if (const json::Value *restore = object->get("restore"))
      return readMap(*restore, point.restore);
    return llvm::Error::success();
  }

  llvm::Error readMerge(const json::Value &value, MergePoint &point) {
    const json::Object *object = value.getAsObject();
    if (!object)
      return policyError(path, "an element of 'merge' is no object");
    if (auto key = unknownKey(*object, {"layer", "lengths", "minimum", "first", "last"}))
      return policyError(path, "an element of 'merge' has the key '" + Twine(*key) + "', which there is not");
    return readRows(*object, "merge", point);
  }

  /// What elements of the list `part` have in common.
  llvm::Error readRows(const json::Object &object, StringRef part, RowPoint &point) {
    for (auto [key, number, least] : {std::tuple("layer", &point.layer, 0),
                                      {"minimum", &point.minimum, 1},
                                      {"first", &point.first, 0},
                                      {"last", &point.last, 0}})
      if (llvm::Error error = readInteger(object, part, key, least, *number))
        return error;
    const json::Value *lengths = object.get("lengths");
    if (!lengths)
      return llvm::Error::success();
    const json::Array *list = lengths->getAsArray();
    for (const json::Value &length : list ? *list : json::Array{nullptr}) {
      auto integer = length.getAsInteger();
      if (!integer || *integer <= (point.lengths.empty() ? 0 : point.lengths.back()))
        return policyError(path, "an element of '" + part +
                                     "' has 'lengths' that are no integers that ascend from 1");
      point.lengths.push_back(*integer);
    }
    return llvm::Error::success();
  }

  llvm::Error readInteger(const json::Object &object, StringRef part, StringRef key, int64_t least,
                          int64_t &number) {
    const json::Value *found = object.get(key);
    if (!found)
      return llvm::Error::success();
    auto integer = found->getAsInteger();
    if (!integer || *integer < least || *integer > INT32_MAX)
      return policyError(path, "an element of '" + part + "' has a '" + key + "' that is no integer from " +
                                   Twine(least) + " on");
    number = *integer;
    return llvm::Error::success();
  }

  /// Whether all are finite numbers of f32.
  static bool readNumbers(const json::Array &list, std::vector<float> &numbers) {
    for (const json::Value &value : list) {
      auto number = value.getAsNumber();
      if (!number || !std::isfinite(static_cast<float>(*number)))
        return false;
      numbers.push_back(static_cast<float>(*number));
    }
    return true;
  }

  llvm::Error readMap(const json::Value &value, RestoreMap &map) {
    const json::Object *object = value.getAsObject();
    if (!object || !object->getString("map") || !object->getArray("bias"))
      return policyError(path,
                         "an element of 'prune' has a 'restore' without the text 'map' and the list 'bias'");
    if (auto key = unknownKey(*object, {"map", "bias"}))
      return policyError(path, "a 'restore' has the key '" + Twine(*key) + "', which there is not");
    if (!readNumbers(*object->getArray("bias"), map.bias))
      return policyError(path, "a 'restore' has a 'bias' that is no list of numbers");
    StringRef digits = *object->getString("map");
    if (digits.size() % 4 || !llvm::tryGetFromHex(digits, map.weights))
      return policyError(path, "a 'restore' has a 'map' that is no hexadecimal numbers of 16 bits");
    constexpr uint16_t exponent = 0x7c00;
    for (size_t i = 0; i < map.weights.size(); i += 2)
      if ((llvm::support::endian::read16le(map.weights.data() + i) & exponent) == exponent)
        return policyError(path, "a 'restore' has a 'map' with infinity or NaN in it");
    return llvm::Error::success();
  }

  llvm::Error readAttentionRule(const json::Object &object, PrunePoint &point) {
    if (!point.attention) {
      for (StringRef key : {"queries", "count", "values"})
        if (object.get(key))
          return policyError(path, "an element of 'prune' has '" + Twine(key) +
                                       "', which is for the rule attention, and for no other");
      return llvm::Error::success();
    }
    auto queries = symbolizeQueries(object.getString("queries").value_or(""));
    if (!queries)
      return policyError(
          path, "an element of 'prune' with the rule attention has no 'queries' first, last or spread");
    point.attention->queries = *queries;
    if (const json::Value *count = object.get("count")) {
      auto integer = count->getAsInteger();
      if (!integer || *integer < 1 || *integer > INT32_MAX)
        return policyError(path, "an element of 'prune' has a 'count' that is no integer from 1 on");
      point.attention->count = *integer;
    }
    if (const json::Value *values = object.get("values")) {
      auto yes = values->getAsBoolean();
      if (!yes)
        return policyError(path, "an element of 'prune' has 'values' that are neither true nor false");
      point.attention->byValues = *yes;
    }
    return llvm::Error::success();
  }

  llvm::Error checkShare(const PrunePoint &point, std::optional<double> number) {
    if (point.threshold)
      return number && std::isfinite(static_cast<float>(*number))
                 ? llvm::Error::success()
                 : policyError(path, "a step has a 'keep' that is no score");
    return number && *number > 0 && *number <= 1
               ? llvm::Error::success()
               : policyError(path, "a step has a 'keep' that is no share above 0 and up to 1");
  }

  llvm::Error checkShare(const MergePoint &, std::optional<double> number) {
    return number && *number >= 0.5 && *number <= 1
               ? llvm::Error::success()
               : policyError(
                     path, "a step has a 'stay' that is no share from 0.5 on and up to 1: each row takes up "
                           "others of the other half");
  }

  template <typename Point>
  llvm::Error readShares(const json::Value &value, const Point &point, std::vector<double> &shares) {
    const json::Array *list = value.getAsArray();
    json::Array one{value};
    for (const json::Value &share : list ? *list : one) {
      std::optional<double> number = share.getAsNumber();
      if (llvm::Error error = checkShare(point, number))
        return error;
      shares.push_back(*number);
    }
    size_t groups = point.lengths.size() + 1;
    if (!list)
      shares.resize(groups, shares.front());
    if (shares.size() != groups)
      return policyError(path, "a step has " + Twine(shares.size()) + " shares for " + Twine(groups) +
                                   " groups of lengths");
    return llvm::Error::success();
  }

  llvm::Error readStep(const json::Value &value, const TokenPolicy &policy, PolicyStep &step) {
    const json::Object *object = value.getAsObject();
    if (!object || !object->getString("name"))
      return policyError(path, "a step has no 'name'");
    if (auto key = unknownKey(*object, {"name", "keep", "stay", "skip"}))
      return policyError(path, "a step has the key '" + Twine(*key) + "', which there is not");
    step.name = object->getString("name")->str();
    if (llvm::Error error = readSharesOf(*object, "keep", "prune", policy.points, step.name, step.keep))
      return error;
    if (llvm::Error error = readSharesOf(*object, "stay", "merge", policy.merges, step.name, step.stay))
      return error;
    return readSkip(*object, step);
  }

  /// How many there are to be is known to moe-skip-experts.
  llvm::Error readSkip(const json::Object &object, PolicyStep &step) {
    const json::Value *skip = object.get("skip");
    if (!skip)
      return llvm::Error::success();
    const json::Array *list = skip->getAsArray();
    json::Array one{*skip};
    for (const json::Value &value : list ? *list : one) {
      auto number = value.getAsNumber();
      if (!number || !(*number >= 0 && static_cast<float>(*number) < 1))
        break;
      step.skip.push_back(*number);
    }
    if (step.skip.empty() || step.skip.size() != (list ? list->size() : 1))
      return policyError(
          path, "the step '" + Twine(step.name) +
                    "' has a 'skip' that is no share from 0 to below 1, or one for each layer of experts");
    return llvm::Error::success();
  }

  /// The element `key` of a step, for the points of the list `part`.
  template <typename Point>
  llvm::Error readSharesOf(const json::Object &step, StringRef key, StringRef part,
                           const std::vector<Point> &points, StringRef name,
                           std::vector<std::vector<double>> &shares) {
    const json::Array *list = step.getArray(key);
    if (list ? list->size() != points.size() : step.get(key) || !points.empty())
      return policyError(path, "the step '" + name + "' has not one element of '" + key + "' for each of '" +
                                   part + "'");
    for (size_t i = 0; i < points.size(); ++i) {
      shares.emplace_back();
      if (llvm::Error error = readShares((*list)[i], points[i], shares.back()))
        return error;
    }
    return llvm::Error::success();
  }

  /// A list of points by rising layer, read by `read`.
  template <typename Point>
  llvm::Error readPoints(const json::Object &tokens, StringRef part,
                         llvm::Error (Reader::*read)(const json::Value &, Point &),
                         std::vector<Point> &points) {
    const json::Array *list = tokens.getArray(part);
    if (!list && tokens.get(part))
      return policyError(path, "its '" + part + "' is no list");
    for (const json::Value &value : list ? *list : json::Array()) {
      Point point;
      if (llvm::Error error = (this->*read)(value, point))
        return error;
      if (!points.empty() && points.back().layer >= point.layer)
        return policyError(path, "the layers of '" + part + "' do not ascend");
      points.push_back(std::move(point));
    }
    return llvm::Error::success();
  }

  llvm::Error readProtectedIds(const json::Object &tokens, TokenPolicy &policy) {
    const json::Value *ids = tokens.get("protect_ids");
    if (!ids)
      return llvm::Error::success();
    const json::Array *list = ids->getAsArray();
    for (const json::Value &id : list && !list->empty() ? *list : json::Array{nullptr}) {
      auto integer = id.getAsInteger();
      if (!integer || *integer < 0 || *integer > INT32_MAX)
        return policyError(path, "its 'protect_ids' is no list of ids of tokens");
      policy.protectedIds.push_back(*integer);
    }
    return llvm::Error::success();
  }

  llvm::Error readTokens(const json::Object &tokens, TokenPolicy &policy) {
    if (auto key =
            unknownKey(tokens, {"prune", "merge", "protect_ids", "steps", "chosen", "dropped", "pool"}))
      return policyError(path, "its 'tokens' has the key '" + Twine(*key) + "', which there is not");
    const json::Array *steps = tokens.getArray("steps");
    if (llvm::Error error = readPoints(tokens, "prune", &Reader::readPoint, policy.points))
      return error;
    if (llvm::Error error = readPoints(tokens, "merge", &Reader::readMerge, policy.merges))
      return error;
    if (!steps || steps->empty() || (policy.points.empty() && policy.merges.empty()))
      return policyError(path,
                         "its 'tokens' has no lists 'prune' or 'merge', and 'steps', with an element each");
    if (llvm::Error error = readProtectedIds(tokens, policy))
      return error;
    for (const json::Value &value : *steps) {
      PolicyStep step;
      if (llvm::Error error = readStep(value, policy, step))
        return error;
      bool isTaken = step.name == "dense" || llvm::any_of(policy.steps, [&](const PolicyStep &other) {
                       return other.name == step.name;
                     });
      if (isTaken || step.name.empty())
        return policyError(path,
                           "two steps are named '" + Twine(step.name) + "'; step 'dense' is there by itself");
      policy.steps.push_back(std::move(step));
    }
    StringRef first = policy.steps.front().name;
    StringRef chosen = tokens.getString("chosen").value_or(tokens.get("chosen") ? StringRef() : first);
    auto found = llvm::find_if(policy.steps, [&](const PolicyStep &step) { return step.name == chosen; });
    if (found == policy.steps.end() && chosen != "dense")
      return policyError(path, "there is no step '" + chosen + "' to be chosen");
    policy.chosen = chosen == "dense" ? 0 : found - policy.steps.begin() + 1;
    return readDropped(tokens, policy);
  }

  llvm::Error readDropped(const json::Object &tokens, TokenPolicy &policy) {
    StringRef word = tokens.getString("dropped").value_or(tokens.get("dropped") ? "" : "refuse");
    auto dropped = llvm::StringSwitch<std::optional<Dropped>>(word)
                       .Case("refuse", Dropped::Refuse)
                       .Case("zeros", Dropped::Zeros)
                       .Case("restore", Dropped::Restore)
                       .Case("merged", Dropped::Merged)
                       .Default(std::nullopt);
    if (!dropped)
      return policyError(path, "its 'dropped' is neither refuse, zeros, restore nor merged");
    if (*dropped == Dropped::Restore && !policy.merges.empty())
      return policyError(
          path, "its 'dropped' is restore, which puts back what 'prune' leaves out, and nothing that "
                "'merge' merges; take zeros or, without 'prune', merged");
    if (*dropped == Dropped::Merged && (policy.merges.empty() || !policy.points.empty()))
      return policyError(
          path, "its 'dropped' is merged, which is for 'merge' without 'prune': a row that is left out "
                "is in no other");
    policy.dropped = *dropped;
    bool restores = *dropped == Dropped::Restore;
    for (const PrunePoint &point : policy.points)
      if (point.restore.bias.empty() == restores)
        return policyError(
            path, "each element of 'prune' needs a 'restore' where 'dropped' is restore, and none has "
                  "one elsewhere");
    StringRef poolWord = tokens.getString("pool").value_or(
        tokens.get("pool") ? "" : (policy.merges.empty() ? "kept" : "weighted"));
    auto pool = llvm::StringSwitch<std::optional<Pool>>(poolWord)
                    .Case("kept", Pool::Kept)
                    .Case("weighted", Pool::Weighted)
                    .Case("mapped", Pool::Mapped)
                    .Default(std::nullopt);
    if (!pool)
      return policyError(path, "its 'pool' is neither kept, weighted nor mapped");
    policy.pool = *pool;
    if (*pool == Pool::Mapped && !restores)
      return policyError(path, "its 'pool' is mapped, and its 'dropped' is not restore");
    if (*pool == Pool::Weighted && policy.merges.empty())
      return policyError(
          path, "its 'pool' is weighted, by the tokens that were merged into each row, and it has no "
                "'merge'");
    return llvm::Error::success();
  }

private:
  StringRef path;
};
} // namespace

template <typename Point> static int64_t settingsBefore(llvm::ArrayRef<Point> points) {
  int64_t count = 0;
  for (const Point &point : points)
    count += static_cast<int64_t>(point.lengths.size()) + 1;
  return count;
}

int64_t TokenPolicy::settingOf(const PrunePoint &point) const {
  return settingsBefore(llvm::ArrayRef(points.data(), &point));
}

int64_t TokenPolicy::settingOf(const MergePoint &point) const {
  return settingsBefore(llvm::ArrayRef(points)) + settingsBefore(llvm::ArrayRef(merges.data(), &point));
}

llvm::Expected<TokenPolicy> TokenPolicy::read(StringRef path) {
  llvm::Expected<json::Object> root = readPolicyFile(path);
  if (!root)
    return root.takeError();
  TokenPolicy policy;
  const json::Value *tokens = root->get("tokens");
  if (!tokens)
    return policy;
  if (!tokens->getAsObject())
    return policyError(path, "its 'tokens' is no object");
  if (llvm::Error error = Reader(path).readTokens(*tokens->getAsObject(), policy))
    return error;
  return policy;
}
