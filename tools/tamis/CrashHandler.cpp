//===- CrashHandler.cpp - A defect ends with a message and exit code 70 --------------===//

#include "CrashHandler.h"

#include "ExitCode.h"

#include <csignal>
#include <cstring>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(x) 0
#endif

namespace tamis::tools {

namespace {

void writeText(const char *text) {
  // Nothing can be done about a failure here.
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
}

/// Uses only what is safe in a signal handler.
[[maybe_unused]] void handleCrash(int number) {
  writeText("tamis: error: internal error: ");
  switch (number) {
  case SIGABRT:
    writeText("a check failed\n");
    break;
  case SIGBUS:
    writeText("a mapped file changed while in use, or memory was misused\n");
    break;
  default:
    writeText("memory was misused or an instruction is not valid\n");
  }
  writeText(howToReport);
  ::_exit(static_cast<int>(ExitCode::Internal));
}

} // namespace

void installCrashHandler() {
#if !__has_feature(address_sanitizer)
  // A stack of its own, since an overflow of the stack is one of the causes.
  static char stack[32768];
  stack_t alternative{};
  alternative.ss_sp = stack;
  alternative.ss_size = sizeof(stack);
  ::sigaltstack(&alternative, nullptr);
  struct sigaction action{};
  action.sa_handler = handleCrash;
  action.sa_flags = SA_ONSTACK | SA_RESETHAND;
  for (int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT})
    ::sigaction(number, &action, nullptr);
#endif
}

} // namespace tamis::tools
