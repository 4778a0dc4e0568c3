//===- AttentionOperands.cpp - What the code of an attention takes ------------------------------------===//
#include "AttentionOperands.h"

using namespace mlir;
using namespace tamis;

SmallVector<Value *> AttentionOperands::slots() {
  SmallVector<Value *> all = {&q,         &k,          &v,       &qStride,   &kStride, &vStride,  &length,
                              &keyLength, &result.out, &offsets, &positions, &keyMask, &bias.data};
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
