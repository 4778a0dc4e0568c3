// RUN: tamis-opt %s -split-input-file -verify-diagnostics

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{chooses 9 of 8 experts}}
  %i, %w = moe.route %l {k = 9 : i64} : (tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{expected 3 elements a token}}
  %i, %w = moe.route %l {k = 3 : i64} : (tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x?xf32>) {
  // expected-error @below {{needs logits of a known number of experts}}
  %i, %w = moe.route %l {k = 2 : i64} : (tensor<?x?xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>, %b: tensor<4xf32>) {
  // expected-error @below {{needs a bias of 8 elements}}
  %i, %w = moe.route %l bias %b {k = 2 : i64} : (tensor<?x8xf32>, tensor<4xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{cannot cut 8 experts into 3 groups}}
  %i, %w = moe.route %l {k = 2 : i64, groups = 3 : i64} : (tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{keeps 5 of 4 groups}}
  %i, %w = moe.route %l {k = 2 : i64, groups = 4 : i64, kept_groups = 5 : i64} : (tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{chooses 3 experts, but the groups kept have 2}}
  %i, %w = moe.route %l {k = 3 : i64, groups = 4 : i64} : (tensor<?x8xf32>) -> (tensor<?x3xi64>, tensor<?x3xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{normalised twice}}
  %i, %w = moe.route %l {k = 2 : i64, softmax_chosen, normalize} : (tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %a: tensor<8x12x20xf32>, %b: tensor<8x20x12xf32>, %c: tensor<4x20x12xf32>, %d: tensor<8x24x12xf32>, %v: tensor<8x20xi32>) {
  // expected-error @below {{has weights of 8 and of 4 experts}}
  %y = moe.experts %x to %i in %a out %c  : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<8x12x20xf32>, tensor<4x20x12xf32>) -> tensor<?x2x12xf32>
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %a: tensor<8x12x20xf32>, %b: tensor<8x20x12xf32>, %c: tensor<4x20x12xf32>, %d: tensor<8x24x12xf32>, %v: tensor<8x20xi32>) {
  // expected-error @below {{computes 20 columns and multiplies 24 of them}}
  %y = moe.experts %x to %i in %a out %d  : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<8x12x20xf32>, tensor<8x24x12xf32>) -> tensor<?x2x12xf32>
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %a: tensor<8x12x20xf32>, %b: tensor<8x20x12xf32>, %c: tensor<4x20x12xf32>, %d: tensor<8x24x12xf32>, %v: tensor<8x20xi32>) {
  // expected-error @below {{multiplies rows of 12 elements by the weight}}
  %y = moe.experts %x to %i in %b out %b  : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<8x20x12xf32>, tensor<8x20x12xf32>) -> tensor<?x2x12xf32>
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %a: tensor<8x12x20xf32>, %b: tensor<8x20x12xf32>, %c: tensor<4x20x12xf32>, %d: tensor<8x24x12xf32>, %v: tensor<8x20xi32>) {
  // expected-error @below {{is gated, but has 20 columns}}
  %y = moe.experts %x to %i in %a out %b {gated} : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<8x12x20xf32>, tensor<8x20x12xf32>) -> tensor<?x2x12xf32>
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %a: tensor<8x12x20xf32>, %b: tensor<8x20x12xf32>, %c: tensor<4x20x12xf32>, %d: tensor<8x24x12xf32>, %v: tensor<8x20xi32>) {
  // expected-error @below {{expected a row a pair}}
  %y = moe.experts %x to %i in %a out %b  : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<8x12x20xf32>, tensor<8x20x12xf32>) -> tensor<?x12xf32>
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %a: tensor<8x12x20xf32>, %b: tensor<8x20x12xf32>, %c: tensor<4x20x12xf32>, %d: tensor<8x24x12xf32>, %v: tensor<8x20xi32>) {
  // expected-error @below {{expected a row a token}}
  %y = moe.experts %x to %i weighted %w in %a out %b  : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<?x2xf32>, tensor<8x12x20xf32>, tensor<8x20x12xf32>) -> tensor<?x2x12xf32>
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %a: tensor<8x12x20xf32>, %b: tensor<8x20x12xf32>, %c: tensor<4x20x12xf32>, %d: tensor<8x24x12xf32>, %v: tensor<8x20xi32>) {
  // expected-error @below {{has a result of 16 columns, expected 12}}
  %y = moe.experts %x to %i in %a out %b  : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<8x12x20xf32>, tensor<8x20x12xf32>) -> tensor<?x2x16xf32>
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %a: tensor<8x12x20xf32>, %b: tensor<8x20x12xf32>, %c: tensor<4x20x12xf32>, %d: tensor<8x24x12xf32>, %v: tensor<8x20xi32>, %z: tensor<8x12xf32>) {
  // expected-error @below {{needs 20 columns an expert beside its inner weight}}
  %y = moe.experts %x to %i in %a bias %z out %b  : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<8x12x20xf32>, tensor<8x12xf32>, tensor<8x20x12xf32>) -> tensor<?x2x12xf32>
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %a: tensor<8x12x20xf32>, %b: tensor<8x20x12xf32>, %c: tensor<4x20x12xf32>, %d: tensor<8x24x12xf32>, %v: tensor<8x20xi32>) {
  // expected-error @below {{needs scale and sums beside a weight of i8, and only there}}
  %y = moe.experts %x to %i in %a sums %v out %b  : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<8x12x20xf32>, tensor<8x20xi32>, tensor<8x20x12xf32>) -> tensor<?x2x12xf32>
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %a: tensor<8x12x20xf32>, %b: tensor<8x20x12xf32>, %c: tensor<4x20x12xf32>, %d: tensor<8x24x12xf32>, %v: tensor<8x20xi32>) {
  // expected-error @below {{takes an alpha other than 0 for silu}}
  %y = moe.experts %x to %i in %a out %b {alpha = 2.0 : f32, activation = #nn<activation relu>} : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<8x12x20xf32>, tensor<8x20x12xf32>) -> tensor<?x2x12xf32>
  return
}

// -----

func.func @f(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %a: tensor<8x12x20xf32>, %b: tensor<8x20x12xf32>, %c: tensor<4x20x12xf32>, %d: tensor<8x24x12xf32>, %v: tensor<8x20xi32>) {
  // expected-error @below {{takes alpha, beta and limit only when it is gated}}
  %y = moe.experts %x to %i in %a out %b {beta = 1.0 : f32} : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<8x12x20xf32>, tensor<8x20x12xf32>) -> tensor<?x2x12xf32>
  return
}

// -----

func.func @f(%y: tensor<?x2x12xf32>, %w: tensor<?x3xf32>) {
  // expected-error @below {{needs weights of the tokens of its operand}}
  %z = moe.combine %y, %w : (tensor<?x2x12xf32>, tensor<?x3xf32>) -> tensor<?x12xf32>
  return
}

// -----

func.func @f(%y: tensor<?x2x12xf32>, %w: tensor<?x2xf32>) {
  // expected-error @below {{changes the size of the last dimension}}
  %z = moe.combine %y, %w : (tensor<?x2x12xf32>, tensor<?x2xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @f(%i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %y: tensor<?x12xf32>) {
  // expected-error @below {{needs indices and weights [..., k] and y [..., k, N]}}
  moe.observe %i weighted %w of %y {experts = 4 : i64} : tensor<?x2xi64>, tensor<?x2xf32>, tensor<?x12xf32>
  return
}

// -----

func.func @f(%i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %y: tensor<?x2x12xf32>, %l: tensor<?x8xf32>) {
  // expected-error @below {{needs logits [..., E] for E experts}}
  moe.observe %i weighted %w of %y logits %l {experts = 4 : i64} : tensor<?x2xi64>, tensor<?x2xf32>, tensor<?x2x12xf32>, tensor<?x8xf32>
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{leaves out expert 8, which is none of 8, or there twice}}
  %i, %w = moe.route %l {k = 2 : i64, left_out = array<i64: 1, 8>} : (tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{chooses 7 experts, but leaves out 2 of 8}}
  %i, %w = moe.route %l {k = 7 : i64, left_out = array<i64: 1, 2>} : (tensor<?x8xf32>) -> (tensor<?x7xi64>, tensor<?x7xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{leaves out experts, but limits its choice to groups}}
  %i, %w = moe.route %l {k = 2 : i64, groups = 2 : i64, left_out = array<i64: 1>} : (tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{takes a fallback from 0 to 1, and only where it leaves experts out}}
  %i, %w = moe.route %l {k = 2 : i64, fallback = 0.5 : f32} : (tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%x: tensor<?x8xf32>, %i: tensor<?x2xi64>, %w: tensor<4x8x8xf32>, %p: tensor<?xi64>) {
  // expected-error @below {{needs a place for each of a known number of experts}}
  %0 = moe.experts %x to %i in %w out %w places %p
    : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<4x8x8xf32>, tensor<4x8x8xf32>, tensor<?xi64>) -> tensor<?x2x8xf32>
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{limits weights to groups, but has one group}}
  %i, %w = moe.route %l {k = 2 : i64, limits_weights} : (tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{takes a mixer threshold of 0 or above}}
  %i, %w = moe.route %l {k = 2 : i64, mixer_threshold = -0.5 : f32} : (tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{takes a mixer threshold of 0 or above}}
  %i, %w = moe.route %l {k = 2 : i64, mixer_threshold = 0x7FC00000 : f32} : (tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{mixes weights of logits only, without bias, groups, and other normalisation}}
  %i, %w = moe.route %l {k = 2 : i64, mixer_threshold = 0.5 : f32, normalize} : (tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}

// -----

func.func @f(%l: tensor<?x8xf32>) {
  // expected-error @below {{mixes weights of logits only, without bias, groups, and other normalisation}}
  %i, %w = moe.route %l {k = 2 : i64, mixer_threshold = 0.5 : f32, score = #moe<score softmax>} : (tensor<?x8xf32>) -> (tensor<?x2xi64>, tensor<?x2xf32>)
  return
}
