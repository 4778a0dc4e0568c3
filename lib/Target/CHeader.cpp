//===- CHeader.cpp - The header that goes with an embedded model
//--------------------------------------------------===//
#include "tamis/Target/EmbeddedWriter.h"

#include "tamis/runtime.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace tamis;

static StringRef cType(uint8_t type) {
  switch (type) {
  case TAMIS_F32:
    return "float";
  case TAMIS_F64:
    return "double";
  case TAMIS_I8:
    return "int8_t";
  case TAMIS_U8:
  case TAMIS_BOOL:
    return "uint8_t";
  case TAMIS_I16:
    return "int16_t";
  case TAMIS_U16:
  case TAMIS_F16:
  case TAMIS_BF16:
    return "uint16_t";
  case TAMIS_I32:
    return "int32_t";
  case TAMIS_U32:
    return "uint32_t";
  case TAMIS_U64:
    return "uint64_t";
  default:
    return "int64_t";
  }
}

static StringRef typeName(uint8_t type) {
  switch (type) {
#define CASE(name)                                                                                           \
  case TAMIS_##name:                                                                                         \
    return #name;
    CASE(F32)
    CASE(U8)
    CASE(I8)
    CASE(U16)
    CASE(I16)
    CASE(I32)
    CASE(I64)
    CASE(BOOL)
    CASE(F16)
    CASE(F64)
    CASE(U32)
    CASE(U64)
    CASE(BF16)
#undef CASE
  }
  return "I64";
}

/// Member names for tensors: C identifiers, distinct.
static std::vector<std::string> memberNames(ArrayRef<TensorDescription> tensors) {
  static const StringSet<> keywords{
      "auto",   "break",    "case",   "char",    "class",  "const",    "continue", "default",
      "delete", "do",       "double", "else",    "enum",   "extern",   "float",    "for",
      "goto",   "if",       "inline", "int",     "long",   "new",      "operator", "private",
      "public", "register", "return", "short",   "signed", "sizeof",   "static",   "struct",
      "switch", "template", "this",   "typedef", "union",  "unsigned", "void",     "while"};
  std::vector<std::string> names;
  StringSet<> used;
  for (const TensorDescription &tensor : tensors) {
    std::string name;
    for (char c : tensor.name)
      name += isAlnum(c) ? c : '_';
    if (name.empty() || isDigit(name.front()) || keywords.contains(name))
      name = "value_" + name;
    std::string unique = name;
    for (int i = 2; used.contains(unique) || used.contains(unique + "_dims"); ++i)
      unique = name + "_" + std::to_string(i);
    used.insert(unique);
    used.insert(unique + "_dims");
    names.push_back(unique);
  }
  return names;
}

/// "[batch, sequence, 384]"
static std::string shapeText(const TensorDescription &tensor) {
  std::string text = "[";
  for (auto [i, dim] : enumerate(tensor.dims)) {
    text += i ? ", " : "";
    text += dim.size >= 0 ? std::to_string(dim.size) : dim.symbol.empty() ? "?" : dim.symbol;
  }
  // A comment must not end early.
  for (size_t at; (at = text.find("*/")) != std::string::npos;)
    text.replace(at, 2, "* /");
  return text + "]";
}

static void declareMembers(raw_ostream &out, ArrayRef<TensorDescription> tensors,
                           ArrayRef<std::string> names) {
  for (auto [tensor, name] : zip(tensors, names)) {
    out << "  const " << cType(tensor.type) << " *" << name << "; /* " << shapeText(tensor) << " */\n";
    if (!tensor.dims.empty())
      out << "  int64_t " << name << "_dims[" << tensor.dims.size() << "];\n";
  }
  if (tensors.empty())
    out << "  char none;\n";
}

std::string tamis::makeCHeader(const ModelDescription &model, const EmbeddedOptions &options) {
  const std::string &prefix = options.prefix;
  std::string upper = StringRef(prefix).upper();
  std::vector<std::string> inputs = memberNames(model.inputs), outputs = memberNames(model.outputs);
  std::string text;
  raw_string_ostream out(text);
  out << "/* Made by Tamis from " << model.sourceName << ". Link with libtamis_runtime. */\n"
      << "#ifndef TAMIS_MODEL_" << upper << "_H\n#define TAMIS_MODEL_" << upper << "_H\n\n"
      << "#include <tamis/runtime.h>\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
      << "#define " << upper << "_INPUT_COUNT " << model.inputs.size() << "\n"
      << "#define " << upper << "_OUTPUT_COUNT " << model.outputs.size() << "\n\n"
      << "/* Loads the model; tamis_model_destroy frees it. `weights_folder` is where " << prefix
      << ".weights lies when the\n * weights are not linked in; else it is not read. `options` and `error` "
         "may be null. "
         "*/\n"
      << "TamisStatus " << prefix
      << "_model_load(const char *weights_folder, const TamisModelOptions *options,\n"
      << "    TamisModel **model, TamisError *error);\n\n"
      << "/* Row-major and contiguous, owned by the caller. */\n"
      << "typedef struct " << prefix << "_inputs {\n";
  declareMembers(out, model.inputs, inputs);
  out << "} " << prefix << "_inputs;\n\n"
      << "/* Owned by the context; valid until its next run. */\n"
      << "typedef struct " << prefix << "_outputs {\n";
  declareMembers(out, model.outputs, outputs);
  out << "} " << prefix << "_outputs;\n\n"
      << "/* Runs the model on a context of it (tamis_context_create). */\n"
      << "static inline TamisStatus " << prefix << "_run(TamisContext *context, const " << prefix
      << "_inputs *inputs,\n    " << prefix << "_outputs *outputs, TamisError *error) {\n"
      << "  TamisValue values[" << std::max<size_t>(model.inputs.size(), 1)
      << "], value;\n  TamisStatus status;\n"
      << "  int i;\n  (void)i;\n";
  for (auto [index, entry] : enumerate(zip(model.inputs, inputs))) {
    auto &[tensor, name] = entry;
    out << "  values[" << index << "].type = TAMIS_" << typeName(tensor.type) << ";\n"
        << "  values[" << index << "].rank = " << tensor.dims.size() << ";\n"
        << "  values[" << index << "].data = inputs->" << name << ";\n";
    if (!tensor.dims.empty())
      out << "  for (i = 0; i < " << tensor.dims.size() << "; ++i)\n    values[" << index
          << "].dims[i] = inputs->" << name << "_dims[i];\n";
  }
  out << "  status = tamis_run(context, values, " << model.inputs.size() << ", 0, error);\n";
  for (auto [index, entry] : enumerate(zip(model.outputs, outputs))) {
    auto &[tensor, name] = entry;
    out << "  if (status == TAMIS_OK)\n    status = tamis_context_output(context, " << index
        << ", &value, error);\n"
        << "  if (status != TAMIS_OK)\n    return status;\n"
        << "  outputs->" << name << " = (const " << cType(tensor.type) << " *)value.data;\n";
    if (!tensor.dims.empty())
      out << "  for (i = 0; i < " << tensor.dims.size() << "; ++i)\n    outputs->" << name
          << "_dims[i] = value.dims[i];\n";
  }
  out << "  return status;\n}\n\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
  return text;
}
