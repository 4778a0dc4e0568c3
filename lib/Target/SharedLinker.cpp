//===- SharedLinker.cpp - LLD as a library -------------------------------------------------------------===//
#include "tamis/Target/SharedLinker.h"

#include "lld/Common/Driver.h"
#include "tamis/Target/AtomicFile.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

using namespace tamis;

namespace {
/// A pipe into memory: what takes only a path can write to it and yet make no file.
class PipeIntoMemory {
public:
  static llvm::Expected<std::unique_ptr<PipeIntoMemory>> create() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC))
      return llvm::createStringError(std::error_code(errno, std::generic_category()), "cannot make a pipe");
    return std::unique_ptr<PipeIntoMemory>(new PipeIntoMemory(ends[0], ends[1]));
  }
  ~PipeIntoMemory() { close(); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(writeEnd); }

  /// To be called when all is written.
  llvm::SmallVector<char, 0> take() {
    close();
    return std::move(bytes);
  }

private:
  PipeIntoMemory(int readEnd, int writeEnd) : readEnd(readEnd), writeEnd(writeEnd) {
    reader = std::thread([this] { read(); });
  }

  void read() {
    std::vector<char> piece(1 << 16);
    while (true) {
      ssize_t count = ::read(readEnd, piece.data(), piece.size());
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0)
        return;
      bytes.append(piece.begin(), piece.begin() + count);
    }
  }

  void close() {
    if (!reader.joinable())
      return;
    ::close(writeEnd);
    reader.join();
    ::close(readEnd);
  }

  int readEnd, writeEnd;
  llvm::SmallVector<char, 0> bytes;
  std::thread reader;
};
} // namespace

llvm::Expected<llvm::SmallVector<char, 0>> tamis::linkShared(llvm::StringRef path, llvm::StringRef object,
                                                             llvm::StringRef script) {
  // LLD reads files, which never get a name, and would make one beside its output, had that a name.
  const llvm::StringRef inputContents[] = {object, script};
  std::string inputPaths[2];
  std::vector<AtomicFile> inputs;
  for (auto [contents, inputPath] : llvm::zip_equal(inputContents, inputPaths)) {
    llvm::Expected<AtomicFile> input = AtomicFile::create(path);
    if (!input)
      return input.takeError();
    if (llvm::Error error = input->write(llvm::ArrayRef(contents.data(), contents.size()), 0))
      return error;
    inputPath = input->descriptorPath();
    inputs.push_back(std::move(*input));
  }
  auto pipe = PipeIntoMemory::create();
  if (!pipe)
    return pipe.takeError();
  std::string outputPath = (*pipe)->path();
  std::string name = llvm::sys::path::filename(path).str();
  const char *arguments[] = {"ld.lld",
                             "-shared",
                             "--hash-style=gnu",
                             "-z",
                             "noexecstack",
                             "-z",
                             "relro",
                             "--build-id=none",
                             "-soname",
                             name.c_str(),
                             "-o",
                             outputPath.c_str(),
                             inputPaths[0].c_str(),
                             inputPaths[1].c_str()};
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  lld::Result result = lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  llvm::SmallVector<char, 0> library = (*pipe)->take();
  if (result.retCode)
    return llvm::createStringError(std::errc::io_error, "cannot link %s: %s", path.str().c_str(),
                                   messages.c_str());
  return library;
}
