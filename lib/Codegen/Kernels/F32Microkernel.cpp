//===- F32Microkernel.cpp - Outer products of f32 in vector registers ---------------------------------===//
#include "F32Microkernel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace tamis;

/// The address of element `at` of a flat buffer, made opaque by an empty piece of assembly. LLVM would else
/// take the computation of a row's address apart and, short of registers, repeat it at every step of the
/// loop.
static Value opaquePointer(Emitter &e, Value flat, Value at) {
  auto metadata = memref::ExtractStridedMetadataOp::create(e, flat);
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(e, flat);
  Value address = e.madd(e.add(metadata.getOffset(), at), e.index(sizeof(float)), base);
  Type pointer = LLVM::LLVMPointerType::get(e.getContext());
  Value number = arith::IndexCastOp::create(e, e.getI64Type(), address);
  Value raw = LLVM::IntToPtrOp::create(e, pointer, number);
  auto opaque = LLVM::InlineAsmOp::create(
      e, pointer, ValueRange{raw}, /*asm_string=*/"", /*constraints=*/"=r,0", /*has_side_effects=*/false,
      /*is_align_stack=*/false, LLVM::TailCallKind::None,
      LLVM::AsmDialectAttr::get(e.getContext(), LLVM::AsmDialect::AD_ATT), /*operand_attrs=*/ArrayAttr());
  return opaque.getResult(0);
}

/// Loads the floats from `index` on behind a pointer.
static Value loadAt(Emitter &e, Type type, Value pointer, Value index) {
  Value number = arith::IndexCastOp::create(e, e.getI64Type(), index);
  Value address = LLVM::GEPOp::create(e, pointer.getType(), e.getF32Type(), pointer, ValueRange{number});
  return LLVM::LoadOp::create(e, type, address, /*alignment=*/sizeof(float));
}

void F32Microkernel::emitTile(Emitter &e, int64_t rows, int64_t panels, const Matrix &a, const Panels &b,
                              Value depth, const Matrix &out) const {
  int64_t width = vectorWidth(), vectors = panelColumns / width, columns = panels * vectors;
  int64_t chains = rows * columns;
  // At least 8 independent chains keep two fused multiply-adds of latency 4 a cycle busy: narrow tiles sum
  // even and odd k (and so on) apart.
  int64_t sets = 1;
  while (chains * sets < 8 && chains * sets * 2 <= 12)
    sets *= 2;

  SmallVector<Value> aRows, bPanels;
  for (int64_t i = 0; i < rows; ++i)
    aRows.push_back(opaquePointer(e, a.data, e.madd(e.index(i), a.stride, a.offset)));
  for (int64_t p = 0; p < panels; ++p)
    bPanels.push_back(opaquePointer(e, b.data, e.madd(e.index(p), b.panelStride, b.offset)));

  // Adds the outer product at k to the accumulators [first, first + chains).
  auto step = [&](Value k, MutableArrayRef<Value> accumulators) {
    Value bRow = e.mul(k, b.stride);
    SmallVector<Value> bVectors;
    for (int64_t p = 0; p < panels; ++p)
      for (int64_t v = 0; v < vectors; ++v)
        bVectors.push_back(loadAt(e, e.vectorType(), bPanels[p], e.add(bRow, v * width)));
    for (int64_t i = 0; i < rows; ++i) {
      Value element = e.splat(loadAt(e, e.getF32Type(), aRows[i], k));
      for (int64_t j = 0; j < columns; ++j) {
        Value &accumulator = accumulators[i * columns + j];
        accumulator = e.fma(element, bVectors[j], accumulator);
      }
    }
  };

  Value whole = e.mul(e.div(depth, sets), sets);
  SmallVector<Value> sums(chains * sets, e.vector(0));
  sums = e.loop(e.index(0), whole, e.index(sets), sums, [&](Value k, ValueRange carried) {
    Emitter::Values next(carried);
    for (int64_t s = 0; s < sets; ++s)
      step(e.add(k, s), MutableArrayRef<Value>(next).slice(s * chains, chains));
    return next;
  });
  for (int64_t n = sets; n > 1; n /= 2)
    for (int64_t i = 0; i < chains * n / 2; ++i)
      sums[i] = e.addF(sums[i], sums[i + chains * n / 2]);
  sums.resize(chains);
  if (sets > 1)
    sums = e.loop(whole, depth, e.index(1), sums, [&](Value k, ValueRange carried) {
      Emitter::Values next(carried);
      step(k, next);
      return next;
    });
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      e.storeVector(sums[i * columns + j], out.data,
                    e.add(e.madd(e.index(i), out.stride, out.offset), j * width));
}

std::unique_ptr<Microkernel> Microkernel::get(StringRef isa, OperandKind kind) {
  if (kind != OperandKind::F32)
    return nullptr;
  if (isa == "x86-64-v3")
    return createAVX2Microkernel();
  if (isa == "x86-64-v4")
    return createAVX512Microkernel();
  return nullptr;
}
