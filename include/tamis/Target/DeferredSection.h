//===- DeferredSection.h - Sections whose bytes come after the ELF file around them --------------------===//
#ifndef TAMIS_TARGET_DEFERREDSECTION_H
#define TAMIS_TARGET_DEFERREDSECTION_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace tamis {

/// The assembly of a constant of `bytes` bytes, for which an object takes no room: its section has the type
/// SHT_NOBITS until appendSection. The section is a large one (SHF_X86_64_LARGE): linkers keep it clear of
/// what code reaches by 32-bit displacements, so that it may be larger than 2 GiB.
std::string declareDeferred(llvm::StringRef symbol, uint64_t bytes);

/// The linker script that gives declareDeferred's section a segment of its own behind all others in a shared
/// library, at a multiple of `alignment`, which is one of a page.
std::string placeDeferredLast(uint64_t alignment);

/// Gives `symbol`'s section, in an object or a shared library, the type SHT_PROGBITS, the alignment, and a
/// place in the file behind all that `file` holds. Returns that place: whoever writes the file must write the
/// section's bytes there.
llvm::Expected<uint64_t> appendSection(llvm::MutableArrayRef<char> file, llvm::StringRef symbol,
                                       uint64_t alignment);

/// The bytes of a symbol in an object or a shared library, to be changed in place.
llvm::Expected<llvm::MutableArrayRef<char>> bytesOfSymbol(llvm::MutableArrayRef<char> file,
                                                          llvm::StringRef symbol);

} // namespace tamis

#endif
