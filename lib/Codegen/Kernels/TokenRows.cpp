//===- TokenRows.cpp - Kernels that move rows: pack, unpack, gather, restore, first -------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis;

namespace {
/// Moves rows of `inner` elements of any type by vectors of 32 bytes.
class RowMover {
public:
  RowMover(Emitter &e, Type element, Value inner) : e(e), element(element), inner(inner) {
    // Sub-byte elements take a byte each in memory, but not in a vector.
    unsigned bits = element.isIntOrFloat() ? element.getIntOrFloatBitWidth() : 64;
    lanes = bits < 8 ? 1 : 256 / bits;
    bytesPerRow = e.mul(inner, std::max<int64_t>(bits / 8, 1));
  }

  void copy(Value from, Value fromAt, Value to, Value toAt) {
    forChunks(
        [&](Value i, VectorType type) {
          Value v = vector::LoadOp::create(e, type, from, ValueRange{e.add(fromAt, i)});
          vector::StoreOp::create(e, v, to, ValueRange{e.add(toAt, i)});
        },
        [&](Value i) { e.store(e.load(from, e.add(fromAt, i)), to, e.add(toAt, i)); });
  }
  /// Sets the elements of `rows` rows to 0.
  void clear(Value to, Value toAt, Value rows) {
    Value saved = inner;
    inner = e.mul(inner, rows);
    forChunks(
        [&](Value i, VectorType type) {
          Value zero = arith::ConstantOp::create(e, e.getZeroAttr(type));
          vector::StoreOp::create(e, zero, to, ValueRange{e.add(toAt, i)});
        },
        [&](Value i) { e.store(arith::ConstantOp::create(e, e.getZeroAttr(element)), to, e.add(toAt, i)); });
    inner = saved;
  }
  Value getBytesPerRow() const { return bytesPerRow; }

private:
  void forChunks(llvm::function_ref<void(Value, VectorType)> vectorBody,
                 llvm::function_ref<void(Value)> scalarBody) {
    Value whole = e.index(0);
    if (lanes > 1) {
      auto type = VectorType::get(lanes, element);
      whole = e.mul(e.div(inner, lanes), lanes);
      e.loop(e.index(0), whole, e.index(lanes), [&](Value i) { vectorBody(i, type); });
    }
    auto known = getConstantIntValue(inner);
    if (lanes == 1 || !known || *known % lanes)
      e.loop(whole, inner, scalarBody);
  }

  Emitter &e;
  Type element;
  Value inner, bytesPerRow;
  int64_t lanes;
};
} // namespace

LogicalResult KernelExpander::expand(kernel::TokenPackOp op) {
  Emitter e = emitterAt(op);
  auto type = cast<MemRefType>(op.getX().getType());
  if (type.getRank() < 2)
    return op.emitOpError("needs x [B, S, ...]");
  RowMover mover(e, type.getElementType(), e.dims(op.getX(), 2, type.getRank()));
  Value inner = e.dims(op.getX(), 2, type.getRank()), places = e.dims(op.getX(), 0, 2);
  Value count = e.dim(op.getOut(), 0);
  Value x = e.flatten(op.getX()), rows = e.flatten(op.getRows()), out = e.flatten(op.getOut());
  Value bytes = e.mul(mover.getBytesPerRow(), 2);
  e.parallel(count, grainForBytes(e, bytes), "token.pack", e.index(0), e.mul(bytes, count),
             [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value row) {
                 // A batch of 1 is shared by all sequences; else the remainder changes nothing.
                 Value place = e.rem(e.loadIndex(rows, row), places);
                 mover.copy(x, e.mul(place, inner), out, e.mul(row, inner));
               });
             });
  return success();
}

LogicalResult KernelExpander::expand(kernel::TokenUnpackOp op) {
  Emitter e = emitterAt(op);
  auto type = cast<MemRefType>(op.getOut().getType());
  if (type.getRank() < 2)
    return op.emitOpError("needs out [B, S, ...]");
  Value inner = e.dims(op.getOut(), 2, type.getRank()), places = e.dims(op.getOut(), 0, 2);
  RowMover mover(e, type.getElementType(), inner);
  Value count = e.dim(op.getX(), 0);
  Value x = e.flatten(op.getX()), rows = e.flatten(op.getRows()), out = e.flatten(op.getOut());
  Value bytes = e.mul(mover.getBytesPerRow(), 2);
  // Unit r clears the gap before row r and writes the row; the last one clears what follows the last row.
  e.parallel(e.add(count, 1), grainForBytes(e, bytes), "token.unpack", e.index(0),
             e.mul(mover.getBytesPerRow(), e.add(places, count)), [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value row) {
                 Value gapBegin = e.decide(
                     e.equal(row, e.index(0)), [&] { return Emitter::Values{e.index(0)}; },
                     [&] { return Emitter::Values{e.add(e.loadIndex(rows, e.sub(row, e.index(1))), 1)}; })[0];
                 Value place = e.decide(
                     e.less(row, count), [&] { return Emitter::Values{e.loadIndex(rows, row)}; },
                     [&] { return Emitter::Values{places}; })[0];
                 mover.clear(out, e.mul(gapBegin, inner), e.sub(place, gapBegin));
                 e.when(e.less(row, count),
                        [&] { mover.copy(x, e.mul(row, inner), out, e.mul(place, inner)); });
               });
             });
  return success();
}

LogicalResult KernelExpander::expand(kernel::TokenGatherOp op) {
  Emitter e = emitterAt(op);
  auto type = cast<MemRefType>(op.getX().getType());
  if (type.getRank() < 1)
    return op.emitOpError("needs x [R, ...]");
  Value inner = e.dims(op.getX(), 1, type.getRank()), count = e.dim(op.getOut(), 0);
  RowMover mover(e, type.getElementType(), inner);
  Value x = e.flatten(op.getX()), kept = e.flatten(op.getKept()), out = e.flatten(op.getOut());
  Value bytes = e.mul(mover.getBytesPerRow(), 2);
  e.parallel(count, grainForBytes(e, bytes), "token.gather", e.index(0), e.mul(bytes, count),
             [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value row) {
                 mover.copy(x, e.mul(e.loadIndex(kept, row), inner), out, e.mul(row, inner));
               });
             });
  return success();
}

LogicalResult KernelExpander::expand(kernel::TokenDroppedOp op) {
  Emitter e = emitterAt(op);
  Value count = e.dim(op.getKept(), 0), rows = e.dim(op.getDropped(), 0);
  Value kept = e.flatten(op.getKept()), dropped = e.flatten(op.getDropped());
  // Unit k writes the rows between two that are kept; k of those before them are kept.
  e.parallel(e.add(count, 1), grainForBytes(e, e.index(16)), "token.dropped", e.index(0), e.mul(rows, 8),
             [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value k) {
                 Value gapBegin = e.decide(
                     e.equal(k, e.index(0)), [&] { return Emitter::Values{e.index(0)}; },
                     [&] { return Emitter::Values{e.add(e.loadIndex(kept, e.sub(k, e.index(1))), 1)}; })[0];
                 Value gapEnd = e.decide(
                     e.less(k, count), [&] { return Emitter::Values{e.loadIndex(kept, k)}; },
                     [&] { return Emitter::Values{rows}; })[0];
                 e.loop(gapBegin, gapEnd, [&](Value row) {
                   e.store(arith::IndexCastOp::create(e, e.getI64Type(), row), dropped, e.sub(row, k));
                 });
               });
             });
  return success();
}

LogicalResult KernelExpander::expand(kernel::TokenRestoreOp op) {
  Emitter e = emitterAt(op);
  auto type = cast<MemRefType>(op.getOut().getType());
  if (type.getRank() < 1)
    return op.emitOpError("needs out [R, ...]");
  Value inner = e.dims(op.getOut(), 1, type.getRank());
  RowMover mover(e, type.getElementType(), inner);
  Value out = e.flatten(op.getOut());
  for (auto [part, places] : {std::pair(op.getY(), op.getKept()), {op.getMapped(), op.getDropped()}}) {
    Value from = e.flatten(part), at = e.flatten(places), count = e.dim(places, 0);
    Value bytes = e.mul(mover.getBytesPerRow(), 2);
    e.parallel(count, grainForBytes(e, bytes), "token.restore", e.index(0), e.mul(bytes, count),
               [&](Value begin, Value end, Value) {
                 e.loop(begin, end, [&](Value row) {
                   mover.copy(from, e.mul(row, inner), out, e.mul(e.loadIndex(at, row), inner));
                 });
               });
  }
  return success();
}

LogicalResult KernelExpander::expand(kernel::TokenFirstOp op) {
  Emitter e = emitterAt(op);
  auto type = cast<MemRefType>(op.getX().getType());
  if (type.getRank() < 1)
    return op.emitOpError("needs x [R, ...]");
  Value inner = e.dims(op.getX(), 1, type.getRank());
  RowMover mover(e, type.getElementType(), inner);
  Value batch = e.dim(op.getOut(), 0), length = op.getLength();
  Value x = e.flatten(op.getX()), rows = e.flatten(op.getRows()), offsets = e.flatten(op.getOffsets()),
        out = e.flatten(op.getOut());
  int64_t position = op.getPosition();
  Value s = position < 0 ? e.sub(length, e.index(-position)) : e.index(position);
  Value bytes = e.mul(mover.getBytesPerRow(), 2);
  std::string reason = "the model reads place " + std::to_string(position) +
                       " of a sequence, which the mask calls padding; compile with --keep-padding";
  e.parallel(batch, grainForBytes(e, bytes), "token.first", e.index(0), e.mul(bytes, batch),
             [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value b) {
                 Value place = e.madd(b, length, s);
                 Value first = e.loadIndex(offsets, b), last = e.loadIndex(offsets, e.add(b, 1));
                 Emitter::Values inits = {first, e.boolean(false)};
                 Emitter::Values found =
                     e.loop(first, last, e.index(1), inits, [&](Value row, ValueRange carried) {
                       Value here = e.equal(e.loadIndex(rows, row), place);
                       return Emitter::Values{e.select(here, row, carried[0]),
                                              arith::OrIOp::create(e, here, carried[1])};
                     });
                 rt::CheckOp::create(e, found[1], reason);
                 mover.copy(x, e.mul(found[0], inner), out, e.mul(b, inner));
               });
             });
  return success();
}
