//===- ObjectEmitter.h - The LLVM dialect to an ELF object, for one ISA level
//----------------------------===//
#ifndef TAMIS_TARGET_OBJECTEMITTER_H
#define TAMIS_TARGET_OBJECTEMITTER_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/SmallVector.h"

namespace llvm {
class LLVMContext;
class Module;
} // namespace llvm

namespace tamis {

struct ObjectOptions {
  /// The name of an ISA level (tamis/Codegen/ISALevel.h).
  std::string isa;
  /// The entry function's symbol.
  std::string entry = "tamis_entry";
  /// Define memcpy, memmove and memset, so that the object needs no C library. An object for a program's own
  /// linker leaves them to it.
  bool freestanding = true;
  /// Assembly rather than an object.
  bool assembly = false;
};

/// Translates a module of the LLVM dialect to optimised LLVM IR. On failure an error was emitted.
mlir::FailureOr<std::unique_ptr<llvm::Module>>
makeLLVMModule(mlir::ModuleOp module, llvm::LLVMContext &context, const ObjectOptions &options);

/// Emits an LLVM module whose functions name their target CPUs, as an object or as assembly.
mlir::FailureOr<llvm::SmallVector<char, 0>> emitLLVMModule(llvm::Module &code, bool assembly,
                                                           mlir::Location loc);

/// Translates a module of the LLVM dialect to LLVM IR, optimises it and emits it. The module must hold
/// nothing else but weight.source and weight.recipe. On failure an error was emitted.
mlir::FailureOr<llvm::SmallVector<char, 0>> emitObject(mlir::ModuleOp module, const ObjectOptions &options);

/// The optimised LLVM IR as text.
mlir::FailureOr<std::string> emitLLVMText(mlir::ModuleOp module, const ObjectOptions &options);

} // namespace tamis

#endif
