//===- Error.cpp - Messages of the runtime --------------------------------------------------------------===//
#include "Error.h"
#include <cstdarg>
#include <cstddef>
#include <cstdio>

using namespace tamis;

TamisStatus tamis::fail(TamisError *error, TamisStatus status, const char *format, ...) {
  constexpr size_t before = offsetof(TamisError, message);
  if (!error || error->size <= before)
    return status;
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(error->message, error->size - before, format, arguments);
  va_end(arguments);
  return status;
}

void tamis::log(TamisLogger logger, void *user, TamisLogLevel level, const char *format, ...) {
  if (!logger)
    return;
  char line[512];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof(line), format, arguments);
  va_end(arguments);
  logger(user, level, line);
}

extern "C" const char *tamis_version(void) { return "0.1.0"; }

extern "C" size_t tamis_type_size(TamisType type) {
  switch (type) {
  case TAMIS_U8:
  case TAMIS_I8:
  case TAMIS_BOOL:
    return 1;
  case TAMIS_U16:
  case TAMIS_I16:
  case TAMIS_F16:
  case TAMIS_BF16:
    return 2;
  case TAMIS_F32:
  case TAMIS_I32:
  case TAMIS_U32:
    return 4;
  case TAMIS_I64:
  case TAMIS_F64:
  case TAMIS_U64:
    return 8;
  }
  return 0;
}
