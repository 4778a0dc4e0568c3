//===- KernelBase.td - The kernel dialect -------------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_KERNEL_IR_KERNELBASE
#define TAMIS_DIALECT_KERNEL_IR_KERNELBASE

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "tamis/Dialect/MoE/IR/MoEBase.td"
include "tamis/Dialect/NN/IR/NNBase.td"
include "tamis/Dialect/Token/IR/TokenBase.td"

def Kernel_Dialect : Dialect {
  let name = "kernel";
  let cppNamespace = "::tamis::kernel";
  let dependentDialects = ["::tamis::moe::MoEDialect", "::tamis::nn::NNDialect", "::tamis::token::TokenDialect"];
  let summary = "Layers on buffers, ready to become loops round microkernels";
  let description = [{
    What bufferisation makes of the ops of nn, token and moe that have kernels of their own. Operands are contiguous
    row-major buffers, `out` is written in full and overlaps no operand. The pass convert-kernel-to-vector
    expands each for one ISA level into rt.parallel regions with vector code.
  }];
}
// `ins` of matching nn op, then `out`.
class Kernel_Op<string mnemonic, list<Trait> traits = []>
    : Op<Kernel_Dialect, mnemonic, !listconcat([MemoryEffects<[MemRead, MemWrite]>], traits)> {
  let assemblyFormat = "operands attr-dict `:` type(operands)";
}
def Kernel_F32 : MemRefOf<[F32]>;
def Kernel_Ids : MemRefOf<[I64, I32]>;
def Kernel_Flags : MemRefOf<[I1]>;
def Kernel_Mask : MemRefOf<[I64, I32, I1, F32]>;

#endif
