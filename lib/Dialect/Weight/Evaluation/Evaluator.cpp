//===- Evaluator.cpp - The bytes that transforms of weights make ---------------------------------------===//
#include "tamis/Dialect/Weight/Evaluation/Evaluator.h"
#include "Floats.h"
#include "Int4.h"
#include "Layout.h"
#include "Packing.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Dialect/Weight/IR/WeightFile.h"
#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/TypeSwitch.h"
#include <array>
#include <cerrno>
#include <cstring>
#include <numeric>

using namespace mlir;
using namespace tamis;

static uint64_t elementBytes(RankedTensorType type) {
  return llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

uint64_t weight::bytesOf(RankedTensorType type) { return type.getNumElements() * elementBytes(type); }

using weight::bytesOf;

namespace {

/// A tensor's bytes, row-major: memory of its own, or a view of an attribute.
struct Bytes {
  ArrayRef<char> view;
  std::vector<char> own;

  static Bytes ofSize(uint64_t size) {
    Bytes bytes;
    bytes.own.resize(size);
    bytes.view = bytes.own;
    return bytes;
  }
};

class Evaluator {
public:
  explicit Evaluator(const SymbolTable &symbols) : symbols(symbols) {
    if (auto attribute = symbols.getOp()->getAttrOfType<StringAttr>("weight.folder"))
      folder = attribute.str();
    model = symbols.getOp()->getAttrOfType<StringAttr>("weight.model");
  }

  /// The bytes of a value. A value that several transforms use is made once for each.
  FailureOr<Bytes> evaluate(Value value) {
    Operation *op = value.getDefiningOp();
    auto type = cast<RankedTensorType>(value.getType());
    return llvm::TypeSwitch<Operation *, FailureOr<Bytes>>(op)
        .Case([&](weight::LoadOp load) { return read(load); })
        .Case([&](weight::ReshapeOp reshape) { return evaluate(reshape.getInput()); })
        .Case([&](weight::TransposeOp transpose) { return this->transpose(transpose, type); })
        .Case([&](weight::ConcatOp concat) { return this->concat(concat, type); })
        .Case([&](weight::SliceOp slice) { return this->slice(slice, type); })
        .Case([&](weight::CastOp cast) { return convert(cast, type); })
        .Case([&](weight::ScaleOp scale) { return multiply(scale, type); })
        .Case([&](weight::PackPanelsOp pack) { return packPanels(pack, type); })
        .Case([&](weight::InterleaveColumnsOp op) { return interleave(op, type); })
        .Case([&](weight::UnpackOp unpack) { return this->unpack(unpack, type); })
        .Case([&](weight::DequantizeOp op) { return dequantize(op, type); })
        .Case([&](weight::ToSignedOp op) { return toSigned(op); })
        .Case([&](weight::ColumnSumsOp op) { return columnSums(op, type); })
        .Case([&](weight::GatherOp op) { return gather(op, type); })
        .Case([&](weight::ExpandOp op) { return expand(op, type); })
        .Case([&](weight::QuantizeInt4Op op) { return quantizeInt4(op, type); })
        .Case([&](weight::PackInt4Op op) { return packInt4(op, type); })
        .Case<weight::QuantizeColumnsOp, weight::ColumnScalesOp>(
            [&](Operation *op) { return roundColumns(op, type); })
        .Default(
            [](Operation *op) -> FailureOr<Bytes> { return op->emitError("is no transform of weights"); });
  }

  /// Hands the bytes of a value to `sink`: in pieces when they are stored as they lie in a file, or rounded,
  /// which the largest weight of most models, the table of words, is.
  LogicalResult stream(Value value, function_ref<LogicalResult(ArrayRef<char>)> sink) {
    static constexpr uint64_t pieceBytes = 1 << 22; // whole elements
    if (auto cast = value.getDefiningOp<weight::CastOp>()) {
      auto types = floatTypes(cast.getInput(), mlir::cast<RankedTensorType>(value.getType()));
      return failed(types) ? failure() : stream(cast.getInput(), [&](ArrayRef<char> piece) {
        auto [from, to] = *types;
        std::vector<char> converted(piece.size() / (from.getWidth() / 8) * (to.getWidth() / 8));
        convertFloats(piece, from, converted, to);
        return sink(converted);
      });
    }
    auto load = value.getDefiningOp<weight::LoadOp>();
    auto source = load ? symbols.lookup<weight::SourceOp>(load.getSource()) : weight::SourceOp();
    uint64_t total = bytesOf(cast<RankedTensorType>(value.getType()));
    if (!source || !source.getFile()) {
      FailureOr<Bytes> bytes = evaluate(value);
      return failed(bytes) ? failure() : sink(bytes->view);
    }
    for (uint64_t at = 0; at < total; at += pieceBytes) {
      FailureOr<Bytes> piece = readFile(source, at, std::min(pieceBytes, total - at));
      if (failed(piece) || failed(sink(piece->view)))
        return failure();
    }
    return success();
  }

private:
  FailureOr<Bytes> read(weight::LoadOp load) {
    auto source = symbols.lookup<weight::SourceOp>(load.getSource());
    auto type = cast<RankedTensorType>(source.getType());
    Bytes bytes;
    if (auto value = source.getValue()) {
      if (auto dense = dyn_cast<DenseElementsAttr>(*value))
        return readDense(dense, type);
      if (auto resource = dyn_cast<DenseResourceElementsAttr>(*value))
        if (AsmResourceBlob *blob = resource.getRawHandle().getBlob();
            blob && blob->getData().size() == bytesOf(type)) {
          bytes.view = blob->getData();
          return bytes;
        }
      return source.emitError("weight '") << source.getSymName() << "' has no bytes";
    }
    return readFile(source, 0, bytesOf(type));
  }

  /// `count` bytes of a source that lies in a file, from `begin` of the tensor on.
  FailureOr<Bytes> readFile(weight::SourceOp source, uint64_t begin, uint64_t count) {
    uint64_t offset = *source.getOffset() + begin;
    auto [place, isNew] = files.try_emplace(*source.getFile());
    const weight::WeightFile &file = place->second;
    std::optional<std::string> error;
    if (isNew)
      error = place->second.open(folder, *source.getFile(), model && model.getValue() == *source.getFile());
    if (!error && (count > file.size() || offset > file.size() - count))
      error = "ends before byte " + std::to_string(offset) + " + " + std::to_string(count);
    Bytes bytes;
    if (!error) {
      bytes = Bytes::ofSize(count);
      if (!file.read(offset, bytes.own))
        error = std::string("cannot be read: ") + std::strerror(errno);
    }
    if (error)
      return source.emitError("weight '")
             << source.getSymName() << "' lies in '" << *source.getFile() << "', which " << *error
             << "; it changed while the model was compiled";
    return bytes;
  }

  FailureOr<Bytes> readDense(DenseElementsAttr dense, RankedTensorType type) {
    uint64_t width = elementBytes(type), count = type.getNumElements();
    Bytes bytes = Bytes::ofSize(bytesOf(type));
    if (type.getElementType().isInteger(1)) {
      for (auto [i, bit] : llvm::enumerate(dense.getValues<bool>()))
        bytes.own[i] = bit;
      return bytes;
    }
    ArrayRef<char> raw = dense.getRawData();
    for (uint64_t i = 0; i < count; ++i)
      memcpy(bytes.own.data() + i * width, raw.data() + (dense.isSplat() ? 0 : i * width), width);
    if (type.getElementType().isSignlessInteger(4)) // Stored without their sign.
      for (char &byte : bytes.own)
        byte = static_cast<char>(llvm::SignExtend32<4>(byte & 15));
    return bytes;
  }

  FailureOr<Bytes> transpose(weight::TransposeOp op, RankedTensorType type) {
    FailureOr<Bytes> input = evaluate(op.getInput());
    if (failed(input))
      return failure();
    Bytes result = Bytes::ofSize(bytesOf(type));
    permute(input->view, cast<RankedTensorType>(op.getInput().getType()).getShape(), op.getPerm(),
            elementBytes(type), result.own);
    return result;
  }

  /// Sizes before the axis multiplied, and bytes of the axis and what follows.
  static std::pair<uint64_t, uint64_t> split(RankedTensorType type, int64_t axis) {
    uint64_t outer = 1;
    for (int64_t i = 0; i < axis; ++i)
      outer *= type.getDimSize(i);
    return {outer, outer ? bytesOf(type) / outer : 0};
  }

  FailureOr<Bytes> concat(weight::ConcatOp op, RankedTensorType type) {
    Bytes result = Bytes::ofSize(bytesOf(type));
    auto [outer, row] = split(type, op.getAxis());
    uint64_t at = 0;
    for (Value operand : op.getInputs()) {
      FailureOr<Bytes> input = evaluate(operand);
      if (failed(input))
        return failure();
      uint64_t part = split(cast<RankedTensorType>(operand.getType()), op.getAxis()).second;
      for (uint64_t i = 0; i < outer; ++i)
        memcpy(result.own.data() + i * row + at, input->view.data() + i * part, part);
      at += part;
    }
    return result;
  }

  FailureOr<Bytes> slice(weight::SliceOp op, RankedTensorType type) {
    FailureOr<Bytes> input = evaluate(op.getInput());
    if (failed(input))
      return failure();
    auto from = cast<RankedTensorType>(op.getInput().getType());
    auto [outer, part] = split(type, op.getAxis());
    uint64_t row = split(from, op.getAxis()).second;
    uint64_t begin = from.getDimSize(op.getAxis()) ? row / from.getDimSize(op.getAxis()) * op.getBegin() : 0;
    Bytes result = Bytes::ofSize(bytesOf(type));
    for (uint64_t i = 0; i < outer; ++i)
      memcpy(result.own.data() + i * part, input->view.data() + i * row + begin, part);
    return result;
  }

  /// The float types of a weight and of what is made of it.
  static FailureOr<std::pair<FloatType, FloatType>> floatTypes(Value input, RankedTensorType to) {
    auto fromType = dyn_cast<FloatType>(cast<RankedTensorType>(input.getType()).getElementType());
    auto toType = dyn_cast<FloatType>(to.getElementType());
    if (!fromType || !toType)
      return emitError(input.getLoc(), "a weight that is not of floating point cannot be converted");
    return std::pair(fromType, toType);
  }

  FailureOr<Bytes> convert(weight::CastOp op, RankedTensorType type) {
    FailureOr<Bytes> bytes = evaluate(op.getInput());
    auto types = floatTypes(op.getInput(), type);
    if (failed(bytes) || failed(types))
      return failure();
    Bytes result = Bytes::ofSize(bytesOf(type));
    convertFloats(bytes->view, types->first, result.own, types->second);
    return result;
  }

  FailureOr<Bytes> multiply(weight::ScaleOp op, RankedTensorType type) {
    FailureOr<Bytes> bytes = evaluate(op.getInput());
    auto types = floatTypes(op.getInput(), type);
    if (failed(bytes) || failed(types))
      return failure();
    Bytes result = Bytes::ofSize(bytesOf(type));
    llvm::APFloat factor = op.getFactor();
    bool inexact;
    factor.convert(types->first.getFloatSemantics(), llvm::APFloat::rmNearestTiesToEven, &inexact);
    changeFloats(bytes->view, types->first, result.own, types->second,
                 [&](llvm::APFloat &number) { number.multiply(factor, llvm::APFloat::rmNearestTiesToEven); });
    return result;
  }

  FailureOr<Bytes> unpack(weight::UnpackOp op, RankedTensorType type) {
    FailureOr<Bytes> input = evaluate(op.getInput());
    if (failed(input))
      return failure();
    Bytes result = Bytes::ofSize(bytesOf(type));
    unpackBits(input->view, op.getBits(), op.getIsSigned(), result.own);
    return result;
  }

  /// Element `i` of a tensor of integers or floats.
  static double numberAt(const Bytes &bytes, Type type, bool isUnsigned, uint64_t i) {
    uint64_t width = llvm::divideCeil(type.getIntOrFloatBitWidth(), 8), bits = 0;
    memcpy(&bits, bytes.view.data() + i * width, width);
    if (auto floating = dyn_cast<FloatType>(type)) {
      llvm::APFloat number(floating.getFloatSemantics(), llvm::APInt(floating.getWidth(), bits));
      bool inexact;
      number.convert(llvm::APFloat::IEEEdouble(), llvm::APFloat::rmNearestTiesToEven, &inexact);
      return number.convertToDouble();
    }
    return static_cast<double>(isUnsigned ? static_cast<int64_t>(bits) : llvm::SignExtend64(bits, width * 8));
  }

  FailureOr<std::vector<float>> numbers(Value value, bool isUnsigned) {
    if (!value)
      return std::vector<float>{0};
    FailureOr<Bytes> bytes = evaluate(value);
    if (failed(bytes))
      return failure();
    auto type = cast<RankedTensorType>(value.getType());
    std::vector<float> result;
    if (auto floating = dyn_cast<FloatType>(type.getElementType())) {
      result.resize(type.getNumElements());
      MutableArrayRef<char> to(reinterpret_cast<char *>(result.data()), result.size() * sizeof(float));
      convertFloats(bytes->view, floating, to, Float32Type::get(type.getContext()));
      return result;
    }
    result.reserve(type.getNumElements());
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      result.push_back(static_cast<float>(numberAt(*bytes, type.getElementType(), isUnsigned, i)));
    return result;
  }

  FailureOr<Bytes> dequantize(weight::DequantizeOp op, RankedTensorType type) {
    bool isUnsigned = op.getIsUnsigned();
    FailureOr<Bytes> input = evaluate(op.getInput());
    FailureOr<std::vector<float>> scales = numbers(op.getScale(), false),
                                  zeros = numbers(op.getZeroPoint(), isUnsigned);
    if (failed(input) || failed(scales) || failed(zeros))
      return failure();
    Type from = cast<RankedTensorType>(op.getInput().getType()).getElementType();
    bool many = scales->size() > 1, manyZeros = zeros->size() > 1;
    int64_t axis = op.getAxis(), block = std::max<int64_t>(op.getBlockSize(), 1);
    uint64_t inner = 1, size = 1, blocks = 1; // elements behind the axis, along it, parameters along it
    if (many || manyZeros) {
      size = type.getDimSize(axis);
      blocks = llvm::divideCeil(size, block);
      for (int64_t i = axis + 1; i < type.getRank(); ++i)
        inner *= type.getDimSize(i);
    }
    // A number of 8 bits is looked up: most weights are of them.
    std::array<float, 256> known{};
    bool isByte = elementBytes(cast<RankedTensorType>(op.getInput().getType())) == 1;
    if (isByte) {
      std::array<char, 256> every{};
      std::iota(every.begin(), every.end(), 0);
      for (unsigned i = 0; i < 256; ++i)
        known[i] = static_cast<float>(numberAt({every, {}}, from, isUnsigned, i));
    }
    bool hasBlocks = op.getBlockSize() != 0;
    Bytes result = Bytes::ofSize(bytesOf(type));
    uint64_t count = type.getNumElements(), outer = count ? count / inner / size : 0, i = 0;
    for (uint64_t o = 0; o < outer; ++o)
      for (uint64_t along = 0; along < size; ++along)
        for (uint64_t j = 0; j < inner; ++j, ++i) {
          uint64_t at = hasBlocks ? (o * blocks + along / block) * inner + j : along / block;
          auto value = isByte ? known[static_cast<uint8_t>(input->view[i])]
                              : static_cast<float>(numberAt(*input, from, isUnsigned, i));
          value = (value - (*zeros)[manyZeros ? at : 0]) * (*scales)[many ? at : 0];
          memcpy(result.own.data() + i * sizeof(value), &value, sizeof(value));
        }
    return result;
  }

  FailureOr<Bytes> toSigned(weight::ToSignedOp op) {
    FailureOr<Bytes> input = evaluate(op.getInput());
    if (failed(input))
      return failure();
    Bytes result = Bytes::ofSize(input->view.size());
    for (uint64_t i = 0; i < result.own.size(); ++i)
      result.own[i] = static_cast<char>(input->view[i] ^ 0x80);
    return result;
  }

  FailureOr<Bytes> columnSums(weight::ColumnSumsOp op, RankedTensorType type) {
    FailureOr<Bytes> input = evaluate(op.getInput());
    FailureOr<Bytes> zero = op.getZeroPoint() ? evaluate(op.getZeroPoint()) : FailureOr<Bytes>(Bytes());
    if (failed(input) || failed(zero))
      return failure();
    auto [rows, columns] = matrixSizes(op.getInput());
    std::vector<int32_t> sums(type.getNumElements());
    for (uint64_t i = 0; i < input->view.size(); ++i)
      sums[i / columns / rows * columns + i % columns] += static_cast<int8_t>(input->view[i]);
    for (uint64_t n = 0; op.getZeroPoint() && n < sums.size(); ++n)
      sums[n] -= static_cast<int32_t>(rows * static_cast<int8_t>(zero->view[n]));
    Bytes result = Bytes::ofSize(bytesOf(type));
    memcpy(result.own.data(), sums.data(), result.own.size());
    return result;
  }

  FailureOr<Bytes> gather(weight::GatherOp op, RankedTensorType type) {
    FailureOr<Bytes> input = evaluate(op.getInput()), indices = evaluate(op.getIndices());
    if (failed(input) || failed(indices))
      return failure();
    auto from = cast<RankedTensorType>(op.getInput().getType()),
         indexType = cast<RankedTensorType>(op.getIndices().getType());
    int64_t size = from.getDimSize(op.getAxis()), count = indexType.getNumElements();
    auto [outer, row] = split(from, op.getAxis());
    uint64_t slice = size ? row / size : 0;
    Bytes result = Bytes::ofSize(bytesOf(type));
    for (uint64_t o = 0; o < outer; ++o)
      for (int64_t i = 0; i < count; ++i) {
        auto index = static_cast<int64_t>(numberAt(*indices, indexType.getElementType(), false, i));
        if (index < -size || index >= size)
          return op.emitError("a weight is read at the index ")
                 << index << ", but its size is " << size << "; export the model again";
        memcpy(result.own.data() + (o * count + i) * slice,
               input->view.data() + o * row + (index < 0 ? index + size : index) * slice, slice);
      }
    return result;
  }

  FailureOr<Bytes> expand(weight::ExpandOp op, RankedTensorType type) {
    FailureOr<Bytes> input = evaluate(op.getInput());
    if (failed(input))
      return failure();
    uint64_t width = elementBytes(type);
    Bytes result = Bytes::ofSize(bytesOf(type));
    for (uint64_t at = 0; at < result.own.size(); at += width)
      memcpy(result.own.data() + at, input->view.data(), width);
    return result;
  }

  FailureOr<Bytes> packPanels(weight::PackPanelsOp op, RankedTensorType type) {
    FailureOr<Bytes> input = evaluate(op.getInput());
    if (failed(input))
      return failure();
    Bytes result = Bytes::ofSize(bytesOf(type)); // zeros where there is padding
    int64_t leading = cast<RankedTensorType>(op.getInput().getType()).getRank() - 2;
    bool split = type.getRank() == leading + 5;
    uint64_t words = type.getDimSize(leading + 1) * (split ? 16 : 1);
    forMatrices(*input, op.getInput(), result, [&](const MatrixView &matrix, MutableArrayRef<char> out) {
      if (type.getElementType().isBF16())
        packPanelsAsBF16(matrix, words, split, out);
      else
        tamis::packPanels(matrix, words, elementBytes(type), out);
    });
    return result;
  }

  FailureOr<Bytes> interleave(weight::InterleaveColumnsOp op, RankedTensorType type) {
    FailureOr<Bytes> first = evaluate(op.getFirst()), second = evaluate(op.getSecond());
    if (failed(first) || failed(second))
      return failure();
    Bytes result = Bytes::ofSize(bytesOf(type)); // zeros where there is padding
    uint64_t from = cast<RankedTensorType>(op.getFirst().getType()).getShape().back() * elementBytes(type),
             to = type.getShape().back() * elementBytes(type), run = 8 * elementBytes(type);
    for (uint64_t row = 0; to && row < result.own.size() / to; ++row)
      for (uint64_t at = 0; at < from; at += run) {
        char *place = result.own.data() + row * to + 2 * at;
        memcpy(place, first->view.data() + row * from + at, std::min(run, from - at));
        memcpy(place + run, second->view.data() + row * from + at, std::min(run, from - at));
      }
    return result;
  }

  FailureOr<Bytes> roundColumns(Operation *op, RankedTensorType type) {
    FailureOr<Bytes> input = evaluate(op->getOperand(0));
    if (failed(input))
      return failure();
    Bytes result = Bytes::ofSize(bytesOf(type));
    forMatrices(*input, op->getOperand(0), result,
                isa<weight::QuantizeColumnsOp>(op) ? quantizeColumns : columnScales);
    return result;
  }

  FailureOr<Bytes> quantizeInt4(weight::QuantizeInt4Op op, RankedTensorType type) {
    FailureOr<Bytes> input = evaluate(op.getInput());
    if (failed(input))
      return failure();
    Bytes result = Bytes::ofSize(bytesOf(type));
    weight::Int4Format format = int4Format(op.getInput(), type);
    forMatrices(*input, op.getInput(), result, [&](const MatrixView &matrix, MutableArrayRef<char> out) {
      tamis::quantizeInt4(matrix, format, out);
    });
    return result;
  }

  FailureOr<Bytes> packInt4(weight::PackInt4Op op, RankedTensorType type) {
    bool isUnsigned = op.getIsUnsigned();
    FailureOr<std::vector<float>> scales = numbers(op.getScale(), false),
                                  zeros = numbers(op.getZeroPoint(), isUnsigned);
    FailureOr<Bytes> input = evaluate(op.getInput());
    if (failed(input) || failed(scales) || failed(zeros))
      return failure();
    weight::Int4Format format = int4Format(op.getInput(), type);
    float excess = isUnsigned ? 0 : weight::Int4Format::defaultZero;
    Bytes q = Bytes::ofSize(input->view.size());
    for (auto [to, from] : llvm::zip(q.own, input->view))
      to = static_cast<char>(static_cast<uint8_t>(from) + static_cast<uint8_t>(excess));
    for (float &zero : *zeros)
      zero = op.getZeroPoint() ? zero + excess : weight::Int4Format::defaultZero;
    if (llvm::any_of(q.own, [](char number) {
          return static_cast<uint8_t>(number) > static_cast<uint8_t>(weight::Int4Format::greatest);
        }))
      return op.emitError("has a weight that is not of 4 bits");
    auto isDefault = [](float zero) { return zero == weight::Int4Format::defaultZero; };
    if (!format.hasZeros && !llvm::all_of(*zeros, isDefault))
      return op.emitError("has no room for zero points other than 8");
    Bytes result = Bytes::ofSize(bytesOf(type));
    uint64_t number = 0;
    forMatrices(q, op.getInput(), result, [&](const MatrixView &matrix, MutableArrayRef<char> out) {
      // Those of the matrix, or the one that there is.
      auto own = [&](ArrayRef<float> all) {
        uint64_t count = llvm::divideCeil(matrix.rows, op.getBlock()) * matrix.columns;
        return all.size() == 1 ? all : all.slice(number * count, count);
      };
      const auto *elements = reinterpret_cast<const uint8_t *>(matrix.data);
      tamis::packInt4({elements, matrix.rows, matrix.columns, op.getBlock(), own(*scales), own(*zeros)},
                      format, out);
      ++number;
    });
    return result;
  }

  /// That of the packed form `packed` of the matrices [..., K, N] that a value is.
  static weight::Int4Format int4Format(Value value, RankedTensorType packed) {
    return *weight::Int4Format::of(packed, cast<RankedTensorType>(value.getType()).getRank() - 2);
  }

  /// Rows and columns of the matrices [..., K, N] that a value is.
  static std::pair<uint64_t, uint64_t> matrixSizes(Value value) {
    ArrayRef<int64_t> sizes = cast<RankedTensorType>(value.getType()).getShape().take_back(2);
    return {sizes[0], sizes[1]};
  }

  /// Hands each matrix of `value` to `change`, with its part of the result.
  static void forMatrices(const Bytes &bytes, Value value, Bytes &result,
                          function_ref<void(const MatrixView &, MutableArrayRef<char>)> change) {
    auto type = cast<RankedTensorType>(value.getType());
    auto [rows, columns] = matrixSizes(value);
    uint64_t count = type.getNumElements() / std::max<uint64_t>(rows * columns, 1);
    for (uint64_t i = 0; i < count; ++i) {
      uint64_t from = bytes.view.size() / count, to = result.own.size() / count;
      change({bytes.view.data() + i * from, rows, columns}, MutableArrayRef(result.own).slice(i * to, to));
    }
  }

  const SymbolTable &symbols;
  std::string folder;
  StringAttr model;
  llvm::StringMap<weight::WeightFile> files; // Opened so far.
};

} // namespace

LogicalResult weight::streamBytes(const SymbolTable &symbols, Value value, WeightSink sink) {
  return Evaluator(symbols).stream(value, sink);
}
