// RUN: tamis-opt %s --nn-store-tables=precision=bf16 | FileCheck %s
// RUN: tamis-opt %s --nn-store-tables=precision=int8 | FileCheck %s
// RUN: tamis-opt %s --nn-store-tables=precision=int4 | FileCheck %s
// RUN: tamis-opt %s --nn-store-tables=precision=split-f32 | FileCheck %s --check-prefix=KEPT
// RUN: tamis-opt %s --nn-store-tables | FileCheck %s --check-prefix=KEPT
// RUN: not tamis-opt %s --nn-store-tables=precision=fp4 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// KEPT-LABEL: func.func @tables
// KEPT-NOT: weight.cast
// KEPT: func.func @own
// UNKNOWN: there is no precision 'fp4'

weight.source @words : tensor<60x32xf32> in "model.onnx" at 0
weight.source @places : tensor<20x32xf32> in "model.onnx" at 7680
weight.source @tied : tensor<25x32xf32> in "model.onnx" at 10240
weight.source @shared : tensor<20x32xf32> in "model.onnx" at 20480

// CHECK-LABEL: func.func @tables
// CHECK: %[[WORDS:.*]] = weight.cast %{{.*}} : (tensor<60x32xf32>) -> tensor<60x32xbf16>
// CHECK: %[[PLACES:.*]] = weight.cast %{{.*}} : (tensor<20x32xf32>) -> tensor<20x32xbf16>
// CHECK: nn.embedding %[[WORDS]], %[[PLACES]] at %arg0, %arg1
// A table that several layers read is rounded once.
// CHECK: nn.embedding %[[WORDS]] at %arg0
func.func @tables(%ids: tensor<?x?xi64>, %at: tensor<?xi64>) -> (tensor<?x?x32xf32>, tensor<?x?x32xf32>) {
  %words = weight.load @words : tensor<60x32xf32>
  %places = weight.load @places : tensor<20x32xf32>
  %0 = nn.embedding %words, %places at %ids, %at : (tensor<60x32xf32>, tensor<20x32xf32>, tensor<?x?xi64>, tensor<?xi64>) -> tensor<?x?x32xf32>
  %1 = nn.embedding %words at %ids : (tensor<60x32xf32>, tensor<?x?xi64>) -> tensor<?x?x32xf32>
  return %0, %1 : tensor<?x?x32xf32>, tensor<?x?x32xf32>
}

// The layer that shares the table's weight packs the f32 numbers for itself.
// CHECK-LABEL: func.func @tied_layer
// CHECK: %[[LOAD:.*]] = weight.load @tied
// CHECK: %[[TIED:.*]] = weight.cast %[[LOAD]]
// CHECK: nn.embedding %[[TIED]] at
// CHECK: weight.transpose %[[LOAD]]
func.func @tied_layer(%ids: tensor<?xi64>) -> tensor<?x25xf32> {
  %table = weight.load @tied : tensor<25x32xf32>
  %0 = nn.embedding %table at %ids : (tensor<25x32xf32>, tensor<?xi64>) -> tensor<?x32xf32>
  %1 = weight.transpose %table {perm = array<i64: 1, 0>} : (tensor<25x32xf32>) -> tensor<32x25xf32>
  %2 = weight.pack_panels %1 : (tensor<32x25xf32>) -> tensor<2x32x16xf32>
  %3 = nn.linear %0, %2 : (tensor<?x32xf32>, tensor<2x32x16xf32>) -> tensor<?x25xf32>
  return %3 : tensor<?x25xf32>
}

// What something else reads as it is would be stored twice, and what comes at run time is no weight.
// CHECK-LABEL: func.func @kept
// CHECK-NOT: weight.cast
// CHECK: nn.embedding %{{.*}}, %arg1 at %arg0, %arg0 : (tensor<20x32xf32>, tensor<?x32xf32>
func.func @kept(%ids: tensor<?xi64>, %table: tensor<?x32xf32>) -> (tensor<?x32xf32>, tensor<20x32xf32>) {
  %w = weight.load @shared : tensor<20x32xf32>
  %0 = nn.embedding %w, %table at %ids, %ids : (tensor<20x32xf32>, tensor<?x32xf32>, tensor<?xi64>, tensor<?xi64>) -> tensor<?x32xf32>
  return %0, %w : tensor<?x32xf32>, tensor<20x32xf32>
}

// A layer may have a precision of its own. A table that another one reads at f32 is stored once, as it is.
// RUN: tamis-opt %s --nn-store-tables | FileCheck %s --check-prefix=OWN
// OWN: tamis.layer_precisions = {{\[\[}}"own/0", "bf16"]]
// OWN-LABEL: func.func @own
// OWN: %[[WORDS:.*]] = weight.cast %{{.*}} : (tensor<60x32xf32>) -> tensor<60x32xbf16>
// OWN-NOT: weight.cast
// OWN: nn.embedding %[[WORDS]] at
func.func @own(%ids: tensor<?xi64>) -> (tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) {
  %words = weight.load @words : tensor<60x32xf32>
  %places = weight.load @places : tensor<20x32xf32>
  %0 = nn.embedding %words at %ids {tamis.precision = "int8"} : (tensor<60x32xf32>, tensor<?xi64>) -> tensor<?x32xf32> loc("own/0")
  %1 = nn.embedding %places at %ids {tamis.precision = "bf16"} : (tensor<20x32xf32>, tensor<?xi64>) -> tensor<?x32xf32> loc("own/1")
  %2 = nn.embedding %places at %ids : (tensor<20x32xf32>, tensor<?xi64>) -> tensor<?x32xf32> loc("rest")
  return %0, %1, %2 : tensor<?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
}
