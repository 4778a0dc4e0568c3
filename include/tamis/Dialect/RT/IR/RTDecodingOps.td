//===- RTDecodingOps.td - What a decoder's code asks of the runtime ----------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_RT_IR_RTDECODINGOPS
#define TAMIS_DIALECT_RT_IR_RTDECODINGOPS

include "mlir/Interfaces/SideEffectInterfaces.td"
include "tamis/Dialect/RT/IR/RTBase.td"

def RT_CacheOp : RT_Op<"cache", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "The place of a cache's present: [batch, heads, rows, size] with room behind each head";
  let description = [{
    `cache` is the number of the cache. `kept` is true where the rows of the past lie in that place already; otherwise
    code copies them there.
  }];
  let arguments = (ins I64Attr:$cache, Index:$batch, Index:$rows);
  let results = (outs MemRefRankOf<[F32, F16, BF16], [4]>:$place, I1:$kept);
  let assemblyFormat = "$cache `batch` $batch `rows` $rows attr-dict `:` type($place)";
  let hasVerifier = 1;
}
def RT_KeepOp : RT_Op<"keep", [MemoryEffects<[MemRead, MemWrite]>]> {
  let summary = "Memory of a number, [rows, columns], that the context keeps from run to run beside its caches";
  let description = [{
    `kept` is true where it holds what earlier runs on the context's caches wrote there, at the same elements as long as
    `columns` is the same, and zeros elsewhere; what it holds for rows of the caches that were cut off since is for the
    code to see. Otherwise its elements are anything. Stands in the entry function, outside of rt.parallel.
  }];
  let arguments = (ins I64Attr:$number, Index:$rows, Index:$columns);
  let results = (outs MemRefRankOf<[F32, I64], [2]>:$memory, I1:$kept);
  let assemblyFormat = "$number `rows` $rows `columns` $columns attr-dict `:` type($memory)";
}
def RT_WantedRowsOp : RT_Op<"wanted_rows", [MemoryEffects<[MemRead]>]> {
  let summary = "The one row of each of `batch` sequences that the caller wants, if that is all";
  let description = [{
    `some` is false where all rows are wanted; `rows` must not be read then.
  }];
  let arguments = (ins Index:$batch);
  let results = (outs I1:$some, MemRefRankOf<[I64], [1]>:$rows);
  let assemblyFormat = "$batch attr-dict `:` type($rows)";
}

#endif
