//===- Shape.td - Constants, shapes and data movement --------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_ONNX_IR_SHAPE
#define TAMIS_DIALECT_ONNX_IR_SHAPE

include "tamis/Dialect/ONNX/IR/ONNXBase.td"

def ONNX_ConstantOp : ONNX_Op<"Constant", [ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "A scalar or a small tensor; weights are weight.load";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs ONNX_Tensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
  let builders = [OpBuilder<(ins "::mlir::DenseElementsAttr":$value), [{
    build($_builder, $_state, value.getType(), value);
  }]>];
}

def ONNX_ShapeOp : ONNX_Op<"Shape"> {
  let summary = "Sizes of the dimensions [start, end) of x, as i64";
  let arguments = (ins ONNX_Tensor:$x, I64Attr:$start, I64Attr:$end);
  let results = (outs RankedTensorOf<[I64]>:$shape);
  let description = "The importer resolves negative and absent bounds: 0 <= start <= end <= rank.";
}
def ONNX_SizeOp : ONNX_Op<"Size"> {
  let summary = "Number of elements of x, a scalar";
  let arguments = (ins ONNX_Tensor:$x);
  let results = (outs RankedTensorOf<[I64]>:$size);
}

def ONNX_ReshapeOp : ONNX_Op<"Reshape"> {
  let summary = "The same elements in another shape";
  let description = [{
    `shape` has a static length, which is the result's rank. One element may be -1; a 0 copies the operand's
    size unless `allowzero`. Flatten is this op with a computed shape.
  }];
  let arguments = (ins ONNX_Tensor:$data, RankedTensorOf<[I64]>:$shape,
                   DefaultValuedAttr<BoolAttr, "false">:$allowzero);
  let results = (outs ONNX_Tensor:$reshaped);
}
def ONNX_FlattenOp : ONNX_Op<"Flatten"> {
  let summary = "To a matrix: dimensions before `axis` times those from it on";
  let arguments = (ins ONNX_Tensor:$x, I64Attr:$axis);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_SqueezeOp : ONNX_Op<"Squeeze"> {
  let summary = "Drops the dimensions `axes` (non-negative, ascending), which must be 1";
  let arguments = (ins ONNX_Tensor:$data, DenseI64ArrayAttr:$axes);
  let results = (outs ONNX_Tensor:$squeezed);
}
def ONNX_UnsqueezeOp : ONNX_Op<"Unsqueeze"> {
  let summary = "Inserts dimensions of 1 at `axes` (of the result; non-negative, ascending)";
  let arguments = (ins ONNX_Tensor:$data, DenseI64ArrayAttr:$axes);
  let results = (outs ONNX_Tensor:$expanded);
}
def ONNX_ExpandOp : ONNX_Op<"Expand"> {
  let summary = "Broadcasts x with a shape (both ways, as numpy does)";
  let arguments = (ins ONNX_Tensor:$x, RankedTensorOf<[I64]>:$shape);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_TransposeOp : ONNX_Op<"Transpose"> {
  let summary = "Dimension i of the result is dimension perm[i] of x";
  let arguments = (ins ONNX_Tensor:$x, DenseI64ArrayAttr:$perm);
  let results = (outs ONNX_Tensor:$y);
  let hasFolder = 1;
}
def ONNX_ConcatOp : ONNX_Op<"Concat"> {
  let summary = "Joins tensors along `axis` (non-negative)";
  let arguments = (ins Variadic<ONNX_Tensor>:$inputs, I64Attr:$axis);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_SplitOp : ONNX_Op<"Split"> {
  let summary = "Cuts x along `axis`";
  let description = [{
    `sizes` (1-D, one element a result, summing up to the axis) when given. Else, into equal parts of
    ceil(size / results), the last one smaller.
  }];
  let arguments = (ins ONNX_Tensor:$x, Optional<RankedTensorOf<[I64]>>:$sizes, I64Attr:$axis);
  let results = (outs Variadic<ONNX_Tensor>:$parts);
}
def ONNX_SliceOp : ONNX_Op<"Slice"> {
  let summary = "Takes start : end : step along each of `axes` (non-negative, distinct)";
  let description = [{
    `starts` and `ends` are 1-D with one element for each of `axes` and clamped as ONNX says (negative counts
    from the end). `steps` are not 0.
  }];
  let arguments = (ins ONNX_Tensor:$data, ONNX_IntTensor:$starts, ONNX_IntTensor:$ends, DenseI64ArrayAttr:$axes,
                   DenseI64ArrayAttr:$steps);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_PadOp : ONNX_Op<"Pad"> {
  let summary = "Pads; `pads` is 1-D with 2 * rank elements: all begins, then all ends";
  let arguments = (ins ONNX_Tensor:$data, RankedTensorOf<[I64]>:$pads, Optional<ONNX_Tensor>:$value,
                   DefaultValuedAttr<StrAttr, "\"constant\"">:$mode);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_TileOp : ONNX_Op<"Tile"> {
  let summary = "Repeats x repeats[i] times along dimension i";
  let arguments = (ins ONNX_Tensor:$x, RankedTensorOf<[I64]>:$repeats);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_ConstantOfShapeOp : ONNX_Op<"ConstantOfShape"> {
  let summary = "A tensor of the given shape filled with `value` (one element)";
  let arguments = (ins RankedTensorOf<[I64]>:$shape, ElementsAttr:$value);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_RangeOp : ONNX_Op<"Range"> {
  let summary = "start, start + delta, ... below limit; the operands have one element";
  let arguments = (ins ONNX_Tensor:$start, ONNX_Tensor:$limit, ONNX_Tensor:$delta);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_TriluOp : ONNX_Op<"Trilu"> {
  let summary = "The upper or lower triangle of the last two dimensions, shifted by k (one element)";
  let arguments = (ins ONNX_Tensor:$x, Optional<RankedTensorOf<[I64]>>:$k, DefaultValuedAttr<BoolAttr, "true">:$upper);
  let results = (outs ONNX_Tensor:$y);
}

def ONNX_GatherOp : ONNX_Op<"Gather"> {
  let summary = "Slices of data along `axis` at indices (negative ones count from the end)";
  let arguments = (ins ONNX_Tensor:$data, ONNX_IntTensor:$indices, I64Attr:$axis);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_GatherElementsOp : ONNX_Op<"GatherElements"> {
  let summary = "y[i][j] = data[indices[i][j]][j] for axis 0, and so on";
  let arguments = (ins ONNX_Tensor:$data, ONNX_IntTensor:$indices, I64Attr:$axis);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_GatherNDOp : ONNX_Op<"GatherND"> {
  let summary = "Slices of data at index tuples, the last dimension of indices";
  let arguments = (ins ONNX_Tensor:$data, ONNX_IntTensor:$indices, I64Attr:$batch_dims);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_ScatterElementsOp : ONNX_Op<"ScatterElements"> {
  let summary = "data with elements replaced (or reduced: none, add, mul, min, max), the inverse of GatherElements";
  let arguments = (ins ONNX_Tensor:$data, ONNX_IntTensor:$indices, ONNX_Tensor:$updates, I64Attr:$axis,
                   DefaultValuedAttr<StrAttr, "\"none\"">:$reduction);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_ScatterNDOp : ONNX_Op<"ScatterND"> {
  let summary = "data with slices at index tuples replaced (or reduced: none, add, mul, min, max)";
  let arguments = (ins ONNX_Tensor:$data, ONNX_IntTensor:$indices, ONNX_Tensor:$updates,
                   DefaultValuedAttr<StrAttr, "\"none\"">:$reduction);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_OneHotOp : ONNX_Op<"OneHot"> {
  let summary = "values = [off, on]; depth has one element; the new dimension is `axis` of the result";
  let arguments = (ins ONNX_Tensor:$indices, ONNX_Tensor:$depth, ONNX_Tensor:$values, I64Attr:$axis);
  let results = (outs ONNX_Tensor:$y);
}
def ONNX_NonZeroOp : ONNX_Op<"NonZero"> {
  let summary = "Indices of the elements that are not zero, [rank, count]";
  let arguments = (ins ONNX_Tensor:$x);
  let results = (outs RankedTensorOf<[I64]>:$y);
}
def ONNX_TopKOp : ONNX_Op<"TopK"> {
  let summary = "The k (one element) largest or smallest along `axis`; of equal ones the lower index comes first";
  let arguments = (ins ONNX_Tensor:$x, RankedTensorOf<[I64]>:$k, I64Attr:$axis,
                   DefaultValuedAttr<BoolAttr, "true">:$largest, DefaultValuedAttr<BoolAttr, "true">:$sorted);
  let results = (outs ONNX_Tensor:$values, RankedTensorOf<[I64]>:$indices);
}

#endif
