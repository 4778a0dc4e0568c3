//===- VectorMicrokernel.cpp - Outer products in vector registers -------------------------------------===//
#include "VectorMicrokernel.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

/// Words of panels that stay in a first-level cache of 32 KiB or more beside rows of the left factor.
static constexpr int64_t nearestCacheWords = 8 * 1024;

/// The address of word `at` of a flat buffer, made opaque by an empty piece of assembly. LLVM would else
/// take the computation of a row's address apart and, short of registers, repeat it at every step of the
/// loop.
static Value opaquePointer(Emitter &e, Value flat, Value at) {
  auto metadata = memref::ExtractStridedMetadataOp::create(e, flat);
  Value base = memref::ExtractAlignedPointerAsIndexOp::create(e, flat);
  int64_t bytes = cast<MemRefType>(flat.getType()).getElementTypeBitWidth() / 8;
  Value begin = e.madd(metadata.getOffset(), e.index(bytes), base);
  Value address = e.madd(at, e.index(sizeof(float)), begin);
  Type pointer = LLVM::LLVMPointerType::get(e.getContext());
  Value number = arith::IndexCastOp::create(e, e.getI64Type(), address);
  Value raw = LLVM::IntToPtrOp::create(e, pointer, number);
  auto opaque = LLVM::InlineAsmOp::create(
      e, pointer, ValueRange{raw}, /*asm_string=*/"", /*constraints=*/"=r,0", /*has_side_effects=*/false,
      /*is_align_stack=*/false, LLVM::TailCallKind::None,
      LLVM::AsmDialectAttr::get(e.getContext(), LLVM::AsmDialect::AD_ATT), /*operand_attrs=*/ArrayAttr());
  return opaque.getResult(0);
}

/// Pointers to `count` places that are `stride` words apart.
static SmallVector<Value> pointersTo(Emitter &e, Value flat, Value offset, Value stride, int64_t count) {
  SmallVector<Value> pointers{opaquePointer(e, flat, offset)};
  auto known = getConstantIntValue(stride);
  for (int64_t i = 1; i < count; ++i) {
    if (!known) {
      pointers.push_back(opaquePointer(e, flat, e.madd(e.index(i), stride, offset)));
      continue;
    }
    // A constant distance becomes part of an instruction, and takes no register.
    Type pointer = pointers.front().getType();
    pointers.push_back(LLVM::GEPOp::create(e, pointer, e.getF32Type(), pointers.front(),
                                           ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(i * *known)}));
  }
  return pointers;
}

/// Asks for the line of a word behind a pointer, for the second-level cache.
static void prefetchWord(Emitter &e, Value pointer, Value word) {
  Value number = arith::IndexCastOp::create(e, e.getI64Type(), word);
  Value address = LLVM::GEPOp::create(e, pointer.getType(), e.getF32Type(), pointer, ValueRange{number});
  LLVM::Prefetch::create(e, address, /*rw=*/0, /*hint=*/2, /*cache=*/1);
}

Value tamis::loadWords(Emitter &e, Type type, Value pointer, Value word) {
  Value number = arith::IndexCastOp::create(e, e.getI64Type(), word);
  Value address = LLVM::GEPOp::create(e, pointer.getType(), e.getF32Type(), pointer, ValueRange{number});
  return LLVM::LoadOp::create(e, type, address, /*alignment=*/sizeof(float));
}

VectorMicrokernel::VectorMicrokernel(const ISALevel &level, OperandKind kind)
    : Microkernel(level, kind), product(makeOuterProduct(level, kind)) {}

RowTiles VectorMicrokernel::rowTiles(Emitter &e, Value rows) const { return RowTiles(e, rows, maxRows()); }

int64_t VectorMicrokernel::panels(int64_t rows) const {
  if (isa().lanes == 16)
    return 4;
  // Below 3 rows a tile is 32 or 64 columns wide, to have 8 chains.
  return rows == 1 ? 4 : rows == 2 ? 2 : 1;
}

void VectorMicrokernel::emitTile(Emitter &e, int64_t rows, int64_t panels, const Matrix &a, const Panels &b,
                                 const Depth &depth, const Matrix &out) const {
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

  Value ahead = opaquePointer(e, b.data, depth.ahead);
  // Adds the outer product at k to the accumulators.
  auto step = [&](Value k, MutableArrayRef<Value> accumulators) {
    Value bRow = product->row(e, k, b.stride);
    prefetchWord(e, ahead, bRow);
    for (int64_t round = 0; round < product->rounds(); ++round) {
      SmallVector<Value> bVectors;
      for (int64_t p = 0; p < panels; ++p)
        for (int64_t v = 0; v < vectors; ++v)
          bVectors.push_back(product->right(e, bPanels[p], e.add(bRow, v * width), round));
      for (int64_t i = 0; i < rows; ++i) {
        Value element = product->left(e, aRows[i], k, round);
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
  if (depth.isFirst)
    sums = e.decide(
        depth.isFirst, [&] { return Emitter::Values(chains, zero); },
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
  Value whole = e.madd(e.div(e.sub(depth.end, depth.begin), sets), e.index(sets), depth.begin);
  sums = e.loop(depth.begin, whole, e.index(sets), sums, [&](Value k, ValueRange carried) {
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
    sums = e.loop(whole, depth.end, e.index(1), sums, [&](Value k, ValueRange carried) {
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

void VectorMicrokernel::emitNest(Emitter &e, ArrayRef<int64_t> rowCounts, const Matrix &a, const Panels &b,
                                 Value depth, const Matrix &out, Value buffer, const RowTiles &rows,
                                 Value tileBegin, Value tileEnd, Value panelBegin, Value panelEnd,
                                 TileEpilogue epilogue) const {
  Value next = panelBegin;
  for (int64_t group = panels(rowCounts.back()); group >= 1; group /= 2) {
    Value end = e.madd(e.div(e.sub(panelEnd, next), group), e.index(group), next);
    // Panels that several tiles read stay in the first-level cache, a part of K at a time; the tiles of all
    // but the last part wait in `out`. In a buffer there is room for one tile.
    int64_t part = nearestCacheWords / (group * panelColumns);
    auto known = getConstantIntValue(depth);
    bool isCut = !buffer && known && *known > part + part / 2;
    Value partWords = depth;
    if (isCut) {
      int64_t parts = llvm::divideCeil(*known, part);
      Value severalTiles = e.less(e.index(1), e.sub(tileEnd, tileBegin));
      partWords = e.select(severalTiles, e.index(llvm::alignTo(llvm::divideCeil(*known, parts), 16)), depth);
    }
    auto emitTiles = [&](Value panel, Depth part, Value isLast) {
      Panels bTile = b;
      bTile.offset = e.madd(panel, b.panelStride, b.offset);
      // What is read next: the next part of these panels, or the first one of the next panels.
      Value following = e.sub(e.mul(b.panelStride, group), product->row(e, part.begin, b.stride));
      if (isLast)
        following = e.select(isLast, following, product->row(e, partWords, b.stride));
      e.loop(tileBegin, tileEnd, [&](Value tile) {
        Value row = rows.begin(e, tile), count = rows.size(e, tile);
        Matrix aTile = a, outTile = out;
        aTile.offset = e.madd(row, a.stride, a.offset);
        if (buffer)
          outTile = {buffer, e.index(0), e.index(group * panelColumns)};
        else
          outTile.offset = e.add(e.madd(row, out.stride, out.offset), e.mul(panel, panelColumns));
        // Each of the first tiles asks for one of those panels; later ones for what is there already.
        Value number = e.sub(tile, tileBegin);
        Value ahead = e.madd(number, b.panelStride, following);
        ahead = e.select(e.less(number, e.index(group)), ahead, e.index(0));
        part.ahead = e.add(bTile.offset, ahead);
        e.choose(
            count, rowCounts.drop_back(),
            [&](int64_t n) { emitTile(e, n, group, aTile, bTile, part, outTile); },
            [&] { emitTile(e, rowCounts.back(), group, aTile, bTile, part, outTile); });
        auto finish = [&] { epilogue(Tile{outTile, row, count, panel, group}); };
        if (epilogue && isLast)
          e.when(isLast, finish);
        else if (epilogue)
          finish();
      });
    };
    e.loop(next, end, e.index(group), [&](Value panel) {
      Value zero = e.index(0);
      if (!isCut)
        return emitTiles(panel, Depth{zero, depth, Value(), Value()}, Value());
      e.loop(zero, depth, partWords, [&](Value k) {
        Value partEnd = e.min(e.add(k, partWords), depth);
        emitTiles(panel, Depth{k, partEnd, e.equal(k, zero), Value()}, e.equal(partEnd, depth));
      });
    });
    next = end;
  }
}

void VectorMicrokernel::emitProduct(Emitter &e, const Matrix &a, const Panels &b, Value depth,
                                    const Matrix &out, const RowTiles &rows, Value tileBegin, Value tileEnd,
                                    Value panelBegin, Value panelEnd, TileEpilogue epilogue,
                                    Value buffer) const {
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
    emitNest(e, counts, a, b, depth, out, buffer, rows, tileBegin, tileEnd, panelBegin, panelEnd, epilogue);
  };
  if (cases.empty())
    return nest(classes.back());
  e.choose(rows.quotient, cases, [&](int64_t n) { nest({n}); }, [&] { nest(classes.back()); });
}
