//===- Embedding.cpp - kernel.embedding: sums of rows of tables ---------------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"

#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis;

/// Elements of a table, of f32 or bf16.
static Value loadTable(Emitter &e, Value table, Value at, Value mask) {
  Value row = e.loadVector(table, at, mask);
  return row.getType() == e.vectorType() ? row : e.extendBF16(row);
}

LogicalResult KernelExpander::expand(kernel::EmbeddingOp op) {
  if (op.getTables().empty() || op.getTables().size() != op.getIds().size())
    return op.emitOpError("needs as many tables as operands of ids, and at least one");
  Emitter e = emitterAt(op);
  int64_t rank = cast<MemRefType>(op.getOut().getType()).getRank();
  Value rows = e.dims(op.getOut(), 0, rank - 1), h = e.dim(op.getOut(), -1), out = e.flatten(op.getOut());
  SmallVector<Value> tables, sizes, ids, idCounts;
  int64_t columnBytes = sizeof(float); // of one row of the result and of each table
  for (auto [table, id] : llvm::zip(op.getTables(), op.getIds())) {
    tables.push_back(e.flatten(table));
    columnBytes += cast<MemRefType>(table.getType()).getElementTypeBitWidth() / 8;
    sizes.push_back(e.dim(table, 0));
    ids.push_back(e.flatten(id));
    idCounts.push_back(e.dims(id, 0, cast<MemRefType>(id.getType()).getRank()));
  }
  Value elements = e.mul(rows, h);
  int64_t count = tables.size();
  e.parallel(rows, grainForBytes(e, e.mul(h, columnBytes)), "nn.embedding", e.mul(elements, count),
             e.mul(elements, columnBytes), [&](Value begin, Value end, Value) {
               e.loop(begin, end, [&](Value row) {
                 SmallVector<Value> from;
                 for (int64_t i = 0; i < count; ++i) {
                   auto knownOne = getConstantIntValue(idCounts[i]);
                   Value at = knownOne == 1 ? e.index(0) : e.rem(row, idCounts[i]);
                   Value id = arith::IndexCastOp::create(e, e.getIndexType(), e.load(ids[i], at));
                   id = e.select(e.less(id, e.index(0)), e.add(id, sizes[i]), id);
                   // One unsigned comparison finds what is negative still, too.
                   Value valid = arith::CmpIOp::create(e, arith::CmpIPredicate::ult, id, sizes[i]);
                   rt::CheckOp::create(e, valid, "an id is outside the vocabulary");
                   from.push_back(e.mul(id, h));
                 }
                 Value base = e.mul(row, h);
                 e.forVectors(h, [&](Value at, Value mask) {
                   Value sum = loadTable(e, tables[0], e.add(from[0], at), mask);
                   for (int64_t i = 1; i < count; ++i)
                     sum = e.addF(sum, loadTable(e, tables[i], e.add(from[i], at), mask));
                   e.storeVector(sum, out, e.add(base, at), mask);
                 });
               });
             });
  return success();
}
