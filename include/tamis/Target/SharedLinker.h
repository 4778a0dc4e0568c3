//===- SharedLinker.h - Makes a shared library of one object
//-----------------------------------------------------===//
#ifndef TAMIS_TARGET_SHAREDLINKER_H
#define TAMIS_TARGET_SHAREDLINKER_H

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace tamis {

/// Links an ELF object, both in memory, to the shared library that will be at `path` and whose program links
/// libtamis_runtime, with LLD as a library. `script` is a linker script that adds to the usual layout.
llvm::Expected<llvm::SmallVector<char, 0>> linkShared(llvm::StringRef path, llvm::StringRef object,
                                                      llvm::StringRef script);

} // namespace tamis

#endif
