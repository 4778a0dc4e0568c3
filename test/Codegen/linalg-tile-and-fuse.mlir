// RUN: tamis-opt %s --split-input-file --linalg-tile-and-fuse | FileCheck %s

#rows = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// A softmax: one loop over rows; the exponentials lie in the row of the output, which the division overwrites.
// CHECK-LABEL: func.func @softmax
// CHECK: scf.forall (%[[I:.*]]) in (%{{.*}}) shared_outs(%[[OUT:.*]] = %{{.*}})
// CHECK: %[[X:.*]] = tensor.extract_slice %arg0[%[[I]], 0]
// CHECK: %[[MAX:.*]] = linalg.generic {{.*}}"reduction"]} ins(%[[X]]
// CHECK: arith.maximumf
// CHECK: %[[ROW:.*]] = tensor.extract_slice %[[OUT]][%[[I]], 0]
// CHECK: %[[EXP:.*]] = linalg.generic {{.*}} ins(%[[X]], %[[MAX]] {{.*}} outs(%[[ROW]]
// CHECK: math.exp
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}}"reduction"]} ins(%[[EXP]]
// CHECK: linalg.generic {{.*}} ins(%{{.*}}, %[[SUM]] {{.*}} outs(%[[EXP]]
// CHECK: ^bb0(%{{.*}}: f32, %[[S:.*]]: f32, %[[CURRENT:.*]]: f32)
// CHECK-NEXT: arith.divf %[[CURRENT]], %[[S]]
// CHECK: scf.forall.in_parallel
func.func @softmax(%x: tensor<?x?xf32>, %n: index, %m: index) -> tensor<?x?xf32> {
  %zero = arith.constant 0.0 : f32
  %lowest = arith.constant 0xFF800000 : f32
  %stat = tensor.empty(%n) : tensor<?xf32>
  %all = tensor.empty(%n, %m) : tensor<?x?xf32>
  %start = linalg.fill ins(%lowest : f32) outs(%stat : tensor<?xf32>) -> tensor<?xf32>
  %max = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : tensor<?x?xf32>) outs(%start : tensor<?xf32>) {
  ^bb0(%v: f32, %a: f32):
    %r = arith.maximumf %v, %a : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %exp = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %max : tensor<?x?xf32>, tensor<?xf32>) outs(%all : tensor<?x?xf32>) {
  ^bb0(%v: f32, %a: f32, %o: f32):
    %d = arith.subf %v, %a : f32
    %r = math.exp %d : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  %none = linalg.fill ins(%zero : f32) outs(%stat : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%exp : tensor<?x?xf32>) outs(%none : tensor<?xf32>) {
  ^bb0(%v: f32, %a: f32):
    %r = arith.addf %v, %a fastmath<reassoc> : f32
    linalg.yield %r : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%exp, %sum : tensor<?x?xf32>, tensor<?xf32>) outs(%all : tensor<?x?xf32>) {
  ^bb0(%v: f32, %a: f32, %o: f32):
    %r = arith.divf %v, %a : f32
    linalg.yield %r : f32
  } -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// -----

#rows = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// What others read too is a result of the loop; a cheap row is computed by each of its readers.
// CHECK-LABEL: func.func @residual
// CHECK: %[[LOOP:.*]]:2 = scf.forall
// CHECK: %[[H:.*]] = linalg.generic
// CHECK: arith.addf
// CHECK: %[[SUM:.*]] = linalg.generic {{.*}}"reduction"]} ins(%[[H]]
// CHECK: arith.subf
// CHECK: arith.mulf
// CHECK: arith.addf
// CHECK: linalg.generic {{.*}} ins(%[[H]], %[[SUM]]
// CHECK: arith.subf
// CHECK: arith.divf
// CHECK: tensor.parallel_insert_slice
// CHECK: tensor.parallel_insert_slice %[[H]]
// CHECK: return %[[LOOP]]#0, %[[LOOP]]#1
func.func @residual(%x: tensor<?x64xf32>, %r: tensor<?x64xf32>, %n: index) -> (tensor<?x64xf32>, tensor<?x64xf32>) {
  %zero = arith.constant 0.0 : f32
  %half = arith.constant 0.5 : f32
  %stat = tensor.empty(%n) : tensor<?xf32>
  %all = tensor.empty(%n) : tensor<?x64xf32>
  %h = linalg.generic {indexing_maps = [#rows, #rows, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %r : tensor<?x64xf32>, tensor<?x64xf32>) outs(%all : tensor<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %s = arith.addf %a, %b : f32
    linalg.yield %s : f32
  } -> tensor<?x64xf32>
  %c = linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%h : tensor<?x64xf32>) outs(%all : tensor<?x64xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.subf %a, %half : f32
    linalg.yield %s : f32
  } -> tensor<?x64xf32>
  %none = linalg.fill ins(%zero : f32) outs(%stat : tensor<?xf32>) -> tensor<?xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%c : tensor<?x64xf32>) outs(%none : tensor<?xf32>) {
  ^bb0(%v: f32, %a: f32):
    %q = arith.mulf %v, %v : f32
    %s = arith.addf %a, %q fastmath<reassoc> : f32
    linalg.yield %s : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%c, %sum : tensor<?x64xf32>, tensor<?xf32>) outs(%all : tensor<?x64xf32>) {
  ^bb0(%v: f32, %a: f32, %o: f32):
    %s = arith.divf %v, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x64xf32>
  return %y, %h : tensor<?x64xf32>, tensor<?x64xf32>
}

// -----

#rows = affine_map<(d0, d1) -> (d0, d1)>
#column = affine_map<(d0, d1) -> (d1)>

// A row of the root needs all rows of the sums over columns: they stay outside, and a lone map is no chain.
// CHECK-LABEL: func.func @columns
// CHECK-NOT: scf.forall
func.func @columns(%x: tensor<?x64xf32>, %n: index) -> tensor<?x64xf32> {
  %zero = arith.constant 0.0 : f32
  %stat = tensor.empty() : tensor<64xf32>
  %all = tensor.empty(%n) : tensor<?x64xf32>
  %none = linalg.fill ins(%zero : f32) outs(%stat : tensor<64xf32>) -> tensor<64xf32>
  %sum = linalg.generic {indexing_maps = [#rows, #column], iterator_types = ["reduction", "parallel"]}
      ins(%x : tensor<?x64xf32>) outs(%none : tensor<64xf32>) {
  ^bb0(%v: f32, %a: f32):
    %s = arith.addf %a, %v fastmath<reassoc> : f32
    linalg.yield %s : f32
  } -> tensor<64xf32>
  %y = linalg.generic {indexing_maps = [#rows, #column, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %sum : tensor<?x64xf32>, tensor<64xf32>) outs(%all : tensor<?x64xf32>) {
  ^bb0(%v: f32, %a: f32, %o: f32):
    %s = arith.divf %v, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}

// -----

#rows = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>

// A gather is no part of a chain.
// CHECK-LABEL: func.func @gather
// CHECK-NOT: scf.forall
func.func @gather(%x: tensor<?x64xf32>, %t: tensor<?xf32>, %n: index) -> tensor<?x64xf32> {
  %stat = tensor.empty(%n) : tensor<?xf32>
  %all = tensor.empty(%n) : tensor<?x64xf32>
  %g = linalg.generic {indexing_maps = [affine_map<(d0) -> (d0)>], iterator_types = ["parallel"]}
      outs(%stat : tensor<?xf32>) {
  ^bb0(%o: f32):
    %i = linalg.index 0 : index
    %v = tensor.extract %t[%i] : tensor<?xf32>
    linalg.yield %v : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %g : tensor<?x64xf32>, tensor<?xf32>) outs(%all : tensor<?x64xf32>) {
  ^bb0(%v: f32, %a: f32, %o: f32):
    %s = arith.divf %v, %a : f32
    linalg.yield %s : f32
  } -> tensor<?x64xf32>
  return %y : tensor<?x64xf32>
}
