//===- OperationTable.h - Names of operations for profiles and messages --------------------------------===//
#ifndef TAMIS_CODEGEN_OPERATIONTABLE_H
#define TAMIS_CODEGEN_OPERATIONTABLE_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringMap.h"

namespace tamis {

/// The ONNX node's name in a location: the innermost name of a NameLoc, the first of a FusedLoc that has one;
/// "" when there is none.
llvm::StringRef nodeName(mlir::Location loc);

/// Numbers the operations that code reports to its host, and keeps the texts of its messages. The table
/// becomes the module attribute `tamis.operations`, an array of arrays [name, kind].
class OperationTable {
public:
  explicit OperationTable(mlir::ModuleOp module) : module(module) {}

  /// The number of an rt op's operation.
  int64_t indexOf(mlir::Operation *op);
  /// A global that holds the text, NUL-terminated.
  llvm::StringRef reasonSymbol(llvm::StringRef reason);
  /// Sets the module attribute.
  void write();

private:
  mlir::ModuleOp module;
  llvm::MapVector<std::pair<mlir::StringAttr, mlir::StringAttr>, int64_t> operations;
  llvm::StringMap<std::string> reasons;
};

} // namespace tamis

#endif
