//===- RTDecoding.h - What a decoder's code asks of the runtime
//------------------------------------------===//
#ifndef TAMIS_DIALECT_RT_IR_RTDECODING_H
#define TAMIS_DIALECT_RT_IR_RTDECODING_H

#include "tamis/Dialect/RT/IR/RTDialect.h"

#define GET_OP_CLASSES
#include "tamis/Dialect/RT/IR/RTDecodingOps.h.inc"

#endif
