//===- MaskProof.cpp - What an attention mask does, proven --------------------------------------------===//
#include "MaskProof.h"

#include <cmath>

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;
using namespace tamis::raising;

/// A score this far below the others has the weight 0 in f32.
static constexpr double excludedBias = -1e4;

namespace {
/// One mask under one assumption about its argument.
struct Outcome {
  const Element *element;
  bool boolean, inverted;

  bool excludes() const {
    if (element->kind != Element::Number)
      return false;
    return boolean ? (element->number != 0) == inverted : element->number <= excludedBias;
  }
  bool admits() const {
    if (element->kind != Element::Number)
      return false;
    return boolean ? (element->number != 0) != inverted : element->number == 0;
  }
};
} // namespace

/// Elements of arguments in an expression.
static void collectArguments(const Element *element, SmallVectorImpl<const Element *> &found) {
  if (element->kind == Element::Argument &&
      llvm::none_of(found, [&](const Element *other) { return other->argument == element->argument; }))
    found.push_back(element);
  for (const Element *operand : element->operands)
    collectArguments(operand, found);
}

/// Reads `condition` (true: the key counts) as a conjunction of causal and window conditions.
static bool readCondition(const Element *condition, const ScoreIndices &at, MaskProof &proof) {
  if (condition->isOp("And"))
    return readCondition(condition->operands[0], at, proof) &&
           readCondition(condition->operands[1], at, proof);
  if (condition->isNumber(1))
    return true;
  bool negated = condition->isOp("Not");
  if (negated)
    condition = condition->operands[0];
  if (condition->kind != Element::Operation || condition->operands.size() != 2)
    return false;
  // To low <= high.
  const Element *low = condition->operands[0], *high = condition->operands[1];
  int64_t strict = condition->name == "Less" || condition->name == "Greater";
  if (condition->name == "Greater" || condition->name == "GreaterOrEqual")
    std::swap(low, high);
  else if (condition->name != "Less" && condition->name != "LessOrEqual")
    return false;
  if (negated) {
    std::swap(low, high);
    strict = 1 - strict;
  }
  auto integer = [](const Element *element) -> std::optional<Polynomial> {
    if (element->kind == Element::Integer)
      return element->integer;
    if (element->kind == Element::Number && element->number == std::int64_t(element->number))
      return Polynomial(std::int64_t(element->number));
    return std::nullopt;
  };
  Polynomial distance = at.query - at.key;
  std::optional<Polynomial> upper = integer(high);
  if (low->isOp("Abs") && upper && upper->constant()) {
    std::optional<Polynomial> inner = integer(low->operands[0]);
    int64_t reach = *upper->constant() - strict;
    if (!inner || reach <= 0 || (!(*inner == distance) && !(*inner == at.key - at.query)))
      return false;
    proof.window = proof.window == 0 ? 2 * reach : std::min(proof.window, 2 * reach);
    return true;
  }
  std::optional<Polynomial> lower = integer(low);
  if (!lower || !upper || !(*upper - *lower - strict == distance))
    return false;
  proof.causal = true;
  return true;
}

/// What is left when the key counts: nothing, or a condition on the distance of query and key.
static bool readRest(const Outcome &outcome, const ScoreIndices &at, MaskProof &proof) {
  if (outcome.admits())
    return true;
  const Element *element = outcome.element;
  if (outcome.boolean) {
    if (!outcome.inverted)
      return readCondition(element, at, proof);
    return element->isOp("Not") && readCondition(element->operands[0], at, proof);
  }
  if (!element->isOp("Where"))
    return false;
  const Element *yes = element->operands[1], *no = element->operands[2];
  if (yes->isNumber(0) && no->kind == Element::Number && no->number <= excludedBias)
    return readCondition(element->operands[0], at, proof);
  if (no->isNumber(0) && yes->kind == Element::Number && yes->number <= excludedBias &&
      element->operands[0]->isOp("Not"))
    return readCondition(element->operands[0]->operands[0], at, proof);
  return false;
}

MaskProof raising::proveMask(Stage &stage, Value mask, const ScoreIndices &at, bool inverted) {
  MaskProof proof;
  RankedTensorType type = typeOf(mask);
  if (type.getRank() > 4)
    return proof;
  ElementOf place{mask, {}};
  SmallVector<Polynomial, 4> all{at.batch, at.head, at.query, at.key};
  for (auto [size, index] : llvm::zip(stage.shapes.sizes(mask), ArrayRef(all).take_back(type.getRank())))
    place.indices.push_back(size.isConstant(1) ? Polynomial() : index);
  bool boolean = type.getElementType().isInteger(1);
  auto outcome = [&](const Elements::Assumption *assumption) {
    return Outcome{stage.elements.build(place, assumption), boolean, inverted};
  };

  Outcome plain = outcome(nullptr);
  SmallVector<const Element *, 2> arguments;
  collectArguments(plain.element, arguments);
  for (const Element *argument : arguments) {
    const ElementOf &read = argument->argument;
    Type element = typeOf(read.tensor).getElementType();
    if (read.indices.size() != 2 || !(read.indices[0] == at.batch) || !(read.indices[1] == at.key) ||
        !(element.isInteger(1) || element.isSignlessInteger(32) || element.isSignlessInteger(64) ||
          element.isF32()))
      continue;
    Elements::Assumption zero{read, Elements::number(0)}, one{read, Elements::number(1)}, other{read, {}};
    other.value.kind = Element::NotZero;
    Outcome excluded = outcome(&zero);
    if (!excluded.excludes())
      continue;
    proof.keyMask = read.tensor;
    proof.isFinite = !boolean && std::isfinite(excluded.element->number);
    Outcome admitted = outcome(&one);
    proof.binary = !element.isInteger(1) && !outcome(&other).element->isIdenticalTo(*admitted.element);
    proof.complete = readRest(admitted, at, proof);
    break;
  }
  if (!proof.keyMask)
    proof.complete = readRest(plain, at, proof);
  if (!proof.complete) {
    proof.causal = false;
    proof.window = 0;
  }
  return proof;
}
