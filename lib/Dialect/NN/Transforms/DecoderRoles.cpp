//===- DecoderRoles.cpp - What the inputs and outputs of a decoder mean --------------------------------===//
#include "DecoderRoles.h"
#include "tamis/Dialect/NN/IR/NNDialect.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"

#include "mlir/IR/Builders.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/SmallPtrSet.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::nn;

static RankedTensorType typeOf(Value value) { return cast<RankedTensorType>(value.getType()); }

DictionaryAttr Decoder::toAttribute(MLIRContext *context) const {
  Builder b(context);
  SmallVector<Attribute> pairs;
  for (auto [input, output] : caches)
    pairs.push_back(b.getDenseI64ArrayAttr({input, output}));
  return b.getDictionaryAttr({
      b.getNamedAttr("caches", b.getArrayAttr(pairs)),
      b.getNamedAttr("ids", b.getI64IntegerAttr(ids)),
      b.getNamedAttr("logits", b.getI64IntegerAttr(logits)),
      b.getNamedAttr("mask", b.getI64IntegerAttr(mask)),
      b.getNamedAttr("max_length", b.getI64IntegerAttr(maxLength)),
      b.getNamedAttr("padded_behind", b.getBoolAttr(paddedBehind)),
      b.getNamedAttr("positions", b.getI64IntegerAttr(positions)),
      b.getNamedAttr("problem", b.getStringAttr(problem)),
      b.getNamedAttr("vocabulary", b.getI64IntegerAttr(vocabulary)),
      b.getNamedAttr("wanted_rows", b.getBoolAttr(false)),
  });
}

namespace {
/// What an argument of integers is read for.
struct Reading {
  llvm::SmallVector<int64_t> tables; ///< their rows, which its elements, or those and a constant, choose
  int64_t fewestRows = INT64_MAX;    ///< of those that its elements choose as they are
  bool angles = false;               ///< turns heads, or goes into a sine
  bool sums = false, attends = false;
};

/// The roles of one function.
class Roles {
public:
  Roles(func::FuncOp main, Decoder &decoder) : main(main), decoder(decoder) {}
  void run();

private:
  Reading readingOf(BlockArgument argument) const;
  std::string nameOf(unsigned argument) {
    auto name = main.getArgAttrOfType<StringAttr>(argument, "onnx.name");
    return name ? name.str() : "input " + std::to_string(argument);
  }
  bool isCache(unsigned argument) const {
    return llvm::any_of(decoder.caches, [&](auto pair) { return pair.first == argument; });
  }
  void findLogits();
  void findInputs();
  void fail(const Twine &problem) {
    if (decoder.problem.empty())
      decoder.problem = problem.str();
  }

  func::FuncOp main;
  Decoder &decoder;
};
} // namespace

/// Ops through which an element is still the number of a row.
static bool keepsNumbers(Operation *op) {
  if (isa<onnx::CastOp, onnx::UnsqueezeOp, onnx::SqueezeOp, onnx::ReshapeOp, onnx::FlattenOp>(op))
    return true;
  return isa<onnx::AddOp>(op) && llvm::any_of(op->getOperands(), [](Value operand) {
           return operand.getDefiningOp<onnx::ConstantOp>() != nullptr;
         });
}

Reading Roles::readingOf(BlockArgument argument) const {
  Reading reading;
  // Values that are the argument's elements, or numbers of rows still.
  llvm::SetVector<Value> values;
  llvm::SmallPtrSet<Value, 16> numbers, shifted, sums;
  values.insert(argument);
  numbers.insert(argument);
  for (size_t i = 0; i < values.size(); ++i) {
    Value value = values[i];
    bool isNumber = numbers.contains(value), isSum = sums.contains(value);
    auto chooses = [&](Value table) {
      int64_t rows = typeOf(table).getDimSize(0);
      reading.tables.push_back(rows);
      if (!shifted.contains(value) && !ShapedType::isDynamic(rows))
        reading.fewestRows = std::min(reading.fewestRows, rows);
    };
    for (OpOperand &use : value.getUses()) {
      Operation *op = use.getOwner();
      if (auto embedding = dyn_cast<EmbeddingOp>(op)) {
        for (auto [table, ids] : llvm::zip(embedding.getTables(), embedding.getIds()))
          if (ids == value && isNumber)
            chooses(table);
        continue;
      }
      if (auto gather = dyn_cast<onnx::GatherOp>(op); gather && gather.getIndices() == value) {
        if (isNumber && gather.getAxis() == 0)
          chooses(gather.getData());
        continue;
      }
      if (isa<onnx::SinOp, onnx::CosOp, onnx::RotaryEmbeddingOp>(op)) {
        // Lengths, which are sums of a mask, give positions as well.
        reading.angles |= !isSum;
        continue;
      }
      if (isa<AttentionOp, onnx::AttentionOp, onnx::SoftmaxOp>(op)) {
        reading.attends = true;
        continue;
      }
      bool adds = isa<onnx::ReduceSumOp, onnx::CumSumOp>(op);
      reading.sums |= adds;
      if (isa<onnx::ShapeOp>(op))
        continue;
      for (Value result : op->getResults()) {
        if (isNumber && keepsNumbers(op))
          numbers.insert(result);
        if (isSum || adds)
          sums.insert(result);
        if (shifted.contains(value) || isa<onnx::AddOp>(op))
          shifted.insert(result);
        values.insert(result);
      }
    }
  }
  return reading;
}

void Roles::findLogits() {
  SmallVector<unsigned> found;
  for (auto [i, type] : llvm::enumerate(main.getResultTypes())) {
    auto tensor = cast<RankedTensorType>(type);
    bool isCache = llvm::any_of(decoder.caches, [i = i](auto pair) { return pair.second == i; });
    if (!isCache && tensor.getRank() == 3 && !tensor.isDynamicDim(2) &&
        isa<FloatType>(tensor.getElementType()))
      found.push_back(i);
  }
  if (found.size() > 1)
    llvm::erase_if(found, [&](unsigned i) {
      auto name = main.getResultAttrOfType<StringAttr>(i, "onnx.name");
      return !name || name.getValue() != "logits";
    });
  if (found.size() != 1)
    return fail(
        "it has no output [batch, new, vocabulary] that is known to be the logits; export it with one "
        "that is called 'logits'");
  decoder.logits = found.front();
  decoder.vocabulary = cast<RankedTensorType>(main.getResultTypes()[found.front()]).getDimSize(2);
}

/// The only one, or the one of that name; -1.
static int64_t choose(ArrayRef<unsigned> found, func::FuncOp main, StringRef name) {
  if (found.size() == 1)
    return found.front();
  for (unsigned i : found)
    if (auto own = main.getArgAttrOfType<StringAttr>(i, "onnx.name"); own && own.getValue() == name)
      return i;
  return -1;
}

void Roles::findInputs() {
  SmallVector<unsigned> tables, vocabularies, positions, masks, rest;
  llvm::DenseMap<unsigned, Reading> readings;
  for (BlockArgument argument : main.getArguments()) {
    unsigned i = argument.getArgNumber();
    if (isCache(i))
      continue;
    if (typeOf(argument).getRank() != 2)
      return fail(
          "the role of input '" + nameOf(i) +
          "' is not known; export it with input_ids, attention_mask, position_ids and the past alone");
    Reading reading = readings[i] = readingOf(argument);
    if (!reading.tables.empty() && typeOf(argument).getElementType().isInteger())
      tables.push_back(i);
    if (llvm::is_contained(reading.tables, decoder.vocabulary))
      vocabularies.push_back(i);
  }
  decoder.ids = choose(vocabularies.empty() ? tables : vocabularies, main, "input_ids");
  if (decoder.ids < 0)
    return fail("no input is known to be the token ids, the rows of a table that are read; export it with an "
                "input [batch, new] that is called 'input_ids'");
  auto dimsOf = [&](unsigned i) { return main.getArgAttrOfType<ArrayAttr>(i, "onnx.dims"); };
  auto lengthOf = [&](unsigned i) {
    ArrayAttr dims = dimsOf(i);
    return dims && dims.size() == 2 ? cast<StringAttr>(dims[1]).getValue() : StringRef();
  };
  for (auto &[i, reading] : readings) {
    if (i == decoder.ids)
      continue;
    bool hasIdsLength = !lengthOf(i).empty() && lengthOf(i) == lengthOf(decoder.ids);
    if (!reading.tables.empty() || reading.angles)
      positions.push_back(i);
    else if (reading.attends || reading.sums)
      masks.push_back(i);
    else if (!main.getArgument(i).use_empty())
      return fail("the role of input '" + nameOf(i) + "' is not known: it is neither a mask nor positions");
    else if (hasIdsLength)
      positions.push_back(i);
    else
      masks.push_back(i);
  }
  llvm::sort(positions);
  llvm::sort(masks);
  auto assign = [&](ArrayRef<unsigned> found, StringRef name, StringRef what, int64_t &role) {
    role = found.empty() ? -1 : choose(found, main, name);
    for (unsigned i : found)
      if (i != role)
        fail("the inputs '" + nameOf(found.front()) + "' and '" + nameOf(found.back()) + "' both look like " +
             what + "; export it with one of them, called '" + name + "'");
  };
  assign(positions, "position_ids", "positions", decoder.positions);
  assign(masks, "attention_mask", "a mask", decoder.mask);
  // A position chooses a row of each such table.
  if (auto found = readings.find(decoder.positions);
      decoder.positions >= 0 && found != readings.end() && found->second.fewestRows != INT64_MAX)
    decoder.maxLength = found->second.fewestRows;
}

void Roles::run() {
  findLogits();
  findInputs();
}

void nn::findRoles(func::FuncOp main, Decoder &decoder) { Roles(main, decoder).run(); }
