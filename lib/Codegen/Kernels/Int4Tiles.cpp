//===- Int4Tiles.cpp - Weights of 4 bits for the tile registers ----------------------------------------===//
#include "Int4Tiles.h"
#include "BF16.h"
#include "LinearProduct.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

/// Words of panels that are unpacked at a time: half of a second-level cache. Four times as many are 3 to 10%
/// slower on Sapphire Rapids (K and N 4096).
static constexpr int64_t chunkWords = 256 * 1024;
/// Words of K in a tile.
static constexpr int64_t tileWords = 16;

void Int4TileProduct::unpackGroup(Emitter &e, Value w, Value from, Value to, Value toWord) const {
  auto words = VectorType::get(e.getWidth(), e.getI32Type());
  auto splat = [&](int32_t value) -> Value {
    return arith::ConstantOp::create(e, DenseElementsAttr::get(words, e.getI32IntegerAttr(value)));
  };
  auto parameter = [&](int64_t row) -> Value {
    Value bits = e.loadVector(w, e.add(from, (format.wordRows() + row) * panelColumns));
    return vector::BitCastOp::create(e, e.vectorType(), bits);
  };
  Value scale = parameter(0), zero = format.hasZeros ? parameter(1) : e.vector(format.defaultZero);
  // Element i of those of a word: (q - zero) is exact for a whole zero.
  auto number = [&](Value packed, int64_t i) -> Value {
    int64_t bit = i % 4 * 8 + i / 4 * 4;
    Value q = bit ? Value(arith::ShRUIOp::create(e, packed, splat(static_cast<int32_t>(bit)))) : packed;
    q = arith::AndIOp::create(e, q, splat(format.greatest));
    return e.mulF(e.subF(arith::SIToFPOp::create(e, e.vectorType(), q), zero), scale);
  };
  SmallVector<int64_t> alternate;
  for (int64_t i = 0; i < e.getWidth(); ++i)
    alternate.append({i, i + e.getWidth()});
  e.loop(e.index(0), e.index(format.wordRows()), [&](Value r) {
    Value packed = e.loadVector(w, e.madd(r, e.index(panelColumns), from));
    for (int64_t i = 0; i < format.perWord; i += 2) {
      Value halves = roundPairToTerms(e, number(packed, i), number(packed, i + 1), /*split=*/false).front();
      Value pairs = vector::ShuffleOp::create(e, halves, halves, alternate);
      Value word = e.add(e.madd(r, e.index(format.perWord / 2), toWord), i / 2);
      vector::StoreOp::create(e, pairs, to, ValueRange{e.mul(word, 2 * panelColumns)});
    }
  });
}

void Int4TileProduct::unpackPanels(Emitter &e, Value w, Value groups, Value words, Value first, Value begin,
                                   Value end, Value to) const {
  Value zeros =
      arith::ConstantOp::create(e, e.getZeroAttr(VectorType::get(2 * panelColumns, e.getBF16Type())));
  e.loop(begin, end, [&](Value panel) {
    Value from = e.mul(panel, e.mul(groups, format.blockWords())), toWord = e.mul(e.sub(panel, first), words);
    e.loop(e.index(0), groups, [&](Value group) {
      unpackGroup(e, w, e.madd(group, e.index(format.blockWords()), from), to,
                  e.madd(group, e.index(format.group / 2), toWord));
    });
    e.loop(e.mul(groups, format.group / 2), words, [&](Value word) {
      vector::StoreOp::create(e, zeros, to, ValueRange{e.mul(e.add(toWord, word), 2 * panelColumns)});
    });
  });
}

void Int4TileProduct::emit(KernelExpander &expander, Emitter &e, Value rows, Value k,
                           const LinearEpilogue &epilogue) {
  const Microkernel &microkernel = expander.microkernel(OperandKind::BF16);
  Value n = e.dim(op.getOut(), -1), panels = e.ceilDiv(n, panelColumns), groups = e.dim(op.getW(), 1);
  Value words = e.mul(e.ceilDiv(e.mul(groups, format.group / 2), tileWords), tileWords);
  LeftOperand left(e, microkernel, rows, words);
  left.convert(e, e.flatten(op.getX()), rows, k);
  Value most = e.max(
      e.mul(e.div(e.index(chunkWords / panelColumns / panelGroup), e.max(words, 1)), panelGroup), panelGroup);
  Value chunks = e.max(e.ceilDiv(panels, most), 1);
  Value chunk = e.mul(e.ceilDiv(e.ceilDiv(panels, chunks), panelGroup), panelGroup);
  Value unpacked = e.flatten(e.allocate(e.getBF16Type(), e.mul(e.mul(chunk, words), 2 * panelColumns)));
  Value w = e.flatten(op.getW());
  e.loop(e.index(0), panels, chunk, [&](Value first) {
    Value count = e.min(chunk, e.sub(panels, first));
    Value bytes = e.mul(groups, format.blockWords() * 4), toBytes = e.mul(words, panelColumns * 4);
    e.parallel(count, e.index(1), "unpack weights", e.mul(e.mul(words, 4 * panelColumns), count),
               e.mul(e.add(bytes, toBytes), count), [&](Value begin, Value end, Value) {
                 SmallVector<Value> arguments{w, groups, words, first, begin, end, unpacked};
                 std::string name = "unpack_int4_g" + std::to_string(format.group);
                 if (format.hasZeros)
                   name += "_zeros";
                 expander.call(e, name, arguments, [&](Emitter &e, ValueRange args) {
                   unpackPanels(e, args[0], args[1], args[2], args[3], e.add(args[3], args[4]),
                                e.add(args[3], args[5]), args[6]);
                 });
               });
    LinearProduct product{microkernel, left, unpacked, op.getOut(), k, words, epilogue, first, count};
    product.emit(expander, e, "linear_int4_tiles_", "nn.linear");
  });
}
