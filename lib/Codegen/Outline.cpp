//===- Outline.cpp - Bodies of rt.parallel become functions --------------------------------------------===//
#include "tamis/Codegen/Passes.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"

namespace tamis {
#define GEN_PASS_DEF_RTOUTLINE
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;
using namespace tamis;

namespace {
struct Outline : tamis::impl::RTOutlineBase<Outline> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    SymbolTable symbols(module);
    SmallVector<rt::ParallelOp> regions;
    module.walk([&](rt::ParallelOp op) { regions.push_back(op); });
    for (rt::ParallelOp op : regions)
      outline(op, symbols);
    Type pointer = LLVM::LLVMPointerType::get(module.getContext());
    for (auto function : module.getOps<func::FuncOp>())
      if (!function.isExternal() && asksHost(function))
        (void)function.insertArgument(0, pointer, {}, function.getLoc());
  }

  static bool asksHost(func::FuncOp function) {
    if (function.isPublic() || function->hasAttr("rt.body"))
      return true;
    bool asks = false;
    function.walk([&](Operation *op) {
      // Buffers and weights come from the host as well.
      StringRef name = op->getName().getStringRef();
      asks |= isa<rt::RTDialect>(op->getDialect()) || name == "memref.alloc" || name == "memref.dealloc" ||
              name == "weight.get";
    });
    return asks;
  }

  static void outline(rt::ParallelOp op, SymbolTable &symbols) {
    OpBuilder builder(op);
    Location loc = op.getLoc();
    Region &region = op.getBody();
    // A regular constant costs nothing to make again; carrying it through memory hides it from LLVM.
    SetVector<Value> used;
    getUsedValuesDefinedAbove(region, used);
    builder.setInsertionPointToStart(&region.front());
    SmallVector<Value> captures;
    for (Value value : used) {
      Operation *definition = value.getDefiningOp();
      if (definition && definition->hasTrait<OpTrait::ConstantLike>()) {
        Value copy = builder.clone(*definition)->getResult(0);
        replaceAllUsesInRegionWith(value, copy, region);
      } else {
        captures.push_back(value);
      }
    }

    Type index = builder.getIndexType();
    SmallVector<Type> types{index, index, index};
    llvm::append_range(types, ValueRange(captures).getTypes());
    auto parent = op->getParentOfType<func::FuncOp>();
    builder.setInsertionPointAfter(parent);
    auto body = func::FuncOp::create(builder, loc, (parent.getSymName() + "_body").str(),
                                     builder.getFunctionType(types, {}));
    body.setPrivate();
    body->setAttr("rt.body", builder.getUnitAttr());
    symbols.insert(body);
    body.getBody().takeBody(region);
    Block &entry = body.getBody().front();
    for (Value capture : captures) {
      Value argument = entry.addArgument(capture.getType(), loc);
      replaceAllUsesInRegionWith(capture, argument, body.getBody());
    }
    builder.setInsertionPoint(entry.getTerminator());
    func::ReturnOp::create(builder, loc);
    entry.getTerminator()->erase();

    builder.setInsertionPoint(op);
    rt::LaunchOp::create(builder, loc, body.getSymName(), op.getCount(), op.getGrain(), op.getKind(),
                         op.getFlops(), op.getBytes(), captures);
    op.erase();
  }
};
} // namespace
