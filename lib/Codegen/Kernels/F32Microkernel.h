//===- F32Microkernel.h - Outer products of f32 in vector registers -----------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_F32MICROKERNEL_H
#define TAMIS_LIB_CODEGEN_KERNELS_F32MICROKERNEL_H

#include "tamis/Codegen/Kernels/Microkernel.h"

namespace tamis {

/// What all ISA levels with vectors of f32 and a fused multiply-add share: tiles as loops over k of outer
/// products.
class F32Microkernel : public Microkernel {
public:
  OperandKind operandKind() const override { return OperandKind::F32; }
  void emitTile(Emitter &e, int64_t rows, int64_t panels, const Matrix &a, const Panels &b, mlir::Value depth,
                const Matrix &out) const override;
};

std::unique_ptr<Microkernel> createAVX2Microkernel();
std::unique_ptr<Microkernel> createAVX512Microkernel();

} // namespace tamis

#endif
