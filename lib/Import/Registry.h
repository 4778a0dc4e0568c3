//===- Registry.h - The operators that can be imported -------------------------------------------------===//
#ifndef TAMIS_LIB_IMPORT_REGISTRY_H
#define TAMIS_LIB_IMPORT_REGISTRY_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"
#include <string>

namespace tamis::import {

class Node;

constexpr int anyCount = 1 << 30;
constexpr int64_t oldestOpset = 7, newestOpset = 24;

/// One operator in versions that have the same inputs and attributes.
struct Operator {
  llvm::StringRef name;
  /// Its since_versions, ascending.
  llvm::SmallVector<int> versions;
  int minInputs, maxInputs, minOutputs, maxOutputs;
  /// "axis:i perm:I": attributes and their types: i int, f float, s string, t tensor, p sparse tensor, g
  /// graph; capital: a list.
  llvm::StringRef attributes;
  llvm::LogicalResult (*handle)(Node &node);
  /// What is not supported of it; for docs/operators.md.
  llvm::StringRef restrictions;
};

class Registry {
public:
  /// All operators.
  static const Registry &get();

  /// Adds an operator; the parameters are as in Operator.
  void add(llvm::StringRef domain, llvm::StringRef name, llvm::SmallVector<int> versions, int minInputs,
           int maxInputs, int minOutputs, int maxOutputs, llvm::StringRef attributes,
           llvm::LogicalResult (*handle)(Node &), llvm::StringRef restrictions = "");
  /// The operator as `opset` of `domain` ("" for ai.onnx) has it; null when it is unknown or too old.
  const Operator *find(llvm::StringRef domain, llvm::StringRef name, int64_t opset, int &version) const;
  /// Whether any version is known.
  bool contains(llvm::StringRef domain, llvm::StringRef name) const;
  llvm::ArrayRef<std::pair<std::string, Operator>> entries() const { return all; }

private:
  std::vector<std::pair<std::string, Operator>> all; // With their domains.
  llvm::StringMap<llvm::SmallVector<unsigned>> byName;
};

void addElementwise(Registry &registry);
void addShapes(Registry &registry);
void addLayout(Registry &registry);
void addIndexing(Registry &registry);
void addReductions(Registry &registry);
void addContractions(Registry &registry);
void addNormalizations(Registry &registry);
void addAttention(Registry &registry);
void addGroupQueryAttention(Registry &registry);
void addMultiHeadAttention(Registry &registry);
void addTensorScatter(Registry &registry);
void addConvolutions(Registry &registry);
void addContrib(Registry &registry);
void addExperts(Registry &registry);
void addQuantization(Registry &registry);
void addConstants(Registry &registry);
void addControlFlow(Registry &registry);

} // namespace tamis::import

#endif
