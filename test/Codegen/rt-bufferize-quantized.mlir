// RUN: tamis-opt %s --rt-bufferize | FileCheck %s

// The range of x is taken before the product; one that is given is read where it lies.

// CHECK-LABEL: func.func @own_range
// CHECK: %[[R:.*]] = memref.alloc() {{.*}}: memref<2xf32>
// CHECK: kernel.dynamic_range %[[X:.*]], %[[R]]
// CHECK: kernel.quantized_linear %[[X]], %[[R]],
func.func @own_range(%x: tensor<?x64xf32>, %w: tensor<1x16x16x4xi8>, %s: tensor<16xf32>, %c: tensor<16xi32>) -> tensor<?x16xf32> {
  %y = nn.quantized_linear %x, %w scale %s column_sums %c
      : (tensor<?x64xf32>, tensor<1x16x16x4xi8>, tensor<16xf32>, tensor<16xi32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}

// CHECK-LABEL: func.func @given_range
// CHECK-SAME: %[[R:[^:]*]]: memref<2xf32>)
// CHECK-NOT: kernel.dynamic_range
// CHECK: kernel.quantized_linear %{{.*}}, %[[R]],
func.func @given_range(%x: tensor<?x64xf32>, %w: tensor<1x16x16x4xi8>, %s: tensor<16xf32>, %c: tensor<16xi32>, %r: tensor<2xf32>) -> tensor<?x16xf32> {
  %y = nn.quantized_linear %x, %w scale %s column_sums %c range %r
      : (tensor<?x64xf32>, tensor<1x16x16x4xi8>, tensor<16xf32>, tensor<16xi32>, tensor<2xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
