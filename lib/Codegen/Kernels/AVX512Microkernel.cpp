//===- AVX512Microkernel.cpp - f32 tiles for x86-64-v4 ------------------------------------------------===//
#include "F32Microkernel.h"

using namespace tamis;

namespace {
/// 6 x 64: 24 of the 32 registers accumulate, 4 hold a row of the panels, 1 an element of the left factor.
class AVX512Microkernel : public F32Microkernel {
public:
  llvm::StringRef isa() const override { return "x86-64-v4"; }
  int64_t vectorWidth() const override { return 16; }
  int64_t maxRows() const override { return 6; }
  int64_t panels(int64_t rows) const override { return 4; }
};
} // namespace

std::unique_ptr<Microkernel> tamis::createAVX512Microkernel() {
  return std::make_unique<AVX512Microkernel>();
}
