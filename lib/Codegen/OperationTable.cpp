//===- OperationTable.cpp - Names of operations for profiles and messages -----------------------------===//
#include "tamis/Codegen/OperationTable.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

using namespace mlir;
using namespace tamis;

StringRef tamis::nodeName(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc)) {
    StringRef inner = nodeName(name.getChildLoc());
    return inner.empty() ? name.getName().getValue() : inner;
  }
  if (auto fused = dyn_cast<FusedLoc>(loc))
    for (Location part : fused.getLocations())
      if (StringRef name = nodeName(part); !name.empty())
        return name;
  if (auto call = dyn_cast<CallSiteLoc>(loc))
    return nodeName(call.getCallee());
  return "";
}

int64_t OperationTable::indexOf(Operation *op) {
  MLIRContext *context = module.getContext();
  StringRef name = nodeName(op->getLoc());
  // The model's own location is a path of the machine that compiled it.
  if (name == nodeName(module.getLoc()))
    name = module.getSymName().value_or("model");
  StringRef kind = isa<rt::ExpertsOp, rt::ObserveOp>(op)        ? "moe.experts"
                   : isa<rt::TokensOp, rt::ObserveStatesOp>(op) ? "token.select"
                                                                : "check";
  if (auto launch = dyn_cast<rt::LaunchOp>(op))
    kind = launch.getKind();
  auto key = std::make_pair(StringAttr::get(context, name), StringAttr::get(context, kind));
  return operations.insert({key, static_cast<int64_t>(operations.size())}).first->second;
}

StringRef OperationTable::reasonSymbol(StringRef reason) {
  std::string &symbol = reasons[reason];
  if (!symbol.empty())
    return symbol;
  symbol = "tamis_reason_" + std::to_string(reasons.size());
  OpBuilder builder = OpBuilder::atBlockBegin(module.getBody());
  std::string text = reason.str();
  text.push_back('\0');
  auto type = LLVM::LLVMArrayType::get(builder.getI8Type(), text.size());
  LLVM::GlobalOp::create(builder, module.getLoc(), type, /*isConstant=*/true, LLVM::Linkage::Internal, symbol,
                         builder.getStringAttr(text));
  return symbol;
}

void OperationTable::write() {
  Builder builder(module.getContext());
  SmallVector<Attribute> rows;
  for (auto &[key, index] : operations)
    rows.push_back(builder.getArrayAttr({key.first, key.second}));
  module->setAttr("tamis.operations", builder.getArrayAttr(rows));
}
