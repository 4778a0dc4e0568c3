//===- ModelFile.cpp - An ONNX file, mapped and parsed -------------------------------------------------===//
#include "ModelFile.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/ConvertUTF.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace tamis::import {
namespace {

enum WireType : unsigned { Varint = 0, Fixed64 = 1, Bytes = 2, StartGroup = 3, EndGroup = 4, Fixed32 = 5 };

/// The messages on the way to a tensor, and which of their fields lead on.
enum class Message { Model, Graph, Function, Node, Attribute, Sparse, Tensor };

std::optional<Message> fieldMessage(Message message, unsigned field) {
  switch (message) {
  case Message::Model:
    return field == 7    ? std::optional(Message::Graph)
           : field == 25 ? std::optional(Message::Function)
                         : std::nullopt;
  case Message::Graph:
    return field == 1    ? std::optional(Message::Node)
           : field == 5  ? std::optional(Message::Tensor)
           : field == 15 ? std::optional(Message::Sparse)
                         : std::nullopt;
  case Message::Function:
    return field == 7 ? std::optional(Message::Node) : std::nullopt;
  case Message::Node:
    return field == 5 ? std::optional(Message::Attribute) : std::nullopt;
  case Message::Attribute:
    return field == 5    ? std::optional(Message::Tensor)
           : field == 6  ? std::optional(Message::Graph)
           : field == 22 ? std::optional(Message::Sparse)
                         : std::nullopt;
  case Message::Sparse:
    return field == 1 || field == 2 ? std::optional(Message::Tensor) : std::nullopt;
  case Message::Tensor:
    return std::nullopt;
  }
  llvm_unreachable("all messages are listed");
}

constexpr unsigned rawDataField = 9, segmentField = 3;

/// Copies a message without the tensors' raw_data.
class Stripper {
public:
  explicit Stripper(StringRef file) : file(file) {}

  bool strip(uint64_t begin, uint64_t end, Message message, std::string &out, unsigned depth = 0);
  /// Why strip failed.
  std::string error;

private:
  bool fail(const Twine &reason) {
    error = reason.str();
    return false;
  }
  bool readVarint(uint64_t &at, uint64_t end, uint64_t &value);
  static void writeVarint(uint64_t value, std::string &out) {
    for (; value >= 128; value >>= 7)
      out.push_back(static_cast<char>(value | 128));
    out.push_back(static_cast<char>(value));
  }

  StringRef file;
};

bool Stripper::readVarint(uint64_t &at, uint64_t end, uint64_t &value) {
  value = 0;
  for (unsigned shift = 0; at < end && shift < 64; shift += 7) {
    auto byte = static_cast<uint8_t>(file[at++]);
    value |= static_cast<uint64_t>(byte & 127) << shift;
    if (byte < 128)
      return true;
  }
  return fail("it ends in the middle of a number, or a number is too long, at byte " + Twine(at));
}

bool Stripper::strip(uint64_t at, uint64_t end, Message message, std::string &out, unsigned depth) {
  if (depth > 64)
    return fail("its graphs are nested too deeply");
  while (at < end) {
    uint64_t begin = at, key, length = 0;
    if (!readVarint(at, end, key))
      return false;
    uint64_t field = key >> 3;
    if (field == 0 || field > 0x1fffffff)
      return fail("there is no field " + Twine(field) + ", at byte " + Twine(begin));
    switch (key & 7) {
    case Varint:
      if (!readVarint(at, end, length))
        return false;
      length = 0;
      break;
    case Fixed64:
      length = 8;
      break;
    case Fixed32:
      length = 4;
      break;
    case Bytes:
      if (!readVarint(at, end, length))
        return false;
      break;
    default:
      return fail("a field has a type that ONNX does not use, at byte " + Twine(begin));
    }
    if (length > end - at)
      return fail("it ends in the middle of a field of " + Twine(length) + " bytes that starts at byte " +
                  Twine(at));
    uint64_t content = at;
    at += length;
    bool isBytes = (key & 7) == Bytes;
    if (message == Message::Tensor && field == segmentField)
      return fail("a tensor is cut into segments, which ONNX does not define");
    if (message == Message::Tensor && field == rawDataField && isBytes) {
      std::string range;
      range.push_back(1 << 3);
      writeVarint(content, range);
      range.push_back(2 << 3);
      writeVarint(at, range);
      out.push_back(segmentField << 3 | Bytes);
      writeVarint(range.size(), out);
      out += range;
      continue;
    }
    std::optional<Message> inner = isBytes ? fieldMessage(message, field) : std::nullopt;
    if (!inner) {
      out.append(file.data() + begin, at - begin);
      continue;
    }
    std::string stripped;
    if (!strip(content, at, *inner, stripped, depth + 1))
      return false;
    writeVarint(key, out);
    writeVarint(stripped.size(), out);
    out += stripped;
  }
  return true;
}

} // namespace

std::optional<FileError> readModel(StringRef path, ModelFile &file) {
  sys::fs::file_status status;
  SmallString<256> real;
  std::error_code error = sys::fs::real_path(path, real);
  if (!error)
    error = sys::fs::status(real, status);
  if (error)
    return FileError{"the file cannot be opened: " + error.message() + "; check the path", true};
  if (status.type() != sys::fs::file_type::regular_file)
    return FileError{"it is not a regular file; give the path of an ONNX file", true};
  auto buffer = MemoryBuffer::getFile(real, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!buffer)
    return FileError{"the file cannot be read: " + buffer.getError().message() + "; check its permissions",
                     true};
  file.bytes = std::move(*buffer);
  file.folder = sys::path::parent_path(real).str();
  file.name = sys::path::filename(real).str();

  StringRef bytes = file.bytes->getBuffer();
  if (bytes.empty())
    return FileError{"the file is empty; export or download it again"};
  Stripper stripper(bytes);
  std::string stripped;
  if (!stripper.strip(0, bytes.size(), Message::Model, stripped))
    return FileError{"it is no ONNX model, or a damaged one: " + stripper.error +
                     "; export or download it again"};
  if (stripped.size() > INT32_MAX)
    return FileError{"its graph takes more than 2 GiB; store tensors as raw_data or as external data"};
  if (!file.model.ParsePartialFromArray(stripped.data(), stripped.size()))
    return FileError{
        "it is no ONNX model, or a damaged one: a message in it is not well-formed, or its graphs are "
        "nested too deeply; export or download it again"};
  if (!file.model.has_graph())
    return FileError{"it holds no graph; check that it is an ONNX file"};
  return std::nullopt;
}

std::string escape(StringRef text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    auto byte = static_cast<unsigned char>(text[i]);
    unsigned length = getNumBytesForUTF8(byte);
    auto *begin = reinterpret_cast<const UTF8 *>(text.data() + i);
    if (byte >= 32 && byte != 127 && i + length <= text.size() &&
        isLegalUTF8Sequence(begin, begin + length)) {
      result.append(text.data() + i, length);
      i += length;
    } else {
      result += "\\x" + utohexstr(byte, /*LowerCase=*/true, 2);
      ++i;
    }
  }
  return result;
}

} // namespace tamis::import
