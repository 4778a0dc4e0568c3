//===- InputText.cpp - Inputs as the command line spells them --------------------===//

#include "InputText.h"

#include "ExitCode.h"
#include "File.h"
#include "Npy.h"

#include <charconv>
#include <cstring>
#include <fmt/format.h>
#include <vector>

namespace tamis::tools {

namespace {

[[noreturn]] void malformed(std::string_view name, const std::string &why) {
  throw ToolError(ExitCode::Usage, fmt::format("--input {}: {}", name, why));
}

/// Reads "2x2xi64".
std::pair<TamisType, std::vector<int64_t>> parseShape(std::string_view text, std::string_view name) {
  std::vector<int64_t> dims;
  std::string_view rest = text;
  for (size_t x; (x = rest.find('x')) != std::string_view::npos; rest.remove_prefix(x + 1)) {
    int64_t dim = -1;
    auto [end, error] = std::from_chars(rest.data(), rest.data() + x, dim);
    if (error != std::errc() || end != rest.data() + x || dim < 0)
      malformed(name, fmt::format("'{}' is no shape and type such as 2x2xi64", text));
    dims.push_back(dim);
  }
  std::optional<TamisType> type = typeOfName(rest);
  if (!type)
    malformed(name,
              fmt::format("'{}' is no element type; there are bool (or i1), i8, i16, i32, i64, u8, u16, "
                          "u32, u64, f16, bf16, f32 and f64",
                          rest));
  return {*type, dims};
}

template <typename T> bool storeInteger(std::string_view word, void *data, int64_t index) {
  T value{};
  auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  std::memcpy(static_cast<std::byte *>(data) + static_cast<size_t>(index) * sizeof(T), &value, sizeof(T));
  return error == std::errc() && end == word.data() + word.size();
}

/// Writes the number `word` as element `index`; false if it is none of the type's.
bool storeWord(std::string_view word, TamisType type, void *data, int64_t index) {
  switch (type) {
  case TAMIS_BOOL: {
    bool isTrue = word == "true" || word == "1";
    static_cast<uint8_t *>(data)[index] = isTrue;
    return isTrue || word == "false" || word == "0";
  }
  case TAMIS_I8:
    return storeInteger<int8_t>(word, data, index);
  case TAMIS_I16:
    return storeInteger<int16_t>(word, data, index);
  case TAMIS_I32:
    return storeInteger<int32_t>(word, data, index);
  case TAMIS_I64:
    return storeInteger<int64_t>(word, data, index);
  case TAMIS_U8:
    return storeInteger<uint8_t>(word, data, index);
  case TAMIS_U16:
    return storeInteger<uint16_t>(word, data, index);
  case TAMIS_U32:
    return storeInteger<uint32_t>(word, data, index);
  case TAMIS_U64:
    return storeInteger<uint64_t>(word, data, index);
  default: {
    double value = 0;
    auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    storeFloat(type, data, index, value);
    return error == std::errc() && end == word.data() + word.size();
  }
  }
}

/// Reads the elements: a flat list, or brackets nested as the shape says, or one value for all.
class ElementParser {
public:
  ElementParser(std::string_view text, std::string_view name, Tensor &tensor)
      : text(text), name(name), tensor(tensor), count(elementCount(tensor.dims()).value()) {}

  void parse() {
    bool nested = text.find('[') != std::string_view::npos;
    bool flat = text.find('[', text.find('[') + 1) == std::string_view::npos;
    if (nested && !flat) {
      list(0);
    } else {
      if (nested)
        expect('[');
      while (!atEnd() && text.front() != ']')
        element();
      if (nested)
        expect(']');
    }
    if (!atEnd())
      malformed(name, fmt::format("'{}' is left over after the elements", text));
    if (!nested && stored == 1)
      splat();
    if (stored != count)
      malformed(name, fmt::format("{} has {} elements, {} are given", shapeText(tensor.type(), tensor.dims()),
                                  count, stored));
  }

private:
  bool atEnd() {
    size_t used = text.find_first_not_of(" \t\n,");
    text.remove_prefix(used == std::string_view::npos ? text.size() : used);
    return text.empty();
  }

  void expect(char c) {
    if (atEnd() || text.front() != c)
      malformed(name,
                fmt::format("'{}' is missing {}", c,
                            text.empty() ? "at the end" : fmt::format("before '{}'", text.substr(0, 20))));
    text.remove_prefix(1);
  }

  void list(size_t depth) {
    expect('[');
    int64_t items = 0;
    bool innermost = depth + 1 >= tensor.dims().size();
    for (; !atEnd() && text.front() != ']'; ++items) {
      if (innermost)
        element();
      else
        list(depth + 1);
    }
    expect(']');
    int64_t wanted = tensor.dims().empty() ? 1 : tensor.dims()[depth];
    if (items != wanted)
      malformed(name, fmt::format("dimension {} of {} has {} items, {} are given", depth,
                                  shapeText(tensor.type(), tensor.dims()), wanted, items));
  }

  void element() {
    std::string_view word = text.substr(0, std::min(text.find_first_of(" \t\n,[]"), text.size()));
    text.remove_prefix(word.size());
    if (word.empty())
      malformed(name, fmt::format("'{}' is not expected before '{}'", text.front(), text.substr(1, 20)));
    // Memory is as large as the shape: do not write beyond it, but count on, for the message.
    unsigned char discarded[8];
    bool fits = stored < count;
    if (!storeWord(word, tensor.type(), fits ? static_cast<void *>(tensor.data()) : discarded,
                   fits ? stored : 0))
      malformed(name, fmt::format("'{}' is no {}", word, typeName(tensor.type())));
    ++stored;
  }

  void splat() {
    size_t size = tamis_type_size(tensor.type());
    for (; stored < count; ++stored)
      std::memcpy(tensor.data() + static_cast<size_t>(stored) * size, tensor.data(), size);
    stored = count; // also when there are no elements
  }

  std::string_view text;
  std::string_view name;
  Tensor &tensor;
  int64_t count;
  int64_t stored = 0;
};

} // namespace

std::pair<std::string, Tensor> parseInputText(std::string_view text) {
  size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0)
    malformed(text, "is not of the form NAME=@F.npy or 'NAME=2x2xi64=[[1 2][3 4]]'");
  std::string name(text.substr(0, equals));
  std::string_view rest = text.substr(equals + 1);
  if (rest.starts_with('@'))
    return {name, readNpyFile(std::string(rest.substr(1)))};

  equals = rest.find('=');
  if (equals == std::string_view::npos)
    malformed(text, "is not of the form NAME=@F.npy or 'NAME=2x2xi64=[[1 2][3 4]]'");
  auto [type, dims] = parseShape(rest.substr(0, equals), name);
  rest.remove_prefix(equals + 1);
  Tensor tensor;
  if (rest.starts_with('@')) {
    std::string path(rest.substr(1));
    std::vector<std::byte> content = readFile(path);
    // Compared before allocating: the file bounds the memory.
    if (byteCount(type, dims) != content.size())
      throw ToolError(ExitCode::Refused, fmt::format("'{}': holds {} bytes, which is not what {} needs", path,
                                                     content.size(), shapeText(type, dims)));
    tensor = Tensor::allocate(type, dims, "'" + path + "'");
    if (!content.empty())
      std::memcpy(tensor.data(), content.data(), content.size());
  } else {
    tensor = Tensor::allocate(type, dims, "--input " + name);
    ElementParser(rest, name, tensor).parse();
  }
  return {name, std::move(tensor)};
}

} // namespace tamis::tools
