//===- KeptReaders.cpp - Ops that read rows of which some may be gone ---------------------------------===//
#include "KeptReaders.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::token;

/// How many of the first rows of a sequence stay at every place.
static int64_t protectedFirst(const TokenPolicy &policy) {
  int64_t first = INT64_MAX;
  for (const PrunePoint &point : policy.points)
    first = std::min(first, point.first);
  for (const MergePoint &point : policy.merges)
    first = std::min(first, point.first);
  return first;
}

LogicalResult tamis::token::checkKeptReaders(ModuleOp module, const TokenPolicy &policy) {
  LogicalResult result = success();
  module.walk([&](Operation *op) {
    auto isCut = [](Value rows) { return isa_and_nonnull<GatherOp>(rows.getDefiningOp()); };
    if (auto first = dyn_cast<FirstOp>(op);
        first && isCut(first.getRows()) &&
        static_cast<int64_t>(first.getPosition()) >= protectedFirst(policy))
      result = first.emitError("the model reads the token at place ")
               << first.getPosition()
               << " of each sequence, which the policy does not protect; set 'first' to "
               << first.getPosition() + 1 << " at least";
    auto unpack = dyn_cast<UnpackOp>(op);
    if (!unpack || !isCut(unpack.getRows()) || policy.dropped != Dropped::Refuse)
      return;
    if (policy.points.empty())
      result = unpack.emitError("an output has a row for each token, also for those that the policy merges "
                                "into others; set 'dropped' to "
                                "\"merged\", so that it has the row that each was merged into, or to "
                                "\"zeros\" if nobody reads those rows");
    else if (!policy.merges.empty())
      result =
          unpack.emitError("an output has a row for each token, also for those that the policy leaves out "
                           "or merges into others; set 'dropped' to \"zeros\" if nobody reads those rows");
    else
      result = unpack.emitError(
          "an output has a row for each token, also for those that the policy leaves out; set "
          "'dropped' to \"zeros\" if nobody reads those rows, or make a policy that restores them with "
          "'tamis calibrate --restore'");
  });
  return result;
}
