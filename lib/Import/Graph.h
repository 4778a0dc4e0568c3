//===- Graph.h - Graphs, functions and their scopes while they are imported ----------------------------===//
#ifndef TAMIS_LIB_IMPORT_GRAPH_H
#define TAMIS_LIB_IMPORT_GRAPH_H

#include "Node.h"
#include "Tensors.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "tamis/Import/ImportONNX.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringSet.h"

namespace tamis::import {

/// The names that nodes of one graph or function body see.
struct Scope {
  Scope *parent = nullptr;             // Of a subgraph.
  llvm::StringMap<mlir::Value> values; // Null: a node that failed should have made it.
  llvm::StringMap<const pb::TensorProto *> tensors;
  llvm::StringMap<const pb::SparseTensorProto *> sparse;
  llvm::StringMap<int64_t> opsets;
  llvm::StringMap<std::string>
      unavailable;         // Outputs that handlers do not give, with the nodes they belong to.
  llvm::StringSet<> later; // What the nodes not yet imported write.
  /// Whether this very graph defines the name.
  bool defines(llvm::StringRef name) const {
    return values.contains(name) || tensors.contains(name) || sparse.contains(name);
  }
};

/// Builds one function of onnx ops from a model. Errors are collected and reported together.
class GraphImporter {
public:
  GraphImporter(const ModelFile &file, mlir::ModuleOp module, const ImportOptions &options);

  llvm::LogicalResult run();

  /// Imports the graph of an If, Loop or Scan, whose nodes see those round it, in place. `inputs` are its
  /// inputs, `results` its outputs; on success some of them may be null, when errors were reported.
  llvm::LogicalResult inlineGraph(const pb::GraphProto &graph, mlir::Location location,
                                  llvm::ArrayRef<mlir::Value> inputs,
                                  llvm::SmallVectorImpl<mlir::Value> &results);
  /// The function that is built.
  mlir::func::FuncOp function() const { return main; }
  /// A tensor as onnx.Constant or weight.load; null after an error.
  mlir::Value makeTensor(const Tensor &tensor, llvm::StringRef name, mlir::Location location);

  /// A tensor whose elements are whole bytes as weight.load; one of 4-bit elements, unpacked.
  mlir::Value makeSource(const Tensor &tensor, llvm::StringRef name, mlir::Location location);
  mlir::Value makePackedTensor(const Tensor &tensor, llvm::StringRef name, mlir::Location location);

  void report(mlir::Location location, const std::string &reason, const std::string &remedy = "");
  /// "node 'encoder/MatMul_3' (MatMul 13)"
  std::string describe(const pb::NodeProto &node, int version) const;

  const ModelFile &file;
  mlir::OpBuilder builder;

private:
  using Attributes = llvm::StringMap<const pb::AttributeProto *>;

  bool readOpsets(const google::protobuf::RepeatedPtrField<pb::OperatorSetIdProto> &imports, Scope &scope);
  bool addInitializers(const pb::GraphProto &graph, Scope &scope);
  void importNodes(const google::protobuf::RepeatedPtrField<pb::NodeProto> &nodes, Scope &scope,
                   const Attributes *attributes, llvm::StringRef prefix);
  void importNode(const pb::NodeProto &node, Scope &scope);
  bool checkAttributes(const Operator &entry, const pb::NodeProto &node, int version,
                       mlir::Location location);
  void expandFunction(const pb::FunctionProto &function, const pb::NodeProto &node,
                      llvm::ArrayRef<mlir::Value> inputs, Scope &scope, mlir::Location location);
  void define(Scope &scope, llvm::StringRef name, mlir::Value value, mlir::Location location);
  /// False when no graph defines the name; the value is null when what should have made it failed.
  bool lookup(Scope &scope, llvm::StringRef name, mlir::Value &value);
  mlir::Value materialize(Scope &scope, llvm::StringRef name);
  mlir::Location locate(const pb::NodeProto &node);

  bool addInputs(const pb::GraphProto &graph, Scope &scope);
  bool finishOutputs(const pb::GraphProto &graph, Scope &scope);
  mlir::Type inputType(const pb::ValueInfoProto &info, mlir::SmallVectorImpl<mlir::Attribute> &dims);
  mlir::ArrayAttr dimNames(const pb::ValueInfoProto &info, mlir::RankedTensorType type);
  void checkUnused(const Scope &scope);
  void removeDead();

  mlir::ModuleOp module;
  const ImportOptions &options;
  mlir::Block *body = nullptr;
  mlir::func::FuncOp main;
  Scope *current = nullptr;
  llvm::StringMap<const pb::FunctionProto *> functions;
  llvm::SmallVector<const pb::FunctionProto *> active;
  llvm::StringMap<mlir::StringAttr> sources; // By place in a file.
  llvm::StringSet<> overridesUsed, dimensionNames;
  unsigned errors = 0, depth = 0;
  uint64_t nodesImported = 0;
};

} // namespace tamis::import

#endif
