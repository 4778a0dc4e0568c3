//===- Precision.h - The precisions of products with weights ------------------------------------------===//
#ifndef TAMIS_DIALECT_NN_TRANSFORMS_PRECISION_H
#define TAMIS_DIALECT_NN_TRANSFORMS_PRECISION_H

#include "tamis/Dialect/Weight/Transforms/Pack.h"
#include "llvm/Support/Regex.h"

#include <optional>
#include <string>
#include <vector>

namespace tamis::nn {

using weight::knownPrecisions;
using weight::parsePrecision;
using weight::Precision;
using weight::stringifyPrecision;
using weight::symbolizePrecision;

/// The names of the ONNX nodes that an op was made of.
llvm::SmallVector<llvm::StringRef> nodeNames(mlir::Location location);

/// The precision that nn-assign-precisions gave a layer, else `common`.
Precision precisionOf(mlir::Operation *layer, Precision common);
/// Lists the nodes of a layer in the module's `tamis.layer_precisions`: it has another precision than others.
void listPrecision(mlir::Operation *layer, llvm::StringRef precision);

/// Precisions for layers by the names of their nodes: REGEX=PRECISION.
class LayerPrecisions {
public:
  /// Adds one; returns why it is none.
  std::optional<std::string> add(llvm::StringRef text);
  /// That of the last one that is found in the name of a node of the layer, or nothing.
  std::optional<Precision> of(mlir::Operation *layer);
  /// The first one that no layer asked for yet has.
  std::optional<std::string> unused() const;

private:
  struct Entry {
    std::string text;
    llvm::Regex regex;
    Precision precision;
    bool isUsed = false;
  };
  std::vector<Entry> entries;
};

} // namespace tamis::nn

#endif
