//===- TokenMatch.cpp - kernel.token_match: the row that each row may be merged into ------------------===//
//
// First the mean keys of all rows, divided by their lengths, so that a product is a cosine. Then a unit of
// work is a part of the rows at even places of a sequence, each compared with all rows at odd places.
//
//===--------------------------------------------------------------------------------------------------===//
#include "AttentionDots.h"
#include "GroupSetting.h"
#include "tamis/Codegen/Kernels/Expansion.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/Sequence.h"

#include <limits>

using namespace mlir;
using namespace tamis;

static constexpr float infinity = std::numeric_limits<float>::infinity();

namespace {
/// Finds partners of the rows of one sequence.
class RowMatcher {
public:
  RowMatcher(Emitter &e, kernel::TokenMatchOp op, Value directions, int64_t columns, Value barred)
      : e(e), op(op), directions(directions), columns(columns), barred(barred),
        fixed(op.getFixed() ? e.flatten(op.getFixed()) : Value()), scores(e.flatten(op.getScores())),
        partners(e.flatten(op.getPartners())), stays(e.flatten(op.getStays())) {}

  void setSequence(Value first, Value count) {
    begin = first;
    length = count;
  }
  void keep(Value row) { write(row, e.scalar(0), row, e.boolean(true)); }
  /// The row at place 2 * pair.
  void match(Value pair);

private:
  void write(Value row, Value score, Value partner, Value staying) {
    e.store(score, scores, row);
    e.store(arith::IndexCastOp::create(e, e.getI64Type(), partner), partners, row);
    e.store(staying, stays, row);
  }
  /// The greatest cosine of a row with one at an odd place, and the number of that among these; -infinity
  /// where there is none.
  std::pair<Value, Value> bestOf(Value row);

  Emitter &e;
  kernel::TokenMatchOp op;
  Value directions;
  int64_t columns;
  Value barred; ///< added to cosines: -infinity where a row is fixed; null: none is
  Value fixed, scores, partners, stays, begin, length;
};
} // namespace

std::pair<Value, Value> RowMatcher::bestOf(Value row) {
  int64_t width = e.getWidth();
  auto numbers = VectorType::get(width, e.getI32Type());
  auto splat = [&](Value v) -> Value {
    return vector::BroadcastOp::create(e, numbers, arith::IndexCastOp::create(e, e.getI32Type(), v));
  };
  SmallVector<int32_t> lanes = llvm::to_vector(llvm::seq<int32_t>(0, width));
  Value lane = arith::ConstantOp::create(e, DenseElementsAttr::get(numbers, ArrayRef<int32_t>(lanes)));
  SmallVector<Value> direction = loadWholeRow(e, {directions, e.index(0), e.index(columns)}, row, columns);
  Matrix odd{directions, e.mul(e.add(begin, 1), columns), e.index(2 * columns)};
  // Row 2 j + 1 is neither one of the first nor one of the last.
  int64_t firstOdd = static_cast<int64_t>(op.getFirst()) / 2;
  Value end = e.div(e.sub(length, e.min(length, op.getLast())), 2), count = e.div(length, 2);
  Emitter::Values inits = {e.vector(-infinity), splat(e.index(0))};
  Emitter::Values best =
      e.loop(e.index(firstOdd), end, e.index(width), inits, [&](Value j, ValueRange sofar) {
        Value cosines = emitDots(e, direction, odd, columns, j, count), mask = e.maskOf(e.sub(end, j));
        if (barred)
          cosines = e.addF(cosines, e.loadVector(barred, e.add(begin, j), mask));
        Value isGreater = e.compare(arith::CmpFPredicate::OGT, cosines, sofar[0]);
        isGreater = arith::AndIOp::create(e, isGreater, mask);
        Value number = arith::AddIOp::create(e, splat(j), lane);
        return Emitter::Values{e.select(isGreater, cosines, sofar[0]), e.select(isGreater, number, sofar[1])};
      });
  // Of equal ones the earlier.
  Value greatest = e.reduceMax(best[0]);
  Value isGreatest = e.compare(arith::CmpFPredicate::OEQ, best[0], e.splat(greatest));
  Value others = arith::ConstantOp::create(
      e, DenseElementsAttr::get(numbers, e.getI32IntegerAttr(std::numeric_limits<int32_t>::max())));
  Value number =
      vector::ReductionOp::create(e, vector::CombiningKind::MINSI, e.select(isGreatest, best[1], others));
  return {greatest, arith::IndexCastOp::create(e, e.getIndexType(), number)};
}

void RowMatcher::match(Value pair) {
  Value place = e.mul(pair, 2), row = e.add(begin, place);
  Value isFree = arith::AndIOp::create(e, e.less(e.sub(e.index(op.getFirst()), e.index(1)), place),
                                       e.less(place, e.sub(length, e.min(length, op.getLast()))));
  if (fixed)
    isFree = arith::AndIOp::create(e, isFree, arith::XOrIOp::create(e, e.load(fixed, row), e.boolean(true)));
  Emitter::Values found = e.decide(
      isFree,
      [&] {
        auto [cosine, number] = bestOf(row);
        return Emitter::Values{cosine, number};
      },
      [&] { return Emitter::Values{e.scalar(-infinity), e.index(0)}; });
  // A NaN is never the greatest.
  e.either(
      e.compare(arith::CmpFPredicate::OGT, found[0], e.scalar(-infinity)),
      [&] {
        Value partner = e.add(begin, e.add(e.mul(found[1], 2), 1));
        write(row, e.subF(e.scalar(0), found[0]), partner, e.boolean(false));
      },
      [&] { keep(row); });
  Value next = e.add(row, 1);
  e.when(e.less(next, e.add(begin, length)), [&] { keep(next); });
}

/// The mean key of `row` over the heads, divided by its length, with zeros up to `columns`; zeros for zeros.
static void emitDirection(Emitter &e, kernel::TokenMatchOp op, const Matrix &k, Value row, int64_t columns,
                          Value directions) {
  int64_t depth = op.getHeadDim(), width = e.getWidth();
  SmallVector<Value> sums;
  Value squares = e.vector(0);
  for (int64_t column = 0; column < columns; column += width) {
    Value sum = e.vector(0);
    if (column < depth) {
      Value mask = column + width <= depth ? Value() : e.maskOf(e.index(depth - column));
      Value from = e.add(e.madd(row, k.stride, k.offset), column);
      sum = e.loop(e.index(0), e.index(op.getKvHeads()), e.index(1), e.vector(0),
                   [&](Value head, ValueRange sofar) {
                     Value key = e.loadVector(k.data, e.madd(head, e.index(depth), from), mask);
                     return Emitter::Values{e.addF(sofar[0], key)};
                   })[0];
    }
    squares = e.fma(sum, sum, squares);
    sums.push_back(sum);
  }
  Value norm = math::SqrtOp::create(e, e.reduceAdd(squares));
  Value isZero = e.compare(arith::CmpFPredicate::OEQ, norm, e.scalar(0));
  Value factor = e.splat(e.select(isZero, e.scalar(0), e.divF(e.scalar(1), norm)));
  for (auto [i, sum] : llvm::enumerate(sums))
    e.storeVector(e.mulF(sum, factor), directions,
                  e.add(e.mul(row, columns), static_cast<int64_t>(i) * width));
}

LogicalResult KernelExpander::expand(kernel::TokenMatchOp op) {
  if (op.getK().getType().getRank() != 2)
    return op.emitOpError("needs k [R, ...]");
  Emitter e = emitterAt(op);
  int64_t columns = llvm::alignTo(op.getHeadDim(), e.getWidth());
  Value rows = e.dim(op.getK(), 0), offsets = e.flatten(op.getOffsets()), whole = e.flatten(op.getWhole());
  Value batch = e.sub(e.dim(op.getOffsets(), 0), e.index(1));
  Matrix k{e.flatten(op.getK()), e.index(op.getKColumn()), e.dim(op.getK(), 1)};
  Value directions = e.flatten(e.allocate(e.getF32Type(), e.mul(rows, columns)));
  Value fixed = op.getFixed() ? e.flatten(op.getFixed()) : Value();
  Value barred = fixed ? e.flatten(e.allocate(e.getF32Type(), rows)) : Value();
  auto lengthOf = [&](Value flat, Value b) {
    return e.sub(e.loadIndex(flat, e.add(b, 1)), e.loadIndex(flat, b));
  };
  auto isMatched = [&](Value b) {
    Value share = emitGroupSetting(e, op.getSetting(), op.getLengths(), lengthOf(whole, b));
    return e.compare(arith::CmpFPredicate::OLT, share, e.scalar(1));
  };
  Emitter::Values none = {e.index(0)};
  Value pairs = e.loop(e.index(0), batch, e.index(1), none, [&](Value b, ValueRange sofar) {
    Value n = lengthOf(offsets, b);
    return Emitter::Values{e.select(isMatched(b), e.madd(e.div(n, 2), e.div(n, 2), sofar[0]), sofar[0])};
  })[0];
  // One long sequence is work for several threads.
  Value threads = e.threads(), splits = e.max(e.min(e.mul(threads, 4), e.ceilDiv(rows, 32)), 1);
  Value units = e.mul(batch, splits);
  // body(sequence, begin, end): of the pairs of rows at an even place and the one behind it.
  auto forUnits = [&](Value flops, Value bytes, llvm::function_ref<void(Value, Value, Value)> body) {
    e.parallel(units, e.index(1), "token.match", flops, bytes, [&](Value first, Value last, Value) {
      e.loop(first, last, [&](Value unit) {
        Value b = e.div(unit, splits), split = e.rem(unit, splits), half = e.ceilDiv(lengthOf(offsets, b), 2);
        body(b, e.div(e.mul(split, half), splits), e.div(e.mul(e.add(split, 1), half), splits));
      });
    });
  };
  Value keyBytes = e.mul(rows, 4 * static_cast<int64_t>(op.getKvHeads() * op.getHeadDim()));
  forUnits(e.index(0), keyBytes, [&](Value b, Value pairBegin, Value pairEnd) {
    e.when(isMatched(b), [&] {
      Value begin = e.loadIndex(offsets, b), length = lengthOf(offsets, b);
      e.loop(e.mul(pairBegin, 2), e.min(e.mul(pairEnd, 2), length),
             [&](Value place) { emitDirection(e, op, k, e.add(begin, place), columns, directions); });
      if (fixed)
        e.loop(pairBegin, e.min(pairEnd, e.div(length, 2)), [&](Value pair) {
          Value isFixed = e.load(fixed, e.add(begin, e.add(e.mul(pair, 2), 1)));
          e.store(e.select(isFixed, e.scalar(-infinity), e.scalar(0)), barred, e.add(begin, pair));
        });
    });
  });
  RowMatcher matcher(e, op, directions, columns, barred);
  forUnits(e.mul(pairs, 2 * columns), e.mul(rows, 4 * columns), [&](Value b, Value pairBegin, Value pairEnd) {
    Value begin = e.loadIndex(offsets, b), length = lengthOf(offsets, b);
    matcher.setSequence(begin, length);
    e.either(
        isMatched(b), [&] { e.loop(pairBegin, pairEnd, [&](Value pair) { matcher.match(pair); }); },
        [&] {
          e.loop(e.mul(pairBegin, 2), e.min(e.mul(pairEnd, 2), length),
                 [&](Value place) { matcher.keep(e.add(begin, place)); });
        });
  });
  return success();
}
