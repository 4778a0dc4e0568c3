//===- LeftOperand.cpp - Rows of activations in a microkernel's form ----------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

/// Rows of an AMX tile, and words in one of them.
static constexpr int64_t tileRows = 16, tileRowWords = 16;

/// 16 f32 rounded to bf16, to nearest even; denormal numbers become 0.
static Value roundToBF16(Emitter &e, Value x) {
  auto type = VectorType::get(e.getWidth(), e.getBF16Type());
  return LLVM::CallIntrinsicOp::create(e, type, e.getStringAttr("llvm.x86.avx512bf16.cvtneps2bf16.512"),
                                       ValueRange{x})
      .getResult(0);
}
static Value extendBF16(Emitter &e, Value x) {
  auto halves = VectorType::get(e.getWidth(), e.getI16Type()), words = VectorType::get(e.getWidth(), e.getI32Type());
  Value bits = arith::ExtUIOp::create(e, words, vector::BitCastOp::create(e, halves, x));
  Value sixteen = arith::ConstantOp::create(e, DenseElementsAttr::get(words, e.getI32IntegerAttr(16)));
  return vector::BitCastOp::create(e, e.vectorType(), arith::ShLIOp::create(e, bits, sixteen));
}

namespace {
/// Where the words of a row go.
struct RowPlace {
  Value begin;     ///< word 0
  Value tileWords; ///< from a tile's words of the row to the next tile's; null when they lie side by side
  /// Word `k`, a multiple of 16, or of the lanes of a vector within a tile.
  Value word(Emitter &e, Value k) const {
    if (!tileWords)
      return e.add(begin, k);
    Value tile = e.div(k, tileRowWords);
    return e.add(e.madd(tile, tileWords, begin), e.rem(k, e.index(tileRowWords)));
  }
};
} // namespace

/// Calls body(column, mask) for each vector of the columns [0, padded); a mask, which is null where it is
/// known to be whole, has the columns below k.
static void forColumns(Emitter &e, Value k, Value padded, llvm::function_ref<void(Value, Value)> body) {
  auto known = getConstantIntValue(k), all = getConstantIntValue(padded);
  bool whole = known && all && *known == *all;
  e.loop(e.index(0), padded, e.index(e.getWidth()),
         [&](Value c) { body(c, whole ? Value() : e.maskOf(e.sub(e.max(k, c), c))); });
}

static void emitBF16Row(Emitter &e, Value x, Value from, Value k, Value depth, Value out, const RowPlace &to) {
  forColumns(e, k, e.mul(depth, 2), [&](Value c, Value mask) {
    Value at = e.mul(to.word(e, e.div(c, 2)), 2);
    e.storeVector(roundToBF16(e, e.loadVector(x, e.add(from, c), mask)), out, at);
  });
}

static void emitSplitRow(Emitter &e, Value x, Value from, Value k, Value depth, Value out, const RowPlace &to) {
  forColumns(e, k, e.mul(depth, 2), [&](Value c, Value mask) {
    Value value = e.loadVector(x, e.add(from, c), mask);
    Value lead = roundToBF16(e, value);
    // Infinity has no rest: infinity less infinity would be NaN.
    Value rest = e.subF(value, extendBF16(e, lead));
    rest = e.select(e.compare(arith::CmpFPredicate::ORD, rest, rest), rest, e.vector(0));
    // 16 words of leading terms, then 16 of their rests.
    Value word = e.div(c, 2), block = e.mul(e.div(word, tileRowWords), tileRowWords);
    Value place = e.add(word, block);
    e.storeVector(lead, out, e.mul(to.word(e, place), 2));
    e.storeVector(roundToBF16(e, rest), out, e.mul(to.word(e, e.add(place, tileRowWords)), 2));
  });
}

/// round(x / scale) + 128 with scale = max |x| / 127. A row with NaN or infinity gets the scale NaN, so that
/// its results are NaN.
static void emitInt8Row(Emitter &e, Value x, Value from, Value k, Value out, const RowPlace &to, Value scales,
                        Value row) {
  int64_t width = e.getWidth();
  auto words = VectorType::get(width, e.getI32Type()), bytes = VectorType::get(width, e.getI8Type());
  auto magnitude = [&](Value v) -> Value {
    Value bits = vector::BitCastOp::create(e, words, v);
    Value low = arith::ConstantOp::create(e, DenseElementsAttr::get(words, e.getI32IntegerAttr(0x7fffffff)));
    return vector::BitCastOp::create(e, e.vectorType(), arith::AndIOp::create(e, bits, low));
  };
  Emitter::Values inits = {e.vector(0), e.vector(0)};
  auto scan = [&](Value c, Value mask, ValueRange carried) {
    Value v = magnitude(e.loadVector(x, e.add(from, c), mask));
    return Emitter::Values{e.maxF(v, carried[0]), e.fma(v, e.vector(0), carried[1])};
  };
  Value columns = e.mul(e.ceilDiv(k, width), width), whole = e.mul(e.div(k, width), width);
  Emitter::Values found = e.loop(e.index(0), whole, e.index(width), inits,
                                 [&](Value c, ValueRange carried) { return scan(c, Value(), carried); });
  found = e.loop(whole, columns, e.index(width), found,
                 [&](Value c, ValueRange carried) { return scan(c, e.maskOf(e.sub(k, c)), carried); });
  Value greatest = e.reduceMax(found[0]), poison = e.reduceAdd(found[1]);
  Value isZero = e.compare(arith::CmpFPredicate::OEQ, greatest, e.scalar(0));
  Value scale = e.addF(e.mulF(greatest, e.scalar(1.0f / 127)), poison);
  e.store(scale, scales, row);
  Value factor = e.splat(e.select(isZero, e.scalar(0), e.divF(e.scalar(127), greatest)));
  // Adding 1.5 * 2^23 rounds to an integer, to nearest even, which is then the low bits of the sum.
  Value magic = e.vector(12582912.0f + 128);
  forColumns(e, k, columns, [&](Value c, Value mask) {
    Value shifted = e.fma(e.loadVector(x, e.add(from, c), mask), factor, magic);
    Value number = arith::TruncIOp::create(e, bytes, vector::BitCastOp::create(e, words, shifted));
    e.storeVector(number, out, e.mul(to.word(e, e.div(c, 4)), 4));
  });
}

LeftOperand::LeftOperand(Emitter &e, const Microkernel &microkernel, Value x, Value rows, Value k, Value depth) {
  LeftForm form = microkernel.leftForm();
  this->depth = depth;
  if (form == LeftForm::F32) {
    data = x;
    stride = k;
    return;
  }
  bool tiled = microkernel.wantsTiledLeft();
  stride = form == LeftForm::SplitF32 ? e.mul(depth, 2) : depth;
  if (!tiled) {
    // Rows that are a multiple of 4 KiB apart would all fall on the same lines of the cache.
    Value isAliased = e.equal(e.rem(stride, e.index(1024)), e.index(0));
    stride = e.select(isAliased, e.add(stride, tileRowWords), stride);
  }
  int64_t perWord = form == LeftForm::Int8 ? 4 : 2;
  Type element = form == LeftForm::Int8 ? Type(e.getI8Type()) : Type(e.getBF16Type());
  auto allocate = [&](Type element, Value size) {
    auto type = MemRefType::get({ShapedType::kDynamic}, element);
    memory.push_back(memref::AllocOp::create(e, type, ValueRange{size}, e.getI64IntegerAttr(64)));
    return e.flatten(memory.back());
  };
  Value padded = tiled ? e.mul(e.ceilDiv(rows, tileRows), tileRows) : rows;
  data = allocate(element, e.mul(padded, e.mul(stride, perWord)));
  if (form == LeftForm::Int8)
    scales = allocate(e.getF32Type(), rows);
  Value bytes = e.mul(rows, e.add(e.mul(k, 4), e.mul(stride, 4)));
  e.parallel(rows, grainForBytes(e, e.mul(k, 4)), "convert rows", e.mul(rows, k), bytes,
             [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value row) {
                 Value from = e.mul(row, k);
                 RowPlace to{e.mul(row, stride), Value()};
                 if (tiled) {
                   Value band = e.mul(e.div(row, tileRows), e.mul(stride, tileRows));
                   Value inTile = e.mul(e.rem(row, e.index(tileRows)), tileRowWords);
                   to = {e.add(band, inTile), e.index(tileRows * tileRowWords)};
                 }
                 if (form == LeftForm::BF16)
                   emitBF16Row(e, x, from, k, depth, data, to);
                 else if (form == LeftForm::SplitF32)
                   emitSplitRow(e, x, from, k, depth, data, to);
                 else
                   emitInt8Row(e, x, from, k, data, to, scales, row);
               });
             });
}

void LeftOperand::release(Emitter &e) {
  for (Value buffer : memory)
    memref::DeallocOp::create(e, buffer);
}
