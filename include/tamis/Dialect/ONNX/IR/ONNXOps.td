//===- ONNXOps.td - All ops of the onnx dialect --------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_ONNX_IR_ONNXOPS
#define TAMIS_DIALECT_ONNX_IR_ONNXOPS

include "tamis/Dialect/ONNX/IR/Elementwise.td"
include "tamis/Dialect/ONNX/IR/Shape.td"
include "tamis/Dialect/ONNX/IR/Reduction.td"
include "tamis/Dialect/ONNX/IR/Contraction.td"
include "tamis/Dialect/ONNX/IR/Normalization.td"
include "tamis/Dialect/ONNX/IR/Attention.td"
include "tamis/Dialect/ONNX/IR/Experts.td"
include "tamis/Dialect/ONNX/IR/Quantization.td"

#endif
