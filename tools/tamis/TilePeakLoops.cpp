//===- TilePeakLoops.cpp - Multiply-adds on the tile registers of AMX ------------------===//

#include "PeakLoops.h"

namespace {

/// What ldtilecfg reads: every tile has 16 rows of 64 bytes.
struct alignas(64) TileConfiguration {
  uint8_t palette = 1, startRow = 0, reserved[14] = {};
  uint16_t rowBytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static_assert(sizeof(TileConfiguration) == 64);

constexpr TileConfiguration configuration;

} // namespace

// Tiles 0 to 5 are the sums, 6 and 7 the factors: an instruction that names a tile twice is illegal.
#define EACH_SUM(instructions) ".irp sum,0,1,2,3,4,5\n" instructions "\n.endr\n"

#define MULTIPLY_ADD_LOOP(name, instruction)                                                                 \
  void tamis::tools::name(const void *operand, int64_t steps) {                                              \
    __asm__ volatile(                                                                                        \
        "ldtilecfg %[configuration]\n"                                                                       \
        "tileloadd (%[operand],%[stride]), %%tmm6\n"                                                         \
        "tileloadd (%[operand],%[stride]), %%tmm7\n" EACH_SUM(                                               \
            "tilezero %%tmm\\sum") ".p2align 5\n"                                                            \
                                   "1:\n" EACH_SUM(instruction                                               \
                                                   " %%tmm6, %%tmm7, %%tmm\\sum") "dec %[steps]\n"           \
                                                                                  "jnz 1b\n"                 \
                                                                                  "tilerelease\n"            \
        : [steps] "+r"(steps)                                                                                \
        : [operand] "r"(operand), [stride] "r"(int64_t{64}), [configuration] "m"(configuration)              \
        : "cc", "memory");                                                                                   \
  }

// No compiler keeps anything in tiles, and not all know their names.
MULTIPLY_ADD_LOOP(multiplyAddBF16Amx, "tdpbf16ps")
MULTIPLY_ADD_LOOP(multiplyAddI8Amx, "tdpbusd")
