//===- ONNXBase.td - Dialect, types and op classes that the onnx ops share -----*- tablegen -*-===//
#ifndef TAMIS_DIALECT_ONNX_IR_ONNXBASE
#define TAMIS_DIALECT_ONNX_IR_ONNXBASE

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "tamis/Dialect/ONNX/IR/ShapeInference.td"

def ONNX_Dialect : Dialect {
  let name = "onnx";
  let cppNamespace = "::tamis::onnx";
  let summary = "The operators of ONNX models, one op for each in use";
  let description = [{
    What the importer builds. An operator that exists in several versions has one op here, in the form of the
    newest version; the importer rewrites the older spellings. What ONNX passes as a tensor but a compiler
    must know (axes, repeats of a rank) is an attribute here.

    All values are ranked tensors. Signless integers are signed, `i1` is bool, `uiN` are unsigned. The ONNX
    node's name is the op's location. Weights come from `weight.load`; only scalars and small integer tensors
    are `onnx.Constant`s. Arguments and results of the entry function carry the attributes `onnx.name`
    (the value's name) and `onnx.dims` (an array of strings: the name of each symbolic dimension, "" for
    none).
  }];
  let hasConstantMaterializer = 1;
}

def ONNX_Tensor : TypeAlias<AnyRankedTensor, "tensor">;
def ONNX_IntTensor : RankedTensorOf<[I64, I32]>;
def ONNX_BoolTensor : RankedTensorOf<[I1]>;

// Pure: no op here has an effect other than its result. (Division by zero and the like give what ONNX Runtime gives,
// an index out of range ends the run.)
class ONNX_Op<string mnemonic, list<Trait> traits = []>
    : Op<ONNX_Dialect, mnemonic,
         !listconcat([Pure, DeclareOpInterfaceMethods<ShapeInferenceOpInterface>], traits)> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

// Ops with several optional operands print them in groups.
class ONNX_SegmentedOp<string mnemonic, list<Trait> traits = []>
    : ONNX_Op<mnemonic, !listconcat([AttrSizedOperandSegments], traits)>;

#endif
