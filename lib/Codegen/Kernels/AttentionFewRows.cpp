//===- AttentionFewRows.cpp - Attention of few queries ------------------------------------------------===//
//
// A unit of work is a chunk of the keys of one key head of one sequence. It computes scores, weights and
// products of its rows (each query of each head that uses the key head) into a record: products, maximum and
// sum of weights. A sequence of one chunk is finished there and then; the records of several chunks are
// joined by a second region.
//
//===--------------------------------------------------------------------------------------------------===//
#include "AttentionFewRows.h"
#include "AttentionDots.h"
#include "AttentionFactors.h"
#include "tamis/Codegen/Kernels/VectorMath.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis;

/// Keys of a chunk: enough work for a claim, few enough for the second-level cache.
static constexpr int64_t chunkKeys = 512;
/// Rows of a tile of products, which share the values they load.
static constexpr int64_t tileRows = 4;

/// Places in one buffer of f32: first each thread's part, then the records of all units.
struct AttentionFewRows::Scratch {
  Value data, chunks, rows; ///< rows of a unit
  Value scoreStride;
  // From a thread's part on.
  Value scores, mask, factors, perThread;
  // Of record 0; a record each row, [batch, key head, chunk, row].
  Value products, maxima, sums, size;

  SmallVector<Value *> slots() {
    return {&data,    &chunks,    &rows,     &scoreStride, &scores, &mask,
            &factors, &perThread, &products, &maxima,      &sums,   &size};
  }
};

/// A unit's part of the work.
struct AttentionFewRows::Chunk {
  Scratch at; ///< the thread's
  Value sequence, keyHead, keyBegin, keys, padded;
  Value record; ///< of row 0
  Value list;   ///< where the numbers of the keys' rows are, where rows are chosen

  /// The row of key `key` of the chunk, counted from `keyBegin` on where no rows are chosen.
  Value rowOf(Emitter &e, const AttentionOperands &operands, Value key) const {
    return list ? e.loadIndex(operands.kept, e.add(list, key)) : key;
  }
  /// The row that rowOf counts from.
  Value firstRow(Emitter &e) const { return list ? e.index(0) : keyBegin; }
};

AttentionFewRows::AttentionFewRows(KernelExpander &expander, kernel::AttentionOp op)
    : expander(expander), op(op), heads(op.getHeads()), kvHeads(op.getKvHeads()), group(heads / kvHeads),
      depth(op.getHeadDim()), valueDepth(op.getValueDim()) {}

/// The most keys that a query reads.
static Value longestList(Emitter &e, const AttentionOperands &operands) {
  return operands.kept ? e.sub(operands.keptStride, e.index(1)) : operands.keyLength;
}

Value AttentionFewRows::listOf(Emitter &e, const AttentionOperands &operands, Value sequence, Value keyHead) {
  bool forAll = cast<MemRefType>(op.getKept().getType()).getDimSize(1) == 1;
  return e.mul(forAll ? sequence : e.madd(sequence, e.index(kvHeads), keyHead), operands.keptStride);
}

static int64_t valueColumns(int64_t valueDepth) { return llvm::alignTo(valueDepth, panelColumns); }

static Value roundUp(Emitter &e, Value v) { return e.mul(e.ceilDiv(v, panelColumns), panelColumns); }

AttentionFewRows::Scratch AttentionFewRows::layOut(Emitter &e, const AttentionOperands &operands,
                                                   Value records) {
  Scratch at;
  Value next = e.index(0);
  auto take = [&](Value size) {
    Value begin = next;
    next = e.add(next, roundUp(e, size));
    return begin;
  };
  at.rows = e.mul(operands.length, group);
  at.scoreStride = roundUp(e, e.min(longestList(e, operands), chunkKeys));
  at.scores = take(e.mul(at.scoreStride, at.rows));
  at.mask = take(operands.keyMask ? at.scoreStride : e.index(0));
  at.factors = take(e.index(1));
  at.perThread = next;
  next = e.mul(at.perThread, e.threads());
  at.products = take(e.mul(records, valueColumns(valueDepth)));
  at.maxima = take(records);
  at.sums = take(records);
  at.size = next;
  return at;
}

void AttentionFewRows::emit(Emitter &e, const AttentionOperands &operands, const AttentionSizes &sizes,
                            StringRef name) {
  Value chunks = e.max(e.ceilDiv(longestList(e, operands), chunkKeys), 1);
  Value units = e.mul(e.mul(sizes.batch, kvHeads), chunks);
  Value records = e.mul(units, e.mul(operands.length, group));
  Scratch at = layOut(e, operands, records);
  at.chunks = chunks;
  at.data = e.flatten(e.allocate(e.getF32Type(), at.size));
  SmallVector<Value> captured = operands.values();
  for (Value *slot : at.slots())
    captured.push_back(*slot);

  auto define =
      [&](StringRef part, Value begin, Value end, Value thread,
          llvm::function_ref<void(Emitter &, const AttentionOperands &, const Scratch &, Value)> body) {
        SmallVector<Value> arguments(captured);
        arguments.append({begin, end, thread});
        expander.call(e, (name + part).str(), arguments, [&](Emitter &e, ValueRange rest) {
          AttentionOperands inner = operands.in(rest);
          Scratch at;
          for (Value *slot : at.slots()) {
            *slot = rest.front();
            rest = rest.drop_front();
          }
          Value first = e.mul(rest[2], at.perThread);
          for (Value *place : {&at.scores, &at.mask, &at.factors})
            *place = e.add(*place, first);
          e.loop(rest[0], rest[1], [&](Value unit) { body(e, inner, at, unit); });
        });
      };
  Value unitBytes = e.div(sizes.bytes, e.max(units, 1));
  e.parallel(units, grainForBytes(e, unitBytes), "nn.attention", sizes.flops, sizes.bytes,
             [&](Value begin, Value end, Value thread) {
               define("_chunks", begin, end, thread,
                      [&](Emitter &e, const AttentionOperands &operands, const Scratch &at, Value unit) {
                        emitChunk(e, operands, at, unit);
                      });
             });

  e.when(e.less(e.index(1), chunks), [&] {
    Value rows = e.mul(e.mul(sizes.batch, kvHeads), at.rows);
    Value rowBytes = e.mul(e.mul(chunks, valueColumns(valueDepth)), 4);
    e.parallel(rows, grainForBytes(e, rowBytes), "nn.attention", e.index(0), e.mul(rows, rowBytes),
               [&](Value begin, Value end, Value thread) {
                 define("_join", begin, end, thread,
                        [&](Emitter &e, const AttentionOperands &operands, const Scratch &at, Value unit) {
                          Value row = e.rem(unit, at.rows), headUnit = e.div(unit, at.rows);
                          Value keyHead = e.rem(headUnit, e.index(kvHeads)), b = e.div(headUnit, kvHeads);
                          Value record = e.madd(e.mul(headUnit, at.chunks), at.rows, row);
                          Value query = e.madd(b, operands.length, e.div(row, group));
                          Value head = e.madd(keyHead, e.index(group), e.rem(row, e.index(group)));
                          emitJoin(e, operands, at, record, at.rows, at.chunks, query, head);
                        });
               });
  });
}

void AttentionFewRows::emitChunk(Emitter &e, const AttentionOperands &operands, const Scratch &at,
                                 Value unit) {
  Chunk chunk;
  chunk.at = at;
  Value number = e.rem(unit, at.chunks), headUnit = e.div(unit, at.chunks);
  chunk.keyHead = e.rem(headUnit, e.index(kvHeads));
  chunk.sequence = e.div(headUnit, kvHeads);
  chunk.keyBegin = e.mul(number, chunkKeys);
  Value length = operands.keyLength;
  if (operands.kept) {
    Value begin = listOf(e, operands, chunk.sequence, chunk.keyHead);
    chunk.list = e.add(e.add(begin, 1), chunk.keyBegin);
    // Lists differ in length.
    length = e.max(e.loadIndex(operands.kept, begin), chunk.keyBegin);
  }
  chunk.keys = e.min(e.sub(length, chunk.keyBegin), chunkKeys);
  chunk.padded = roundUp(e, chunk.keys);
  chunk.record = e.mul(unit, at.rows);

  emitScores(e, operands, chunk);
  if (operands.keyMask)
    emitKeyMask(e, at.data, at.mask, chunk.keys, operands.keyMask,
                e.madd(chunk.sequence, operands.keyLength, chunk.firstRow(e)),
                [&](Value key) { return chunk.rowOf(e, operands, key); });
  auto queryOf = [&](Value row) { return e.div(row, group); };
  auto headOf = [&](Value row) { return e.madd(chunk.keyHead, e.index(group), e.rem(row, e.index(group))); };
  e.loop(e.index(0), at.rows, [&](Value row) {
    AttentionRows softmax(e, op, at.data);
    if (operands.bias.data) {
      softmax.bias = operands.bias;
      softmax.bias.base =
          e.madd(chunk.sequence, operands.bias.strides[0], e.mul(headOf(row), operands.bias.strides[1]));
      if (chunk.list)
        softmax.bias.locate(e, operands.kept, chunk.list, chunk.keys);
      else
        softmax.bias.locate(e, operands.positions, e.mul(chunk.sequence, operands.keyLength),
                            operands.keyLength);
    }
    softmax.alignment = e.sub(operands.keyLength, operands.length);
    if (chunk.list)
      softmax.readsSeenKeys();
    if (operands.keyMask)
      softmax.maskAt = at.mask;
    softmax.setBlock(e, chunk.firstRow(e), chunk.keys, chunk.padded, std::nullopt);
    Value scores = e.madd(row, at.scoreStride, at.scores), record = e.add(chunk.record, row);
    Value maximum = e.add(at.maxima, record), isFirst = e.boolean(true);
    softmax.emitMaximum(e, scores, queryOf(row), isFirst, maximum, at.factors);
    softmax.emitWeights(e, row, scores, isFirst, maximum, at.factors, e.add(at.sums, record));
  });
  emitProducts(e, operands, chunk);
  e.when(e.equal(at.chunks, e.index(1)), [&] {
    e.loop(e.index(0), at.rows, [&](Value row) {
      Value query = e.madd(chunk.sequence, operands.length, queryOf(row));
      emitJoin(e, operands, at, e.add(chunk.record, row), at.rows, e.index(1), query, headOf(row));
    });
  });
}

void AttentionFewRows::emitScores(Emitter &e, const AttentionOperands &operands, const Chunk &chunk) {
  int64_t width = e.getWidth();
  Matrix k = operands.keysAt(e, op, chunk.sequence, chunk.keyHead, chunk.firstRow(e));
  auto emitVector = [&](Value j, bool isLast) {
    // Behind the last key its own score stands in; it gets no weight there.
    SmallVector<Value> keys;
    for (int64_t i = 0; i < width; ++i) {
      Value key = e.add(j, i);
      keys.push_back(chunk.rowOf(e, operands, isLast ? e.min(key, e.sub(chunk.keys, e.index(1))) : key));
    }
    e.loop(e.index(0), chunk.at.rows, [&](Value row) {
      Value head = e.madd(chunk.keyHead, e.index(group), e.rem(row, e.index(group)));
      Value query = e.madd(chunk.sequence, operands.length, e.div(row, group));
      Matrix q = AttentionFactors::rowsAt(e, operands.q, operands.qStride, query,
                                          e.add(e.mul(head, depth), op.getQColumn()));
      Value scores = emitDots(e, loadWholeRow(e, q, e.index(0), depth), k, depth, keys);
      e.storeVector(scores, chunk.at.data, e.add(e.madd(row, chunk.at.scoreStride, chunk.at.scores), j));
    });
  };
  Value whole = e.mul(e.div(chunk.keys, width), width);
  e.loop(e.index(0), whole, e.index(width), [&](Value j) { emitVector(j, /*isLast=*/false); });
  e.when(e.less(whole, chunk.keys), [&] { emitVector(whole, /*isLast=*/true); });
}

void AttentionFewRows::emitProducts(Emitter &e, const AttentionOperands &operands, const Chunk &chunk) {
  Matrix v = operands.valuesAt(e, op, chunk.sequence, chunk.keyHead, chunk.firstRow(e));
  int64_t vectors = llvm::divideCeil(valueDepth, e.getWidth());
  // Sums of a tile take half the registers at most: 16 of 32, or 8 of 16.
  int64_t most = e.getWidth() == 16 ? 16 : 8;
  Value tiles = e.mul(e.div(chunk.at.rows, tileRows), tileRows);
  auto emitRows = [&](Value row, int64_t rows) {
    int64_t step = rows == 1 ? 2 : 1, together = most / (rows * step);
    for (int64_t first = 0; first < vectors; first += together)
      emitProductTile(e, operands, v, chunk, row, rows, first * e.getWidth(),
                      std::min(together, vectors - first), step);
  };
  e.loop(e.index(0), tiles, e.index(tileRows), [&](Value row) { emitRows(row, tileRows); });
  e.loop(tiles, chunk.at.rows, [&](Value row) { emitRows(row, 1); });
}

void AttentionFewRows::emitProductTile(Emitter &e, const AttentionOperands &operands, const Matrix &v,
                                       const Chunk &chunk, Value row, int64_t rows, int64_t column,
                                       int64_t vectors, int64_t step) {
  const Scratch &at = chunk.at;
  int64_t width = e.getWidth();
  auto accumulate = [&](Value key, ValueRange sums) {
    SmallVector<Value> values;
    Value valueRow = chunk.rowOf(e, operands, key);
    for (int64_t i = 0; i < vectors; ++i)
      values.push_back(loadRow(e, v, valueRow, column + i * width, valueDepth));
    Emitter::Values next;
    for (int64_t r = 0; r < rows; ++r) {
      Value weight = e.load(at.data, e.add(e.madd(e.add(row, r), at.scoreStride, at.scores), key));
      for (int64_t i = 0; i < vectors; ++i)
        next.push_back(e.fma(e.splat(weight), values[i], sums[r * vectors + i]));
    }
    return next;
  };
  // Keys of even and odd numbers have sums of their own where there would be too few chains.
  int64_t chains = rows * vectors;
  Value whole = e.mul(e.div(chunk.keys, step), step);
  Emitter::Values zeros(chains * step, e.vector(0));
  Emitter::Values sums = e.loop(e.index(0), whole, e.index(step), zeros, [&](Value key, ValueRange sofar) {
    Emitter::Values next;
    for (int64_t s = 0; s < step; ++s)
      next.append(accumulate(e.add(key, s), sofar.slice(s * chains, chains)));
    return next;
  });
  for (int64_t s = 1; s < step; ++s)
    for (int64_t i = 0; i < chains; ++i)
      sums[i] = e.addF(sums[i], sums[s * chains + i]);
  sums.truncate(chains);
  if (step > 1)
    sums = e.loop(whole, chunk.keys, e.index(1), sums,
                  [&](Value key, ValueRange sofar) { return accumulate(key, sofar); });
  for (int64_t r = 0; r < rows; ++r) {
    Value record = e.add(chunk.record, e.add(row, r));
    Value to = e.add(e.madd(record, e.index(valueColumns(valueDepth)), at.products), column);
    for (int64_t i = 0; i < vectors; ++i)
      e.storeVector(sums[r * vectors + i], at.data, e.add(to, i * width));
  }
}

void AttentionFewRows::emitJoin(Emitter &e, const AttentionOperands &operands, const Scratch &at,
                                Value record, Value stride, Value chunks, Value resultRow, Value head) {
  Value zero = e.index(0), one = e.index(1);
  auto recordOf = [&](Value chunk) { return e.madd(chunk, stride, record); };
  Value lowest = e.scalar(-std::numeric_limits<float>::infinity());
  Value greatest = e.loop(zero, chunks, one, lowest, [&](Value chunk, ValueRange sofar) {
    return Emitter::Values{e.maxF(e.load(at.data, e.add(at.maxima, recordOf(chunk))), sofar[0])};
  })[0];
  Value subtrahend = emitFiniteMaximum(e, greatest);
  // The factor of a chunk takes the place of its maximum.
  Value sum = e.loop(zero, chunks, one, e.scalar(0), [&](Value chunk, ValueRange sofar) {
    Value place = e.add(at.maxima, recordOf(chunk));
    Value power = emitExp2OfNegative(e, e.splat(e.subF(e.load(at.data, place), subtrahend)));
    Value factor = vector::ExtractOp::create(e, power, ArrayRef<int64_t>{0});
    e.store(factor, at.data, place);
    Value weights = e.load(at.data, e.add(at.sums, recordOf(chunk)));
    return Emitter::Values{e.addF(e.mulF(factor, weights), sofar[0])};
  })[0];
  Value inverse = e.splat(emitInverseSum(e, sum));
  Value column = e.mul(head, valueDepth);
  e.forVectors(e.index(valueDepth), [&](Value c, Value mask) {
    Value y = e.loop(zero, chunks, one, e.vector(0), [&](Value chunk, ValueRange sofar) {
      Value from = e.madd(recordOf(chunk), e.index(valueColumns(valueDepth)), e.add(at.products, c));
      Value factor = e.splat(e.load(at.data, e.add(at.maxima, recordOf(chunk))));
      return Emitter::Values{e.fma(e.loadVector(at.data, from), factor, sofar[0])};
    })[0];
    operands.result.store(e, e.mulF(y, inverse), resultRow, column, c, mask, /*last=*/true);
  });
}
