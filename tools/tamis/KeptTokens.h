//===- KeptTokens.h - Which tokens of a run stay, and how far ---------------------------===//
#ifndef TAMIS_TOOLS_KEPTTOKENS_H
#define TAMIS_TOOLS_KEPTTOKENS_H

#include "tamis/runtime.h"

#include <exception>
#include <vector>

namespace tamis::tools {

/// Follows the tokens of a run through the places where some are left out.
class KeptTokens {
public:
  /// A TamisTokenObserver; `user` is the object.
  static void observe(void *user, const TamisTokenObservation *observation);
  /// To be called in front of each run.
  void beginRun() { places.clear(); }
  /// Of each place of the last run, in order, the numbers of the tokens that go on: ascending, from 0 on
  /// among the real tokens of all sequences. Throws what went wrong while they were observed.
  const std::vector<std::vector<int64_t>> &ofRun() const;

private:
  std::vector<std::vector<int64_t>> places;
  std::exception_ptr thrown;
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_KEPTTOKENS_H
