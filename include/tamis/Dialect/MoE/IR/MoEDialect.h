//===- MoEDialect.h - The moe dialect and its ops -------------------------------------------------------===//
#ifndef TAMIS_DIALECT_MOE_IR_MOEDIALECT_H
#define TAMIS_DIALECT_MOE_IR_MOEDIALECT_H

#include "tamis/Dialect/NN/IR/NNDialect.h"

#include <limits>

#include "tamis/Dialect/MoE/IR/MoEDialect.h.inc"
#include "tamis/Dialect/MoE/IR/MoEEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "tamis/Dialect/MoE/IR/MoEAttrs.h.inc"

#define GET_OP_CLASSES
#include "tamis/Dialect/MoE/IR/MoEOps.h.inc"

#endif
