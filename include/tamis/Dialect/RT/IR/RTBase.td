//===- RTBase.td - The rt dialect ---------------------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_RT_IR_RTBASE
#define TAMIS_DIALECT_RT_IR_RTBASE

include "mlir/IR/OpBase.td"

def RT_Dialect : Dialect {
  let name = "rt";
  let cppNamespace = "::tamis::rt";
  let summary = "What generated code asks of the runtime";
  let description = [{
    These ops become calls through the TamisHost (runtime/include/tamis/code_abi.h), the first argument of
    every function of generated code. The operation that a profile or a message names is the op's location.
  }];
}
class RT_Op<string mnemonic, list<Trait> traits = []> : Op<RT_Dialect, mnemonic, traits>;

#endif
