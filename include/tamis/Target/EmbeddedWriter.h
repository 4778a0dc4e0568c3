//===- EmbeddedWriter.h - Models as objects and shared libraries
//---------------------------------------------===//
#ifndef TAMIS_TARGET_EMBEDDEDWRITER_H
#define TAMIS_TARGET_EMBEDDEDWRITER_H

#include "tamis/Target/ArtifactWriter.h"

namespace tamis {

struct EmbeddedOptions {
  /// Begins every symbol: a C identifier.
  std::string prefix;
  /// The weights go to PREFIX.weights beside the output rather than into it.
  bool weightsBeside = false;
  /// A shared library rather than an object.
  bool shared = false;
};

/// A C identifier from a file's name: "out/mini-lm.o" gives "mini_lm".
std::string symbolPrefix(llvm::StringRef output);

/// Writes an ELF object (or shared library) with the code of each variant, which is a module of the LLVM
/// dialect for an ISA level, best first, and beside it a header of the same name with the suffix .h. `module`
/// has the weights' recipes.
llvm::Error writeEmbedded(llvm::StringRef path, mlir::ModuleOp module, const ModelDescription &model,
                          llvm::ArrayRef<std::pair<std::string, mlir::ModuleOp>> variants,
                          const EmbeddedOptions &options);

/// The C header that goes with it.
std::string makeCHeader(const ModelDescription &model, const EmbeddedOptions &options);

} // namespace tamis

#endif
