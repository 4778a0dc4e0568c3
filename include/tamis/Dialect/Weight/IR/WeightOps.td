//===- WeightOps.td - Weights by reference --------------------------------------*- tablegen -*-===//
#ifndef TAMIS_DIALECT_WEIGHT_IR_WEIGHTOPS
#define TAMIS_DIALECT_WEIGHT_IR_WEIGHTOPS

include "mlir/IR/OpBase.td"
include "mlir/IR/EnumAttr.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/RegionKindInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def Weight_Dialect : Dialect {
  let name = "weight";
  let cppNamespace = "::tamis::weight";
  let summary = "Weights by reference: their sources and what is done to them at compile time";
  let description = [{
    A weight's bytes never enter the IR. `weight.source` says where they lie (a range of a file), `weight.load`
    names one as a value, and the transforms (transpose, concat, pack_panels, ...) say what the compiler does
    to it. The pass weight-plan moves each chain of transforms into a `weight.recipe` and gives it a place in
    the weight segment; the artifact's writer evaluates one recipe after the other, so that memory stays near
    the largest tensor.
  }];
}

class Weight_Op<string mnemonic, list<Trait> traits = []> : Op<Weight_Dialect, mnemonic, traits>;
// Evaluated by the compiler; its operand must come from weight.load through transforms.
class Weight_Transform<string mnemonic, list<Trait> traits = []>
    : Weight_Op<mnemonic, !listconcat([Pure], traits)> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def Weight_SourceOp : Weight_Op<"source", [Symbol, HasParent<"::mlir::ModuleOp">]> {
  let summary = "Where the bytes of a tensor lie";
  let description = [{
    `length` bytes from `offset` on in `file`, little-endian and row-major, are the elements of a tensor of
    `type`. `file` lies in the folder that the module attribute `weight.folder` names; `weight.model` is the
    model's own file there. A tensor whose file form is not plain bytes (protobuf's typed fields, sparse tensors)
    is given by `value` instead.

    ```mlir
    weight.source @"encoder.0.query" : tensor<384x384xf32> in "model.onnx" at 1024
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type, OptionalAttr<StrAttr>:$file,
                   OptionalAttr<I64Attr>:$offset, OptionalAttr<ElementsAttr>:$value);
  let assemblyFormat = [{
    $sym_name `:` $type (`in` $file^ `at` $offset)? (`value` $value^)? attr-dict
  }];
  let hasVerifier = 1;
}

def Weight_LoadOp : Weight_Op<"load", [Pure, DeclareOpInterfaceMethods<SymbolUserOpInterface>]> {
  let summary = "A source as a value";
  let arguments = (ins FlatSymbolRefAttr:$source);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "$source attr-dict `:` type($result)";
}

def Weight_TransposeOp : Weight_Transform<"transpose"> {
  let summary = "Dimension i of the result is dimension perm[i] of the weight";
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$perm);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}
def Weight_ReshapeOp : Weight_Transform<"reshape"> {
  let summary = "The same elements in another static shape";
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}
def Weight_ConcatOp : Weight_Transform<"concat"> {
  let summary = "Joins weights along `axis`";
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}
def Weight_SliceOp : Weight_Transform<"slice"> {
  let summary = "Elements [begin, begin + size of the result) along `axis`";
  let arguments = (ins AnyRankedTensor:$input, I64Attr:$axis, I64Attr:$begin);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}
def Weight_CastOp : Weight_Transform<"cast"> {
  let summary = "Converts the element type (f16, bf16 and f64 to f32, and back with rounding to nearest even)";
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
}
def Weight_ScaleOp : Weight_Transform<"scale"> {
  let summary = "Multiplies a float weight by a number";
  let arguments = (ins AnyRankedTensor:$input, F64Attr:$factor);
  let results = (outs AnyRankedTensor:$result);
}

def Weight_QuantizeColumnsOp : Weight_Transform<"quantize_columns"> {
  let summary = "round(w / s) of f32 matrices [..., K, N] as i8, with s[n] = max |w[:, n]| / 127 (symmetric)";
  let description = "Rounds to nearest even. A column of zeros stays one. A column with NaN or infinity has the scale NaN.";
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}
def Weight_ColumnScalesOp : Weight_Transform<"column_scales"> {
  let summary = "The scales [..., N] of weight.quantize_columns of the same matrices [..., K, N]";
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}
def Weight_UnpackOp : Weight_Transform<"unpack"> {
  let summary = "The groups of `bits` bits of each byte as bytes, lowest first: [..., n] to [..., n * 8 / bits]";
  let description = "With `is_signed` the highest bit of a group is its sign.";
  let arguments = (ins AnyRankedTensor:$input, I64Attr:$bits, BoolAttr:$is_signed);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}
def Weight_DequantizeOp : Weight_Transform<"dequantize"> {
  let summary = "(input - zero_point) * scale in f32";
  let description = [{
    `scale` has one element, or is [size of `axis`], or, with `block_size`, has the shape of the input with `axis`
    divided by it, rounded up. `zero_point` has the shape of `scale` or one element, and integers or f32; absent it
    is 0. Integers, of the input and of zero_point, are unsigned with `is_unsigned`. What the weight was quantised
    to stays readable here: a kernel of low precision takes the operands instead of the result.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$scale, Optional<AnyRankedTensor>:$zero_point,
                   I64Attr:$axis, DefaultValuedAttr<I64Attr, "0">:$block_size, BoolAttr:$is_unsigned);
  let results = (outs RankedTensorOf<[F32]>:$result);
  let hasVerifier = 1;
}
def Weight_ToSignedOp : Weight_Transform<"to_signed"> {
  let summary = "Unsigned bytes minus 128, as i8";
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs RankedTensorOf<[I8]>:$result);
}
def Weight_ColumnSumsOp : Weight_Transform<"column_sums"> {
  let summary = "Sums of the columns of i8 matrices [..., K, N] less their zero points [..., N], as i32 [..., N]";
  let arguments = (ins RankedTensorOf<[I8]>:$input, Optional<RankedTensorOf<[I8]>>:$zero_point);
  let results = (outs RankedTensorOf<[I32]>:$result);
  let hasVerifier = 1;
}
def Weight_GatherOp : Weight_Transform<"gather"> {
  let summary = "Slices of the weight along `axis` at indices [M], which are weights, too";
  let arguments = (ins AnyRankedTensor:$input, RankedTensorOf<[I32, I64]>:$indices, I64Attr:$axis);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}
def Weight_ExpandOp : Weight_Transform<"expand"> {
  let summary = "A weight of one element, repeated to the result's shape";
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}

def Weight_InterleaveColumnsOp : Weight_Transform<"interleave_columns"> {
  let summary = "8 columns of one operand and 8 of the other in turn";
  let description = [{
    From [..., N] and [..., N] to [..., 2 N'], N' being N rounded up to a multiple of 8: column 16 j + i of the result is
    column 8 j + i of the first operand for i below 8, and column 8 j + i - 8 of the second else, or 0 behind the last. A
    panel of 16 columns then holds a gate and what it multiplies.
  }];
  let arguments = (ins AnyRankedTensor:$first, AnyRankedTensor:$second);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}
def Weight_PackPanelsOp : Weight_Transform<"pack_panels"> {
  let summary = "Lays out a matrix [K, N], or each of several, as panels of 16 columns for the microkernels";
  let description = [{
    Matrices [E, K, N] are packed one behind the other, as what is said here of one with a leading dimension E.

    From f32 to f32: element (p, k, j) of the result [ceil(N / 16), K, 16] is element (k, 16 p + j) of the operand, or 0
    where 16 p + j >= N.

    Smaller elements are grouped into words of 32 bits along K, which is padded with zeros to a multiple of 16 words:
    element (p, k, j, g) of [ceil(N / 16), words, 16, G] is element (G k + g, 16 p + j), with G = 2 for bf16 (rounded
    from f32) and 4 for i8. In [ceil(N / 16), words / 16, 32, 16, 2] each block of 16 words of an f32 weight has its
    bf16 first, in 16 rows, and behind them, in 16 rows, the bf16 of what those leave.

    One panel is read front to back by every microkernel, whatever the width of its vectors; 16 words of 16 columns
    are also a tile of AMX.
  }];
  let arguments = (ins AnyRankedTensor:$input);
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
}

def Weight_QuantizeInt4Op : Weight_Transform<"quantize_int4"> {
  let summary = "Rounds a matrix [K, N] of f32, or each of several, to 4 bits and packs it for the microkernels";
  let description = [{
    Matrices [E, K, N] are packed one behind the other, as what is said here of one with a leading dimension E.

    (q - 8) * s with q from 0 to 15 and one s for each `group` elements of a column that follow each other along K: the
    least sum of squared errors over some scales. A group with NaN or infinity has the scale NaN. The result is i32
    [ceil(N / 16), ceil(K / group), group / 8 + 1, 16]: for each group of 16 columns, rows of a word a column, of which
    each holds 8 elements of 4 bits, and a row of the scales as bits of f32. In word r, element 8 r + i is the lower half of byte
    i for i below 4 and the upper half of byte i - 4 else.
  }];
  let arguments = (ins RankedTensorOf<[F32]>:$input, I64Attr:$group);
  let results = (outs RankedTensorOf<[I32]>:$result);
  let hasVerifier = 1;
}
def Weight_PackInt4Op : Weight_Transform<"pack_int4"> {
  let summary = "Packs (q - zero) * scale, q [K, N] of 4 bits, as weight.quantize_int4 does, with nothing rounded";
  let description = [{
    q may be several matrices [E, K, N]; all other shapes then have a leading dimension E, too.

    `scale` and `zero_point` are [ceil(K / block), N], or one element. Integers, of q and of zero_point, are unsigned
    with `is_unsigned`; signed ones gain 8 with their zero points. An absent zero point is then 8. A block is one or
    several groups. The result has a last row of zero points, as bits of f32, in each block: [ceil(N / 16), ceil(K / group), group
    / 8 + 2, 16]; without it all zero points must be 8.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$scale, Optional<AnyRankedTensor>:$zero_point,
                   I64Attr:$block, BoolAttr:$is_unsigned);
  let results = (outs RankedTensorOf<[I32]>:$result);
  let hasVerifier = 1;
}

def Weight_RecipeOp : Weight_Op<"recipe", [Symbol, HasParent<"::mlir::ModuleOp">, IsolatedFromAbove,
                                            SingleBlock, NoRegionArguments]> {
  let summary = "How a stored weight is made, and where it lies";
  let description = [{
    The region holds weight.load and transforms and ends with weight.yield. `offset` is the byte offset in
    the weight segment, a multiple of 64.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, TypeAttrOf<AnyRankedTensor>:$type, OptionalAttr<I64Attr>:$offset);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = "$sym_name `:` $type (`at` $offset^)? $body attr-dict";
}
def Weight_YieldOp : Weight_Op<"yield", [Terminator, HasParent<"RecipeOp">]> {
  let summary = "The recipe's result";
  let arguments = (ins AnyRankedTensor:$result);
  let assemblyFormat = "$result attr-dict `:` type($result)";
}
def Weight_GetOp : Weight_Op<"get", [Pure]> {
  let summary = "A stored weight, in place, at run time; read only";
  let arguments = (ins FlatSymbolRefAttr:$recipe);
  let results = (outs AnyTypeOf<[AnyRankedTensor, AnyMemRef]>:$result);
  let assemblyFormat = "$recipe attr-dict `:` type($result)";
}

#endif
