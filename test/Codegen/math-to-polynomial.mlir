// RUN: tamis-opt %s --math-to-polynomial | FileCheck %s

// CHECK-LABEL: func.func @functions
// CHECK-NOT: math.exp
// CHECK-NOT: math.erf
// CHECK-NOT: math.tanh
// CHECK-NOT: math.sin
func.func @functions(%x: f32) -> (f32, f32, f32, f32) {
  %a = math.exp %x : f32
  %b = math.erf %x : f32
  %c = math.tanh %x : f32
  %d = math.sin %x : f32
  return %a, %b, %c, %d : f32, f32, f32, f32
}

// What the CPU has stays; f16 is computed in f32.
// CHECK-LABEL: func.func @kept
// CHECK: math.sqrt %{{.*}} : f64
// CHECK: arith.extf %{{.*}} : f16 to f32
// CHECK-NOT: math.exp
// CHECK: arith.truncf %{{.*}} : f32 to f16
func.func @kept(%x: f64, %h: f16) -> (f64, f16) {
  %a = math.sqrt %x : f64
  %b = math.exp %h : f16
  return %a, %b : f64, f16
}
