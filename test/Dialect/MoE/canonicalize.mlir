// RUN: tamis-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: func.func @fold
func.func @fold(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %w1: tensor<8x12x20xf32>,
                %w2: tensor<8x20x12xf32>) -> tensor<?x12xf32> {
  // CHECK: %[[Y:.*]] = moe.experts %arg0 to %arg1 weighted %arg2 in %arg3 out %arg4 {activation = #nn<activation relu>}
  // CHECK-NOT: moe.combine
  // CHECK: return %[[Y]]
  %y = moe.experts %x to %i in %w1 out %w2 {activation = #nn<activation relu>}
    : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<8x12x20xf32>, tensor<8x20x12xf32>) -> tensor<?x2x12xf32>
  %z = moe.combine %y, %w : (tensor<?x2x12xf32>, tensor<?x2xf32>) -> tensor<?x12xf32>
  return %z : tensor<?x12xf32>
}

// What each expert computed is read, too: it has to be there.
// CHECK-LABEL: func.func @other_reader
func.func @other_reader(%x: tensor<?x12xf32>, %i: tensor<?x2xi64>, %w: tensor<?x2xf32>, %w1: tensor<8x12x20xf32>,
                        %w2: tensor<8x20x12xf32>) -> (tensor<?x12xf32>, tensor<?x2x12xf32>) {
  // CHECK: moe.experts %arg0 to %arg1 in
  // CHECK: moe.combine
  %y = moe.experts %x to %i in %w1 out %w2
    : (tensor<?x12xf32>, tensor<?x2xi64>, tensor<8x12x20xf32>, tensor<8x20x12xf32>) -> tensor<?x2x12xf32>
  %z = moe.combine %y, %w : (tensor<?x2x12xf32>, tensor<?x2xf32>) -> tensor<?x12xf32>
  return %z, %y : tensor<?x12xf32>, tensor<?x2x12xf32>
}
