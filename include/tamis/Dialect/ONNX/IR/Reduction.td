//===- Reduction.td - Reductions and scans -------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_ONNX_IR_REDUCTION
#define TAMIS_DIALECT_ONNX_IR_REDUCTION

include "tamis/Dialect/ONNX/IR/ONNXBase.td"

class ONNX_ReduceOp<string mnemonic> : ONNX_Op<mnemonic> {
  let summary = mnemonic # " over `axes` (non-negative, ascending; the importer lists them all)";
  let arguments = (ins ONNX_Tensor:$data, DenseI64ArrayAttr:$axes, BoolAttr:$keepdims);
  let results = (outs ONNX_Tensor:$reduced);
}
foreach kind = ["Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp"] in
  def ONNX_Reduce#kind#Op : ONNX_ReduceOp<"Reduce" # kind>;

class ONNX_ArgOp<string mnemonic> : ONNX_Op<mnemonic> {
  let summary = mnemonic # " along one axis; of equal ones the first, or the last";
  let arguments = (ins ONNX_Tensor:$data, I64Attr:$axis, BoolAttr:$keepdims,
                   DefaultValuedAttr<BoolAttr, "false">:$select_last_index);
  let results = (outs RankedTensorOf<[I64]>:$reduced);
}
def ONNX_ArgMaxOp : ONNX_ArgOp<"ArgMax">;
def ONNX_ArgMinOp : ONNX_ArgOp<"ArgMin">;

def ONNX_CumSumOp : ONNX_Op<"CumSum"> {
  let summary = "Running sums along `axis`";
  let arguments = (ins ONNX_Tensor:$x, I64Attr:$axis, DefaultValuedAttr<BoolAttr, "false">:$exclusive,
                   DefaultValuedAttr<BoolAttr, "false">:$reverse);
  let results = (outs ONNX_Tensor:$y);
}

#endif
