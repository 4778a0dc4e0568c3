//===- TokenAttentionScore.cpp - kernel.token_attention_score: how much attention each row gets -------===//
//
// A unit of work is a head of a sequence. It adds up the weights of the rows that are asked in a row of its
// own, of a buffer [heads, R]; a second region adds up the heads.
//
//===--------------------------------------------------------------------------------------------------===//
#include "AttentionDots.h"
#include "AttentionFactors.h"

using namespace mlir;
using namespace tamis;

namespace {
/// Rows of a head of q, k or v of one sequence.
struct HeadScorer {
  Emitter &e;
  kernel::TokenAttentionScoreOp op;
  Matrix q, k, v;
  Value length;         ///< rows of the sequence
  Value scores, at;     ///< this thread's row of scores, and where it begins
  Value received, into; ///< likewise of the head's sums

  /// The number of rows that are asked.
  Value asked() { return e.min(length, op.getCount()); }
  /// The i-th of them.
  Value rowOf(Value i);
  /// Adds the weights of a row that is asked, times n / (heads c).
  void add(Value row);
  /// Multiplies what each row received by the magnitude of its values.
  void weigh();
};
} // namespace

static Value floatOf(Emitter &e, Value index) {
  return arith::UIToFPOp::create(e, e.getF32Type(), arith::IndexCastOp::create(e, e.getI64Type(), index));
}

Value HeadScorer::rowOf(Value i) {
  switch (op.getQueries()) {
  case token::Queries::First:
    return i;
  case token::Queries::Last:
    return e.add(e.sub(length, asked()), i);
  case token::Queries::Spread:
    return e.div(e.mul(e.add(e.mul(i, 2), 1), length), e.mul(asked(), 2));
  }
  llvm_unreachable("all rows are known");
}

void HeadScorer::add(Value row) {
  int64_t depth = static_cast<int64_t>(op.getHeadDim());
  SmallVector<Value> query = loadWholeRow(e, q, row, depth);
  Value sum = emitQueryWeights(e, query, k, depth, length, op.getScale().convertToFloat(), scores, at);
  Value total = e.mulF(e.mulF(sum, floatOf(e, asked())), e.scalar(float(op.getHeads())));
  Value factor = e.splat(e.divF(floatOf(e, length), total));
  e.forVectors(length, [&](Value j, Value mask) {
    Value weights = e.loadVector(scores, e.add(at, j), mask);
    Value before = e.loadVector(received, e.add(into, j), mask);
    e.storeVector(e.fma(weights, factor, before), received, e.add(into, j), mask);
  });
}

void HeadScorer::weigh() {
  e.loop(e.index(0), length, [&](Value row) {
    Value sum = e.vector(0);
    for (Value values : loadWholeRow(e, v, row, static_cast<int64_t>(op.getValueDim())))
      sum = e.addF(sum, e.maxF(values, e.subF(e.vector(0), values)));
    Value place = e.add(into, row);
    e.store(e.mulF(e.load(received, place), e.reduceAdd(sum)), received, place);
  });
}

LogicalResult KernelExpander::expand(kernel::TokenAttentionScoreOp op) {
  Emitter e = emitterAt(op);
  int64_t heads = op.getHeads(), group = heads / op.getKvHeads(), depth = op.getHeadDim(),
          valueDepth = op.getValueDim();
  Value rows = e.dim(op.getQ(), 0), offsets = e.flatten(op.getOffsets()), out = e.flatten(op.getOut());
  Value batch = e.sub(e.dim(op.getOffsets(), 0), e.index(1));
  auto lengthOf = [&](Value b) { return e.sub(e.loadIndex(offsets, e.add(b, 1)), e.loadIndex(offsets, b)); };
  Emitter::Values none = {e.index(0)};
  Value longest = e.loop(e.index(0), batch, e.index(1), none, [&](Value b, ValueRange sofar) {
    return Emitter::Values{e.max(sofar[0], lengthOf(b))};
  })[0];
  Value q = e.flatten(op.getQ()), k = e.flatten(op.getK()), v = op.getV() ? e.flatten(op.getV()) : Value();
  Value qStride = e.dim(op.getQ(), 1), kStride = e.dim(op.getK(), 1),
        vStride = v ? e.dim(op.getV(), 1) : Value();
  Value received = e.flatten(e.allocate(e.getF32Type(), e.mul(rows, heads)));
  Value scores = e.flatten(e.allocate(e.getF32Type(), e.mul(longest, e.threads())));
  Value products = e.mul(rows, heads * depth);
  e.parallel(
      e.mul(batch, heads), e.index(1), "token.attention_score",
      e.mul(e.mul(products, 2), e.min(longest, static_cast<int64_t>(op.getCount()))), e.mul(products, 4),
      [&](Value first, Value last, Value thread) {
        e.loop(first, last, [&](Value unit) {
          Value b = e.div(unit, heads), head = e.rem(unit, e.index(heads)), keyHead = e.div(head, group),
                begin = e.loadIndex(offsets, b);
          auto rowsOf = [&](Value data, Value stride, Value head, int64_t columns, int64_t column) {
            return AttentionFactors::rowsAt(e, data, stride, begin, e.add(e.mul(head, columns), column));
          };
          HeadScorer scorer{e, op, {}, {}, {}, lengthOf(b), scores, e.mul(thread, longest), received, {}};
          scorer.q = rowsOf(q, qStride, head, depth, op.getQColumn());
          scorer.k = rowsOf(k, kStride, keyHead, depth, op.getKColumn());
          scorer.into = e.madd(head, rows, begin);
          e.forVectors(scorer.length, [&](Value j, Value mask) {
            e.storeVector(e.vector(0), received, e.add(scorer.into, j), mask);
          });
          e.loop(e.index(0), scorer.asked(), [&](Value i) { scorer.add(scorer.rowOf(i)); });
          if (!v)
            return;
          scorer.v = rowsOf(v, vStride, keyHead, valueDepth, op.getVColumn());
          scorer.weigh();
        });
      });
  constexpr int64_t chunk = 512;
  e.parallel(e.ceilDiv(rows, chunk), e.index(1), "token.attention_score", e.mul(rows, heads),
             e.mul(rows, 4 * heads), [&](Value first, Value last, Value) {
               Value from = e.mul(first, chunk), to = e.min(rows, e.mul(last, chunk));
               e.forVectors(e.sub(to, from), [&](Value j, Value mask) {
                 Value at = e.add(from, j);
                 Emitter::Values zero = {e.vector(0)};
                 Value sum =
                     e.loop(e.index(0), e.index(heads), e.index(1), zero, [&](Value h, ValueRange sofar) {
                       Value own = e.loadVector(received, e.madd(h, rows, at), mask);
                       return Emitter::Values{e.addF(sofar[0], own)};
                     })[0];
                 e.storeVector(sum, out, at, mask);
               });
             });
  return success();
}
