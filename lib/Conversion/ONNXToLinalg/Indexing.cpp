//===- Indexing.cpp - Lowerings that read elements at indices from the data -----------------------===//
#include "Lowering.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

static RankedTensorType typeOf(Value tensor) { return cast<RankedTensorType>(tensor.getType()); }

/// A checked index, negative ones counted from the end.
static Value wrapped(ScalarBuilder &b, Value at, Value size) {
  at = b.toIndex(at);
  return b.select(b.compare(Compare::Less, at, b.index(0)), b.add(at, size), at);
}

static LoweredValues lowerGather(onnx::GatherOp op, onnx::GatherOp::Adaptor operands, Lowering &l) {
  Value data = operands.getData(), indices = operands.getIndices();
  RankedTensorType dataType = typeOf(data), indexType = typeOf(indices), type = l.resultType();
  int64_t axis = op.getAxis(), rank = dataType.getRank(), indexRank = indexType.getRank();
  SmallVector<Size, 4> from = l.sizes(data), places = l.sizes(indices);
  Value size = l.value(from[axis]);
  if (rank == 1 && Lowering::isSmall(type) && Lowering::isSmall(indexType)) {
    SmallVector<Value> taken;
    for (Value element : l.elements(indices))
      taken.push_back(l.extract(data, l.checkedIndex(element, size)));
    return {l.fromElements(RankedTensorType::get(indexType.getShape(), type.getElementType()), taken)};
  }
  SmallVector<Size> to(from.begin(), from.begin() + axis);
  to.append(places.begin(), places.end());
  to.append(from.begin() + axis + 1, from.end());
  if (indexType.hasStaticShape() && indexType.getNumElements() == 1) {
    // A plain slice.
    SmallVector<Size> offsets(rank, l.size(0)), sizes(from.begin(), from.end());
    offsets[axis] = l.size(l.checkedIndex(l.onlyElement(indices), size));
    sizes[axis] = l.size(1);
    return {l.reshape(l.slice(data, offsets, sizes, SmallVector<int64_t>(rank, 1)), to)};
  }
  l.checkIndices(indices, size);
  SmallVector<AffineExpr> exprs;
  for (int64_t i = 0; i < indexRank; ++i)
    exprs.push_back(l.getAffineDimExpr(axis + i));
  AffineMap map = AffineMap::get(to.size(), 0, exprs, l.getContext());
  return {l.generic(indices, map, to, type.getElementType(), [&](ScalarBuilder &b, ValueRange args) {
    SmallVector<Value> at;
    for (int64_t d = 0; d < rank; ++d) {
      if (d == axis)
        at.push_back(wrapped(b, args[0], size));
      else
        at.push_back(linalg::IndexOp::create(b, b.getLoc(), d < axis ? d : d + indexRank - 1));
    }
    return tensor::ExtractOp::create(b, b.getLoc(), data, at).getResult();
  })};
}

static LoweredValues lowerGatherElements(GatherElementsOp op, GatherElementsOp::Adaptor operands,
                                         Lowering &l) {
  Value data = operands.getData(), indices = operands.getIndices();
  int64_t axis = op.getAxis(), rank = typeOf(data).getRank();
  SmallVector<Size, 4> from = l.sizes(data), to = l.sizes(indices);
  for (int64_t d = 0; d < rank; ++d)
    if (d != axis && !to[d].provablyEquals(from[d]))
      l.check(l.compare(Compare::LessOrEqual, l.value(to[d]), l.value(from[d])),
              "there are more indices than data");
  Value size = l.value(from[axis]);
  l.checkIndices(indices, size);
  return {l.generic(indices, l.identity(rank), to, l.resultType().getElementType(),
                    [&](ScalarBuilder &b, ValueRange args) {
                      SmallVector<Value> at;
                      for (int64_t d = 0; d < rank; ++d)
                        at.push_back(linalg::IndexOp::create(b, b.getLoc(), d));
                      at[axis] = wrapped(b, args[0], size);
                      return tensor::ExtractOp::create(b, b.getLoc(), data, at).getResult();
                    })};
}

static LoweredValues lowerGatherND(GatherNDOp op, GatherNDOp::Adaptor operands, Lowering &l) {
  Value data = operands.getData(), indices = operands.getIndices();
  int64_t batch = op.getBatchDims(), tuples = typeOf(indices).getRank() - 1,
          depth = typeOf(indices).getShape().back();
  SmallVector<Size, 4> from = l.sizes(data), places = l.sizes(indices);
  int64_t rank = from.size();
  if (ShapedType::isDynamic(depth) || batch + depth > rank) {
    l.emitError(
        "the length of the index tuples is not known or too large; give the indices a static last dimension");
    return {};
  }
  for (int64_t d = 0; d < batch; ++d)
    l.checkEqual(from[d], places[d], "the batch dimensions differ");
  for (int64_t i = 0; i < depth; ++i) {
    SmallVector<Size> offsets(tuples + 1, l.size(0)), sizes(places.begin(), places.end());
    offsets.back() = l.size(i);
    sizes.back() = l.size(1);
    l.checkIndices(l.slice(indices, offsets, sizes, SmallVector<int64_t>(tuples + 1, 1)),
                   l.value(from[batch + i]));
  }
  SmallVector<Size> to(places.begin(), places.end() - 1);
  to.append(from.begin() + batch + depth, from.end());
  SmallVector<Value> bounds;
  for (const Size &size : from)
    bounds.push_back(l.value(size));
  return {l.generic({}, {}, to, l.resultType().getElementType(), [&](ScalarBuilder &b, ValueRange) {
    SmallVector<Value> loops, at;
    for (unsigned d = 0; d < to.size(); ++d)
      loops.push_back(linalg::IndexOp::create(b, b.getLoc(), d));
    at.assign(loops.begin(), loops.begin() + batch);
    for (int64_t i = 0; i < depth; ++i) {
      SmallVector<Value> tuple(loops.begin(), loops.begin() + tuples);
      tuple.push_back(b.index(i));
      at.push_back(wrapped(b, tensor::ExtractOp::create(b, b.getLoc(), indices, tuple), bounds[batch + i]));
    }
    at.append(loops.begin() + tuples, loops.end());
    return tensor::ExtractOp::create(b, b.getLoc(), data, at).getResult();
  })};
}

static LoweredValues lowerOneHot(OneHotOp op, OneHotOp::Adaptor operands, Lowering &l) {
  Value indices = operands.getIndices(), values = operands.getValues();
  int64_t axis = op.getAxis();
  Value depth = l.toIndex(l.convert(l.onlyElement(operands.getDepth()), l.getI64Type()));
  l.checkCount(depth);
  l.checkEqual(l.size(values, 0), l.size(2), "the values of a one-hot are not two");
  Value off = l.extract(values, l.index(0)), on = l.extract(values, l.index(1));
  SmallVector<Size> to(l.sizes(indices));
  to.insert(to.begin() + axis, l.size(depth, l.symbolicShapes().sizes(op.getY())[axis]));
  return {l.generic(indices, l.without(axis, to.size()), to, l.resultType().getElementType(),
                    [&](ScalarBuilder &b, ValueRange args) {
                      Value at = wrapped(b, b.convert(args[0], b.getI64Type()), depth);
                      Value here =
                          b.compare(Compare::Equal, at, linalg::IndexOp::create(b, b.getLoc(), axis));
                      return b.select(here, on, off);
                    })};
}

static LoweredValues lowerNonZero(NonZeroOp op, NonZeroOp::Adaptor operands, Lowering &l) {
  Value x = operands.getX();
  SmallVector<Size, 4> sizes = l.sizes(x);
  int64_t rank = sizes.size();
  Type i64 = l.getI64Type();
  auto isSet = [](ScalarBuilder &b, Value element) {
    return b.compare(Compare::NotEqual, element, b.integer(element.getType(), 0));
  };
  SmallVector<int64_t> axes = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  Value count = l.extract(l.reduce(x, axes, l.integer(i64, 0), [&](ScalarBuilder &b, ValueRange args) {
    return b.add(args[1], b.convert(isSet(b, args[0]), i64));
  }));
  SmallVector<Size> to = {l.size(rank), l.size(l.toIndex(count), l.symbolicShapes().sizes(op.getY())[1])};
  SmallVector<Value> counts;
  for (const Size &size : sizes)
    counts.push_back(l.value(size));
  SmallVector<Value> found = l.loops(
      counts, {l.empty(to, i64), l.index(0)}, [&](ScalarBuilder &b, ValueRange at, ValueRange carried) {
        Location loc = b.getLoc();
        Value element = tensor::ExtractOp::create(b, loc, x, at);
        auto choice = scf::IfOp::create(
            b, loc, isSet(b, element),
            [&](OpBuilder &nested, Location) {
              ScalarBuilder s(loc, nested);
              Value result = carried[0];
              for (int64_t d = 0; d < rank; ++d)
                result = tensor::InsertOp::create(s, loc, s.toInteger(at[d], i64), result,
                                                  ValueRange{s.index(d), carried[1]});
              scf::YieldOp::create(s, loc, ValueRange{result, s.add(carried[1], s.index(1))});
            },
            [&](OpBuilder &nested, Location) { scf::YieldOp::create(nested, loc, carried); });
        return SmallVector<Value>(choice.getResults());
      });
  return {l.known(found[0], to)};
}

void tamis::onnx::addIndexingLowerings(LoweringPatterns &patterns) {
  patterns.add<onnx::GatherOp>(lowerGather);
  patterns.add<GatherElementsOp>(lowerGatherElements);
  patterns.add<GatherNDOp>(lowerGatherND);
  patterns.add<OneHotOp>(lowerOneHot);
  patterns.add<NonZeroOp>(lowerNonZero);
}
