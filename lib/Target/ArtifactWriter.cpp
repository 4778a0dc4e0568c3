//===- ArtifactWriter.cpp - Writes .tamis files
//----------------------------------------------------------------===//
#include "tamis/Target/ArtifactWriter.h"

#include "artifact_generated.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "runtime/src/Hash.h"
#include "tamis/artifact_format.h"
#include "tamis/code_abi.h"
#include "tamis/runtime.h"

using namespace mlir;
using namespace tamis;

static uint8_t elementTypeNumber(Type type) {
  if (type.isF32())
    return TAMIS_F32;
  if (type.isF64())
    return TAMIS_F64;
  if (type.isF16())
    return TAMIS_F16;
  if (type.isBF16())
    return TAMIS_BF16;
  auto integer = dyn_cast<IntegerType>(type);
  if (!integer)
    return 0;
  bool isUnsigned = integer.isUnsigned();
  switch (integer.getWidth()) {
  case 1:
    return TAMIS_BOOL;
  case 8:
    return isUnsigned ? TAMIS_U8 : TAMIS_I8;
  case 16:
    return isUnsigned ? TAMIS_U16 : TAMIS_I16;
  case 32:
    return isUnsigned ? TAMIS_U32 : TAMIS_I32;
  case 64:
    return isUnsigned ? TAMIS_U64 : TAMIS_I64;
  }
  return 0;
}

static TensorDescription describeTensor(ModuleOp module, Type type, StringAttr name, ArrayAttr dims) {
  TensorDescription tensor;
  auto ranked = cast<RankedTensorType>(type);
  auto bounds = module->getAttrOfType<DictionaryAttr>("onnx.dim_bounds");
  tensor.name = name ? name.str() : "";
  tensor.type = elementTypeNumber(ranked.getElementType());
  for (int64_t i = 0; i < ranked.getRank(); ++i) {
    TensorDescription::Dimension dim;
    if (!ranked.isDynamicDim(i)) {
      dim.size = ranked.getDimSize(i);
    } else if (dims && i < static_cast<int64_t>(dims.size())) {
      dim.symbol = cast<StringAttr>(dims[i]).str();
      if (auto range = bounds ? bounds.getAs<DenseI64ArrayAttr>(dim.symbol) : DenseI64ArrayAttr()) {
        dim.min = range[0];
        dim.max = range[1];
      }
    }
    tensor.dims.push_back(dim);
  }
  return tensor;
}

ModelDescription tamis::describeModel(ModuleOp module) {
  ModelDescription model;
  model.name = module.getSymName().value_or("model").str();
  auto main = module.lookupSymbol<func::FuncOp>("main");
  for (unsigned i = 0; i < main.getNumArguments(); ++i)
    model.inputs.push_back(describeTensor(module, main.getArgumentTypes()[i],
                                          main.getArgAttrOfType<StringAttr>(i, "onnx.name"),
                                          main.getArgAttrOfType<ArrayAttr>(i, "onnx.dims")));
  for (unsigned i = 0; i < main.getNumResults(); ++i)
    model.outputs.push_back(describeTensor(module, main.getResultTypes()[i],
                                           main.getResultAttrOfType<StringAttr>(i, "onnx.name"),
                                           main.getResultAttrOfType<ArrayAttr>(i, "onnx.dims")));
  return model;
}

std::optional<DecoderDescription> tamis::describeDecoder(ModuleOp module) {
  auto attribute = module->getAttrOfType<DictionaryAttr>("tamis.decoder");
  if (!attribute)
    return std::nullopt;
  auto integer = [&](StringRef name) { return attribute.getAs<IntegerAttr>(name).getInt(); };
  DecoderDescription decoder;
  for (auto pair : attribute.getAs<ArrayAttr>("caches").getAsRange<DenseI64ArrayAttr>())
    decoder.caches.push_back({pair[0], pair[1]});
  decoder.ids = integer("ids");
  decoder.mask = integer("mask");
  decoder.positions = integer("positions");
  decoder.logits = integer("logits");
  decoder.vocabulary = integer("vocabulary");
  decoder.maxLength = integer("max_length");
  decoder.paddedBehind = attribute.getAs<BoolAttr>("padded_behind").getValue();
  decoder.wantedRows = attribute.getAs<BoolAttr>("wanted_rows").getValue();
  decoder.problem = attribute.getAs<StringAttr>("problem").str();
  return decoder;
}

std::optional<PolicyDescription> tamis::describePolicy(ModuleOp module) {
  auto attribute = module->getAttrOfType<DictionaryAttr>("tamis.policy");
  if (!attribute)
    return std::nullopt;
  PolicyDescription policy;
  for (auto setting : attribute.getAs<ArrayAttr>("settings").getAsRange<DictionaryAttr>()) {
    auto number = [&](StringRef key) { return setting.getAs<FloatAttr>(key).getValue().convertToFloat(); };
    policy.settings.push_back(
        {setting.getAs<StringAttr>("name").str(), number("dense"), number("min"), number("max")});
  }
  for (auto step : attribute.getAs<ArrayAttr>("steps").getAsRange<DictionaryAttr>()) {
    ArrayRef<float> values = step.getAs<DenseF32ArrayAttr>("values").asArrayRef();
    policy.steps.push_back({step.getAs<StringAttr>("name").str(), {values.begin(), values.end()}});
  }
  policy.chosen = attribute.getAs<IntegerAttr>("chosen").getInt();
  policy.readsCache = attribute.contains("reads_cache");
  return policy;
}

namespace {
/// Builds the tables of artifact.fbs.
class HeaderBuilder {
public:
  std::vector<char> build(const ModelDescription &model, const WeightLayout &weights,
                          ArrayRef<CodeVariant> code, ArrayRef<uint64_t> offsets, ArrayRef<uint64_t> hashes) {
    // Every field is stored, so that the header's size does not depend on offsets and hashes.
    builder.ForceDefaults(true);
    auto at = [](ArrayRef<uint64_t> list, size_t i) { return i < list.size() ? list[i] : 0; };
    std::vector<flatbuffers::Offset<schema::Segment>> segments;
    std::vector<flatbuffers::Offset<schema::CodeVariant>> variants;
    for (auto [i, variant] : llvm::enumerate(code)) {
      segments.push_back(schema::CreateSegment(builder, schema::SegmentKind::code, at(offsets, i),
                                               variant.image.bytes.size(), at(hashes, i)));
      variants.push_back(schema::CreateCodeVariant(builder, string(variant.isa), i, variant.image.textOffset,
                                                   variant.image.entryOffset));
    }
    if (weights.bytes)
      segments.push_back(schema::CreateSegment(builder, schema::SegmentKind::weights,
                                               at(offsets, code.size()), weights.bytes,
                                               at(hashes, code.size())));
    std::vector<flatbuffers::Offset<schema::Operation>> operations;
    for (auto &[name, kind] : model.operations)
      operations.push_back(schema::CreateOperation(builder, string(name), string(kind)));
    std::vector<flatbuffers::Offset<schema::Weight>> weightTable;
    for (const WeightRecord &weight : weights.weights)
      weightTable.push_back(schema::CreateWeight(builder, string(weight.name), weight.offset, weight.length,
                                                 string(weight.transforms)));
    std::vector<flatbuffers::Offset<schema::Remark>> remarks;
    for (auto &[pass, text] : model.remarks)
      remarks.push_back(schema::CreateRemark(builder, string(pass), string(text)));
    auto provenance = schema::CreateProvenance(builder, string(TAMIS_VERSION), string(model.sourceName),
                                               model.sourceHash, strings(model.flags), strings(model.passes));
    auto artifact = schema::CreateArtifact(
        builder, TAMIS_CODE_ABI_VERSION, string(model.name), tensors(model.inputs), tensors(model.outputs),
        builder.CreateVector(segments), builder.CreateVector(variants), builder.CreateVector(operations),
        builder.CreateVector(weightTable), provenance, builder.CreateVector(remarks),
        model.maskInput.empty() ? flatbuffers::Offset<flatbuffers::String>() : string(model.maskInput),
        precision(model.precision), decoder(model.decoder), policy(model.policy));
    schema::FinishArtifactBuffer(builder, artifact);
    return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
  }

private:
  flatbuffers::Offset<flatbuffers::String> string(const std::string &text) {
    return builder.CreateString(text);
  }

  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>>>
  strings(const std::vector<std::string> &list) {
    return builder.CreateVectorOfStrings(list);
  }

  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<schema::TensorSpec>>>
  tensors(const std::vector<TensorDescription> &list) {
    std::vector<flatbuffers::Offset<schema::TensorSpec>> specs;
    for (const TensorDescription &tensor : list) {
      std::vector<flatbuffers::Offset<schema::Dimension>> dims;
      for (const TensorDescription::Dimension &dim : tensor.dims)
        dims.push_back(schema::CreateDimension(builder, dim.size, string(dim.symbol), dim.min, dim.max));
      specs.push_back(schema::CreateTensorSpec(builder, string(tensor.name),
                                               static_cast<schema::ElementType>(tensor.type),
                                               builder.CreateVector(dims)));
    }
    return builder.CreateVector(specs);
  }

  flatbuffers::Offset<schema::Precision> precision(const PrecisionDescription &precision) {
    std::vector<flatbuffers::Offset<schema::LayerPrecision>> layers;
    for (auto &[node, name] : precision.layers)
      layers.push_back(schema::CreateLayerPrecision(builder, string(node), string(name)));
    flatbuffers::Offset<schema::MeasuredError> measured;
    if (precision.measured)
      measured = schema::CreateMeasuredError(
          builder, precision.measured->error, precision.measured->bound, string(precision.measured->isa),
          string(precision.measured->inputs), precision.measured->inputsHash);
    return schema::CreatePrecision(builder, string(precision.name), builder.CreateVector(layers), measured);
  }

  flatbuffers::Offset<schema::Decoder> decoder(const std::optional<DecoderDescription> &decoder) {
    if (!decoder)
      return {};
    std::vector<flatbuffers::Offset<schema::Cache>> caches;
    for (auto [input, output] : decoder->caches)
      caches.push_back(schema::CreateCache(builder, input, output));
    return schema::CreateDecoder(builder, builder.CreateVector(caches), decoder->ids, decoder->mask,
                                 decoder->positions, decoder->logits, decoder->vocabulary,
                                 decoder->paddedBehind ? schema::PaddingSide::behind
                                                       : schema::PaddingSide::front,
                                 decoder->maxLength, decoder->wantedRows, string(decoder->problem));
  }

  flatbuffers::Offset<schema::Policy> policy(const std::optional<PolicyDescription> &policy) {
    if (!policy)
      return {};
    std::vector<flatbuffers::Offset<schema::Setting>> settings;
    for (auto &[name, dense, min, max] : policy->settings)
      settings.push_back(schema::CreateSetting(builder, string(name), dense, min, max));
    std::vector<flatbuffers::Offset<schema::Step>> steps;
    for (auto &[name, values] : policy->steps)
      steps.push_back(schema::CreateStep(builder, string(name), builder.CreateVector(values)));
    flatbuffers::Offset<schema::Promise> promise;
    if (policy->promise)
      promise = schema::CreatePromise(builder, static_cast<schema::Loss>(policy->promise->loss),
                                      policy->promise->output, policy->promise->eps, policy->promise->alpha,
                                      policy->promise->delta);
    return schema::CreatePolicy(builder, builder.CreateVector(settings), builder.CreateVector(steps),
                                policy->chosen, string(policy->certificate), promise, policy->readsCache);
  }

  flatbuffers::FlatBufferBuilder builder;
};
} // namespace

std::vector<char> tamis::makeHeader(const ModelDescription &model, const WeightLayout &weights,
                                    ArrayRef<CodeVariant> code, ArrayRef<uint64_t> offsets,
                                    ArrayRef<uint64_t> hashes) {
  return HeaderBuilder().build(model, weights, code, offsets, hashes);
}

static uint64_t alignToPage(uint64_t offset) { return llvm::alignTo(offset, TAMIS_ARTIFACT_PAGE); }

llvm::Error tamis::writeArtifact(StringRef path, ModuleOp module, const ModelDescription &model,
                                 ArrayRef<CodeVariant> code) {
  WeightLayout weights = layOutWeights(module);
  uint64_t headerBytes = makeHeader(model, weights, code, {}, {}).size();
  SmallVector<uint64_t> offsets, hashes;
  uint64_t end = sizeof(TamisArtifactPrefix) + headerBytes;
  for (const CodeVariant &variant : code) {
    offsets.push_back(alignToPage(end));
    hashes.push_back(Hash::of(variant.image.bytes.data(), variant.image.bytes.size()));
    end = offsets.back() + variant.image.bytes.size();
  }
  if (weights.bytes) {
    offsets.push_back(weights.fillsLargePages() ? llvm::alignTo(end, TAMIS_ARTIFACT_LARGE_PAGE)
                                                : alignToPage(end));
    end = offsets.back() + weights.bytes;
  }

  llvm::Expected<AtomicFile> file = AtomicFile::create(path);
  if (!file)
    return file.takeError();
  for (auto [i, variant] : llvm::enumerate(code))
    if (llvm::Error error = file->write(variant.image.bytes, offsets[i]))
      return error;
  if (weights.bytes) {
    llvm::Expected<uint64_t> hash = writeWeights(module, *file, offsets.back());
    if (!hash)
      return hash.takeError();
    hashes.push_back(*hash);
  }

  std::vector<char> header = makeHeader(model, weights, code, offsets, hashes);
  assert(header.size() == headerBytes && "the header's size depends on offsets or hashes");
  TamisArtifactPrefix prefix = {};
  memcpy(prefix.magic, TAMIS_ARTIFACT_MAGIC, sizeof(prefix.magic));
  prefix.version = TAMIS_ARTIFACT_VERSION;
  prefix.prefix_bytes = sizeof(prefix);
  prefix.header_bytes = header.size();
  prefix.file_bytes = end;
  prefix.header_hash = Hash::of(header.data(), header.size());
  prefix.prefix_hash = Hash::of(&prefix, offsetof(TamisArtifactPrefix, prefix_hash));
  if (llvm::Error error = file->write(ArrayRef(reinterpret_cast<const char *>(&prefix), sizeof(prefix)), 0))
    return error;
  if (llvm::Error error = file->write(header, sizeof(prefix)))
    return error;
  return file->commit();
}
