//===- Scatter.cpp - Lowerings that write elements at indices from the data -----------------------===//
//
// Serial loops: indices may repeat, and then the last one wins, or all are reduced in order.
//
//===----------------------------------------------------------------------------------------------===//
#include "Lowering.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

static Value wrapped(ScalarBuilder &b, Value at, Value size) {
  at = b.toIndex(at);
  return b.select(b.compare(Compare::Less, at, b.index(0)), b.add(at, size), at);
}

static Value combine(ScalarBuilder &b, StringRef reduction, Value old, Value update, bool isUnsigned) {
  if (reduction == "add")
    return old.getType().isInteger(1) ? b.logicalOr(old, update) : b.add(old, update);
  if (reduction == "mul")
    return b.mul(old, update);
  if (reduction == "max")
    return b.max(old, update, isUnsigned);
  if (reduction == "min")
    return b.min(old, update, isUnsigned);
  return update;
}

/// For each element of `updates`, one element of `data`, at the indices that `place` gives.
static Value scatter(Lowering &l, Value data, Value updates, StringRef reduction,
                     function_ref<SmallVector<Value>(ScalarBuilder &, ValueRange)> place) {
  bool isUnsigned = l.isUnsigned();
  SmallVector<Value> counts;
  SmallVector<Size, 4> sizes = l.sizes(data);
  for (const Size &size : l.sizes(updates))
    counts.push_back(l.value(size));
  SmallVector<Value> results =
      l.loops(counts, data, [&](ScalarBuilder &b, ValueRange indices, ValueRange carried) {
        Location loc = b.getLoc();
        SmallVector<Value> at = place(b, indices);
        Value update = tensor::ExtractOp::create(b, loc, updates, indices);
        if (reduction != "none")
          update =
              combine(b, reduction, tensor::ExtractOp::create(b, loc, carried[0], at), update, isUnsigned);
        return SmallVector<Value>{tensor::InsertOp::create(b, loc, update, carried[0], at)};
      });
  return l.known(results[0], sizes);
}

static LoweredValues lowerScatterElements(ScatterElementsOp op, ScatterElementsOp::Adaptor operands,
                                          Lowering &l) {
  Value data = operands.getData(), indices = operands.getIndices(), updates = operands.getUpdates();
  int64_t axis = op.getAxis(), rank = typeOf(data).getRank();
  SmallVector<Size, 4> sizes = l.sizes(data), places = l.sizes(indices);
  for (int64_t d = 0; d < rank; ++d) {
    l.checkEqual(places[d], l.size(updates, d), "indices and updates differ in size");
    if (d != axis && !places[d].provablyEquals(sizes[d]))
      l.check(l.compare(Compare::LessOrEqual, l.value(places[d]), l.value(sizes[d])),
              "there are more indices than data");
  }
  Value size = l.value(sizes[axis]);
  l.checkIndices(indices, size);
  return {scatter(l, data, updates, op.getReduction(), [&](ScalarBuilder &b, ValueRange loops) {
    SmallVector<Value> at(loops);
    at[axis] = wrapped(b, tensor::ExtractOp::create(b, b.getLoc(), indices, loops), size);
    return at;
  })};
}

static LoweredValues lowerScatterND(ScatterNDOp op, ScatterNDOp::Adaptor operands, Lowering &l) {
  Value data = operands.getData(), indices = operands.getIndices(), updates = operands.getUpdates();
  int64_t tuples = typeOf(indices).getRank() - 1, depth = typeOf(indices).getShape().back();
  SmallVector<Size, 4> sizes = l.sizes(data), places = l.sizes(indices);
  int64_t rank = sizes.size();
  if (ShapedType::isDynamic(depth) || depth > rank) {
    l.emitError(
        "the length of the index tuples is not known or too large; give the indices a static last dimension");
    return {};
  }
  if (typeOf(updates).getRank() != tuples + rank - depth) {
    l.emitError("the updates do not have the rank that the data and the indices ask for; check the model");
    return {};
  }
  SmallVector<Value> bounds;
  for (int64_t d = 0; d < typeOf(updates).getRank(); ++d)
    l.checkEqual(l.size(updates, d), d < tuples ? places[d] : sizes[d - tuples + depth],
                 "indices and updates differ in size");
  for (int64_t i = 0; i < depth; ++i) {
    SmallVector<Size> offsets(tuples + 1, l.size(0)), lengths(places.begin(), places.end());
    offsets.back() = l.size(i);
    lengths.back() = l.size(1);
    bounds.push_back(l.value(sizes[i]));
    l.checkIndices(l.slice(indices, offsets, lengths, SmallVector<int64_t>(tuples + 1, 1)), bounds.back());
  }
  return {scatter(l, data, updates, op.getReduction(), [&](ScalarBuilder &b, ValueRange loops) {
    SmallVector<Value> at;
    for (int64_t i = 0; i < depth; ++i) {
      SmallVector<Value> tuple(loops.begin(), loops.begin() + tuples);
      tuple.push_back(b.index(i));
      at.push_back(wrapped(b, tensor::ExtractOp::create(b, b.getLoc(), indices, tuple), bounds[i]));
    }
    at.append(loops.begin() + tuples, loops.end());
    return at;
  })};
}

void tamis::onnx::addScatterLowerings(LoweringPatterns &patterns) {
  patterns.add<ScatterElementsOp>(lowerScatterElements);
  patterns.add<ScatterNDOp>(lowerScatterND);
}
