//===- ImportONNX.h - ONNX files to the onnx dialect ---------------------------------------------------===//
#ifndef TAMIS_IMPORT_IMPORTONNX_H
#define TAMIS_IMPORT_IMPORTONNX_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include <string>
#include <vector>

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace tamis {

/// What --dim NAME=N (min equals max) or NAME=MIN..MAX says of a symbolic dimension.
struct DimensionOverride {
  std::string name;
  int64_t min = 0, max = 0;
};

struct ImportOptions {
  std::vector<DimensionOverride> dimensions;
};

enum class ImportError {
  None,
  Refused, // The file is no model, is invalid, or holds what is not supported.
  System   // The file could not be read.
};

/// Reads the model at `path` and builds its module: func.func @main of onnx ops, and weight.source symbols
/// that point into the model's files. The module carries `weight.folder`, the absolute folder of those files,
/// and `onnx.dim_bounds`, a dictionary of array<i64: min, max>, where bounds were given. Errors are reported
/// through the context's diagnostics, all unsupported nodes of the model, each at its node's name; `error`
/// says of which kind they are. The context must hold the dialects of addImportDialects.
llvm::FailureOr<mlir::OwningOpRef<mlir::ModuleOp>> importONNX(mlir::MLIRContext &context,
                                                              llvm::StringRef path,
                                                              const ImportOptions &options = {},
                                                              ImportError *error = nullptr);

/// The dialects that an imported module is made of.
void addImportDialects(mlir::DialectRegistry &registry);

/// Prints docs/operators.md: all operators that can be imported, with versions and restrictions.
void printOperators(llvm::raw_ostream &os);

} // namespace tamis

#endif
