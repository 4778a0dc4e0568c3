//===- CodeImage.h - A flat image of code that needs no linker
//-------------------------------------------===//
#ifndef TAMIS_TARGET_CODEIMAGE_H
#define TAMIS_TARGET_CODEIMAGE_H

#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/SmallVector.h"

namespace tamis {

/// Position-independent code and its constants, laid out as they lie in memory: constants first, then, from a
/// page boundary on, the code. Nothing is left to relocate.
struct CodeImage {
  llvm::SmallVector<char, 0> bytes;
  uint64_t textOffset = 0;
  uint64_t entryOffset = 0;
};

/// Links one ELF object into an image. Fails with an error at `loc` when the object refers to a symbol that
/// it does not define, has data that code may write, or holds an absolute address.
mlir::FailureOr<CodeImage> linkImage(llvm::ArrayRef<char> object, llvm::StringRef entry, mlir::Location loc);

} // namespace tamis

#endif
