//===- Attention.cpp - kernel.attention with online softmax -------------------------------------------===//
//
// A unit of work is one head of one sequence, or a part of its queries. It packs the keys (transposed) and
// values of that head into panels, 512 keys at a time, and takes a block of queries at a time through three
// steps in scratch memory: scores, softmax, product with the values. AttentionFactors has the products, at
// the precision of the op and the level. Beyond one block of keys, the rows' maxima and sums carry over and
// `out` is rescaled.
//
//===--------------------------------------------------------------------------------------------------===//
#include "AttentionFactors.h"
#include "AttentionSoftmax.h"
#include "tamis/Codegen/Kernels/Expansion.h"
#include "tamis/Codegen/Kernels/Mask.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis;

static constexpr int64_t keyBlock = 512;
/// Floating-point operations that are worth a claim of the work list, as f32 or split, and as bf16.
static constexpr int64_t grainFlops = 200 * 1000, grainFlopsOfBF16 = 600 * 1000;

static Value toIndex(Emitter &e, Value v) { return arith::IndexCastOp::create(e, e.getIndexType(), v); }

/// 0 for keys that take part and -infinity for others.
static void emitKeyMask(Emitter &e, Value scratch, Value at, Value keys, Value mask, Value maskAt) {
  Value off = e.scalar(-std::numeric_limits<float>::infinity()), on = e.scalar(0);
  e.loop(e.index(0), keys, [&](Value j) {
    Value kept = emitIsKept(e, e.load(mask, e.add(maskAt, j)));
    e.store(e.select(kept, on, off), scratch, e.add(at, j));
  });
}

namespace {
/// What becomes of the products of a block of keys: rows of `out`.
struct AttentionResult {
  Value out;
  std::optional<LeftRows> form; ///< of the products that read `out`
  bool storesF32;               ///< whether anything reads `out` itself
  int64_t columns, stride;      ///< of a head; of a row

  /// `row` of the result, the columns of a head from `column` on. Earlier blocks left their sum in `out`,
  /// which `factor` rescales; the last block divides by the sum of the weights.
  void emitRow(Emitter &e, Value products, Value from, Value row, Value column, Value factor, Value sum,
               Value isFirst, Value isLast) const {
    Value to = e.madd(row, e.index(stride), column);
    auto emit = [&](bool first, bool last) {
      Value old, fresh;
      if (!first)
        old = e.splat(factor);
      if (last) {
        Value isEmpty = e.compare(arith::CmpFPredicate::OEQ, sum, e.scalar(0));
        fresh = e.splat(e.select(isEmpty, e.scalar(0), e.divF(e.scalar(1), sum)));
      }
      e.forVectors(e.index(columns), [&](Value c, Value mask) {
        Value y = e.loadVector(products, e.add(from, c));
        if (!first)
          y = e.fma(e.loadVector(out, e.add(to, c), mask), old, y);
        if (last)
          y = e.mulF(y, fresh);
        store(e, y, row, column, c, mask, last);
      });
    };
    e.either(
        isFirst, [&] { e.either(isLast, [&] { emit(true, true); }, [&] { emit(true, false); }); },
        [&] { e.either(isLast, [&] { emit(false, true); }, [&] { emit(false, false); }); });
  }
  void store(Emitter &e, Value y, Value row, Value column, Value c, Value mask, bool last) const {
    if (storesF32 || !last)
      e.storeVector(y, out, e.add(e.madd(row, e.index(stride), column), c), mask);
    if (form && last)
      form->store(e, y, row, e.add(column, c));
  }
};
} // namespace

LogicalResult KernelExpander::expand(kernel::AttentionOp op) {
  Emitter e = emitterAt(op);
  int64_t heads = op.getHeads(), kvHeads = op.getKvHeads(), depth = op.getHeadDim(),
          valueDepth = op.getValueDim();
  if (heads < 1 || kvHeads < 1 || heads % kvHeads || depth < 1 || valueDepth < 1)
    return op.emitOpError("needs heads that are a multiple of the key heads, and dimensions above 0");
  AttentionFactors factors(*this, op);
  int64_t queryBlock = factors.queryBlock();
  bool ragged = bool(op.getOffsets());
  bool hasMask = bool(op.getKeyMask()), hasBias = bool(op.getBias()), hasPositions = bool(op.getPositions());
  int64_t rank = cast<MemRefType>(op.getQ().getType()).getRank();
  if (ragged && hasMask)
    return op.emitOpError("takes a key mask in the padded form only");
  if (rank < (ragged ? 2 : 3))
    return op.emitOpError("needs q, k and v of rank 3 (padded) or 2 (ragged)");

  bool storesF32 = true;
  // Heads of whole vectors, so that none touches another's columns.
  const LeftOperand *form = valueDepth % e.getWidth() ? nullptr : formForReaders(e, op.getOut(), storesF32);

  // The sizes of the batch: sequences, the longest one, and the sum of squared lengths, which is the work.
  Value batch, longestQuery, longestKey, pairs, length = e.index(0), keyLength = e.index(0);
  if (ragged) {
    Value offsets = e.flatten(op.getOffsets());
    batch = e.sub(e.dim(op.getOffsets(), 0), e.index(1));
    Emitter::Values inits = {e.index(0), e.index(0)};
    Emitter::Values found = e.loop(e.index(0), batch, e.index(1), inits, [&](Value b, ValueRange carried) {
      Value n = e.sub(toIndex(e, e.load(offsets, e.add(b, 1))), toIndex(e, e.load(offsets, b)));
      return Emitter::Values{e.max(carried[0], n), e.madd(n, n, carried[1])};
    });
    longestQuery = longestKey = found[0];
    pairs = found[1];
  } else {
    batch = e.dim(op.getQ(), 0);
    length = longestQuery = e.dim(op.getQ(), 1);
    keyLength = longestKey = e.dim(op.getK(), 1);
    pairs = e.mul(batch, e.mul(length, keyLength));
  }
  Value flops = e.mul(pairs, 2 * heads * (depth + valueDepth));
  Value queryRows = e.dims(op.getQ(), 0, rank - 1), keyRows = e.dims(op.getK(), 0, rank - 1);
  Value bytes = e.mul(
      e.add(e.mul(queryRows, heads * (depth + valueDepth)), e.mul(keyRows, kvHeads * (depth + valueDepth))),
      4);

  Value longestBlocks = e.ceilDiv(longestQuery, queryBlock);
  // Heads are split over several units only where there are fewer of them than work for the threads.
  Value headUnits = e.max(e.mul(batch, heads), 1), threads = e.threads();
  Value splits = e.max(e.min(e.ceilDiv(e.mul(threads, 4), headUnits), longestBlocks), 1);
  Value count = e.mul(e.mul(batch, heads), splits);
  Value perUnit = e.max(e.div(flops, e.max(count, 1)), 1);
  Value grain =
      e.max(e.div(e.index(factors.kind() == OperandKind::BF16 ? grainFlopsOfBF16 : grainFlops), perUnit), 1);

  Value paddedBlock = factors.paddedKeys(e, e.min(longestKey, keyBlock));
  Value unitQueries = e.mul(e.ceilDiv(longestBlocks, splits), queryBlock);
  AttentionScratch sizes = factors.scratch(e, paddedBlock, unitQueries, hasMask);
  Value numbers = e.allocate(e.getF32Type(), e.mul(threads, sizes.numbersSize));
  Value packed =
      e.allocate(factors.elementType(e), e.mul(e.mul(threads, sizes.packedSize), factors.isF32() ? 1 : 2));

  std::string name = nameFor(op);
  SmallVector<Value> inputs, strides;
  for (Value x : {op.getQ(), op.getK(), op.getV()}) {
    auto found = converted.find(x);
    bool isRounded = factors.readsBF16Rows() && found != converted.end() && !found->second.rows.tiled;
    inputs.push_back(isRounded ? found->second.rows.data : e.flatten(x));
    strides.push_back(isRounded ? found->second.rows.stride : e.dim(x, -1));
    name += isRounded ? "_bf16" : "_f32";
  }
  SmallVector<Value> captured = {inputs[0],          inputs[1],
                                 inputs[2],          e.flatten(op.getOut()),
                                 e.flatten(numbers), e.flatten(packed),
                                 strides[0],         strides[1],
                                 strides[2],         length,
                                 keyLength,          splits,
                                 paddedBlock,        unitQueries};
  LeftRows resultRows;
  if (form) {
    resultRows = form->rows;
    captured.append({resultRows.data, resultRows.stride});
    if (resultRows.tileStride)
      captured.push_back(resultRows.tileStride);
  }
  if (ragged)
    captured.push_back(e.flatten(op.getOffsets()));
  if (hasMask)
    captured.push_back(e.flatten(op.getKeyMask()));
  if (hasPositions)
    captured.push_back(e.flatten(op.getPositions()));
  if (hasBias) {
    // Strides of the bias along batch, head, query and key; 0 where it is broadcast.
    captured.push_back(e.flatten(op.getBias()));
    int64_t biasRank = cast<MemRefType>(op.getBias().getType()).getRank();
    if (biasRank > 4)
      return op.emitOpError("needs a bias of rank 4 or less");
    for (int64_t i = 0; i < 4; ++i) {
      int64_t d = i - (4 - biasRank);
      Value stride = e.index(0);
      if (d >= 0)
        stride = e.select(e.equal(e.dim(op.getBias(), d), e.index(1)), e.index(0),
                          e.dims(op.getBias(), d + 1, biasRank));
      captured.push_back(stride);
    }
  }

  auto body = [&](Emitter &e, ValueRange args) {
    Value q = args[0], k = args[1], v = args[2], out = args[3], scratch = args[4], packed = args[5],
          qStride = args[6], kStride = args[7], vStride = args[8], length = args[9], keyLength = args[10],
          splits = args[11], paddedBlock = args[12], unitQueries = args[13];
    ValueRange rest = args.drop_front(14);
    auto take = [&](bool present) {
      Value value = present ? rest.front() : Value();
      rest = rest.drop_front(present);
      return value;
    };
    AttentionResult result{out, std::nullopt, storesF32, valueDepth, heads * valueDepth};
    if (form) {
      result.form = resultRows;
      result.form->data = take(true);
      result.form->stride = take(true);
      result.form->tileStride = take(bool(resultRows.tileStride));
    }
    Value offsets = take(ragged), keyMask = take(hasMask), positions = take(hasPositions);
    AttentionBias bias;
    bias.data = take(hasBias);
    for (Value &stride : bias.strides)
      stride = take(hasBias);
    Value begin = rest[0], end = rest[1], thread = rest[2];
    Value zero = e.index(0);
    AttentionScratch at = factors.scratch(e, paddedBlock, unitQueries, hasMask);
    at.moveTo(e, thread);

    e.loop(begin, end, [&](Value unit) {
      Value split = e.rem(unit, splits), headUnit = e.div(unit, splits);
      Value head = e.rem(headUnit, e.index(heads)), b = e.div(headUnit, heads);
      Value keyHead = e.div(head, heads / kvHeads);
      Value queryRow, keyRow, queries, keys;
      if (ragged) {
        queryRow = keyRow = toIndex(e, e.load(offsets, b));
        queries = keys = e.sub(toIndex(e, e.load(offsets, e.add(b, 1))), queryRow);
      } else {
        queryRow = e.mul(b, length);
        keyRow = e.mul(b, keyLength);
        queries = length;
        keys = keyLength;
      }
      // Whole blocks, so that the tiles of a row, hence its sums, do not depend on the number of units.
      Value blocks = e.ceilDiv(queries, queryBlock);
      Value queryBegin = e.mul(e.div(e.mul(split, blocks), splits), queryBlock);
      Value queryEnd = e.min(e.mul(e.div(e.mul(e.add(split, 1), blocks), splits), queryBlock), queries);
      Value qAt = e.add(e.mul(head, depth), op.getQColumn());
      Value kAt = e.add(e.mul(keyHead, depth), op.getKColumn());
      Value vAt = e.add(e.mul(keyHead, valueDepth), op.getVColumn());
      Value outAt = e.mul(head, valueDepth);

      AttentionRows rows(e, op, scratch);
      rows.bias = bias;
      if (hasBias) {
        bias.base = e.madd(b, bias.strides[0], e.mul(head, bias.strides[1]));
        bias.locate(e, positions, keyRow, keys);
        rows.bias = bias;
      }
      rows.alignment = e.sub(keys, queries);
      if (hasMask)
        rows.maskAt = at.mask;

      // No key at all: the weights are empty sums.
      e.when(e.equal(keys, zero), [&] {
        e.loop(queryBegin, queryEnd, [&](Value i) {
          e.forVectors(e.index(valueDepth), [&](Value c, Value mask) {
            result.store(e, e.vector(0), e.add(queryRow, i), outAt, c, mask, /*last=*/true);
          });
        });
      });
      e.when(e.less(queryBegin, queryEnd), [&] {
        e.loop(zero, keys, e.index(keyBlock), [&](Value keyBegin) {
          Value blockKeys = e.min(e.sub(keys, keyBegin), keyBlock);
          Value padded = factors.paddedKeys(e, blockKeys), keyAt = e.add(keyRow, keyBegin);
          factors.packKeys(e, AttentionFactors::rowsAt(e, k, kStride, keyAt, kAt), blockKeys, packed,
                           at.keyPanels);
          factors.packValues(e, AttentionFactors::rowsAt(e, v, vStride, keyAt, vAt), blockKeys, packed,
                             at.valuePanels);
          if (hasMask)
            emitKeyMask(e, scratch, at.mask, blockKeys, keyMask, e.madd(b, keyLength, keyBegin));
          rows.setBlock(e, keyBegin, blockKeys, padded, factors.weightRows(e, blockKeys, packed, at));
          Value isFirst = e.equal(keyBegin, zero);
          Value isLast = e.equal(e.add(keyBegin, blockKeys), keys);
          Matrix scores{scratch, at.scores, factors.scoreStride(e, padded)};

          e.loop(queryBegin, queryEnd, e.index(queryBlock), [&](Value query) {
            Value count = e.min(e.sub(queryEnd, query), queryBlock);
            Value state = e.sub(query, queryBegin);
            factors.emitScores(e, AttentionFactors::rowsAt(e, q, qStride, e.add(queryRow, query), qAt), count,
                               blockKeys, packed, at, scores);
            e.loop(zero, count, [&](Value i) {
              rows.emitMaximum(e, e.madd(i, scores.stride, scores.offset), e.add(query, i), isFirst,
                               e.add(at.maxima, e.add(state, i)), e.add(at.factors, i));
            });
            e.loop(zero, count, [&](Value i) {
              Value row = e.add(state, i);
              rows.emitWeights(e, i, e.madd(i, scores.stride, scores.offset), isFirst, e.add(at.maxima, row),
                               e.add(at.factors, i), e.add(at.sums, row));
            });
            factors.emitProducts(e, count, blockKeys, packed, at, scores);
            e.loop(zero, count, [&](Value i) {
              Value sum = e.load(scratch, e.add(at.sums, e.add(state, i)));
              result.emitRow(e, scratch, e.madd(i, e.index(factors.valueColumns()), at.products),
                             e.add(queryRow, e.add(query, i)), outAt, e.load(scratch, e.add(at.factors, i)),
                             sum, isFirst, isLast);
            });
          });
        });
      });
    });
  };
  name += std::string(form ? "_converted" : "") + (storesF32 ? "" : "_only");
  e.parallel(count, grain, "nn.attention", flops, bytes, [&](Value begin, Value end, Value thread) {
    SmallVector<Value> arguments(captured);
    arguments.append({begin, end, thread});
    call(e, name, arguments, body);
  });
  return success();
}
