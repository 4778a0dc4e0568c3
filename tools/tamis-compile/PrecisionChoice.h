//===- PrecisionChoice.h - The quickest precision whose error is small enough --------------------------===//
#ifndef TAMIS_TOOLS_PRECISIONCHOICE_H
#define TAMIS_TOOLS_PRECISIONCHOICE_H

#include "Compilation.h"

namespace tamis::tools {

/// What --precision, --inputs and --max-error come to; precisions are compiled and run where inputs are
/// given. Throws ToolError; one without a message after errors of the compiler, which were printed.
Setting choosePrecision(const CompileOptions &options);

} // namespace tamis::tools

#endif
