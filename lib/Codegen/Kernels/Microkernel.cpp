//===- Microkernel.cpp - Loops round register tiles ---------------------------------------------------===//
#include "tamis/Codegen/Kernels/Microkernel.h"

using namespace mlir;
using namespace tamis;

RowTiles::RowTiles(Emitter &e, Value rows, int64_t most) {
  tiles = e.ceilDiv(rows, most);
  quotient = e.div(rows, e.max(tiles, 1));
  remainder = e.sub(rows, e.mul(quotient, tiles));
}
Value RowTiles::begin(Emitter &e, Value tile) const { return e.madd(tile, quotient, e.min(tile, remainder)); }
Value RowTiles::size(Emitter &e, Value tile) const {
  return e.select(e.less(tile, remainder), e.add(quotient, 1), quotient);
}

void Microkernel::emitNest(Emitter &e, ArrayRef<int64_t> rowCounts, const Matrix &a, const Panels &b,
                           Value depth, const Matrix &out, bool toBuffer, const RowTiles &rows,
                           Value tileBegin, Value tileEnd, Value panelBegin, Value panelEnd,
                           TileEpilogue epilogue) const {
  Value next = panelBegin;
  for (int64_t group = toBuffer ? 1 : panels(rowCounts.back()); group >= 1; group /= 2) {
    Value end = e.madd(e.div(e.sub(panelEnd, next), group), e.index(group), next);
    e.loop(next, end, e.index(group), [&](Value panel) {
      Panels bTile = b;
      bTile.offset = e.madd(panel, b.panelStride, b.offset);
      e.loop(tileBegin, tileEnd, [&](Value tile) {
        Value row = rows.begin(e, tile), count = rows.size(e, tile);
        Matrix aTile = a, outTile = out;
        aTile.offset = e.madd(row, a.stride, a.offset);
        if (!toBuffer)
          outTile.offset = e.add(e.madd(row, out.stride, out.offset), e.mul(panel, panelColumns));
        e.choose(
            count, rowCounts.drop_back(),
            [&](int64_t n) { emitTile(e, n, group, aTile, bTile, depth, outTile); },
            [&] { emitTile(e, rowCounts.back(), group, aTile, bTile, depth, outTile); });
        if (epilogue)
          epilogue(row, count, panel, group);
      });
    });
    next = end;
  }
}

void Microkernel::emitProduct(Emitter &e, const Matrix &a, const Panels &b, Value depth, const Matrix &out,
                              const RowTiles &rows, Value tileBegin, Value tileEnd, Value panelBegin,
                              Value panelEnd, TileEpilogue epilogue) const {
  // Row counts whose tiles are equally wide share a nest. An even cut never mixes classes: with more than one
  // tile each has at least maxRows() / 2 rows.
  SmallVector<SmallVector<int64_t>> classes;
  for (int64_t n = 1; n <= maxRows(); ++n) {
    if (classes.empty() || panels(classes.back().back()) != panels(n))
      classes.emplace_back();
    classes.back().push_back(n);
  }
  assert((classes.size() == 1 || classes.back().front() <= maxRows() / 2) && "an even cut mixes classes");
  SmallVector<int64_t> cases;
  for (ArrayRef<int64_t> c : ArrayRef(classes).drop_back())
    for (int64_t n : c)
      cases.push_back(n);
  auto nest = [&](ArrayRef<int64_t> counts) {
    emitNest(e, counts, a, b, depth, out, /*toBuffer=*/false, rows, tileBegin, tileEnd, panelBegin, panelEnd,
             epilogue);
  };
  if (cases.empty())
    return nest(classes.back());
  e.choose(rows.quotient, cases, [&](int64_t n) { nest({n}); }, [&] { nest(classes.back()); });
}

void Microkernel::emitPanelToBuffer(Emitter &e, const Matrix &a, const Panels &b, Value depth, Value buffer,
                                    const RowTiles &rows, Value tileBegin, Value tileEnd, Value panel,
                                    TileEpilogue epilogue) const {
  SmallVector<int64_t> counts;
  for (int64_t n = 1; n <= maxRows(); ++n)
    counts.push_back(n);
  emitNest(e, counts, a, b, depth, Matrix{buffer, e.index(0), e.index(panelColumns)}, /*toBuffer=*/true, rows,
           tileBegin, tileEnd, panel, e.add(panel, 1), epilogue);
}
