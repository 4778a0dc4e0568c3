// RUN: tamis-opt %s --nn-assign-precisions=layer-precision=dense=int8,dense/1=f32,self=split-f32,words=bf16,moe=int4 | FileCheck %s
// RUN: not tamis-opt %s --nn-assign-precisions=layer-precision=dense=int8,norm=bf16 2>&1 | FileCheck %s --check-prefix=UNUSED
// RUN: not tamis-opt %s --nn-assign-precisions=layer-precision=dense=fp8 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNUSED: layer-precision: no linear layer, attention, table or layer of experts has a node whose name fits 'norm=bf16'; --emit=mlir shows the names
// UNKNOWN: layer-precision: there is no precision 'fp8'

weight.source @w : tensor<32x40xf32> in "model.onnx" at 0
weight.source @in : tensor<4x32x16xf32> in "model.onnx" at 0
weight.source @out : tensor<4x16x32xf32> in "model.onnx" at 0
weight.source @words : tensor<60x32xf32> in "model.onnx" at 0
weight.source @gain : tensor<32xf32> in "model.onnx" at 0

// The last expression that holds counts, for any of the nodes that became a layer.
// CHECK-LABEL: func.func @linears
// CHECK: nn.linear %arg0, %{{.*}} {tamis.precision = "int8"}
// CHECK: nn.linear %arg0, %{{.*}} {tamis.precision = "f32"}
// CHECK: nn.linear %arg0, %{{[^ ]*}} :
// What is multiplied by has no weight whose precision could be chosen.
// CHECK: nn.linear %arg0, %arg1 :
func.func @linears(%x: tensor<?x32xf32>, %m: tensor<32x40xf32>) -> (tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>) {
  %w = weight.load @w : tensor<32x40xf32>
  %0 = nn.linear %x, %w : (tensor<?x32xf32>, tensor<32x40xf32>) -> tensor<?x40xf32> loc("dense/0")
  %1 = nn.linear %x, %w : (tensor<?x32xf32>, tensor<32x40xf32>) -> tensor<?x40xf32> loc(fused["other", "dense/1"])
  %2 = nn.linear %x, %w : (tensor<?x32xf32>, tensor<32x40xf32>) -> tensor<?x40xf32> loc("rest")
  %3 = nn.linear %x, %m : (tensor<?x32xf32>, tensor<32x40xf32>) -> tensor<?x40xf32> loc("dense/2")
  return %0, %1, %2, %3 : tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>, tensor<?x40xf32>
}

// CHECK-LABEL: func.func @others
// CHECK: nn.embedding {{.*}} {tamis.precision = "bf16"}
// CHECK: nn.attention {{.*}}tamis.precision = "split-f32"
// CHECK: moe.experts {{.*}}tamis.precision = "int4"
// CHECK-NOT: tamis.precision
func.func @others(%ids: tensor<?xi64>, %x: tensor<?x?x24xf32>, %i: tensor<?x2xi64>, %p: tensor<?x2xf32>) -> (tensor<?x?x8xf32>, tensor<?x32xf32>) {
  %words = weight.load @words : tensor<60x32xf32>
  %gain = weight.load @gain : tensor<32xf32>
  %in = weight.load @in : tensor<4x32x16xf32>
  %out = weight.load @out : tensor<4x16x32xf32>
  %0 = nn.embedding %words at %ids : (tensor<60x32xf32>, tensor<?xi64>) -> tensor<?x32xf32> loc("words")
  %1 = nn.attention %x, %x, %x {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 4 : i64, value_dim = 4 : i64,
      scale = 5.000000e-01 : f32, k_column = 8 : i64, v_column = 16 : i64}
    : (tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x8xf32> loc("self")
  %2 = nn.layer_norm %0, %gain bias %gain {epsilon = 1.000000e-05 : f32} : (tensor<?x32xf32>, tensor<32xf32>, tensor<32xf32>) -> tensor<?x32xf32> loc("norm")
  %3 = moe.experts %2 to %i weighted %p in %in out %out {activation = #nn<activation relu>} : (tensor<?x32xf32>, tensor<?x2xi64>, tensor<?x2xf32>, tensor<4x32x16xf32>, tensor<4x16x32xf32>) -> tensor<?x32xf32> loc("moe")
  return %1, %3 : tensor<?x?x8xf32>, tensor<?x32xf32>
}
