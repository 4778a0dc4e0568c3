//===- VectorMicrokernel.cpp - Outer products in vector registers -------------------------------------===//
#include "VectorMicrokernel.h"
#include "WordPointers.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

/// Rows of the panels that tiles which share panels ask for ahead of their use, so that they come from the
/// second-level cache in time. On Sapphire Rapids 4 to 20 make no difference, none costs 5% of the speed.
static constexpr int64_t rowsAhead = 12;
/// Lines of 64 bytes that a tile asks for ahead of their use where it alone reads the panels: they come from
/// memory. On Sapphire Rapids half or double is 2 to 9% slower where they do, four times 10%.
static constexpr int64_t linesAhead = 128;
/// Words of a panel so short that tiles of some rows ask half a panel ahead: their epilogues come often and
/// take longer than what was asked for lasts. With all of it in the last-level cache 4 rows gain 3% so; where
/// it comes from memory they lose 5%.
static constexpr int64_t shortPanel = 384, someRows = 3;
/// Up to so many tiles compute for a shorter time than their panels take to come from memory. They take K in
/// parts of about so many words, so that the next part comes while the tiles share this one; more tiles would
/// only lose by adding to sums in memory.
static constexpr int64_t fewTiles = 4;
static constexpr int64_t partWords = 128;

VectorMicrokernel::VectorMicrokernel(const ISALevel &level, OperandKind kind, bool tiledLeft)
    : Microkernel(level, kind), tiledLeft(tiledLeft), product(makeOuterProduct(level, kind, tiledLeft)) {}

RowTiles VectorMicrokernel::rowTiles(Emitter &e, Value rows) const { return RowTiles(e, rows, maxRows()); }

int64_t VectorMicrokernel::panels(int64_t rows) const {
  if (isa().lanes == 16)
    return 4;
  // Below 3 rows a tile is 32 or 64 columns wide, to have 8 chains.
  return rows == 1 ? 4 : rows == 2 ? 2 : 1;
}

void VectorMicrokernel::emitTile(Emitter &e, int64_t rows, int64_t panels, const Matrix &a, const Panels &b,
                                 const Part &part, const std::optional<Ahead> &ahead,
                                 const Matrix &out) const {
  int64_t width = vectorWidth(), vectors = panelColumns / width, columns = panels * vectors;
  int64_t chains = rows * columns;
  // At least 8 independent chains keep two multiply-adds of latency 4 a cycle busy: narrow tiles sum even and
  // odd k (and so on) apart.
  int64_t sets = 1;
  while (chains * sets < 8 && chains * sets * 2 <= 12)
    sets *= 2;
  bool integers = product->accumulatesIntegers();
  auto type = VectorType::get(width, integers ? Type(e.getI32Type()) : Type(e.getF32Type()));
  Value zero = arith::ConstantOp::create(e, e.getZeroAttr(type));
  auto add = [&](Value x, Value y) -> Value {
    return integers ? Value(arith::AddIOp::create(e, x, y)) : e.addF(x, y);
  };

  SmallVector<Value> aRows = pointersTo(e, a.data, a.offset, a.stride, rows),
                     bPanels = pointersTo(e, b.data, b.offset, b.panelStride, panels);

  SmallVector<Value> nextPanels;
  if (ahead)
    nextPanels = pointersTo(e, b.data, ahead->begin, ahead->distance, 2);
  auto prefetch = [&](Value k, Value bRow) {
    if (ahead) {
      for (Value panel : nextPanels)
        prefetchWord(e, panel, e.mul(e.sub(k, part.begin), ahead->step), 2);
      for (Value panel : bPanels)
        prefetchWord(e, panel, e.madd(b.stride, e.index(rowsAhead), bRow), 1);
      return;
    }
    // Behind the last row of a panel come those of the panel as far on as the tile is wide. Lines are asked
    // for in the order of memory, also where two rows of a panel take turns of 16 words.
    int64_t terms = product->terms();
    int64_t distance = linesAhead / panels / terms;
    if (auto depth = getConstantIntValue(part.end); depth && *depth <= shortPanel && rows >= someRows)
      distance = std::max(distance, *depth / 2);
    Value later = e.add(k, distance), word = e.mul(later, e.mul(b.stride, terms));
    if (panels > 1)
      word = e.add(word, e.select(e.less(later, part.end), e.index(0), e.mul(b.panelStride, panels - 1)));
    for (Value panel : bPanels)
      for (int64_t t = 0; t < terms; ++t)
        prefetchWord(e, panel, e.madd(b.stride, e.index(t), word), 2);
  };
  auto leftWord = [&](Value row, Value k) -> LeftWord {
    if (!tiledLeft)
      return {row, k, Value()};
    // 16 words of a row, then those of the other rows; tiles of leading terms and of rests take turns.
    Value stride = a.tileStride ? a.tileStride : e.index(16 * panelColumns);
    Value word = e.madd(e.div(k, 16), e.mul(stride, product->terms()), e.rem(k, e.index(16)));
    return {row, word, e.add(word, stride)};
  };
  // Adds the outer product at k to the accumulators.
  auto step = [&](Value k, MutableArrayRef<Value> accumulators) {
    Value bRow = product->row(e, k, b.stride);
    prefetch(k, bRow);
    for (int64_t round = 0; round < product->rounds(); ++round) {
      SmallVector<Value> bVectors;
      for (int64_t p = 0; p < panels; ++p)
        for (int64_t v = 0; v < vectors; ++v)
          bVectors.push_back(product->right(e, bPanels[p], e.add(bRow, v * width), round));
      for (int64_t i = 0; i < rows; ++i) {
        Value element = product->left(e, leftWord(aRows[i], k), round);
        for (int64_t j = 0; j < columns; ++j) {
          Value &accumulator = accumulators[i * columns + j];
          accumulator = product->multiplyAdd(e, element, bVectors[j], accumulator);
        }
      }
    }
  };

  auto placeOf = [&](int64_t i, int64_t j) {
    return e.add(e.madd(e.index(i), out.stride, out.offset), j * width);
  };
  // A later part of K goes on where the earlier ones ended.
  SmallVector<Value> sums(chains, zero);
  if (part.isFirst)
    sums = e.decide(
        part.isFirst, [&] { return Emitter::Values(chains, zero); },
        [&] {
          Emitter::Values sofar;
          for (int64_t i = 0; i < rows; ++i)
            for (int64_t j = 0; j < columns; ++j) {
              Value sum = e.loadVector(out.data, placeOf(i, j));
              sofar.push_back(integers ? Value(vector::BitCastOp::create(e, type, sum)) : sum);
            }
          return sofar;
        });
  sums.append(chains * (sets - 1), zero);
  Value whole = e.madd(e.div(e.sub(part.end, part.begin), sets), e.index(sets), part.begin);
  sums = e.loop(part.begin, whole, e.index(sets), sums, [&](Value k, ValueRange carried) {
    Emitter::Values next(carried);
    for (int64_t s = 0; s < sets; ++s)
      step(e.add(k, s), MutableArrayRef<Value>(next).slice(s * chains, chains));
    return next;
  });
  for (int64_t n = sets; n > 1; n /= 2)
    for (int64_t i = 0; i < chains * n / 2; ++i)
      sums[i] = add(sums[i], sums[i + chains * n / 2]);
  sums.resize(chains);
  if (sets > 1)
    sums = e.loop(whole, part.end, e.index(1), sums, [&](Value k, ValueRange carried) {
      Emitter::Values next(carried);
      step(k, next);
      return next;
    });
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) {
      Value sum = sums[i * columns + j];
      if (integers)
        sum = vector::BitCastOp::create(e, e.vectorType(), sum);
      e.storeVector(sum, out.data, placeOf(i, j));
    }
}

void VectorMicrokernel::emitNest(Emitter &e, ArrayRef<int64_t> rowCounts, bool isOneTile, const Matrix &a,
                                 const Panels &b, Value depth, const Matrix &out, Value buffer,
                                 const RowTiles &rows, Value tileBegin, Value tileEnd, Value panelBegin,
                                 Value panelEnd, TileEpilogue epilogue) const {
  forPanelGroups(
      e, panels(rowCounts.back()), panelBegin, panelEnd, [&](int64_t group, Value begin, Value end) {
        Value tiles = e.sub(tileEnd, tileBegin);
        auto known = getConstantIntValue(depth);
        // A buffer has room for one tile, not for the sums of all.
        bool isCut = !isOneTile && !buffer && known && *known > partWords + partWords / 2;
        Value areFew, words = depth;
        if (isCut) {
          int64_t parts = llvm::divideCeil(*known, partWords);
          areFew =
              e.select(e.less(e.index(1), tiles), e.less(tiles, e.index(fewTiles + 1)), e.boolean(false));
          words = e.select(areFew, e.index(llvm::alignTo(llvm::divideCeil(*known, parts), 16)), depth);
        }
        auto emitTiles = [&](Value panel, const Part &part) {
          Panels bTile = b;
          bTile.offset = e.madd(panel, b.panelStride, b.offset);
          Value nextPanels = e.madd(b.panelStride, e.index(group), bTile.offset);
          Value isLast = part.isFirst ? e.equal(part.end, depth) : Value();
          e.loop(tileBegin, tileEnd, [&](Value tile) {
            TileOperands at(e, rows, tile, a, out, panel, group, buffer);
            Value number = e.sub(tile, tileBegin);
            std::optional<Ahead> ahead;
            if (!isOneTile) {
              // All tiles ask for even parts of the next panels, which lie one behind the other: a burst
              // would wait for memory.
              int64_t half = std::max<int64_t>(group / 2, 1);
              Value step = e.ceilDiv(e.index(half * panelColumns), tiles);
              ahead = {e.madd(e.mul(number, depth), step, nextPanels), step, e.mul(b.panelStride, group / 2)};
            }
            if (isCut) {
              // Each of few tiles asks for the panel of its number, of the next part of K or of the next
              // panels, and the first ones for those that are left.
              Value first =
                  e.select(isLast, nextPanels, e.add(bTile.offset, product->row(e, part.end, b.stride)));
              Value other = e.select(e.less(e.add(number, tiles), e.index(group)), tiles, e.index(0));
              ahead = {e.select(areFew, e.madd(number, b.panelStride, first), ahead->begin),
                       e.select(areFew, b.stride, ahead->step),
                       e.select(areFew, e.mul(other, b.panelStride), ahead->distance)};
            }
            e.choose(
                at.rows, rowCounts.drop_back(),
                [&](int64_t n) { emitTile(e, n, group, at.left, bTile, part, ahead, at.sums); },
                [&] { emitTile(e, rowCounts.back(), group, at.left, bTile, part, ahead, at.sums); });
            auto finish = [&] { epilogue(Tile{at.sums, at.row, at.rows, panel, group}); };
            if (epilogue && isLast)
              e.when(isLast, finish);
            else if (epilogue)
              finish();
          });
        };
        e.loop(begin, end, e.index(group), [&](Value panel) {
          Value zero = e.index(0);
          if (!isCut)
            return emitTiles(panel, Part{zero, depth, Value()});
          e.loop(zero, depth, words, [&](Value k) {
            emitTiles(panel, Part{k, e.min(e.add(k, words), depth), e.equal(k, zero)});
          });
        });
      });
}

void VectorMicrokernel::emitOneTile(Emitter &e, int64_t most, const Matrix &a, const Panels &b, Value depth,
                                    const Matrix &out, const RowTiles &rows, Value tileBegin, Value tileEnd,
                                    Value panelBegin, Value panelEnd, TileEpilogue epilogue,
                                    Value buffer) const {
  // Numbers of rows whose tiles are equally wide share the loop over panels, and its epilogue.
  std::function<void(int64_t)> emitFrom = [&](int64_t first) {
    int64_t last = first;
    while (last < most && panels(last + 1) == panels(first))
      ++last;
    auto nest = [&] {
      emitNest(e, llvm::to_vector(llvm::seq_inclusive(first, last)), /*isOneTile=*/true, a, b, depth, out,
               buffer, rows, tileBegin, tileEnd, panelBegin, panelEnd, epilogue);
    };
    if (last == most)
      return nest();
    e.either(e.less(rows.size(e, e.index(0)), e.index(last + 1)), nest, [&] { emitFrom(last + 1); });
  };
  emitFrom(1);
}

void VectorMicrokernel::emitProduct(Emitter &e, const Matrix &a, const Panels &b, Value depth,
                                    const Matrix &out, const RowTiles &rows, Value tileBegin, Value tileEnd,
                                    Value panelBegin, Value panelEnd, TileEpilogue epilogue,
                                    Value buffer) const {
  // More rows than one tile has are cut into tiles of at least so many.
  int64_t fewest = (maxRows() + 1) / 2;
  assert(panels(fewest) == panels(maxRows()) && "an even cut mixes widths");
  e.either(
      e.less(rows.tiles, e.index(2)),
      [&] {
        emitOneTile(e, maxRows(), a, b, depth, out, rows, tileBegin, tileEnd, panelBegin, panelEnd, epilogue,
                    buffer);
      },
      [&] {
        emitNest(e, llvm::to_vector(llvm::seq_inclusive(fewest, maxRows())), /*isOneTile=*/false, a, b, depth,
                 out, buffer, rows, tileBegin, tileEnd, panelBegin, panelEnd, epilogue);
      });
}
