//===- EmbeddedWriter.cpp - Models as objects and shared libraries -------------------------------------===//
#include "tamis/Target/EmbeddedWriter.h"

#include "runtime/src/Hash.h"
#include "tamis/Target/AtomicFile.h"
#include "tamis/Target/ObjectEmitter.h"
#include "tamis/Target/SharedLinker.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "llvm/Linker/Linker.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace tamis;

std::string tamis::symbolPrefix(StringRef output) {
  std::string prefix;
  for (char c : llvm::sys::path::stem(output))
    prefix += llvm::isAlnum(c) ? c : '_';
  if (prefix.empty() || llvm::isDigit(prefix.front()))
    prefix.insert(prefix.begin(), 'm');
  return prefix;
}

namespace {
/// Adds to a module with the code what a program needs to load the model: the header, the weights, the
/// TamisEmbedded that describes them, and the function that loads it.
class Embedder {
public:
  Embedder(llvm::Module &module, const EmbeddedOptions &options)
      : module(module), context(module.getContext()), builder(context), options(options) {}

  void embed(ArrayRef<char> header, ArrayRef<std::string> isas, const WeightLayout &weights,
             StringRef weightsFile) {
    llvm::Type *pointer = builder.getPtrTy();
    llvm::Constant *none = llvm::ConstantPointerNull::get(builder.getPtrTy());
    llvm::Constant *headerData =
        data("header",
             llvm::ConstantDataArray::get(
                 context, llvm::ArrayRef(reinterpret_cast<const uint8_t *>(header.data()), header.size())),
             16);
    llvm::Constant *weightData = none, *weightName = none;
    if (weights.bytes && options.weightsBeside)
      weightName = text(llvm::sys::path::filename(weightsFile));
    else if (weights.bytes)
      weightData = includeFile("weights", weightsFile);

    SmallVector<llvm::Constant *> names, entries;
    for (StringRef isa : isas) {
      names.push_back(text(isa));
      entries.push_back(module.getFunction(entryName(isa)));
    }
    auto *table = llvm::ArrayType::get(pointer, isas.size());
    auto number = [&](uint64_t value) { return builder.getInt64(value); };
    llvm::Constant *fields[] = {number(72),
                                headerData,
                                number(header.size()),
                                weightData,
                                number(weightData == none ? 0 : weights.bytes),
                                weightName,
                                data("isas", llvm::ConstantArray::get(table, names), 8),
                                data("entries", llvm::ConstantArray::get(table, entries), 8),
                                builder.getInt32(isas.size())};
    llvm::Constant *description = data("embedded", llvm::ConstantStruct::getAnon(fields), 8);

    // TamisStatus PREFIX_model_load(folder, options, model, error)
    auto *loadType =
        llvm::FunctionType::get(builder.getInt32Ty(), {pointer, pointer, pointer, pointer}, false);
    auto *runtimeType =
        llvm::FunctionType::get(builder.getInt32Ty(), {pointer, pointer, pointer, pointer, pointer}, false);
    auto *load = llvm::Function::Create(loadType, llvm::GlobalValue::ExternalLinkage,
                                        options.prefix + "_model_load", module);
    builder.SetInsertPoint(llvm::BasicBlock::Create(context, "", load));
    builder.CreateRet(builder.CreateCall(
        module.getOrInsertFunction("tamis_model_load_embedded", runtimeType),
        {description, load->getArg(0), load->getArg(1), load->getArg(2), load->getArg(3)}));
  }

  std::string entryName(StringRef isa) const {
    std::string name = options.prefix + "_entry_" + isa.str();
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
  }

private:
  llvm::Constant *data(StringRef name, llvm::Constant *value, unsigned alignment) {
    auto *global =
        new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                 llvm::GlobalValue::InternalLinkage, value, options.prefix + "_" + name);
    global->setAlignment(llvm::Align(alignment));
    return global;
  }
  llvm::Constant *text(StringRef value) {
    return data("text", llvm::ConstantDataArray::getString(context, value), 1);
  }
  /// A constant with the bytes of a file. Only the assembler reads them, in one piece.
  llvm::Constant *includeFile(StringRef name, StringRef path) {
    std::string symbol = options.prefix + "_" + name.str();
    module.appendModuleInlineAsm(".section .rodata." + symbol + ",\"a\",@progbits\n.balign 4096\n.globl " +
                                 symbol + "\n.hidden " + symbol + "\n" + symbol + ":\n.incbin \"" +
                                 path.str() + "\"\n.text\n");
    auto *global = new llvm::GlobalVariable(module, builder.getInt8Ty(), /*isConstant=*/true,
                                            llvm::GlobalValue::ExternalLinkage, nullptr, symbol);
    global->setVisibility(llvm::GlobalValue::HiddenVisibility);
    return global;
  }

  llvm::Module &module;
  llvm::LLVMContext &context;
  llvm::IRBuilder<> builder;
  const EmbeddedOptions &options;
};
} // namespace

/// Writes the weight segment to `file` and takes its hash.
static llvm::Error writeWeightFile(AtomicFile &file, ModuleOp module, uint64_t &hash) {
  Hash running;
  uint64_t at = 0;
  llvm::Error problem = llvm::Error::success();
  LogicalResult done = writeWeights(module, [&](ArrayRef<char> bytes) -> LogicalResult {
    running.update(bytes.data(), bytes.size());
    problem = llvm::joinErrors(std::move(problem), file.write(bytes, at));
    at += bytes.size();
    return failure(static_cast<bool>(problem));
  });
  if (problem)
    return problem;
  if (failed(done))
    return llvm::createStringError(std::errc::io_error, "the weights cannot be read");
  hash = running.finish();
  return llvm::Error::success();
}

static llvm::Error codeError() {
  return llvm::createStringError(std::errc::invalid_argument, "the code cannot be made");
}

llvm::Error tamis::writeEmbedded(StringRef path, ModuleOp module, const ModelDescription &model,
                                 ArrayRef<std::pair<std::string, ModuleOp>> variants,
                                 const EmbeddedOptions &options) {
  WeightLayout weights = layOutWeights(module);
  // Weights inside pass through a file that never gets a name, which the assembler includes.
  SmallString<256> weightsFile(path);
  llvm::sys::path::replace_extension(weightsFile, "weights");
  std::optional<AtomicFile> inside;
  uint64_t hash = 0;
  if (weights.bytes) {
    llvm::Expected<AtomicFile> file = AtomicFile::create(weightsFile);
    if (!file)
      return file.takeError();
    if (llvm::Error error = writeWeightFile(*file, module, hash))
      return error;
    if (options.weightsBeside) {
      if (llvm::Error error = file->commit())
        return error;
    } else {
      weightsFile = file->descriptorPath();
      inside.emplace(std::move(*file));
    }
  }
  std::vector<char> header = makeHeader(model, weights, {}, {4096}, {hash});

  llvm::LLVMContext context;
  llvm::Module whole(options.prefix, context);
  Embedder embedder(whole, options);
  std::vector<std::string> isas;
  for (auto &[isa, code] : variants) {
    ObjectOptions object;
    object.isa = isa;
    object.entry = embedder.entryName(isa);
    object.freestanding = false;
    auto compiled = makeLLVMModule(code, context, object);
    if (failed(compiled))
      return codeError();
    if (isas.empty()) {
      whole.setTargetTriple((*compiled)->getTargetTriple());
      whole.setDataLayout((*compiled)->getDataLayout());
    }
    if (llvm::Linker::linkModules(whole, std::move(*compiled)))
      return codeError();
    isas.push_back(isa);
  }
  embedder.embed(header, isas, weights, weightsFile);
  auto object = emitLLVMModule(whole, /*assembly=*/false, module.getLoc());
  if (failed(object))
    return codeError();

  SmallString<256> headerFile(path);
  llvm::sys::path::replace_extension(headerFile, "h");
  StringRef bytes(object->data(), object->size());
  if (llvm::Error error = options.shared ? linkShared(path, bytes) : writeFileAtomically(path, bytes))
    return error;
  return writeFileAtomically(headerFile, makeCHeader(model, options));
}
