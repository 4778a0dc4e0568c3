//===- Compilation.cpp - From an ONNX file to what was asked for ----------------------------------===//

#include "Compilation.h"
#include "PeakMemory.h"
#include "Targets.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Support/Timing.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "runtime/src/Hash.h"
#include "tamis/Codegen/ISALevel.h"
#include "tamis/Codegen/OperationTable.h"
#include "tamis/Dialect/NN/Transforms/Precision.h"
#include "tamis/Dialect/ONNX/IR/ONNXDialect.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "tamis/Import/ImportONNX.h"
#include "tamis/Pipelines/Pipelines.h"
#include "tamis/Target/ArtifactWriter.h"
#include "tamis/Target/AtomicFile.h"
#include "tamis/Target/EmbeddedWriter.h"
#include "tamis/Target/ObjectEmitter.h"
#include "tamis/runtime.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <charconv>
#include <chrono>
#include <fstream>
#include <set>
#include <thread>
#include <unistd.h>

using namespace mlir;
using namespace tamis;

// ExitCode.h throws; the numbers are documented there and in docs/cli.md.
enum Exit { Done = 0, Usage = 2, Refused = 3, System = 4, Internal = 70 };

bool tools::parseExtraOptions(const std::vector<std::string> &rest) {
  registerMLIRContextCLOptions();
  registerPassManagerCLOptions();
  registerAsmPrinterCLOptions();
  registerDefaultTimingManagerCLOptions();
  std::vector<const char *> words{"tamis compile"};
  for (const std::string &word : rest)
    words.push_back(word.c_str());
  std::string message;
  llvm::raw_string_ostream stream(message);
  if (llvm::cl::ParseCommandLineOptions(words.size(), words.data(), "", &stream))
    return true;
  llvm::errs() << "tamis: error: " << StringRef(message).trim()
               << "\nRun 'tamis compile --help' for the options.\n";
  return false;
}

namespace {

/// Prints diagnostics as sentences that begin with the ONNX node's name.
class Reporter {
public:
  Reporter(MLIRContext &context, StringRef model, bool errorsOnly)
      : handler(&context, [this](Diagnostic &diagnostic) { return report(diagnostic); }), model(model),
        errorsOnly(errorsOnly) {}

  bool sawError() const { return errors > 0; }

  /// An error that is not about a node.
  int fail(Exit code, const Twine &message) {
    llvm::errs() << "tamis: error: " << message << "\n";
    return code;
  }

private:
  LogicalResult report(Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      ++errors;
    else if (errorsOnly)
      return success();
    print(diagnostic, severityName(diagnostic.getSeverity()), "tamis: ");
    for (Diagnostic &note : diagnostic.getNotes())
      if (!isDump(note))
        print(note, "note", "  ");
    return success();
  }

  /// "see current operation" says nothing to a user.
  static bool isDump(Diagnostic &note) { return StringRef(note.str()).starts_with("see current operation"); }

  static StringRef severityName(DiagnosticSeverity severity) {
    switch (severity) {
    case DiagnosticSeverity::Error:
      return "error";
    case DiagnosticSeverity::Warning:
      return "warning";
    case DiagnosticSeverity::Remark:
      return "remark";
    case DiagnosticSeverity::Note:
      return "note";
    }
    return "note";
  }

  void print(Diagnostic &diagnostic, StringRef severity, StringRef indent) {
    std::string text = diagnostic.str();
    StringRef node = nodeName(diagnostic.getLocation());
    if (StringRef(model).ends_with(llvm::sys::path::filename(node)))
      node = ""; // the location of the model as a whole
    llvm::errs() << indent << severity << ": ";
    // The importer's sentences name their node.
    if (!node.empty() && !StringRef(text).contains(node))
      llvm::errs() << "node '" << node << "': ";
    else if (node.empty() && indent != "  " && !StringRef(text).contains(model))
      llvm::errs() << model << ": ";
    llvm::errs() << text << "\n";
  }

  ScopedDiagnosticHandler handler;
  std::string model;
  bool errorsOnly;
  int errors = 0;
};

} // namespace

uint64_t tools::hashFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  std::vector<char> piece(1 << 20);
  Hash hash;
  while (file.read(piece.data(), piece.size()) || file.gcount() > 0)
    hash.update(piece.data(), file.gcount());
  return hash.finish();
}

namespace {

class Compilation {
public:
  Compilation(const tools::CompileOptions &options, const tools::Setting &setting,
              tools::CompileSummary &summary)
      : options(options), setting(setting), summary(summary), certificate(options.certificate),
        context(makeRegistry()), reporter(context, options.model, setting.isTrial) {
    context.loadAllAvailableDialects();
    // Printing IR between passes needs them one after the other.
    if (!options.rest.empty())
      context.disableMultithreading();
  }

  int run() {
    if (int code = import())
      return code;
    if (options.emit == "mlir" && options.level == "imported")
      return writeText(print(*module));
    if (int code = runPipelines())
      return code;
    if (options.emit == "mlir")
      return emitMLIR();
    if (options.emit == "llvm" || options.emit == "asm")
      return emitText();
    if (options.emit == "tamis")
      return emitArtifact();
    return emitEmbedded();
  }

private:
  static DialectRegistry makeRegistry() {
    DialectRegistry registry;
    registerDialects(registry);
    return registry;
  }

  int import() {
    ImportOptions importOptions;
    for (const std::string &dim : options.dims) {
      DimensionOverride parsed;
      if (!parseDimension(dim, parsed))
        return reporter.fail(Usage,
                             "--dim " + dim + " is not NAME=N or NAME=MIN..MAX with numbers of at least 1");
      importOptions.dimensions.push_back(parsed);
    }
    nn::LayerPrecisions layers;
    for (const std::string &layer : options.layerPrecisions)
      if (std::optional<std::string> error = layers.add(layer))
        return reporter.fail(Usage, "--layer-precision: " + *error);
    if (options.int4Group && options.precision != "auto" && !llvm::is_contained(precisions(), "int4"))
      return reporter.fail(Usage, "--int4-group is about layers of int4, and there are none; give "
                                  "--precision=int4, or layers that precision with --layer-precision");
    ImportError kind = ImportError::None;
    auto imported = importONNX(context, options.model, importOptions, &kind);
    if (failed(imported))
      return kind == ImportError::System ? System : Refused;
    module = std::move(*imported);
    std::string error;
    isas = tools::resolveTargets(options.targets, precisions(), quantizesRows(), error);
    if (isas.empty())
      return reporter.fail(Refused, error);
    if (setting.isTrial) {
      auto runnable = llvm::find_if(isas, [](const std::string &isa) { return tools::hostRuns(isa); });
      if (runnable == isas.end())
        return reporter.fail(Refused,
                             "the error of a precision is measured by running it, and this machine runs "
                             "none of " +
                                 llvm::join(isas, ", ") +
                                 "; add a level that it runs to --target, or name a precision and leave "
                                 "--inputs out");
      isas = {*runnable};
    }
    description = describeModel(*module);
    description.sourceName = llvm::sys::path::filename(options.model).str();
    description.sourceHash = sourceHash();
    if (int code = checkCertificate())
      return code;
    description.flags = resultFlags();
    description.precision = {setting.precision, {}, setting.measured};
    return 0;
  }

  /// Of the model's file, and of those with its weights where there are any.
  uint64_t sourceHash() {
    uint64_t own = tools::hashFile(options.model);
    auto folder = (*module)->getAttrOfType<StringAttr>("weight.folder"),
         model = (*module)->getAttrOfType<StringAttr>("weight.model");
    std::set<std::string> others;
    for (auto source : module->getOps<weight::SourceOp>())
      if (source.getFile() && !(model && model.getValue() == *source.getFile()))
        others.insert(source.getFile()->str());
    if (others.empty())
      return own;
    Hash hash;
    hash.update(&own, sizeof(own));
    for (const std::string &file : others) {
      SmallString<256> path(folder ? folder.getValue() : "");
      llvm::sys::path::append(path, file);
      uint64_t of = tools::hashFile(path.str().str());
      hash.update(&of, sizeof(of));
    }
    return hash.finish();
  }

  /// Whether the policy's certificate is one for this model.
  int checkCertificate() {
    std::string hash = llvm::utohexstr(description.sourceHash, /*LowerCase=*/true, /*Width=*/16);
    if (options.certificate.empty() || options.certifiedHash == hash)
      return 0;
    if (!options.allowUncertified)
      return reporter.fail(Refused, options.policy + ": is certified for a model with the hash " +
                                        options.certifiedHash + ", not for this one, " + hash +
                                        "; make the policy with 'tamis calibrate', or take it as it is with "
                                        "--allow-uncertified");
    certificate.clear();
    return 0;
  }

  /// Those of all layers.
  std::vector<std::string> precisions() const {
    std::vector<std::string> names{setting.precision};
    for (StringRef layer : options.layerPrecisions)
      names.push_back(layer.rsplit('=').second.str());
    return names;
  }

  /// Whether products may have rows of 8 bits: what quantises them comes before, or they are integers.
  bool quantizesRows() {
    return module
        ->walk([](Operation *op) {
          auto quantize = dyn_cast<onnx::QuantizeLinearOp>(op);
          bool isByte = quantize && getElementTypeOrSelf(quantize.getY()).isInteger(8);
          return isByte || isa<onnx::DynamicQuantizeLinearOp, onnx::MatMulIntegerOp>(op)
                     ? WalkResult::interrupt()
                     : WalkResult::advance();
        })
        .wasInterrupted();
  }

  static bool parseDimension(StringRef text, DimensionOverride &dimension) {
    auto [name, value] = text.rsplit('=');
    auto [low, high] = value.split("..");
    dimension.name = name.str();
    if (name.empty() || low.getAsInteger(10, dimension.min) || dimension.min < 1)
      return false;
    dimension.max = dimension.min;
    return !value.contains("..") || (!high.getAsInteger(10, dimension.max) && dimension.max >= dimension.min);
  }

  std::vector<std::string> resultFlags() const {
    std::string targets;
    for (const std::string &isa : isas)
      targets += (targets.empty() ? "" : ",") + isa;
    std::vector<std::string> flags{"--target=" + targets, "--precision=" + options.precision};
    for (const std::string &layer : options.layerPrecisions)
      flags.push_back("--layer-precision=" + layer);
    if (options.int4Group)
      flags.push_back("--int4-group=" + std::to_string(*options.int4Group));
    if (options.precision == "auto" && setting.measured) {
      flags.push_back("--inputs=" + setting.measured->inputs);
      char bound[32]; // the shortest spelling of the number
      flags.push_back("--max-error=" +
                      std::string(bound, std::to_chars(bound, std::end(bound), setting.measured->bound).ptr));
    }
    for (const std::string &dim : options.dims)
      flags.push_back("--dim=" + dim);
    if (options.keepPadding)
      flags.push_back("--keep-padding");
    if (options.observeExperts)
      flags.push_back("--observe-experts");
    if (options.observeStates)
      flags.push_back("--observe-states");
    if (!options.profile.empty())
      flags.push_back("--profile=" + llvm::sys::path::filename(options.profile).str());
    if (!options.policy.empty())
      flags.push_back("--policy=" + llvm::sys::path::filename(options.policy).str());
    if (options.allowUncertified)
      flags.push_back("--allow-uncertified");
    if (options.maxLength)
      flags.push_back("--max-length=" + std::to_string(options.maxLength));
    return flags;
  }

  /// Runs what `build` adds. Records the passes for the artifact's provenance when `record`.
  LogicalResult runPasses(ModuleOp target, function_ref<void(OpPassManager &)> build, bool record) {
    PassManager passes(&context);
    if (!setting.isTrial) {
      if (failed(applyPassManagerCLOptions(passes)))
        return failure();
      applyDefaultTimingPassManagerCLOptions(passes);
    }
    build(passes);
    if (record)
      for (Pass &pass : passes.getPasses()) {
        std::string text;
        llvm::raw_string_ostream stream(text);
        pass.printAsTextualPipeline(stream);
        // An artifact says nothing of the folders of the machine that made it.
        for (const std::string &path : {options.profile, options.policy})
          if (size_t at = text.find(path); !path.empty() && at != std::string::npos)
            text.replace(at, path.size(), llvm::sys::path::filename(path).str());
        description.passes.push_back(text);
      }
    return passes.run(target);
  }

  int failedPasses(StringRef stage) {
    if (reporter.sawError())
      return Refused;
    return reporter.fail(Internal, "the passes of the level '" + stage + "' failed on " + options.model);
  }

  int runPipelines() {
    ModelPipeline::Options modelOptions;
    modelOptions.keepPadding = options.keepPadding;
    modelOptions.observeExperts = options.observeExperts;
    modelOptions.observeStates = options.observeStates;
    modelOptions.printRaising = options.printRaising;
    modelOptions.precision = setting.precision;
    modelOptions.layerPrecisions = options.layerPrecisions;
    if (options.int4Group)
      modelOptions.int4Group = *options.int4Group;
    modelOptions.maxLength = options.maxLength;
    modelOptions.policy = options.policy;
    specializeExperts(modelOptions);
    if (failed(runPasses(
            *module, [&](OpPassManager &passes) { ModelPipeline::build(passes, modelOptions); }, true)))
      return failedPasses("model");
    readRemarks();
    if (options.emit == "mlir" && options.level == "model")
      return 0;
    if (failed(runPasses(*module, [](OpPassManager &passes) { LoopPipeline::build(passes); }, true)))
      return failedPasses("loops");
    return 0;
  }

  void specializeExperts(ModelPipeline::Options &to) const {
    const tools::ExpertPolicy &policy = options.experts;
    to.profile = options.profile;
    to.profileHash = llvm::utohexstr(description.sourceHash, /*LowerCase=*/true, /*Width=*/16);
    to.mergeExperts = policy.mergeDuplicates;
    to.orderExperts = policy.order && !options.profile.empty();
    to.keepExperts = policy.keep;
    to.expertFallback = policy.fallback;
    to.skipExperts = policy.skip;
  }

  void readRemarks() {
    if (auto remarks = (*module)->getAttrOfType<ArrayAttr>("tamis.remarks"))
      for (auto remark : remarks.getAsRange<DictionaryAttr>())
        description.remarks.push_back(
            {remark.getAs<StringAttr>("pass").str(), remark.getAs<StringAttr>("text").str()});
    if (auto mask = (*module)->getAttrOfType<StringAttr>("tamis.mask_input"))
      description.maskInput = mask.str();
    if (auto layers = (*module)->getAttrOfType<ArrayAttr>("tamis.layer_precisions"))
      for (auto layer : layers.getAsRange<ArrayAttr>())
        description.precision.layers.push_back(
            {cast<StringAttr>(layer[0]).str(), cast<StringAttr>(layer[1]).str()});
    summary.remarks = description.remarks;
    description.decoder = describeDecoder(*module);
    description.policy = describePolicy(*module);
    if (description.policy && !certificate.empty()) {
      description.policy->certificate = certificate;
      if (!description.policy->readsCache)
        description.policy->promise = promiseOf(certificate);
    }
  }

  /// What the runtime watches; nothing where it is not an output of f32 that the certificate is about.
  std::optional<PolicyDescription::Promise> promiseOf(StringRef certificate) const {
    llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(certificate);
    if (!parsed) {
      llvm::consumeError(parsed.takeError());
      return std::nullopt;
    }
    const llvm::json::Object *object = parsed->getAsObject();
    auto text = [&](StringRef key) { return object ? object->getString(key).value_or("") : ""; };
    auto number = [&](StringRef key) { return object ? object->getNumber(key).value_or(-1) : -1; };
    PolicyDescription::Promise promise;
    auto loss =
        llvm::StringSwitch<int>(text("loss")).Case("cosine", 0).Case("kl", 1).Case("argmax", 2).Default(-1);
    auto output = llvm::find_if(
        description.outputs, [&](const TensorDescription &tensor) { return tensor.name == text("output"); });
    promise.eps = number("eps");
    promise.alpha = number("alpha");
    promise.delta = number("delta");
    if (loss < 0 || output == description.outputs.end() || output->type != TAMIS_F32 ||
        output->dims.size() < 2 || promise.eps < 0 || !(promise.alpha > 0 && promise.alpha < 1))
      return std::nullopt;
    promise.loss = static_cast<uint8_t>(loss);
    promise.output = static_cast<uint32_t>(output - description.outputs.begin());
    return promise;
  }

  static std::string print(ModuleOp target) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    OpPrintingFlags flags;
    target.print(stream, flags.enableDebugInfo(true, /*prettyForm=*/false).useLocalScope());
    stream << "\n";
    return text;
  }

  int writeText(StringRef text) {
    if (options.output == "-") {
      llvm::outs() << text;
      llvm::outs().flush();
      return llvm::outs().has_error() ? reporter.fail(System, "cannot write to standard output") : 0;
    }
    return finish(writeFileAtomically(options.output, text));
  }

  /// Ends with the file system's error, or with the facts about the output.
  int finish(llvm::Error error) {
    if (error)
      return reporter.sawError() ? Refused : reporter.fail(System, llvm::toString(std::move(error)));
    llvm::sys::fs::file_size(options.output, summary.bytes);
    summary.output = options.output;
    summary.isas = isas;
    summary.precision = setting.precision;
    if (setting.measured)
      summary.error = setting.measured->error;
    return 0;
  }

  LogicalResult lowerTo(StringRef isa, ModuleOp target) {
    MachinePipeline::Options machineOptions;
    machineOptions.isa = isa.str();
    return runPasses(
        target, [&](OpPassManager &passes) { MachinePipeline::build(passes, machineOptions); }, false);
  }

  int emitMLIR() {
    if (options.level == "machine" && failed(lowerTo(isas.front(), *module)))
      return failedPasses("machine");
    return writeText(print(*module));
  }

  int emitText() {
    if (failed(lowerTo(isas.front(), *module)))
      return failedPasses("machine");
    ObjectOptions object;
    object.isa = isas.front();
    if (options.emit == "llvm") {
      FailureOr<std::string> text = emitLLVMText(*module, object);
      return failed(text) ? Internal : writeText(*text);
    }
    object.assembly = true;
    auto text = emitObject(*module, object);
    return failed(text) ? Internal : writeText(StringRef(text->data(), text->size()));
  }

  void readOperations(ModuleOp lowered) {
    description.operations.clear();
    if (auto table = lowered->getAttrOfType<ArrayAttr>("tamis.operations"))
      for (auto row : table.getAsRange<ArrayAttr>())
        description.operations.push_back({cast<StringAttr>(row[0]).str(), cast<StringAttr>(row[1]).str()});
  }

  /// Lowers a copy of the module for every ISA level, side by side when there are threads, and gives each to
  /// `use`.
  template <typename Use> LogicalResult forEachISA(Use use) {
    std::vector<OwningOpRef<ModuleOp>> copies;
    for (size_t i = 0; i < isas.size(); ++i)
      copies.emplace_back(module->clone());
    std::vector<LogicalResult> results(isas.size(), failure());
    auto work = [&](size_t i) {
      results[i] = succeeded(lowerTo(isas[i], *copies[i])) ? use(i, *copies[i]) : failure();
    };
    if (context.isMultithreadingEnabled()) {
      std::vector<std::thread> threads;
      for (size_t i = 1; i < isas.size(); ++i)
        threads.emplace_back(work, i);
      work(0);
      for (std::thread &thread : threads)
        thread.join();
    } else {
      for (size_t i = 0; i < isas.size(); ++i)
        work(i);
    }
    // The levels have the same operations in the same order.
    readOperations(*copies.front());
    return success(llvm::all_of(results, [](LogicalResult result) { return succeeded(result); }));
  }

  int emitArtifact() {
    std::vector<tamis::CodeVariant> code(isas.size());
    LogicalResult result = forEachISA([&](size_t i, ModuleOp lowered) -> LogicalResult {
      ObjectOptions object;
      object.isa = isas[i];
      auto bytes = emitObject(lowered, object);
      if (failed(bytes))
        return failure();
      FailureOr<CodeImage> image = linkImage(*bytes, object.entry, lowered.getLoc());
      if (failed(image))
        return failure();
      code[i] = {isas[i], std::move(*image)};
      return success();
    });
    if (failed(result))
      return failedPasses("machine");
    return finish(writeArtifact(options.output, *module, description, code));
  }

  int emitEmbedded() {
    std::vector<OwningOpRef<ModuleOp>> lowered(isas.size());
    if (failed(forEachISA([&](size_t i, ModuleOp target) -> LogicalResult {
          lowered[i] = target.clone();
          return success();
        })))
      return failedPasses("machine");
    EmbeddedOptions embedded;
    embedded.prefix = options.prefix.empty() ? symbolPrefix(options.output) : options.prefix;
    embedded.weightsBeside = options.weights == "beside";
    embedded.shared = options.emit == "shared";
    SmallVector<std::pair<std::string, ModuleOp>> variants;
    for (size_t i = 0; i < isas.size(); ++i)
      variants.push_back({isas[i], *lowered[i]});
    return finish(writeEmbedded(options.output, *module, description, variants, embedded));
  }

  const tools::CompileOptions &options;
  const tools::Setting &setting;
  tools::CompileSummary &summary;
  std::string certificate; ///< that holds for what is compiled; empty: none
  MLIRContext context;
  Reporter reporter;
  std::vector<std::string> isas;
  OwningOpRef<ModuleOp> module;
  ModelDescription description;
};

} // namespace

int tools::compile(const CompileOptions &options, const Setting &setting, CompileSummary &summary) {
  auto start = std::chrono::steady_clock::now();
  int code = Compilation(options, setting, summary).run();
  summary.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  summary.peakBytes = tools::peakMemory();
  return code;
}
