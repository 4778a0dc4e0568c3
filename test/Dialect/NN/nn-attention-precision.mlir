// RUN: tamis-opt %s --nn-attention-precision | FileCheck %s
// RUN: tamis-opt %s --nn-attention-precision=precision=bf16 | FileCheck %s --check-prefix=BF16
// RUN: tamis-opt %s --nn-attention-precision=precision=int8 | FileCheck %s --check-prefix=BF16
// RUN: tamis-opt %s --nn-attention-precision=precision=int4 | FileCheck %s --check-prefix=BF16
// RUN: tamis-opt %s --nn-attention-precision=precision=split-f32 | FileCheck %s --check-prefix=SPLIT
// RUN: not tamis-opt %s --nn-attention-precision=precision=fp4 2>&1 | FileCheck %s --check-prefix=UNKNOWN

// UNKNOWN: there is no precision 'fp4'; there are f32, split-f32, bf16, int8 and int4

// The default is f32 and is not printed.
// CHECK-LABEL: func.func @attention
// CHECK-NOT: product_precision
// CHECK: return

// Integers would need scales: under int8 and int4 the products inside are of bf16.
// BF16-LABEL: func.func @attention
// BF16: nn.attention {{.*}}precision = #nn<product_precision bf16>

// SPLIT-LABEL: func.func @attention
// SPLIT: nn.attention {{.*}}precision = #nn<product_precision split_f32>
func.func @attention(%x: tensor<?x?x24xf32>) -> tensor<?x?x8xf32> {
  %0 = nn.attention %x, %x, %x {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 4 : i64, value_dim = 4 : i64,
      scale = 5.000000e-01 : f32, k_column = 8 : i64, v_column = 16 : i64}
    : (tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x8xf32>
  return %0 : tensor<?x?x8xf32>
}

// An attention may have a precision of its own, which is listed where it differs.
// RUN: tamis-opt %s --nn-attention-precision=precision=split-f32 | FileCheck %s --check-prefix=OWN
// OWN: tamis.layer_precisions = {{\[\[}}"own", "bf16"]]
// OWN-LABEL: func.func @own
// OWN: nn.attention {{.*}}precision = #nn<product_precision bf16>
func.func @own(%x: tensor<?x?x24xf32>) -> tensor<?x?x8xf32> {
  %0 = nn.attention %x, %x, %x {heads = 2 : i64, kv_heads = 2 : i64, head_dim = 4 : i64, value_dim = 4 : i64,
      scale = 5.000000e-01 : f32, k_column = 8 : i64, v_column = 16 : i64, tamis.precision = "int8"}
    : (tensor<?x?x24xf32>, tensor<?x?x24xf32>, tensor<?x?x24xf32>) -> tensor<?x?x8xf32> loc("own")
  return %0 : tensor<?x?x8xf32>
}
