//===- Polynomial.cpp - Arithmetic of polynomials over symbols --------------------------------------===//
#include "tamis/Dialect/ONNX/Analysis/Polynomial.h"

#include "llvm/ADT/STLExtras.h"
#include <algorithm>

using namespace llvm;
using namespace tamis::onnx;

static int64_t wrappingAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
static int64_t wrappingMul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

Polynomial Polynomial::symbol(Symbol symbol) {
  Polynomial result;
  result.terms.push_back({1, {symbol}});
  return result;
}

std::optional<int64_t> Polynomial::constant() const {
  if (terms.empty())
    return 0;
  if (terms.size() == 1 && terms.front().symbols.empty())
    return terms.front().coefficient;
  return std::nullopt;
}

void Polynomial::add(Term term) {
  auto *place =
      llvm::lower_bound(terms, term, [](const Term &a, const Term &b) { return a.symbols < b.symbols; });
  if (place == terms.end() || place->symbols != term.symbols) {
    if (term.coefficient != 0)
      terms.insert(place, std::move(term));
    return;
  }
  place->coefficient = wrappingAdd(place->coefficient, term.coefficient);
  if (place->coefficient == 0)
    terms.erase(place);
}

Polynomial Polynomial::operator+(const Polynomial &other) const {
  Polynomial result = *this;
  for (const Term &term : other.terms)
    result.add(term);
  return result;
}

Polynomial Polynomial::operator*(const Polynomial &other) const {
  Polynomial result;
  for (const Term &a : terms) {
    for (const Term &b : other.terms) {
      Term product{wrappingMul(a.coefficient, b.coefficient), {}};
      std::merge(a.symbols.begin(), a.symbols.end(), b.symbols.begin(), b.symbols.end(),
                 std::back_inserter(product.symbols));
      result.add(std::move(product));
    }
  }
  return result;
}

/// term / divisor, when it comes out even.
static std::optional<Polynomial::Term> divideTerm(const Polynomial::Term &term,
                                                  const Polynomial::Term &divisor) {
  if (term.coefficient % divisor.coefficient != 0 ||
      !std::includes(term.symbols.begin(), term.symbols.end(), divisor.symbols.begin(),
                     divisor.symbols.end()))
    return std::nullopt;
  Polynomial::Term result{term.coefficient / divisor.coefficient, {}};
  std::set_difference(term.symbols.begin(), term.symbols.end(), divisor.symbols.begin(),
                      divisor.symbols.end(), std::back_inserter(result.symbols));
  return result;
}

Polynomial Polynomial::divide(const Polynomial &divisor, Polynomial &rest) const {
  rest = Polynomial();
  if (divisor.terms.size() != 1 || divisor.terms.front().coefficient <= 0) {
    rest = *this;
    return Polynomial();
  }
  Polynomial result;
  for (const Term &term : terms) {
    if (std::optional<Term> quotient = divideTerm(term, divisor.terms.front()))
      result.add(std::move(*quotient));
    else
      rest.add(term);
  }
  return result;
}

std::optional<Polynomial> Polynomial::divideExactly(const Polynomial &divisor) const {
  if (divisor == *this && !terms.empty())
    return Polynomial(1);
  Polynomial rest;
  Polynomial result = divide(divisor, rest);
  if (!rest.terms.empty())
    return std::nullopt;
  return result;
}

Polynomial Polynomial::substitute(Symbol symbol, const Polynomial &replacement) const {
  Polynomial result;
  for (const Term &term : terms) {
    Polynomial product(term.coefficient);
    for (Symbol factor : term.symbols)
      product = product * (factor == symbol ? replacement : Polynomial::symbol(factor));
    result = result + product;
  }
  return result;
}

bool Polynomial::isTriviallyNonNegative() const {
  return llvm::all_of(terms, [](const Term &term) { return term.coefficient > 0; });
}
