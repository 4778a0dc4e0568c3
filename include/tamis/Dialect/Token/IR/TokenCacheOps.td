//===- TokenCacheOps.td - Which rows of a cache are read ---------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_TOKEN_IR_TOKENCACHEOPS
#define TAMIS_DIALECT_TOKEN_IR_TOKENCACHEOPS

include "mlir/Interfaces/SideEffectInterfaces.td"
include "tamis/Dialect/Token/IR/TokenBase.td"

// q [B, S, ...] and k [B, kv_heads, T, D], a cache of nn.kv_append with the rows of the S new tokens. `kept` is that of
// nn.attention. The tokens of a sequence begin behind the padding that `mask` [B, T] has in front of them, without it at
// row 0; its S last rows are the new ones, or with `starts` [B, 1] those from starts[b] on, and none behind them counts.
class Token_CacheOp<string mnemonic> : Op<Token_Dialect, mnemonic, [Pure, AttrSizedOperandSegments]> {
  dag rows = (ins RankedTensorOf<[F32]>:$q, RankedTensorOf<[F32]>:$k, Optional<RankedTensorOf<[I64, I32, I1, F32]>>:$mask,
                  Optional<RankedTensorOf<[I64]>>:$starts);
  let results = (outs RankedTensorOf<[I64]>:$kept);
  let hasVerifier = 1;
}

def Token_CacheWindowOp : Token_CacheOp<"cache_window"> {
  let summary = "The first rows of each sequence, and the last";
  let description = [{
    Of a sequence's tokens the first `sinks` and as many of the last as the run's setting number `setting` says, the new one
    among them (StreamingLLM; rows keep the positions that they were written with). A run of more than one new token, or
    that has no more rows than that, reads all: then `kept` is [B, 1, 1].
  }];
  let arguments = !con(rows, (ins I64Attr:$setting, I64Attr:$sinks));
  let assemblyFormat = [{
    $q `,` $k (`mask` $mask^)? (`starts` $starts^)? `setting` $setting `sinks` $sinks attr-dict
    `:` functional-type(operands, results)
  }];
}

def Token_CachePagesOp : Token_CacheOp<"cache_pages"> {
  let summary = "The pages of each sequence and key head that the query's scores can be greatest in";
  let description = [{
    Each `page` tokens of a sequence from its first one on are a page. For each of its columns the least and the greatest
    element of its keys bound what a query's product with any of them is (Quest):

      U = sum over columns d: max(q[d] least[d], q[d] greatest[d])

    the greatest of which counts among the heads that share the key head. Read are, beside the pages of the first `sinks` and
    the last `window` tokens, as many pages as the setting says, of the greatest U; of equal ones the
    earlier. A run of more than one new token, or that has no more pages than the setting says, reads all.

    The bounds are memory number `memory` of the context (rt.keep). Each run renews those of the pages that its rows are in,
    whatever it reads, and of no others, unless the context keeps nothing or a sequence begins elsewhere than before.
  }];
  let arguments = !con(rows, (ins I64Attr:$setting, I64Attr:$memory, I64Attr:$page, I64Attr:$sinks, I64Attr:$window,
                                  I64Attr:$heads, DefaultValuedAttr<I64Attr, "0">:$q_column));
  let assemblyFormat = [{
    $q `,` $k (`mask` $mask^)? (`starts` $starts^)? `setting` $setting `memory` $memory `page` $page `sinks` $sinks
    `window` $window attr-dict `:` functional-type(operands, results)
  }];
}

def Token_CacheSnapOp : Token_CacheOp<"cache_snap"> {
  let summary = "The rows of each sequence and key head that the end of the prompt attended to";
  let description = [{
    A run of more than one new token, of sequences with more rows than the setting says, decides (SnapKV): of each sequence and
    key head the last `window` rows stay, and of those before them the ones of the greatest scores, as many as the setting has
    room for. A row's score is what the last `window` queries give it, the weights of the softmax of scale q k^T added up
    over them and the heads that share the key head; and with it what `pool` rows around it get, so that neighbours stay
    together. Of equal ones the earlier stays. Later runs of one new token read those rows, and all that came since. While a
    decision holds, a run of fewer new tokens than `window` leaves it alone.

    The decision is memory number `memory` of the context (rt.keep). It holds until rows are cut off that it was made of, or
    other sequences begin; without one all rows are read, and so they are by a run whose setting is no less than the rows.
    There are no `starts`: where padding is behind, the last rows of a prompt are not its end.
  }];
  let arguments = !con(rows, (ins I64Attr:$setting, I64Attr:$memory, I64Attr:$window, I64Attr:$pool, I64Attr:$heads,
                                  F32Attr:$scale, DefaultValuedAttr<I64Attr, "0">:$q_column));
  let assemblyFormat = [{
    $q `,` $k (`mask` $mask^)? (`starts` $starts^)? `setting` $setting `memory` $memory `window` $window `pool` $pool
    attr-dict `:` functional-type(operands, results)
  }];
}

#endif
