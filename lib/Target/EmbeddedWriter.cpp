//===- EmbeddedWriter.cpp - Models as objects and shared libraries -------------------------------------===//
#include "tamis/Target/EmbeddedWriter.h"

#include "tamis/Target/AtomicFile.h"
#include "tamis/Target/DeferredSection.h"
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
        data(headerName,
             llvm::ConstantDataArray::get(
                 context, llvm::ArrayRef(reinterpret_cast<const uint8_t *>(header.data()), header.size())),
             16);
    llvm::Constant *weightData = none, *weightName = none;
    if (weights.bytes && options.weightsBeside)
      weightName = text(llvm::sys::path::filename(weightsFile));
    else if (weights.bytes)
      weightData = deferred(weightsName, weights.bytes);

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

  static constexpr StringLiteral headerName = "header", weightsName = "weights";
  std::string symbolName(StringRef name) const { return options.prefix + "_" + name.str(); }
  std::string entryName(StringRef isa) const {
    std::string name = symbolName("entry_") + isa.str();
    std::replace(name.begin(), name.end(), '-', '_');
    return name;
  }

private:
  llvm::Constant *data(StringRef name, llvm::Constant *value, unsigned alignment) {
    auto *global = new llvm::GlobalVariable(module, value->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::InternalLinkage, value, symbolName(name));
    global->setAlignment(llvm::Align(alignment));
    return global;
  }
  llvm::Constant *text(StringRef value) {
    return data("text", llvm::ConstantDataArray::getString(context, value), 1);
  }
  /// A constant whose bytes LLVM never sees.
  llvm::Constant *deferred(StringRef name, uint64_t bytes) {
    std::string symbol = symbolName(name);
    module.appendModuleInlineAsm(declareDeferred(symbol, bytes));
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

static llvm::Expected<uint64_t> writeWeightsBeside(StringRef path, ModuleOp module) {
  llvm::Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  llvm::Expected<uint64_t> hash = writeWeights(module, *file, 0);
  if (hash)
    if (llvm::Error error = file->commit())
      return error;
  return hash;
}

/// Writes the bytes of the deferred section `symbol` to `file`, which the object or library will begin.
static llvm::Expected<uint64_t> writeWeightsInside(AtomicFile &file, MutableArrayRef<char> object,
                                                   StringRef symbol, uint64_t alignment, ModuleOp module) {
  llvm::Expected<uint64_t> offset = appendSection(object, symbol, alignment);
  if (!offset)
    return offset.takeError();
  return writeWeights(module, file, *offset);
}

static llvm::Error codeError() {
  return llvm::createStringError(std::errc::invalid_argument, "the code cannot be made");
}

llvm::Error tamis::writeEmbedded(StringRef path, ModuleOp module, const ModelDescription &model,
                                 ArrayRef<std::pair<std::string, ModuleOp>> variants,
                                 const EmbeddedOptions &options) {
  WeightLayout weights = layOutWeights(module);
  SmallString<256> weightsFile(path), headerFile(path);
  llvm::sys::path::replace_extension(weightsFile, "weights");
  llvm::sys::path::replace_extension(headerFile, "h");

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
  // The weights are written last, so their hash is not known yet.
  embedder.embed(makeHeader(model, weights, {}, {TAMIS_ARTIFACT_PAGE}, {}), isas, weights, weightsFile);
  auto object = emitLLVMModule(whole, /*assembly=*/false, module.getLoc());
  if (failed(object))
    return codeError();

  uint64_t alignment = weights.fillsLargePages() ? TAMIS_ARTIFACT_LARGE_PAGE : TAMIS_ARTIFACT_PAGE;
  if (options.shared) {
    auto library = linkShared(path, StringRef(object->data(), object->size()), placeDeferredLast(alignment));
    if (!library)
      return library.takeError();
    *object = std::move(*library);
  }
  llvm::Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  if (weights.bytes) {
    llvm::Expected<uint64_t> hash =
        options.weightsBeside ? writeWeightsBeside(weightsFile, module)
                              : writeWeightsInside(*file, *object, embedder.symbolName(Embedder::weightsName),
                                                   alignment, module);
    if (!hash)
      return hash.takeError();
    std::vector<char> header = makeHeader(model, weights, {}, {TAMIS_ARTIFACT_PAGE}, {*hash});
    auto place = bytesOfSymbol(*object, embedder.symbolName(Embedder::headerName));
    if (!place)
      return place.takeError();
    assert(header.size() == place->size() && "the header's size depends on hashes");
    llvm::copy(header, place->begin());
  }
  if (llvm::Error error = file->write(*object, 0))
    return error;
  if (llvm::Error error = file->commit())
    return error;
  return writeFileAtomically(headerFile, makeCHeader(model, options));
}
