//===- ISALevel.h - The sets of instructions that code is made for ------------------------------------===//
#ifndef TAMIS_CODEGEN_ISALEVEL_H
#define TAMIS_CODEGEN_ISALEVEL_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace tamis {

/// A level: what `--target` names, what an artifact has code for, and what the runtime looks for in the CPU
/// (runtime/src/Cpu.cpp has the same names in the same order).
struct ISALevel {
  llvm::StringRef name;
  llvm::StringRef cpu;      ///< LLVM's name of the base
  llvm::StringRef features; ///< what it has beyond the base, as LLVM spells it
  int64_t lanes;            ///< 32-bit lanes of a vector
  bool vnni;                ///< vpdpbusd
  bool bf16;                ///< vdpbf16ps and vcvtneps2bf16
  bool amx;                 ///< tiles of bf16 and int8
};

/// All levels, best first.
llvm::ArrayRef<ISALevel> isaLevels();
/// The level of a name, or null.
const ISALevel *lookupISALevel(llvm::StringRef name);
/// "x86-64-v4, x86-64-v3": all names, for messages.
std::string isaLevelNames();

} // namespace tamis

#endif
