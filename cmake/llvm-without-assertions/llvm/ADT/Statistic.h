//===- Statistic.h - LLVM's header, laid out as in LLVM's own build -----------------------------------===//
//
// Found before LLVM's own where Tamis has assertions and LLVM has none. NDEBUG decides the layout of
// llvm::Statistic, and so of every pass that has statistics: LLVM's code would leave members unset that ours
// then reads.
//
//===--------------------------------------------------------------------------------------------------===//

#ifdef NDEBUG
#include_next "llvm/ADT/Statistic.h"
#else
#define NDEBUG
#include_next "llvm/ADT/Statistic.h"
#undef NDEBUG
// The last inclusion decides what assert() does.
#include <cassert>
#endif
