//===- ObjectEmitter.cpp - The LLVM dialect to an ELF object
//------------------------------------------------===//
#include "tamis/Target/ObjectEmitter.h"

#include "mlir/Target/LLVMIR/Dialect/Builtin/BuiltinToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Dialect/LLVMIR/LLVMToLLVMIRTranslation.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "tamis/Codegen/ISALevel.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"

using namespace mlir;
using namespace tamis;

static constexpr llvm::StringLiteral targetTriple = "x86_64-unknown-linux-gnu";

/// Defines void *name(void *to, from, size) as one string instruction. LLVM itself calls these. `from` is a
/// pointer, or the byte to fill with.
static void defineMemoryFunction(llvm::Module &module, StringRef name, bool fill, StringRef assembly) {
  llvm::LLVMContext &context = module.getContext();
  llvm::IRBuilder<> builder(context);
  llvm::Type *pointer = builder.getPtrTy(), *size = builder.getInt64Ty();
  llvm::Type *source = fill ? static_cast<llvm::Type *>(builder.getInt32Ty()) : pointer;
  auto *type = llvm::FunctionType::get(pointer, {pointer, source, size}, false);
  auto *function = llvm::cast<llvm::Function>(module.getOrInsertFunction(name, type).getCallee());
  function->setVisibility(llvm::GlobalValue::HiddenVisibility);
  function->addFnAttr("no-builtins");
  builder.SetInsertPoint(llvm::BasicBlock::Create(context, "", function));
  // The registers are inputs that the instruction changes, so each is an output tied to an input.
  auto *registers = llvm::StructType::get(pointer, source, size);
  auto *code =
      llvm::InlineAsm::get(llvm::FunctionType::get(registers, {pointer, source, size}, false), assembly,
                           fill ? "=&{di},=&{ax},=&{cx},0,1,2,~{memory},~{dirflag},~{fpsr},~{flags}"
                                : "=&{di},=&{si},=&{cx},0,1,2,~{memory},~{dirflag},~{fpsr},~{flags}",
                           /*hasSideEffects=*/true);
  builder.CreateCall(code, {function->getArg(0), function->getArg(1), function->getArg(2)});
  builder.CreateRet(function->getArg(0));
}

static void defineMemoryFunctions(llvm::Module &module) {
  defineMemoryFunction(module, "memcpy", false, "rep movsb");
  defineMemoryFunction(module, "memset", true, "rep stosb");
  defineMemoryFunction(
      module, "memmove", false,
      "cmp %rsi, %rdi\n\tjbe 1f\n\t"
      "lea -1(%rdi,%rcx), %rdi\n\tlea -1(%rsi,%rcx), %rsi\n\tstd\n\trep movsb\n\tcld\n\tjmp 2f\n"
      "1:\n\trep movsb\n2:");
}

static FailureOr<std::unique_ptr<llvm::TargetMachine>> makeTargetMachine(Location loc, StringRef cpu,
                                                                         StringRef features) {
  static const bool initialized = [] {
    llvm::InitializeNativeTarget();
    llvm::InitializeNativeTargetAsmPrinter();
    llvm::InitializeNativeTargetAsmParser();
    return true;
  }();
  (void)initialized;
  std::string error;
  llvm::Triple triple(targetTriple);
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return emitError(loc, "LLVM has no target for x86-64: ") << error;
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Standard;
  std::unique_ptr<llvm::TargetMachine> machine(
      target->createTargetMachine(triple, cpu, features, options, llvm::Reloc::PIC_, llvm::CodeModel::Small,
                                  llvm::CodeGenOptLevel::Aggressive));
  if (!machine)
    return emitError(loc, "LLVM cannot make code for ") << cpu;
  return machine;
}

FailureOr<std::unique_ptr<llvm::Module>> tamis::makeLLVMModule(ModuleOp module, llvm::LLVMContext &context,
                                                               const ObjectOptions &options) {
  const ISALevel *level = lookupISALevel(options.isa);
  if (!level)
    return module.emitError("there is no ISA level '") << options.isa << "'; there are " << isaLevelNames();
  auto machine = makeTargetMachine(module.getLoc(), level->cpu, level->features);
  if (failed(machine))
    return failure();
  // What the artifact's writer reads is no code.
  OwningOpRef<ModuleOp> code = module.clone();
  for (Operation &op : llvm::make_early_inc_range(*code->getBody()))
    if (isa<weight::SourceOp, weight::RecipeOp>(op))
      op.erase();
  for (NamedAttribute attribute : llvm::to_vector((*code)->getDiscardableAttrs()))
    (*code)->removeAttr(attribute.getName());

  std::unique_ptr<llvm::Module> result = translateModuleToLLVMIR(*code, context, "tamis");
  if (!result)
    return module.emitError("cannot translate the module to LLVM IR");
  result->setTargetTriple((*machine)->getTargetTriple());
  result->setDataLayout((*machine)->createDataLayout());
  if (options.freestanding)
    defineMemoryFunctions(*result);
  for (llvm::Function &function : *result) {
    if (function.isDeclaration())
      continue;
    function.addFnAttr("target-cpu", level->cpu);
    if (!level->features.empty())
      function.addFnAttr("target-features", level->features);
    function.addFnAttr(llvm::Attribute::NoUnwind);
    if (level->lanes == 16)
      function.addFnAttr("prefer-vector-width", "512");
  }
  if (llvm::Function *entry = result->getFunction("tamis_entry")) {
    entry->setName(options.entry);
    entry->setVisibility(llvm::GlobalValue::HiddenVisibility);
  }

  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder passes(machine->get());
  passes.registerModuleAnalyses(modules);
  passes.registerCGSCCAnalyses(graphs);
  passes.registerFunctionAnalyses(functions);
  passes.registerLoopAnalyses(loops);
  passes.crossRegisterProxies(loops, functions, graphs, modules);
  passes.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O2).run(*result, modules);
  return result;
}

FailureOr<SmallVector<char, 0>> tamis::emitLLVMModule(llvm::Module &code, bool assembly, Location loc) {
  auto machine = makeTargetMachine(loc, "x86-64", "");
  if (failed(machine))
    return failure();
  SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  llvm::legacy::PassManager emitter;
  auto kind = assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  if ((*machine)->addPassesToEmitFile(emitter, stream, nullptr, kind))
    return emitError(loc, "LLVM cannot emit objects for x86-64");
  emitter.run(code);
  return bytes;
}

FailureOr<SmallVector<char, 0>> tamis::emitObject(ModuleOp module, const ObjectOptions &options) {
  llvm::LLVMContext context;
  auto code = makeLLVMModule(module, context, options);
  if (failed(code))
    return failure();
  return emitLLVMModule(**code, options.assembly, module.getLoc());
}

FailureOr<std::string> tamis::emitLLVMText(ModuleOp module, const ObjectOptions &options) {
  llvm::LLVMContext context;
  auto code = makeLLVMModule(module, context, options);
  if (failed(code))
    return failure();
  std::string text;
  llvm::raw_string_ostream stream(text);
  (*code)->print(stream, nullptr);
  return text;
}
