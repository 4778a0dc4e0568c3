//===- Targets.cpp - The ISA levels that code is made for ----------------------------------------------===//
#include "Targets.h"

#include "tamis/Codegen/ISALevel.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

using namespace llvm;
using namespace tamis;

/// Whether the code of a level is another than that of the levels below, for a precision.
static bool matters(const ISALevel &level, StringRef precision) {
  bool isPlain = level.features.empty();
  if (precision == "int8" || precision == "int4")
    return !level.bf16 || level.amx;
  if (precision == "bf16")
    return isPlain || level.bf16;
  if (precision == "split-f32")
    return isPlain || level.amx;
  return isPlain;
}

/// The levels whose code differs, the best first.
static std::vector<StringRef> levelsOf(ArrayRef<std::string> precisions, bool hasInt8) {
  std::vector<StringRef> names;
  for (const ISALevel &level : isaLevels()) {
    if ((hasInt8 && matters(level, "int8")) || llvm::any_of(precisions, [&](StringRef precision) {
          // Attentions multiply bf16 under int8 and int4.
          return matters(level, precision) || (precision.starts_with("int") && level.bf16);
        }))
      names.push_back(level.name);
  }
  return names;
}

bool tools::hostRuns(StringRef isa) {
  const ISALevel &level = *lookupISALevel(isa);
  llvm::StringMap<bool> features = llvm::sys::getHostCPUFeatures();
  SmallVector<StringRef> needed{"avx2", "fma", "bmi2", "f16c"}, more;
  if (level.lanes == 16)
    needed.append({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"});
  level.features.split(more, ',', -1, /*KeepEmpty=*/false);
  for (StringRef feature : more)
    needed.push_back(feature.drop_front());
  return llvm::all_of(needed, [&](StringRef feature) { return features.lookup(feature); });
}

std::vector<std::string> tools::resolveTargets(ArrayRef<std::string> targets,
                                               ArrayRef<std::string> precisions, bool hasInt8,
                                               std::string &error) {
  std::vector<StringRef> known = levelsOf(precisions, hasInt8);
  SmallVector<StringRef> wanted(targets.begin(), targets.end());
  if (wanted.empty())
    wanted.append(known.begin(), known.end());
  for (StringRef &name : wanted) {
    if (name != "native")
      continue;
    auto best = llvm::find_if(known, hostRuns);
    if (best == known.end()) {
      error = "this machine has no ISA level that Tamis makes code for; name one with --target";
      return {};
    }
    name = *best;
  }
  // The best first, whatever the order of the flag.
  std::vector<std::string> isas;
  for (const ISALevel &level : isaLevels())
    if (llvm::is_contained(wanted, level.name))
      isas.push_back(level.name.str());
  return isas;
}
