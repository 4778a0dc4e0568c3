//===- Linear.cpp - kernel.linear as a work list of block products ------------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"
#include "tamis/Codegen/Kernels/VectorMath.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace tamis;

namespace {
/// The operands of the epilogue; absent ones are null.
struct Epilogue {
  Value bias, residual;
  nn::Activation activation;
  bool isNeeded() const { return bias || residual || activation != nn::Activation::None; }
};
} // namespace

/// out = activation(product + bias) + residual on one tile. `width` columns of `out` from `column` on exist;
/// without it all do.
static void emitEpilogue(Emitter &e, const Epilogue &epilogue, const Matrix &product, const Matrix &out,
                         Value row, Value rows, Value column, int64_t columns, Value limit) {
  int64_t width = e.getWidth();
  SmallVector<Value> masks, biases;
  for (int64_t j = 0; j < columns; j += width) {
    Value mask;
    if (limit) {
      Value begin = e.add(column, j);
      mask = e.maskOf(e.sub(e.max(limit, begin), begin));
    }
    masks.push_back(mask);
    if (epilogue.bias)
      biases.push_back(e.loadVector(epilogue.bias, e.add(column, j), mask));
  }
  e.loop(e.index(0), rows, [&](Value i) {
    Value from = e.madd(i, product.stride, product.offset);
    Value to = e.add(e.madd(e.add(row, i), out.stride, out.offset), column);
    for (int64_t j = 0; j < columns; j += width) {
      Value at = e.add(to, j), mask = masks[j / width];
      Value y = e.loadVector(product.data, e.add(from, j));
      if (epilogue.bias)
        y = e.addF(y, biases[j / width]);
      y = emitActivation(e, epilogue.activation, y);
      if (epilogue.residual)
        y = e.addF(y, e.loadVector(epilogue.residual, at, mask));
      e.storeVector(y, out.data, at, mask);
    }
  });
}

LogicalResult KernelExpander::expand(kernel::LinearOp op) {
  Emitter e = emitterAt(op);
  Value x = op.getX(), w = op.getW();
  auto weightType = cast<MemRefType>(w.getType());
  auto xType = cast<MemRefType>(x.getType());
  if (weightType.getRank() != 3 || xType.getRank() < 1)
    return op.emitOpError("needs packed weights [ceil(N / 16), K, 16]");
  int64_t outRank = cast<MemRefType>(op.getOut().getType()).getRank();
  Value n = e.dim(op.getOut(), -1), k = e.dim(w, 1), t = e.dims(op.getOut(), 0, outRank - 1);
  Value panels = e.ceilDiv(n, panelColumns);
  auto knownN = getConstantIntValue(n);
  bool tail = !knownN || *knownN % panelColumns;

  RowTiles tiles(e, t, microkernel.maxRows());
  ProductUnits units(e, e.index(1), tiles.tiles, t, panels, k, microkernel.maxRows());
  SmallVector<Value> captured = {e.flatten(x),   e.flatten(w),       e.flatten(op.getOut()), t, k, n,
                                 units.rowUnits, units.panelsPerUnit};
  std::string name = ("linear_" + nn::stringifyActivation(op.getActivation())).str();
  if (op.getBias()) {
    captured.push_back(e.flatten(op.getBias()));
    name += "_bias";
  }
  if (op.getResidual()) {
    captured.push_back(e.flatten(op.getResidual()));
    name += "_residual";
  }
  if (tail)
    name += "_tail";
  Value flops = e.mul(e.mul(t, 2), e.mul(n, k));
  Value bytes = e.mul(e.add(e.mul(panels, e.mul(k, panelColumns)), e.mul(t, e.add(n, k))), 4);
  nn::Activation activation = op.getActivation();
  bool hasBias = bool(op.getBias()), hasResidual = bool(op.getResidual());

  auto body = [&](Emitter &e, ValueRange args) {
    Value x = args[0], w = args[1], out = args[2], t = args[3], k = args[4], n = args[5], rowUnits = args[6],
          panelsPerUnit = args[7], begin = args[args.size() - 2], end = args.back();
    Epilogue epilogue{hasBias ? args[8] : Value(), hasResidual ? args[8 + hasBias] : Value(), activation};
    RowTiles tiles(e, t, microkernel.maxRows());
    Value wholePanels = e.div(n, panelColumns), panels = e.ceilDiv(n, panelColumns);
    Matrix a{x, e.index(0), k}, c{out, e.index(0), n};
    Panels b{w, e.index(0), e.index(panelColumns), e.mul(k, panelColumns)};
    Value buffer;
    if (tail) {
      auto type = MemRefType::get({microkernel.maxRows() * panelColumns}, e.getF32Type());
      buffer = e.flatten(memref::AllocaOp::create(e, type, e.getI64IntegerAttr(64)));
    }
    e.loop(begin, end, [&](Value unit) {
      Value panelUnit = e.div(unit, rowUnits), rowUnit = e.rem(unit, rowUnits);
      Value tileBegin = e.div(e.mul(rowUnit, tiles.tiles), rowUnits);
      Value tileEnd = e.div(e.mul(e.add(rowUnit, 1), tiles.tiles), rowUnits);
      Value panelBegin = e.mul(panelUnit, panelsPerUnit);
      Value panelEnd = e.min(e.add(panelBegin, panelsPerUnit), panels);
      auto finish = [&](Value row, Value rows, Value panel, int64_t count) {
        Value column = e.mul(panel, panelColumns);
        Matrix product = c;
        product.offset = e.add(e.mul(row, n), column);
        emitEpilogue(e, epilogue, product, c, row, rows, column, count * panelColumns, Value());
      };
      microkernel.emitProduct(e, a, b, k, c, tiles, tileBegin, tileEnd, panelBegin,
                              tail ? e.min(panelEnd, wholePanels) : panelEnd,
                              epilogue.isNeeded() ? TileEpilogue(finish) : TileEpilogue());
      if (!tail)
        return;
      e.when(e.less(wholePanels, panelEnd), [&] {
        auto finishTail = [&](Value row, Value rows, Value panel, int64_t) {
          emitEpilogue(e, epilogue, Matrix{buffer, e.index(0), e.index(panelColumns)}, c, row, rows,
                       e.mul(panel, panelColumns), panelColumns, n);
        };
        microkernel.emitPanelToBuffer(e, a, b, k, buffer, tiles, tileBegin, tileEnd, wholePanels, finishTail);
      });
    });
  };
  Value count = e.mul(units.rowUnits, units.panelUnits);
  e.parallel(count, e.index(1), "nn.linear", flops, bytes, [&](Value begin, Value end, Value) {
    SmallVector<Value> arguments(captured);
    arguments.append({begin, end});
    call(e, name, arguments, body);
  });
  return success();
}
