//===- RTToLLVM.cpp - Everything to the LLVM dialect, rt through the host ------------------------------===//
//
// The layout of TamisHost is that of runtime/include/tamis/code_abi.h; the static assertions below hold the
// two together.
//
//===----------------------------------------------------------------------------------------------------===//
#include "BF16ToBits.h"
#include "tamis/Codegen/Passes.h"
#include "tamis/Codegen/StreamingTileLoad.h"

#include "mlir/Conversion/ArithToLLVM/ArithToLLVM.h"
#include "mlir/Conversion/ControlFlowToLLVM/ControlFlowToLLVM.h"
#include "mlir/Conversion/FuncToLLVM/ConvertFuncToLLVM.h"
#include "mlir/Conversion/IndexToLLVM/IndexToLLVM.h"
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/Pattern.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/MathToLLVM/MathToLLVM.h"
#include "mlir/Conversion/MemRefToLLVM/MemRefToLLVM.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/AMX/Transforms.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "tamis/Codegen/OperationTable.h"
#include "tamis/Dialect/RT/IR/RTDecoding.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/code_abi.h"

#include <cstddef>

namespace tamis {
#define GEN_PASS_DEF_CONVERTRTTOLLVM
#include "tamis/Codegen/Passes.h.inc"
} // namespace tamis

using namespace mlir;
using namespace tamis;

static_assert(offsetof(TamisHost, allocate) == 0 && offsetof(TamisHost, counters) == 48 &&
                  offsetof(TamisHost, experts) == 112 && offsetof(TamisHost, observe) == 120 &&
                  offsetof(TamisHost, cache) == 128 && offsetof(TamisHost, wanted_rows) == 136 &&
                  offsetof(TamisHost, settings) == 144 && offsetof(TamisHost, tokens) == 152 &&
                  offsetof(TamisHost, observe_states) == 160 && offsetof(TamisHost, keep) == 168 &&
                  sizeof(TamisCacheRows) == 24,
              "the code ABI changed");

namespace {

/// Builds accesses to the host's members.
class Host {
public:
  Host(OpBuilder &builder, Location loc) : builder(builder), loc(loc) {
    pointer = LLVM::LLVMPointerType::get(builder.getContext());
    host = rt::HostOp::create(builder, loc, pointer);
  }
  Value member(size_t offset, Type type) {
    Value address = LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), host,
                                        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
    return LLVM::LoadOp::create(builder, loc, type, address);
  }
  Value address(size_t offset) {
    return LLVM::GEPOp::create(builder, loc, pointer, builder.getI8Type(), host,
                               ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(offset)});
  }
  /// Calls the function at the offset with the host and `arguments`.
  LLVM::CallOp call(size_t offset, Type result, ValueRange arguments) {
    SmallVector<Value> operands{member(offset, pointer), host};
    llvm::append_range(operands, arguments);
    SmallVector<Type> types{pointer};
    llvm::append_range(types, arguments.getTypes());
    auto type = LLVM::LLVMFunctionType::get(result, types);
    return LLVM::CallOp::create(builder, loc, type, operands);
  }
  Value integer(int64_t value) {
    return LLVM::ConstantOp::create(builder, loc, builder.getI64Type(), builder.getI64IntegerAttr(value));
  }
  Type pointer;

private:
  OpBuilder &builder;
  Location loc;
  Value host;
};

struct AllocLowering : ConvertOpToLLVMPattern<memref::AllocOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::AllocOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    SmallVector<Value> sizes, strides;
    Value bytes;
    getMemRefDescriptorSizes(op.getLoc(), op.getType(), adaptor.getDynamicSizes(), rewriter, sizes, strides,
                             bytes);
    Host host(rewriter, op.getLoc());
    Value data = host.call(offsetof(TamisHost, allocate), host.pointer, {bytes}).getResult();
    rewriter.replaceOp(
        op, {createMemRefDescriptor(op.getLoc(), op.getType(), data, data, sizes, strides, rewriter)});
    return success();
  }
};

struct DeallocLowering : ConvertOpToLLVMPattern<memref::DeallocOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(memref::DeallocOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Host host(rewriter, op.getLoc());
    Value data = MemRefDescriptor(adaptor.getMemref()).allocatedPtr(rewriter, op.getLoc());
    host.call(offsetof(TamisHost, release), LLVM::LLVMVoidType::get(getContext()), {data});
    rewriter.eraseOp(op);
    return success();
  }
};

struct WeightGetLowering : ConvertOpToLLVMPattern<weight::GetOp> {
  WeightGetLowering(const LLVMTypeConverter &converter, SymbolTable &symbols)
      : ConvertOpToLLVMPattern(converter), symbols(symbols) {}
  LogicalResult matchAndRewrite(weight::GetOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    auto recipe = symbols.lookup<weight::RecipeOp>(op.getRecipe());
    if (!recipe || !recipe.getOffset())
      return op.emitOpError("names no recipe with an offset");
    Location loc = op.getLoc();
    Host host(rewriter, loc);
    Value base = host.member(offsetof(TamisHost, weights), host.pointer);
    Value data = LLVM::GEPOp::create(rewriter, loc, host.pointer, rewriter.getI8Type(), base,
                                     ValueRange{host.integer(*recipe.getOffset())});
    rewriter.replaceOp(op, {MemRefDescriptor::fromStaticShape(rewriter, loc, *getTypeConverter(),
                                                              cast<MemRefType>(op.getType()), data)});
    return success();
  }
  SymbolTable &symbols;
};

struct ThreadsLowering : ConvertOpToLLVMPattern<rt::ThreadsOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(rt::ThreadsOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Host host(rewriter, op.getLoc());
    rewriter.replaceOp(op, host.member(offsetof(TamisHost, threads), rewriter.getI64Type()));
    return success();
  }
};

/// A TamisCacheRows on the stack, for the host to fill.
class CachePlace {
public:
  CachePlace(ConversionPatternRewriter &rewriter, Operation *op, Host &host)
      : rewriter(rewriter), loc(op->getLoc()), pointer(host.pointer) {
    Type i64 = rewriter.getI64Type();
    record = LLVM::LLVMStructType::getLiteral(rewriter.getContext(), {pointer, i64, i64});
    OpBuilder::InsertionGuard guard(rewriter);
    rewriter.setInsertionPointToStart(&op->getParentRegion()->front());
    storage = LLVM::AllocaOp::create(rewriter, loc, pointer, record, host.integer(1), 16);
  }
  Value data() { return field(0, pointer); }
  Value capacity() { return field(1, rewriter.getI64Type()); }
  Value isKept(Host &host) {
    return LLVM::ICmpOp::create(rewriter, loc, LLVM::ICmpPredicate::ne, field(2, rewriter.getI64Type()),
                                host.integer(0));
  }
  Value storage;

private:
  Value field(int32_t i, Type type) {
    Value address =
        LLVM::GEPOp::create(rewriter, loc, pointer, record, storage, ArrayRef<LLVM::GEPArg>{0, i});
    return LLVM::LoadOp::create(rewriter, loc, type, address);
  }
  ConversionPatternRewriter &rewriter;
  Location loc;
  Type pointer, record;
};

struct CacheLowering : ConvertOpToLLVMPattern<rt::CacheOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(rt::CacheOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<MemRefType>(op.getPlace().getType());
    int64_t heads = type.getDimSize(1), size = type.getDimSize(3);
    Host host(rewriter, loc);
    CachePlace place(rewriter, op, host);
    auto product = [&](Value a, int64_t b) -> Value {
      return LLVM::MulOp::create(rewriter, loc, a, host.integer(b));
    };
    host.call(offsetof(TamisHost, cache), LLVM::LLVMVoidType::get(getContext()),
              {host.integer(op.getCache()), product(adaptor.getBatch(), heads), adaptor.getRows(),
               host.integer(size * type.getElementTypeBitWidth() / 8), place.storage});
    Value data = place.data(), headStride = product(place.capacity(), size);
    auto descriptor = MemRefDescriptor::poison(rewriter, loc, getTypeConverter()->convertType(type));
    descriptor.setAllocatedPtr(rewriter, loc, data);
    descriptor.setAlignedPtr(rewriter, loc, data);
    descriptor.setConstantOffset(rewriter, loc, 0);
    Value sizes[] = {adaptor.getBatch(), host.integer(heads), adaptor.getRows(), host.integer(size)};
    Value strides[] = {product(headStride, heads), headStride, host.integer(size), host.integer(1)};
    for (unsigned i = 0; i < 4; ++i) {
      descriptor.setSize(rewriter, loc, i, sizes[i]);
      descriptor.setStride(rewriter, loc, i, strides[i]);
    }
    rewriter.replaceOp(op, {descriptor, place.isKept(host)});
    return success();
  }
};

struct KeepLowering : ConvertOpToLLVMPattern<rt::KeepOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(rt::KeepOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<MemRefType>(op.getMemory().getType());
    Host host(rewriter, loc);
    CachePlace place(rewriter, op, host);
    Value rowBytes = LLVM::MulOp::create(rewriter, loc, adaptor.getColumns(),
                                         host.integer(type.getElementTypeBitWidth() / 8));
    host.call(offsetof(TamisHost, keep), LLVM::LLVMVoidType::get(getContext()),
              {host.integer(op.getNumber()), adaptor.getRows(), rowBytes, place.storage});
    Value data = place.data();
    Value memory = createMemRefDescriptor(loc, type, data, data, {adaptor.getRows(), adaptor.getColumns()},
                                          {adaptor.getColumns(), host.integer(1)}, rewriter);
    rewriter.replaceOp(op, {memory, place.isKept(host)});
    return success();
  }
};

struct WantedRowsLowering : ConvertOpToLLVMPattern<rt::WantedRowsOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(rt::WantedRowsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Host host(rewriter, loc);
    Value data = host.member(offsetof(TamisHost, wanted_rows), host.pointer);
    Value none = LLVM::ZeroOp::create(rewriter, loc, host.pointer);
    Value some = LLVM::ICmpOp::create(rewriter, loc, LLVM::ICmpPredicate::ne, data, none);
    auto type = cast<MemRefType>(op.getRows().getType());
    Value rows =
        createMemRefDescriptor(loc, type, data, data, {adaptor.getBatch()}, {host.integer(1)}, rewriter);
    rewriter.replaceOp(op, {some, rows});
    return success();
  }
};

struct SettingLowering : ConvertOpToLLVMPattern<rt::SettingOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(rt::SettingOp op, OpAdaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Host host(rewriter, loc);
    Value settings = host.member(offsetof(TamisHost, settings), host.pointer);
    Value address = LLVM::GEPOp::create(rewriter, loc, host.pointer, rewriter.getF32Type(), settings,
                                        ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(op.getNumber())});
    rewriter.replaceOpWithNewOp<LLVM::LoadOp>(op, rewriter.getF32Type(), address);
    return success();
  }
};

struct CountLowering : ConvertOpToLLVMPattern<rt::CountOp> {
  using ConvertOpToLLVMPattern::ConvertOpToLLVMPattern;
  LogicalResult matchAndRewrite(rt::CountOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Host host(rewriter, loc);
    Value address = host.address(offsetof(TamisHost, counters) + 8 * op.getCounter());
    Value old = LLVM::LoadOp::create(rewriter, loc, rewriter.getI64Type(), address);
    LLVM::StoreOp::create(rewriter, loc, LLVM::AddOp::create(rewriter, loc, old, adaptor.getValue()),
                          address);
    rewriter.eraseOp(op);
    return success();
  }
};

/// A pattern whose op is in the operation table.
template <typename Op> struct TableLowering : ConvertOpToLLVMPattern<Op> {
  TableLowering(const LLVMTypeConverter &converter, OperationTable &table)
      : ConvertOpToLLVMPattern<Op>(converter), table(table) {}
  OperationTable &table;
};

struct ExpertsLowering : TableLowering<rt::ExpertsOp> {
  using TableLowering::TableLowering;
  LogicalResult matchAndRewrite(rt::ExpertsOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Host host(rewriter, loc);
    MemRefDescriptor counts(adaptor.getCounts());
    auto dataOf = [&](Value buffer, Value descriptor) -> Value {
      if (!buffer)
        return LLVM::ZeroOp::create(rewriter, loc, host.pointer);
      return getStridedElementPtr(rewriter, loc, cast<MemRefType>(buffer.getType()), descriptor,
                                  {host.integer(0)});
    };
    host.call(offsetof(TamisHost, experts), LLVM::LLVMVoidType::get(getContext()),
              {host.integer(table.indexOf(op)), dataOf(op.getCounts(), adaptor.getCounts()),
               counts.size(rewriter, loc, 0), adaptor.getTokens(), adaptor.getPairs(),
               dataOf(op.getPlaces(), adaptor.getPlaces()), dataOf(op.getIn(), adaptor.getIn()),
               adaptor.getInBytes(), dataOf(op.getOut(), adaptor.getOut()), adaptor.getOutBytes()});
    rewriter.eraseOp(op);
    return success();
  }
};

struct TokensLowering : TableLowering<rt::TokensOp> {
  using TableLowering::TableLowering;
  LogicalResult matchAndRewrite(rt::TokensOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Host host(rewriter, loc);
    Value places =
        getStridedElementPtr(rewriter, loc, op.getPlaces().getType(), adaptor.getPlaces(), {host.integer(0)});
    host.call(offsetof(TamisHost, tokens), LLVM::LLVMVoidType::get(getContext()),
              {host.integer(table.indexOf(op)), adaptor.getRows(), adaptor.getKept(), places});
    rewriter.eraseOp(op);
    return success();
  }
};

struct ObserveStatesLowering : TableLowering<rt::ObserveStatesOp> {
  using TableLowering::TableLowering;
  LogicalResult matchAndRewrite(rt::ObserveStatesOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Host host(rewriter, loc);
    MemRefDescriptor states(adaptor.getStates());
    Value zero = host.integer(0);
    Value data =
        getStridedElementPtr(rewriter, loc, op.getStates().getType(), adaptor.getStates(), {zero, zero});
    host.call(offsetof(TamisHost, observe_states), LLVM::LLVMVoidType::get(getContext()),
              {host.integer(table.indexOf(op)), host.integer(op.getLayer()), states.size(rewriter, loc, 0),
               states.size(rewriter, loc, 1), data});
    rewriter.eraseOp(op);
    return success();
  }
};

struct ObserveLowering : TableLowering<rt::ObserveOp> {
  using TableLowering::TableLowering;
  LogicalResult matchAndRewrite(rt::ObserveOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Host host(rewriter, loc);
    auto dataOf = [&](TypedValue<MemRefType> buffer, Value descriptor) -> Value {
      if (!buffer)
        return LLVM::ZeroOp::create(rewriter, loc, host.pointer);
      Value zero = host.integer(0);
      return getStridedElementPtr(rewriter, loc, buffer.getType(), descriptor, {zero, zero});
    };
    MemRefDescriptor indices(adaptor.getIndices()), outputs(adaptor.getOutputs());
    host.call(offsetof(TamisHost, observe), LLVM::LLVMVoidType::get(getContext()),
              {host.integer(table.indexOf(op)), host.integer(op.getExperts()), indices.size(rewriter, loc, 0),
               indices.size(rewriter, loc, 1), outputs.size(rewriter, loc, 1),
               dataOf(op.getIndices(), adaptor.getIndices()), dataOf(op.getWeights(), adaptor.getWeights()),
               dataOf(op.getOutputs(), adaptor.getOutputs()), dataOf(op.getLogits(), adaptor.getLogits())});
    rewriter.eraseOp(op);
    return success();
  }
};

/// A check that fails never returns, so the block that calls `fail` ends there.
struct CheckLowering : TableLowering<rt::CheckOp> {
  using TableLowering::TableLowering;
  LogicalResult matchAndRewrite(rt::CheckOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Block *block = op->getBlock();
    Block *rest = rewriter.splitBlock(block, op->getIterator());
    Block *failing = rewriter.createBlock(rest->getParent(), std::next(Region::iterator(block)));
    Host host(rewriter, loc);
    Value reason = LLVM::AddressOfOp::create(rewriter, loc, host.pointer, table.reasonSymbol(op.getReason()));
    host.call(offsetof(TamisHost, fail), LLVM::LLVMVoidType::get(getContext()),
              {host.integer(table.indexOf(op)), reason});
    LLVM::UnreachableOp::create(rewriter, loc);
    rewriter.setInsertionPointToEnd(block);
    LLVM::CondBrOp::create(rewriter, loc, adaptor.getCondition(), rest, ValueRange{}, failing, ValueRange{},
                           std::pair<uint32_t, uint32_t>(1 << 20, 1));
    rewriter.eraseOp(op);
    return success();
  }
};

/// The captures travel in a struct on the caller's stack; a thunk with the signature of TamisBody takes them
/// out again.
struct LaunchLowering : TableLowering<rt::LaunchOp> {
  using TableLowering::TableLowering;
  LogicalResult matchAndRewrite(rt::LaunchOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    ValueRange captures = adaptor.getCaptures();
    SmallVector<Type> fields(captures.getTypes());
    auto record = LLVM::LLVMStructType::getLiteral(getContext(), fields);
    Host host(rewriter, loc);
    Value storage;
    {
      OpBuilder::InsertionGuard guard(rewriter);
      Block *entry = &op->getParentRegion()->front();
      rewriter.setInsertionPointToStart(entry);
      storage = LLVM::AllocaOp::create(rewriter, loc, host.pointer, record, host.integer(1), 16);
    }
    for (auto [i, capture] : llvm::enumerate(captures)) {
      Value field = LLVM::GEPOp::create(rewriter, loc, host.pointer, record, storage,
                                        ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
      LLVM::StoreOp::create(rewriter, loc, capture, field);
    }
    std::string thunk = makeThunk(op, record, rewriter);
    Value body = LLVM::AddressOfOp::create(rewriter, loc, host.pointer, thunk);
    host.call(offsetof(TamisHost, parallel), LLVM::LLVMVoidType::get(getContext()),
              {body, storage, adaptor.getCount(), adaptor.getGrain(), host.integer(table.indexOf(op)),
               adaptor.getFlops(), adaptor.getBytes()});
    rewriter.eraseOp(op);
    return success();
  }

  std::string makeThunk(rt::LaunchOp op, LLVM::LLVMStructType record,
                        ConversionPatternRewriter &rewriter) const {
    OpBuilder::InsertionGuard guard(rewriter);
    Location loc = op.getLoc();
    auto module = op->getParentOfType<ModuleOp>();
    rewriter.setInsertionPointToEnd(module.getBody());
    Type pointer = LLVM::LLVMPointerType::get(getContext()), i64 = rewriter.getI64Type(),
         none = LLVM::LLVMVoidType::get(getContext());
    std::string name = (op.getBody() + "_thunk").str();
    auto thunk = LLVM::LLVMFuncOp::create(
        rewriter, loc, name, LLVM::LLVMFunctionType::get(none, {pointer, pointer, i64, i64, i64}),
        LLVM::Linkage::Internal);
    Block *entry = thunk.addEntryBlock(rewriter);
    rewriter.setInsertionPointToStart(entry);
    SmallVector<Value> arguments{entry->getArgument(0), entry->getArgument(2), entry->getArgument(3),
                                 entry->getArgument(4)};
    for (auto [i, field] : llvm::enumerate(record.getBody())) {
      Value address = LLVM::GEPOp::create(rewriter, loc, pointer, record, entry->getArgument(1),
                                          ArrayRef<LLVM::GEPArg>{0, static_cast<int32_t>(i)});
      Value value = LLVM::LoadOp::create(rewriter, loc, field, address);
      if (auto type = dyn_cast<MemRefType>(op.getCaptures()[i].getType()))
        MemRefDescriptor::unpack(rewriter, loc, value, type, arguments);
      else
        arguments.push_back(value);
    }
    LLVM::CallOp::create(rewriter, loc, TypeRange{}, op.getBody(), arguments);
    LLVM::ReturnOp::create(rewriter, loc, ValueRange{});
    return name;
  }
};

struct ConvertRTToLLVM : tamis::impl::ConvertRTToLLVMBase<ConvertRTToLLVM> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    SmallVector<MemRefType> inputs, outputs;
    if (main && failed(readSignature(main, inputs, outputs)))
      return signalPassFailure();

    // Names and dimensions of the signature mean nothing to LLVM.
    for (auto function : module.getOps<func::FuncOp>()) {
      function.removeArgAttrsAttr();
      function.removeResAttrsAttr();
    }

    SymbolTable symbols(module);
    OperationTable table(module);
    LowerToLLVMOptions options(&getContext());
    LLVMTypeConverter converter(&getContext(), options);
    LLVMConversionTarget target(getContext());
    target.addLegalOp<ModuleOp, rt::HostOp>();
    target.addLegalDialect<weight::WeightDialect>();
    target.addIllegalOp<weight::GetOp>();
    RewritePatternSet patterns(&getContext());
    populateBF16ToBits(converter, patterns);
    vector::populateVectorTransferLoweringPatterns(patterns, 1);
    vector::populateVectorBroadcastLoweringPatterns(patterns);
    vector::populateVectorMaskOpLoweringPatterns(patterns);
    vector::populateVectorShapeCastLoweringPatterns(patterns);
    SymbolTableCollection collection;
    populateFuncToLLVMConversionPatterns(converter, patterns, &collection);
    populateFinalizeMemRefToLLVMConversionPatterns(converter, patterns, &collection);
    arith::populateArithToLLVMConversionPatterns(converter, patterns);
    cf::populateControlFlowToLLVMConversionPatterns(converter, patterns);
    index::populateIndexToLLVMConversionPatterns(converter, patterns);
    populateMathToLLVMConversionPatterns(converter, patterns);
    populateVectorToLLVMConversionPatterns(converter, patterns);
    populateAMXLegalizeForLLVMExportPatterns(converter, patterns);
    patterns.add<WeightGetLowering>(converter, symbols);
    patterns.add<CheckLowering, ExpertsLowering, LaunchLowering, ObserveLowering, ObserveStatesLowering,
                 TokensLowering>(converter, table);
    // Before upstream's, which call malloc and free.
    patterns.add<AllocLowering, DeallocLowering>(converter, /*benefit=*/10);
    patterns.add<ThreadsLowering, CountLowering, CacheLowering, KeepLowering, SettingLowering,
                 WantedRowsLowering>(converter);
    if (failed(applyFullConversion(module, target, std::move(patterns))))
      return signalPassFailure();
    convertStreamingTileLoads(module);

    module.walk([](rt::HostOp host) {
      auto function = host->getParentOfType<LLVM::LLVMFuncOp>();
      host.replaceAllUsesWith(function.getArgument(0));
      host.erase();
    });
    for (auto function : module.getOps<LLVM::LLVMFuncOp>())
      if (!function.isExternal())
        function.setLinkage(LLVM::Linkage::Internal);
    if (main)
      makeEntry(module, inputs, outputs);
    table.write();
  }

  LogicalResult readSignature(func::FuncOp main, SmallVector<MemRefType> &inputs,
                              SmallVector<MemRefType> &outputs) {
    for (Type type : main.getArgumentTypes().drop_front()) {
      auto memref = dyn_cast<MemRefType>(type);
      if (!memref)
        return main.emitError("takes something else than buffers");
      inputs.push_back(memref);
    }
    for (Type type : main.getResultTypes()) {
      auto memref = dyn_cast<MemRefType>(type);
      if (!memref || !memref.getLayout().isIdentity())
        return main.emitError("returns something else than contiguous buffers");
      outputs.push_back(memref);
    }
    return success();
  }

  void makeEntry(ModuleOp module, ArrayRef<MemRefType> inputs, ArrayRef<MemRefType> outputs) {
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    Location loc = module.getLoc();
    Type pointer = LLVM::LLVMPointerType::get(&getContext()), i64 = builder.getI64Type();
    auto entry = LLVM::LLVMFuncOp::create(
        builder, loc, "tamis_entry",
        LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(&getContext()), {pointer, pointer, pointer}));
    Block *block = entry.addEntryBlock(builder);
    builder.setInsertionPointToStart(block);
    auto field = [&](Value array, size_t tensor, size_t offset) -> Value {
      return LLVM::GEPOp::create(
          builder, loc, pointer, builder.getI8Type(), array,
          ArrayRef<LLVM::GEPArg>{static_cast<int32_t>(tensor * sizeof(TamisTensor) + offset)});
    };
    auto integer = [&](int64_t value) -> Value {
      return LLVM::ConstantOp::create(builder, loc, i64, builder.getI64IntegerAttr(value));
    };
    SmallVector<Value> arguments{block->getArgument(0)};
    for (auto [i, type] : llvm::enumerate(inputs)) {
      Value data = LLVM::LoadOp::create(builder, loc, pointer, field(block->getArgument(1), i, 0));
      arguments.append({data, data, integer(0)});
      SmallVector<Value> sizes, strides(type.getRank());
      for (int64_t d = 0; d < type.getRank(); ++d)
        sizes.push_back(type.isDynamicDim(d)
                            ? Value(LLVM::LoadOp::create(
                                  builder, loc, i64,
                                  field(block->getArgument(1), i, offsetof(TamisTensor, dims) + 8 * d)))
                            : integer(type.getDimSize(d)));
      Value stride = integer(1);
      for (int64_t d = type.getRank() - 1; d >= 0; --d) {
        strides[d] = stride;
        stride = LLVM::MulOp::create(builder, loc, stride, sizes[d]);
      }
      llvm::append_range(arguments, sizes);
      llvm::append_range(arguments, strides);
    }
    auto main = module.lookupSymbol<LLVM::LLVMFuncOp>("main");
    auto call = LLVM::CallOp::create(builder, loc, main, arguments);
    for (auto [i, type] : llvm::enumerate(outputs)) {
      Value result = call.getResult();
      if (outputs.size() > 1)
        result = LLVM::ExtractValueOp::create(builder, loc, result, static_cast<int64_t>(i));
      MemRefDescriptor descriptor(result);
      Value data = descriptor.alignedPtr(builder, loc);
      LLVM::StoreOp::create(builder, loc, data, field(block->getArgument(2), i, 0));
      for (int64_t d = 0; d < type.getRank(); ++d) {
        Value size = type.isDynamicDim(d) ? descriptor.size(builder, loc, d) : integer(type.getDimSize(d));
        LLVM::StoreOp::create(builder, loc, size,
                              field(block->getArgument(2), i, offsetof(TamisTensor, dims) + 8 * d));
      }
    }
    LLVM::ReturnOp::create(builder, loc, ValueRange{});
  }
};
} // namespace
