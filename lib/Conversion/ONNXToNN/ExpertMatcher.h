//===- ExpertMatcher.h - An expert's layers, found from an element of its result ----------------------===//
//
// Exporters compute a mixture of experts in rows: a row for each pair of a token and one of its experts, a
// row for each token that chose one expert, or pairs sorted by expert. Which pair a row is for is not seen in
// the layers, but in how rows were gathered. So one element of a row is followed back through the layers and
// the ops that move data: the matrices that it meets are to be those of the pair's expert, and the row that
// it ends at the pair's token.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef TAMIS_LIB_CONVERSION_ONNXTONN_EXPERTMATCHER_H
#define TAMIS_LIB_CONVERSION_ONNXTONN_EXPERTMATCHER_H

#include "Experts.h"

#include <functional>

namespace tamis::raising {

/// One element of an expert's product: the sum over k of w[k, column] * x[k], plus a bias.
struct ExpertProduct {
  /// One weight [E, K, N] of all experts, or matrices [K, N]: of each expert, or of the matcher's only one.
  /// K and N are the other way round when `isTransposed`.
  llvm::SmallVector<mlir::Value> w;
  llvm::SmallVector<mlir::Value> bias; ///< likewise [E, N] or [N]; empty when there is none
  bool isTransposed = false;
  onnx::Polynomial column;
  onnx::ElementOf x;      ///< its element of index `inner`
  onnx::Polynomial inner; ///< runs over [0, K)

  bool isOfAll() const { return typeOf(w.front()).getRank() == 3; }
  int64_t columns() const { return typeOf(w.front()).getShape().drop_front(isOfAll())[isTransposed ? 0 : 1]; }
  int64_t depth() const { return typeOf(w.front()).getShape().drop_front(isOfAll())[isTransposed ? 1 : 0]; }
};

/// Columns first, first + step, ... of a product.
struct ColumnRange {
  int64_t first = 0, step = 1;
  bool operator==(const ColumnRange &) const = default;
};

/// An expert, from the row that it reads to its result.
struct MatchedExpert {
  mlir::Value x; ///< [..., T, H]
  ExpertProduct gate, out;
  std::optional<ExpertProduct> up;
  ColumnRange gateColumns, upColumns;
  ExpertLayers form; ///< without layers

  /// Do both differ in no more than their weights?
  bool isAlike(const MatchedExpert &other) const;
};

/// The size of a dimension, before an Expand that repeats the elements of others alone.
onnx::Polynomial rowsOf(Stage &stage, mlir::Value value, int64_t axis = 0);

class ExpertMatcher {
public:
  explicit ExpertMatcher(Stage &stage) : stage(stage) {}

  /// The pair that rows are for: element [token, slot] of the router's indices. Indices of their own, 0 where
  /// there is one only. Without a slot rows are for a token, and no element of those indices is theirs.
  onnx::Polynomial token;
  std::optional<onnx::Polynomial> slot;
  /// Indices of x before the token's, where its rows have several dimensions.
  llvm::SmallVector<onnx::Polynomial, 2> leading;
  /// The expert of all rows, when it is one.
  std::optional<onnx::Polynomial> expert;
  /// What sorted the pairs by expert, when rows are sorted; `row` is the pair's.
  onnx::TopKOp sort;
  onnx::Polynomial row;
  /// The router's indices, when an expert was found from them.
  mlir::Value indices;
  /// Accepts what the rows that experts read are multiplied by, when there is such a factor; absent when
  /// there is to be none.
  std::function<bool(const onnx::ElementOf &)> rowFactor;

  onnx::ElementOf trace(mlir::Value value, llvm::ArrayRef<onnx::Polynomial> place) {
    return stage.elements.trace({value, llvm::SmallVector<onnx::Polynomial, 4>(place)});
  }
  /// The operand's element that goes into an element of an elementwise op.
  onnx::ElementOf operand(mlir::Value value, llvm::ArrayRef<onnx::Polynomial> place);
  bool isPair(const onnx::ElementOf &element) const {
    return element.indices.size() == 2 && element.indices[0] == token && slot && element.indices[1] == *slot;
  }
  /// A new index, or 0 when it can be nothing else.
  onnx::Polynomial newIndex(const onnx::Polynomial &size) {
    return size.isConstant(1) ? onnx::Polynomial() : stage.shapes.newIndex(size);
  }

  /// The two factors that an element is the product of, when it is one of two numbers.
  std::optional<std::pair<onnx::ElementOf, onnx::ElementOf>> factors(const onnx::ElementOf &element);
  /// The elements of an Einsum's operands that are multiplied: `summed` has the indices that they are added
  /// up over, but for that of the letter `chosen`, which is `at`.
  llvm::SmallVector<onnx::ElementOf, 3> terms(const onnx::ElementOf &element,
                                              llvm::SmallVectorImpl<onnx::Polynomial> &summed,
                                              char chosen = 0, const onnx::Polynomial &at = {});
  /// The product of an element of a weight of all experts, or of one, and one of a row, added up over
  /// `inner`.
  bool productOf(const onnx::ElementOf &a, const onnx::ElementOf &b, const onnx::Polynomial &inner,
                 ExpertProduct &result);
  /// The product that an element is of, when its matrix is that of the pair's expert.
  std::optional<ExpertProduct> product(const onnx::ElementOf &element);
  /// The expert whose last product is `out`, whose columns are those of the result; else null, after a
  /// remark.
  std::optional<MatchedExpert> expertOf(mlir::Operation *result, const ExpertProduct &out,
                                        const onnx::Polynomial &column);
  /// The element of the rows that were sorted by expert, when this is one of theirs in the order of pairs.
  std::optional<onnx::ElementOf> beforeUnsorting(const onnx::ElementOf &element);
  /// The layers of all experts, of one match with weights of all, or of a match for each; null, after a
  /// remark at `op`, when a product has not one matrix (and bias) for each expert.
  std::optional<ExpertLayers> layersOf(mlir::Operation *op, llvm::ArrayRef<MatchedExpert> matches);
  /// A remark at a node; always null.
  std::nullopt_t fail(mlir::Operation *op, const llvm::Twine &text);

private:
  struct Half;
  std::optional<Half> gateOf(const onnx::ElementOf &element);
  std::optional<Half> upOf(const onnx::ElementOf &element);
  /// A weight's element: the weight, and its indices but for that of the pair's expert.
  mlir::Value weightAt(const onnx::ElementOf &element, int64_t rank,
                       llvm::SmallVectorImpl<onnx::Polynomial> &rest);
  /// Is this element of a tensor of indices the pair's expert?
  bool isExpert(const onnx::ElementOf &element);
  /// Takes a factor off a row's element; `found` says whether there was one.
  onnx::ElementOf withoutFactor(const onnx::ElementOf &element, bool &found);
  bool linear(const onnx::ElementOf &element, ExpertProduct &result);
  bool matmul(const onnx::ElementOf &element, ExpertProduct &result);
  bool einsum(const onnx::ElementOf &element, ExpertProduct &result);
  bool grouped(const onnx::ElementOf &element, ExpertProduct &result);

  Stage &stage;
};

} // namespace tamis::raising

#endif
