//===- Progress.cpp - How far a command that takes long is ----------------------------===//

#include "Progress.h"

#include "runtime/src/Clock.h"

#include <fmt/format.h>
#include <unistd.h>

namespace tamis::tools {

Progress::Progress() : terminal(::isatty(STDERR_FILENO) == 1), begin(monotonicNanoseconds()), last(begin) {}

Progress::~Progress() {
  if (shown)
    fmt::print(stderr, "\r\x1b[K");
}

bool Progress::isDue() const {
  int64_t now = monotonicNanoseconds();
  return terminal && now - begin >= 1'000'000'000 && now - last >= 200'000'000;
}

void Progress::show(const std::string &text) {
  last = monotonicNanoseconds();
  shown = true;
  fmt::print(stderr, "\r\x1b[K{}", text);
}

double Progress::seconds() const { return static_cast<double>(monotonicNanoseconds() - begin) / 1e9; }

} // namespace tamis::tools
