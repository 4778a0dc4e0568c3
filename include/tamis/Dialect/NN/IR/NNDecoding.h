//===- NNDecoding.h - What a decoder keeps from one step to the next
//-------------------------------------===//
#ifndef TAMIS_DIALECT_NN_IR_NNDECODING_H
#define TAMIS_DIALECT_NN_IR_NNDECODING_H

#include "tamis/Dialect/NN/IR/NNDialect.h"

#define GET_OP_CLASSES
#include "tamis/Dialect/NN/IR/NNDecodingOps.h.inc"

#endif
