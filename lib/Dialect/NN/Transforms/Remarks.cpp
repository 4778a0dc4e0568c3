//===- Remarks.cpp - What passes tell the user of an artifact -----------------------------------------===//
#include "tamis/Dialect/NN/Transforms/Remarks.h"

using namespace mlir;

void tamis::addRemark(ModuleOp module, StringRef pass, const Twine &text) {
  MLIRContext *context = module.getContext();
  SmallVector<Attribute> remarks;
  if (auto known = module->getAttrOfType<ArrayAttr>("tamis.remarks"))
    llvm::append_range(remarks, known);
  remarks.push_back(DictionaryAttr::get(
      context, {NamedAttribute(StringAttr::get(context, "pass"), StringAttr::get(context, pass)),
                NamedAttribute(StringAttr::get(context, "text"), StringAttr::get(context, text))}));
  module->setAttr("tamis.remarks", ArrayAttr::get(context, remarks));
}
