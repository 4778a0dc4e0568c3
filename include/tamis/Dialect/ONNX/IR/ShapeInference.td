//===- ShapeInference.td - Interface of ops that infer their result types ------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_ONNX_IR_SHAPEINFERENCE
#define TAMIS_DIALECT_ONNX_IR_SHAPEINFERENCE

include "mlir/IR/OpBase.td"

def ShapeInferenceOpInterface : OpInterface<"ShapeInferenceOpInterface"> {
  let description = [{
    Result types from operand types, attributes, and the values of operands that are constants. An unknown
    size is dynamic; a rank is always known.
  }];
  let cppNamespace = "::tamis::onnx";
  // The result types of an op must be compatible with what it infers.
  let verify = [{ return ::tamis::onnx::verifyResultTypes($_op); }];
  let methods = [
    InterfaceMethod<[{
      Appends one type for each result. On a contradiction (operands that cannot be broadcast, an axis out
      of range, element types that the operator does not take) emits an error that says what is wrong and
      fails. Must not read the op's present result types, except for an element type that only they carry.
    }], "::llvm::LogicalResult", "inferResultTypes", (ins "::llvm::SmallVectorImpl<::mlir::Type> &":$types)>
  ];
}

#endif
