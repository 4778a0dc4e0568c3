//===- TokenCache.h - Which rows of a cache are read ----------------------------------------------------===//
#ifndef TAMIS_DIALECT_TOKEN_IR_TOKENCACHE_H
#define TAMIS_DIALECT_TOKEN_IR_TOKENCACHE_H

#include "tamis/Dialect/Token/IR/TokenDialect.h"

#define GET_OP_CLASSES
#include "tamis/Dialect/Token/IR/TokenCacheOps.h.inc"

#endif
