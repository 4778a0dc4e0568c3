//===- AttentionManyRows.cpp - Attention with packed keys and online softmax ---------------------------===//
//
// A unit of work is one head of one sequence, or a part of its queries. It packs the keys (transposed) and
// values of that head into panels, 512 keys at a time, and takes a block of queries at a time through three
// steps in scratch memory: scores, softmax, product with the values. AttentionFactors has the products, at
// the precision of the op and the level. Beyond one block of keys, the rows' maxima and sums carry over and
// `out` is rescaled.
//
//===--------------------------------------------------------------------------------------------------===//
#include "AttentionManyRows.h"
#include "AttentionFactors.h"

#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis;

static constexpr int64_t keyBlock = 512;
/// Floating-point operations that are worth a claim of the work list, as f32 or split, and as bf16.
static constexpr int64_t grainFlops = 200 * 1000, grainFlopsOfBF16 = 600 * 1000;

void AttentionManyRows::emit(Emitter &e, const AttentionOperands &operands, const AttentionSizes &sizes,
                             StringRef name) {
  int64_t heads = op.getHeads(), depth = op.getHeadDim(), valueDepth = op.getValueDim();
  AttentionFactors factors(expander, op);
  int64_t queryBlock = factors.queryBlock();
  bool hasMask = operands.keyMask || operands.keyBias;
  Value longestBlocks = e.ceilDiv(sizes.longestQuery, queryBlock);
  // Heads are split over several units only where there are fewer of them than work for the threads.
  Value headUnits = e.max(e.mul(sizes.batch, heads), 1), threads = e.threads();
  Value splits = e.max(e.min(e.ceilDiv(e.mul(threads, 4), headUnits), longestBlocks), 1);
  Value count = e.mul(e.mul(sizes.batch, heads), splits);
  Value perUnit = e.max(e.div(sizes.flops, e.max(count, 1)), 1);
  Value grain =
      e.max(e.div(e.index(factors.kind() == OperandKind::BF16 ? grainFlopsOfBF16 : grainFlops), perUnit), 1);

  Value paddedBlock = factors.paddedKeys(e, e.min(sizes.longestKey, keyBlock));
  Value unitQueries = e.mul(e.ceilDiv(longestBlocks, splits), queryBlock);
  AttentionScratch scratchSizes = factors.scratch(e, paddedBlock, unitQueries, hasMask);
  Value numbers = e.allocate(e.getF32Type(), e.mul(threads, scratchSizes.numbersSize));
  Value packed = e.allocate(factors.elementType(e),
                            e.mul(e.mul(threads, scratchSizes.packedSize), factors.isF32() ? 1 : 2));

  SmallVector<Value> captured = operands.values();
  captured.append({e.flatten(numbers), e.flatten(packed), splits, paddedBlock, unitQueries});

  auto body = [&](Emitter &e, ValueRange args) {
    AttentionOperands own = operands.in(args);
    Value scratch = args[0], packed = args[1], splits = args[2], paddedBlock = args[3], unitQueries = args[4];
    Value begin = args[5], end = args[6], thread = args[7];
    Value zero = e.index(0);
    AttentionScratch at = factors.scratch(e, paddedBlock, unitQueries, hasMask);
    at.moveTo(e, thread);

    e.loop(begin, end, [&](Value unit) {
      Value split = e.rem(unit, splits), headUnit = e.div(unit, splits);
      Value head = e.rem(headUnit, e.index(heads)), b = e.div(headUnit, heads);
      Value keyHead = e.div(head, op.getHeads() / op.getKvHeads());
      Value queryRow, keyRow, queries, keys;
      if (own.offsets) {
        queryRow = keyRow = e.loadIndex(own.offsets, b);
        queries = keys = e.sub(e.loadIndex(own.offsets, e.add(b, 1)), queryRow);
      } else {
        queryRow = e.mul(b, own.length);
        keyRow = e.mul(b, own.keyLength);
        queries = own.length;
        keys = own.keyLength;
      }
      // Whole blocks, so that the tiles of a row, hence its sums, do not depend on the number of units.
      Value blocks = e.ceilDiv(queries, queryBlock);
      Value queryBegin = e.mul(e.div(e.mul(split, blocks), splits), queryBlock);
      Value queryEnd = e.min(e.mul(e.div(e.mul(e.add(split, 1), blocks), splits), queryBlock), queries);
      Value qAt = e.add(e.mul(head, depth), op.getQColumn());
      Value outAt = e.mul(head, valueDepth);

      AttentionRows rows(e, op, scratch);
      rows.bias = own.bias;
      if (own.bias.data) {
        rows.bias.base = e.madd(b, own.bias.strides[0], e.mul(head, own.bias.strides[1]));
        rows.bias.locate(e, own.positions, keyRow, keys);
      }
      rows.alignment = e.sub(keys, queries);
      if (hasMask)
        rows.maskAt = at.mask;

      // No key at all: the weights are empty sums.
      e.when(e.equal(keys, zero), [&] {
        e.loop(queryBegin, queryEnd, [&](Value i) {
          e.forVectors(e.index(valueDepth), [&](Value c, Value mask) {
            own.result.store(e, e.vector(0), e.add(queryRow, i), outAt, c, mask, /*last=*/true);
          });
        });
      });
      e.when(e.less(queryBegin, queryEnd), [&] {
        e.loop(zero, keys, e.index(keyBlock), [&](Value keyBegin) {
          Value blockKeys = e.min(e.sub(keys, keyBegin), keyBlock);
          Value padded = factors.paddedKeys(e, blockKeys);
          factors.packKeys(e, own.keysAt(e, op, b, keyHead, keyBegin), blockKeys, packed, at.keyPanels);
          factors.packValues(e, own.valuesAt(e, op, b, keyHead, keyBegin), blockKeys, packed, at.valuePanels);
          if (own.keyMask)
            emitKeyMask(e, scratch, at.mask, blockKeys, own.keyMask, e.madd(b, own.keyLength, keyBegin));
          if (own.keyBias)
            rows.emitKeyBias(e, at.mask, blockKeys, own.keyBias, e.add(keyRow, keyBegin));
          rows.setBlock(e, keyBegin, blockKeys, padded, factors.weightRows(e, blockKeys, packed, at));
          Value isFirst = e.equal(keyBegin, zero);
          Value isLast = e.equal(e.add(keyBegin, blockKeys), keys);
          Matrix scores{scratch, at.scores, factors.scoreStride(e, padded)};

          e.loop(queryBegin, queryEnd, e.index(queryBlock), [&](Value query) {
            Value count = e.min(e.sub(queryEnd, query), queryBlock);
            Value state = e.sub(query, queryBegin);
            factors.emitScores(e,
                               AttentionFactors::rowsAt(e, own.q, own.qStride, e.add(queryRow, query), qAt),
                               count, blockKeys, packed, at, scores);
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
              own.result.emitRow(e, scratch, e.madd(i, e.index(factors.valueColumns()), at.products),
                                 e.add(queryRow, e.add(query, i)), outAt,
                                 e.load(scratch, e.add(at.factors, i)), sum, isFirst, isLast);
            });
          });
        });
      });
    });
  };
  e.parallel(count, grain, "nn.attention", sizes.flops, sizes.bytes,
             [&](Value begin, Value end, Value thread) {
               SmallVector<Value> arguments(captured);
               arguments.append({begin, end, thread});
               expander.call(e, name, arguments, body);
             });
}
