//===- Tensors.cpp - TensorProtos, checked -------------------------------------------------------------===//
#include "Tensors.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/MLIRContext.h"
#include "tamis/Dialect/ONNX/IR/KnownElements.h"
#include "tamis/Dialect/Weight/IR/WeightFile.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace tamis::import {

Type elementType(MLIRContext *context, int64_t dataType) {
  auto integer = [&](unsigned width) { return IntegerType::get(context, width); };
  auto unsignedInteger = [&](unsigned width) {
    return IntegerType::get(context, width, IntegerType::Unsigned);
  };
  switch (dataType) {
  case pb::TensorProto::FLOAT:
    return Float32Type::get(context);
  case pb::TensorProto::DOUBLE:
    return Float64Type::get(context);
  case pb::TensorProto::FLOAT16:
    return Float16Type::get(context);
  case pb::TensorProto::BFLOAT16:
    return BFloat16Type::get(context);
  case pb::TensorProto::INT8:
    return integer(8);
  case pb::TensorProto::INT16:
    return integer(16);
  case pb::TensorProto::INT32:
    return integer(32);
  case pb::TensorProto::INT64:
    return integer(64);
  case pb::TensorProto::UINT8:
    return unsignedInteger(8);
  case pb::TensorProto::UINT16:
    return unsignedInteger(16);
  case pb::TensorProto::UINT32:
    return unsignedInteger(32);
  case pb::TensorProto::UINT64:
    return unsignedInteger(64);
  case pb::TensorProto::BOOL:
    return integer(1);
  default:
    return {};
  }
}

Type storedElementType(MLIRContext *context, int64_t dataType) {
  // Numbers of ONNX 1.16, which the protobuf classes need not know.
  constexpr int64_t uint4 = 21, int4 = 22;
  if (dataType == uint4)
    return IntegerType::get(context, 4, IntegerType::Unsigned);
  return dataType == int4 ? IntegerType::get(context, 4) : elementType(context, dataType);
}

std::string elementTypeName(int64_t dataType) {
  static constexpr const char *names[] = {
      "UNDEFINED",      "FLOAT",    "UINT8",        "INT8",           "UINT16",
      "INT16",          "INT32",    "INT64",        "STRING",         "BOOL",
      "FLOAT16",        "DOUBLE",   "UINT32",       "UINT64",         "COMPLEX64",
      "COMPLEX128",     "BFLOAT16", "FLOAT8E4M3FN", "FLOAT8E4M3FNUZ", "FLOAT8E5M2",
      "FLOAT8E5M2FNUZ", "UINT4",    "INT4",         "FLOAT4E2M1",     "FLOAT8E8M0"};
  if (dataType >= 0 && dataType < static_cast<int64_t>(std::size(names)))
    return names[dataType];
  return "type " + std::to_string(dataType);
}

static unsigned bytesOf(Type type) { return llvm::divideCeil(type.getIntOrFloatBitWidth(), 8); }
/// How many bytes hold `count` elements in a file: two elements of 4 bits share one.
static uint64_t storedBytes(Type type, uint64_t count) {
  return type.isInteger(4) ? llvm::divideCeil(count, 2) : count * bytesOf(type);
}

namespace {

/// Reads one TensorProto.
class Reader {
public:
  Reader(const ModelFile &file, const pb::TensorProto &proto, std::string &error)
      : file(file), proto(proto), error(error) {}

  std::optional<Tensor> read(MLIRContext *context);

private:
  bool fail(const Twine &reason) {
    error = reason.str();
    return false;
  }
  bool readType(MLIRContext *context);
  bool readEmbedded();
  bool readExternal();
  bool readTyped();
  template <typename Stored, typename Field> bool convert(const Field &field);

  const ModelFile &file;
  const pb::TensorProto &proto;
  std::string &error;
  Tensor tensor;
  uint64_t count = 1, size = 0;
};

bool Reader::readType(MLIRContext *context) {
  Type element = storedElementType(context, proto.data_type());
  if (!element)
    return fail("has elements of " + elementTypeName(proto.data_type()) +
                ", which is not supported; export the model with float32 weights");
  SmallVector<int64_t> sizes;
  for (int64_t dim : proto.dims()) {
    if (dim < 0)
      return fail("has the size " + Twine(dim) + " in its shape");
    if (__builtin_mul_overflow(count, static_cast<uint64_t>(dim), &count))
      return fail("has a shape too large for any memory");
    sizes.push_back(dim);
  }
  if (__builtin_mul_overflow(count, uint64_t(bytesOf(element)), &size) || size > (uint64_t(1) << 46))
    return fail("has a shape too large for any memory");
  size = storedBytes(element, count);
  tensor.type = RankedTensorType::get(sizes, element);
  return true;
}

std::optional<Tensor> Reader::read(MLIRContext *context) {
  if (!readType(context))
    return std::nullopt;
  bool isExternal = proto.data_location() == pb::TensorProto::EXTERNAL,
       hasRaw = proto.has_segment() || proto.has_raw_data();
  bool hasTyped = proto.float_data_size() || proto.int32_data_size() || proto.int64_data_size() ||
                  proto.double_data_size() || proto.uint64_data_size() || proto.string_data_size();
  if (isExternal + hasRaw + hasTyped > 1) {
    fail("has its data in several places");
    return std::nullopt;
  }
  bool isRead = isExternal ? readExternal() : hasRaw ? readEmbedded() : readTyped();
  return isRead ? std::optional(std::move(tensor)) : std::nullopt;
}

bool Reader::readEmbedded() {
  uint64_t length = proto.raw_data().size();
  if (proto.has_segment()) {
    uint64_t begin = proto.segment().begin(), end = proto.segment().end();
    if (begin > end || end > file.bytes->getBufferSize())
      return fail("has its data outside the file");
    length = end - begin;
    tensor.isInFile = true;
    tensor.file = file.name;
    tensor.offset = begin;
  } else {
    tensor.bytes = proto.raw_data();
  }
  if (length != size)
    return fail("has " + Twine(length) + " bytes of data, but its type and shape need " + Twine(size));
  return true;
}

/// A number in an entry of external_data.
static bool parseNumber(StringRef text, uint64_t &number) { return !text.getAsInteger(10, number); }

bool Reader::readExternal() {
  std::string location;
  uint64_t offset = 0, length = size;
  for (const auto &entry : proto.external_data()) {
    if (entry.key() == "location")
      location = entry.value();
    else if (entry.key() == "offset" && !parseNumber(entry.value(), offset))
      return fail("has an external offset that is no number: '" + escape(entry.value()) + "'");
    else if (entry.key() == "length" && !parseNumber(entry.value(), length))
      return fail("has an external length that is no number: '" + escape(entry.value()) + "'");
  }
  std::string subject = "has its data in '" + escape(location) + "', which ";
  weight::WeightFile external;
  if (auto reason = external.open(file.folder, location))
    return fail(subject + *reason);
  if (length != size)
    return fail(subject + "gives it " + std::to_string(length) + " bytes, but its type and shape need " +
                std::to_string(size));
  if (offset > external.size() || size > external.size() - offset)
    return fail(subject + "has " + std::to_string(external.size()) + " bytes and so ends before byte " +
                std::to_string(offset) + " + " + std::to_string(size));
  if (!isSmallConstant(tensor.type)) {
    tensor.isInFile = true;
    tensor.file = location;
    tensor.offset = offset;
    return true;
  }
  tensor.bytes.resize(size);
  if (!external.read(offset, MutableArrayRef(tensor.bytes.data(), size)))
    return fail(subject + "cannot be read");
  return true;
}

template <typename Stored, typename Field> bool Reader::convert(const Field &field) {
  uint64_t wanted = tensor.type.getElementType().isInteger(4) ? size : count;
  if (static_cast<uint64_t>(field.size()) != wanted)
    return fail("has " + Twine(field.size()) + " elements of data, but its shape needs " + Twine(wanted));
  tensor.bytes.resize(size);
  char *to = tensor.bytes.data();
  for (auto element : field) {
    auto stored = static_cast<Stored>(element);
    std::memcpy(to, &stored, sizeof(stored));
    to += sizeof(stored);
  }
  return true;
}

bool Reader::readTyped() {
  Type element = tensor.type.getElementType();
  int used = !!proto.float_data_size() + !!proto.int32_data_size() + !!proto.int64_data_size() +
             !!proto.double_data_size() + !!proto.uint64_data_size() + !!proto.string_data_size();
  auto isOnly = [&](int fieldSize) { return used == (fieldSize != 0); };
  auto misplaced = [&] {
    return fail("has its data in a field that is not the one for " + elementTypeName(proto.data_type()));
  };
  switch (proto.data_type()) {
  case pb::TensorProto::FLOAT:
    return isOnly(proto.float_data_size()) ? convert<float>(proto.float_data()) : misplaced();
  case pb::TensorProto::DOUBLE:
    return isOnly(proto.double_data_size()) ? convert<double>(proto.double_data()) : misplaced();
  case pb::TensorProto::INT64:
    return isOnly(proto.int64_data_size()) ? convert<int64_t>(proto.int64_data()) : misplaced();
  case pb::TensorProto::UINT32:
    return isOnly(proto.uint64_data_size()) ? convert<uint32_t>(proto.uint64_data()) : misplaced();
  case pb::TensorProto::UINT64:
    return isOnly(proto.uint64_data_size()) ? convert<uint64_t>(proto.uint64_data()) : misplaced();
  default:
    break;
  }
  if (!isOnly(proto.int32_data_size()))
    return misplaced();
  if (proto.data_type() == pb::TensorProto::BOOL)
    return convert<bool>(proto.int32_data());
  switch (element.getIntOrFloatBitWidth()) {
  case 4:
  case 8:
    return convert<uint8_t>(proto.int32_data());
  case 16:
    return convert<uint16_t>(proto.int32_data());
  default:
    return convert<uint32_t>(proto.int32_data());
  }
}

/// The bytes of a tensor in memory. An external one that is not small stays in its file.
StringRef bytesInMemory(const ModelFile &file, const Tensor &tensor) {
  uint64_t size = storedBytes(tensor.type.getElementType(), tensor.type.getNumElements());
  return tensor.isInFile ? file.bytes->getBuffer().substr(tensor.offset, size) : StringRef(tensor.bytes);
}

} // namespace

std::optional<Tensor> readTensor(MLIRContext *context, const ModelFile &file, const pb::TensorProto &proto,
                                 std::string &error) {
  return Reader(file, proto, error).read(context);
}

std::optional<Tensor> readSparse(MLIRContext *context, const ModelFile &file,
                                 const pb::SparseTensorProto &proto, std::string &error) {
  auto values = readTensor(context, file, proto.values(), error);
  if (!values)
    return std::nullopt;
  auto indices = readTensor(context, file, proto.indices(), error);
  if (!indices)
    return std::nullopt;
  auto fail = [&](const Twine &reason) -> std::optional<Tensor> {
    error = reason.str();
    return std::nullopt;
  };
  if ((values->isInFile && values->file != file.name) || (indices->isInFile && indices->file != file.name))
    return fail("is sparse and has its data in another file, which is not supported; embed its data");
  SmallVector<int64_t> sizes(proto.dims().begin(), proto.dims().end());
  uint64_t count = 1;
  for (int64_t size : sizes)
    if (size < 1 || __builtin_mul_overflow(count, static_cast<uint64_t>(size), &count) ||
        count > (uint64_t(1) << 28))
      return fail("is sparse with a shape that is empty or has more than 2^28 elements");
  int64_t nonZeros = values->type.getNumElements(), rank = sizes.size();
  bool isLinear = indices->type.getRank() == 1;
  if (values->type.getRank() != 1 || !indices->type.getElementType().isInteger(64) ||
      indices->type.getRank() > 2 || indices->type.getRank() < 1 || indices->type.getDimSize(0) != nonZeros ||
      (!isLinear && indices->type.getDimSize(1) != rank))
    return fail("is sparse with " + Twine(nonZeros) +
                " values and indices of a shape that does not fit them");
  if (values->type.getElementType().isInteger(4))
    return fail("is sparse with elements of 4 bits, which is not supported; store it as a dense tensor");
  Tensor dense;
  dense.type = RankedTensorType::get(sizes, values->type.getElementType());
  unsigned width = bytesOf(dense.type.getElementType());
  dense.bytes.resize(count * width);
  StringRef from = bytesInMemory(file, *values), where = bytesInMemory(file, *indices);
  auto indexAt = [&](int64_t i) {
    int64_t index;
    std::memcpy(&index, where.data() + i * sizeof(index), sizeof(index));
    return index;
  };
  for (int64_t i = 0; i < nonZeros; ++i) {
    uint64_t at = 0;
    if (isLinear)
      at = indexAt(i);
    else
      for (int64_t dim = 0; dim < rank; ++dim) {
        int64_t index = indexAt(i * rank + dim);
        if (index < 0 || index >= sizes[dim])
          return fail("is sparse with the index " + Twine(index) + " in a dimension of size " +
                      Twine(sizes[dim]));
        at = at * sizes[dim] + index;
      }
    if (at >= count)
      return fail("is sparse with an index outside its shape");
    std::memcpy(dense.bytes.data() + at * width, from.data() + i * width, width);
  }
  return dense;
}

bool isTooLarge(RankedTensorType type) {
  int64_t bytes = 8; // Of the widest element.
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size) && llvm::MulOverflow(bytes, std::max<int64_t>(size, 1), bytes))
      return true;
  return bytes > int64_t(1) << 46;
}

bool isSmallConstant(RankedTensorType type) {
  int64_t count = type.getNumElements();
  return count <= (isa<IntegerType>(type.getElementType()) ? tamis::onnx::maxKnownElements : 16);
}

DenseElementsAttr readElements(const ModelFile &file, const Tensor &tensor) {
  StringRef bytes = bytesInMemory(file, tensor);
  if (bytes.empty())
    return DenseElementsAttr::get(tensor.type, ArrayRef<Attribute>());
  if (tensor.type.getElementType().isInteger(4)) {
    SmallVector<APInt> values;
    for (int64_t i = 0; i < tensor.type.getNumElements(); ++i)
      values.push_back(APInt(4, static_cast<uint8_t>(bytes[i / 2]) >> (i % 2 * 4) & 15));
    return DenseElementsAttr::get(tensor.type, values);
  }
  if (!tensor.type.getElementType().isInteger(1))
    return DenseElementsAttr::getFromRawBuffer(tensor.type, ArrayRef(bytes.data(), bytes.size()));
  SmallVector<bool> values;
  for (char byte : bytes)
    values.push_back(byte != 0);
  return DenseElementsAttr::get(tensor.type, ArrayRef<bool>(values));
}

DenseElementsAttr readUniformBytes(const ModelFile &file, const Tensor &tensor) {
  if (tensor.type.getRank() != 1 || !tensor.type.getElementType().isInteger(8) ||
      (tensor.isInFile && tensor.file != file.name))
    return {};
  StringRef bytes = bytesInMemory(file, tensor);
  if (bytes.empty() || bytes.find_first_not_of(bytes.front()) != StringRef::npos)
    return {};
  return DenseElementsAttr::get(tensor.type, APInt(8, static_cast<uint8_t>(bytes.front())));
}

ElementsAttr makeElements(const Tensor &tensor, StringRef name) {
  if (isSmallConstant(tensor.type) && !tensor.type.getElementType().isInteger(1))
    return DenseElementsAttr::getFromRawBuffer(tensor.type,
                                               ArrayRef(tensor.bytes.data(), tensor.bytes.size()));
  return DenseResourceElementsAttr::get(
      tensor.type, name,
      HeapAsmResourceBlob::allocateAndCopyWithAlign(ArrayRef(tensor.bytes.data(), tensor.bytes.size()), 64));
}

} // namespace tamis::import
