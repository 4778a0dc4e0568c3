//===- OuterProduct.cpp - Multiply-adds of f32, bf16 and int8 in vector registers ---------------------===//
#include "VectorMicrokernel.h"
#include "WordPointers.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace tamis;

static VectorType vectorOf(Emitter &e, Type element, int64_t perWord = 1) {
  return VectorType::get(e.getWidth() * perWord, element);
}
/// A word in all lanes, as a vector of the same size.
static Value splatWord(Emitter &e, Value row, Value k, VectorType type) {
  Value word = loadWords(e, e.getI32Type(), row, k);
  return vector::BitCastOp::create(e, type,
                                   vector::BroadcastOp::create(e, vectorOf(e, e.getI32Type()), word));
}
static Value splat(Emitter &e, VectorType type, int64_t value) {
  return arith::ConstantOp::create(
      e, DenseElementsAttr::get(type, e.getIntegerAttr(type.getElementType(), value)));
}
static Value intrinsic(Emitter &e, StringRef name, Type result, ValueRange operands) {
  return LLVM::CallIntrinsicOp::create(e, result, e.getStringAttr(name), operands).getResult(0);
}

/// A split weight's rests are so many words behind its leading terms.
static constexpr int64_t splitBlockWords = 16 * panelColumns;

namespace {

class F32Product : public OuterProduct {
public:
  LeftForm leftForm() const override { return LeftForm::F32; }
  Value left(Emitter &e, const LeftWord &at, int64_t) const override {
    return e.splat(loadWords(e, e.getF32Type(), at.row, at.word));
  }
  Value right(Emitter &e, Value panel, Value word, int64_t) const override {
    return loadWords(e, e.vectorType(), panel, word);
  }
  Value multiplyAdd(Emitter &e, Value a, Value b, Value sum) const override { return e.fma(a, b, sum); }
};

/// Weights of bf16 become f32 in registers, even elements in the first round and odd ones in the second: a
/// bf16 is the upper half of an f32. The left factor keeps all its bits.
class UnpackedBF16Product : public F32Product {
public:
  int64_t rounds() const override { return 2; }
  Value left(Emitter &e, const LeftWord &at, int64_t round) const override {
    return F32Product::left(e, {at.row, e.madd(at.word, e.index(2), e.index(round)), Value()}, 0);
  }
  Value right(Emitter &e, Value panel, Value word, int64_t round) const override {
    return unpack(e, loadWords(e, vectorOf(e, e.getI32Type()), panel, word), round);
  }

protected:
  static Value unpack(Emitter &e, Value pairs, int64_t round) {
    auto words = cast<VectorType>(pairs.getType());
    Value bits = round == 0 ? Value(arith::ShLIOp::create(e, pairs, splat(e, words, 16)))
                            : Value(arith::AndIOp::create(e, pairs, splat(e, words, int32_t(0xffff0000))));
    return vector::BitCastOp::create(e, e.vectorType(), bits);
  }
};

/// Weights of two bf16 become the f32 that is their sum. They come in blocks of 16 words of K.
class UnpackedSplitProduct : public UnpackedBF16Product {
public:
  int64_t terms() const override { return 2; }
  Value row(Emitter &e, Value k, Value stride) const override {
    return e.madd(e.div(k, 16), e.index(splitBlockWords), e.mul(k, stride));
  }
  Value right(Emitter &e, Value panel, Value word, int64_t round) const override {
    return e.addF(UnpackedBF16Product::right(e, panel, word, round),
                  UnpackedBF16Product::right(e, panel, e.add(word, splitBlockWords), round));
  }
};

/// The same two for a left factor that was rounded for tiles, and becomes f32 again: on CPUs with tiles two
/// multiply-adds of f32 are quicker than one vdpbf16ps.
template <typename Product> class RoundedProduct : public Product {
public:
  LeftForm leftForm() const override { return this->terms() == 2 ? LeftForm::SplitF32 : LeftForm::BF16; }
  Value left(Emitter &e, const LeftWord &at, int64_t round) const override {
    auto term = [&](Value word) {
      return this->unpack(e, splatWord(e, at.row, word, vectorOf(e, e.getI32Type())), round);
    };
    return this->terms() == 2 ? e.addF(term(at.word), term(at.rest)) : term(at.word);
  }
};

/// vdpbf16ps: pairs of products, added up in f32.
class DotBF16Product : public OuterProduct {
public:
  LeftForm leftForm() const override { return LeftForm::BF16; }
  Value left(Emitter &e, const LeftWord &at, int64_t) const override {
    return splatWord(e, at.row, at.word, vectorOf(e, e.getBF16Type(), 2));
  }
  Value right(Emitter &e, Value panel, Value word, int64_t) const override {
    return loadWords(e, vectorOf(e, e.getBF16Type(), 2), panel, word);
  }
  Value multiplyAdd(Emitter &e, Value a, Value b, Value sum) const override {
    return intrinsic(e, "llvm.x86.avx512bf16.dpbf16ps.512", sum.getType(), {sum, a, b});
  }
};

/// vpdpbusd: four products of u8 and i8, added up in i32.
class DotInt8Product : public OuterProduct {
public:
  LeftForm leftForm() const override { return LeftForm::Int8; }
  bool accumulatesIntegers() const override { return true; }
  Value left(Emitter &e, const LeftWord &at, int64_t) const override {
    return splatWord(e, at.row, at.word, vectorOf(e, e.getI8Type(), 4));
  }
  Value right(Emitter &e, Value panel, Value word, int64_t) const override {
    return loadWords(e, vectorOf(e, e.getI8Type(), 4), panel, word);
  }
  Value multiplyAdd(Emitter &e, Value a, Value b, Value sum) const override {
    StringRef name = e.getWidth() == 16 ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512.vpdpbusd.256";
    return intrinsic(e, name, sum.getType(), {sum, a, b});
  }
};

/// The same without VNNI: even bytes in the first round and odd ones in the second, as i16, whose pairs
/// vpmaddwd multiplies and adds exactly. (vpmaddubsw, which takes bytes, saturates.)
class WidenedInt8Product : public DotInt8Product {
public:
  int64_t rounds() const override { return 2; }
  Value left(Emitter &e, const LeftWord &at, int64_t round) const override {
    VectorType halves = vectorOf(e, e.getI16Type(), 2);
    Value quad = splatWord(e, at.row, at.word, halves);
    return round == 0 ? Value(arith::AndIOp::create(e, quad, splat(e, halves, 0x00ff)))
                      : Value(arith::ShRUIOp::create(e, quad, splat(e, halves, 8)));
  }
  Value right(Emitter &e, Value panel, Value word, int64_t round) const override {
    VectorType halves = vectorOf(e, e.getI16Type(), 2);
    Value quads = loadWords(e, halves, panel, word), eight = splat(e, halves, 8);
    return arith::ShRSIOp::create(e, round == 0 ? Value(arith::ShLIOp::create(e, quads, eight)) : quads,
                                  eight);
  }
  Value multiplyAdd(Emitter &e, Value a, Value b, Value sum) const override {
    StringRef name = e.getWidth() == 16 ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd";
    return arith::AddIOp::create(e, sum, intrinsic(e, name, sum.getType(), {a, b}));
  }
};

} // namespace

std::unique_ptr<OuterProduct> tamis::makeOuterProduct(const ISALevel &level, OperandKind kind,
                                                      bool roundsLeft) {
  switch (kind) {
  case OperandKind::F32:
    return std::make_unique<F32Product>();
  case OperandKind::BF16:
    if (roundsLeft)
      return std::make_unique<RoundedProduct<UnpackedBF16Product>>();
    if (level.bf16)
      return std::make_unique<DotBF16Product>();
    return std::make_unique<UnpackedBF16Product>();
  case OperandKind::SplitF32:
    if (roundsLeft)
      return std::make_unique<RoundedProduct<UnpackedSplitProduct>>();
    return std::make_unique<UnpackedSplitProduct>();
  case OperandKind::Int8:
    if (level.vnni)
      return std::make_unique<DotInt8Product>();
    return std::make_unique<WidenedInt8Product>();
  case OperandKind::Int4: // Int4Microkernel
    return nullptr;
  }
  return nullptr;
}
