// RUN: tamis-opt %s --convert-onnx-to-nn --split-input-file | FileCheck %s
// RUN: tamis-opt %s --convert-onnx-to-nn=print-raising --split-input-file -o /dev/null 2>&1 | FileCheck %s --check-prefix=SAYS

weight.source @w : tensor<48x32xi8> in "model.onnx" at 0
weight.source @b : tensor<32xf32> in "model.onnx" at 1536

// Unsigned rows: the floats in front of them are the operand, and nothing is left of the pair. A weight without zero points
// keeps none.

// CHECK-LABEL: func.func @unsigned_rows
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x48xf32>
// CHECK-DAG: %[[W:.*]] = weight.load @w
// CHECK-DAG: %[[B:.*]] = weight.load @b
// CHECK-DAG: %[[S:.*]] = weight.expand %{{.*}} : (tensor<f32>) -> tensor<32xf32>
// CHECK-DAG: %[[R:.*]] = onnx.Constant dense<[2.500000e-01, 1.210000e+02]> : tensor<2xf32>
// CHECK-NOT: onnx.QuantizeLinear
// CHECK-NOT: onnx.DequantizeLinear
// CHECK: %[[Y:.*]] = nn.quantized_linear %[[X]], %[[W]] scale %[[S]] bias %[[B]] range %[[R]]
// CHECK-NEXT: return %[[Y]]
func.func @unsigned_rows(%x: tensor<?x?x48xf32>) -> tensor<?x?x32xf32> {
  %b = weight.load @b : tensor<32xf32>
  %s = onnx.Constant dense<0.25> : tensor<f32>
  %z = onnx.Constant dense<121> : tensor<ui8>
  %q = onnx.QuantizeLinear %x, %s, %z {axis = 0 : i64} : (tensor<?x?x48xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x?x48xui8>
  %a = onnx.DequantizeLinear %q, %s, %z {axis = 0 : i64} : (tensor<?x?x48xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x?x48xf32>
  %w = weight.load @w : tensor<48x32xi8>
  %ws = onnx.Constant dense<0.01> : tensor<f32>
  %wz = onnx.Constant dense<0> : tensor<i8>
  %d = onnx.DequantizeLinear %w, %ws, %wz {axis = 0 : i64} : (tensor<48x32xi8>, tensor<f32>, tensor<i8>) -> tensor<48x32xf32>
  %0 = onnx.MatMul %a, %d : (tensor<?x?x48xf32>, tensor<48x32xf32>) -> tensor<?x?x32xf32>
  %1 = onnx.Add %b, %0 : (tensor<32xf32>, tensor<?x?x32xf32>) -> tensor<?x?x32xf32>
  return %1 : tensor<?x?x32xf32>
}

// -----

weight.source @w : tensor<32x48xui8> in "model.onnx" at 0
weight.source @s : tensor<32xf32> in "model.onnx" at 1536
weight.source @z : tensor<32xui8> in "model.onnx" at 1664
weight.source @b : tensor<32xi32> in "model.onnx" at 1696

// Signed rows gain 128 with their zero point. The weight of Gemm lies transposed, with a scale and a zero point for each
// column; its bias is quantised, too. The other reader of the dequantised rows keeps them.

// CHECK-LABEL: func.func @gemm
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x48xf32>
// CHECK-DAG: %[[Q:.*]] = onnx.QuantizeLinear %[[X]]
// CHECK-DAG: %[[A:.*]] = onnx.DequantizeLinear %[[Q]]
// CHECK-DAG: %[[T:.*]] = weight.transpose %{{.*}} {perm = array<i64: 1, 0>} : (tensor<32x48xui8>) -> tensor<48x32xui8>
// CHECK-DAG: %[[W:.*]] = weight.to_signed %[[T]] : (tensor<48x32xui8>) -> tensor<48x32xi8>
// CHECK-DAG: %[[Z:.*]] = weight.to_signed %{{.*}} : (tensor<32xui8>) -> tensor<32xi8>
// CHECK-DAG: %[[S:.*]] = weight.load @s
// CHECK-DAG: %[[B:.*]] = weight.dequantize %{{.*}} : (tensor<32xi32>, tensor<32xf32>) -> tensor<32xf32>
// CHECK-DAG: %[[R:.*]] = onnx.Constant dense<[2.500000e-01, 1.180000e+02]> : tensor<2xf32>
// CHECK: %[[Y:.*]] = nn.quantized_linear %[[X]], %[[W]] scale %[[S]] zero_point %[[Z]] bias %[[B]] range %[[R]]
// CHECK: return %[[Y]], %[[A]]
func.func @gemm(%x: tensor<?x48xf32>) -> (tensor<?x32xf32>, tensor<?x48xf32>) {
  %s = onnx.Constant dense<0.25> : tensor<f32>
  %z = onnx.Constant dense<-10> : tensor<i8>
  %q = onnx.QuantizeLinear %x, %s, %z {axis = 0 : i64} : (tensor<?x48xf32>, tensor<f32>, tensor<i8>) -> tensor<?x48xi8>
  %a = onnx.DequantizeLinear %q, %s, %z {axis = 0 : i64} : (tensor<?x48xi8>, tensor<f32>, tensor<i8>) -> tensor<?x48xf32>
  %w = weight.load @w : tensor<32x48xui8>
  %ws = weight.load @s : tensor<32xf32>
  %wz = weight.load @z : tensor<32xui8>
  %b = weight.load @b : tensor<32xi32>
  %d = onnx.DequantizeLinear %w, %ws, %wz {axis = 0 : i64} : (tensor<32x48xui8>, tensor<32xf32>, tensor<32xui8>) -> tensor<32x48xf32>
  %c = onnx.DequantizeLinear %b, %ws {axis = 0 : i64} : (tensor<32xi32>, tensor<32xf32>) -> tensor<32xf32>
  %0 = onnx.Gemm %a, %d, %c {alpha = 1.0 : f32, beta = 1.0 : f32, transA = false, transB = true}
      : (tensor<?x48xf32>, tensor<32x48xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  return %0, %a : tensor<?x32xf32>, tensor<?x48xf32>
}

// -----

weight.source @w : tensor<48x32xi8> in "model.onnx" at 0
weight.source @s : tensor<32xf32> in "model.onnx" at 1536

// Integers that were moved, and such as were quantised by another scale: what they stand for gives them again.

// CHECK-LABEL: func.func @moved
// CHECK: %[[Q:.*]] = onnx.Transpose
// CHECK: %[[A:.*]] = onnx.DequantizeLinear %[[Q]]
// CHECK: nn.quantized_linear %[[A]], %{{.*}} range
func.func @moved(%x: tensor<?x48x?xui8>) -> tensor<?x?x32xf32> {
  %s = onnx.Constant dense<0.25> : tensor<f32>
  %z = onnx.Constant dense<121> : tensor<ui8>
  %q = onnx.Transpose %x {perm = array<i64: 0, 2, 1>} : (tensor<?x48x?xui8>) -> tensor<?x?x48xui8>
  %a = onnx.DequantizeLinear %q, %s, %z {axis = 0 : i64} : (tensor<?x?x48xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x?x48xf32>
  %w = weight.load @w : tensor<48x32xi8>
  %ws = weight.load @s : tensor<32xf32>
  %d = onnx.DequantizeLinear %w, %ws {axis = 1 : i64} : (tensor<48x32xi8>, tensor<32xf32>) -> tensor<48x32xf32>
  %0 = onnx.MatMul %a, %d : (tensor<?x?x48xf32>, tensor<48x32xf32>) -> tensor<?x?x32xf32>
  return %0 : tensor<?x?x32xf32>
}

// CHECK-LABEL: func.func @other_scale
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x48xf32>
// CHECK: %[[Q:.*]] = onnx.QuantizeLinear %[[X]]
// CHECK: %[[A:.*]] = onnx.DequantizeLinear %[[Q]]
// CHECK: %[[R:.*]] = onnx.Constant dense<[5.000000e-01, 1.210000e+02]> : tensor<2xf32>
// CHECK: nn.quantized_linear %[[A]], %{{.*}} range %[[R]]
func.func @other_scale(%x: tensor<?x48xf32>) -> tensor<?x32xf32> {
  %s = onnx.Constant dense<0.25> : tensor<f32>
  %t = onnx.Constant dense<0.5> : tensor<f32>
  %z = onnx.Constant dense<121> : tensor<ui8>
  %q = onnx.QuantizeLinear %x, %s, %z {axis = 0 : i64} : (tensor<?x48xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x48xui8>
  %a = onnx.DequantizeLinear %q, %t, %z {axis = 0 : i64} : (tensor<?x48xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x48xf32>
  %w = weight.load @w : tensor<48x32xi8>
  %ws = weight.load @s : tensor<32xf32>
  %d = onnx.DequantizeLinear %w, %ws {axis = 1 : i64} : (tensor<48x32xi8>, tensor<32xf32>) -> tensor<48x32xf32>
  %0 = onnx.MatMul %a, %d : (tensor<?x48xf32>, tensor<48x32xf32>) -> tensor<?x32xf32>
  return %0 : tensor<?x32xf32>
}

// -----

weight.source @w : tensor<48x32xi8> in "model.onnx" at 0
weight.source @s : tensor<32xf32> in "model.onnx" at 1536

// QLinearMatMul as it is imported: the factor, with the scale of the result in it, is that of the columns, and the integers
// are rows of scale 1, so that nothing is rounded elsewhere.

// CHECK-LABEL: func.func @integers
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x48xi8>
// CHECK: %[[F:.*]] = onnx.Div
// CHECK: %[[ONE:.*]] = onnx.Constant dense<1.000000e+00> : tensor<f32>
// CHECK: %[[A:.*]] = onnx.DequantizeLinear %[[X]], %[[ONE]]
// CHECK: %[[R:.*]] = onnx.Constant dense<[1.000000e+00, 1.310000e+02]> : tensor<2xf32>
// CHECK: %[[P:.*]] = nn.quantized_linear %[[A]], %{{.*}} scale %[[F]] range %[[R]]
// CHECK: onnx.QuantizeLinear %[[P]]
func.func @integers(%a: tensor<?x48xi8>) -> tensor<?x32xi8> {
  %w = weight.load @w : tensor<48x32xi8>
  %ws = weight.load @s : tensor<32xf32>
  %as = onnx.Constant dense<0.25> : tensor<f32>
  %ys = onnx.Constant dense<0.5> : tensor<f32>
  %one = onnx.Constant dense<1.0> : tensor<f32>
  %az = onnx.Constant dense<3> : tensor<i8>
  %yz = onnx.Constant dense<5> : tensor<i8>
  %0 = onnx.MatMulInteger %a, %w, %az {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
      : (tensor<?x48xi8>, tensor<48x32xi8>, tensor<i8>) -> tensor<?x32xi32>
  %1 = onnx.Cast %0 : (tensor<?x32xi32>) -> tensor<?x32xf32>
  %2 = onnx.Mul %as, %ws : (tensor<f32>, tensor<32xf32>) -> tensor<32xf32>
  %3 = onnx.Div %2, %ys : (tensor<32xf32>, tensor<f32>) -> tensor<32xf32>
  %4 = onnx.Mul %1, %3 : (tensor<?x32xf32>, tensor<32xf32>) -> tensor<?x32xf32>
  %5 = onnx.QuantizeLinear %4, %one, %yz {axis = 0 : i64} : (tensor<?x32xf32>, tensor<f32>, tensor<i8>) -> tensor<?x32xi8>
  return %5 : tensor<?x32xi8>
}

// QGemm: the bias is added to the sums.

// CHECK-LABEL: func.func @integer_bias
// CHECK-DAG: %[[F:.*]] = weight.expand %{{.*}} : (tensor<f32>) -> tensor<32xf32>
// CHECK-DAG: %[[C:.*]] = onnx.Cast %{{.*}} : (tensor<32xi32>) -> tensor<32xf32>
// CHECK-DAG: %[[B:.*]] = onnx.Mul %[[C]], %[[F]]
// CHECK: nn.quantized_linear %{{.*}} scale %[[F]] bias %[[B]] range
func.func @integer_bias(%a: tensor<?x48xui8>) -> tensor<?x32xf32> {
  %w = weight.load @w : tensor<48x32xi8>
  %b = onnx.Constant dense<7> : tensor<32xi32>
  %f = onnx.Constant dense<0.25> : tensor<f32>
  %0 = onnx.MatMulInteger %a, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0>}
      : (tensor<?x48xui8>, tensor<48x32xi8>) -> tensor<?x32xi32>
  %1 = onnx.Add %0, %b : (tensor<?x32xi32>, tensor<32xi32>) -> tensor<?x32xi32>
  %2 = onnx.Cast %1 : (tensor<?x32xi32>) -> tensor<?x32xf32>
  %3 = onnx.Mul %2, %f : (tensor<?x32xf32>, tensor<f32>) -> tensor<?x32xf32>
  return %3 : tensor<?x32xf32>
}

// -----

weight.source @w : tensor<48x48xi8> in "model.onnx" at 0
weight.source @s : tensor<48xf32> in "model.onnx" at 2304
weight.source @t : tensor<3x48xf32> in "model.onnx" at 2496

// Near misses run as they stand: rows of 16 bits, a scale for each column of the rows, a scale that is computed or has no
// normal number, a weight with a scale for each row or block, no weight, and products that are scaled or transposed.

// CHECK-NOT: nn.quantized_linear
// SAYS-COUNT-4: remark: its rows have no one known scale and zero point of 8 bits

func.func @rows_of_16_bits(%x: tensor<?x48xf32>) -> tensor<?x48xf32> {
  %s = onnx.Constant dense<0.25> : tensor<f32>
  %z = onnx.Constant dense<121> : tensor<ui16>
  %q = onnx.QuantizeLinear %x, %s, %z {axis = 0 : i64} : (tensor<?x48xf32>, tensor<f32>, tensor<ui16>) -> tensor<?x48xui16>
  %a = onnx.DequantizeLinear %q, %s, %z {axis = 0 : i64} : (tensor<?x48xui16>, tensor<f32>, tensor<ui16>) -> tensor<?x48xf32>
  %w = weight.load @w : tensor<48x48xi8>
  %ws = weight.load @s : tensor<48xf32>
  %d = onnx.DequantizeLinear %w, %ws {axis = 1 : i64} : (tensor<48x48xi8>, tensor<48xf32>) -> tensor<48x48xf32>
  // CHECK: nn.linear
  %0 = onnx.MatMul %a, %d : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
  return %0 : tensor<?x48xf32>
}

// CHECK-NOT: nn.quantized_linear
func.func @scale_per_axis(%x: tensor<?x48xf32>) -> tensor<?x48xf32> {
  %s = weight.load @s : tensor<48xf32>
  %q = onnx.QuantizeLinear %x, %s {axis = 1 : i64} : (tensor<?x48xf32>, tensor<48xf32>) -> tensor<?x48xui8>
  %a = onnx.DequantizeLinear %q, %s {axis = 1 : i64} : (tensor<?x48xui8>, tensor<48xf32>) -> tensor<?x48xf32>
  %w = weight.load @w : tensor<48x48xi8>
  %d = onnx.DequantizeLinear %w, %s {axis = 1 : i64} : (tensor<48x48xi8>, tensor<48xf32>) -> tensor<48x48xf32>
  // CHECK: nn.linear
  %0 = onnx.MatMul %a, %d : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
  return %0 : tensor<?x48xf32>
}

// CHECK-NOT: nn.quantized_linear
func.func @computed_scale(%x: tensor<?x48xf32>, %s: tensor<f32>) -> tensor<?x48xf32> {
  %q = onnx.QuantizeLinear %x, %s {axis = 0 : i64} : (tensor<?x48xf32>, tensor<f32>) -> tensor<?x48xui8>
  %a = onnx.DequantizeLinear %q, %s {axis = 0 : i64} : (tensor<?x48xui8>, tensor<f32>) -> tensor<?x48xf32>
  %w = weight.load @w : tensor<48x48xi8>
  %ws = weight.load @s : tensor<48xf32>
  %d = onnx.DequantizeLinear %w, %ws {axis = 1 : i64} : (tensor<48x48xi8>, tensor<48xf32>) -> tensor<48x48xf32>
  // CHECK: nn.linear
  %0 = onnx.MatMul %a, %d : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
  return %0 : tensor<?x48xf32>
}

// CHECK-NOT: nn.quantized_linear
func.func @infinite(%x: tensor<?x48xf32>) -> tensor<?x48xf32> {
  %s = onnx.Constant dense<3.0e+38> : tensor<f32>
  %q = onnx.QuantizeLinear %x, %s {axis = 0 : i64} : (tensor<?x48xf32>, tensor<f32>) -> tensor<?x48xui8>
  %a = onnx.DequantizeLinear %q, %s {axis = 0 : i64} : (tensor<?x48xui8>, tensor<f32>) -> tensor<?x48xf32>
  %w = weight.load @w : tensor<48x48xi8>
  %ws = weight.load @s : tensor<48xf32>
  %d = onnx.DequantizeLinear %w, %ws {axis = 1 : i64} : (tensor<48x48xi8>, tensor<48xf32>) -> tensor<48x48xf32>
  // CHECK: nn.linear
  %0 = onnx.MatMul %a, %d : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
  return %0 : tensor<?x48xf32>
}

// CHECK-NOT: nn.quantized_linear
func.func @other_weights(%x: tensor<?x48xf32>, %v: tensor<48x48xi8>)
    -> (tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>) {
  %s = onnx.Constant dense<0.25> : tensor<f32>
  %q = onnx.QuantizeLinear %x, %s {axis = 0 : i64} : (tensor<?x48xf32>, tensor<f32>) -> tensor<?x48xui8>
  %a = onnx.DequantizeLinear %q, %s {axis = 0 : i64} : (tensor<?x48xui8>, tensor<f32>) -> tensor<?x48xf32>
  %w = weight.load @w : tensor<48x48xi8>
  %ws = weight.load @s : tensor<48xf32>
  %wt = weight.load @t : tensor<3x48xf32>
  %d0 = onnx.DequantizeLinear %w, %ws {axis = 0 : i64} : (tensor<48x48xi8>, tensor<48xf32>) -> tensor<48x48xf32>
  // CHECK: nn.linear
  %0 = onnx.MatMul %a, %d0 : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
  %d1 = onnx.DequantizeLinear %w, %wt {axis = 0 : i64, block_size = 16 : i64} : (tensor<48x48xi8>, tensor<3x48xf32>) -> tensor<48x48xf32>
  // CHECK: nn.linear
  %1 = onnx.MatMul %a, %d1 : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
  %d2 = onnx.DequantizeLinear %v, %ws {axis = 1 : i64} : (tensor<48x48xi8>, tensor<48xf32>) -> tensor<48x48xf32>
  // CHECK: onnx.MatMul
  %2 = onnx.MatMul %a, %d2 : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
  // CHECK: nn.linear
  %3 = onnx.Gemm %a, %d0 {alpha = 0.5 : f32, beta = 1.0 : f32, transA = false, transB = true}
      : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
  // CHECK: nn.linear
  %4 = onnx.MatMul %x, %d0 : (tensor<?x48xf32>, tensor<48x48xf32>) -> tensor<?x48xf32>
  return %0, %1, %2, %3, %4 : tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>, tensor<?x48xf32>
}

// Integers with factors for each row.

// CHECK-NOT: nn.quantized_linear
// SAYS: remark: it is multiplied by something else than known scales of its columns
func.func @factors_of_rows(%a: tensor<48x48xui8>) -> tensor<48x48xf32> {
  %w = weight.load @w : tensor<48x48xi8>
  %s = weight.load @s : tensor<48xf32>
  %f = weight.reshape %s : (tensor<48xf32>) -> tensor<48x1xf32>
  // CHECK: onnx.MatMulInteger
  %0 = onnx.MatMulInteger %a, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0>}
      : (tensor<48x48xui8>, tensor<48x48xi8>) -> tensor<48x48xi32>
  %1 = onnx.Cast %0 : (tensor<48x48xi32>) -> tensor<48x48xf32>
  %2 = onnx.Mul %1, %f : (tensor<48x48xf32>, tensor<48x1xf32>) -> tensor<48x48xf32>
  return %2 : tensor<48x48xf32>
}
