//===- Roofline.h - The peaks that a model's operations are measured against ----------===//
#ifndef TAMIS_TOOLS_ROOFLINE_H
#define TAMIS_TOOLS_ROOFLINE_H

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tamis::tools {

/// What multiplies in an operation: an ArithmeticUnit, and how many of its products make one of the
/// operation.
struct ProductUnit {
  const char *unit;
  int products = 1;

  /// "bf16-amx", "bf16-amx/3".
  std::string name() const;
};

/// The unit that operations of a kind ("nn.linear") use in the code for an ISA level, in a model whose
/// products have a precision of `tamis compile`.
ProductUnit productUnit(std::string_view kind, std::string_view precision, std::string_view isa);

/// The peaks of the threads and units that a model runs on.
struct Roofline {
  struct Level {
    std::string name;
    int64_t bytes; // of the caches that the threads use
    double rate;   // GB/s
  };
  /// The part of a peak that was reached.
  struct Share {
    std::string peak; // its name
    double share;
  };

  std::string precision, isa;
  std::map<std::string, double> units; // Gop/s
  std::vector<Level> levels;           // from L2 to DRAM, which ends the list

  /// Measures what operations of these kinds need; takes about a third of a second.
  static Roofline measure(std::string precision, std::string isa, int32_t threads,
                          const std::set<std::string> &kinds);

  /// Of `rate` Gop/s in an operation of a kind.
  Share shareOfUnit(const std::string &kind, double rate) const;
  /// Of `rate` GB/s in calls that move `callBytes`, in runs that move `runBytes`: the level is the nearest
  /// that holds what was moved since the data was last used. Weights were used a run ago; the rest has just
  /// been made by the operation before.
  Share shareOfMemory(const std::string &kind, double rate, int64_t callBytes, int64_t runBytes) const;
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_ROOFLINE_H
