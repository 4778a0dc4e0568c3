//===- AllocatingOpModel.cpp - Buffers of operands and results ---------------------------------===//
#include "AllocatingOpModel.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis::kernel;

Value BufferBuilder::strided(Value tensor) {
  FailureOr<Value> result = bufferization::getBuffer(rewriter, tensor, options, state);
  failed |= mlir::failed(result);
  return mlir::failed(result) ? Value() : *result;
}

Value BufferBuilder::buffer(Value tensor) {
  Value result = tensor ? strided(tensor) : Value();
  if (!result)
    return {};
  auto type = cast<MemRefType>(result.getType());
  if (type.getLayout().isIdentity())
    return result;
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(dim(result, i));
  Value copy = allocate(RankedTensorType::get(type.getShape(), type.getElementType()), sizes);
  memref::CopyOp::create(rewriter, loc, result, copy);
  return copy;
}

Value BufferBuilder::dim(Value buffer, int64_t i) {
  return rewriter.createOrFold<memref::DimOp>(loc, buffer, i);
}

Value BufferBuilder::allocate(Type tensorType, ValueRange dynamicSizes) {
  auto shaped = cast<RankedTensorType>(tensorType);
  auto type = MemRefType::get(shaped.getShape(), shaped.getElementType());
  return memref::AllocOp::create(rewriter, loc, type, dynamicSizes, rewriter.getI64IntegerAttr(64));
}

Value BufferBuilder::allocateLike(Type tensorType, Value like) {
  auto type = cast<RankedTensorType>(tensorType);
  SmallVector<Value> sizes;
  for (int64_t i = 0; i < type.getRank(); ++i)
    if (type.isDynamicDim(i))
      sizes.push_back(dim(like, i));
  return allocate(type, sizes);
}

void BufferBuilder::checkSame(Value a, int64_t i, Value b, int64_t j, StringRef reason) {
  Value first = dim(a, i), second = dim(b, j);
  if (first != second)
    check(arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq, first, second), reason);
}

void BufferBuilder::check(Value condition, StringRef reason) {
  tamis::rt::CheckOp::create(rewriter, loc, condition, reason);
}

Value BufferBuilder::rows(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  int64_t rank = type.getRank();
  if (rank == 2)
    return buffer;
  if (rank == 1) {
    SmallVector<ReassociationIndices> groups{{0, 1}};
    auto target = MemRefType::get({1, type.getDimSize(0)}, type.getElementType());
    SmallVector<OpFoldResult> sizes{rewriter.getIndexAttr(1), memref::getMixedSize(rewriter, loc, buffer, 0)};
    return memref::ExpandShapeOp::create(rewriter, loc, target, buffer, groups, sizes);
  }
  ReassociationIndices leading = llvm::to_vector(llvm::seq<int64_t>(0, rank - 1));
  return memref::CollapseShapeOp::create(rewriter, loc, buffer,
                                         ArrayRef<ReassociationIndices>{leading, {rank - 1}});
}

Value BufferBuilder::flat(Value buffer) {
  int64_t rank = cast<MemRefType>(buffer.getType()).getRank();
  if (rank == 1)
    return buffer;
  if (rank == 0)
    return memref::ExpandShapeOp::create(
        rewriter, loc, MemRefType::get({1}, cast<MemRefType>(buffer.getType()).getElementType()), buffer,
        ArrayRef<ReassociationIndices>{});
  ReassociationIndices all = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  return memref::CollapseShapeOp::create(rewriter, loc, buffer, ArrayRef<ReassociationIndices>{all});
}
