//===- Elements.cpp - A tensor's element as a function of its indices --------------------------------===//
#include "tamis/Dialect/ONNX/Analysis/Elements.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "llvm/ADT/ScopeExit.h"
#include <cmath>

using namespace mlir;
using namespace tamis::onnx;

/// Past this size an expression is opaque: no mask is as large, and crafted graphs must not blow up.
static constexpr size_t maxNodes = 1 << 16;
static constexpr unsigned maxDepth = 256;

bool Element::isIdenticalTo(const Element &other) const {
  if (this == &other)
    return kind != Opaque;
  if (kind != other.kind || name != other.name || operands.size() != other.operands.size())
    return false;
  switch (kind) {
  case Number:
    return number == other.number;
  case Integer:
    return integer == other.integer;
  case Argument:
    return argument == other.argument;
  case NotZero:
  case Opaque:
    return false; // Each stands for a number of its own.
  case Operation:
    return llvm::all_of(llvm::zip(operands, other.operands),
                        [](auto pair) { return std::get<0>(pair)->isIdenticalTo(*std::get<1>(pair)); });
  }
  llvm_unreachable("covered switch");
}

Element Elements::number(double value) {
  Element result{};
  result.kind = Element::Number;
  result.number = value;
  return result;
}

const Element *Elements::make(Element element) {
  if (element.kind == Element::Integer)
    if (std::optional<int64_t> constant = element.integer.constant())
      element = number(static_cast<double>(*constant));
  pool.push_back(std::move(element));
  return &pool.back();
}

/// The value of an op of numbers; absent when it is not evaluated here.
static std::optional<double> evaluate(Operation *op, ArrayRef<double> x) {
  if (isa<AddOp>(op))
    return x[0] + x[1];
  if (isa<SubOp>(op))
    return x[0] - x[1];
  if (isa<MulOp>(op))
    return x[0] * x[1];
  if (isa<DivOp>(op) && getElementTypeOrSelf(op->getResult(0).getType()).isFloat())
    return x[0] / x[1];
  if (isa<MinOp>(op))
    return std::min(x[0], x[1]);
  if (isa<MaxOp>(op))
    return std::max(x[0], x[1]);
  if (isa<AbsOp>(op))
    return std::fabs(x[0]);
  if (isa<NegOp>(op))
    return -x[0];
  if (isa<SqrtOp>(op))
    return std::sqrt(x[0]);
  if (isa<ReciprocalOp>(op))
    return 1 / x[0];
  if (isa<PowOp>(op))
    return std::pow(x[0], x[1]);
  if (isa<NotOp>(op))
    return x[0] == 0;
  if (isa<AndOp>(op))
    return x[0] != 0 && x[1] != 0;
  if (isa<OrOp>(op))
    return x[0] != 0 || x[1] != 0;
  if (isa<XorOp>(op))
    return (x[0] != 0) != (x[1] != 0);
  if (isa<EqualOp>(op))
    return x[0] == x[1];
  if (isa<LessOp>(op))
    return x[0] < x[1];
  if (isa<LessOrEqualOp>(op))
    return x[0] <= x[1];
  if (isa<GreaterOp>(op))
    return x[0] > x[1];
  if (isa<GreaterOrEqualOp>(op))
    return x[0] >= x[1];
  if (isa<IsNaNOp>(op))
    return std::isnan(x[0]);
  return std::nullopt;
}

static std::optional<Polynomial> asPolynomial(const Element *element) {
  if (element->kind == Element::Integer)
    return element->integer;
  if (element->kind == Element::Number && std::nearbyint(element->number) == element->number &&
      std::fabs(element->number) < 9e15)
    return Polynomial(static_cast<int64_t>(element->number));
  return std::nullopt;
}

const Element *Elements::simplify(Operation *op, SmallVector<const Element *, 3> operands) {
  Type type = getElementTypeOrSelf(op->getResult(0).getType());
  if (auto cast = dyn_cast<CastOp>(op)) {
    Type from = getElementTypeOrSelf(cast.getX().getType());
    const Element *x = operands[0];
    if (type.isInteger(1) && !from.isInteger(1)) {
      if (x->kind == Element::Number)
        return make(number(x->number != 0));
      if (x->kind == Element::NotZero)
        return make(number(1));
    } else if (x->kind == Element::Number && type.isInteger()) {
      return make(number(std::trunc(x->number)));
    } else if (type.isFloat() || from.isInteger(1) || (from.isInteger() && x->kind == Element::Integer)) {
      // Widening keeps the value. An f16 or bf16 type would round what no mask has.
      return x;
    } else if (from.isInteger() && type.isInteger() &&
               (x->kind != Element::NotZero ||
                type.getIntOrFloatBitWidth() >= from.getIntOrFloatBitWidth())) {
      return x;
    }
  }
  if (llvm::all_of(operands, [](const Element *x) { return x->kind == Element::Number; })) {
    SmallVector<double, 3> values;
    for (const Element *x : operands)
      values.push_back(x->number);
    if (std::optional<double> value = evaluate(op, values))
      return make(number(*value));
  }
  if (isa<AndOp, OrOp>(op)) {
    double absorbing = isa<OrOp>(op);
    for (unsigned i : {0u, 1u}) {
      if (operands[i]->isNumber(absorbing))
        return operands[i];
      if (operands[i]->isNumber(1 - absorbing))
        return operands[1 - i];
    }
  }
  if (isa<WhereOp>(op)) {
    if (operands[0]->kind == Element::Number)
      return operands[0]->number != 0 ? operands[1] : operands[2];
    if (operands[1]->isIdenticalTo(*operands[2]))
      return operands[1];
  }
  if (isa<NotOp>(op) && operands[0]->isOp("Not"))
    return operands[0]->operands[0];
  if (operands.size() == 2) {
    const Element *a = operands[0], *b = operands[1];
    if (isa<AddOp, SubOp>(op) && b->isNumber(0))
      return a;
    if (isa<AddOp>(op) && a->isNumber(0))
      return b;
    if (isa<MulOp, DivOp>(op) && b->isNumber(1))
      return a;
    if (isa<MulOp>(op) && a->isNumber(1))
      return b;
    if (isa<EqualOp>(op) &&
        ((a->kind == Element::NotZero && b->isNumber(0)) || (b->kind == Element::NotZero && a->isNumber(0))))
      return make(number(0));
    std::optional<Polynomial> p = asPolynomial(a), q = asPolynomial(b);
    if (p && q) {
      Element result{};
      result.kind = Element::Integer;
      if (isa<AddOp, SubOp, MulOp>(op)) {
        result.integer = isa<AddOp>(op) ? *p + *q : isa<SubOp>(op) ? *p - *q : *p * *q;
        return make(result);
      }
      if (isa<MinOp, MaxOp>(op)) {
        if (shapes.isNonNegative(*p - *q))
          return isa<MaxOp>(op) ? a : b;
        if (shapes.isNonNegative(*q - *p))
          return isa<MaxOp>(op) ? b : a;
      }
      bool less = isa<LessOp, LessOrEqualOp>(op);
      if (less || isa<GreaterOp, GreaterOrEqualOp>(op)) {
        // low <= high or low < high.
        const Polynomial &low = less ? *p : *q, &high = less ? *q : *p;
        int64_t strict = isa<LessOp, GreaterOp>(op);
        if (shapes.isNonNegative(high - low - strict))
          return make(number(1));
        if (shapes.isNonNegative(low - high - (1 - strict)))
          return make(number(0));
      }
    }
  }
  if (operands.size() == 1 && operands[0]->kind == Element::Integer) {
    Element result = *operands[0];
    if (isa<NegOp>(op)) {
      result.integer = Polynomial(0) - result.integer;
      return make(result);
    }
    if (isa<AbsOp>(op) && shapes.isNonNegative(result.integer))
      return operands[0];
  }
  Element result{};
  result.kind = Element::Operation;
  result.name = op->getName().stripDialect();
  result.operands = std::move(operands);
  return make(result);
}

const Element *Elements::build(const ElementOf &element, const Assumption *assumption) {
  Element opaque{};
  opaque.kind = Element::Opaque;
  if (pool.size() > maxNodes || depth > maxDepth)
    return make(opaque);
  ++depth;
  llvm::scope_exit leave([&] { --depth; });
  ElementOf source = trace(element);
  if (isa<BlockArgument>(source.tensor)) {
    if (assumption && assumption->place == source)
      return make(assumption->value);
    opaque.kind = Element::Argument;
    opaque.argument = source;
    return make(opaque);
  }
  // What is made of a condition is found from its operand below; integer() would follow that once more.
  auto ofCondition = source.tensor.getDefiningOp<CastOp>();
  bool isCondition = ofCondition && getElementTypeOrSelf(ofCondition.getX().getType()).isInteger(1);
  if (std::optional<Polynomial> value = isCondition ? std::nullopt : integer(source)) {
    opaque.kind = Element::Integer;
    opaque.integer = *value;
    return make(opaque);
  }
  Operation *op = source.tensor.getDefiningOp();
  ElementsAttr constant;
  if (auto constantOp = dyn_cast<ConstantOp>(op))
    constant = constantOp.getValue();
  if (auto filled = dyn_cast<ConstantOfShapeOp>(op))
    constant = filled.getValue();
  if (auto dense = dyn_cast_or_null<DenseElementsAttr>(constant); dense && dense.isSplat()) {
    if (auto floating = dyn_cast<FloatAttr>(dense.getSplatValue<Attribute>()))
      return make(number(floating.getValueAsDouble()));
    if (auto integer = dyn_cast<IntegerAttr>(dense.getSplatValue<Attribute>()))
      return make(number(integer.getType().isInteger(1)
                             ? integer.getValue().getZExtValue()
                             : static_cast<double>(integer.getValue().getSExtValue())));
  }
  if (!isa<CastOp, AddOp, SubOp, MulOp, DivOp, PowOp, MinOp, MaxOp, AbsOp, NegOp, SqrtOp, ReciprocalOp, NotOp,
           AndOp, OrOp, XorOp, EqualOp, LessOp, LessOrEqualOp, GreaterOp, GreaterOrEqualOp, IsNaNOp, WhereOp>(
          op))
    return make(opaque);
  SmallVector<const Element *, 3> operands;
  for (Value value : op->getOperands()) {
    ArrayRef<Polynomial> sizes = shapes.sizes(value);
    ElementOf place{value, {}};
    for (auto [size, index] : llvm::zip(sizes, ArrayRef(source.indices).take_back(sizes.size())))
      place.indices.push_back(size.isConstant(1) ? Polynomial() : index);
    operands.push_back(build(place, assumption));
  }
  return simplify(op, std::move(operands));
}
