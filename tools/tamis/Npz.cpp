//===- Npz.cpp - NumPy's file format for several arrays: a zip of npy files ------===//

#include "Npz.h"

#include "ExitCode.h"
#include "File.h"
#include "Npy.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <filesystem>
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

/// Where libzip writes: a file that has no name yet. libzip's own way of files would make another beside it.
class ZipTarget {
public:
  explicit ZipTarget(AtomicFile &file) : file(file) { zip_error_init(&error); }
  ~ZipTarget() { zip_error_fini(&error); }
  ZipTarget(const ZipTarget &) = delete;
  ZipTarget &operator=(const ZipTarget &) = delete;

  static zip_int64_t handle(void *self, void *data, zip_uint64_t length, zip_source_cmd_t command) {
    return static_cast<ZipTarget *>(self)->handle(data, length, command);
  }

  /// What writing threw: exceptions do not pass through libzip.
  std::exception_ptr failure;

private:
  zip_int64_t handle(void *data, zip_uint64_t length, zip_source_cmd_t command) {
    switch (command) {
    case ZIP_SOURCE_SUPPORTS:
      return zip_source_make_command_bitmap(
          ZIP_SOURCE_OPEN, ZIP_SOURCE_READ, ZIP_SOURCE_CLOSE, ZIP_SOURCE_STAT, ZIP_SOURCE_ERROR,
          ZIP_SOURCE_FREE, ZIP_SOURCE_SEEK, ZIP_SOURCE_TELL, ZIP_SOURCE_SUPPORTS, ZIP_SOURCE_REMOVE,
          ZIP_SOURCE_BEGIN_WRITE, ZIP_SOURCE_COMMIT_WRITE, ZIP_SOURCE_ROLLBACK_WRITE, ZIP_SOURCE_WRITE,
          ZIP_SOURCE_SEEK_WRITE, ZIP_SOURCE_TELL_WRITE, -1);
    case ZIP_SOURCE_STAT: {
      auto *status = static_cast<zip_stat_t *>(data);
      zip_stat_init(status);
      status->size = 0;
      status->valid = ZIP_STAT_SIZE;
      return sizeof(*status);
    }
    case ZIP_SOURCE_ERROR:
      return zip_error_to_data(&error, data, length);
    case ZIP_SOURCE_WRITE:
      try {
        file.write({static_cast<const char *>(data), length}, position);
      } catch (...) {
        failure = std::current_exception();
        zip_error_set(&error, ZIP_ER_WRITE, 0);
        return -1;
      }
      position += length;
      end = std::max(end, position);
      return static_cast<zip_int64_t>(length);
    case ZIP_SOURCE_SEEK_WRITE: {
      zip_int64_t to = zip_source_seek_compute_offset(position, end, data, length, &error);
      if (to < 0)
        return -1;
      position = static_cast<zip_uint64_t>(to);
      return 0;
    }
    case ZIP_SOURCE_TELL_WRITE:
      return static_cast<zip_int64_t>(position);
    default: // There is nothing to read, and AtomicFile begins and ends.
      return 0;
    }
  }

  AtomicFile &file;
  zip_uint64_t position = 0, end = 0;
  zip_error_t error;
};

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

std::vector<std::string> npzFilesIn(const std::string &folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (const std::filesystem::directory_entry &entry : std::filesystem::directory_iterator(folder, error))
    if (entry.path().extension() == ".npz")
      files.push_back(entry.path());
  if (error)
    throw ToolError(ExitCode::System, fmt::format("{}: {}", folder, error.message()));
  if (files.empty())
    throw ToolError(ExitCode::Refused,
                    fmt::format("{}: holds no .npz file; give requests as npz files", folder));
  std::sort(files.begin(), files.end());
  return files;
}

void writeNpz(const std::string &path, const std::vector<NamedValue> &values) {
  AtomicFile file(path);
  ZipTarget target(file);
  zip_error_t error;
  zip_error_init(&error);
  zip_source_t *sink = zip_source_function_create(ZipTarget::handle, &target, &error);
  Archive archive(sink ? zip_open_from_source(sink, ZIP_CREATE | ZIP_TRUNCATE, &error) : nullptr);
  if (!archive) {
    zip_source_free(sink);
    failWriting(path, zip_error_strerror(&error));
  }
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
  if (zip_close(archive.get()) != 0) {
    if (target.failure)
      std::rethrow_exception(target.failure);
    failWriting(path, zip_strerror(archive.get()));
  }
  (void)archive.release();
  file.commit();
}

} // namespace tamis::tools
