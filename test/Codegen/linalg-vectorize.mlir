// RUN: tamis-opt %s --linalg-vectorize=isa=x86-64-v4 | FileCheck %s --check-prefixes=CHECK,V4
// RUN: tamis-opt %s --linalg-vectorize=isa=x86-64-v3 | FileCheck %s --check-prefixes=CHECK,V3

#rows = affine_map<(d0, d1) -> (d0, d1)>
#row = affine_map<(d0, d1) -> (d0)>
#column = affine_map<(d0, d1) -> (d1)>

// Contiguous operands make one loop; its chunks are the units. Whole vectors have no mask, the tail has one.
// CHECK-LABEL: func.func @flat
// CHECK: rt.parallel {{.*}} "elementwise"
// V4: vector.load {{.*}} vector<16xf32>
// V3: vector.load {{.*}} vector<8xf32>
// CHECK: vector.store
// CHECK: scf.if
// V4: vector.maskedload {{.*}} vector<16xi1>, vector<16xf32>
// V3: vector.maskedload {{.*}} vector<8xi1>, vector<8xf32>
// CHECK: math.exp
// CHECK: vector.maskedstore
// CHECK-NOT: linalg.generic
func.func @flat(%x: memref<?x?xf32>, %y: memref<?x?xf32>) {
  linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %e = math.exp %a : f32
    linalg.yield %e : f32
  }
  return
}

// A whole number of vectors has no tail, and what does not change along the vector stays scalar.
// CHECK-LABEL: func.func @whole
// CHECK: rt.parallel
// CHECK: %[[S:.*]] = memref.load
// CHECK: %[[R:.*]] = math.sqrt %[[S]] : f32
// CHECK: vector.broadcast %[[R]] : f32
// CHECK-NOT: vector.maskedload
// CHECK-LABEL: func.func @small
func.func @whole(%x: memref<?x64xf32>, %s: memref<?xf32>, %y: memref<?x64xf32>) {
  linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x, %s : memref<?x64xf32>, memref<?xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%a: f32, %b: f32, %o: f32):
    %r = math.sqrt %b : f32
    %d = arith.divf %a, %r : f32
    linalg.yield %d : f32
  }
  return
}

// Too little work for several threads. The widest element in memory fills a register.
// CHECK-NOT: rt.parallel
// V4: arith.sitofp {{.*}} vector<8xi64> to vector<8xf32>
// V3: arith.sitofp {{.*}} vector<4xi64> to vector<4xf32>
func.func @small(%x: memref<8x8xi64>, %y: memref<8x8xf32>) {
  linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<8x8xi64>) outs(%y : memref<8x8xf32>) {
  ^bb0(%a: i64, %o: f32):
    %f = arith.sitofp %a : i64 to f32
    linalg.yield %f : f32
  }
  return
}

// The sum of a row: four accumulators, a masked tail that leaves the other lanes as they are, one halving.
// CHECK-LABEL: func.func @sum
// V4: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: vector.maskedload
// CHECK: arith.select
// V4: vector.shuffle {{.*}} [0, 1, 2, 3, 4, 5, 6, 7]
// V3: vector.shuffle {{.*}} [0, 1, 2, 3]
// CHECK: memref.store
func.func @sum(%x: memref<?x?xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a fastmath<reassoc> : f32
    linalg.yield %s : f32
  }
  return
}

// Sums of columns: the rows are walked inside, with the accumulators in registers.
// CHECK-LABEL: func.func @columns
// CHECK: rt.parallel
// V4: scf.for {{.*}} -> (vector<16xf32>, vector<16xf32>, vector<16xf32>, vector<16xf32>)
// CHECK: vector.store
func.func @columns(%x: memref<?x?xf32>, %y: memref<?xf32>) {
  linalg.generic {indexing_maps = [#rows, #column], iterator_types = ["reduction", "parallel"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %s = arith.addf %o, %a : f32
    linalg.yield %s : f32
  }
  return
}

// Inside a loop over rows, an op is a plain loop.
// CHECK-LABEL: func.func @nested
// CHECK: scf.forall
// CHECK-NOT: rt.parallel
// CHECK: vector.load
func.func @nested(%x: memref<?x64xf32>, %n: index) {
  scf.forall (%i) in (%n) {
    %row = memref.subview %x[%i, 0] [1, 64] [1, 1] : memref<?x64xf32> to memref<1x64xf32, strided<[64, 1], offset: ?>>
    linalg.generic {indexing_maps = [#rows], iterator_types = ["parallel", "parallel"]}
        outs(%row : memref<1x64xf32, strided<[64, 1], offset: ?>>) {
    ^bb0(%o: f32):
      %s = arith.addf %o, %o : f32
      linalg.yield %s : f32
    }
  }
  return
}

// Left alone: i1 in memory (a byte there, a bit in a vector), quotients of integers, transposed operands, gathers,
// floats that may not be summed in another order, rows of a few elements.
// CHECK-LABEL: func.func @refused
// CHECK-COUNT-6: linalg.generic
// CHECK-NOT: vector.
// CHECK: return
func.func @refused(%b: memref<?x?xi1>, %i: memref<?x?xi32>, %x: memref<?x?xf32>, %y: memref<?x?xf32>,
                   %s: memref<?xf32>, %p: memref<?x2xf32>) {
  linalg.generic {indexing_maps = [#rows, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%b : memref<?x?xi1>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: i1, %o: f32):
    %f = arith.uitofp %a : i1 to f32
    linalg.yield %f : f32
  }
  linalg.generic {indexing_maps = [#rows], iterator_types = ["parallel", "parallel"]} outs(%i : memref<?x?xi32>) {
  ^bb0(%o: i32):
    %q = arith.divsi %o, %o : i32
    linalg.yield %q : i32
  }
  linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d1, d0)>, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x?xf32>) outs(%y : memref<?x?xf32>) {
  ^bb0(%a: f32, %o: f32):
    linalg.yield %a : f32
  }
  linalg.generic {indexing_maps = [#rows], iterator_types = ["parallel", "parallel"]} outs(%y : memref<?x?xf32>) {
  ^bb0(%o: f32):
    %k = linalg.index 1 : index
    %v = memref.load %s[%k] : memref<?xf32>
    linalg.yield %v : f32
  }
  linalg.generic {indexing_maps = [#rows, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<?x?xf32>) outs(%s : memref<?xf32>) {
  ^bb0(%a: f32, %o: f32):
    %v = arith.addf %o, %a : f32
    linalg.yield %v : f32
  }
  linalg.generic {indexing_maps = [#rows, #row, #rows], iterator_types = ["parallel", "parallel"]}
      ins(%p, %s : memref<?x2xf32>, memref<?xf32>) outs(%p : memref<?x2xf32>) {
  ^bb0(%a: f32, %c: f32, %o: f32):
    %v = arith.addf %a, %c : f32
    linalg.yield %v : f32
  }
  return
}
