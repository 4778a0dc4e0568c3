//===- Cpu.h - ISA levels and the cores of this process -------------------------------------------------===//
#ifndef TAMIS_RUNTIME_CPU_H
#define TAMIS_RUNTIME_CPU_H

#include <cstddef>
#include <cstdint>

namespace tamis {

/// The rank of an ISA level that this CPU and its operating system support; higher is better; 0 when they
/// do not support it or the name is not known.
int isaRank(const char *isa);

/// Whether the runtime knows the name at all.
bool isaKnown(const char *isa);

/// Writes the supported levels into `text`, such as "x86-64-v3, x86-64-v4"; "none" when there is none.
void describeCpu(char *text, size_t bytes);

/// Cores that this process may run on, at least 1.
int32_t coreCount();

} // namespace tamis

#endif
