//===- Expansion.cpp - Kernels become loops of vector code --------------------------------------------===//
#include "tamis/Codegen/Kernels/Expansion.h"

#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "tamis/Codegen/Passes.h"
#include "tamis/Dialect/RT/IR/RTDialect.h"
#include "llvm/ADT/TypeSwitch.h"

namespace tamis {
#define GEN_PASS_DEF_CONVERTKERNELTOVECTOR
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;
using namespace tamis;

Emitter KernelExpander::emitterAt(Operation *op) const {
  OpBuilder builder(op);
  return Emitter(op->getLoc(), builder, level.lanes);
}

const Microkernel &KernelExpander::microkernel(OperandKind kind) {
  std::unique_ptr<Microkernel> &known = microkernels[kind];
  if (!known)
    known = Microkernel::get(level.name, kind);
  return *known;
}

const Microkernel &KernelExpander::microkernelFor(MemRefType weight) {
  std::optional<weight::Int4Format> format = weight::Int4Format::of(weight);
  if (!format)
    return microkernel(*operandKindOf(weight));
  std::unique_ptr<Microkernel> &known = int4Microkernels[format->blockRows()];
  if (!known)
    known = Microkernel::get(level.name, *format);
  return *known;
}

void KernelExpander::call(Emitter &e, StringRef name, ValueRange arguments,
                          llvm::function_ref<void(Emitter &, ValueRange)> body) {
  std::string symbol = ("kernel_" + name).str();
  auto function = symbols.lookup<func::FuncOp>(symbol);
  if (!function) {
    OpBuilder builder(e.getContext());
    auto type = builder.getFunctionType(arguments.getTypes(), {});
    function = func::FuncOp::create(builder, module.getLoc(), symbol, type);
    function.setPrivate();
    symbols.insert(function);
    builder.setInsertionPointToStart(function.addEntryBlock());
    Emitter inner(module.getLoc(), builder, e.getWidth());
    body(inner, function.getArguments());
    func::ReturnOp::create(inner);
  }
  func::CallOp::create(e, function, arguments);
}

std::string KernelExpander::nameFor(Operation *op) {
  std::string key;
  llvm::raw_string_ostream stream(key);
  stream << op->getName() << op->getAttrDictionary() << op->getOperandTypes();
  std::string &name = names[key];
  if (name.empty())
    name = (op->getName().stripDialect() + "_" + Twine(names.size() - 1)).str();
  return name;
}

void KernelExpander::callProduct(Emitter &e, const Matrix &a, const Panels &b, Value depth, const Matrix &out,
                                 Value rows, Value panels, OperandKind kind) {
  // Packed panels have a function of their own, in which their stride is a constant.
  bool packed = getConstantIntValue(b.stride) == panelColumns;
  std::string name = packed ? "product_packed" : "product";
  if (kind != OperandKind::F32)
    name += kind == OperandKind::SplitF32 ? "_split" : "_bf16";
  SmallVector<Value> arguments = {a.data, a.offset, a.stride,   b.data,     b.offset, b.panelStride,
                                  depth,  out.data, out.offset, out.stride, rows,     panels};
  if (!packed)
    arguments.push_back(b.stride);
  call(e, name, arguments, [&](Emitter &e, ValueRange args) {
    Matrix a{args[0], args[1], args[2]}, out{args[7], args[8], args[9]};
    Panels b{args[3], args[4], packed ? e.index(panelColumns) : args[12], args[5]};
    const Microkernel &microkernel = this->microkernel(kind);
    RowTiles tiles = microkernel.rowTiles(e, args[10]);
    microkernel.emitProduct(e, a, b, args[6], out, tiles, e.index(0), tiles.tiles, e.index(0), args[11]);
  });
}

namespace {
struct ConvertKernelToVector : tamis::impl::ConvertKernelToVectorBase<ConvertKernelToVector> {
  using ConvertKernelToVectorBase::ConvertKernelToVectorBase;

  void getDependentDialects(DialectRegistry &registry) const override {
    ConvertKernelToVectorBase::getDependentDialects(registry);
    registry.insert<amx::AMXDialect, LLVM::LLVMDialect>();
  }

  void runOnOperation() override {
    ModuleOp module = getOperation();
    const ISALevel *level = lookupISALevel(isa);
    if (!level) {
      module.emitError("there are no kernels for the ISA level '")
          << isa << "'; there are " << isaLevelNames();
      return signalPassFailure();
    }
    KernelExpander expander(module, *level);
    SmallVector<Operation *> ops;
    module.walk([&](Operation *op) {
      if (isa_and_nonnull<kernel::KernelDialect>(op->getDialect()))
        ops.push_back(op);
    });
    for (Operation *op : ops) {
      LogicalResult result =
          llvm::TypeSwitch<Operation *, LogicalResult>(op)
              .Case<kernel::LinearOp, kernel::DynamicRangeOp, kernel::QuantizedLinearOp, kernel::MatmulOp,
                    kernel::LayerNormOp, kernel::RMSNormOp, kernel::SoftmaxOp, kernel::EmbeddingOp,
                    kernel::AttentionOp, kernel::CacheSpansOp, kernel::CacheWindowOp, kernel::CacheBoundsOp,
                    kernel::CachePagesOp, kernel::CacheSnapOp, kernel::CacheSnapRowsOp, kernel::MeanPoolOp,
                    kernel::RouteOp, kernel::ExpertsOp, kernel::CombineOp, kernel::TokenIndexOp,
                    kernel::TokenPackOp, kernel::TokenUnpackOp, kernel::TokenFirstOp, kernel::TokenScoreOp,
                    kernel::TokenAttentionScoreOp, kernel::TokenSelectOp, kernel::TokenGatherOp,
                    kernel::TokenDroppedOp, kernel::TokenRestoreOp>(
                  [&](auto kernelOp) { return expander.expand(kernelOp); })
              .Default([](Operation *other) { return other->emitOpError("has no expansion"); });
      if (failed(result)) {
        signalPassFailure();
        continue;
      }
      op->erase();
      ++expanded;
    }
  }
};
} // namespace
