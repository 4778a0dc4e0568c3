//===- ISALevel.cpp - The sets of instructions that code is made for ----------------------------------===//
#include "tamis/Codegen/ISALevel.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace tamis;

static constexpr llvm::StringLiteral vnni512 = "+avx512vnni";
static constexpr llvm::StringLiteral bf16 = "+avx512vnni,+avx512bf16";
static constexpr llvm::StringLiteral amx =
    "+avx512vnni,+avx512bf16,+avx512fp16,+amx-tile,+amx-bf16,+amx-int8";

llvm::ArrayRef<ISALevel> tamis::isaLevels() {
  static const ISALevel levels[] = {
      {"x86-64-v4-amx", "x86-64-v4", amx, 16, true, true, true},
      {"x86-64-v4-bf16", "x86-64-v4", bf16, 16, true, true, false},
      {"x86-64-v4-vnni", "x86-64-v4", vnni512, 16, true, false, false},
      {"x86-64-v4", "x86-64-v4", "", 16, false, false, false},
      {"x86-64-v3-vnni", "x86-64-v3", "+avxvnni", 8, true, false, false},
      {"x86-64-v3", "x86-64-v3", "", 8, false, false, false},
  };
  return levels;
}

const ISALevel *tamis::lookupISALevel(llvm::StringRef name) {
  const ISALevel *level = llvm::find_if(isaLevels(), [&](const ISALevel &l) { return l.name == name; });
  return level == isaLevels().end() ? nullptr : level;
}

std::string tamis::isaLevelNames() {
  return llvm::join(llvm::map_range(isaLevels(), [](const ISALevel &level) { return level.name; }), ", ");
}
