//===- LeftOperand.cpp - Rows of activations in a microkernel's form ----------------------------------===//
#include "AttentionFactors.h"
#include "BF16.h"
#include "tamis/Codegen/Kernels/Expansion.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

/// Rows of an AMX tile, and words in one of them.
static constexpr int64_t tileRows = 16, tileRowWords = 16;

Value LeftRows::begin(Emitter &e, Value row) const {
  Value first = e.mul(row, stride);
  // Bands of 16 rows, cut into tiles of 16 words a row.
  if (tiled)
    first = e.madd(e.div(row, tileRows), e.mul(stride, tileRows),
                   e.mul(e.rem(row, e.index(tileRows)), tileRowWords));
  return offset ? e.add(offset, first) : first;
}

Value LeftRows::place(Emitter &e, Value row, Value word) const {
  if (!tiled)
    return e.add(begin(e, row), word);
  Value tile = e.div(word, tileRowWords), inTile = e.rem(word, e.index(tileRowWords));
  Value step = tileStride ? tileStride : e.index(tileRows * tileRowWords);
  return e.add(e.madd(tile, step, begin(e, row)), inTile);
}

void LeftRows::store(Emitter &e, Value vector, Value row, Value column) const {
  Value word = e.div(column, 2);
  // 16 words of leading terms, then 16 of their rests.
  if (form == LeftForm::SplitF32)
    word = e.madd(e.div(word, tileRowWords), e.index(tileRowWords), word);
  for (Value term : roundToTerms(e, vector, form == LeftForm::SplitF32)) {
    e.storeVector(term, data, e.mul(place(e, row, word), 2));
    word = e.add(word, tileRowWords);
  }
}

void LeftRows::storeTileRow(Emitter &e, Value low, Value high, Value begin, Value column) const {
  bool split = form == LeftForm::SplitF32;
  // 32 columns are 16 words of each term.
  int64_t tileWords = tiled ? tileRows * tileRowWords : tileRowWords;
  Value word = e.madd(e.div(column, 2 * tileRowWords), e.index(split ? 2 * tileWords : tileWords), begin);
  for (Value term : roundPairToTerms(e, low, high, split)) {
    vector::StoreOp::create(e, term, data, ValueRange{e.mul(word, 2)});
    word = e.add(word, tileWords);
  }
}

/// Calls body(column, mask) for each vector of the columns [0, padded); a mask, which is null where it is
/// known to be whole, has the columns below k.
static void forColumns(Emitter &e, Value k, Value padded, llvm::function_ref<void(Value, Value)> body) {
  auto known = getConstantIntValue(k), all = getConstantIntValue(padded);
  bool whole = known && all && *known == *all;
  e.loop(e.index(0), padded, e.index(e.getWidth()),
         [&](Value c) { body(c, whole ? Value() : e.maskOf(e.sub(e.max(k, c), c))); });
}

/// What the row of x that begins at `from` is multiplied by before it is rounded to 8 bits, in all lanes: 127
/// / max |x|, or 0 for a row of zeros. Writes the scale, max |x| / 127. A row with NaN or infinity gets the
/// scale NaN, so that its results are NaN.
static Value emitRowScale(Emitter &e, Value x, Value from, Value k, Value scales, Value row) {
  int64_t width = e.getWidth();
  auto words = VectorType::get(width, e.getI32Type());
  auto magnitude = [&](Value v) -> Value {
    Value bits = vector::BitCastOp::create(e, words, v);
    Value low = arith::ConstantOp::create(e, DenseElementsAttr::get(words, e.getI32IntegerAttr(0x7fffffff)));
    return vector::BitCastOp::create(e, e.vectorType(), arith::AndIOp::create(e, bits, low));
  };
  Emitter::Values inits = {e.vector(0), e.vector(0)};
  auto scan = [&](Value c, Value mask, ValueRange carried) {
    Value v = magnitude(e.loadVector(x, e.add(from, c), mask));
    return Emitter::Values{e.maxF(v, carried[0]), e.fma(v, e.vector(0), carried[1])};
  };
  Value columns = e.mul(e.ceilDiv(k, width), width), whole = e.mul(e.div(k, width), width);
  Emitter::Values found = e.loop(e.index(0), whole, e.index(width), inits,
                                 [&](Value c, ValueRange carried) { return scan(c, Value(), carried); });
  found = e.loop(whole, columns, e.index(width), found,
                 [&](Value c, ValueRange carried) { return scan(c, e.maskOf(e.sub(k, c)), carried); });
  Value greatest = e.reduceMax(found[0]), poison = e.reduceAdd(found[1]);
  Value isZero = e.compare(arith::CmpFPredicate::OEQ, greatest, e.scalar(0));
  Value scale = e.addF(e.mulF(greatest, e.scalar(1.0f / 127)), poison);
  e.store(scale, scales, row);
  return e.splat(e.select(isZero, e.scalar(0), e.divF(e.scalar(127), greatest)));
}

/// round(x * factor) + zero in the low bits of a word, to nearest even: they are those of the sum with 1.5 *
/// 2^23.
static constexpr float roundingTerm = 12582912.0f;
static Value roundToWords(Emitter &e, Value x, Value factor, int32_t zero) {
  Value sum = e.fma(x, factor, e.vector(roundingTerm + static_cast<float>(zero)));
  return vector::BitCastOp::create(e, VectorType::get(e.getWidth(), e.getI32Type()), sum);
}

/// Writes the low bytes of a vector of words from column `c` on.
static void storeBytes(Emitter &e, Value words, const LeftRows &to, Value row, Value c) {
  auto bytes = VectorType::get(e.getWidth(), e.getI8Type());
  Value number = arith::TruncIOp::create(e, bytes, words);
  e.storeVector(number, to.data, e.mul(to.place(e, row, e.div(c, 4)), 4));
}

/// round(x / scale) + 128 with scale = max |x| / 127.
static void emitInt8Row(Emitter &e, Value x, Value from, Value k, const LeftRows &to, Value scales,
                        Value row) {
  Value factor = emitRowScale(e, x, from, k, scales, row);
  forColumns(e, k, e.mul(e.ceilDiv(k, e.getWidth()), e.getWidth()), [&](Value c, Value mask) {
    storeBytes(e, roundToWords(e, e.loadVector(x, e.add(from, c), mask), factor, 128), to, row, c);
  });
}

/// round(x / scale) with scale = max |x| / 127, and behind the `depth` words of the row what `microkernel`
/// wants of the sum of each group.
static void emitInt4Row(Emitter &e, const Microkernel &microkernel, Value x, Value from, Value k, Value depth,
                        const LeftRows &to, Value scales, Value row) {
  auto words = VectorType::get(e.getWidth(), e.getI32Type());
  Value factor = emitRowScale(e, x, from, k, scales, row);
  Value zero = arith::ConstantOp::create(e, e.getZeroAttr(words));
  Value excess = arith::ConstantOp::create(
      e, DenseElementsAttr::get(words, e.getI32IntegerAttr(llvm::bit_cast<int32_t>(roundingTerm))));
  Value groupBytes = e.index(microkernel.groupSize());
  auto group = [&](Value first, bool isWhole) {
    Emitter::Values sums =
        e.loop(first, e.add(first, groupBytes), e.index(e.getWidth()), {zero}, [&](Value c, ValueRange sum) {
          Value mask = isWhole ? Value() : e.maskOf(e.sub(e.max(k, c), c));
          Value number = roundToWords(e, e.loadVector(x, e.add(from, c), mask), factor, 0);
          storeBytes(e, number, to, row, c);
          return Emitter::Values{arith::AddIOp::create(e, sum[0], arith::SubIOp::create(e, number, excess))};
        });
    Value sum = vector::ReductionOp::create(e, vector::CombiningKind::ADD, sums[0]);
    sum = microkernel.groupSum(e, sum);
    Value place = e.mul(to.place(e, row, e.add(depth, e.div(first, groupBytes))), 4);
    auto bytes = VectorType::get(4, e.getI8Type());
    Value one = vector::BroadcastOp::create(e, VectorType::get(1, e.getI32Type()), sum);
    vector::StoreOp::create(e, vector::BitCastOp::create(e, bytes, one), to.data, ValueRange{place});
  };
  Value whole = e.mul(e.div(k, groupBytes), groupBytes);
  e.loop(e.index(0), whole, groupBytes, [&](Value first) { group(first, true); });
  e.loop(whole, e.mul(depth, 4), groupBytes, [&](Value first) { group(first, false); });
}

/// clamp(round(x / scale) + zero, 0, 255) as ONNX's QuantizeLinear rounds it; NaN becomes 0. The sum of the
/// row goes to `sums` if that is not null.
static void emitRangedRow(Emitter &e, Value x, Value from, Value k, Value range, const LeftRows &to,
                          Value sums, Value row) {
  int64_t width = e.getWidth();
  auto words = VectorType::get(width, e.getI32Type()), bytes = VectorType::get(width, e.getI8Type());
  Value scale = e.splat(e.load(range, e.index(0))), zero = e.splat(e.load(range, e.index(1)));
  Value low = e.vector(0), high = e.vector(255), none = arith::ConstantOp::create(e, e.getZeroAttr(words));
  auto step = [&](Value c, Value mask, ValueRange carried) {
    Value v = e.divF(e.loadVector(x, e.add(from, c), mask), scale);
    v = e.addF(math::RoundEvenOp::create(e, v), zero);
    Value number = arith::FPToSIOp::create(e, words, e.minF(e.maxF(v, low), high));
    Value place = e.mul(to.place(e, row, e.div(c, 4)), 4);
    e.storeVector(arith::TruncIOp::create(e, bytes, number), to.data, place);
    if (!sums)
      return Emitter::Values();
    if (mask)
      number = e.select(mask, number, none);
    return Emitter::Values{arith::AddIOp::create(e, carried[0], number)};
  };
  Value whole = e.mul(e.div(k, width), width), columns = e.mul(e.ceilDiv(k, width), width);
  Emitter::Values sum;
  if (sums)
    sum.push_back(none);
  sum = e.loop(e.index(0), whole, e.index(width), sum,
               [&](Value c, ValueRange carried) { return step(c, Value(), carried); });
  sum = e.loop(whole, columns, e.index(width), sum,
               [&](Value c, ValueRange carried) { return step(c, e.maskOf(e.sub(k, c)), carried); });
  if (sums)
    e.store(vector::ReductionOp::create(e, vector::CombiningKind::ADD, sum[0]), sums, row);
}

LeftOperand::LeftOperand(Value x, Value k, Value depth) : depth(depth) {
  rows.data = x;
  rows.stride = k;
}

/// Rows that are a multiple of 4 KiB apart would all fall on the same lines of the cache.
static Value withoutAliases(Emitter &e, Value stride) {
  Value isAliased = e.equal(e.rem(stride, e.index(1024)), e.index(0));
  return e.select(isAliased, e.add(stride, tileRowWords), stride);
}

LeftOperand::LeftOperand(Emitter &e, Value count, Value columns) : depth(e.div(columns, 2)) {
  rows.form = LeftForm::BF16;
  rows.stride = withoutAliases(e, depth);
  rows.data =
      e.flatten(e.allocate(e.getBF16Type(), e.mul(e.add(count, tileRows - 1), e.mul(rows.stride, 2))));
}

LeftOperand::LeftOperand(Emitter &e, const Microkernel &microkernel, Value count, Value depth, Value range,
                         bool sumsRows)
    : depth(depth), range(range), microkernel(&microkernel) {
  rows.form = microkernel.leftForm();
  rows.tiled = microkernel.wantsTiledLeft();
  rows.stride = rows.form == LeftForm::SplitF32 ? e.mul(depth, 2) : depth;
  if (rows.form == LeftForm::Int4)
    rows.stride = e.add(depth, e.div(e.mul(depth, 4), microkernel.groupSize()));
  if (!rows.tiled)
    rows.stride = withoutAliases(e, rows.stride);
  bool integers = rows.form == LeftForm::Int8 || rows.form == LeftForm::Int4;
  Value padded = rows.tiled ? e.mul(e.ceilDiv(count, tileRows), tileRows) : count;
  rows.data = e.flatten(e.allocate(integers ? Type(e.getI8Type()) : Type(e.getBF16Type()),
                                   e.mul(padded, e.mul(rows.stride, integers ? 4 : 2))));
  if (integers && !range)
    scales = e.flatten(e.allocate(e.getF32Type(), count));
  if (sumsRows)
    sums = e.flatten(e.allocate(e.getI32Type(), count));
}

void LeftOperand::closeGaps(Emitter &e, Value count) {
  if (!rows.tiled || !microkernel->fewRows())
    return;
  Value areMany = e.less(e.index(microkernel->fewRows()), count);
  rows.tileStride = e.select(areMany, e.index(tileRows * tileRowWords), e.mul(count, tileRowWords));
}

void LeftOperand::convertRow(Emitter &e, Value x, Value k, Value source, Value row) const {
  Value from = e.mul(source, k);
  if (range)
    return emitRangedRow(e, x, from, k, range, rows, sums, row);
  if (rows.form == LeftForm::Int8)
    return emitInt8Row(e, x, from, k, rows, scales, row);
  if (rows.form == LeftForm::Int4)
    return emitInt4Row(e, *microkernel, x, from, k, depth, rows, scales, row);
  forColumns(e, k, e.mul(depth, 2),
             [&](Value c, Value mask) { rows.store(e, e.loadVector(x, e.add(from, c), mask), row, c); });
}

void LeftOperand::convert(Emitter &e, Value x, Value count, Value k, Places places) const {
  Value bytes = e.mul(count, e.add(e.mul(k, 4), e.mul(rows.stride, 4)));
  e.parallel(count, grainForBytes(e, e.mul(k, 4)), "convert rows", e.mul(count, k), bytes,
             [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value i) {
                 auto [source, row] = places ? places(i) : std::pair(i, i);
                 convertRow(e, x, k, source, row);
               });
             });
}

/// Whether an op does no more to a buffer than read it.
static bool onlyReads(Operation *op, Value buffer) {
  if (isa<memref::DimOp, func::ReturnOp>(op))
    return true;
  // Kernels write their last operand, and these two more than one.
  return isa<kernel::KernelDialect>(op->getDialect()) && !isa<kernel::TokenIndexOp, kernel::RouteOp>(op) &&
         op->getOperands().back() != buffer;
}

/// The products that read `out` in a form of their own, if they agree on it. The scale of an int8 row is
/// known at its end only.
static SmallVector<kernel::LinearOp> convertingReaders(KernelExpander &expander, Value out, bool wholeRows) {
  SmallVector<kernel::LinearOp> readers;
  for (Operation *user : out.getUsers())
    if (auto linear = dyn_cast<kernel::LinearOp>(user);
        linear && linear.getX() == out && linear.getOut() != out) {
      auto weight = cast<MemRefType>(linear.getW().getType());
      std::optional<OperandKind> kind = operandKindOf(weight);
      // int4 takes sums of its groups, which only a pass of its own makes.
      if (!kind || *kind == OperandKind::Int4 || linear.getResidual() == out)
        continue;
      LeftForm form = expander.microkernel(*kind).leftForm();
      if (form == LeftForm::F32 || (form == LeftForm::Int8 && !wholeRows))
        continue;
      auto other = readers.empty() ? weight : cast<MemRefType>(readers.front().getW().getType());
      if (weight.isDynamicDim(1) || weight.getShape().drop_front() != other.getShape().drop_front() ||
          weight.getElementType() != other.getElementType())
        return {};
      readers.push_back(linear);
    }
  return readers;
}

const LeftOperand *KernelExpander::formForReaders(Emitter &e, Value out, bool &needsF32, bool wholeRows) {
  needsF32 = true;
  auto type = cast<MemRefType>(out.getType());
  // Whole tiles only, so that nothing has to write the padding of K.
  int64_t columns = type.getShape().back();
  if (!out.getDefiningOp<memref::AllocOp>() || ShapedType::isDynamic(columns) || columns % (2 * tileRowWords))
    return nullptr;
  Operation *writer = &*e.getInsertionPoint();
  bool isFinal =
      llvm::all_of(out.getUsers(), [&](Operation *user) { return user == writer || onlyReads(user, out); });
  if (!isFinal)
    return nullptr;
  Value rows = e.dims(out, 0, type.getRank() - 1);
  SmallVector<Operation *> readers;
  llvm::append_range(readers, convertingReaders(*this, out, wholeRows));
  std::optional<LeftOperand> operand;
  if (!readers.empty()) {
    auto weight = cast<MemRefType>(cast<kernel::LinearOp>(readers.front()).getW().getType());
    OperandKind kind = *operandKindOf(weight);
    Value depth = e.index(weight.getDimSize(1) * (kind == OperandKind::SplitF32 ? 16 : 1));
    operand.emplace(e, microkernel(kind), rows, depth);
    operand->closeGaps(e, rows);
  } else {
    for (Operation *user : out.getUsers())
      if (auto attention = dyn_cast<kernel::AttentionOp>(user);
          attention && attention.getOut() != out && AttentionFactors(*this, attention).readsBF16Rows())
        readers.push_back(attention);
    if (readers.empty())
      return nullptr;
    operand.emplace(e, rows, e.index(columns));
  }
  needsF32 = llvm::any_of(out.getUsers(), [&](Operation *user) {
    return user != writer && !isa<memref::DimOp>(user) && !llvm::is_contained(readers, user);
  });
  return &converted.try_emplace(out, *operand).first->second;
}

LeftOperand KernelExpander::leftOperand(Emitter &e, kernel::LinearOp op, const Microkernel &microkernel,
                                        OperandKind kind) {
  Value x = op.getX(), words = e.dim(op.getW(), 1);
  if (kind == OperandKind::SplitF32)
    words = e.mul(words, 16);
  if (kind == OperandKind::Int4)
    words = e.mul(words, microkernel.groupSize() / 4);
  Value k = kind == OperandKind::F32 ? words : e.dim(x, -1);
  // What keeps the left factor in f32 multiplies no padding: elements come in pairs then (nn-pack-weights).
  if (microkernel.leftForm() == LeftForm::F32)
    return LeftOperand(e.flatten(x), k, kind == OperandKind::F32 ? words : e.div(k, 2));
  if (auto found = converted.find(x); found != converted.end())
    return found->second;
  Value rows = e.dims(x, 0, cast<MemRefType>(x.getType()).getRank() - 1);
  LeftOperand operand(e, microkernel, rows, words);
  operand.closeGaps(e, rows);
  operand.convert(e, e.flatten(x), rows, k);
  return operand;
}
