//===- WordPointers.cpp - Pointers into buffers of words of 32 bits ------------------------------------===//
#include "WordPointers.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace tamis;

/// The address of word `at` of a flat buffer, made opaque by an empty piece of assembly. LLVM would else
/// take the computation of a row's address apart and, short of registers, repeat it at every step of the
/// loop.
static Value opaquePointer(Emitter &e, Value flat, Value at) {
  auto metadata = memref::ExtractStridedMetadataOp::create(e, flat);
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(e, flat);
  int64_t bytes = cast<MemRefType>(flat.getType()).getElementTypeBitWidth() / 8;
  Value begin = e.madd(metadata.getOffset(), e.index(bytes), base);
  Value address = e.madd(at, e.index(sizeof(float)), begin);
  Type pointer = LLVM::LLVMPointerType::get(e.getContext());
  Value number = arith::IndexCastOp::create(e, e.getI64Type(), address);
  Value raw = LLVM::IntToPtrOp::create(e, pointer, number);
  auto opaque = LLVM::InlineAsmOp::create(
      e, pointer, ValueRange{raw}, /*asm_string=*/"", /*constraints=*/"=r,0", /*has_side_effects=*/false,
      /*is_align_stack=*/false, LLVM::TailCallKind::None,
      LLVM::AsmDialectAttr::get(e.getContext(), LLVM::AsmDialect::AD_ATT), /*operand_attrs=*/ArrayAttr());
  return opaque.getResult(0);
}

/// The place `words` words of 32 bits behind a pointer.
static Value wordsBehind(Emitter &e, Value pointer, Value words) {
  Value number = arith::IndexCastOp::create(e, e.getI64Type(), words);
  return LLVM::GEPOp::create(e, pointer.getType(), e.getF32Type(), pointer, ValueRange{number});
}

SmallVector<Value> tamis::pointersTo(Emitter &e, Value flat, Value offset, Value stride, int64_t count) {
  SmallVector<Value> pointers{opaquePointer(e, flat, offset)};
  auto known = getConstantIntValue(stride);
  for (int64_t i = 1; i < count; ++i) {
    if (!known) {
      pointers.push_back(opaquePointer(e, flat, e.madd(e.index(i), stride, offset)));
      continue;
    }
    // A constant distance becomes part of an instruction, and takes no register.
    Type pointer = pointers.front().getType();
    pointers.push_back(LLVM::GEPOp::create(e, pointer, e.getF32Type(), pointers.front(),
                                           ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i * *known)}));
  }
  return pointers;
}

void tamis::prefetchWord(Emitter &e, Value pointer, Value word, int64_t level) {
  LLVM::Prefetch::create(e, wordsBehind(e, pointer, word), /*rw=*/0, /*hint=*/4 - level, /*cache=*/1);
}

Value tamis::loadWords(Emitter &e, Type type, Value pointer, Value word) {
  return LLVM::LoadOp::create(e, type, wordsBehind(e, pointer, word), /*alignment=*/sizeof(float));
}
