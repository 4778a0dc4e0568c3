//===- InputText.h - Inputs as the command line spells them ----------------------===//
//
//   NAME=@F.npy                      an npy file
//   NAME=2x2xi64=[[1 2][3 4]]        elements, separated by blanks or commas
//   NAME=2x2xi64=0                   every element the same
//   NAME=2x2xi64=@F.bin              raw little-endian elements
//   NAME=i64=5                       a scalar
//
//===----------------------------------------------------------------------------===//
#ifndef TAMIS_TOOLS_INPUTTEXT_H
#define TAMIS_TOOLS_INPUTTEXT_H

#include "Tensor.h"

#include <utility>

namespace tamis::tools {

/// Reads one input. Throws ToolError: Usage where the text is malformed, Refused or System where the file
/// it names is.
std::pair<std::string, Tensor> parseInputText(std::string_view text);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_INPUTTEXT_H
