//===- Elements.h - A tensor's element as a function of its indices ----------------------------------===//
//
// What exporters do to an attention mask (unsqueeze, expand, gather by ranges, compare, select, scale) is,
// element by element, a scalar function of indices, sizes and elements of an argument. Reduced to that form,
// the many spellings are one, and what the mask does can be proven by evaluating it for each value that its
// element may have.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef TAMIS_DIALECT_ONNX_ANALYSIS_ELEMENTS_H
#define TAMIS_DIALECT_ONNX_ANALYSIS_ELEMENTS_H

#include "tamis/Dialect/ONNX/Analysis/SymbolicShapes.h"
#include <deque>

namespace tamis::onnx {

/// One element of a tensor.
struct ElementOf {
  mlir::Value tensor;
  llvm::SmallVector<Polynomial, 4> indices;
  bool operator==(const ElementOf &other) const { return tensor == other.tensor && indices == other.indices; }
};

/// A scalar expression. Booleans are the numbers 0 and 1.
struct Element {
  enum Kind {
    Number,    // number
    Integer,   // integer, not a constant
    Argument,  // an element of a function argument, its value kept through casts between numbers
    NotZero,   // some number, not 0 and not NaN
    Operation, // name of operands
    Opaque     // anything else
  };
  Kind kind;
  double number = 0;
  Polynomial integer;
  ElementOf argument;
  llvm::StringRef name;
  llvm::SmallVector<const Element *, 3> operands;

  bool isNumber(double value) const { return kind == Number && number == value; }
  bool isOp(llvm::StringRef op) const { return kind == Operation && name == op; }
  bool isIdenticalTo(const Element &other) const;
};

/// Builds expressions. They live as long as this object.
class Elements {
public:
  explicit Elements(SymbolicShapes &shapes) : shapes(shapes) {}

  /// What the element `place` of an argument is taken for while an expression is built.
  struct Assumption {
    ElementOf place;
    Element value;
  };
  const Element *build(const ElementOf &element, const Assumption *assumption = nullptr);

  /// Follows an element back through ops that only move data, as far as it goes or to `stop`.
  ElementOf trace(ElementOf element, mlir::Value stop = {});
  /// The value of an element of an integer tensor, when it is a polynomial.
  std::optional<Polynomial> integer(const ElementOf &element);
  /// Gives an element of an integer tensor, traced as far as it goes, a name: the index `value`. It is to be
  /// an index of its own, or one of `element` is: then the name says no more than that there is such a value.
  void name(const ElementOf &element, const Polynomial &value);

  static Element number(double value);

private:
  std::optional<ElementOf> step(const ElementOf &element);
  std::optional<ElementOf> regroup(const ElementOf &element, mlir::Value source);
  /// The name of an element that is traced as far as it goes.
  std::optional<Polynomial> nameOf(const ElementOf &element) const;
  /// Quotient and remainder of an index and a size, when the remainder is proven to be one.
  std::optional<std::pair<Polynomial, Polynomial>> divide(const Polynomial &index, const Polynomial &divisor);
  const Element *make(Element element);
  const Element *simplify(mlir::Operation *op, llvm::SmallVector<const Element *, 3> operands);

  SymbolicShapes &shapes;
  std::deque<Element> pool;
  llvm::DenseMap<mlir::Value, llvm::SmallVector<std::pair<ElementOf, Polynomial>, 2>> names;
  unsigned depth = 0;
};

} // namespace tamis::onnx

#endif
