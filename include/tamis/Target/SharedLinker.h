//===- SharedLinker.h - Makes a shared library of one object
//-----------------------------------------------------===//
#ifndef TAMIS_TARGET_SHAREDLINKER_H
#define TAMIS_TARGET_SHAREDLINKER_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace tamis {

/// Links an ELF object in memory to a shared library at `path`, whose program links libtamis_runtime, with
/// LLD as a library.
llvm::Error linkShared(llvm::StringRef path, llvm::StringRef object);

} // namespace tamis

#endif
