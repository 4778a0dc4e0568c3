// RUN: tamis-opt %s --split-input-file --verify-diagnostics

func.func @no_weights(%x: tensor<?x8xf32>, %o: tensor<?xi64>) {
  // expected-error@+1 {{has weights for the linear rule, and for no other}}
  %s = token.score linear %x of %o : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @weights(%x: tensor<?x8xf32>, %w: tensor<8xf32>, %o: tensor<?xi64>) {
  // expected-error@+1 {{has weights for the linear rule, and for no other}}
  %s = token.score stride %x by %w of %o : (tensor<?x8xf32>, tensor<8xf32>, tensor<?xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @width(%x: tensor<?x8xf32>, %w: tensor<9xf32>, %o: tensor<?xi64>) {
  // expected-error@+1 {{needs a weight for each column of x}}
  %s = token.score linear %x by %w of %o : (tensor<?x8xf32>, tensor<9xf32>, tensor<?xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @lengths(%s: tensor<?xf32>, %o: tensor<?xi64>) {
  // expected-error@+1 {{needs lengths that ascend from 1}}
  %k, %p = token.select %s of %o whole %o setting 0 lengths [64, 64] minimum 1 first 0 last 0 : (tensor<?xf32>, tensor<?xi64>, tensor<?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  return
}

// -----

func.func @nothing(%s: tensor<?xf32>, %o: tensor<?xi64>) {
  // expected-error@+1 {{keeps at least one row}}
  %k, %p = token.select %s of %o whole %o setting 0 lengths [] minimum 0 first 0 last 0 : (tensor<?xf32>, tensor<?xi64>, tensor<?xi64>) -> (tensor<?xi64>, tensor<?xi64>)
  return
}

// -----

func.func @columns(%x: tensor<?x8xf32>, %k: tensor<?xi64>) {
  // expected-error@+1 {{takes rows as they are}}
  %y = token.gather %x at %k : (tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x9xf32>
  return
}

// -----

func.func @rank(%x: tensor<?x8xf32>, %rows: tensor<?xi64>, %mask: tensor<?x?xi64>) {
  // expected-error@+1 {{relates [B, S, ...] and [R, ...] of one element type}}
  %y = token.unpack %x, %rows, %mask : (tensor<?x8xf32>, tensor<?xi64>, tensor<?x?xi64>) -> tensor<?x8xf32>
  return
}

// -----

func.func @asks_none(%q: tensor<?x8xf32>, %o: tensor<?xi64>) {
  // expected-error@+1 {{asks one row at least}}
  %s = token.attention_score from spread 0 : %q, %q of %o {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 4 : i64, value_dim = 4 : i64, scale = 0.5 : f32}
      : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @heads(%q: tensor<?x8xf32>, %o: tensor<?xi64>) {
  // expected-error@+1 {{needs heads that are a multiple of the key heads}}
  %s = token.attention_score from first 1 : %q, %q of %o {heads = 3 : i64, kv_heads = 2 : i64, head_dim = 2 : i64, value_dim = 2 : i64, scale = 0.5 : f32}
      : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @columns_of_heads(%q: tensor<?x8xf32>, %o: tensor<?xi64>) {
  // expected-error@+1 {{needs rows that hold the columns of all heads}}
  %s = token.attention_score from first 1 : %q, %q of %o {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 4 : i64, value_dim = 4 : i64, scale = 0.5 : f32, k_column = 4 : i64}
      : (tensor<?x8xf32>, tensor<?x8xf32>, tensor<?xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @dropped(%k: tensor<?xi64>, %rows: tensor<?x?xi64>) {
  // expected-error@+1 {{makes a vector from two}}
  %d = token.dropped %k of %rows : (tensor<?xi64>, tensor<?x?xi64>) -> tensor<?xi64>
  return
}

// -----

func.func @widths(%y: tensor<?x8xf32>, %k: tensor<?xi64>, %m: tensor<?x9xf32>, %d: tensor<?xi64>) {
  // expected-error@+1 {{puts rows of one type together}}
  %r = token.restore %y at %k, %m at %d : (tensor<?x8xf32>, tensor<?xi64>, tensor<?x9xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  return
}

// -----

func.func @elements(%y: tensor<?x8xf32>, %k: tensor<?xi64>, %m: tensor<?x8xi64>, %d: tensor<?xi64>) {
  // expected-error@+1 {{puts rows of one type together}}
  %r = token.restore %y at %k, %m at %d : (tensor<?x8xf32>, tensor<?xi64>, tensor<?x8xi64>, tensor<?xi64>) -> tensor<?x8xf32>
  return
}

// -----

func.func @places(%y: tensor<?x8xf32>, %k: tensor<?x1xi64>, %m: tensor<?x8xf32>, %d: tensor<?xi64>) {
  // expected-error@+1 {{needs vectors of the rows that are kept and of those that are dropped}}
  %r = token.restore %y at %k, %m at %d : (tensor<?x8xf32>, tensor<?x1xi64>, tensor<?x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  return
}

// -----

func.func @no_ids(%ids: tensor<?xi64>) {
  // expected-error@+1 {{needs one id at least}}
  %f = token.protect %ids of [] : (tensor<?xi64>) -> tensor<?xi1>
  return
}

// -----

func.func @key_columns(%k: tensor<?x16xf32>, %o: tensor<?xi64>) {
  // expected-error@+1 {{needs keys of one head at least, and rows that hold them}}
  %s, %p, %t = token.match %k of %o whole %o setting 0 lengths [] first 0 last 0 {kv_heads = 2 : i64, head_dim = 8 : i64, k_column = 1 : i64}
      : (tensor<?x16xf32>, tensor<?xi64>, tensor<?xi64>) -> (tensor<?xf32>, tensor<?xi64>, tensor<?xi1>)
  return
}

// -----

func.func @match_lengths(%k: tensor<?x16xf32>, %o: tensor<?xi64>) {
  // expected-error@+1 {{needs lengths that ascend from 1}}
  %s, %p, %t = token.match %k of %o whole %o setting 0 lengths [8, 4] first 0 last 0 {kv_heads = 2 : i64, head_dim = 8 : i64}
      : (tensor<?x16xf32>, tensor<?xi64>, tensor<?xi64>) -> (tensor<?xf32>, tensor<?xi64>, tensor<?xi1>)
  return
}

// -----

func.func @merged_columns(%x: tensor<?x8xf32>, %o: tensor<?xi64>) {
  // expected-error@+1 {{makes [K, H] of [R, H]}}
  %y, %n, %into = token.merge %x of %o at %o of %o into %o
      : (tensor<?x8xf32>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>) -> (tensor<?x9xf32>, tensor<?xf32>, tensor<?xi64>)
  return
}


// -----

func.func @cache(%q: tensor<?x?x16xf32>, %k: tensor<?x?x16xf32>) {
  // expected-error@+1 {{needs q [B, S, ...] and a cache [B, heads, T, size]}}
  %w = token.cache_window %q, %k setting 0 sinks 4 : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x1x?xi64>
  return
}

// -----

func.func @cache(%q: tensor<?x?x16xf32>, %k: tensor<?x2x?x8xf32>, %m: tensor<?x?xi64>, %s: tensor<?x1xi64>) {
  // expected-error@+1 {{takes a mask of padding in front, or starts of sequences with padding behind}}
  %w = token.cache_window %q, %k mask %m starts %s setting 0 sinks 4 : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x?xi64>, tensor<?x1xi64>) -> tensor<?x1x?xi64>
  return
}

// -----

func.func @cache(%q: tensor<?x?x16xf32>, %k: tensor<?x2x?x8xf32>) {
  // expected-error@+1 {{makes kept [B, 2, ?]}}
  %w = token.cache_pages %q, %k setting 0 memory 0 page 16 sinks 4 window 1 {heads = 2 : i64} : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>) -> tensor<?x1x?xi64>
  return
}

// -----

func.func @cache(%q: tensor<?x?x16xf32>, %k: tensor<?x2x?x8xf32>) {
  // expected-error@+1 {{needs pages of at least one row, and reads at least the last one}}
  %w = token.cache_pages %q, %k setting 0 memory 0 page 16 sinks 4 window 0 {heads = 2 : i64} : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?xi64>
  return
}

// -----

func.func @cache(%q: tensor<?x?x16xf32>, %k: tensor<?x2x?x8xf32>) {
  // expected-error@+1 {{needs queries of heads that are a multiple of the key heads}}
  %w = token.cache_pages %q, %k setting 0 memory 0 page 16 sinks 4 window 1 {heads = 4 : i64} : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?xi64>
  return
}

// -----

func.func @cache(%q: tensor<?x?x16xf32>, %k: tensor<?x2x?x8xf32>) {
  // expected-error@+1 {{asks at least the last row, and pools an odd number of rows}}
  %w = token.cache_snap %q, %k setting 0 memory 0 window 4 pool 2 {heads = 2 : i64, scale = 0.5 : f32} : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>) -> tensor<?x2x?xi64>
  return
}

// -----

func.func @cache(%q: tensor<?x?x16xf32>, %k: tensor<?x2x?x8xf32>, %s: tensor<?x1xi64>) {
  // expected-error@+1 {{takes no starts: the last rows of a prompt with padding behind are not its end}}
  %w = token.cache_snap %q, %k starts %s setting 0 memory 0 window 4 pool 3 {heads = 2 : i64, scale = 0.5 : f32} : (tensor<?x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x1xi64>) -> tensor<?x2x?xi64>
  return
}
