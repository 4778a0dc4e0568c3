//===- Error.h - Messages, options with a size, and names in messages -----------------------------------===//
#ifndef TAMIS_RUNTIME_ERROR_H
#define TAMIS_RUNTIME_ERROR_H

#include "tamis/runtime.h"
#include <cstring>

namespace tamis {

/// Writes the message into `error`, if there is one, cut to its size, and returns `status`.
[[gnu::format(printf, 3, 4)]] TamisStatus fail(TamisError *error, TamisStatus status, const char *format,
                                               ...);

/// Sends one line to the logger, if there is one.
[[gnu::format(printf, 4, 5)]] void log(TamisLogger logger, void *user, TamisLogLevel level,
                                       const char *format, ...);

/// Reads a caller's options into `out`, which holds the defaults: as many bytes as both sides know. Null
/// options are the defaults. False when the size is no struct's at all.
template <typename T> bool readOptions(const T *options, T &out) {
  if (!options)
    return true;
  if (options->size < sizeof(size_t))
    return false;
  memcpy(&out, options, options->size < sizeof(T) ? options->size : sizeof(T));
  return true;
}

/// A printf format for a name from a model: long ones are cut so that the reason still fits.
#define TAMIS_NAME "'%.120s'"

} // namespace tamis

#endif
