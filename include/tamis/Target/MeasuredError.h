//===- MeasuredError.h - How far outputs are from those at f32 -----------------------------------------===//
#ifndef TAMIS_TARGET_MEASUREDERROR_H
#define TAMIS_TARGET_MEASUREDERROR_H

#include <cstdint>
#include <string>

namespace tamis {

/// The largest absolute difference of an output from that at f32, on the inputs of a file.
struct MeasuredError {
  double error = 0, bound = -1; ///< what it is, and what it may be; -1: anything
  std::string isa;              ///< of the code that ran
  std::string inputs;           ///< name of the file
  uint64_t inputsHash = 0;
};

} // namespace tamis

#endif
