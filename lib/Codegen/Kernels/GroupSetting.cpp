//===- GroupSetting.cpp - Settings of a run by the lengths of sequences -------------------------------===//
#include "GroupSetting.h"

#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis;

Value tamis::emitGroupSetting(Emitter &e, int64_t setting, ArrayRef<int64_t> lengths, Value whole) {
  auto ofGroup = [&](size_t group) -> Value {
    return rt::SettingOp::create(e, e.getF32Type(), setting + static_cast<int64_t>(group));
  };
  Value chosen = ofGroup(lengths.size());
  for (size_t group = lengths.size(); group-- > 0;)
    chosen = e.select(e.less(e.index(lengths[group]), whole), chosen, ofGroup(group));
  return chosen;
}
