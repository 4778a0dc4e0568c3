//===- TopK.cpp - Lowering of TopK ----------------------------------------------------------------===//
//
// Each slice along the axis keeps a sorted list of its k best elements so far, in place in the results. An
// element that beats the last of the list is inserted before the first that it beats; as equal elements are
// not beaten, the lower index stays in front.
//
//===----------------------------------------------------------------------------------------------===//
#include "Lowering.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::onnx;

static LoweredValues lowerTopK(TopKOp op, TopKOp::Adaptor operands, Lowering &l) {
  Value x = operands.getX();
  int64_t axis = op.getAxis();
  bool isUnsigned = l.isUnsigned();
  Type element = cast<RankedTensorType>(x.getType()).getElementType(), i64 = l.getI64Type();
  SmallVector<Size, 4> from = l.sizes(x), to(from);
  Value k = l.toIndex(l.onlyElement(operands.getK())), length = l.value(from[axis]);
  l.check(l.logicalAnd(l.compare(Compare::GreaterOrEqual, k, l.index(0)),
                       l.compare(Compare::LessOrEqual, k, length)),
          "k is larger than the dimension");
  to[axis] = l.size(k, l.symbolicShapes().sizes(op.getValues())[axis]);
  // The list of k = 0 is read at place 0 before its length is looked at, were the loop not empty then.
  Value hasList = l.compare(Compare::Greater, k, l.index(0));
  SmallVector<Value> counts;
  for (const Size &size : from)
    counts.push_back(l.value(size));
  counts[axis] = l.select(hasList, length, l.index(0));
  // The axis is the innermost loop, so that a list is done before the next one begins.
  SmallVector<unsigned> order;
  for (unsigned d = 0; d < counts.size(); ++d)
    if (d != axis)
      order.push_back(d);
  order.push_back(axis);
  SmallVector<Value> loopCounts;
  for (unsigned d : order)
    loopCounts.push_back(counts[d]);

  auto better = [&](ScalarBuilder &b, Value a, Value other) {
    return b.compare(op.getLargest() ? Compare::Greater : Compare::Less, a, other, isUnsigned);
  };
  auto body = [&](ScalarBuilder &b, ValueRange loops, ValueRange carried) {
    Location loc = b.getLoc();
    SmallVector<Value> at(counts.size());
    for (auto [d, loop] : llvm::zip_equal(order, loops))
      at[d] = loop;
    Value candidate = tensor::ExtractOp::create(b, loc, x, at);
    Value position = at[axis], one = b.index(1);
    auto place = [&](Value i) {
      SmallVector<Value> result(at);
      result[axis] = i;
      return result;
    };
    Value filling = b.compare(Compare::Less, position, k);
    Value last = tensor::ExtractOp::create(b, loc, carried[0], place(b.sub(k, one)));
    Value enters = b.logicalOr(filling, better(b, candidate, last));
    auto choice = scf::IfOp::create(
        b, loc, enters,
        [&](OpBuilder &nested, Location) {
          ScalarBuilder s(loc, nested);
          Value end = s.min(s.add(position, one), k);
          Value index = s.toInteger(position, i64);
          // Carries what is yet to be placed, and whether the rest of the list moves.
          auto loop = scf::ForOp::create(
              s, loc, s.index(0), end, one,
              ValueRange{carried[0], carried[1], candidate, index, s.boolean(false)},
              [&](OpBuilder &inner, Location, Value i, ValueRange state) {
                ScalarBuilder t(loc, inner);
                Value value = tensor::ExtractOp::create(t, loc, state[0], place(i));
                Value where = tensor::ExtractOp::create(t, loc, state[1], place(i));
                Value isEnd = t.compare(Compare::Equal, i, position);
                Value moves = t.logicalOr(state[4], t.logicalOr(isEnd, better(t, state[2], value)));
                Value values =
                    tensor::InsertOp::create(t, loc, t.select(moves, state[2], value), state[0], place(i));
                Value indices =
                    tensor::InsertOp::create(t, loc, t.select(moves, state[3], where), state[1], place(i));
                scf::YieldOp::create(t, loc,
                                     ValueRange{values, indices, t.select(moves, value, state[2]),
                                                t.select(moves, where, state[3]), moves});
              });
          scf::YieldOp::create(s, loc, loop.getResults().take_front(2));
        },
        [&](OpBuilder &nested, Location) { scf::YieldOp::create(nested, loc, carried); });
    return SmallVector<Value>(choice.getResults());
  };
  SmallVector<Value> results = l.loops(loopCounts, {l.empty(to, element), l.empty(to, i64)}, body);
  return {l.known(results[0], to), l.known(results[1], to)};
}

void tamis::onnx::addTopKLowering(LoweringPatterns &patterns) { patterns.add<TopKOp>(lowerTopK); }
