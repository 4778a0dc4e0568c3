//===- LinearProduct.cpp - The product of a linear layer as a work list of block products --------------===//
#include "LinearProduct.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace tamis;

namespace {
/// The arguments of the function that all products of one form share.
struct Arguments {
  Value left, tileStride, w, out, rows, depth, n, words, stride, rowUnits, rowsTogether, panelUnits,
      panelsPerUnit;
  Value firstPanel, endPanel; ///< of a part of the columns, or null
  SmallVector<Value *> fixed() {
    SmallVector<Value *> all{&left,  &tileStride, &w,        &out,          &rows,       &depth,        &n,
                             &words, &stride,     &rowUnits, &rowsTogether, &panelUnits, &panelsPerUnit};
    if (firstPanel)
      all.append({&firstPanel, &endPanel});
    return all;
  }
};
} // namespace

/// The units of work [begin, end).
static void emitUnits(Emitter &e, const Microkernel &microkernel, const Arguments &args,
                      const LinearEpilogue &epilogue, bool tail, Value begin, Value end) {
  // Of weights that are sums of two, leading terms and rests.
  int64_t wordsPerWord = microkernel.operandKind() == OperandKind::SplitF32 ? 2 : 1;
  RowTiles tiles = microkernel.rowTiles(e, args.rows);
  Value wholePanels = e.div(args.n, panelColumns);
  Value panels = args.endPanel ? args.endPanel : e.ceilDiv(args.n, panelColumns);
  Matrix a{args.left, e.index(0), args.stride, /*rowMajor=*/false, args.tileStride},
      c{args.out, e.index(0), args.n};
  Panels b{args.w, e.index(0), e.index(panelColumns), e.mul(args.words, panelColumns * wordsPerWord)};
  if (args.firstPanel)
    b.offset = e.sub(b.offset, e.mul(args.firstPanel, b.panelStride));
  Value buffer;
  if (tail || microkernel.writesWholeTiles()) {
    auto type =
        MemRefType::get({microkernel.maxRows() * microkernel.maxPanels() * panelColumns}, e.getF32Type());
    buffer = e.flatten(memref::AllocaOp::create(e, type, e.getI64IntegerAttr(64)));
  }
  e.loop(begin, end, [&](Value unit) {
    // Units follow each other down the rows, so that panels stay, within as many rows as make a thread's
    // share, so that a thread meets the rows again that it wrote for the layer before.
    Value firstRow = e.mul(e.div(unit, e.mul(args.rowsTogether, args.panelUnits)), args.rowsTogether);
    Value together = e.min(args.rowsTogether, e.sub(args.rowUnits, firstRow));
    Value rest = e.sub(unit, e.mul(firstRow, args.panelUnits));
    Value panelUnit = e.div(rest, together), rowUnit = e.add(firstRow, e.rem(rest, together));
    Value tileBegin = e.div(e.mul(rowUnit, tiles.tiles), args.rowUnits);
    Value tileEnd = e.div(e.mul(e.add(rowUnit, 1), tiles.tiles), args.rowUnits);
    Value panelBegin = e.mul(panelUnit, args.panelsPerUnit);
    if (args.firstPanel)
      panelBegin = e.add(panelBegin, args.firstPanel);
    Value panelEnd = e.min(e.add(panelBegin, args.panelsPerUnit), panels);
    auto finish = [&](const Tile &tile) { epilogue.emit(e, tile, c, Value()); };
    auto finishTail = [&](const Tile &tile) { epilogue.emit(e, tile, c, args.n); };
    if (microkernel.writesWholeTiles()) {
      microkernel.emitProduct(e, a, b, args.depth, c, tiles, tileBegin, tileEnd, panelBegin, panelEnd,
                              tail ? TileEpilogue(finishTail) : TileEpilogue(finish), buffer);
      return;
    }
    microkernel.emitProduct(e, a, b, args.depth, c, tiles, tileBegin, tileEnd, panelBegin,
                            tail ? e.min(panelEnd, wholePanels) : panelEnd,
                            epilogue.isNeeded() ? TileEpilogue(finish) : TileEpilogue());
    if (!tail)
      return;
    e.when(e.less(wholePanels, panelEnd), [&] {
      microkernel.emitProduct(e, a, b, args.depth, c, tiles, tileBegin, tileEnd, wholePanels,
                              e.add(wholePanels, 1), finishTail, buffer);
    });
  });
}

void LinearProduct::emit(KernelExpander &expander, Emitter &e, StringRef name, StringRef kind) {
  auto outType = cast<MemRefType>(out.getType()), weightType = cast<MemRefType>(w.getType());
  Value n = e.dim(out, -1), rows = e.dims(out, 0, outType.getRank() - 1);
  Value panels = panelCount ? panelCount : e.ceilDiv(n, panelColumns), columns = n;
  auto knownN = getConstantIntValue(n);
  bool tail = !knownN || *knownN % panelColumns;
  RowTiles tiles = microkernel.rowTiles(e, rows);
  ProductUnits units(e, microkernel, e.index(1), tiles.tiles, rows, panels, words);
  // Not of use where the left factor is not cut into tiles.
  Value tileStride = left.rows.tileStride ? left.rows.tileStride : e.index(0);
  Arguments args{left.rows.data,
                 tileStride,
                 e.flatten(w),
                 e.flatten(out),
                 rows,
                 left.depth,
                 n,
                 words,
                 left.rows.stride,
                 units.rowUnits,
                 e.ceilDiv(units.rowUnits, e.threads()),
                 units.panelUnits,
                 units.panelsPerUnit,
                 Value(),
                 Value()};
  if (firstPanel) {
    args.firstPanel = firstPanel;
    args.endPanel = e.add(firstPanel, panelCount);
    columns = e.sub(e.min(n, e.mul(args.endPanel, panelColumns)), e.mul(firstPanel, panelColumns));
  }
  SmallVector<Value> captured;
  for (Value *argument : args.fixed())
    captured.push_back(*argument);
  for (Value *operand : epilogue.operands())
    captured.push_back(*operand);
  std::string symbol = (name + epilogue.name()).str();
  if (tail)
    symbol += "_tail";
  // Code for each K, so that the distances of rows and panels are constants.
  auto knownWords = getConstantIntValue(words), knownStride = getConstantIntValue(left.rows.stride),
       knownDepth = getConstantIntValue(left.depth);
  bool isStatic = knownWords && knownStride && knownDepth;
  if (isStatic)
    symbol += "_k" + std::to_string(*knownDepth);

  auto body = [&](Emitter &e, ValueRange values) {
    Arguments inner;
    inner.firstPanel = args.firstPanel; // Whether there is one.
    LinearEpilogue innerEpilogue = epilogue;
    SmallVector<Value *> places = inner.fixed();
    llvm::append_range(places, innerEpilogue.operands());
    for (auto [place, value] : llvm::zip(places, values))
      *place = value;
    if (isStatic) {
      inner.words = e.index(*knownWords);
      inner.stride = e.index(*knownStride);
      inner.depth = e.index(*knownDepth);
    }
    emitUnits(e, microkernel, inner, innerEpilogue, tail, values[values.size() - 2], values.back());
  };
  Value flops = e.mul(e.mul(rows, 2), e.mul(columns, k));
  Value weightBytes = e.mul(e.dims(w, 0, weightType.getRank()), weightType.getElementTypeBitWidth() / 8);
  Value bytes = e.add(weightBytes, e.mul(e.mul(rows, e.add(columns, k)), 4));
  Value count = e.mul(units.rowUnits, units.panelUnits);
  e.parallel(count, e.index(1), kind, flops, bytes, [&](Value begin, Value end, Value) {
    SmallVector<Value> arguments(captured);
    arguments.append({begin, end});
    expander.call(e, symbol, arguments, body);
  });
}
