//===- Linear.cpp - kernel.linear as a work list of block products ------------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"
#include "tamis/Codegen/Kernels/VectorMath.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

namespace {
/// The operands of the epilogue; absent ones are null. All but `activation` are flat buffers.
struct Epilogue {
  Value bias, residual;
  Value rowScales;                // of the int8 left factor, [T]
  Value columnScales, columnSums; // of an int8 weight, [N]
  nn::Activation activation;
  std::optional<LeftRows> form; // of the products that read the result
  bool storesF32 = true;
  bool isNeeded() const {
    return bias || residual || columnScales || form || activation != nn::Activation::None;
  }
};
} // namespace

/// A sum of products of int8 as the f32 that it stands for. The left factor had 128 added to it.
static Value emitDequantize(Emitter &e, Value sum, Value excess, Value scale) {
  auto words = VectorType::get(e.getWidth(), e.getI32Type());
  Value number = arith::SubIOp::create(e, vector::BitCastOp::create(e, words, sum), excess);
  return e.mulF(arith::SIToFPOp::create(e, e.vectorType(), number), scale);
}

/// out = activation(product + bias) + residual on one tile. `limit` columns of `out` exist; without it all
/// do.
static void emitEpilogue(Emitter &e, const Epilogue &epilogue, const Tile &tile, const Matrix &out,
                         Value limit) {
  int64_t width = e.getWidth(), columns = tile.panels * panelColumns;
  Value column = e.mul(tile.panel, panelColumns);
  auto words = VectorType::get(width, e.getI32Type());
  SmallVector<Value> masks, biases, excesses, scales;
  for (int64_t j = 0; j < columns; j += width) {
    Value mask, begin = e.add(column, j);
    if (limit)
      mask = e.maskOf(e.sub(e.max(limit, begin), begin));
    masks.push_back(mask);
    if (epilogue.bias)
      biases.push_back(e.loadVector(epilogue.bias, begin, mask));
    if (epilogue.columnScales) {
      scales.push_back(e.loadVector(epilogue.columnScales, begin, mask));
      Value sums = e.loadVector(epilogue.columnSums, begin, mask);
      Value seven = arith::ConstantOp::create(e, DenseElementsAttr::get(words, e.getI32IntegerAttr(7)));
      excesses.push_back(arith::ShLIOp::create(e, sums, seven));
    }
  }
  e.loop(e.index(0), tile.rows, [&](Value i) {
    Value from = e.madd(i, tile.product.stride, tile.product.offset);
    Value row = e.add(tile.row, i);
    Value to = e.add(e.madd(row, out.stride, out.offset), column);
    Value rowScale = epilogue.rowScales ? e.splat(e.load(epilogue.rowScales, row)) : Value();
    for (int64_t j = 0; j < columns; j += width) {
      Value at = e.add(to, j), mask = masks[j / width];
      Value y = e.loadVector(tile.product.data, e.add(from, j));
      if (rowScale)
        y = emitDequantize(e, y, excesses[j / width], e.mulF(rowScale, scales[j / width]));
      if (epilogue.bias)
        y = e.addF(y, biases[j / width]);
      y = emitActivation(e, epilogue.activation, y);
      if (epilogue.residual)
        y = e.addF(y, e.loadVector(epilogue.residual, at, mask));
      if (epilogue.storesF32)
        e.storeVector(y, out.data, at, mask);
      if (epilogue.form)
        epilogue.form->store(e, y, row, e.add(column, j));
    }
  });
}

std::optional<OperandKind> tamis::operandKindOf(MemRefType weight) {
  Type element = weight.getElementType();
  if (element.isF32() && weight.getRank() == 3)
    return OperandKind::F32;
  if (element.isBF16() && weight.getRank() == 5)
    return OperandKind::SplitF32;
  if (weight.getRank() != 4)
    return std::nullopt;
  if (element.isInteger(8) && weight.getDimSize(2) == panelColumns)
    return OperandKind::Int8;
  if (element.isBF16() && weight.getDimSize(2) == panelColumns)
    return OperandKind::BF16;
  return std::nullopt;
}
static StringRef nameOf(OperandKind kind) {
  switch (kind) {
  case OperandKind::F32:
    return "";
  case OperandKind::BF16:
    return "bf16_";
  case OperandKind::SplitF32:
    return "split_";
  case OperandKind::Int8:
    return "int8_";
  }
  return "";
}

LogicalResult KernelExpander::expand(kernel::LinearOp op) {
  Emitter e = emitterAt(op);
  Value x = op.getX(), w = op.getW();
  auto weightType = cast<MemRefType>(w.getType());
  std::optional<OperandKind> kind = operandKindOf(weightType);
  if (!kind || cast<MemRefType>(x.getType()).getRank() < 1)
    return op.emitOpError("needs a packed weight, [ceil(N / 16), K, 16] of f32 or [ceil(N / 16), words, 16, "
                          "elements a word] of bf16 or i8");
  if ((*kind == OperandKind::Int8) != bool(op.getScale()))
    return op.emitOpError("needs scales and sums of the columns for a weight of i8, and only for one");
  const Microkernel &microkernel = this->microkernel(*kind);
  int64_t outRank = cast<MemRefType>(op.getOut().getType()).getRank();
  Value n = e.dim(op.getOut(), -1), k = e.dim(x, -1), t = e.dims(op.getOut(), 0, outRank - 1);
  bool isSplit = *kind == OperandKind::SplitF32;
  Value panels = e.ceilDiv(n, panelColumns), words = isSplit ? e.mul(e.dim(w, 1), 16) : e.dim(w, 1);
  auto knownN = getConstantIntValue(n);
  bool tail = !knownN || *knownN % panelColumns;
  if (*kind == OperandKind::F32)
    k = words; // known more often than the last dimension of x

  LeftForm form = microkernel.leftForm();
  LeftOperand left = leftOperand(e, op, microkernel, *kind);
  bool storesF32;
  const LeftOperand *result = formForReaders(e, op.getOut(), storesF32);
  RowTiles tiles = microkernel.rowTiles(e, t);
  ProductUnits units(e, microkernel, e.index(1), tiles.tiles, t, panels, words);
  SmallVector<Value> captured = {
      left.rows.data,   e.flatten(w),   e.flatten(op.getOut()), t, left.depth, n, words,
      left.rows.stride, units.rowUnits, units.panelsPerUnit};
  // The optional operands, in this order.
  SmallVector<Value> optional = {op.getBias(), op.getResidual(), op.getScale(), op.getSums()};
  std::string name = ("linear_" + nameOf(*kind) + nn::stringifyActivation(op.getActivation())).str();
  static constexpr StringLiteral suffixes[] = {"_bias", "_residual", "", ""};
  for (auto [operand, suffix] : llvm::zip(optional, suffixes))
    if (operand) {
      captured.push_back(e.flatten(operand));
      name += suffix;
    }
  if (left.scales)
    captured.push_back(left.scales);
  LeftRows resultRows;
  if (result) {
    resultRows = result->rows;
    captured.append({resultRows.data, resultRows.stride});
    name += resultRows.form == LeftForm::BF16 ? "_to_bf16" : "_to_split";
    if (!storesF32)
      name += "_only";
  }
  if (tail)
    name += "_tail";
  // Code for each K, so that the distances of rows and panels are constants.
  auto knownWords = getConstantIntValue(words), knownStride = getConstantIntValue(left.rows.stride),
       knownDepth = getConstantIntValue(left.depth);
  bool isStatic = knownWords && knownStride && knownDepth;
  if (isStatic)
    name += "_k" + std::to_string(*knownDepth);
  Value flops = e.mul(e.mul(t, 2), e.mul(n, k));
  Value weightBytes = e.mul(e.dims(w, 0, weightType.getRank()), weightType.getElementTypeBitWidth() / 8);
  Value bytes = e.add(weightBytes, e.mul(e.mul(t, e.add(n, k)), 4));
  nn::Activation activation = op.getActivation();

  auto body = [&](Emitter &e, ValueRange args) {
    Value x = args[0], w = args[1], out = args[2], t = args[3], depth = args[4], n = args[5], words = args[6],
          stride = args[7], rowUnits = args[8], panelsPerUnit = args[9], begin = args[args.size() - 2],
          end = args.back();
    ValueRange rest = args.drop_front(10);
    auto take = [&](bool present) {
      Value value = present ? rest.front() : Value();
      rest = rest.drop_front(present);
      return value;
    };
    Epilogue epilogue;
    epilogue.activation = activation;
    epilogue.bias = take(bool(optional[0]));
    epilogue.residual = take(bool(optional[1]));
    epilogue.columnScales = take(bool(optional[2]));
    epilogue.columnSums = take(bool(optional[3]));
    epilogue.rowScales = take(form == LeftForm::Int8);
    if (result) {
      epilogue.form = resultRows;
      epilogue.form->data = take(true);
      epilogue.form->stride = take(true);
      epilogue.storesF32 = storesF32;
    }
    if (isStatic) {
      words = e.index(*knownWords);
      stride = e.index(*knownStride);
      depth = e.index(*knownDepth);
    }
    RowTiles tiles = microkernel.rowTiles(e, t);
    Value wholePanels = e.div(n, panelColumns), panels = e.ceilDiv(n, panelColumns);
    Matrix a{x, e.index(0), stride}, c{out, e.index(0), n};
    Panels b{w, e.index(0), e.index(panelColumns), e.mul(words, panelColumns * (isSplit ? 2 : 1))};
    Value buffer;
    if (tail || microkernel.needsBuffer()) {
      auto type =
          MemRefType::get({microkernel.maxRows() * microkernel.maxPanels() * panelColumns}, e.getF32Type());
      buffer = e.flatten(memref::AllocaOp::create(e, type, e.getI64IntegerAttr(64)));
    }
    e.loop(begin, end, [&](Value unit) {
      Value panelUnit = e.div(unit, rowUnits), rowUnit = e.rem(unit, rowUnits);
      Value tileBegin = e.div(e.mul(rowUnit, tiles.tiles), rowUnits);
      Value tileEnd = e.div(e.mul(e.add(rowUnit, 1), tiles.tiles), rowUnits);
      Value panelBegin = e.mul(panelUnit, panelsPerUnit);
      Value panelEnd = e.min(e.add(panelBegin, panelsPerUnit), panels);
      if (microkernel.needsBuffer()) {
        auto finish = [&](const Tile &tile) { emitEpilogue(e, epilogue, tile, c, tail ? n : Value()); };
        microkernel.emitProduct(e, a, b, depth, c, tiles, tileBegin, tileEnd, panelBegin, panelEnd, finish,
                                buffer);
        return;
      }
      auto finish = [&](const Tile &tile) { emitEpilogue(e, epilogue, tile, c, Value()); };
      microkernel.emitProduct(e, a, b, depth, c, tiles, tileBegin, tileEnd, panelBegin,
                              tail ? e.min(panelEnd, wholePanels) : panelEnd,
                              epilogue.isNeeded() ? TileEpilogue(finish) : TileEpilogue());
      if (!tail)
        return;
      e.when(e.less(wholePanels, panelEnd), [&] {
        auto finishTail = [&](const Tile &tile) { emitEpilogue(e, epilogue, tile, c, n); };
        microkernel.emitProduct(e, a, b, depth, c, tiles, tileBegin, tileEnd, wholePanels,
                                e.add(wholePanels, 1), finishTail, buffer);
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
