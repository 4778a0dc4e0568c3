//===- RaiseExpertLoops.cpp - A loop over experts that the exporter unrolled ---------------------------===//
//
// For each expert: the pairs of a token and a slot that chose it (NonZero of a mask), the rows of those
// tokens, the expert's layers, the weights of those pairs, and an addition to the tokens' rows: a scatter, or
// a product with a matrix that has a one where a row is for a token.
//
//   for each expert e: slot, token = nonzero(indices == e); y[token] += weights[token, slot] *
//   mlp_e(x[token])
//
// Row i of an expert is for the pair (token[i], slot[i]): both get a name, and what is gathered by them is
// then followed as if it were indexed by the pair.
//
// Eager loops visit only the experts that some token chose ("hits", in ascending order), and the exporter
// fixes how many those were: the graph splits them into as many parts, and ends with an error for another
// number. That Split is kept. When layers are those of the i-th hit by the exporter's count,
// they are those of expert i only if all were hit.
//
//===----------------------------------------------------------------------------------------------===//
#include "ExpertAddition.h"
#include "ExpertMatcher.h"
#include "llvm/ADT/MapVector.h"

#include <set>

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;
using onnx::ElementOf;
using onnx::Polynomial;

namespace {
/// The experts that some token chose, as a graph lists them.
struct HitList {
  Value indices;
  int64_t experts = 0;
  Value part;                    ///< the first of them: what fails for another number
  int64_t count = 0;             ///< of those that the graph has parts for
  SmallVector<Polynomial> names; ///< of the experts of the parts
};

/// An element that is not 0 exactly where element `index` of a router's indices is `expert`.
struct Mask {
  ElementOf index;
  Polynomial expert;
};

/// One expert's rows, added to those of its tokens.
struct Term {
  Operation *op;
  Value indices, weights;
  Polynomial expert;
  MatchedExpert layers;
};

class ExpertLoops {
public:
  explicit ExpertLoops(Stage &stage) : stage(stage) {}
  void raise(Operation *root);
  /// Is it a part of a sum that was looked at?
  bool isInside(Operation *op) const { return inside.contains(op); }

private:
  /// The expert whose rows an op adds: nullopt when it is no expert's; then `failed` says whether it almost
  /// is.
  std::optional<Term> termOf(Operation *scatter, bool &failed);
  std::optional<Mask> maskOf(ElementOf element);
  /// A mask of tokens that chose an expert in any slot.
  std::optional<Mask> anySlotOf(ElementOf element, const Polynomial &token);
  /// Follows an element back, giving names to hits on the way.
  ElementOf follow(ElementOf element);
  HitList *hitsOf(onnx::NonZeroOp op);
  std::optional<HitList> matchHits(onnx::NonZeroOp op);
  bool isTrueWithRows(Value condition, onnx::NonZeroOp list, bool isInverted);
  std::optional<std::pair<Value, Operation *>> grownSum(Value value);
  /// Adds an op's term, if it adds an expert's rows or almost does.
  bool takeTerm(Operation *op, std::vector<Term> &terms, bool &failed);
  void flatten(Value value, std::vector<Term> &terms, SmallVectorImpl<Value> &others, bool isRoot,
               bool &failed);
  /// Is there something that looks for experts of the terms' router, besides these terms?
  bool hasOtherUses(ArrayRef<Term> terms);
  void build(Operation *root, std::vector<Term> &terms, ArrayRef<Value> others);
  Polynomial newIndex(const Polynomial &size) {
    return size.isConstant(1) ? Polynomial() : stage.shapes.newIndex(size);
  }

  Stage &stage;
  llvm::MapVector<Operation *, std::optional<HitList>> hits;
  llvm::SmallPtrSet<Operation *, 32> inside; ///< of sums that were looked at
  std::set<std::string> warnings;            ///< that were given
};
} // namespace

ElementOf ExpertLoops::follow(ElementOf element) {
  for (;;) {
    element = stage.elements.trace(element);
    auto gather = element.tensor.getDefiningOp<onnx::GatherOp>();
    if (!gather)
      return element;
    size_t rank = stage.shapes.sizes(gather.getIndices()).size();
    ElementOf at = stage.elements.trace(
        {gather.getIndices(),
         SmallVector<Polynomial, 4>(ArrayRef(element.indices).slice(gather.getAxis(), rank))});
    auto list = at.tensor.getDefiningOp<onnx::NonZeroOp>();
    HitList *found =
        list && typeOf(list.getX()).getRank() == 1 && at.indices[1].constant() ? hitsOf(list) : nullptr;
    int64_t place = found ? *at.indices[1].constant() : 0;
    if (!found || place < 0 || place >= found->count)
      return element;
    // A name once given is found by trace.
    stage.elements.name(at, found->names[place]);
  }
}

std::optional<Mask> ExpertLoops::maskOf(ElementOf element) {
  element = follow(element);
  Operation *op = element.tensor.getDefiningOp();
  if (auto cast = dyn_cast_or_null<onnx::CastOp>(op))
    return maskOf({cast.getX(), element.indices});
  if (auto oneHot = dyn_cast_or_null<onnx::OneHotOp>(op)) {
    if (!hasZeroAndOne(stage, oneHot))
      return std::nullopt;
    SmallVector<Polynomial, 4> place(element.indices);
    Polynomial expert = place[oneHot.getAxis()];
    place.erase(place.begin() + oneHot.getAxis());
    return Mask{follow({oneHot.getIndices(), place}), expert};
  }
  if (auto equal = dyn_cast_or_null<onnx::EqualOp>(op)) {
    auto operand = [&](Value value) {
      ElementOf result{value, {}};
      ArrayRef<Polynomial> sizes = stage.shapes.sizes(value);
      for (auto [size, at] : llvm::zip(sizes, ArrayRef(element.indices).take_back(sizes.size())))
        result.indices.push_back(size.isConstant(1) ? Polynomial() : at);
      return follow(result);
    };
    for (unsigned i : {0u, 1u})
      if (std::optional<Polynomial> expert = stage.elements.integer(operand(equal->getOperand(i))))
        return Mask{operand(equal->getOperand(1 - i)), *expert};
  }
  return std::nullopt;
}

/// What a number, a sum or a maximum of masks, is compared with 0 for, if it is.
static Value beforeComparison(Stage &stage, Value value) {
  for (;;) {
    value = skipIdleCasts(value);
    if (auto cast = value.getDefiningOp<onnx::CastOp>())
      value = cast.getX();
    else if (auto greater = value.getDefiningOp<onnx::GreaterOp>();
             greater && stage.isScalar(greater.getB(), 0, 0))
      value = greater.getA();
    else
      return value;
  }
}

/// A sum or a maximum: its operand, and its axes.
static std::optional<std::pair<Value, SmallVector<int64_t>>> reductionOf(Value value) {
  if (auto sum = value.getDefiningOp<onnx::ReduceSumOp>(); sum && !sum.getKeepdims())
    return std::make_pair(sum.getData(), SmallVector<int64_t>(sum.getAxes()));
  if (auto max = value.getDefiningOp<onnx::ReduceMaxOp>(); max && !max.getKeepdims())
    return std::make_pair(max.getData(), SmallVector<int64_t>(max.getAxes()));
  return std::nullopt;
}

std::optional<Mask> ExpertLoops::anySlotOf(ElementOf element, const Polynomial &token) {
  ElementOf source = follow(element);
  if (source.indices.size() != 1 || !(source.indices[0] == token))
    return std::nullopt; // Of other tokens.
  Value reduced = beforeComparison(stage, source.tensor);
  auto reduction = reductionOf(reduced);
  if (!reduction || reduction->second.size() != 1 || typeOf(reduction->first).getRank() != 2)
    return std::nullopt;
  auto [data, axes] = *reduction;
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(data);
  Polynomial slot = newIndex(sizes[axes.front()]);
  SmallVector<Polynomial, 4> place{token};
  place.insert(place.begin() + axes.front(), slot);
  std::optional<Mask> mask = maskOf({data, place});
  if (!mask || mask->index.indices.size() != 2 || !(mask->index.indices[0] == token) ||
      !(mask->index.indices[1] == slot))
    return std::nullopt;
  // Of all slots.
  ArrayRef<Polynomial> all = stage.shapes.sizes(mask->index.tensor);
  return all[0] == sizes[1 - axes.front()] && all[1] == sizes[axes.front()] ? mask : std::nullopt;
}

std::optional<HitList> ExpertLoops::matchHits(onnx::NonZeroOp op) {
  RankedTensorType type = typeOf(op.getX());
  if (type.getRank() != 1 || type.isDynamicDim(0))
    return std::nullopt;
  Polynomial expert = stage.shapes.newIndex(type.getDimSize(0));
  auto reduction = reductionOf(beforeComparison(stage, op.getX()));
  if (!reduction || reduction->second.size() != 2 || typeOf(reduction->first).getRank() != 3)
    return std::nullopt;
  // Each pair of the router is in it, once.
  auto [data, axes] = *reduction;
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(data);
  SmallVector<Polynomial, 4> place(3, expert);
  for (int64_t axis : axes)
    place[axis] = newIndex(sizes[axis]);
  std::optional<Mask> mask = maskOf({data, place});
  Value indices = mask ? routerIndices(stage, mask->index.tensor) : Value();
  if (!indices || !(mask->expert == expert) || mask->index.indices.size() != 2)
    return std::nullopt;
  ArrayRef<Polynomial> all = stage.shapes.sizes(indices);
  auto covers = [&](int64_t token, int64_t slot) {
    return mask->index.indices[0] == place[token] && all[0] == sizes[token] &&
           mask->index.indices[1] == place[slot] && all[1] == sizes[slot];
  };
  if (!covers(axes[0], axes[1]) && !covers(axes[1], axes[0]))
    return std::nullopt;
  HitList result;
  result.indices = indices;
  result.experts = routerExperts(stage, indices);
  if (result.experts > type.getDimSize(0))
    return std::nullopt;
  // As many as the graph takes apart; its Split ends the run for another number.
  auto countParts = [&](Value list, int64_t axis) {
    for (Operation *user : list.getUsers()) {
      auto split = dyn_cast<onnx::SplitOp>(user);
      if (!split || !split.getSizes() || static_cast<int64_t>(split.getAxis()) != axis ||
          !llvm::all_of(split.getParts(),
                        [](Value part) { return typeOf(part).getShape() == ArrayRef<int64_t>({1, 1}); }))
        continue;
      result.count = split.getNumResults();
      result.part = split.getParts().front();
    }
  };
  countParts(op.getY(), 1);
  for (Operation *user : op.getY().getUsers())
    if (auto transpose = dyn_cast<onnx::TransposeOp>(user);
        transpose && transpose.getPerm() == ArrayRef<int64_t>{1, 0})
      countParts(transpose.getY(), 0);
  for (int64_t i = 0; i < result.count; ++i)
    result.names.push_back(stage.shapes.newIndex(type.getDimSize(0)));
  return result.count > 0 ? std::optional(result) : std::nullopt;
}

HitList *ExpertLoops::hitsOf(onnx::NonZeroOp op) {
  if (auto found = hits.find(op); found != hits.end())
    return found->second ? &*found->second : nullptr;
  hits[op] = std::nullopt; // While it is looked at.
  std::optional<HitList> match = matchHits(op);
  hits[op] = match;
  return match ? &*hits[op] : nullptr;
}

std::optional<Term> ExpertLoops::termOf(Operation *scatter, bool &failed) {
  std::optional<Addition> addition = additionOf(stage, scatter);
  if (!addition)
    return std::nullopt;
  const auto &[updates, at, to, count, row, column] = *addition;
  auto list = at.tensor.getDefiningOp<onnx::NonZeroOp>();
  if (!list || at.indices.size() != 2 || !at.indices[0].constant() || !(at.indices[1] == row))
    return std::nullopt;
  const Polynomial &listed = stage.shapes.sizes(list.getY())[1];
  if (!(count == listed) && !(rowsOf(stage, updates) == listed))
    return std::nullopt; // Some of the pairs alone: there are as many updates as places.

  // Which element of the mask is the pair?
  SmallVector<Polynomial, 4> place;
  ArrayRef<Polynomial> extents = stage.shapes.sizes(list.getX());
  for (const Polynomial &size : extents)
    place.push_back(newIndex(size));
  if (place.empty() || place.size() > 2)
    return std::nullopt;
  ExpertMatcher matcher(stage);
  std::optional<Mask> mask =
      place.size() == 2 ? maskOf({list.getX(), place}) : anySlotOf({list.getX(), place}, place[0]);
  if (!mask || mask->index.indices.size() != 2 ||
      !(matcher.indices = routerIndices(stage, mask->index.tensor)))
    return std::nullopt;
  failed = true;
  auto fail = [&](Operation *op, const Twine &text) { return matcher.fail(op, text); };
  matcher.token = mask->index.indices[0];
  matcher.slot = mask->index.indices[1];
  matcher.expert = mask->expert;
  ArrayRef<Polynomial> all = stage.shapes.sizes(matcher.indices);
  bool covers = place.size() == 1 ? place[0] == matcher.token && extents[0] == all[0]
                                  : (place[0] == matcher.token && place[1] == *matcher.slot &&
                                     extents[0] == all[0] && extents[1] == all[1]) ||
                                        (place[1] == matcher.token && place[0] == *matcher.slot &&
                                         extents[1] == all[0] && extents[0] == all[1]);
  if (!covers || !(to[0] == all[0]))
    return fail(scatter, "the pairs of this expert are not all those that the router chose it for");
  // Other ops may list the same pairs.
  for (Operation *user : list.getX().getUsers())
    if (auto same = dyn_cast<onnx::NonZeroOp>(user))
      for (auto [i, index] : llvm::enumerate(place))
        stage.elements.name({same.getY(), {Polynomial(static_cast<int64_t>(i)), row}}, index);
  if (stage.elements.integer(at) != std::optional(matcher.token))
    return fail(scatter, "an expert's rows are not added to those of their tokens");

  ElementOf result = stage.elements.trace({updates, {row, column}});
  auto weighted = result.tensor.getDefiningOp<onnx::MulOp>();
  std::optional<ExpertProduct> out;
  Value weights;
  for (unsigned i : {0u, 1u}) {
    if (!weighted)
      break;
    ElementOf factor = matcher.operand(weighted->getOperand(1 - i), result.indices);
    if (place.size() == 2 && matcher.isPair(factor)) {
      weights = factor.tensor;
    } else if (place.size() == 1) {
      std::optional<Selection> selection = selectionOf(stage, factor.tensor, factor.indices.size() == 1);
      if (!selection || selection->choice.indices != matcher.indices || factor.indices.empty() ||
          !(factor.indices.front() == matcher.token) || !mask->expert.isConstant(selection->expert))
        continue;
      weights = selection->choice.weights;
    } else {
      continue;
    }
    if ((out = matcher.product(matcher.operand(weighted->getOperand(i), result.indices))))
      break;
  }
  if (!out)
    return fail(weighted ? weighted : scatter, "its rows are no expert's product times the pairs' weights");
  if (typeOf(weights).getShape() != typeOf(matcher.indices).getShape() || !isF32(weights))
    return fail(weighted, "its weights are not those of its router's choice");
  std::optional<MatchedExpert> layers = matcher.expertOf(weighted, *out, column);
  if (!layers)
    return std::nullopt;
  ArrayRef<Polynomial> rows = stage.shapes.sizes(layers->x);
  if (!(rows[0] == all[0]))
    return fail(weighted, "the router's tokens are not proven to be the experts'");
  failed = false;
  return Term{scatter, matcher.indices, weights, mask->expert, *layers};
}

/// Is a condition true whenever tensor `list` of NonZero has rows? Or false, when inverted.
bool ExpertLoops::isTrueWithRows(Value condition, onnx::NonZeroOp list, bool isInverted) {
  Polynomial count = stage.shapes.sizes(list.getY())[1];
  auto isCount = [&](Value value) {
    std::optional<Polynomial> number = stage.shapes.integer(value);
    return number && *number == count;
  };
  auto isNumber = [&](Value value, int64_t expected) {
    std::optional<Polynomial> number = stage.shapes.integer(value);
    return number && number->isConstant(expected);
  };
  for (;;) {
    Operation *op = condition.getDefiningOp();
    auto cast = dyn_cast_or_null<onnx::CastOp>(op);
    Type to = cast ? typeOf(cast.getY()).getElementType() : Type();
    // A count that is cut off may become 0.
    if (cast && !to.isInteger(1) && to.getIntOrFloatBitWidth() < 32)
      return false;
    if (isa_and_nonnull<onnx::CastOp, onnx::SqueezeOp, onnx::UnsqueezeOp, onnx::ReshapeOp>(op)) {
      condition = op->getOperand(0);
    } else if (isa_and_nonnull<onnx::NotOp>(op)) {
      isInverted = !isInverted;
      condition = op->getOperand(0);
    } else if (isa_and_nonnull<onnx::EqualOp>(op)) {
      return isInverted && ((isCount(op->getOperand(0)) && isNumber(op->getOperand(1), 0)) ||
                            (isCount(op->getOperand(1)) && isNumber(op->getOperand(0), 0)));
    } else if (isa_and_nonnull<onnx::GreaterOp, onnx::LessOp>(op)) {
      bool isGreater = isa<onnx::GreaterOp>(op);
      Value large = op->getOperand(isGreater ? 0 : 1);
      return !isInverted && isCount(large) && isNumber(op->getOperand(isGreater ? 1 : 0), 0);
    } else if (isa_and_nonnull<onnx::GreaterOrEqualOp, onnx::LessOrEqualOp>(op)) {
      bool isGreater = isa<onnx::GreaterOrEqualOp>(op);
      return !isInverted && isCount(op->getOperand(isGreater ? 0 : 1)) &&
             isNumber(op->getOperand(isGreater ? 1 : 0), 1);
    } else {
      return !isInverted && isCount(condition);
    }
  }
}

/// A sum that grew by an expert's rows if there are any, and the expert's addition: the sum before, and what
/// ends the longer one. Null when a value is something else.
std::optional<std::pair<Value, Operation *>> ExpertLoops::grownSum(Value value) {
  auto where = value.getDefiningOp<onnx::WhereOp>();
  if (!where || !stage.shapes.sizes(where.getCondition()).empty() ||
      where.getX().getType() != value.getType() || where.getY().getType() != value.getType())
    return std::nullopt;
  for (bool isFirst : {true, false}) {
    Value grown = isFirst ? where.getX() : where.getY(), before = isFirst ? where.getY() : where.getX();
    Operation *op = grown.getDefiningOp(), *addition = op;
    if (auto add = dyn_cast_or_null<onnx::AddOp>(op)) {
      Value rows;
      if (!matchEither(add, rows, [&](Value operand) { return operand == before; }))
        continue;
      addition = rows.getDefiningOp();
    } else if (!isa_and_nonnull<onnx::ScatterElementsOp, onnx::ScatterNDOp>(op) ||
               op->getOperand(0) != before) {
      continue;
    }
    bool isAddition = isa_and_nonnull<onnx::MatMulOp, onnx::ScatterElementsOp, onnx::ScatterNDOp>(addition);
    if (isAddition && !isa<onnx::MatMulOp>(addition)) {
      // Added to the sum, or to zeros that are added to it.
      auto elements = dyn_cast<onnx::ScatterElementsOp>(addition);
      StringRef reduction =
          elements ? elements.getReduction() : cast<onnx::ScatterNDOp>(addition).getReduction();
      bool isOfZeros = stage.isFilledWith(addition->getOperand(0), 0);
      isAddition =
          (reduction == "add" && (addition == op || isOfZeros)) || (reduction == "none" && isOfZeros);
    }
    std::optional<Addition> found = isAddition ? additionOf(stage, addition) : std::nullopt;
    auto list = found ? found->at.tensor.getDefiningOp<onnx::NonZeroOp>() : onnx::NonZeroOp();
    if (list && isTrueWithRows(where.getCondition(), list, !isFirst))
      return std::make_pair(before, addition);
  }
  return std::nullopt;
}

bool ExpertLoops::takeTerm(Operation *op, std::vector<Term> &terms, bool &failed) {
  bool almost = false;
  std::optional<Term> term = termOf(op, almost);
  failed |= almost;
  if (term)
    terms.push_back(std::move(*term));
  if (term || almost)
    inside.insert(op);
  return term || almost;
}

void ExpertLoops::flatten(Value value, std::vector<Term> &terms, SmallVectorImpl<Value> &others, bool isRoot,
                          bool &failed) {
  Operation *op = value.getDefiningOp();
  if (op && (isRoot || countReaders(value) == 1)) {
    if (auto add = dyn_cast<onnx::AddOp>(op);
        add && add.getA().getType() == value.getType() && add.getB().getType() == value.getType()) {
      inside.insert(op);
      flatten(add.getA(), terms, others, false, failed);
      flatten(add.getB(), terms, others, false, failed);
      return;
    }
    if (auto grown = grownSum(value)) {
      auto [before, addition] = *grown;
      if (takeTerm(addition, terms, failed)) {
        inside.insert(op);
        // The sum before is read twice: by what grew, and by the choice.
        for (Operation *user : before.getUsers())
          inside.insert(user);
        bool isOnlyRead = countReaders(before) == 2;
        flatten(before, terms, others, isOnlyRead, failed);
        return;
      }
    }
    if (isa<onnx::ScatterElementsOp, onnx::ScatterNDOp>(op)) {
      auto elements = dyn_cast<onnx::ScatterElementsOp>(op);
      StringRef reduction = elements ? elements.getReduction() : cast<onnx::ScatterNDOp>(op).getReduction();
      // A token chooses an expert once: written to zeros, rows are as good as added.
      bool starts = stage.isFilledWith(op->getOperand(0), 0),
           isTerm = reduction == "add" || (reduction == "none" && starts), wasRaised = !failed;
      if (isTerm && takeTerm(op, terms, failed)) {
        // What a failed one adds to is no sum of its own.
        if (!starts || (wasRaised && failed))
          flatten(op->getOperand(0), terms, others, false, failed);
        return;
      }
    }
    if (isa<onnx::MatMulOp>(op) && takeTerm(op, terms, failed))
      return;
  }
  others.push_back(value);
}

/// Puts the terms in the order of their experts, whose numbers `number` gives; null when it is not 0, 1, ...
static Operation *orderTerms(std::vector<Term> &terms,
                             llvm::function_ref<std::optional<int64_t>(const Term &)> number) {
  for (const Term &term : terms)
    if (!number(term))
      return term.op;
  llvm::sort(terms, [&](const Term &a, const Term &b) { return *number(a) < *number(b); });
  for (auto [i, term] : llvm::enumerate(terms))
    if (*number(term) != static_cast<int64_t>(i))
      return term.op;
  return nullptr;
}

bool ExpertLoops::hasOtherUses(ArrayRef<Term> terms) {
  Value indices = terms.front().indices;
  if (llvm::any_of(indices.getUsers(), [](Operation *user) {
        return isa<onnx::LessOp, onnx::LessOrEqualOp, onnx::GreaterOp, onnx::GreaterOrEqualOp>(user);
      }))
    return true;
  bool found = false;
  stage.function.walk([&](Operation *op) {
    SmallVector<Polynomial, 4> place;
    if (auto equal = dyn_cast<onnx::EqualOp>(op); equal && !found)
      for (const Polynomial &size : stage.shapes.sizes(equal.getC()))
        place.push_back(newIndex(size));
    if (auto list = dyn_cast<onnx::NonZeroOp>(op); list && !found)
      for (const Polynomial &size : stage.shapes.sizes(list.getX()))
        place.push_back(newIndex(size));
    if (place.empty())
      return;
    std::optional<Mask> mask = maskOf({isa<onnx::EqualOp>(op) ? op->getResult(0) : op->getOperand(0), place});
    found |= mask && routerIndices(stage, mask->index.tensor) == indices &&
             llvm::none_of(terms, [&](const Term &term) { return term.expert == mask->expert; });
  });
  return found;
}

void ExpertLoops::build(Operation *root, std::vector<Term> &terms, ArrayRef<Value> others) {
  ExpertMatcher matcher(stage);
  const Term &first = terms.front();
  Value indices = first.indices, weights = first.weights;
  int64_t experts = routerExperts(stage, indices), count = static_cast<int64_t>(terms.size());
  for (const Term &term : terms) {
    if (term.indices != indices || term.weights != weights)
      return (void)matcher.fail(term.op, "this expert is chosen in another way than the first");
    if (!term.layers.isAlike(first.layers))
      return (void)matcher.fail(term.op, "this expert is of another form than the first");
  }
  HitList *list = nullptr;
  for (auto &[op, match] : hits)
    if (match && llvm::is_contained(match->names, first.expert))
      list = &*match;
  Operation *router = indices.getDefiningOp();
  bool ofAll = first.layers.out.isOfAll();
  if (list) {
    Operation *wrong = orderTerms(terms, [&](const Term &term) -> std::optional<int64_t> {
      auto found = llvm::find(list->names, term.expert);
      return found == list->names.end() ? std::nullopt
                                        : std::make_optional<int64_t>(found - list->names.begin());
    });
    if (wrong || count != list->count)
      return (void)matcher.fail(wrong ? wrong : root,
                                "not every expert that tokens chose is there, and there once");
    std::string warning =
        ("the exporter fixed that tokens choose " + Twine(count) + " of " + Twine(experts) +
         " experts: inputs that choose another number of them end a run with an error" +
         (ofAll || count == experts
              ? ""
              : ", and other experts of that number get the results of those that it saw") +
         "; export the model with all experts computed, or with experts_implementation=\"batched_mm\"")
            .str();
    // Layers are mostly alike.
    if (warnings.insert(warning).second)
      emitWarning(router->getLoc()) << warning;
    if (!ofAll && count != experts)
      return (void)matcher.fail(root, "the layers of " + Twine(experts - count) + " of its " +
                                          Twine(experts) + " experts are missing");
  } else {
    auto number = [](const Term &term) { return term.expert.constant(); };
    Operation *wrong = orderTerms(terms, number);
    bool areDistinct = llvm::all_of(terms, [&](const Term &term) { return number(term).has_value(); });
    for (size_t i = 1; areDistinct && i < terms.size(); ++i)
      areDistinct = number(terms[i - 1]) != number(terms[i]);
    if (!areDistinct || (wrong && count >= experts))
      return (void)matcher.fail(wrong ? wrong : root, "an expert is there twice, or is none of the router's");
    if (count < experts && hasOtherUses(terms))
      return (void)matcher.fail(root, "some of its router's experts are computed in another way");
    if (wrong || count != experts) {
      stage.refuse(wrong ? wrong : root)
          << "this loop has " << count << " of the " << experts
          << " experts that its router chooses among: the exporter left out those that its example did not "
             "use, and tokens that choose them would get nothing; export the model with all experts "
             "computed, "
             "or with experts_implementation=\"batched_mm\"";
      return;
    }
  }
  std::vector<MatchedExpert> matches;
  for (const Term &term : terms)
    matches.push_back(term.layers);
  stage.buildAt(root, router);
  std::optional<ExpertLayers> layers = matcher.layersOf(root, matches);
  if (!layers)
    return;
  Choice choice = raiseRouting(stage, {indices, weights});
  if (list)
    choice.indices = after(stage, list->part, choice.indices);
  Value y = buildExperts(stage, first.layers.x, choice.indices, choice.weights, *layers);
  for (Value other : others)
    y = onnx::AddOp::create(stage.builder, stage.location(), root->getResult(0).getType(), y, other);
  root->getResult(0).replaceAllUsesWith(y);
}

void ExpertLoops::raise(Operation *root) {
  std::vector<Term> terms;
  SmallVector<Value> others;
  bool failed = false;
  flatten(root->getResult(0), terms, others, true, failed);
  if (failed || terms.empty())
    return;
  llvm::erase_if(others, [&](Value other) { return stage.isFilledWith(other, 0); });
  build(root, terms, others);
}

void raising::raiseExpertLoops(Stage &stage) {
  SmallVector<Operation *> ops;
  stage.function.walk([&](Operation *op) {
    if (isa<onnx::AddOp, onnx::ScatterElementsOp, onnx::ScatterNDOp, onnx::WhereOp>(op))
      ops.push_back(op);
  });
  // The last addition of a sum comes first; those inside it are not sums of their own.
  ExpertLoops loops(stage);
  for (Operation *op : llvm::reverse(ops))
    if (!loops.isInside(op))
      loops.raise(op);
}
