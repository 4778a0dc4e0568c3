//===- Attention.cpp - kernel.attention: its operands, and which form computes it ----------------------===//
#include "AttentionFactors.h"
#include "AttentionFewRows.h"
#include "AttentionManyRows.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"
#include "tamis/code_abi.h"

using namespace mlir;
using namespace tamis;

/// The form that reads chosen rows of caches.
static void emitKept(KernelExpander &expander, Emitter &e, kernel::AttentionOp op, AttentionOperands operands,
                     AttentionSizes sizes, StringRef name) {
  operands.kept = e.flatten(op.getKept());
  operands.keptStride = e.dim(op.getKept(), 2);
  Value lists = e.dims(op.getKept(), 0, 2), one = e.index(1), none = e.index(0);
  Value read = e.loop(none, lists, one, none, [&](Value list, ValueRange sofar) {
    return Emitter::Values{e.add(sofar[0], e.loadIndex(operands.kept, e.mul(list, operands.keptStride)))};
  })[0];
  // A list of all key heads counts for each of them.
  auto kvHeads = static_cast<int64_t>(op.getKvHeads());
  if (cast<MemRefType>(op.getKept().getType()).getDimSize(1) == 1)
    read = e.mul(read, kvHeads);
  rt::CountOp::create(e, TAMIS_COUNTER_CACHE_ROWS_READ, read);
  auto columns = static_cast<int64_t>(op.getHeadDim() + op.getValueDim());
  sizes.flops = e.mul(read, 2 * static_cast<int64_t>(op.getHeads()) / kvHeads * columns);
  sizes.bytes = e.mul(e.add(e.mul(sizes.batch, static_cast<int64_t>(op.getHeads())), read), 4 * columns);
  AttentionFewRows(expander, op).emit(e, operands, sizes, (name + "_kept").str());
}

LogicalResult KernelExpander::expand(kernel::AttentionOp op) {
  Emitter e = emitterAt(op);
  int64_t heads = op.getHeads(), kvHeads = op.getKvHeads(), depth = op.getHeadDim(),
          valueDepth = op.getValueDim();
  if (heads < 1 || kvHeads < 1 || heads % kvHeads || depth < 1 || valueDepth < 1)
    return op.emitOpError("needs heads that are a multiple of the key heads, and dimensions above 0");
  AttentionFactors factors(*this, op);
  bool ragged = bool(op.getOffsets()), cached = cast<MemRefType>(op.getK().getType()).getRank() == 4;
  int64_t rank = cast<MemRefType>(op.getQ().getType()).getRank();
  if (ragged && op.getKeyMask())
    return op.emitOpError("takes a key mask in the padded form only");
  if (!ragged && op.getKeyBias())
    return op.emitOpError("takes a bias of keys in the ragged form only");
  if (rank < (ragged ? 2 : 3))
    return op.emitOpError("needs q, k and v of rank 3 (padded) or 2 (ragged)");

  AttentionOperands operands;
  operands.result.columns = valueDepth;
  operands.result.stride = heads * valueDepth;
  // Heads of whole vectors, so that none touches another's columns.
  if (valueDepth % e.getWidth() == 0)
    if (const LeftOperand *form = formForReaders(e, op.getOut(), operands.result.storesF32))
      operands.result.form = form->rows;
  operands.result.out = e.flatten(op.getOut());

  // The sizes of the batch: sequences, the longest one, and the sum of squared lengths, which is the work.
  AttentionSizes sizes;
  Value pairs;
  if (ragged) {
    Value offsets = operands.offsets = e.flatten(op.getOffsets());
    sizes.batch = e.sub(e.dim(op.getOffsets(), 0), e.index(1));
    Emitter::Values inits = {e.index(0), e.index(0)};
    Emitter::Values found =
        e.loop(e.index(0), sizes.batch, e.index(1), inits, [&](Value b, ValueRange carried) {
          Value n = e.sub(e.loadIndex(offsets, e.add(b, 1)), e.loadIndex(offsets, b));
          return Emitter::Values{e.max(carried[0], n), e.madd(n, n, carried[1])};
        });
    sizes.longestQuery = sizes.longestKey = found[0];
    pairs = found[1];
  } else {
    sizes.batch = e.dim(op.getQ(), 0);
    operands.length = sizes.longestQuery = e.dim(op.getQ(), 1);
    operands.keyLength = sizes.longestKey = e.dim(op.getK(), cached ? 2 : 1);
    pairs = e.mul(sizes.batch, e.mul(sizes.longestQuery, sizes.longestKey));
  }
  sizes.flops = e.mul(pairs, 2 * heads * (depth + valueDepth));
  Value queryRows = e.dims(op.getQ(), 0, rank - 1);
  Value keyRows = cached ? e.mul(sizes.batch, sizes.longestKey) : e.dims(op.getK(), 0, rank - 1);
  sizes.bytes = e.mul(
      e.add(e.mul(queryRows, heads * (depth + valueDepth)), e.mul(keyRows, kvHeads * (depth + valueDepth))),
      4);

  std::string name = nameFor(op);
  std::pair<Value, std::pair<Value *, Value *>> rows[] = {{op.getQ(), {&operands.q, &operands.qStride}},
                                                          {op.getK(), {&operands.k, &operands.kStride}},
                                                          {op.getV(), {&operands.v, &operands.vStride}}};
  for (auto [x, places] : rows) {
    auto found = converted.find(x);
    bool isRounded = factors.readsBF16Rows() && found != converted.end() && !found->second.rows.tiled;
    *places.first = isRounded ? found->second.rows.data : e.flatten(x);
    *places.second = isRounded ? found->second.rows.stride : e.dim(x, -1);
    name += isRounded ? "_bf16" : "_f32";
  }
  if (cached) {
    operands.kHeadStride = memref::ExtractStridedMetadataOp::create(e, op.getK()).getStrides()[1];
    operands.vHeadStride = memref::ExtractStridedMetadataOp::create(e, op.getV()).getStrides()[1];
  }
  if (op.getKeyMask())
    operands.keyMask = e.flatten(op.getKeyMask());
  if (op.getKeyBias())
    operands.keyBias = e.flatten(op.getKeyBias());
  if (op.getPositions())
    operands.positions = e.flatten(op.getPositions());
  if (op.getBias()) {
    operands.bias.data = e.flatten(op.getBias());
    int64_t biasRank = cast<MemRefType>(op.getBias().getType()).getRank();
    if (biasRank > 4)
      return op.emitOpError("needs a bias of rank 4 or less");
    for (auto [i, stride] : llvm::enumerate(operands.bias.strides)) {
      int64_t d = static_cast<int64_t>(i) - (4 - biasRank);
      stride = e.index(0);
      if (d >= 0)
        stride = e.select(e.equal(e.dim(op.getBias(), d), e.index(1)), stride,
                          e.dims(op.getBias(), d + 1, biasRank));
    }
  }
  name += std::string(operands.result.form ? "_converted" : "") + (operands.result.storesF32 ? "" : "_only");

  auto emitMany = [&] { AttentionManyRows(*this, op).emit(e, operands, sizes, name); };
  auto emitFew = [&] { AttentionFewRows(*this, op).emit(e, operands, sizes, name + "_few"); };
  auto emitWhole = [&] {
    if (ragged)
      emitMany();
    else
      e.either(e.less(e.index(AttentionFewRows::mostQueries(op)), sizes.longestQuery), emitMany, emitFew);
  };
  if (!op.getKept()) {
    emitWhole();
    return success();
  }
  if (!cached || op.getWindow() != 0)
    return op.emitOpError("reads rows that are kept of caches only, and without a window of its own");
  Value cacheRows = e.mul(e.mul(sizes.batch, kvHeads), sizes.longestKey);
  rt::CountOp::create(e, TAMIS_COUNTER_CACHE_ROWS, cacheRows);
  Value most = e.sub(e.dim(op.getKept(), 2), e.index(1));
  e.either(
      e.equal(most, e.index(0)),
      [&] {
        rt::CountOp::create(e, TAMIS_COUNTER_CACHE_ROWS_READ, cacheRows);
        emitWhole();
      },
      [&] { emitKept(*this, e, op, operands, sizes, name); });
  return success();
}
