//===- AMXMicrokernel.cpp - Products in tile registers ------------------------------------------------===//
#include "AMXMicrokernel.h"

#include "tamis/Codegen/StreamingTileLoad.h"

#include "mlir/Dialect/AMX/AMXDialect.h"

using namespace mlir;
using namespace tamis;

/// Rows of a tile, and words of 32 bits in one of them.
static constexpr int64_t tileRows = 16, tileWords = 16;

LeftForm AMXMicrokernel::leftForm() const {
  switch (operandKind()) {
  case OperandKind::SplitF32:
    return LeftForm::SplitF32;
  case OperandKind::Int8:
    return LeftForm::Int8;
  default:
    return LeftForm::BF16;
  }
}

int64_t AMXMicrokernel::speed() const {
  switch (operandKind()) {
  case OperandKind::SplitF32:
    return 5;
  case OperandKind::Int8:
    return 24;
  default:
    return 12;
  }
}

void AMXMicrokernel::emitBlock(Emitter &e, int64_t rowTiles, int64_t panels, const Matrix &a, const Panels &b,
                               Value depth, const Matrix &out,
                               llvm::function_ref<void(Value)> meanwhile) const {
  bool integers = operandKind() == OperandKind::Int8, split = operandKind() == OperandKind::SplitF32;
  Type element = integers ? Type(e.getI8Type()) : Type(e.getBF16Type());
  int64_t perWord = integers ? 4 : 2;
  auto operandType = amx::TileType::get({tileRows, tileWords * perWord}, element);
  auto sumType =
      amx::TileType::get({tileRows, tileWords}, integers ? Type(e.getI32Type()) : Type(e.getF32Type()));
  // Elements, where everything else counts words.
  auto elements = [&](Value words) { return e.mul(words, perWord); };
  auto load = [&](Value data, Value word, Value stride, bool streams) -> Value {
    auto tile = amx::TileLoadOp::create(e, operandType, data, ValueRange{elements(word)}, elements(stride));
    if (streams)
      tile->setAttr(streamingLoad, e.getUnitAttr());
    return tile;
  };
  // A block of two tiles of rows has other such blocks beside it, which read the same panels: those stay in
  // the first-level cache as long as the rows do not drive them out. One tile of rows stays itself.
  bool rowsStream = rowTiles > 1;
  // Word k of a band of 16 rows is in tile k / 16 of it.
  auto loadRows = [&](Value k, int64_t r) {
    Value band = e.madd(e.index(r * tileRows), a.stride, a.offset);
    if (a.rowMajor)
      return load(a.data, e.add(k, band), a.stride, rowsStream);
    return load(a.data, e.madd(k, e.index(tileRows), band), e.index(tileWords), rowsStream);
  };
  auto loadPanel = [&](Value k, int64_t p) {
    return load(b.data, e.add(e.madd(e.index(p), b.panelStride, b.offset), k), b.stride, !rowsStream);
  };

  SmallVector<Value> sums;
  for (int64_t i = 0; i < rowTiles * panels; ++i)
    sums.push_back(amx::TileZeroOp::create(e, sumType));
  // There is a step: a loop that may have none joins its sums with the zeros behind it, and tiles can only be
  // copied through memory.
  Value end = e.createOrFold<arith::MaxSIOp>(depth, e.index(tileWords));
  sums = e.loop(e.index(0), end, e.index(tileWords), sums, [&](Value k, ValueRange carried) {
    Emitter::Values next(carried);
    auto multiply = [&](ArrayRef<Value> left, int64_t p, Value right) {
      for (int64_t r = 0; r < rowTiles; ++r) {
        Value &sum = next[r * panels + p];
        if (integers)
          sum = amx::TileMulIOp::create(e, sumType, left[r], right, sum, /*isZextLhs=*/true);
        else
          sum = amx::TileMulFOp::create(e, sumType, left[r], right, sum);
      }
    };
    auto rowsAt = [&](Value word) {
      SmallVector<Value> tiles;
      for (int64_t r = 0; r < rowTiles; ++r)
        tiles.push_back(loadRows(word, r));
      return tiles;
    };
    // A panel's tile is loaded right before its use: with four to add to and two of the rows there is room
    // for two.
    Value bWord = e.mul(k, split ? e.index(2 * tileWords) : b.stride);
    if (!split) {
      SmallVector<Value> left = rowsAt(k);
      for (int64_t p = 0; p < panels; ++p)
        multiply(left, p, loadPanel(bWord, p));
      meanwhile(k);
      return next;
    }
    // The product of the two rests is below the rounding of the other three. Leading terms meet the rests of
    // the other side in an order that needs four operand tiles at a time.
    Value lead = e.mul(k, 2), rest = e.add(lead, tileWords);
    SmallVector<Value> restRows = rowsAt(rest), leadPanels;
    for (int64_t p = 0; p < panels; ++p) {
      leadPanels.push_back(loadPanel(bWord, p));
      multiply(restRows, p, leadPanels[p]);
    }
    SmallVector<Value> leadRows = rowsAt(lead);
    for (int64_t p = 0; p < panels; ++p)
      multiply(leadRows, p, leadPanels[p]);
    for (int64_t p = 0; p < panels; ++p)
      multiply(leadRows, p, loadPanel(e.add(bWord, tileRows * tileWords), p));
    meanwhile(k);
    return next;
  });
  for (int64_t r = 0; r < rowTiles; ++r)
    for (int64_t p = 0; p < panels; ++p)
      amx::TileStoreOp::create(
          e, out.data,
          ValueRange{e.add(e.madd(e.index(r * tileRows), out.stride, out.offset), p * panelColumns)},
          sums[r * panels + p], out.stride);
}

void AMXMicrokernel::forGroups(Emitter &e, const RowTiles &rows, Value panelBegin, Value panelEnd,
                               llvm::function_ref<void(int64_t, int64_t, Value, Value)> body) const {
  auto nest = [&](int64_t rowTiles, int64_t widest) {
    forPanelGroups(e, widest, panelBegin, panelEnd,
                   [&](int64_t group, Value begin, Value end) { body(rowTiles, group, begin, end); });
  };
  // With so few rows that there is one row of tiles, more panels keep the multiplier busy; split operands
  // have no registers left for them.
  int64_t widest = operandKind() == OperandKind::SplitF32 ? 2 : 4;
  e.either(e.less(e.index(tileRows), rows.limit), [&] { nest(2, 2); }, [&] { nest(1, widest); });
}

/// Runs block(n) for the tiles of 16 rows that `count` rows have, of at most `rowTiles`.
static void forRowTiles(Emitter &e, int64_t rowTiles, Value count, llvm::function_ref<void(int64_t)> block) {
  if (rowTiles == 1)
    return block(1);
  e.either(e.less(e.index(tileRows), count), [&] { block(2); }, [&] { block(1); });
}

void AMXMicrokernel::emitPlainProduct(Emitter &e, const Matrix &a, const Panels &b, Value depth,
                                      const Matrix &out, const RowTiles &rows, Value tileBegin, Value tileEnd,
                                      Value panelBegin, Value panelEnd) const {
  forGroups(e, rows, panelBegin, panelEnd, [&](int64_t rowTiles, int64_t group, Value begin, Value end) {
    e.loop(begin, end, e.index(group), [&](Value panel) {
      Panels bTile = b;
      bTile.offset = e.madd(panel, b.panelStride, b.offset);
      e.loop(tileBegin, tileEnd, [&](Value tile) {
        Value row = rows.begin(e, tile);
        Matrix aTile = a, outTile = out;
        aTile.offset = e.madd(row, a.stride, a.offset);
        outTile.offset = e.add(e.madd(row, out.stride, out.offset), e.mul(panel, panelColumns));
        forRowTiles(e, rowTiles, rows.size(e, tile),
                    [&](int64_t n) { emitBlock(e, n, group, aTile, bTile, depth, outTile, [](Value) {}); });
      });
    });
  });
}

void AMXMicrokernel::emitTiles(Emitter &e, const Matrix &a, const Panels &b, Value depth,
                               const RowTiles &rows, Value tileBegin, Value tileEnd, Value panelBegin,
                               Value panelEnd, TileEpilogue epilogue, Value buffer) const {
  // While the tile registers multiply one block, the vector units finish the one before, some rows at each
  // step of K: two halves of the buffer take turns.
  constexpr int64_t halfWords = 4 * tileRows * panelColumns;
  forGroups(e, rows, panelBegin, panelEnd, [&](int64_t rowTiles, int64_t group, Value begin, Value end) {
    Value width = e.index(group * panelColumns);
    auto finish = [&](ValueRange due, Value begin, Value end) {
      Value offset = e.madd(begin, width, e.mul(due[3], halfWords));
      epilogue(Tile{Matrix{buffer, offset, width}, e.add(due[0], begin), e.sub(end, begin), due[2], group});
    };
    // The block that is due: its first row, its rows, its panel, its half of the buffer.
    Emitter::Values none(4, e.index(0));
    Emitter::Values last = e.loop(begin, end, e.index(group), none, [&](Value panel, ValueRange outer) {
      Panels bTile = b;
      bTile.offset = e.madd(panel, b.panelStride, b.offset);
      return e.loop(tileBegin, tileEnd, e.index(1), outer, [&](Value tile, ValueRange due) {
        Value row = rows.begin(e, tile), count = rows.size(e, tile), half = e.sub(e.index(1), due[3]);
        Matrix aTile = a;
        aTile.offset = e.madd(row, a.stride, a.offset);
        Value rowsPerStep = e.ceilDiv(e.index(maxRows()), e.max(e.div(depth, tileWords), 1));
        auto meanwhile = [&](Value k) {
          Value begin = e.min(e.mul(e.div(k, tileWords), rowsPerStep), due[1]);
          finish(due, begin, e.min(e.add(begin, rowsPerStep), due[1]));
        };
        forRowTiles(e, rowTiles, count, [&](int64_t n) {
          emitBlock(e, n, group, aTile, bTile, depth, Matrix{buffer, e.mul(half, halfWords), width},
                    meanwhile);
        });
        return Emitter::Values{row, count, panel, half};
      });
    });
    finish(last, e.index(0), last[1]);
  });
}

void AMXMicrokernel::emitProduct(Emitter &e, const Matrix &a, const Panels &b, Value depth, const Matrix &out,
                                 const RowTiles &rows, Value tileBegin, Value tileEnd, Value panelBegin,
                                 Value panelEnd, TileEpilogue epilogue, Value buffer) const {
  // Without a buffer the factors are an attention's, which were packed just now: nothing waits for memory.
  if (!buffer)
    return emitPlainProduct(e, a, b, depth, out, rows, tileBegin, tileEnd, panelBegin, panelEnd);
  e.either(
      e.less(e.index(fewRows()), rows.limit),
      [&] { emitTiles(e, a, b, depth, rows, tileBegin, tileEnd, panelBegin, panelEnd, epilogue, buffer); },
      [&] {
        // Rows of a tile lie side by side.
        Matrix left = a;
        left.stride = e.index(tileWords);
        vectors.emitOneTile(e, fewRows(), left, b, depth, out, rows, tileBegin, tileEnd, panelBegin, panelEnd,
                            epilogue, buffer);
      });
}
