// RUN: tamis-opt %s -split-input-file -verify-diagnostics

func.func @arguments(%n: index) {
  // expected-error @below {{needs a body with the arguments begin, end and thread}}
  rt.parallel %n grain %n "test" flops %n bytes %n {
  ^bb0(%begin: index):
    rt.yield
  }
  return
}
