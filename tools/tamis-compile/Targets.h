//===- Targets.h - The ISA levels that code is made for ------------------------------------------------===//
#ifndef TAMIS_TOOLS_TARGETS_H
#define TAMIS_TOOLS_TARGETS_H

#include "llvm/ADT/ArrayRef.h"

#include <string>
#include <vector>

namespace tamis::tools {

/// Whether this machine runs code of a level.
bool hostRuns(llvm::StringRef isa);

/// The levels of --target, the best first, for a model whose layers have these precisions; all that matter to
/// them when none is named. `hasInt8` says that the model has products of int8 of its own. Empty after an
/// error.
std::vector<std::string> resolveTargets(llvm::ArrayRef<std::string> targets,
                                        llvm::ArrayRef<std::string> precisions, bool hasInt8,
                                        std::string &error);

} // namespace tamis::tools

#endif
