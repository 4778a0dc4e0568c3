//===- KeptTokens.cpp - Which tokens of a run stay, and how far -------------------------===//

#include "KeptTokens.h"

namespace tamis::tools {

void KeptTokens::observe(void *user, const TamisTokenObservation *observation) {
  auto *self = static_cast<KeptTokens *>(user);
  // Generated code is not to be unwound.
  try {
    std::vector<int64_t> kept(observation->places, observation->places + observation->kept);
    // A place numbers the rows that the one before has left.
    if (!self->places.empty())
      for (int64_t &place : kept)
        place = self->places.back().at(static_cast<size_t>(place));
    self->places.push_back(std::move(kept));
  } catch (...) {
    self->thrown = std::current_exception();
  }
}

const std::vector<std::vector<int64_t>> &KeptTokens::ofRun() const {
  if (thrown)
    std::rethrow_exception(thrown);
  return places;
}

} // namespace tamis::tools
