// RUN: tamis-opt %s -split-input-file -verify-diagnostics

// expected-error @below {{needs either a file and an offset, or a value}}
weight.source @w : tensor<2xf32>

// -----

// expected-error @below {{needs a static shape}}
weight.source @w : tensor<?xf32> in "model.onnx" at 0

// -----

func.func @missing() {
  // expected-error @below {{names no weight.source: @none}}
  %w = weight.load @none : tensor<2xf32>
  return
}

// -----

weight.source @w : tensor<2xf32> in "model.onnx" at 0
func.func @type() {
  // expected-error @below {{has another type than its source, 'tensor<2xf32>'}}
  %w = weight.load @w : tensor<3xf32>
  return
}

// -----

weight.source @w : tensor<2x3xf32> in "model.onnx" at 0
func.func @shapes() {
  %w = weight.load @w : tensor<2x3xf32>
  // expected-error @below {{is [1, 2, 16]}}
  %p = weight.pack_panels %w : (tensor<2x3xf32>) -> tensor<2x2x16xf32>
  return
}

// -----

weight.source @w : tensor<2x3xf32> in "model.onnx" at 0
func.func @slice() {
  %w = weight.load @w : tensor<2x3xf32>
  // expected-error @below {{reaches past the end of the operand}}
  %s = weight.slice %w {axis = 1 : i64, begin = 2 : i64} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

weight.source @w : tensor<2x3xf32> in "model.onnx" at 0
func.func @concat() {
  %w = weight.load @w : tensor<2x3xf32>
  // expected-error @below {{has operands of 4 elements along the axis, expected 5}}
  %c = weight.concat %w, %w {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<5x3xf32>
  return
}

// -----

func.func @dequantize(%w: tensor<8x6xi8>, %s: tensor<6xf32>) {
  // expected-error @below {{has a scale 'tensor<6xf32>' that does not fit 'tensor<8x6xi8>'}}
  %0 = weight.dequantize %w, %s {axis = 0 : i64, is_unsigned = false} : (tensor<8x6xi8>, tensor<6xf32>) -> tensor<8x6xf32>
  return
}

// -----

func.func @unpack(%w: tensor<8x6xui8>) {
  // expected-error @below {{expected 12 bytes in the last dimension}}
  %0 = weight.unpack %w {bits = 4 : i64, is_signed = false} : (tensor<8x6xui8>) -> tensor<8x6xui8>
  return
}

// -----

func.func @sums(%w: tensor<8x6xi8>) {
  // expected-error @below {{sums the columns of a matrix [K, N] to [N]}}
  %0 = weight.column_sums %w : (tensor<8x6xi8>) -> tensor<8xi32>
  return
}

// -----

func.func @gather(%w: tensor<8x6xi8>, %i: tensor<4xi64>) {
  // expected-error @below {{has a result 'tensor<8x6xi8>' that does not fit}}
  %0 = weight.gather %w, %i {axis = 0 : i64} : (tensor<8x6xi8>, tensor<4xi64>) -> tensor<8x6xi8>
  return
}

// -----

func.func @expand(%w: tensor<2xi8>) {
  // expected-error @below {{repeats one element}}
  %0 = weight.expand %w : (tensor<2xi8>) -> tensor<8xi8>
  return
}

// -----

weight.source @w : tensor<70x20xf32> in "model.onnx" at 0
func.func @words() {
  %w = weight.load @w : tensor<70x20xf32>
  // expected-error @below {{is [2, 48, 16, 2]}}
  %p = weight.pack_panels %w : (tensor<70x20xf32>) -> tensor<2x35x16x2xbf16>
  return
}

// -----

weight.source @w : tensor<70x20xf32> in "model.onnx" at 0
func.func @no_rounding() {
  %w = weight.load @w : tensor<70x20xf32>
  // expected-error @below {{packs matrices of the same element type, or of f32 as bf16}}
  %p = weight.pack_panels %w : (tensor<70x20xf32>) -> tensor<2x32x16x4xi8>
  return
}

// -----

weight.source @w : tensor<70x20xf32> in "model.onnx" at 0
func.func @columns() {
  %w = weight.load @w : tensor<70x20xf32>
  // expected-error @below {{does not fit}}
  %s = weight.column_scales %w : (tensor<70x20xf32>) -> tensor<70xf32>
  return
}

// -----

func.func @interleave(%a: tensor<4x20xf32>) {
  // expected-error @below {{is [4, 48]}}
  %0 = weight.interleave_columns %a, %a : (tensor<4x20xf32>, tensor<4x20xf32>) -> tensor<4x40xf32>
  return
}

// -----

func.func @pack_experts(%a: tensor<3x4x20xf32>) {
  // expected-error @below {{is [3, 2, 4, 16]}}
  %0 = weight.pack_panels %a : (tensor<3x4x20xf32>) -> tensor<2x4x16xf32>
  return
}

// -----

func.func @int4_shape(%w: tensor<70x20xf32>) {
  // expected-error @below {{in groups of 32 is [2, 3, 5, 16]}}
  %0 = weight.quantize_int4 %w {group = 32 : i64} : (tensor<70x20xf32>) -> tensor<2x2x5x16xi32>
  return
}

// -----

func.func @int4_group(%w: tensor<70x20xf32>) {
  // expected-error @below {{makes groups of 64 without zero points}}
  %0 = weight.quantize_int4 %w {group = 64 : i64} : (tensor<70x20xf32>) -> tensor<2x3x5x16xi32>
  return
}

// -----

func.func @int4_rows(%w: tensor<70x20xf32>) {
  // expected-error @below {{is no packed weight of 4 bits in groups of 16, 32, 64 or 128}}
  %0 = weight.quantize_int4 %w {group = 48 : i64} : (tensor<70x20xf32>) -> tensor<2x2x7x16xi32>
  return
}

// -----

func.func @int4_blocks(%q: tensor<70x20xui8>, %s: tensor<2x20xf32>) {
  // expected-error @below {{has blocks of 48 elements, which groups of 32 do not divide}}
  %0 = weight.pack_int4 %q, %s {block = 48 : i64, is_unsigned = true}
      : (tensor<70x20xui8>, tensor<2x20xf32>) -> tensor<2x3x5x16xi32>
  return
}

// -----

func.func @int4_scales(%q: tensor<70x20xui8>, %s: tensor<2x20xf32>) {
  // expected-error @below {{has a scale 'tensor<2x20xf32>' that does not fit 'tensor<70x20xui8>' in blocks of 32}}
  %0 = weight.pack_int4 %q, %s {block = 32 : i64, is_unsigned = true}
      : (tensor<70x20xui8>, tensor<2x20xf32>) -> tensor<2x3x5x16xi32>
  return
}

// -----

func.func @int4_zeros(%q: tensor<70x20xui8>, %s: tensor<3x20xf32>, %z: tensor<20xui8>) {
  // expected-error @below {{has a zero point 'tensor<20xui8>' that does not fit}}
  %0 = weight.pack_int4 %q, %s, %z {block = 32 : i64, is_unsigned = true}
      : (tensor<70x20xui8>, tensor<3x20xf32>, tensor<20xui8>) -> tensor<2x3x6x16xi32>
  return
}
