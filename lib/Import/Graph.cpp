//===- Graph.cpp - Nodes, functions and subgraphs ------------------------------------------------------===//
#include "Graph.h"

#include "mlir/IR/Diagnostics.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"
#include "llvm/ADT/ScopeExit.h"

using namespace mlir;

namespace tamis::import {

// Functions that call functions can grow exponentially.
constexpr uint64_t maxNodes = 1 << 20;
/// Of functions within functions, and of branches within branches: each takes room on the stack.
constexpr size_t maxDepth = 64;

GraphImporter::GraphImporter(const ModelFile &file, ModuleOp module, const ImportOptions &options)
    : file(file), builder(module.getContext()), module(module), options(options) {}

void GraphImporter::report(Location location, const std::string &reason, const std::string &remedy) {
  ++errors;
  emitError(location) << reason << (remedy.empty() ? "" : "; ") << remedy;
}

static StringRef domainOf(StringRef domain) { return domain == "ai.onnx" ? StringRef() : domain; }

std::string GraphImporter::describe(const pb::NodeProto &node, int version) const {
  std::string text =
      "node '" + escape(node.name().empty() && node.output_size() ? node.output(0) : node.name()) + "' (";
  if (StringRef domain = domainOf(node.domain()); !domain.empty())
    text += escape(domain) + ".";
  text += escape(node.op_type());
  return text + (version ? " " + std::to_string(version) : "") + ")";
}

Location GraphImporter::locate(const pb::NodeProto &node) {
  std::string name = !node.name().empty() ? node.name()
                     : node.output_size() ? node.output(0)
                                          : node.op_type();
  return NameLoc::get(builder.getStringAttr(escape(name)));
}

bool GraphImporter::readOpsets(const google::protobuf::RepeatedPtrField<pb::OperatorSetIdProto> &imports,
                               Scope &scope) {
  Location location = module.getLoc();
  for (const auto &import : imports) {
    StringRef domain = domainOf(import.domain());
    auto [entry, isNew] = scope.opsets.try_emplace(domain, import.version());
    if (!isNew && entry->second != import.version()) {
      report(location,
             "the model imports the operators of '" + escape(domain.empty() ? "ai.onnx" : domain) +
                 "' in versions " + std::to_string(entry->second) + " and " +
                 std::to_string(import.version()),
             "export it again");
      return false;
    }
    if (domain.empty() && (import.version() < oldestOpset || import.version() > newestOpset)) {
      report(location,
             "the model uses opset " + std::to_string(import.version()) + ", but opsets " +
                 std::to_string(oldestOpset) + " to " + std::to_string(newestOpset) + " are supported",
             "export it in one of these, or convert it with onnx.version_converter");
      return false;
    }
  }
  return true;
}

bool GraphImporter::addInitializers(const pb::GraphProto &graph, Scope &scope) {
  bool isValid = true;
  auto check = [&](StringRef name) {
    if (!name.empty() && !scope.tensors.contains(name) && !scope.sparse.contains(name))
      return true;
    report(module.getLoc(),
           name.empty() ? "an initializer has no name"
                        : "two initializers have the name '" + escape(name) + "'",
           "export the model again");
    return isValid = false;
  };
  for (const auto &tensor : graph.initializer())
    if (check(tensor.name()))
      scope.tensors[tensor.name()] = &tensor;
  for (const auto &tensor : graph.sparse_initializer())
    if (check(tensor.values().name()))
      scope.sparse[tensor.values().name()] = &tensor;
  return isValid;
}

Value GraphImporter::makeTensor(const Tensor &tensor, StringRef name, Location location) {
  if (isSmallConstant(tensor.type))
    return onnx::ConstantOp::create(builder, location, tensor.type, ElementsAttr(readElements(file, tensor)));
  if (DenseElementsAttr uniform = readUniformBytes(file, tensor))
    return onnx::ConstantOp::create(builder, location, tensor.type, ElementsAttr(uniform));
  if (tensor.type.getElementType().isInteger(4))
    return makePackedTensor(tensor, name, location);
  return makeSource(tensor, name, location);
}

Value GraphImporter::makeSource(const Tensor &tensor, StringRef name, Location location) {
  std::string place;
  llvm::raw_string_ostream(place) << tensor.file << "@" << tensor.offset << ":" << tensor.type;
  StringAttr symbol = tensor.isInFile ? sources.lookup(place) : StringAttr();
  if (!symbol) {
    OpBuilder::InsertionGuard guard(builder);
    builder.setInsertionPoint(main);
    auto fileName = tensor.isInFile ? builder.getStringAttr(tensor.file) : StringAttr();
    auto offset = tensor.isInFile ? builder.getI64IntegerAttr(tensor.offset) : IntegerAttr();
    auto source = weight::SourceOp::create(
        builder, location, builder.getStringAttr(escape(name)), TypeAttr::get(tensor.type), fileName, offset,
        tensor.isInFile ? ElementsAttr() : makeElements(tensor, escape(name)));
    source->remove();
    symbol = SymbolTable(module).insert(source, main->getIterator());
    sources[place] = symbol;
  }
  return weight::LoadOp::create(builder, location, tensor.type, FlatSymbolRefAttr::get(symbol));
}

/// The bytes as they are in the file, and what the compiler makes of them.
Value GraphImporter::makePackedTensor(const Tensor &tensor, StringRef name, Location location) {
  Tensor bytes = tensor;
  int64_t count = tensor.type.getNumElements(), size = llvm::divideCeil(count, 2);
  auto byte = IntegerType::get(builder.getContext(), 8, IntegerType::Unsigned);
  bytes.type = RankedTensorType::get({size}, byte);
  Type element = tensor.type.getElementType();
  Value value = makeSource(bytes, name, location);
  value = weight::UnpackOp::create(builder, location, RankedTensorType::get({2 * size}, element), value, 4,
                                   element.isSignlessInteger());
  if (count != 2 * size)
    value = weight::SliceOp::create(builder, location, RankedTensorType::get({count}, element), value, 0, 0);
  return weight::ReshapeOp::create(builder, location, tensor.type, value);
}

Value GraphImporter::materialize(Scope &scope, StringRef name) {
  Location location = NameLoc::get(builder.getStringAttr(escape(name)));
  std::string error;
  std::optional<Tensor> tensor;
  if (auto *proto = scope.tensors.lookup(name))
    tensor = readTensor(builder.getContext(), file, *proto, error);
  else
    tensor = readSparse(builder.getContext(), file, *scope.sparse.lookup(name), error);
  if (!tensor) {
    report(location, "the initializer '" + escape(name) + "' " + error);
    return {};
  }
  return makeTensor(*tensor, name, location);
}

bool GraphImporter::lookup(Scope &scope, StringRef name, Value &value) {
  for (Scope *at = &scope; at; at = at->parent) {
    if (auto found = at->values.find(name); found != at->values.end()) {
      value = found->second;
      return true;
    }
    if (at->defines(name)) {
      value = at->values[name] = materialize(*at, name);
      return true;
    }
  }
  return false;
}

void GraphImporter::define(Scope &scope, StringRef name, Value value, Location location) {
  if (name.empty())
    return;
  if (scope.defines(name))
    return report(location, "the value '" + escape(name) + "' is written more than once",
                  "export the model again");
  scope.values[name] = value;
}

/// The type that an attribute has in Operator::attributes.
static char typeLetter(const pb::AttributeProto &attribute) {
  static constexpr char letters[] = "?fistgFISTGpPtT";
  int type = attribute.type();
  if (type > 0 && type < 13)
    return letters[type];
  // Files before IR version 2 have no types.
  return attribute.has_i()         ? 'i'
         : attribute.has_f()       ? 'f'
         : attribute.has_s()       ? 's'
         : attribute.has_t()       ? 't'
         : attribute.has_g()       ? 'g'
         : attribute.floats_size() ? 'F'
         : attribute.ints_size()   ? 'I'
                                   : '?';
}

bool GraphImporter::checkAttributes(const Operator &entry, const pb::NodeProto &node, int version,
                                    Location location) {
  llvm::StringSet<> seen;
  for (const auto &attribute : node.attribute()) {
    std::string subject = describe(node, version) + " has the attribute '" + escape(attribute.name()) + "' ";
    if (!seen.insert(attribute.name()).second)
      return report(location, subject + "twice", "export the model again"), false;
    if (!attribute.ref_attr_name().empty())
      return report(location, subject + "with a reference outside of a function", "export the model again"),
             false;
    SmallVector<StringRef> known;
    entry.attributes.split(known, ' ', -1, false);
    auto *found = llvm::find_if(known, [&](StringRef text) { return text.drop_back(2) == attribute.name(); });
    if (found == known.end())
      return report(location, subject + "which this operator does not have", "export the model again"), false;
    if (found->back() != typeLetter(attribute))
      return report(location, subject + "of the wrong type", "export the model again"), false;
  }
  return true;
}

void GraphImporter::importNode(const pb::NodeProto &node, Scope &scope) {
  Location location = locate(node);
  StringRef domain = domainOf(node.domain());
  SmallVector<Value> inputs;
  bool isReady = true;
  // Values that cannot be made are null from here on, unless a handler sets them.
  auto poison = llvm::scope_exit([&] {
    for (const std::string &output : node.output())
      if (!output.empty())
        scope.values.try_emplace(output);
  });
  for (const std::string &name : node.input()) {
    Value value;
    if (!name.empty() && !lookup(scope, name, value)) {
      isReady = false;
      if (auto owner = scope.unavailable.find(name); owner != scope.unavailable.end()) {
        report(location,
               describe(node, 0) + " reads '" + escape(name) + "', an output of " + owner->second +
                   " that is not supported",
               "export the model without it");
        inputs.push_back(value);
        continue;
      }
      report(location,
             describe(node, 0) + " reads '" + escape(name) + "', which " +
                 (scope.later.contains(name) ? "only a later node writes" : "nothing defines"),
             scope.later.contains(name) ? "sort the nodes; a cycle cannot be compiled"
                                        : "export the model again");
    } else if (!name.empty() && !value) {
      isReady = false;
    }
    inputs.push_back(value);
  }
  if (++nodesImported > maxNodes) {
    if (nodesImported == maxNodes + 1)
      report(location, "the model's functions expand to more than a million nodes",
             "export it without functions");
    return;
  }

  auto function = functions.find((domain + ":" + node.op_type()).str());
  if (function != functions.end()) {
    if (isReady)
      expandFunction(*function->second, node, inputs, scope, location);
    return;
  }
  auto opset = scope.opsets.find(domain);
  if (opset == scope.opsets.end())
    return report(location, describe(node, 0) + " is of a domain that the model does not import",
                  "export the model again");
  int version = 0;
  const Operator *entry = Registry::get().find(domain, node.op_type(), opset->second, version);
  if (!entry) {
    bool isOld = Registry::get().contains(domain, node.op_type());
    return report(
        location,
        describe(node, opset->second) + (isOld ? " is an older version of the operator than those supported"
                                               : " is an operator that is not supported"),
        isOld ? "export the model in a newer opset"
              : "docs/operators.md lists what is; rewrite this part of the model with those operators");
  }
  auto refuse = [&](const Twine &reason) {
    report(location, describe(node, version) + " " + reason.str(), "export the model again");
  };
  int numInputs = node.input_size(), numOutputs = node.output_size();
  while (numInputs > 0 && node.input(numInputs - 1).empty())
    --numInputs;
  if (numInputs < entry->minInputs || node.input_size() > entry->maxInputs)
    return refuse("has " + Twine(node.input_size()) + " inputs, which this operator does not take");
  for (int i = 0; i < std::min(entry->minInputs, numInputs); ++i)
    if (node.input(i).empty())
      return refuse("lacks its input " + Twine(i));
  if (numOutputs < entry->minOutputs || numOutputs > entry->maxOutputs)
    return refuse("has " + Twine(numOutputs) + " outputs, which this operator does not have");
  if (!checkAttributes(*entry, node, version, location) || !isReady)
    return;

  Node handled(*this, node, version, location, inputs);
  Scope *outer = std::exchange(current, &scope);
  LogicalResult result = entry->handle(handled);
  current = outer;
  bool succeededFully = succeeded(result) && !handled.hasFailed();
  assert((succeededFully || errors) && "handlers report why they fail");
  poison.release();
  for (auto [i, name] : llvm::enumerate(node.output())) {
    Value value = handled.getOutputs()[i];
    if (succeededFully && !value)
      scope.unavailable[name] = describe(node, version);
    else
      define(scope, name, succeededFully ? value : Value(), location);
  }
}

/// Replaces references to the attributes of a function by what the caller gives; absent ones vanish.
static void resolveReferences(pb::NodeProto &node, const llvm::StringMap<const pb::AttributeProto *> &given) {
  for (int i = 0; i < node.attribute_size();) {
    auto *attribute = node.mutable_attribute(i);
    if (!attribute->ref_attr_name().empty()) {
      auto *value = given.lookup(attribute->ref_attr_name());
      if (!value) {
        node.mutable_attribute()->DeleteSubrange(i, 1);
        continue;
      }
      std::string name = attribute->name();
      *attribute = *value;
      attribute->set_name(name);
    }
    if (attribute->has_g())
      for (auto &inner : *attribute->mutable_g()->mutable_node())
        resolveReferences(inner, given);
    ++i;
  }
}

void GraphImporter::importNodes(const google::protobuf::RepeatedPtrField<pb::NodeProto> &nodes, Scope &scope,
                                const Attributes *attributes, StringRef prefix) {
  for (const auto &node : nodes)
    for (const std::string &output : node.output())
      scope.later.insert(output);
  for (const auto &node : nodes) {
    if (nodesImported > maxNodes)
      return;
    if (!attributes) {
      importNode(node, scope);
    } else {
      pb::NodeProto copy = node;
      resolveReferences(copy, *attributes);
      std::string own = node.name().empty() ? node.op_type() : node.name();
      copy.set_name((prefix + "/" + own).str());
      importNode(copy, scope);
    }
  }
}

/// The default values of a function's attributes, a field that this version of the protobuf classes does not
/// know.
static std::vector<pb::AttributeProto> attributeDefaults(const pb::FunctionProto &function) {
  constexpr int attributeProtoField = 11;
  std::vector<pb::AttributeProto> defaults;
  const auto &unknown = function.GetReflection()->GetUnknownFields(function);
  for (int i = 0; i < unknown.field_count(); ++i) {
    const auto &field = unknown.field(i);
    pb::AttributeProto attribute;
    if (field.number() == attributeProtoField &&
        field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED &&
        attribute.ParseFromString(field.length_delimited()))
      defaults.push_back(std::move(attribute));
  }
  return defaults;
}

void GraphImporter::expandFunction(const pb::FunctionProto &function, const pb::NodeProto &node,
                                   ArrayRef<Value> inputs, Scope &scope, Location location) {
  auto refuse = [&](const Twine &reason) {
    report(location, describe(node, 0) + " " + reason.str(), "export the model again");
  };
  if (llvm::is_contained(active, &function))
    return refuse("calls a function that calls itself");
  if (active.size() >= maxDepth)
    return refuse("calls functions that are nested too deeply");
  if (static_cast<int>(inputs.size()) > function.input_size() || node.output_size() > function.output_size())
    return refuse("has more inputs or outputs than its function");
  Scope inner;
  if (!readOpsets(function.opset_import(), inner))
    return;
  // Models older than functions with imports of their own rely on the model's.
  for (auto &opset : scope.opsets)
    inner.opsets.try_emplace(opset.first(), opset.second);
  std::vector<pb::AttributeProto> defaults = attributeDefaults(function);
  Attributes attributes;
  for (const auto &attribute : defaults)
    attributes[attribute.name()] = &attribute;
  for (const auto &attribute : node.attribute())
    attributes[attribute.name()] = &attribute;
  // An absent optional input is a name that no node may read; nodes that pass it on see it as absent.
  pb::FunctionProto copy;
  const pb::FunctionProto *body = &function;
  llvm::StringSet<> absent;
  for (int i = 0; i < function.input_size(); ++i) {
    if (i < static_cast<int>(inputs.size()) && inputs[i])
      define(inner, function.input(i), inputs[i], location);
    else
      absent.insert(function.input(i));
  }
  if (!absent.empty()) {
    copy = function;
    for (auto &inside : *copy.mutable_node())
      for (auto &name : *inside.mutable_input())
        if (absent.contains(name))
          name.clear();
    body = &copy;
  }
  active.push_back(&function);
  importNodes(body->node(), inner, &attributes, node.name().empty() ? node.op_type() : node.name());
  active.pop_back();
  for (int i = 0; i < node.output_size(); ++i) {
    Value value;
    if (!node.output(i).empty() && !lookup(inner, function.output(i), value))
      refuse("calls a function that never writes its output '" + Twine(escape(function.output(i))) + "'");
    define(scope, node.output(i), value, location);
  }
}

LogicalResult GraphImporter::inlineGraph(const pb::GraphProto &graph, Location location,
                                         ArrayRef<Value> inputs, SmallVectorImpl<Value> &results) {
  if (++depth > maxDepth) {
    --depth;
    return report(location, "its graphs are nested too deeply", "export the model again"), failure();
  }
  Scope inner;
  inner.parent = current;
  for (auto &opset : current->opsets)
    inner.opsets.try_emplace(opset.first(), opset.second);
  bool isValid = addInitializers(graph, inner);
  for (auto [i, value] : llvm::enumerate(inputs))
    define(inner, graph.input(i).name(), value, location);
  if (isValid)
    importNodes(graph.node(), inner, nullptr, "");
  for (const auto &output : graph.output()) {
    Value value;
    if (isValid && !lookup(inner, output.name(), value)) {
      report(location, "a graph inside of a node never writes its output '" + escape(output.name()) + "'",
             "export the model again");
      isValid = false;
    }
    results.push_back(value);
  }
  --depth;
  return success(isValid);
}

} // namespace tamis::import
