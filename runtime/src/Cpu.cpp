//===- Cpu.cpp - ISA levels and the cores of this process -----------------------------------------------===//
#include "Cpu.h"
#include <cpuid.h>
#include <cstdio>
#include <cstring>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace tamis;

namespace {
struct Features {
  bool v3 = false, v3Vnni = false, v4 = false, v4Vnni = false, v4Bf16 = false, v4Amx = false;
};

struct Level {
  const char *name;
  bool Features::*supported;
};
} // namespace

// From the lowest to the highest.
static constexpr Level kLevels[] = {
    {"x86-64-v3", &Features::v3},          {"x86-64-v3-vnni", &Features::v3Vnni},
    {"x86-64-v4", &Features::v4},          {"x86-64-v4-vnni", &Features::v4Vnni},
    {"x86-64-v4-bf16", &Features::v4Bf16}, {"x86-64-v4-amx", &Features::v4Amx}};
static constexpr int kLevelCount = sizeof(kLevels) / sizeof(kLevels[0]);

// The vector registers that the operating system saves: without them an instruction faults though the CPU
// has it.
static uint64_t savedRegisters() {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

// Linux hands out the tile registers, which are 8 KiB of state, to a process that asks; the permission holds
// for all its threads, those that exist too.
static bool mayUseTiles() {
  constexpr int kRequestPermission = 0x1023, kTileData = 18; // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

static bool has(uint32_t registerValue, uint32_t mask) { return (registerValue & mask) == mask; }

static Features readFeatures() {
  Features features;
  uint32_t a, b, c, d, extended = 0, b7, c7, d7;
  if (!__get_cpuid(1, &a, &b, &c, &d) || !has(c, bit_OSXSAVE))
    return features;
  uint32_t basic = c;
  if (__get_cpuid(0x80000001, &a, &b, &c, &d))
    extended = c;
  if (!__get_cpuid_count(7, 0, &a, &b7, &c7, &d7))
    return features;
  uint64_t saved = savedRegisters();
  constexpr uint64_t kYmm = 0x6, kZmm = 0xe6, kTiles = 0x60000;
  features.v3 = (saved & kYmm) == kYmm && has(basic, bit_AVX | bit_FMA | bit_F16C | bit_MOVBE | bit_POPCNT) &&
                has(b7, bit_AVX2 | bit_BMI | bit_BMI2) && has(extended, bit_ABM);
  features.v4 = features.v3 && (saved & kZmm) == kZmm &&
                has(b7, bit_AVX512F | bit_AVX512BW | bit_AVX512CD | bit_AVX512DQ | bit_AVX512VL);
  uint32_t a1 = 0;
  __get_cpuid_count(7, 1, &a1, &b, &c, &d);
  constexpr uint32_t kAvxVnni = 1 << 4, kBf16 = 1 << 5, kFp16 = 1 << 23;
  features.v3Vnni = features.v3 && has(a1, kAvxVnni);
  features.v4Vnni = features.v4 && has(c7, bit_AVX512VNNI);
  features.v4Bf16 = features.v4Vnni && has(a1, kBf16);
  constexpr uint32_t kAmx = 1u << 22 | 1u << 24 | 1u << 25; // bf16, tile, int8
  features.v4Amx = features.v4Bf16 && has(d7, kAmx | kFp16) && (saved & kTiles) == kTiles;
  return features;
}

int tamis::isaRank(const char *isa) {
  for (int i = 0; i < kLevelCount; ++i)
    if (strcmp(isa, kLevels[i].name) == 0) {
      bool supported = readFeatures().*kLevels[i].supported;
      bool needsTiles = kLevels[i].supported == &Features::v4Amx;
      return supported && (!needsTiles || mayUseTiles()) ? i + 1 : 0;
    }
  return 0;
}

bool tamis::isaKnown(const char *isa) {
  for (const Level &level : kLevels)
    if (strcmp(isa, level.name) == 0)
      return true;
  return false;
}

void tamis::describeCpu(char *text, size_t bytes) {
  Features features = readFeatures();
  size_t used = 0;
  snprintf(text, bytes, "none");
  for (const Level &level : kLevels)
    if (features.*level.supported && used < bytes)
      used += size_t(snprintf(text + used, bytes - used, "%s%s", used ? ", " : "", level.name));
}

int32_t tamis::coreCount() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof(cores), &cores) != 0)
    return 1; // more than CPU_SETSIZE cores; the caller can still say how many threads
  int count = CPU_COUNT(&cores);
  return count < 1 ? 1 : count;
}
