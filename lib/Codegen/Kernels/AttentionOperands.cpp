//===- AttentionOperands.cpp - What the code of an attention takes ------------------------------------===//
#include "AttentionOperands.h"
#include "AttentionFactors.h"

using namespace mlir;
using namespace tamis;

SmallVector<Value *> AttentionOperands::slots() {
  SmallVector<Value *> all = {&q,           &k,           &v,       &qStride,   &kStride,    &vStride,
                              &kHeadStride, &vHeadStride, &length,  &keyLength, &result.out, &offsets,
                              &positions,   &keyMask,     &keyBias, &bias.data, &kept,       &keptStride};
  for (Value &stride : bias.strides)
    all.push_back(&stride);
  if (result.form)
    all.append({&result.form->data, &result.form->stride, &result.form->offset, &result.form->tileStride});
  return all;
}

SmallVector<Value> AttentionOperands::values() const {
  AttentionOperands copy = *this;
  SmallVector<Value> present;
  for (Value *slot : copy.slots())
    if (*slot)
      present.push_back(*slot);
  return present;
}

AttentionOperands AttentionOperands::in(ValueRange &arguments) const {
  AttentionOperands copy = *this;
  for (Value *slot : copy.slots()) {
    if (!*slot)
      continue;
    *slot = arguments.front();
    arguments = arguments.drop_front();
  }
  return copy;
}

/// Row `row` of a head, in one of the two layouts; `keyRow` is that of the sequence's first row.
static Matrix headRows(Emitter &e, Value data, Value stride, Value headStride, Value keyRow, Value cacheHead,
                       Value row, Value column) {
  if (headStride)
    return AttentionFactors::rowsAt(e, data, stride, row, e.mul(cacheHead, headStride));
  return AttentionFactors::rowsAt(e, data, stride, e.add(keyRow, row), column);
}

static Value firstRowOf(Emitter &e, const AttentionOperands &operands, Value sequence) {
  return operands.offsets ? e.loadIndex(operands.offsets, sequence) : e.mul(sequence, operands.keyLength);
}

Matrix AttentionOperands::keysAt(Emitter &e, kernel::AttentionOp op, Value sequence, Value head,
                                 Value row) const {
  Value column = e.add(e.mul(head, op.getHeadDim()), op.getKColumn());
  return headRows(e, k, kStride, kHeadStride, kHeadStride ? Value() : firstRowOf(e, *this, sequence),
                  e.madd(sequence, e.index(op.getKvHeads()), head), row, column);
}

Matrix AttentionOperands::valuesAt(Emitter &e, kernel::AttentionOp op, Value sequence, Value head,
                                   Value row) const {
  Value column = e.add(e.mul(head, op.getValueDim()), op.getVColumn());
  return headRows(e, v, vStride, vHeadStride, vHeadStride ? Value() : firstRowOf(e, *this, sequence),
                  e.madd(sequence, e.index(op.getKvHeads()), head), row, column);
}
