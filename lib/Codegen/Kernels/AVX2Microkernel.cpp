//===- AVX2Microkernel.cpp - f32 tiles for x86-64-v3 --------------------------------------------------===//
#include "F32Microkernel.h"

using namespace tamis;

namespace {
/// 6 x 16: 12 of the 16 registers accumulate, 2 hold a row of the panel, 1 an element of the left factor.
/// Below 3 rows a tile is 32 or 64 columns wide, to have 8 chains.
class AVX2Microkernel : public F32Microkernel {
public:
  llvm::StringRef isa() const override { return "x86-64-v3"; }
  int64_t vectorWidth() const override { return 8; }
  int64_t maxRows() const override { return 6; }
  int64_t panels(int64_t rows) const override { return rows == 1 ? 4 : rows == 2 ? 2 : 1; }
};
} // namespace

std::unique_ptr<Microkernel> tamis::createAVX2Microkernel() { return std::make_unique<AVX2Microkernel>(); }
