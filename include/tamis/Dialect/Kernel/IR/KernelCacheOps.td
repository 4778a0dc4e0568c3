//===- KernelCacheOps.td - Which rows of a cache are read, on buffers ---------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_KERNEL_IR_KERNELCACHEOPS
#define TAMIS_DIALECT_KERNEL_IR_KERNELCACHEOPS

include "tamis/Dialect/Kernel/IR/KernelBase.td"

def Kernel_CacheSpansOp : Kernel_Op<"cache_spans", [AttrSizedOperandSegments]> {
  let summary = "Where the tokens of each sequence are in a cache";
  let description = [{
    Fills spans [B, 3]: the row of the first token, that of the first of `queries` new ones, and the row behind them. k, mask
    and starts are those of token.cache_window.
  }];
  let arguments = (ins Kernel_F32:$k, Optional<Kernel_Mask>:$mask, Optional<MemRefOf<[I64]>>:$starts, Index:$queries,
                   MemRefOf<[I64]>:$spans);
}
def Kernel_CacheWindowOp : Kernel_Op<"cache_window"> {
  let summary = "Fills kept [B, 1, 1 + C]: `sinks` rows in front, and C - sinks behind";
  let arguments = (ins MemRefOf<[I64]>:$spans, MemRefOf<[I64]>:$kept, I64Attr:$sinks);
}
def Kernel_CacheBoundsOp : Kernel_Op<"cache_bounds"> {
  let summary = "Renews the bounds of the pages that new rows are in";
  let description = [{
    bounds [1 + P, B * kv_heads * 2 * D]: row 1 + p has, for each sequence and key head, the least and the greatest elements of
    page p, D each; element 0 of each such part of row 0 is the row, plus 1, of the sequence's first token. Where `kept` is
    false, or that row is another, all pages of the sequence are made.
  }];
  let arguments = (ins Kernel_F32:$k, MemRefOf<[I64]>:$spans, Kernel_F32:$bounds, I1:$kept, I64Attr:$page);
}
def Kernel_CachePagesOp : Kernel_Op<"cache_pages"> {
  let summary = "Fills kept [B, kv_heads, 1 + C] with the rows of `pages` pages of each sequence and key head, and of those at its ends";
  let arguments = (ins Kernel_F32:$q, Kernel_F32:$bounds, MemRefOf<[I64]>:$spans, Index:$pages, MemRefOf<[I64]>:$kept,
                   I64Attr:$page, I64Attr:$sinks, I64Attr:$window, I64Attr:$heads, I64Attr:$head_dim, I64Attr:$q_column);
}

def Kernel_CacheSnapOp : Kernel_Op<"cache_snap"> {
  let summary = "Decides which rows of a prompt later steps read, where `decides` is true";
  let description = [{
    Fills memory from element 4 on: for each sequence and key head 1 + `capacity` elements, a number of rows and the rows,
    ascending.
  }];
  let arguments = (ins Kernel_F32:$q, Kernel_F32:$k, MemRefOf<[I64]>:$spans, Index:$capacity, I1:$decides,
                   MemRefOf<[I64]>:$memory, I64Attr:$window, I64Attr:$pool, I64Attr:$heads, F32Attr:$scale, I64Attr:$q_column);
}
def Kernel_CacheSnapRowsOp : Kernel_Op<"cache_snap_rows"> {
  let summary = "Fills kept [B, kv_heads, 1 + C] with the rows that were decided on, `capacity` a list, and those from `since` on";
  let arguments = (ins MemRefOf<[I64]>:$memory, MemRefOf<[I64]>:$spans, Index:$capacity, Index:$since, MemRefOf<[I64]>:$kept);
}

#endif
