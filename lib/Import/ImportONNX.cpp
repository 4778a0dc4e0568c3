//===- ImportONNX.cpp - The model's inputs, outputs and module -----------------------------------------===//
#include "tamis/Import/ImportONNX.h"

#include "Graph.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

using namespace mlir;

namespace tamis::import {

/// The type of an input with the overrides of --dim applied, and the names of its symbolic dimensions. Null
/// after an error.
Type GraphImporter::inputType(const pb::ValueInfoProto &info, SmallVectorImpl<Attribute> &dims) {
  auto refuse = [&](const Twine &reason, const Twine &remedy) {
    report(module.getLoc(), ("the input '" + escape(info.name()) + "' " + reason).str(), remedy.str());
    return Type();
  };
  if (!info.type().has_tensor_type())
    return refuse("is no tensor", "only tensors can be inputs; export the model again");
  const auto &tensor = info.type().tensor_type();
  Type element = elementType(builder.getContext(), tensor.elem_type());
  if (!element)
    return refuse("has elements of " + elementTypeName(tensor.elem_type()) + ", which is not supported",
                  "export the model with numbers or bools as inputs");
  if (!tensor.has_shape())
    return refuse("has no shape", "export the model with the rank of its inputs");
  SmallVector<int64_t> sizes;
  for (const auto &dim : tensor.shape().dim()) {
    int64_t size = dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : ShapedType::kDynamic;
    std::string name = dim.has_dim_param() ? escape(dim.dim_param()) : "";
    dimensionNames.insert(name);
    for (const DimensionOverride &dimension : options.dimensions)
      if (!name.empty() && dimension.name == name) {
        overridesUsed.insert(name);
        if (dimension.min == dimension.max) {
          size = dimension.min;
          name.clear();
        }
      }
    sizes.push_back(size);
    dims.push_back(builder.getStringAttr(ShapedType::isDynamic(size) ? name : ""));
  }
  auto type = RankedTensorType::get(sizes, element);
  if (isTooLarge(type))
    return refuse("has a shape too large for any memory", "export the model again");
  return type;
}

bool GraphImporter::addInputs(const pb::GraphProto &graph, Scope &scope) {
  SmallVector<Type> types;
  SmallVector<Attribute> attributes;
  SmallVector<std::string> names;
  llvm::StringSet<> seen;
  for (const auto &input : graph.input()) {
    // Up to IR version 3, initializers had to be inputs, too; later they are defaults, which are kept.
    if (input.name().empty() || !seen.insert(escape(input.name())).second) {
      report(module.getLoc(),
             input.name().empty() ? "an input has no name"
                                  : "two inputs have the name '" + escape(input.name()) + "'",
             "export the model again");
      return false;
    }
    if (scope.defines(input.name()))
      continue;
    SmallVector<Attribute> dims;
    Type type = inputType(input, dims);
    if (!type)
      return false;
    types.push_back(type);
    names.push_back(input.name());
    attributes.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("onnx.dims", builder.getArrayAttr(dims)),
         builder.getNamedAttr("onnx.name", builder.getStringAttr(escape(input.name())))}));
  }
  for (const DimensionOverride &dimension : options.dimensions)
    if (!overridesUsed.contains(dimension.name)) {
      std::string known;
      for (auto &name : dimensionNames)
        if (!name.first().empty())
          known += (known.empty() ? "'" : ", '") + name.first().str() + "'";
      report(module.getLoc(), "no input has a dimension named '" + escape(dimension.name) + "'",
             known.empty() ? "drop --dim; the model has no named dimensions" : "--dim takes one of " + known);
      return false;
    }
  main = func::FuncOp::create(module.getLoc(), "main", builder.getFunctionType(types, {}));
  main.setAllArgAttrs(attributes);
  module.push_back(main);
  body = main.addEntryBlock();
  builder.setInsertionPointToEnd(body);
  for (auto [name, argument] : llvm::zip_equal(names, body->getArguments()))
    scope.values[name] = argument;
  return true;
}

ArrayAttr GraphImporter::dimNames(const pb::ValueInfoProto &info, RankedTensorType type) {
  SmallVector<Attribute> dims;
  const auto &shape = info.type().tensor_type().shape();
  for (int64_t i = 0; i < type.getRank(); ++i) {
    bool isNamed = type.isDynamicDim(i) && shape.dim_size() == type.getRank();
    dims.push_back(builder.getStringAttr(isNamed ? escape(shape.dim(i).dim_param()) : ""));
  }
  return builder.getArrayAttr(dims);
}

bool GraphImporter::finishOutputs(const pb::GraphProto &graph, Scope &scope) {
  SmallVector<Value> results;
  SmallVector<Attribute> attributes;
  llvm::StringSet<> seen;
  auto refuse = [&](const Twine &reason) {
    report(module.getLoc(), reason.str(), "export the model again");
    return false;
  };
  if (graph.output().empty())
    return refuse("the model has no outputs");
  for (const auto &output : graph.output()) {
    std::string name = escape(output.name());
    Value value;
    if (!seen.insert(name).second)
      return refuse("two outputs have the name '" + name + "'");
    if (auto owner = scope.unavailable.find(output.name()); owner != scope.unavailable.end()) {
      report(module.getLoc(),
             "the model's output '" + name + "' is an output of " + owner->second + " that is not supported",
             "export the model without it");
      return false;
    }
    if (!lookup(scope, output.name(), value))
      return refuse("nothing computes the output '" + name + "'");
    if (!value)
      continue; // Behind a node that was refused.
    auto type = cast<RankedTensorType>(value.getType());
    if (type.getElementType().isInteger(4))
      return refuse("the output '" + name + "' has elements of 4 bits, which are not supported outside");
    if (output.type().has_tensor_type()) {
      const auto &declared = output.type().tensor_type();
      if (declared.elem_type() &&
          elementType(builder.getContext(), declared.elem_type()) != type.getElementType())
        return refuse("the output '" + name + "' is declared with elements of " +
                      elementTypeName(declared.elem_type()) + ", but its node computes another type");
      SmallVector<int64_t> sizes;
      for (const auto &dim : declared.shape().dim())
        sizes.push_back(dim.has_dim_value() && dim.dim_value() >= 0 ? dim.dim_value() : ShapedType::kDynamic);
      if (options.dimensions.empty() && declared.has_shape() &&
          failed(verifyCompatibleShape(sizes, type.getShape())))
        emitWarning(module.getLoc()) << "the output '" << name
                                     << "' is declared with another shape than its node computes, " << type;
    }
    results.push_back(value);
    attributes.push_back(
        builder.getDictionaryAttr({builder.getNamedAttr("onnx.dims", dimNames(output, type)),
                                   builder.getNamedAttr("onnx.name", builder.getStringAttr(name))}));
  }
  func::ReturnOp::create(builder, module.getLoc(), results);
  main.setFunctionType(builder.getFunctionType(main.getArgumentTypes(), ValueRange(results).getTypes()));
  main.setAllResultAttrs(attributes);
  return true;
}

/// Initializers that no node reads must be sound, too, except for their types.
void GraphImporter::checkUnused(const Scope &scope) {
  for (const auto &entry : scope.tensors) {
    std::string error;
    const pb::TensorProto &proto = *entry.second;
    if (!scope.values.contains(entry.first()) && elementType(builder.getContext(), proto.data_type()) &&
        !readTensor(builder.getContext(), file, proto, error))
      report(NameLoc::get(builder.getStringAttr(escape(entry.first()))),
             "the initializer '" + escape(entry.first()) + "' " + error);
  }
}

void GraphImporter::removeDead() {
  for (Operation &op : llvm::make_early_inc_range(llvm::reverse(*body)))
    if (isOpTriviallyDead(&op))
      op.erase();
  llvm::DenseSet<StringAttr> used;
  for (auto load : body->getOps<weight::LoadOp>())
    used.insert(load.getSourceAttr().getAttr());
  for (auto source : llvm::make_early_inc_range(module.getOps<weight::SourceOp>()))
    if (!used.contains(source.getSymNameAttr()))
      source.erase();
}

LogicalResult GraphImporter::run() {
  const pb::ModelProto &model = file.model;
  Scope scope;
  if (!readOpsets(model.opset_import(), scope))
    return failure();
  for (const auto &function : model.functions())
    if (!functions
             .try_emplace((function.domain() == "ai.onnx" ? "" : function.domain()) + ":" + function.name(),
                          &function)
             .second) {
      report(module.getLoc(), "two functions have the name '" + escape(function.name()) + "'",
             "export the model again; overloads of functions are not supported");
      return failure();
    }
  if (!addInitializers(model.graph(), scope) || !addInputs(model.graph(), scope))
    return failure();
  importNodes(model.graph().node(), scope, nullptr, "");
  checkUnused(scope);
  if (!finishOutputs(model.graph(), scope) || errors)
    return failure();
  removeDead();

  module->setAttr("weight.folder", builder.getStringAttr(file.folder));
  module->setAttr("weight.model", builder.getStringAttr(file.name));
  SmallVector<NamedAttribute> bounds;
  for (const DimensionOverride &dimension : options.dimensions)
    if (dimension.min != dimension.max)
      bounds.push_back(
          builder.getNamedAttr(dimension.name, builder.getDenseI64ArrayAttr({dimension.min, dimension.max})));
  if (!bounds.empty())
    module->setAttr("onnx.dim_bounds", builder.getDictionaryAttr(bounds));
  return success();
}

} // namespace tamis::import

FailureOr<OwningOpRef<ModuleOp>> tamis::importONNX(MLIRContext &context, StringRef path,
                                                   const ImportOptions &options, ImportError *error) {
  ImportError ignored, &kind = error ? *error : ignored;
  kind = ImportError::None;
  context.loadDialect<func::FuncDialect, tamis::onnx::ONNXDialect, weight::WeightDialect>();
  Location location = NameLoc::get(StringAttr::get(&context, import::escape(path)));
  import::ModelFile file;
  if (auto problem = import::readModel(path, file)) {
    kind = problem->isSystem ? ImportError::System : ImportError::Refused;
    return emitError(location) << "'" << import::escape(path) << "' cannot be imported: " << problem->message;
  }
  OwningOpRef<ModuleOp> module = ModuleOp::create(location);
  import::GraphImporter importer(file, *module, options);
  if (failed(importer.run()) || failed(verify(*module))) {
    kind = ImportError::Refused;
    return failure();
  }
  return module;
}

void tamis::addImportDialects(DialectRegistry &registry) {
  registry.insert<func::FuncDialect, tamis::onnx::ONNXDialect, weight::WeightDialect>();
}
