//===- WeightShare.cpp - One of equal weights ----------------------------------------------------------===//
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "tamis/Dialect/Weight/Evaluation/Evaluator.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/Transforms/Passes.h"
#include "llvm/Support/BLAKE3.h"

#include <map>

namespace tamis::weight {
#define GEN_PASS_DEF_WEIGHTSHARE
#include "tamis/Dialect/Weight/Transforms/Passes.h.inc"
} // namespace tamis::weight

using namespace mlir;
using namespace tamis;
using namespace tamis::weight;

/// Mixes the bits of a word; 0 stays 0.
static uint64_t mix(uint64_t word) {
  word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9;
  word = (word ^ word >> 27) * 0x94d049bb133111eb;
  return word ^ word >> 31;
}

/// The sum of the mixed elements: the same for every order of them, and for any number of zeros among them.
template <typename Word> static uint64_t sumOfMixed(ArrayRef<char> bytes) {
  uint64_t sum = 0;
  for (size_t at = 0; at + sizeof(Word) <= bytes.size(); at += sizeof(Word)) {
    Word word;
    memcpy(&word, bytes.data() + at, sizeof(Word));
    sum += mix(word);
  }
  return sum;
}

namespace {

/// Fingerprints of weights: a weight that is another's elements in another order, with zeros for padding, has
/// the other's fingerprint.
class Fingerprints {
public:
  explicit Fingerprints(const SymbolTable &symbols) : symbols(symbols) {}

  FailureOr<uint64_t> of(Value value) {
    if (auto found = known.find(value); found != known.end())
      return found->second;
    FailureOr<uint64_t> made = make(value);
    if (succeeded(made))
      known[value] = *made;
    return made;
  }

private:
  FailureOr<uint64_t> make(Value value) {
    Operation *op = value.getDefiningOp();
    if (!isa<ReshapeOp, TransposeOp, PackPanelsOp, ConcatOp>(op))
      return ofBytes(value);
    uint64_t sum = 0;
    for (Value operand : op->getOperands()) {
      FailureOr<uint64_t> part = of(operand);
      if (failed(part))
        return failure();
      sum += *part;
    }
    return sum;
  }

  FailureOr<uint64_t> ofBytes(Value value) {
    unsigned bits = cast<RankedTensorType>(value.getType()).getElementTypeBitWidth();
    uint64_t sum = 0;
    LogicalResult done = streamBytes(symbols, value, [&](ArrayRef<char> bytes) {
      sum += bits <= 8    ? sumOfMixed<uint8_t>(bytes)
             : bits <= 16 ? sumOfMixed<uint16_t>(bytes)
             : bits <= 32 ? sumOfMixed<uint32_t>(bytes)
                          : sumOfMixed<uint64_t>(bytes);
      return success();
    });
    if (failed(done))
      return failure();
    return sum;
  }

  const SymbolTable &symbols;
  llvm::DenseMap<Value, uint64_t> known;
};

struct WeightShare : tamis::weight::impl::WeightShareBase<WeightShare> {
  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (!function.isExternal() && failed(share(function, symbols)))
        return signalPassFailure();
  }

  LogicalResult share(func::FuncOp function, const SymbolTable &symbols) {
    // In the order of their first uses, so that the same input gives the same names.
    llvm::MapVector<Type, llvm::SetVector<Value>> weights;
    function.walk([&](Operation *op) {
      if (!isWeightOp(op))
        for (Value operand : op->getOperands())
          if (isWeightOp(operand.getDefiningOp()))
            weights[operand.getType()].insert(operand);
    });
    Fingerprints fingerprints(symbols);
    for (auto &[type, values] : weights) {
      if (values.size() < 2)
        continue;
      std::map<uint64_t, SmallVector<Value>> alike;
      for (Value value : values) {
        FailureOr<uint64_t> fingerprint = fingerprints.of(value);
        if (failed(fingerprint))
          return failure();
        alike[*fingerprint].push_back(value);
      }
      for (auto &[fingerprint, candidates] : alike)
        if (candidates.size() > 1 && failed(shareEqual(function, candidates, symbols)))
          return failure();
    }
    return success();
  }

  /// Makes one of those values of one type that have the same bytes.
  LogicalResult shareEqual(func::FuncOp function, ArrayRef<Value> candidates, const SymbolTable &symbols) {
    std::map<llvm::BLAKE3Result<>, SmallVector<Value>> equal;
    for (Value value : candidates) {
      llvm::BLAKE3 hash;
      if (failed(streamBytes(symbols, value, [&](ArrayRef<char> bytes) {
            hash.update(StringRef(bytes.data(), bytes.size()));
            return success();
          })))
        return failure();
      equal[hash.final()].push_back(value);
      ++evaluatedWeights;
    }
    for (auto &[hash, values] : equal) {
      if (values.size() < 2)
        continue;
      sharedWeights += values.size() - 1;
      savedBytes += (values.size() - 1) * bytesOf(cast<RankedTensorType>(values.front().getType()));
      // At the function's beginning it is before every use.
      OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
      IRMapping mapping;
      Value shared = cloneChain(values.front(), builder, mapping);
      for (Value value : values)
        value.replaceAllUsesWith(shared);
    }
    return success();
  }

  static Value cloneChain(Value value, OpBuilder &builder, IRMapping &mapping) {
    if (Value made = mapping.lookupOrNull(value))
      return made;
    for (Value operand : value.getDefiningOp()->getOperands())
      cloneChain(operand, builder, mapping);
    builder.clone(*value.getDefiningOp(), mapping);
    return mapping.lookup(value);
  }
};
} // namespace
