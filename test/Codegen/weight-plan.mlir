// RUN: tamis-opt %s --weight-plan | FileCheck %s

// A chain of transforms becomes a recipe; the next place is aligned; a source that nothing uses goes away.

// CHECK-NOT: weight.source @idle
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[BIAS:.*]] = weight.get @b{{.*}} : tensor<24xf32>
// CHECK-DAG: %[[PACKED:.*]] = weight.get @w{{.*}} : tensor<2x3x16xf32>
// CHECK: nn.linear %{{.*}}, %[[PACKED]] bias %[[BIAS]]
// CHECK: weight.recipe @w{{.*}} : tensor<2x3x16xf32> at 0 {
// CHECK:   %[[W:.*]] = weight.load @w
// CHECK:   %[[P:.*]] = weight.pack_panels %[[W]]
// CHECK:   weight.yield %[[P]]
// CHECK: weight.recipe @b{{.*}} : tensor<24xf32> at 384 {
module {
  weight.source @w : tensor<3x24xf32> in "model.onnx" at 64
  weight.source @b : tensor<24xf32> in "model.onnx" at 352
  weight.source @idle : tensor<7xf32> in "model.onnx" at 0
  func.func @main(%x: tensor<?x3xf32>) -> tensor<?x24xf32> {
    %w = weight.load @w : tensor<3x24xf32>
    %b = weight.load @b : tensor<24xf32>
    %packed = weight.pack_panels %w : (tensor<3x24xf32>) -> tensor<2x3x16xf32>
    %y = nn.linear %x, %packed bias %b : (tensor<?x3xf32>, tensor<2x3x16xf32>, tensor<24xf32>) -> tensor<?x24xf32>
    return %y : tensor<?x24xf32>
  }
}
