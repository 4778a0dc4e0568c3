//===- Progress.h - How far a command that takes long is ------------------------------===//
#ifndef TAMIS_TOOLS_PROGRESS_H
#define TAMIS_TOOLS_PROGRESS_H

#include <cstdint>
#include <string>

namespace tamis::tools {

/// A line on standard error that says what is going on, and is gone in the end. Silent for the first second,
/// and when standard error is no terminal.
class Progress {
public:
  Progress();
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// Whether a line would be shown now; asked before a text is made.
  bool isDue() const;
  void show(const std::string &text);

  double seconds() const;

private:
  bool terminal, shown = false;
  int64_t begin, last;
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_PROGRESS_H
