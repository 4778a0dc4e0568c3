// RUN: tamis-opt %s --moe-read-profile="profile=%S/Inputs/profile.json model-hash=00112233445566aa" | FileCheck %s
// Another hash, a layer that there is not (here of other experts), no file, no profile.
// RUN: not tamis-opt %s --moe-read-profile="profile=%S/Inputs/profile.json model-hash=00112233445566ab" 2>&1 | FileCheck %s --check-prefix=HASH
// RUN: sed 's/4x/5x/g' %s | not tamis-opt - --moe-read-profile="profile=%S/Inputs/profile.json" 2>&1 | FileCheck %s --check-prefix=LAYER
// RUN: not tamis-opt %s --moe-read-profile="profile=%t.none" 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not tamis-opt %s --moe-read-profile="profile=%s" 2>&1 | FileCheck %s --check-prefix=JSON
// RUN: sed 's/"pairs": .2, 10, 0, 8./"pairs": [2, 10]/' %S/Inputs/profile.json > %t.json
// RUN: not tamis-opt %s --moe-read-profile="profile=%t.json" 2>&1 | FileCheck %s --check-prefix=DAMAGED
// HASH: is of a model with the hash 00112233445566aa, not of this one, 00112233445566ab; make it with 'tamis profile'
// LAYER: has a layer 'first' of 2 of 4 experts, which this model has not
// NONE: cannot be read
// JSON: is no JSON
// DAMAGED: is damaged (lists are not of the layer's number of experts

// The layer that nobody profiled is told of.
// CHECK: tamis.remarks = [{pass = "moe-read-profile", text = "the profile knows nothing of the experts at second"}]
// CHECK: moe.experts
// CHECK-SAME: tamis.usage = {lengths = array<f64: 2.000000e+00, 1.000000e+00, 0.000000e+00, 5.000000e-01>
// CHECK-SAME: pairs = array<i64: 2, 10, 0, 8>
// CHECK-SAME: scores = array<f64: 1.000000e+00, 5.000000e-01, 0.000000e+00, 2.500000e-01>, tokens = 10 : i64}
// CHECK: moe.experts
// CHECK-NOT: tamis.usage
func.func @layers(%x: tensor<?x8xf32>, %i: tensor<?x2xi64>, %w: tensor<4x8x8xf32>) -> (tensor<?x2x8xf32>, tensor<?x2x8xf32>) {
  %0 = moe.experts %x to %i in %w out %w : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<4x8x8xf32>, tensor<4x8x8xf32>) -> tensor<?x2x8xf32> loc("first")
  %1 = moe.experts %x to %i in %w out %w : (tensor<?x8xf32>, tensor<?x2xi64>, tensor<4x8x8xf32>, tensor<4x8x8xf32>) -> tensor<?x2x8xf32> loc("second")
  return %0, %1 : tensor<?x2x8xf32>, tensor<?x2x8xf32>
}
