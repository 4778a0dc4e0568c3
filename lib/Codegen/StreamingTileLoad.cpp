//===- StreamingTileLoad.cpp - Streaming loads of tiles to tileloaddt1 --------------------------------===//
#include "tamis/Codegen/StreamingTileLoad.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace tamis;

void tamis::convertStreamingTileLoads(ModuleOp module) {
  module.walk([](LLVM::CallIntrinsicOp call) {
    if (call->removeDiscardableAttr(streamingLoad))
      call.setIntrin("llvm.x86.tileloaddt164.internal");
  });
}
