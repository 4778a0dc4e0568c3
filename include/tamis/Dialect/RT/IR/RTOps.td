//===- RTOps.td - What generated code asks of the runtime --------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_RT_IR_RTOPS
#define TAMIS_DIALECT_RT_IR_RTOPS

include "mlir/IR/EnumAttr.td"
include "mlir/Dialect/LLVMIR/LLVMOpBase.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "tamis/Dialect/RT/IR/RTBase.td"

def RT_ParallelOp : RT_Op<"parallel", [RecursiveMemoryEffects, SingleBlockImplicitTerminator<"YieldOp">]> {
  let summary = "Runs its body over work units [0, count) on all threads";
  let description = [{
    The body gets a range [begin, end) of units, at most `grain` of them, and the number of the thread it is on
    (below rt.threads). Bodies of different ranges run at once and must not write what another reads. `flops`
    and `bytes` are the work of the whole region, for profiles; `kind` says what it is.

    ```mlir
    rt.parallel %count grain %grain "nn.linear" flops %f bytes %b {
    ^bb0(%begin: index, %end: index, %thread: index):
      ...
    }
    ```
  }];
  let arguments = (ins Index:$count, Index:$grain, StrAttr:$kind, Index:$flops, Index:$bytes);
  let regions = (region AnyRegion:$body);
  let assemblyFormat = "$count `grain` $grain $kind `flops` $flops `bytes` $bytes attr-dict-with-keyword $body";
  let builders = [OpBuilder<(ins "::mlir::Value":$count, "::mlir::Value":$grain, "::llvm::StringRef":$kind,
    "::mlir::Value":$flops, "::mlir::Value":$bytes,
    "::llvm::function_ref<void(::mlir::OpBuilder &, ::mlir::Location, ::mlir::Value, ::mlir::Value, ::mlir::Value)>":$bodyBuilder)>];
  let skipDefaultBuilders = 1;
  let hasVerifier = 1;
}
def RT_LaunchOp : RT_Op<"launch", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "rt.parallel whose body is a function";
  let description = [{
    Calls `body`(host, begin, end, thread, captures...) for ranges of [0, count).
  }];
  let arguments = (ins FlatSymbolRefAttr:$body, Index:$count, Index:$grain, StrAttr:$kind, Index:$flops, Index:$bytes,
                   Variadic<AnyType>:$captures);
  let assemblyFormat = [{
    $body `(` ($captures^ `:` type($captures))? `)` `count` $count `grain` $grain $kind `flops` $flops
    `bytes` $bytes attr-dict
  }];
}
def RT_YieldOp : RT_Op<"yield", [Terminator, Pure, ReturnLike, HasParent<"ParallelOp">]> {
  let summary = "Ends the body of rt.parallel";
  let assemblyFormat = "attr-dict";
}
def RT_CheckOp : RT_Op<"check", [MemoryEffects<[MemWrite]>]> {
  let summary = "Ends the run with `reason` when the condition does not hold";
  let arguments = (ins I1:$condition, StrAttr:$reason);
  let assemblyFormat = "$condition `,` $reason attr-dict";
}
def RT_HostOp : RT_Op<"host", [Pure]> {
  let summary = "The TamisHost: the first argument of the function";
  let results = (outs LLVM_AnyPointer:$host);
  let assemblyFormat = "attr-dict `:` type($host)";
}
def RT_ThreadsOp : RT_Op<"threads", [Pure]> {
  let summary = "The number of threads of the context";
  let results = (outs Index:$threads);
  let assemblyFormat = "attr-dict";
}
def RT_ExpertsOp : RT_Op<"experts", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Tells the host what a layer of experts is about to read";
  let description = [{
    `tokens` rows were routed, counts[e] of them to expert e, out of `pairs` choices, of which the rest was skipped. The
    matrices of the place p are `in_bytes` bytes of `in` from p * in_bytes on, and the same of `out`; expert e has the
    place places[e], or e. The host reports the layer, and sees to it that the matrices are in memory. Stands in
    the entry function, outside of rt.parallel.
  }];
  let arguments = (ins MemRefRankOf<[I64], [1]>:$counts, Index:$tokens, Index:$pairs,
                   Optional<MemRefRankOf<[I64], [1]>>:$places, MemRefRankOf<[AnyType], [1]>:$in, Index:$in_bytes,
                   MemRefRankOf<[AnyType], [1]>:$out, Index:$out_bytes);
  let assemblyFormat = [{
    $counts `tokens` $tokens `pairs` $pairs (`places` $places^)? `in` $in `bytes` $in_bytes `out` $out `bytes` $out_bytes
    attr-dict `:` type(operands)
  }];
}
def RT_ObserveOp : RT_Op<"observe", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Shows the host what a layer of experts computed";
  let description = [{
    indices and weights [T, k], outputs [T * k, N] and, where there are any, logits [T, experts]; contiguous. Stands in the
    entry function, outside of rt.parallel.
  }];
  let arguments = (ins MemRefRankOf<[I64], [2]>:$indices, MemRefRankOf<[F32], [2]>:$weights,
                   MemRefRankOf<[F32], [2]>:$outputs, Optional<MemRefRankOf<[F32], [2]>>:$logits, I64Attr:$experts);
  let assemblyFormat = [{
    $indices `weighted` $weights `of` $outputs (`logits` $logits^)? attr-dict `:` type(operands)
  }];
}
def RT_ObserveStatesOp : RT_Op<"observe_states", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Shows the host the hidden states [R, H] in front of a layer";
  let description = "Contiguous. Stands in the entry function, outside of rt.parallel.";
  let arguments = (ins MemRefRankOf<[F32], [2]>:$states, I64Attr:$layer);
  let assemblyFormat = "$states `layer` $layer attr-dict `:` type($states)";
}
def RT_SettingOp : RT_Op<"setting", [MemoryEffects<[MemRead]>]> {
  let summary = "What a setting of the artifact is in this run";
  let arguments = (ins I64Attr:$number);
  let results = (outs F32:$value);
  let assemblyFormat = "$number attr-dict";
}
def RT_TokensOp : RT_Op<"tokens", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Adds to the run's report that `kept` of `rows` rows go on from here, and shows the host which";
  let description = [{
    The numbers of those rows, ascending, are the first `kept` elements of `places`, which is contiguous. Stands in the
    entry function, outside of rt.parallel.
  }];
  let arguments = (ins Index:$rows, Index:$kept, MemRefRankOf<[I64], [1]>:$places);
  let assemblyFormat = "$kept `of` $rows `at` $places attr-dict `:` type($places)";
}
def RT_CountOp : RT_Op<"count", [MemoryEffects<[MemWrite]>]> {
  let summary = "Adds to a counter of the run's report (TamisCounter)";
  let arguments = (ins I64Attr:$counter, Index:$value);
  let assemblyFormat = "$counter `,` $value attr-dict";
}

#endif
