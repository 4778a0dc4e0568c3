//===- Experts.cpp - kernel.experts: only the experts that were chosen, for those who chose them -------===//
//
// Rows of x are gathered by expert, in the form of the first product. Its units are a block of an expert's
// rows and a part of the hidden columns, and end with the activation. A unit of the second product is a part
// of the result's columns and goes through all experts in order: no two threads write to the same element,
// and a token's experts are added up in one order, whatever the number of threads.
//
//===--------------------------------------------------------------------------------------------------===//
#include "ExpertDispatch.h"
#include "ExpertEpilogue.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"

using namespace mlir;
using namespace tamis;

/// What the rows of a block may take of the second-level cache, in words of 32 bits.
static constexpr int64_t blockWords = 96 * 1024;
/// Whole tiles of any microkernel.
static constexpr int64_t blockMultiple = 96;

namespace {
/// The packed weights of all experts for one product, with what goes with their columns.
struct ExpertWeights {
  Value w, bias, scales,
      sums; ///< typed buffers with a leading dimension of places; those but `w` may be null
  OperandKind kind;

  Value panels(Emitter &e) const { return e.dim(w, 1); }
  /// Words of a column of a panel.
  Value words(Emitter &e) const {
    Value count = e.dim(w, 2);
    if (kind == OperandKind::Int4)
      return e.mul(count, e.dim(w, 3));
    return kind == OperandKind::SplitF32 ? e.mul(count, 16) : count;
  }
  /// Words of a row of the left factor that are multiplied.
  Value depth(Emitter &e, const Microkernel &microkernel) const {
    return kind == OperandKind::Int4 ? e.mul(e.dim(w, 2), microkernel.groupSize() / 4) : words(e);
  }
  /// The panels of the expert whose matrices are at `place`.
  Panels of(Emitter &e, Value place) const {
    Value stride = e.mul(words(e), panelColumns * (kind == OperandKind::SplitF32 ? 2 : 1));
    return {e.flatten(w), e.mul(place, e.mul(panels(e), stride)), e.index(panelColumns), stride};
  }
  /// What makes numbers of its product.
  LinearEpilogue numbers(Emitter &e, Value place, Value rowScales) const;
  Value bytesOfOne(Emitter &e) const {
    auto type = cast<MemRefType>(w.getType());
    return e.mul(e.dims(w, 1, type.getRank()), type.getElementTypeBitWidth() / 8);
  }
};

/// What units of both products work on. Buffers keep their types, and so the sizes that are known.
struct ProductCode {
  kernel::ExpertsOp op;
  const Microkernel *microkernel;
  ExpertWeights weights;
  LeftRows left;
  Value depth, rowScales;   ///< of the left factor
  Value blocks, blockCount; ///< of ExpertDispatch
  Value panelUnits, panelsPerUnit;

  SmallVector<Value *> captures() {
    return {&weights.w, &weights.bias, &weights.scales, &weights.sums, &left.data,  &left.stride,
            &depth,     &rowScales,    &blocks,         &blockCount,   &panelUnits, &panelsPerUnit};
  }
  /// The product of a block's rows and the panels [begin, end).
  void emitBlock(Emitter &e, const ExpertBlock &block, Value begin, Value end, Value buffer,
                 TileEpilogue epilogue) const;
  /// Memory on the stack for one tile.
  Value allocateTile(Emitter &e) const {
    auto type =
        MemRefType::get({microkernel->maxRows() * microkernel->maxPanels() * panelColumns}, e.getF32Type());
    return e.flatten(memref::AllocaOp::create(e, type, e.getI64IntegerAttr(64)));
  }
};

/// The first product: a unit is a block and a part of the panels.
struct HiddenCode : ProductCode {
  Value hidden, hiddenStride, limit;
  std::optional<LeftRows> form;

  SmallVector<Value *> captures() {
    SmallVector<Value *> all = ProductCode::captures();
    all.append({&hidden, &hiddenStride, &limit});
    if (form)
      all.append({&form->data, &form->stride});
    return all;
  }
  void emit(Emitter &e, Value begin, Value end) const;
};

/// The second product: a unit is a part of the panels, of all experts.
struct ResultCode : ProductCode {
  Value pairWeights, pairOf, slots, out;

  SmallVector<Value *> captures() {
    SmallVector<Value *> all = ProductCode::captures();
    all.append({&pairWeights, &pairOf, &slots, &out});
    return all;
  }
  void emit(Emitter &e, Value begin, Value end) const;
};
} // namespace

/// The type of one expert's weight; null where `w` has no experts.
static MemRefType weightOfOne(Value w) {
  auto type = cast<MemRefType>(w.getType());
  return type.getRank() < 4 ? MemRefType()
                            : MemRefType::get(type.getShape().drop_front(), type.getElementType());
}

static std::optional<OperandKind> kindOf(Value w) {
  MemRefType type = weightOfOne(w);
  return type ? operandKindOf(type) : std::nullopt;
}

LinearEpilogue ExpertWeights::numbers(Emitter &e, Value place, Value rowScales) const {
  auto row = [&](Value buffer) -> Value {
    if (!buffer)
      return {};
    Value n = e.dim(buffer, 1);
    Value part =
        memref::SubViewOp::create(e, e.flatten(buffer), ArrayRef<OpFoldResult>{e.mul(place, n)},
                                  ArrayRef<OpFoldResult>{n}, ArrayRef<OpFoldResult>{e.getIndexAttr(1)});
    return e.flatten(part);
  };
  LinearEpilogue result;
  result.bias = row(bias);
  result.columnScales = row(scales);
  result.columnSums = row(sums);
  result.rowScales = rowScales;
  return result;
}

void ProductCode::emitBlock(Emitter &e, const ExpertBlock &block, Value begin, Value end, Value buffer,
                            TileEpilogue epilogue) const {
  Matrix a{left.data, e.mul(block.begin, left.stride), left.stride};
  RowTiles tiles = microkernel->rowTiles(e, block.rows);
  microkernel->emitProduct(e, a, weights.of(e, block.place), depth, Matrix{buffer, e.index(0), e.index(0)},
                           tiles, e.index(0), tiles.tiles, begin, end, epilogue, buffer);
}

void HiddenCode::emit(Emitter &e, Value begin, Value end) const {
  Value buffer = allocateTile(e), panels = weights.panels(e);
  e.loop(begin, end, [&](Value unit) {
    ExpertBlock block(e, blocks, e.div(unit, panelUnits));
    Value first = e.mul(e.rem(unit, panelUnits), panelsPerUnit);
    HiddenEpilogue epilogue{op,   weights.numbers(e, block.place, rowScales), hidden, hiddenStride, form,
                            limit};
    emitBlock(e, block, first, e.min(e.add(first, panelsPerUnit), panels), buffer,
              [&](const Tile &tile) { epilogue.emit(e, tile, block.begin); });
  });
}

void ResultCode::emit(Emitter &e, Value begin, Value end) const {
  Value buffer = allocateTile(e), panels = weights.panels(e), rows = e.dim(out, 0), n = e.dim(out, 1),
        flat = e.flatten(out);
  auto known = getConstantIntValue(n);
  Value limit = known && *known % panelColumns == 0 ? Value() : n;
  bool skips = kernel::ExpertsOp(op).getSkips(); // rows of pairs that no expert writes
  e.loop(begin, end, [&](Value unit) {
    Value first = e.mul(unit, panelsPerUnit), last = e.min(e.add(first, panelsPerUnit), panels);
    if (pairWeights || skips) {
      Value column = e.mul(first, panelColumns), count = e.sub(e.min(e.mul(last, panelColumns), n), column);
      e.loop(e.index(0), rows, [&](Value row) {
        Value place = e.madd(row, n, column);
        e.forVectors(count,
                     [&](Value at, Value mask) { e.storeVector(e.vector(0), flat, e.add(place, at), mask); });
      });
    }
    e.loop(e.index(0), blockCount, [&](Value number) {
      ExpertBlock block(e, blocks, number);
      CombineEpilogue epilogue{weights.numbers(e, block.place, rowScales),
                               pairOf,
                               pairWeights,
                               slots,
                               Matrix{flat, e.index(0), n},
                               limit};
      emitBlock(e, block, first, last, buffer,
                [&](const Tile &tile) { epilogue.emit(e, tile, block.begin); });
    });
  });
}

/// Units of work of `code` in an rt.parallel region, in a function that ops of the same types share.
template <typename Code>
static void emitParallel(KernelExpander &expander, Emitter &e, StringRef name, StringRef kind, Value count,
                         Value flops, Value bytes, Code code) {
  e.parallel(count, e.index(1), kind, flops, bytes, [&](Value begin, Value end, Value) {
    SmallVector<Value> arguments;
    for (Value *capture : code.captures())
      if (*capture && !getConstantIntValue(*capture))
        arguments.push_back(*capture);
    arguments.append({begin, end});
    expander.call(e, name, arguments, [&](Emitter &e, ValueRange values) {
      Code inner = code;
      for (Value *capture : inner.captures())
        if (*capture) {
          auto known = getConstantIntValue(*capture);
          *capture = known ? e.index(*known) : values.front();
          values = values.drop_front(known ? 0 : 1);
        }
      inner.emit(e, values[0], values[1]);
    });
  });
}

/// The rows of x by expert, in the form of the first product.
static LeftOperand gatherRows(Emitter &e, const Microkernel &microkernel, const ExpertWeights &weights,
                              const ExpertDispatch &dispatch, Value x, Value slots) {
  Value k = e.dim(x, 1), from = e.flatten(x), words = weights.depth(e, microkernel);
  auto places = [&](Value i) {
    Value pair = dispatch.pairAt(e, i);
    return std::pair(e.div(pair, slots), e.loadIndex(dispatch.rowOf, pair));
  };
  if (microkernel.leftForm() != LeftForm::F32) {
    LeftOperand operand(e, microkernel, dispatch.capacity, words);
    operand.convert(e, from, dispatch.kept, k, places);
    return operand;
  }
  Value rows = e.flatten(e.allocate(e.getF32Type(), e.mul(dispatch.capacity, k))), bytes = e.mul(k, 8);
  e.parallel(dispatch.kept, grainForBytes(e, bytes), "moe.gather", e.index(0), e.mul(bytes, dispatch.kept),
             [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value i) {
                 auto [token, row] = places(i);
                 Value source = e.mul(token, k), target = e.mul(row, k);
                 e.forVectors(k, [&](Value at, Value mask) {
                   e.storeVector(e.loadVector(from, e.add(source, at), mask), rows, e.add(target, at), mask);
                 });
               });
             });
  // Elements come in pairs where a weight of bf16 meets rows of f32 (weight::pack).
  return LeftOperand(rows, k, weights.kind == OperandKind::F32 ? words : e.div(k, 2));
}

/// Memory for hidden rows in the second product's form, when the first one can write it: whole tiles only, so
/// that nothing has to write the padding of K, and no int8, where the scale of a row is known at its end
/// only.
static std::optional<LeftOperand> formOfHidden(Emitter &e, const Microkernel &microkernel, Value words,
                                               const ExpertDispatch &dispatch, Value hiddenColumns) {
  LeftForm form = microkernel.leftForm();
  auto known = getConstantIntValue(hiddenColumns);
  if ((form != LeftForm::BF16 && form != LeftForm::SplitF32) || !known || *known % 32)
    return std::nullopt;
  return LeftOperand(e, microkernel, dispatch.capacity, words);
}

LogicalResult KernelExpander::expand(kernel::ExpertsOp op) {
  Emitter e = emitterAt(op);
  std::optional<OperandKind> inKind = kindOf(op.getWIn()), outKind = kindOf(op.getWOut());
  auto indices = cast<MemRefType>(op.getIndices().getType()), wType = cast<MemRefType>(op.getWIn().getType());
  if (!inKind || !outKind || wType.isDynamicDim(0) || indices.getRank() != 2 || indices.isDynamicDim(1) ||
      (op.getPlaces() && cast<MemRefType>(op.getPlaces().getType()).isDynamicDim(0)))
    return op.emitOpError(
        "needs packed weights of a known number of experts, [E, ...] as kernel.linear's, and indices "
        "[T, k] of a known k");
  for (auto [kind, scales, sums] :
       {std::tuple(*inKind, op.getSIn(), op.getTIn()), std::tuple(*outKind, op.getSOut(), op.getTOut())})
    if ((kind == OperandKind::Int8) != bool(scales) || bool(scales) != bool(sums))
      return op.emitOpError("needs scales and sums of the columns for a weight of i8, and only for one");
  ExpertWeights in{op.getWIn(), op.getBIn(), op.getSIn(), op.getTIn(), *inKind},
      out{op.getWOut(), op.getBOut(), op.getSOut(), op.getTOut(), *outKind};
  const Microkernel &inKernel = microkernelFor(weightOfOne(op.getWIn())),
                    &outKernel = microkernelFor(weightOfOne(op.getWOut()));
  std::string name = nameFor(op);

  Value x = op.getX(), k = e.dim(x, 1), slots = e.dim(op.getIndices(), 1), tokens = e.dim(x, 0);
  Value pairs = e.mul(tokens, slots);
  bool tiled = inKernel.wantsTiledLeft() || outKernel.wantsTiledLeft();
  Value fits = e.div(e.index(blockWords / blockMultiple), e.max(in.words(e), 1));
  Value blockRows = e.mul(e.max(fits, 1), blockMultiple);
  ExpertSet set{op.getPlaces() ? cast<MemRefType>(op.getPlaces().getType()).getDimSize(0)
                               : wType.getDimSize(0),
                op.getPlaces() ? e.flatten(op.getPlaces()) : Value(),
                e.flatten(in.w),
                in.bytesOfOne(e),
                e.flatten(out.w),
                out.bytesOfOne(e),
                op.getSkips()};
  ExpertDispatch dispatch(e, e.flatten(op.getIndices()), tokens, pairs, set, tiled ? 16 : 1, blockRows);
  LeftOperand left = gatherRows(e, inKernel, in, dispatch, x, slots);

  // Columns of the first product that exist, and of the hidden rows that it makes.
  Value padded = e.mul(in.panels(e), panelColumns);
  Value columns = in.bias ? e.dim(in.bias, 1) : in.scales ? e.dim(in.scales, 1) : padded;
  Value hiddenColumns = op.getGated() ? e.div(columns, 2) : columns;
  std::optional<LeftOperand> hiddenForm = formOfHidden(e, outKernel, out.words(e), dispatch, hiddenColumns);
  // Blocks of one expert each; as many bytes of weights as there are experts, about.
  Value blockCount = dispatch.blockCount, someBlocks = e.max(blockCount, 1);
  Value touched = e.min(blockCount, wType.getDimSize(0));

  HiddenCode hidden{
      {op, &inKernel, in, left.rows, left.depth, left.scales, dispatch.blocks, blockCount, {}, {}},
      {},
      hiddenColumns,
      columns == padded ? Value() : columns,
      std::nullopt};
  if (auto known = getConstantIntValue(columns); known && *known % panelColumns == 0)
    hidden.limit = Value();
  if (hiddenForm)
    hidden.form = hiddenForm->rows;
  else
    hidden.hidden = e.flatten(e.allocate(e.getF32Type(), e.mul(dispatch.capacity, hiddenColumns)));
  ProductUnits inUnits(e, inKernel, someBlocks, e.index(1), e.ceilDiv(dispatch.kept, someBlocks),
                       in.panels(e), in.words(e));
  hidden.panelUnits = inUnits.panelUnits;
  hidden.panelsPerUnit = inUnits.panelsPerUnit;
  Value bytes =
      e.add(e.mul(touched, in.bytesOfOne(e)), e.mul(dispatch.kept, e.mul(e.add(k, hiddenColumns), 4)));
  emitParallel(*this, e, name + "_in", "moe.experts in", e.mul(blockCount, inUnits.panelUnits),
               e.mul(e.mul(dispatch.kept, 2), e.mul(k, columns)), bytes, hidden);

  LeftOperand rows = hiddenForm ? *hiddenForm : LeftOperand(hidden.hidden, hiddenColumns, out.words(e));
  if (!hiddenForm && outKernel.leftForm() == LeftForm::F32 && *outKind != OperandKind::F32) {
    rows.depth = e.div(hiddenColumns, 2);
  } else if (!hiddenForm && outKernel.leftForm() != LeftForm::F32) {
    rows = LeftOperand(e, outKernel, dispatch.capacity, out.depth(e, outKernel));
    rows.convert(e, hidden.hidden, dispatch.rows, hiddenColumns);
  }
  Value n = e.dim(op.getOut(), 1);
  ProductUnits outUnits(e, outKernel, e.index(1), e.index(1), dispatch.kept, out.panels(e), out.words(e));
  ResultCode result{{op, &outKernel, out, rows.rows, rows.depth, rows.scales, dispatch.blocks, blockCount,
                     outUnits.panelUnits, outUnits.panelsPerUnit},
                    op.getWeights() ? e.flatten(op.getWeights()) : Value(),
                    dispatch.pairOf,
                    slots,
                    op.getOut()};
  bytes = e.add(e.mul(touched, out.bytesOfOne(e)), e.mul(dispatch.kept, e.mul(e.add(hiddenColumns, n), 4)));
  emitParallel(*this, e, name + "_out", "moe.experts out", outUnits.panelUnits,
               e.mul(e.mul(dispatch.kept, 2), e.mul(hiddenColumns, n)), bytes, result);
  return success();
}
