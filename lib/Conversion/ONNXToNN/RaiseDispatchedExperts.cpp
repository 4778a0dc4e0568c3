//===- RaiseDispatchedExperts.cpp - Experts whose tokens a matrix names --------------------------------===//
//
// Switch Transformers, NLLB and their like have no list of a token's experts, but a matrix M [tokens, E] of
// what each expert is to compute: one-hot rows, without those that exceed an expert's capacity.
//
//   for each expert e: rows = nonzero(M[:, e]); y[rows] = w[rows, e] * mlp_e(x[rows])
//
// Results are added to those of the tokens, or written over them (a token that no expert takes then keeps
// what was there), or written to a slab for each expert, which are added up at the end:
//
//   z = zeros or x * M, [E, tokens, H]; z[e, rows] = ...; y = sum over e of z[e]
//
// A row that was listed by NonZero gets its token's indices as a name, as in RaiseExpertLoops.cpp. What M
// means is not looked at (see ExpertMask.h): a token over an expert's capacity is one of which M says so.
//
//===----------------------------------------------------------------------------------------------===//
#include "ExpertAddition.h"
#include "ExpertTerms.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;
using onnx::ElementOf;
using onnx::Polynomial;

namespace {
/// Rows that a scatter writes or adds to those of the tokens that a mask is not 0 for.
struct Write {
  bool adds;
  std::optional<int64_t> slab;       ///< of its data, that rows are written to
  Value mask;                        ///< what the tokens are listed from
  ElementOf masked;                  ///< the mask's element for a token, before casts
  SmallVector<Polynomial, 2> tokens; ///< the token's indices
  Polynomial row, column;
  ElementOf result; ///< what is written, not yet traced
};

class DispatchedExperts {
public:
  explicit DispatchedExperts(Stage &stage) : stage(stage) {
    stage.function.walk([&](onnx::NonZeroOp op) { lists.push_back(op); });
  }
  void raise(onnx::ReduceSumOp sum);
  void raise(Operation *root);
  bool isInside(Operation *op) const { return inside.contains(op); }

private:
  /// Writes of whole rows; with `isSlab` to one of the slabs that the data's first dimension is of.
  std::optional<Write> writeOf(Operation *op, bool isSlab);
  /// Writes of a row's elements: the list of a mask that was expanded to all columns has the rows' elements
  /// one after the other.
  std::optional<Write> elementwiseWriteOf(onnx::ScatterNDOp op);
  /// Tokens that a dimension of the list of a mask is of, in order.
  bool setTokens(Write &write, Value mask, ArrayRef<int64_t> dimensions, ArrayRef<Polynomial> sizes);
  /// Gives the rows of all lists of the same tokens their names; the list of the mask itself is returned.
  onnx::NonZeroOp nameRows(const Write &write);
  std::optional<ExpertTerm> termOf(Operation *op, bool isSlab, bool &failed,
                                   std::optional<int64_t> slab = std::nullopt);
  /// The write to what one slab had, when a scatter puts all of a slab back; the slab's number goes to
  /// `slab`.
  onnx::ScatterNDOp writeInsideSlab(Operation *op, std::optional<int64_t> &slab);
  bool collect(Value value, bool isSlab, bool isRoot, std::vector<ExpertTerm> &terms,
               SmallVectorImpl<Value> &others);
  /// Are the elements of a slab 0 wherever a term's mask is?
  bool isZeroElsewhere(Value slab, ArrayRef<ExpertTerm> terms);
  Polynomial newIndex(const Polynomial &size) {
    return size.isConstant(1) ? Polynomial() : stage.shapes.newIndex(size);
  }

  Stage &stage;
  SmallVector<onnx::NonZeroOp> lists; ///< all of the function
  llvm::SmallPtrSet<Operation *, 32> inside;
  bool sawAddition = false; ///< by the last collect
};
} // namespace

bool DispatchedExperts::setTokens(Write &write, Value mask, ArrayRef<int64_t> dimensions,
                                  ArrayRef<Polynomial> sizes) {
  ArrayRef<Polynomial> extents = stage.shapes.sizes(mask);
  SmallVector<Polynomial, 4> place;
  for (auto [i, size] : llvm::enumerate(extents)) {
    bool isToken = llvm::is_contained(dimensions, static_cast<int64_t>(i));
    if (!isToken && !size.isConstant(1))
      return false;
    place.push_back(newIndex(size));
    if (isToken)
      write.tokens.push_back(place.back());
  }
  for (auto [dimension, size] : llvm::zip(dimensions, sizes))
    if (!(extents[dimension] == size))
      return false;
  write.mask = mask;
  write.masked = beforeCasts(stage, {mask, place});
  return true;
}

onnx::NonZeroOp DispatchedExperts::nameRows(const Write &write) {
  onnx::NonZeroOp found;
  for (onnx::NonZeroOp list : lists) {
    SmallVector<Polynomial, 4> place;
    size_t token = 0;
    for (const Polynomial &size : stage.shapes.sizes(list.getX()))
      place.push_back(size.isConstant(1) || token == write.tokens.size() ? Polynomial()
                                                                         : write.tokens[token++]);
    if (token != write.tokens.size() || !(beforeCasts(stage, {list.getX(), place}) == write.masked))
      continue;
    bool isOfAll = true;
    for (auto [index, size] : llvm::zip(place, stage.shapes.sizes(list.getX())))
      isOfAll &= index.constant() ? size.isConstant(1)
                                  : stage.shapes.upperBound(index) == std::optional(size - Polynomial(1));
    if (!isOfAll)
      continue;
    for (auto [i, index] : llvm::enumerate(place))
      stage.elements.name({list.getY(), {Polynomial(static_cast<int64_t>(i)), write.row}}, index);
    found = list;
  }
  return found;
}

std::optional<Write> DispatchedExperts::elementwiseWriteOf(onnx::ScatterNDOp op) {
  Write write;
  ArrayRef<Polynomial> to = stage.shapes.sizes(op.getData()), at = stage.shapes.sizes(op.getIndices());
  // As many as there are indices: what is cut off is nothing.
  Value updates = op.getUpdates();
  while (auto slice = updates.getDefiningOp<onnx::SliceOp>()) {
    const onnx::Integers *starts = stage.shapes.integers(slice.getStarts());
    if (!starts || starts->size() != 1 || !starts->front() || !starts->front()->isConstant(0) ||
        slice.getSteps()[0] != 1)
      return std::nullopt;
    updates = slice.getData();
  }
  ArrayRef<Polynomial> from = stage.shapes.sizes(updates);
  if (at.size() != 2 || from.size() != 1 || op.getReduction() != "none" || !isF32(op.getData()))
    return std::nullopt;
  std::optional<Polynomial> rows = Polynomial(from[0]).divideExactly(to.back());
  if (!rows)
    return std::nullopt;
  Polynomial element = newIndex(at[0]);
  onnx::NonZeroOp list;
  for (size_t part = 0; part < to.size(); ++part) {
    ElementOf place =
        stage.elements.trace({op.getIndices(), {element, Polynomial(static_cast<int64_t>(part))}});
    auto own = place.tensor.getDefiningOp<onnx::NonZeroOp>();
    if (!own || (list && own.getX() != list.getX()) || place.indices.size() != 2 ||
        !place.indices[0].isConstant(static_cast<int64_t>(part)) || !(place.indices[1] == element))
      return std::nullopt;
    list = own;
  }
  if (!(at[0] == stage.shapes.sizes(list.getY())[1]))
    return std::nullopt; // Some of the tokens alone.
  write.adds = false;
  write.row = stage.shapes.newIndex(*rows);
  write.column = newIndex(to.back());
  SmallVector<Polynomial, 4> place;
  for (const Polynomial &size : to.drop_back()) {
    place.push_back(newIndex(size));
    write.tokens.push_back(place.back());
  }
  if (stage.shapes.sizes(list.getX()) != to)
    return std::nullopt;
  place.push_back(write.column);
  write.masked = beforeCasts(stage, {list.getX(), place});
  // The same for all columns.
  if (!columnOf(stage, write.masked, write.tokens) || llvm::is_contained(write.masked.indices, write.column))
    return std::nullopt;
  write.mask = write.masked.tensor;
  write.result = {updates, {write.row * Polynomial(to.back()) + write.column}};
  return write;
}

std::optional<Write> DispatchedExperts::writeOf(Operation *op, bool isSlab) {
  Value data = op->getOperand(0), indices = op->getOperand(1), updates = op->getOperand(2);
  ArrayRef<Polynomial> to = stage.shapes.sizes(data), from = stage.shapes.sizes(updates),
                       at = stage.shapes.sizes(indices);
  if (to.size() < 2 || !isF32(data))
    return std::nullopt;
  Write write;
  SmallVector<ElementOf, 3> parts;
  SmallVector<Polynomial, 4> place, source;
  auto elements = dyn_cast<onnx::ScatterElementsOp>(op);
  StringRef reduction = elements ? elements.getReduction() : cast<onnx::ScatterNDOp>(op).getReduction();
  if (reduction != "none" && reduction != "add")
    return std::nullopt;
  write.adds = reduction == "add";
  write.column = newIndex(to.back());
  Polynomial rows, updated; // the sizes of that dimension, which are the same in a run
  bool hasRow = elements;
  if (elements) {
    if (to.size() != 2 || elements.getAxis() != 0 || !(at.back() == to.back()))
      return std::nullopt;
    rows = rowsOf(stage, indices);
    updated = rowsOf(stage, updates);
    write.row = stage.shapes.newIndex(at[0]);
    source = {from[0].isConstant(1) ? Polynomial() : write.row};
    parts.push_back(stage.elements.trace({indices, {write.row, write.column}}));
  } else {
    int64_t depth = static_cast<int64_t>(to.size()) - 1;
    if (!isSlab && at.back().isConstant(depth + 1))
      return elementwiseWriteOf(cast<onnx::ScatterNDOp>(op));
    if (!at.back().isConstant(depth) || from.size() != at.size())
      return std::nullopt;
    // One of the leading dimensions is that of rows.
    for (auto [i, size] : llvm::enumerate(at.drop_back())) {
      if (hasRow && !size.isConstant(1))
        return std::nullopt;
      bool isRow = !size.isConstant(1);
      if (isRow) {
        rows = rowsOf(stage, indices, static_cast<int64_t>(i));
        updated = rowsOf(stage, updates, static_cast<int64_t>(i));
        write.row = stage.shapes.newIndex(size);
      }
      hasRow |= isRow;
      place.push_back(isRow ? write.row : Polynomial());
      source.push_back(from[i].isConstant(1) ? Polynomial() : place.back());
    }
    if (!hasRow)
      return std::nullopt;
    for (int64_t part = 0; part < depth; ++part) {
      SmallVector<Polynomial, 4> tuple(place);
      tuple.push_back(part);
      parts.push_back(stage.elements.trace({indices, tuple}));
    }
  }
  source.push_back(write.column);
  write.result = {updates, source};
  if (isSlab) {
    std::optional<Polynomial> number = stage.elements.integer(parts.front());
    if (!number || !(write.slab = number->constant()) || *write.slab < 0)
      return std::nullopt;
    parts.erase(parts.begin());
  }
  SmallVector<int64_t, 2> dimensions;
  Value mask;
  for (const ElementOf &part : parts) {
    auto list = part.tensor.getDefiningOp<onnx::NonZeroOp>();
    std::optional<int64_t> dimension =
        list && part.indices.size() == 2 ? part.indices[0].constant() : std::nullopt;
    // All of the tokens that are listed, and not those alone that an expert has room for.
    if (!dimension || (mask && list.getX() != mask) || !(part.indices[1] == write.row) ||
        (!(rows == stage.shapes.sizes(list.getY())[1]) && !(updated == stage.shapes.sizes(list.getY())[1])) ||
        (!dimensions.empty() && *dimension <= dimensions.back()))
      return std::nullopt;
    dimensions.push_back(*dimension);
    mask = list.getX();
  }
  return setTokens(write, mask, dimensions, to.drop_front(isSlab).drop_back()) ? std::optional(write)
                                                                               : std::nullopt;
}

/// A row's element before a reshape of rows to one row, which fails for another number of them.
static std::optional<ElementOf> beforeSingleRow(Stage &stage, const ElementOf &element, const Polynomial &row,
                                                const Polynomial &column) {
  auto reshape = element.tensor.getDefiningOp<onnx::ReshapeOp>();
  if (!reshape || element.indices.empty() || !(element.indices.back() == column))
    return std::nullopt;
  ArrayRef<Polynomial> from = stage.shapes.sizes(reshape.getData()), to = stage.shapes.sizes(element.tensor);
  if (from.size() != 2 || !(from.back() == to.back()) ||
      !llvm::all_of(to.drop_back(), [](const Polynomial &size) { return size.isConstant(1); }))
    return std::nullopt;
  return stage.elements.trace({reshape.getData(), {row, column}});
}

onnx::ScatterNDOp DispatchedExperts::writeInsideSlab(Operation *op, std::optional<int64_t> &slab) {
  auto scatter = dyn_cast<onnx::ScatterElementsOp>(op);
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(op->getOperand(0));
  if (!scatter || scatter.getAxis() != 0 || scatter.getReduction() != "none" || sizes.size() != 3)
    return {};
  ArrayRef<Polynomial> from = stage.shapes.sizes(scatter.getUpdates());
  SmallVector<Polynomial, 4> place{Polynomial(), newIndex(sizes[1]), newIndex(sizes[2])};
  std::optional<Polynomial> number = stage.elements.integer({scatter.getIndices(), place});
  if (!number || !(slab = number->constant()) || *slab < 0 || !from[0].isConstant(1) ||
      !(from[1] == sizes[1]) || !(from[2] == sizes[2]))
    return {};
  ElementOf written = stage.elements.trace({scatter.getUpdates(), place});
  auto inner = written.tensor.getDefiningOp<onnx::ScatterNDOp>();
  place[0] = *slab;
  bool isOfSlab = inner && written.indices.size() == 2 && written.indices[0] == place[1] &&
                  written.indices[1] == place[2] &&
                  stage.elements.trace({inner.getData(), written.indices}) ==
                      stage.elements.trace({scatter.getData(), place});
  return isOfSlab ? inner : onnx::ScatterNDOp();
}

std::optional<ExpertTerm> DispatchedExperts::termOf(Operation *op, bool isSlab, bool &failed,
                                                    std::optional<int64_t> slab) {
  std::optional<Write> write = writeOf(op, isSlab);
  if (!write)
    return std::nullopt;
  onnx::NonZeroOp list = nameRows(*write);
  if (!list)
    return std::nullopt;
  ExpertTerm term;
  term.op = op;
  term.adds = write->adds;
  term.slab = isSlab ? write->slab : slab;
  ArrayRef<Polynomial> tokens = write->tokens, to = stage.shapes.sizes(op->getOperand(0));
  const ElementOf &masked = write->masked;
  if (std::optional<ExpertColumn> mask = columnOf(stage, masked, tokens))
    term.mask = *mask;
  else
    term.mask.tensor = write->mask;

  ExpertMatcher matcher(stage);
  matcher.token = tokens.back();
  matcher.leading.append(tokens.begin(), std::prev(tokens.end()));
  if (term.slab)
    matcher.expert = Polynomial(*term.slab);
  else if (term.mask.isOfMatrix())
    matcher.expert = term.mask.expert;
  else
    matcher.expert = Polynomial(-1); // Of layers of its own.
  if (term.slab && term.mask.isOfMatrix() && !term.mask.expert.isConstant(*term.slab))
    return std::nullopt;
  // Rows may have been multiplied by the mask, which is 1 for them.
  matcher.rowFactor = [&](const ElementOf &factor) {
    return beforeCasts(stage, factor) == masked && isZeroOrOne(stage, factor);
  };
  ElementOf result = stage.elements.trace(write->result);
  if (auto single = beforeSingleRow(stage, result, write->row, write->column)) {
    result = *single;
    term.single = list.getY();
  }
  std::optional<ExpertProduct> out = weightedProduct(stage, matcher, result, tokens, term);
  if (!out)
    return std::nullopt; // Most scatters are no experts.
  failed = true;
  Operation *node = result.tensor.getDefiningOp();
  std::optional<MatchedExpert> layers = matcher.expertOf(node, *out, write->column);
  if (!layers)
    return std::nullopt;
  ArrayRef<Polynomial> rows = stage.shapes.sizes(layers->x);
  if (rows.drop_back() != to.drop_front(isSlab).drop_back()) {
    matcher.fail(node, "the router's tokens are not proven to be the experts'");
    return std::nullopt;
  }
  failed = false;
  term.layers = *layers;
  return term;
}

bool DispatchedExperts::collect(Value value, bool isSlab, bool isRoot, std::vector<ExpertTerm> &terms,
                                SmallVectorImpl<Value> &others) {
  Operation *op = value.getDefiningOp();
  // The rows of an expert may be read from a slab that others were written to.
  if (op && (isRoot || isSlab || countReaders(value) == 1)) {
    if (auto add = dyn_cast<onnx::AddOp>(op); add && !isSlab && add.getA().getType() == value.getType() &&
                                              add.getB().getType() == value.getType()) {
      inside.insert(op);
      sawAddition = true;
      return collect(add.getA(), isSlab, false, terms, others) &&
             collect(add.getB(), isSlab, false, terms, others);
    }
    if (isa<onnx::ScatterElementsOp, onnx::ScatterNDOp>(op)) {
      bool failed = false;
      std::optional<int64_t> slab;
      onnx::ScatterNDOp inner = isSlab ? writeInsideSlab(op, slab) : onnx::ScatterNDOp();
      std::optional<ExpertTerm> term =
          inner ? termOf(inner, false, failed, slab) : termOf(op, isSlab, failed);
      if (term || failed)
        inside.insert(op);
      if (inner && (term || failed))
        inside.insert(inner);
      if (failed) { // What it adds to is no sum of its own.
        collect(op->getOperand(0), isSlab, false, terms, others);
        return false;
      }
      if (term) {
        bool starts = term->starts = stage.isFilledWith(op->getOperand(0), 0);
        terms.push_back(std::move(*term));
        return starts || collect(op->getOperand(0), isSlab, false, terms, others);
      }
    }
  }
  others.push_back(value);
  return true;
}

bool DispatchedExperts::isZeroElsewhere(Value slab, ArrayRef<ExpertTerm> terms) {
  if (stage.isFilledWith(slab, 0))
    return true;
  // Rows times the mask, all of which are written over where it is not 0.
  const ExpertColumn &mask = terms.front().mask;
  ArrayRef<Polynomial> sizes = stage.shapes.sizes(slab);
  if (sizes.size() != 3 || llvm::any_of(terms, [&](const ExpertTerm &term) {
        return term.adds || !term.mask.isOfMatrix() || term.mask.tensor != mask.tensor ||
               term.mask.axis != mask.axis;
      }))
    return false;
  ExpertMatcher matcher(stage);
  Polynomial expert = newIndex(sizes[0]), token = newIndex(sizes[1]);
  auto both = matcher.factors(stage.elements.trace({slab, {expert, token, newIndex(sizes[2])}}));
  if (!both)
    return false;
  for (const ElementOf &factor : {both->first, both->second}) {
    ElementOf source = beforeCasts(stage, factor);
    std::optional<ExpertColumn> column = columnOf(stage, source, token);
    if (source.tensor == mask.tensor && column && column->axis == mask.axis && column->expert == expert)
      return sizes[0].isConstant(static_cast<int64_t>(terms.size()));
  }
  return false;
}

void DispatchedExperts::raise(onnx::ReduceSumOp sum) {
  if (sum.getAxes() != ArrayRef<int64_t>{0} || sum.getKeepdims() || !isF32(sum.getData()) ||
      typeOf(sum.getData()).getRank() < 3)
    return;
  std::vector<ExpertTerm> terms;
  SmallVector<Value> others;
  if (!collect(sum.getData(), true, true, terms, others) || terms.size() < 2)
    return;
  Value slab = others.empty() ? terms.back().op->getOperand(0) : others.front();
  if (!isZeroElsewhere(slab, terms))
    return (void)ExpertMatcher(stage).fail(sum, "rows that no expert writes are not proven to be zeros");
  for (ExpertTerm &term : terms)
    term.adds = true; // At the end.
  buildTerms(stage, sum, terms, {}, 0);
}

void DispatchedExperts::raise(Operation *root) {
  std::vector<ExpertTerm> terms;
  SmallVector<Value> others;
  sawAddition = false;
  if (!collect(root->getResult(0), false, true, terms, others) || terms.size() < 2)
    return;
  // Of others it is not known which are added, and which were there before rows were written over them.
  if (sawAddition && !others.empty() &&
      llvm::any_of(terms, [](const ExpertTerm &term) { return !term.adds; }))
    return (void)ExpertMatcher(stage).fail(root, "some of its rows are added, and others written");
  buildTerms(stage, root, terms, others, 0);
}

void raising::raiseDispatchedExperts(Stage &stage) {
  SmallVector<Operation *> ops;
  stage.function.walk([&](Operation *op) {
    if (isa<onnx::AddOp, onnx::ScatterElementsOp, onnx::ScatterNDOp, onnx::ReduceSumOp>(op))
      ops.push_back(op);
  });
  // The last one of a chain comes first.
  DispatchedExperts experts(stage);
  for (Operation *op : llvm::reverse(ops)) {
    if (auto sum = dyn_cast<onnx::ReduceSumOp>(op))
      experts.raise(sum);
    else if (!experts.isInside(op))
      experts.raise(op);
  }
}
