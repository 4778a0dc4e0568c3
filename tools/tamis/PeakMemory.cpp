//===- PeakMemory.cpp - The most memory that this program had ---------------------------===//

#include "PeakMemory.h"

#include <charconv>
#include <fstream>
#include <string>
#include <sys/resource.h>

namespace tamis::tools {

uint64_t peakMemory() {
  // getrusage also counts what the process had before its exec, which is its parent's: hundreds of megabytes
  // below a Python script.
  constexpr std::string_view key = "VmHWM:";
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with(key))
      continue;
    size_t digits = line.find_first_of("0123456789");
    uint64_t kibibytes = 0;
    if (digits != std::string::npos &&
        std::from_chars(line.data() + digits, line.data() + line.size(), kibibytes).ec == std::errc())
      return kibibytes * 1024;
  }
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<uint64_t>(usage.ru_maxrss) * 1024;
}

} // namespace tamis::tools
