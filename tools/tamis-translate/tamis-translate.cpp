//===- tamis-translate.cpp - Models to and from MLIR
//-----------------------------------------------------===//
#include "mlir/IR/AsmState.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Support/FileUtilities.h"
#include "tamis/Import/ImportONNX.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace llvm;

static cl::OptionCategory category("tamis-translate options");
static cl::opt<std::string> input(cl::Positional, cl::desc("<input file>"), cl::init("-"), cl::cat(category));
static cl::opt<std::string> output("o", cl::desc("Where to write"), cl::value_desc("file"), cl::init("-"),
                                   cl::cat(category));
static cl::opt<bool> importFlag("import-onnx", cl::desc("Print the module of an ONNX model"),
                                cl::cat(category));
static cl::opt<bool> listFlag("list-operators", cl::desc("Print docs/operators.md"), cl::cat(category));
static cl::list<std::string> dims("dim", cl::desc("The size of a symbolic dimension, or its range"),
                                  cl::value_desc("NAME=N|MIN..MAX"), cl::cat(category));

// As tamis-compile.
enum ExitCode { Done = 0, Usage = 2, Refused = 3, SystemFailed = 4 };

static bool parseDimension(StringRef text, tamis::DimensionOverride &dimension) {
  auto [name, range] = text.rsplit('=');
  auto [low, high] = range.split("..");
  dimension.name = name.str();
  if (name.empty() || low.getAsInteger(10, dimension.min) || dimension.min < 1)
    return false;
  dimension.max = dimension.min;
  return !range.contains("..") || (!high.getAsInteger(10, dimension.max) && dimension.max >= dimension.min);
}

static int printModule(raw_ostream &os) {
  tamis::ImportOptions options;
  for (const std::string &text : dims) {
    tamis::DimensionOverride dimension;
    if (!parseDimension(text, dimension)) {
      errs() << "--dim " << text << " is not NAME=N or NAME=MIN..MAX with numbers of at least 1\n";
      return Usage;
    }
    options.dimensions.push_back(dimension);
  }
  mlir::DialectRegistry registry;
  tamis::addImportDialects(registry);
  mlir::MLIRContext context(registry, mlir::MLIRContext::Threading::DISABLED);
  // Messages name the node themselves.
  mlir::ScopedDiagnosticHandler handler(&context, [](mlir::Diagnostic &diagnostic) {
    errs() << (diagnostic.getSeverity() == mlir::DiagnosticSeverity::Error ? "error: " : "warning: ")
           << diagnostic.str() << "\n";
    return mlir::success();
  });
  tamis::ImportError error;
  auto module = tamis::importONNX(context, input, options, &error);
  if (failed(module))
    return error == tamis::ImportError::System ? SystemFailed : Refused;
  (*module)->print(os);
  os << "\n";
  return Done;
}

int main(int argc, char **argv) {
  InitLLVM setup(argc, argv);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(argc, argv, "Translates models to and from MLIR\n");
  if (importFlag == listFlag) {
    errs() << "give either --import-onnx or --list-operators\n";
    return Usage;
  }
  std::string message;
  auto file = mlir::openOutputFile(output, &message);
  if (!file) {
    errs() << message << "\n";
    return SystemFailed;
  }
  if (listFlag)
    tamis::printOperators(file->os());
  else if (int code = printModule(file->os()))
    return code;
  file->keep();
  return Done;
}
