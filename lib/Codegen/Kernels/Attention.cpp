//===- Attention.cpp - kernel.attention with online softmax -------------------------------------------===//
//
// A unit of work is one head of one sequence, or a part of its queries. It packs the keys (transposed) and
// values of that head into panels, 512 keys at a time, and takes 48 queries at a time through three steps in
// scratch memory: scores, softmax, product with the values. Beyond one block of keys, the rows' maxima and
// sums carry over and `out` is rescaled.
//
//===--------------------------------------------------------------------------------------------------===//
#include "AttentionSoftmax.h"
#include "tamis/Codegen/Kernels/Expansion.h"
#include "tamis/Codegen/Kernels/Mask.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis;

static constexpr int64_t keyBlock = 512;
static constexpr int64_t queryBlock = 48;
/// Floating-point operations that are worth a claim of the work list.
static constexpr int64_t grainFlops = 200 * 1000;

static Value roundUp(Emitter &e, Value v, int64_t multiple) {
  return e.mul(e.ceilDiv(v, multiple), multiple);
}
static Value toIndex(Emitter &e, Value v) { return arith::IndexCastOp::create(e, e.getIndexType(), v); }

namespace {
/// The part of one thread's scratch memory, in floats from the start of the part on.
struct Scratch {
  /// For blocks of up to `keys` keys (a multiple of 16) and up to `queries` queries a unit.
  Scratch(Emitter &e, Value keys, Value queries, int64_t depth, int64_t valueColumns) {
    Value next = e.index(0);
    auto take = [&](Value size) {
      Value begin = next;
      next = e.add(next, roundUp(e, size, 16));
      return begin;
    };
    keyPanels = take(e.mul(keys, depth));
    valuePanels = take(e.mul(keys, valueColumns));
    scores = take(e.mul(keys, queryBlock));
    products = take(e.index(queryBlock * valueColumns));
    mask = take(keys);
    maxima = take(queries);
    sums = take(queries);
    factors = take(e.index(queryBlock));
    size = next;
  }
  Value keyPanels, valuePanels, scores, products, mask, maxima, sums, factors, size;
};
} // namespace

/// 0 for keys that take part and -infinity for others, in [0, padded).
static void emitKeyMask(Emitter &e, Value scratch, Value at, Value keys, Value padded, Value mask,
                        Value maskAt) {
  Value off = e.scalar(-std::numeric_limits<float>::infinity()), on = e.scalar(0);
  if (mask)
    e.loop(e.index(0), keys, [&](Value j) {
      Value kept = emitIsKept(e, e.load(mask, e.add(maskAt, j)));
      e.store(e.select(kept, on, off), scratch, e.add(at, j));
    });
  else
    e.loop(e.index(0), keys, [&](Value j) { e.store(on, scratch, e.add(at, j)); });
  e.loop(keys, padded, [&](Value j) { e.store(off, scratch, e.add(at, j)); });
}

LogicalResult KernelExpander::expand(kernel::AttentionOp op) {
  Emitter e = emitterAt(op);
  int64_t heads = op.getHeads(), kvHeads = op.getKvHeads(), depth = op.getHeadDim(),
          valueDepth = op.getValueDim();
  if (heads < 1 || kvHeads < 1 || heads % kvHeads || depth < 1 || valueDepth < 1)
    return op.emitOpError("needs heads that are a multiple of the key heads, and dimensions above 0");
  int64_t valueColumns = llvm::alignTo(valueDepth, panelColumns);
  bool ragged = bool(op.getOffsets());
  bool hasMask = bool(op.getKeyMask()), hasBias = bool(op.getBias()), hasPositions = bool(op.getPositions());
  int64_t rank = cast<MemRefType>(op.getQ().getType()).getRank();
  if (ragged && hasMask)
    return op.emitOpError("takes a key mask in the padded form only");
  if (rank < (ragged ? 2 : 3))
    return op.emitOpError("needs q, k and v of rank 3 (padded) or 2 (ragged)");

  bool storesF32; // always: blocks of keys add up in `out`
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
  Value grain = e.max(e.div(e.index(grainFlops), perUnit), 1);

  Value paddedBlock = roundUp(e, e.min(longestKey, keyBlock), panelColumns);
  Value unitQueries = e.mul(e.ceilDiv(longestBlocks, splits), queryBlock);
  Scratch sizes(e, paddedBlock, unitQueries, depth, valueColumns);
  auto scratchType = MemRefType::get({ShapedType::kDynamic}, e.getF32Type());
  Value scratch = memref::AllocOp::create(e, scratchType, ValueRange{e.mul(threads, sizes.size)},
                                          e.getI64IntegerAttr(64));

  SmallVector<Value> captured = {e.flatten(op.getQ()),
                                 e.flatten(op.getK()),
                                 e.flatten(op.getV()),
                                 e.flatten(op.getOut()),
                                 e.flatten(scratch),
                                 e.dim(op.getQ(), -1),
                                 e.dim(op.getK(), -1),
                                 e.dim(op.getV(), -1),
                                 length,
                                 keyLength,
                                 splits,
                                 paddedBlock,
                                 unitQueries};
  LeftRows resultRows;
  if (form) {
    resultRows = form->rows;
    captured.append({resultRows.data, resultRows.stride});
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
    Value q = args[0], k = args[1], v = args[2], out = args[3], scratch = args[4], qStride = args[5],
          kStride = args[6], vStride = args[7], length = args[8], keyLength = args[9], splits = args[10],
          paddedBlock = args[11], unitQueries = args[12];
    ValueRange rest = args.drop_front(13);
    auto take = [&](bool present) {
      Value value = present ? rest.front() : Value();
      rest = rest.drop_front(present);
      return value;
    };
    std::optional<LeftRows> result;
    if (form) {
      result = resultRows;
      result->data = take(true);
      result->stride = take(true);
    }
    Value offsets = take(ragged), keyMask = take(hasMask), positions = take(hasPositions);
    AttentionBias bias;
    bias.data = take(hasBias);
    for (Value &stride : bias.strides)
      stride = take(hasBias);
    Value begin = rest[0], end = rest[1], thread = rest[2];
    Value zero = e.index(0);
    int64_t outStride = heads * valueDepth;

    Scratch at(e, paddedBlock, unitQueries, depth, valueColumns);
    Value base = e.mul(thread, at.size);
    for (Value *part : {&at.keyPanels, &at.valuePanels, &at.scores, &at.products, &at.mask, &at.maxima,
                        &at.sums, &at.factors})
      *part = e.add(*part, base);

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
      rows.maskAt = at.mask;

      // No key at all: the weights are empty sums.
      e.when(e.equal(keys, zero), [&] {
        e.loop(queryBegin, queryEnd, [&](Value i) {
          Value to = e.madd(e.add(queryRow, i), e.index(outStride), outAt);
          e.forVectors(e.index(valueDepth), [&](Value c, Value mask) {
            e.storeVector(e.vector(0), out, e.add(to, c), mask);
            if (result)
              result->store(e, e.vector(0), e.add(queryRow, i), e.add(outAt, c));
          });
        });
      });
      e.when(e.less(queryBegin, queryEnd), [&] {
        e.loop(zero, keys, e.index(keyBlock), [&](Value keyBegin) {
          Value blockKeys = e.min(e.sub(keys, keyBegin), keyBlock);
          Value padded = roundUp(e, blockKeys, panelColumns);
          Value keyAt = e.add(keyRow, keyBegin);
          emitPackTransposed(e, Matrix{k, e.madd(keyAt, kStride, kAt), kStride}, blockKeys, depth, scratch,
                             at.keyPanels);
          emitPackPanels(e, Matrix{v, e.madd(keyAt, vStride, vAt), vStride}, blockKeys, e.index(valueDepth),
                         scratch, at.valuePanels);
          emitKeyMask(e, scratch, at.mask, blockKeys, padded, keyMask,
                      hasMask ? e.madd(b, keyLength, keyBegin) : Value());
          Value isFirst = e.equal(keyBegin, zero);
          Value isLast = e.equal(e.add(keyBegin, blockKeys), keys);

          e.loop(queryBegin, queryEnd, e.index(queryBlock), [&](Value query) {
            Value count = e.min(e.sub(queryEnd, query), queryBlock);
            Value state = e.sub(query, queryBegin);
            Value sixteen = e.index(panelColumns);
            callProduct(e, Matrix{q, e.madd(e.add(queryRow, query), qStride, qAt), qStride},
                        Panels{scratch, at.keyPanels, sixteen, e.index(panelColumns * depth)}, e.index(depth),
                        Matrix{scratch, at.scores, padded}, count, e.div(padded, panelColumns));
            e.loop(zero, count, [&](Value i) {
              Value row = e.add(state, i);
              rows.emitRow(e, e.madd(i, padded, at.scores), padded, blockKeys, keyBegin, e.add(query, i),
                           isFirst, e.add(at.maxima, row), e.add(at.sums, row), e.add(at.factors, i));
            });
            callProduct(e, Matrix{scratch, at.scores, padded},
                        Panels{scratch, at.valuePanels, sixteen, e.mul(blockKeys, panelColumns)}, blockKeys,
                        Matrix{scratch, at.products, e.index(valueColumns)}, count,
                        e.index(valueColumns / panelColumns));
            e.loop(zero, count, [&](Value i) {
              Value to = e.madd(e.add(queryRow, e.add(query, i)), e.index(outStride), outAt);
              Value from = e.madd(i, e.index(valueColumns), at.products);
              // `factors` rescales what earlier blocks left; the last block divides by the sum of weights.
              Value old = e.splat(e.load(scratch, e.add(at.factors, i)));
              Value fresh = e.splat(e.decide(
                  isLast,
                  [&] {
                    Value sum = e.load(scratch, e.add(at.sums, e.add(state, i)));
                    Value empty = e.compare(arith::CmpFPredicate::OEQ, sum, e.scalar(0));
                    return Emitter::Values{e.select(empty, e.scalar(0), e.divF(e.scalar(1), sum))};
                  },
                  [&] { return Emitter::Values{e.scalar(1)}; })[0]);
              e.either(
                  isFirst,
                  [&] {
                    e.forVectors(e.index(valueDepth), [&](Value c, Value mask) {
                      Value y = e.mulF(e.loadVector(scratch, e.add(from, c)), fresh);
                      e.storeVector(y, out, e.add(to, c), mask);
                    });
                  },
                  [&] {
                    e.forVectors(e.index(valueDepth), [&](Value c, Value mask) {
                      Value y = e.mulF(e.loadVector(out, e.add(to, c), mask), old);
                      y = e.mulF(e.addF(y, e.loadVector(scratch, e.add(from, c))), fresh);
                      e.storeVector(y, out, e.add(to, c), mask);
                    });
                  });
              if (result)
                e.when(isLast, [&] {
                  Value row = e.add(queryRow, e.add(query, i));
                  e.forVectors(e.index(valueDepth), [&](Value c, Value mask) {
                    result->store(e, e.loadVector(out, e.add(to, c), mask), row, e.add(outAt, c));
                  });
                });
            });
          });
        });
      });
    });
  };
  e.parallel(count, grain, "nn.attention", flops, bytes, [&](Value begin, Value end, Value thread) {
    SmallVector<Value> arguments(captured);
    arguments.append({begin, end, thread});
    call(e, nameFor(op) + (form ? "_converted" : ""), arguments, body);
  });
  memref::DeallocOp::create(e, scratch);
  return success();
}
