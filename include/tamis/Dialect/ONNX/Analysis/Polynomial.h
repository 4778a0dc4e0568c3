//===- Polynomial.h - Sizes and indices as polynomials over symbols --------------------------------===//
//
// A size of a tensor, an element of a shape tensor, or an index is a polynomial with integer coefficients
// over symbols: sizes that are known at run time only, and loop indices. Every symbol stands for a number >=
// 0. Arithmetic wraps as that of the int64 tensors it models.
//
//===----------------------------------------------------------------------------------------------===//
#ifndef TAMIS_DIALECT_ONNX_ANALYSIS_POLYNOMIAL_H
#define TAMIS_DIALECT_ONNX_ANALYSIS_POLYNOMIAL_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"
#include <cstdint>
#include <optional>

namespace tamis::onnx {

class Polynomial {
public:
  using Symbol = unsigned;
  struct Term {
    int64_t coefficient;
    llvm::SmallVector<Symbol, 2> symbols; // Ascending; twice for a square.
    bool operator==(const Term &other) const {
      return coefficient == other.coefficient && symbols == other.symbols;
    }
  };

  Polynomial(int64_t constant = 0) {
    if (constant != 0)
      terms.push_back({constant, {}});
  }
  static Polynomial symbol(Symbol symbol);

  /// The value, when no symbol is left.
  std::optional<int64_t> constant() const;
  bool isConstant(int64_t value) const { return constant() == value; }
  llvm::ArrayRef<Term> getTerms() const { return terms; }

  Polynomial operator+(const Polynomial &other) const;
  Polynomial operator-(const Polynomial &other) const { return *this + other * Polynomial(-1); }
  Polynomial operator*(const Polynomial &other) const;
  bool operator==(const Polynomial &other) const { return terms == other.terms; }

  /// The terms that `divisor`, a single term, divides, divided by it; the others go to `rest`.
  Polynomial divide(const Polynomial &divisor, Polynomial &rest) const;
  /// The quotient when nothing is left over.
  std::optional<Polynomial> divideExactly(const Polynomial &divisor) const;
  /// This polynomial with `replacement` for `symbol`.
  Polynomial substitute(Symbol symbol, const Polynomial &replacement) const;
  /// No coefficient is negative; as symbols are not, the value is not.
  bool isTriviallyNonNegative() const;

private:
  void add(Term term);
  llvm::SmallVector<Term, 2> terms; // Ordered by symbols, no coefficient 0.
};

} // namespace tamis::onnx

#endif
