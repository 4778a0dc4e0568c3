//===- SharedLinker.cpp - LLD as a library -------------------------------------------------------------===//
#include "tamis/Target/SharedLinker.h"

#include "lld/Common/Driver.h"
#include "tamis/Target/AtomicFile.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <cerrno>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

LLD_HAS_DRIVER(elf)

using namespace tamis;

namespace {
/// A pipe into a file: what takes only a path can write to it and yet make no file of its own.
class PipeInto {
public:
  static llvm::Expected<std::unique_ptr<PipeInto>> create(AtomicFile &file) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC))
      return llvm::createStringError(std::error_code(errno, std::generic_category()), "cannot make a pipe");
    return std::unique_ptr<PipeInto>(new PipeInto(file, ends[0], ends[1]));
  }
  ~PipeInto() { llvm::consumeError(finish()); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(writeEnd); }

  /// To be called when all is written; returns the first error of the file.
  llvm::Error finish() {
    if (reader.joinable()) {
      ::close(writeEnd);
      reader.join();
      ::close(readEnd);
    }
    return std::move(problem);
  }

private:
  PipeInto(AtomicFile &file, int readEnd, int writeEnd) : readEnd(readEnd), writeEnd(writeEnd) {
    reader = std::thread([this, &file] { read(file); });
  }

  void read(AtomicFile &file) {
    std::vector<char> piece(1 << 16);
    uint64_t at = 0;
    while (true) {
      ssize_t count = ::read(readEnd, piece.data(), piece.size());
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0)
        return;
      // After an error the rest is still read, so that the writer ends.
      if (!problem)
        problem = file.write(llvm::ArrayRef(piece.data(), count), at);
      at += count;
    }
  }

  int readEnd, writeEnd;
  llvm::Error problem = llvm::Error::success();
  std::thread reader;
};
} // namespace

llvm::Error tamis::linkShared(llvm::StringRef path, llvm::StringRef object) {
  // LLD reads a file, which never gets a name, and would make one beside its output, had that a name.
  llvm::Expected<AtomicFile> input = AtomicFile::create(path), output = AtomicFile::create(path);
  if (!input || !output)
    return llvm::joinErrors(input.takeError(), output.takeError());
  if (llvm::Error error = input->write(llvm::ArrayRef(object.data(), object.size()), 0))
    return error;
  auto pipe = PipeInto::create(*output);
  if (!pipe)
    return pipe.takeError();
  std::string inputPath = input->descriptorPath(), outputPath = (*pipe)->path();
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
                             inputPath.c_str()};
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  lld::Result result = lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  llvm::Error problem = (*pipe)->finish();
  if (result.retCode)
    return llvm::joinErrors(std::move(problem),
                            llvm::createStringError(std::errc::io_error, "cannot link %s: %s",
                                                    path.str().c_str(), messages.c_str()));
  if (problem)
    return problem;
  return output->commit();
}
