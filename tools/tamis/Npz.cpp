//===- Npz.cpp - NumPy's file format for several arrays: a zip of npy files ------===//

#include "Npz.h"

#include "ExitCode.h"
#include "File.h"
#include "Npy.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <sys/stat.h>
#include <zip.h>

namespace tamis::tools {

namespace {

/// Deflate cannot shrink data further than this; a file that says so lies about its size.
constexpr zip_uint64_t maxDeflateRatio = 1032;
/// One array that is larger is a mistake, or an attack.
constexpr zip_uint64_t maxArrayBytes = zip_uint64_t{1} << 40;

struct DiscardArchive {
  void operator()(zip_t *archive) const { zip_discard(archive); }
};
using Archive = std::unique_ptr<zip_t, DiscardArchive>;

struct CloseMember {
  void operator()(zip_file_t *member) const { zip_fclose(member); }
};
using Member = std::unique_ptr<zip_file_t, CloseMember>;

std::string zipErrorText(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

/// Failures of the file system, as against those of the file's content.
bool isSystemError(int code) {
  switch (code) {
  case ZIP_ER_OPEN:
  case ZIP_ER_READ:
  case ZIP_ER_SEEK:
  case ZIP_ER_MEMORY:
  case ZIP_ER_NOENT:
    return true;
  }
  return false;
}

Archive openForReading(const std::string &path) {
  // libzip calls a folder "not a zip archive"; and only a regular file can be sought in.
  struct stat status;
  if (::stat(path.c_str(), &status) != 0)
    throw ToolError(ExitCode::System, fmt::format("cannot open '{}': {}", path, std::strerror(errno)));
  if (!S_ISREG(status.st_mode))
    throw ToolError(ExitCode::System, fmt::format("cannot open '{}': it is not a regular file", path));
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (archive)
    return archive;
  if (isSystemError(code))
    throw ToolError(ExitCode::System, fmt::format("cannot open '{}': {}", path, zipErrorText(code)));
  throw ToolError(ExitCode::Refused, fmt::format("'{}' is no npz file: {}", path, zipErrorText(code)));
}

/// Reads up to `capacity` bytes; fewer only at the member's end.
size_t readFully(zip_file_t *member, std::byte *data, size_t capacity, const std::string &source) {
  size_t used = 0;
  while (used < capacity) {
    zip_int64_t got = zip_fread(member, data + used, std::min<size_t>(capacity - used, size_t{1} << 30));
    if (got < 0) {
      int code = zip_error_code_zip(zip_file_get_error(member));
      throw ToolError(isSystemError(code) ? ExitCode::System : ExitCode::Refused,
                      fmt::format("{}: cannot be read: {}", source, zipErrorText(code)));
    }
    if (got == 0)
      break;
    used += static_cast<size_t>(got);
  }
  return used;
}

Tensor readMember(zip_t *archive, zip_uint64_t index, const zip_stat_t &info, const std::string &source) {
  constexpr zip_uint64_t wanted =
      ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  auto refuse = [&](const std::string &why) { throw ToolError(ExitCode::Refused, source + ": " + why); };
  if ((info.valid & wanted) != wanted)
    refuse("its entry in the npz file is damaged");
  if (info.encryption_method != ZIP_EM_NONE)
    refuse("is encrypted");
  if (info.comp_method != ZIP_CM_STORE && info.comp_method != ZIP_CM_DEFLATE)
    refuse(fmt::format("compression method {} is not supported (stored and deflate are)", info.comp_method));
  bool possible = info.comp_method == ZIP_CM_STORE ? info.size == info.comp_size
                                                   : info.size / maxDeflateRatio <= info.comp_size;
  if (!possible || info.size > maxArrayBytes)
    refuse("its entry in the npz file is damaged (impossible size)");
  Member member(zip_fopen_index(archive, index, 0));
  if (!member)
    refuse(fmt::format("cannot be read: {}", zip_strerror(archive)));

  std::vector<std::byte> prefix(std::min<zip_uint64_t>(info.size, npyMaxHeaderBytes));
  size_t present = readFully(member.get(), prefix.data(), prefix.size(), source);
  NpyHeader header = parseNpyHeader({prefix.data(), present}, source);
  if (info.size - header.headerBytes != header.payloadBytes)
    refuse(fmt::format("{} needs {} bytes, the file holds {}", shapeText(header.type, header.dims),
                       header.payloadBytes, info.size - header.headerBytes));
  Tensor tensor = Tensor::allocate(header.type, header.dims, source);
  size_t used = present - header.headerBytes;
  if (used)
    std::memcpy(tensor.data(), prefix.data() + header.headerBytes, used);
  used += readFully(member.get(), tensor.data() + used, tensor.bytes() - used, source);
  // Reading at the end is what makes libzip compare the checksum.
  std::byte extra;
  if (used != tensor.bytes() || readFully(member.get(), &extra, 1, source) != 0)
    refuse("its size is not what the npz file says");
  return header.fortranOrder ? toRowMajor(std::move(tensor), source) : std::move(tensor);
}

[[noreturn]] void failWriting(const std::string &path, const std::string &why) {
  throw ToolError(ExitCode::System, fmt::format("cannot write '{}': {}", path, why));
}

} // namespace

TensorMap readNpz(const std::string &path) {
  Archive archive = openForReading(path);
  TensorMap tensors;
  zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t info;
    zip_stat_init(&info);
    const char *raw = zip_get_name(archive.get(), static_cast<zip_uint64_t>(i), ZIP_FL_ENC_GUESS);
    if (!raw || zip_stat_index(archive.get(), static_cast<zip_uint64_t>(i), 0, &info) != 0)
      throw ToolError(ExitCode::Refused, fmt::format("'{}': entry {} is damaged", path, i));
    std::string name = raw;
    if (!name.ends_with(".npy"))
      throw ToolError(
          ExitCode::Refused,
          fmt::format("'{}': '{}' is not an npy array; an npz file holds nothing else", path, name));
    name.resize(name.size() - 4);
    std::string source = fmt::format("'{}': '{}'", path, name);
    Tensor tensor = readMember(archive.get(), static_cast<zip_uint64_t>(i), info, source);
    if (!tensors.emplace(name, std::move(tensor)).second)
      throw ToolError(ExitCode::Refused, fmt::format("{}: is there twice", source));
  }
  return tensors;
}

void writeNpz(const std::string &path, const std::vector<NamedValue> &values) {
  AtomicFile file(path);
  int code = 0;
  Archive archive(zip_open(file.temporaryPath().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code));
  if (!archive)
    failWriting(path, zipErrorText(code));
  std::vector<std::string> headers;
  headers.reserve(values.size()); // libzip keeps pointers into them
  for (const NamedValue &entry : values) {
    const TamisValue &value = entry.value;
    headers.push_back(formatNpyHeader(value.type, dimsOf(value)));
    zip_buffer_fragment_t parts[2];
    parts[0].data = reinterpret_cast<zip_uint8_t *>(headers.back().data());
    parts[0].length = headers.back().size();
    parts[1].data = static_cast<zip_uint8_t *>(const_cast<void *>(value.data));
    parts[1].length = byteCount(value.type, dimsOf(value)).value();
    zip_source_t *content = zip_source_buffer_fragment(archive.get(), parts, parts[1].length ? 2 : 1, 0);
    if (!content)
      failWriting(path, zip_strerror(archive.get()));
    zip_int64_t index = zip_file_add(archive.get(), (entry.name + ".npy").c_str(), content, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(content);
      failWriting(path, zip_strerror(archive.get()));
    }
    // No compression: outputs are mostly noise. A fixed time: the same arrays give the same bytes.
    zip_uint64_t entryIndex = static_cast<zip_uint64_t>(index);
    zip_set_file_compression(archive.get(), entryIndex, ZIP_CM_STORE, 0);
    zip_file_set_dostime(archive.get(), entryIndex, 0, (1 << 5) | 1, 0);
  }
  // Closing is what writes. It frees the archive only when it succeeds.
  if (zip_close(archive.get()) != 0)
    failWriting(path, zip_strerror(archive.get()));
  (void)archive.release();
  file.commit();
}

} // namespace tamis::tools
