//===- DataMovement.cpp - Lowerings that copy elements to other places ----------------------------===//
#include "Lowering.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

static LoweredValues lowerTranspose(onnx::TransposeOp op, onnx::TransposeOp::Adaptor operands, Lowering &l) {
  // Only dimensions of 1 move: the same elements in the same order.
  SmallVector<Size, 4> from = l.sizes(operands.getX());
  SmallVector<Size> to;
  int64_t last = -1;
  bool view = true;
  for (int64_t axis : op.getPerm()) {
    to.push_back(from[axis]);
    if (from[axis].constant() == 1)
      continue;
    view &= axis > last;
    last = axis;
  }
  return {view ? l.reshape(operands.getX(), to) : l.transpose(operands.getX(), op.getPerm())};
}

static LoweredValues lowerExpand(ExpandOp op, ExpandOp::Adaptor operands, Lowering &l) {
  SmallVector<Size> target;
  const Integers *symbolic = l.symbolicShapes().integers(op.getShape());
  for (auto [i, element] : llvm::enumerate(l.elements(operands.getShape()))) {
    Value size = l.toIndex(element);
    l.checkCount(size);
    std::optional<Polynomial> known;
    if (symbolic && i < symbolic->size())
      known = (*symbolic)[i];
    target.push_back(l.size(size, known));
  }
  return {l.expandTo(operands.getX(), target)};
}

static LoweredValues lowerConcat(onnx::ConcatOp op, onnx::ConcatOp::Adaptor operands, Lowering &l) {
  int64_t axis = op.getAxis();
  RankedTensorType type = l.resultType();
  bool small = type.getRank() == 1 && type.getElementType().isInteger() && type.hasStaticShape() &&
               type.getNumElements() <= 16;
  for (Value input : operands.getInputs())
    small &= typeOf(input).hasStaticShape();
  if (small) {
    SmallVector<Value> all;
    for (Value input : operands.getInputs())
      llvm::append_range(all, l.elements(input));
    return {l.fromElements(RankedTensorType::get(all.size(), type.getElementType()), all)};
  }
  SmallVector<Size, 4> to = l.sizes(operands.getInputs().front());
  SmallVector<Value> begins;
  for (auto [i, input] : llvm::enumerate(operands.getInputs())) {
    begins.push_back(i ? l.value(to[axis]) : l.index(0));
    if (i == 0)
      continue;
    for (int64_t d = 0; d < type.getRank(); ++d) {
      Size size = l.size(input, d);
      if (d == axis)
        to[d] = l.size(l.add(l.value(to[d]), l.value(size)), to[d].symbolic + size.symbolic);
      else
        l.checkEqual(to[d], size, "the sizes to join differ");
    }
  }
  Value result = l.empty(to, type.getElementType());
  SmallVector<OpFoldResult> steps(type.getRank(), l.getIndexAttr(1));
  for (auto [begin, input] : llvm::zip_equal(begins, operands.getInputs())) {
    SmallVector<OpFoldResult> offsets(type.getRank(), l.getIndexAttr(0)), counts;
    offsets[axis] = getAsOpFoldResult(begin);
    for (int64_t d = 0; d < type.getRank(); ++d)
      counts.push_back(d == axis ? l.size(input, d).value : to[d].value);
    // Nothing to insert, at a place that may lie behind the end.
    if (isConstantIntValue(counts[axis], 0))
      continue;
    // The sizes are those of the result; the operand may be less static.
    SmallVector<int64_t> shape;
    for (OpFoldResult count : counts)
      shape.push_back(getConstantIntValue(count).value_or(ShapedType::kDynamic));
    auto piece = RankedTensorType::get(shape, type.getElementType());
    Value source =
        input.getType() == piece ? input : tensor::CastOp::create(l, l.getLoc(), piece, input).getResult();
    result = tensor::InsertSliceOp::create(l, l.getLoc(), source, result, offsets, counts, steps);
  }
  return {l.known(result, to)};
}

static LoweredValues lowerSplit(onnx::SplitOp op, onnx::SplitOp::Adaptor operands, Lowering &l) {
  Value x = operands.getX();
  int64_t axis = op.getAxis(), count = op->getNumResults();
  SmallVector<Size, 4> from = l.sizes(x);
  SmallVector<Value> given;
  if (operands.getSizes())
    given = l.elements(operands.getSizes());
  Value total = l.value(from[axis]), begin = l.index(0);
  Value part = l.ceilDiv(total, l.index(count));
  SmallVector<int64_t> strides(from.size(), 1);
  LoweredValues results;
  for (int64_t i = 0; i < count; ++i) {
    SmallVector<Size> offsets(from.size(), l.size(0)), sizes(from.begin(), from.end());
    Value rest = l.sub(total, begin);
    Value length = given.empty() ? l.max(l.min(part, rest), l.index(0)) : l.toIndex(given[i]);
    if (!given.empty())
      l.check(l.logicalAnd(l.compare(Compare::GreaterOrEqual, length, l.index(0)),
                           l.compare(Compare::LessOrEqual, length, rest)),
              "the sizes of a split do not sum up to the dimension");
    offsets[axis] = l.size(begin);
    sizes[axis] = l.size(length, l.symbolicShapes().sizes(op->getResult(i))[axis]);
    results.push_back(l.slice(x, offsets, sizes, strides));
    begin = l.add(begin, length);
  }
  if (!given.empty())
    l.check(l.compare(Compare::Equal, begin, total), "the sizes of a split do not sum up to the dimension");
  return results;
}

static LoweredValues lowerSlice(onnx::SliceOp op, onnx::SliceOp::Adaptor operands, Lowering &l) {
  Value x = operands.getData();
  SmallVector<Size, 4> from = l.sizes(x);
  SmallVector<Polynomial> symbolic(l.symbolicShapes().sizes(op.getY()));
  SmallVector<Size> offsets(from.size(), l.size(0)), sizes(from.begin(), from.end());
  SmallVector<int64_t> strides(from.size(), 1);
  SmallVector<Value> starts = l.elements(operands.getStarts()), ends = l.elements(operands.getEnds());
  bool backwards = false;
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    int64_t step = op.getSteps()[i];
    strides[axis] = step;
    if (step == 1 && symbolic[axis] == from[axis].symbolic)
      continue; // All of it.
    Value size = l.value(from[axis]), zero = l.index(0), one = l.index(1);
    Value lowest = step > 0 ? zero : l.index(-1), highest = step > 0 ? size : l.sub(size, one);
    auto bound = [&](Value at, Value low) {
      at = l.toIndex(at);
      at = l.select(l.compare(Compare::Less, at, zero), l.add(at, size), at);
      return l.max(l.min(at, highest), low);
    };
    // Where the dimension is empty, start and end meet.
    Value start = bound(starts[i], zero), end = bound(ends[i], lowest);
    if (step < 0)
      start = l.min(start, highest);
    backwards |= step < 0;
    Value distance = step > 0 ? l.sub(end, start) : l.sub(start, end);
    Value length = l.ceilDiv(l.max(distance, zero), l.index(std::abs(step)));
    offsets[axis] = l.size(start);
    sizes[axis] = l.size(length, symbolic[axis]);
  }
  RankedTensorType type = l.resultType();
  bool small = Lowering::isSmall(type) && typeOf(x).getRank() == 1;
  if (small && offsets[0].constant()) {
    SmallVector<Value> taken;
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      taken.push_back(l.extract(x, l.index(*offsets[0].constant() + i * strides[0])));
    return {l.fromElements(type, taken)};
  }
  if (!backwards)
    return {l.slice(x, offsets, sizes, strides)};
  return {l.generic({}, {}, sizes, type.getElementType(), [&](ScalarBuilder &b, ValueRange) {
    SmallVector<Value> indices;
    for (unsigned d = 0; d < sizes.size(); ++d)
      indices.push_back(
          b.add(l.value(offsets[d]), b.mul(linalg::IndexOp::create(b, b.getLoc(), d), b.index(strides[d]))));
    return b.createOrFold<tensor::ExtractOp>(x, indices);
  })};
}

/// The index of x at `at`, which lies outside of [0, size) by less than its reach.
static Value mirrored(ScalarBuilder &b, Value at, Value size, StringRef mode) {
  Value zero = b.index(0), last = b.sub(size, b.index(1));
  if (mode == "edge")
    return b.max(b.min(at, last), zero);
  if (mode == "wrap") {
    Value rest = b.rem(at, size);
    return b.select(b.compare(Compare::Less, rest, zero), b.add(rest, size), rest);
  }
  // Reflection has the period 2 * (size - 1).
  Value period = b.max(b.mul(b.index(2), last), b.index(1));
  Value rest = b.rem(b.abs(at), period);
  return b.select(b.compare(Compare::Greater, rest, last), b.sub(period, rest), rest);
}

static LoweredValues lowerPad(onnx::PadOp op, onnx::PadOp::Adaptor operands, Lowering &l) {
  Value x = operands.getData();
  SmallVector<Size, 4> from = l.sizes(x);
  RankedTensorType type = l.resultType();
  SmallVector<Value> pads = l.elements(operands.getPads());
  unsigned rank = from.size();
  bool constant = op.getMode() == "constant";
  Value zero = l.index(0);
  SmallVector<Value> before;
  SmallVector<Size> to;
  for (unsigned d = 0; d < rank; ++d) {
    Value begin = l.toIndex(pads[d]), end = l.toIndex(pads[rank + d]);
    auto tame = [&](Value pad) {
      Value magnitude = l.max(pad, l.neg(pad));
      l.checkCount(magnitude);
    };
    tame(begin);
    tame(end);
    before.push_back(begin);
    Value size = l.add(l.add(l.value(from[d]), begin), end);
    l.checkCount(size);
    bool unchanged = getConstantIntValue(begin) == 0 && getConstantIntValue(end) == 0;
    to.push_back(unchanged ? from[d] : l.size(size));
    if (!constant && !unchanged)
      l.check(l.logicalOr(l.compare(Compare::Greater, l.value(from[d]), zero),
                          l.compare(Compare::Equal, size, zero)),
              "an empty dimension cannot be padded with its elements");
  }
  if (!constant)
    return {l.generic({}, {}, to, type.getElementType(), [&](ScalarBuilder &b, ValueRange) {
      SmallVector<Value> indices;
      for (unsigned d = 0; d < rank; ++d) {
        Value at = linalg::IndexOp::create(b, b.getLoc(), d);
        bool unchanged = from[d].provablyEquals(to[d]);
        indices.push_back(unchanged ? at : mirrored(b, b.sub(at, before[d]), l.value(from[d]), op.getMode()));
      }
      return b.createOrFold<tensor::ExtractOp>(x, indices);
    })};
  Value value =
      operands.getValue() ? l.onlyElement(operands.getValue()) : l.integer(type.getElementType(), 0);
  // What is cut off by negative pads, then what is put where.
  SmallVector<Size> cut, kept;
  SmallVector<OpFoldResult> offsets, counts, steps(rank, l.getIndexAttr(1));
  SmallVector<int64_t> strides(rank, 1);
  for (unsigned d = 0; d < rank; ++d) {
    Value size = l.value(from[d]), skipped = l.min(l.max(l.neg(before[d]), zero), size);
    Value place = l.min(l.max(before[d], zero), l.value(to[d]));
    Value left = l.min(l.sub(size, skipped), l.sub(l.value(to[d]), place));
    cut.push_back(l.size(skipped));
    kept.push_back(from[d].provablyEquals(to[d]) ? from[d] : l.size(left));
    offsets.push_back(getAsOpFoldResult(place));
    counts.push_back(kept.back().value);
  }
  Value piece = l.slice(x, cut, kept, strides);
  return {l.known(
      tensor::InsertSliceOp::create(l, l.getLoc(), piece, l.filled(to, value), offsets, counts, steps), to)};
}

static LoweredValues lowerTile(TileOp op, TileOp::Adaptor operands, Lowering &l) {
  Value x = operands.getX();
  SmallVector<Size, 4> from = l.sizes(x);
  SmallVector<Polynomial> symbolic(l.symbolicShapes().sizes(op.getY()));
  SmallVector<Size> to;
  SmallVector<bool> repeated;
  for (auto [i, element] : llvm::enumerate(l.elements(operands.getRepeats()))) {
    Value repeats = l.toIndex(element);
    l.checkCount(repeats);
    Value size = l.mul(l.value(from[i]), repeats);
    l.checkCount(size);
    repeated.push_back(getConstantIntValue(repeats) != 1);
    to.push_back(repeated.back() ? l.size(size, symbolic[i]) : from[i]);
  }
  return {l.generic({}, {}, to, l.resultType().getElementType(), [&](ScalarBuilder &b, ValueRange) {
    SmallVector<Value> indices;
    for (unsigned d = 0; d < to.size(); ++d) {
      Value at = linalg::IndexOp::create(b, b.getLoc(), d);
      // The loop runs only where no dimension is empty.
      indices.push_back(repeated[d] ? b.createOrFold<arith::RemUIOp>(at, b.max(l.value(from[d]), b.index(1)))
                                    : at);
    }
    return b.createOrFold<tensor::ExtractOp>(x, indices);
  })};
}

static LoweredValues lowerTrilu(TriluOp op, TriluOp::Adaptor operands, Lowering &l) {
  Value k = operands.getK() ? l.toIndex(l.onlyElement(operands.getK())) : l.index(0);
  unsigned rank = l.resultType().getRank();
  Type element = l.resultType().getElementType();
  return {l.map(operands.getX(), element, [&](ScalarBuilder &b, ValueRange args) {
    Value row = linalg::IndexOp::create(b, b.getLoc(), rank - 2),
          column = linalg::IndexOp::create(b, b.getLoc(), rank - 1);
    Value inside =
        b.compare(op.getUpper() ? Compare::GreaterOrEqual : Compare::LessOrEqual, b.sub(column, row), k);
    return b.select(inside, args[0], b.integer(element, 0));
  })};
}

void tamis::onnx::addDataMovementLowerings(LoweringPatterns &patterns) {
  patterns.add<onnx::TransposeOp>(lowerTranspose);
  patterns.add<ExpandOp>(lowerExpand);
  patterns.add<onnx::ConcatOp>(lowerConcat);
  patterns.add<onnx::SplitOp>(lowerSplit);
  patterns.add<onnx::SliceOp>(lowerSlice);
  patterns.add<onnx::PadOp>(lowerPad);
  patterns.add<TileOp>(lowerTile);
  patterns.add<TriluOp>(lowerTrilu);
}
