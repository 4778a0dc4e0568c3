// RUN: tamis-opt %s -split-input-file -verify-diagnostics

func.func @arguments(%n: index) {
  // expected-error @below {{needs a body with the arguments begin, end and thread}}
  rt.parallel %n grain %n "test" flops %n bytes %n {
  ^bb0(%begin: index):
    rt.yield
  }
  return
}

// -----

func.func @cache_without_room(%n: index) {
  // expected-error @below {{of strides [?, ?, size, 1]}}
  %place, %kept = rt.cache 0 batch %n rows %n : memref<?x2x?x8xf32>
  return
}
