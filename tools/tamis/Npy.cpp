//===- Npy.cpp - NumPy's file format for one array -------------------------------===//

#include "Npy.h"

#include "ExitCode.h"
#include "File.h"

#include <cstring>
#include <fmt/format.h>

namespace tamis::tools {

namespace {

constexpr std::string_view magic = "\x93NUMPY";

struct Descriptor {
  std::string_view text; // without the byte order
  TamisType type;
};
constexpr Descriptor descriptors[] = {
    {"b1", TAMIS_BOOL}, {"i1", TAMIS_I8},  {"u1", TAMIS_U8},  {"i2", TAMIS_I16}, {"u2", TAMIS_U16},
    {"i4", TAMIS_I32},  {"u4", TAMIS_U32}, {"i8", TAMIS_I64}, {"u8", TAMIS_U64}, {"f2", TAMIS_F16},
    {"f4", TAMIS_F32},  {"f8", TAMIS_F64}, {"V2", TAMIS_BF16}};

/// Reads the header's text: a Python dictionary of three entries.
class HeaderParser {
public:
  HeaderParser(std::string_view text, const std::string &source) : text(text), source(source) {}

  NpyHeader parse() {
    NpyHeader header{};
    bool seenType = false, seenOrder = false, seenShape = false;
    expect('{');
    while (!accept('}')) {
      std::string_view key = string();
      expect(':');
      if (key == "descr" && !seenType) {
        seenType = true;
        header.type = descriptor();
      } else if (key == "fortran_order" && !seenOrder) {
        seenOrder = true;
        header.fortranOrder = boolean();
      } else if (key == "shape" && !seenShape) {
        seenShape = true;
        header.dims = shape();
      } else {
        damaged();
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skipBlanks();
    if (!text.empty() || !seenType || !seenOrder || !seenShape)
      damaged();
    return header;
  }

private:
  [[noreturn]] void damaged() const {
    throw ToolError(ExitCode::Refused, fmt::format("{}: the npy header is damaged", source));
  }

  void skipBlanks() {
    size_t used = text.find_first_not_of(" \t\n\r");
    text.remove_prefix(used == std::string_view::npos ? text.size() : used);
  }

  bool accept(char c) {
    skipBlanks();
    if (text.empty() || text.front() != c)
      return false;
    text.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!accept(c))
      damaged();
  }

  std::string_view string() {
    skipBlanks();
    if (text.empty() || (text.front() != '\'' && text.front() != '"'))
      damaged();
    size_t end = text.find(text.front(), 1);
    if (end == std::string_view::npos)
      damaged();
    std::string_view result = text.substr(1, end - 1);
    text.remove_prefix(end + 1);
    return result;
  }

  bool boolean() {
    skipBlanks();
    for (std::string_view word : {"True", "False"}) {
      if (text.starts_with(word)) {
        text.remove_prefix(word.size());
        return word == "True";
      }
    }
    damaged();
  }

  TamisType descriptor() {
    skipBlanks();
    if (!text.empty() && text.front() == '[')
      throw ToolError(ExitCode::Refused,
                      fmt::format("{}: is a structured array; save one plain array a name", source));
    std::string_view full = string();
    std::string_view name = full;
    char order = name.empty() ? ' ' : name.front();
    if (order == '<' || order == '>' || order == '|' || order == '=')
      name.remove_prefix(1);
    for (const Descriptor &entry : descriptors) {
      if (entry.text != name)
        continue;
      if (order == '>' && tamis_type_size(entry.type) > 1)
        throw ToolError(ExitCode::Refused, fmt::format("{}: is big-endian; save it as '<{}'", source, name));
      return entry.type;
    }
    throw ToolError(ExitCode::Refused,
                    fmt::format("{}: elements of type '{}' are not supported", source, full));
  }

  std::vector<int64_t> shape() {
    std::vector<int64_t> dims;
    expect('(');
    while (!accept(')')) {
      dims.push_back(number());
      if (dims.size() > TAMIS_MAX_DIMENSIONS)
        throw ToolError(ExitCode::Refused,
                        fmt::format("{}: has more than {} dimensions", source, TAMIS_MAX_DIMENSIONS));
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return dims;
  }

  int64_t number() {
    skipBlanks();
    int64_t value = 0;
    size_t digits = 0;
    for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits)
      if (__builtin_mul_overflow(value, 10, &value) ||
          __builtin_add_overflow(value, text[digits] - '0', &value))
        damaged();
    if (digits == 0)
      damaged();
    text.remove_prefix(digits);
    // Python 2 wrote long integers with this suffix.
    if (text.starts_with('L'))
      text.remove_prefix(1);
    return value;
  }

  std::string_view text;
  const std::string &source;
};

} // namespace

NpyHeader parseNpyHeader(std::span<const std::byte> bytes, const std::string &source) {
  std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  if (!text.starts_with(magic))
    throw ToolError(ExitCode::Refused, fmt::format("{}: is not an npy array", source));
  auto byteAt = [&](size_t i) { return static_cast<size_t>(static_cast<unsigned char>(text[i])); };
  size_t version = text.size() > 7 ? byteAt(6) : 0;
  size_t start = version == 1 ? 10 : 12;
  if (text.size() < start)
    throw ToolError(ExitCode::Refused, fmt::format("{}: is cut off in the npy header", source));
  if (version < 1 || version > 3 || byteAt(7) != 0)
    throw ToolError(ExitCode::Refused, fmt::format("{}: npy version {}.{} is not supported (1.0 to 3.0 are)",
                                                   source, version, byteAt(7)));
  size_t length = byteAt(8) | byteAt(9) << 8;
  if (version > 1)
    length |= byteAt(10) << 16 | byteAt(11) << 24;
  if (start + length > npyMaxHeaderBytes)
    throw ToolError(ExitCode::Refused, fmt::format("{}: the npy header is damaged (too long)", source));
  if (text.size() - start < length)
    throw ToolError(ExitCode::Refused, fmt::format("{}: is cut off in the npy header", source));
  NpyHeader header = HeaderParser(text.substr(start, length), source).parse();
  header.headerBytes = start + length;
  std::optional<size_t> payload = byteCount(header.type, header.dims);
  if (!payload)
    throw ToolError(ExitCode::Refused, fmt::format("{}: its shape is too large to address", source));
  header.payloadBytes = *payload;
  return header;
}

Tensor parseNpy(std::span<const std::byte> bytes, const std::string &source) {
  NpyHeader header = parseNpyHeader(bytes, source);
  size_t present = bytes.size() - header.headerBytes;
  if (present != header.payloadBytes)
    throw ToolError(ExitCode::Refused,
                    fmt::format("{}: {} needs {} bytes, the file holds {}", source,
                                shapeText(header.type, header.dims), header.payloadBytes, present));
  Tensor tensor = Tensor::allocate(header.type, header.dims, source);
  if (present)
    std::memcpy(tensor.data(), bytes.data() + header.headerBytes, present);
  return header.fortranOrder ? toRowMajor(std::move(tensor), source) : std::move(tensor);
}

Tensor readNpyFile(const std::string &path) { return parseNpy(readFile(path), "'" + path + "'"); }

Tensor toRowMajor(Tensor tensor, const std::string &source) {
  std::span<const int64_t> dims = tensor.dims();
  if (dims.size() < 2 || tensor.bytes() == 0)
    return tensor;
  Tensor result = Tensor::allocate(tensor.type(), dims, source);
  size_t size = tamis_type_size(tensor.type());
  size_t strides[TAMIS_MAX_DIMENSIONS];
  size_t stride = size;
  for (size_t i = 0; i < dims.size(); ++i) {
    strides[i] = stride;
    stride *= static_cast<size_t>(dims[i]);
  }
  int64_t index[TAMIS_MAX_DIMENSIONS] = {};
  size_t from = 0;
  for (size_t to = 0; to < result.bytes(); to += size) {
    std::memcpy(result.data() + to, tensor.data() + from, size);
    for (size_t i = dims.size(); i-- > 0;) {
      from += strides[i];
      if (++index[i] < dims[i])
        break;
      from -= strides[i] * static_cast<size_t>(dims[i]);
      index[i] = 0;
    }
  }
  return result;
}

std::string formatNpyHeader(TamisType type, std::span<const int64_t> dims) {
  std::string descriptor;
  for (const Descriptor &entry : descriptors)
    if (entry.type == type)
      descriptor = (tamis_type_size(type) == 1 || type == TAMIS_BF16 ? "|" : "<") + std::string(entry.text);
  std::string shape;
  for (size_t i = 0; i < dims.size(); ++i)
    shape += fmt::format("{}{}", i ? ", " : "", dims[i]);
  if (dims.size() == 1)
    shape += ",";
  std::string text =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", descriptor, shape);
  size_t total = (10 + text.size() + 1 + 63) / 64 * 64;
  text.resize(total - 10 - 1, ' ');
  text += '\n';
  std::string header(magic);
  header += {'\x01', '\x00', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return header + text;
}

} // namespace tamis::tools
