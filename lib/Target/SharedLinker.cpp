//===- SharedLinker.cpp - LLD as a library
//--------------------------------------------------------------------------===//
#include "tamis/Target/SharedLinker.h"

#include "lld/Common/Driver.h"
#include "tamis/Target/AtomicFile.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

LLD_HAS_DRIVER(elf)

using namespace tamis;

llvm::Error tamis::linkShared(llvm::StringRef path, llvm::StringRef object) {
  // LLD reads and writes files: both lie beside the output until it is renamed.
  llvm::SmallString<256> input, output;
  if (std::error_code code = llvm::sys::fs::createUniqueFile(path + ".%%%%%%.o", input))
    return llvm::createStringError(code, "cannot write %s: %s", path.str().c_str(), code.message().c_str());
  output = input;
  output += ".so";
  llvm::scope_exit removeFiles([&] {
    llvm::sys::fs::remove(input);
    llvm::sys::fs::remove(output);
  });
  if (llvm::Error error = writeFileAtomically(input, object))
    return error;
  std::string name = llvm::sys::path::filename(path).str();
  const char *arguments[] = {"ld.lld", "-shared",      "--hash-style=gnu", "-z",      "noexecstack",
                             "-z",     "relro",        "--build-id=none",  "-soname", name.c_str(),
                             "-o",     output.c_str(), input.c_str()};
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  lld::Result result = lld::lldMain(arguments, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode)
    return llvm::createStringError(std::errc::io_error, "cannot link %s: %s", path.str().c_str(),
                                   messages.c_str());
  auto linked = llvm::MemoryBuffer::getFile(output, false, false);
  if (!linked)
    return llvm::createStringError(linked.getError(), "cannot read %s", output.c_str());
  return writeFileAtomically(path, (*linked)->getBuffer());
}
