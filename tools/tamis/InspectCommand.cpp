//===- InspectCommand.cpp - tamis inspect: what an artifact holds -----------------------===//

#include "ArtifactHeader.h"
#include "Commands.h"
#include "ExpertProfile.h"
#include "Tensor.h"

#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

namespace tamis::tools {

namespace {

using Json = nlohmann::ordered_json;

struct InspectOptions {
  std::string artifact;
  bool weights = false;
  bool json = false;
};

std::string hashText(uint64_t hash) { return fmt::format("{:016x}", hash); }

/// Sizes are numbers, symbols are names, and what may be any size is "?".
Json dimensionsJson(const schema::TensorSpec &spec) {
  Json dims = Json::array();
  for (const schema::Dimension *dim : *spec.dims()) {
    if (dim->size() >= 0)
      dims.push_back(dim->size());
    else
      dims.push_back(dim->name() && dim->name()->size() ? dim->name()->str() : "?");
  }
  return dims;
}

Json specJson(const schema::TensorSpec &spec) {
  Json json = {{"name", spec.name()->str()},
               {"type", typeName(static_cast<TamisType>(spec.type()))},
               {"dims", dimensionsJson(spec)}};
  Json bounds = Json::object();
  for (const schema::Dimension *dim : *spec.dims())
    if (dim->size() < 0 && dim->name() && (dim->min() || dim->max()))
      bounds[dim->name()->str()] = {{"min", dim->min()}, {"max", dim->max()}};
  if (!bounds.empty())
    json["bounds"] = bounds;
  return json;
}

Json stringsJson(const flatbuffers::Vector<flatbuffers::Offset<flatbuffers::String>> *strings) {
  Json list = Json::array();
  if (strings)
    for (const flatbuffers::String *text : *strings)
      list.push_back(text->str());
  return list;
}

/// Null for artifacts of versions that did not store it.
Json precisionJson(const schema::Precision *precision) {
  if (!precision)
    return Json();
  Json json = {{"name", precision->name()->str()}, {"layers", Json::array()}, {"measured", nullptr}};
  if (precision->layers())
    for (const schema::LayerPrecision *layer : *precision->layers())
      json["layers"].push_back({{"node", layer->node()->str()}, {"precision", layer->precision()->str()}});
  if (const schema::MeasuredError *measured = precision->measured())
    json["measured"] = {{"error", measured->error()},
                        {"max_error", measured->max_error() < 0 ? Json() : Json(measured->max_error())},
                        {"isa", measured->isa()->str()},
                        {"inputs", measured->inputs()->str()},
                        {"inputs_hash", hashText(measured->inputs_hash())}};
  return json;
}

/// What a decoder's inputs and outputs mean; null for other models.
Json decoderJson(const schema::Artifact &header) {
  const schema::Decoder *decoder = header.decoder();
  if (!decoder)
    return Json();
  auto name = [](const auto *specs, int32_t index) {
    return index < 0 ? Json() : Json(specs->Get(static_cast<uint32_t>(index))->name()->str());
  };
  Json json = {{"caches", Json::array()},
               {"ids", name(header.inputs(), decoder->ids())},
               {"mask", name(header.inputs(), decoder->mask())},
               {"positions", name(header.inputs(), decoder->positions())},
               {"logits", name(header.outputs(), decoder->logits())},
               {"vocabulary", decoder->vocabulary()},
               {"max_length", decoder->max_length()},
               {"padding", schema::EnumNamePaddingSide(decoder->padding())},
               {"wanted_rows", decoder->wanted_rows()},
               {"problem", decoder->problem() ? decoder->problem()->str() : ""}};
  for (const schema::Cache *cache : *decoder->caches())
    json["caches"].push_back({{"input", name(header.inputs(), static_cast<int32_t>(cache->input()))},
                              {"output", name(header.outputs(), static_cast<int32_t>(cache->output()))}});
  return json;
}

/// Null for artifacts whose runs always compute everything.
Json policyJson(const schema::Policy *policy) {
  if (!policy)
    return Json();
  Json json = {{"settings", Json::array()}, {"steps", Json::array()}, {"chosen", ""}};
  for (const schema::Setting *setting : *policy->settings())
    json["settings"].push_back({{"name", setting->name()->str()},
                                {"dense", setting->dense()},
                                {"min", setting->min()},
                                {"max", setting->max()}});
  for (const schema::Step *step : *policy->steps())
    json["steps"].push_back({{"name", step->name()->str()},
                             {"values", std::vector<float>(step->values()->begin(), step->values()->end())}});
  const flatbuffers::String *certificate = policy->certificate();
  json["certificate"] = certificate && certificate->size()
                            ? Json::parse(certificate->string_view(), nullptr, /*allow_exceptions=*/false)
                            : Json();
  if (policy->chosen() < policy->steps()->size())
    json["chosen"] = policy->steps()->Get(policy->chosen())->name()->str();
  return json;
}

/// Everything that is printed, as JSON or as text.
Json describe(const ArtifactHeader &artifact, const InspectOptions &options) {
  const schema::Artifact &header = artifact.header();
  Json json;
  json["schema"] = "tamis.inspect.v1";
  json["name"] = header.name()->str();
  json["file_bytes"] = artifact.fileBytes();
  json["header_bytes"] = artifact.headerBytes();
  json["header_hash"] = hashText(artifact.headerHash());
  json["code_abi"] = header.code_abi();
  for (const auto &[key, specs] :
       {std::pair("inputs", header.inputs()), std::pair("outputs", header.outputs())}) {
    json[key] = Json::array();
    for (const schema::TensorSpec *spec : *specs)
      json[key].push_back(specJson(*spec));
  }
  json["mask_input"] = header.mask_input() ? Json(header.mask_input()->str()) : Json();
  json["decoder"] = decoderJson(header);
  json["policy"] = policyJson(header.policy());
  json["segments"] = Json::array();
  for (const schema::Segment *segment : *header.segments())
    json["segments"].push_back({{"kind", schema::EnumNameSegmentKind(segment->kind())},
                                {"offset", segment->offset()},
                                {"bytes", segment->length()},
                                {"hash", hashText(segment->hash())}});
  json["code"] = Json::array();
  for (const schema::CodeVariant *code : *header.code())
    json["code"].push_back({{"isa", code->isa()->str()}, {"segment", code->segment()}});
  json["precision"] = precisionJson(header.precision());
  json["operations"] = header.operations()->size();
  json["weights"] = header.weights()->size();
  if (options.weights) {
    json["weight_list"] = Json::array();
    for (const schema::Weight *weight : *header.weights())
      json["weight_list"].push_back(
          {{"name", weight->name()->str()},
           {"offset", weight->offset()},
           {"bytes", weight->length()},
           {"transforms", weight->transforms() ? weight->transforms()->str() : ""}});
  }
  const schema::Provenance &provenance = *header.provenance();
  json["provenance"] = {{"tool_version", provenance.tool_version()->str()},
                        {"source_name", provenance.source_name()->str()},
                        {"source_hash", hashText(provenance.source_hash())},
                        {"flags", stringsJson(provenance.flags())},
                        {"passes", stringsJson(provenance.passes())}};
  json["remarks"] = Json::array();
  for (const schema::Remark *remark : *header.remarks())
    json["remarks"].push_back({{"pass", remark->pass()->str()}, {"text", remark->text()->str()}});
  return json;
}

std::string text(const Json &value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

void printSpecs(const char *title, const Json &specs) {
  fmt::print("{}:\n", title);
  for (const Json &spec : specs) {
    std::string dims;
    for (const Json &dim : spec["dims"])
      dims += (dims.empty() ? "" : " x ") + text(dim);
    fmt::print("  {} {}[{}]", text(spec["name"]), text(spec["type"]), dims);
    if (spec.contains("bounds"))
      for (const auto &[symbol, bounds] : spec["bounds"].items())
        fmt::print(" {} in {}..{}", symbol, text(bounds["min"]), text(bounds["max"]));
    fmt::print("\n");
  }
}

void printPrecision(const Json &precision) {
  fmt::print("precision: {}\n", text(precision["name"]));
  for (const Json &layer : precision["layers"])
    fmt::print("  {}: {}\n", text(layer["node"]), text(layer["precision"]));
  const Json &measured = precision["measured"];
  if (measured.is_null())
    return;
  std::string bound = measured["max_error"].is_null()
                          ? ""
                          : fmt::format(" (at most {:.3g})", measured["max_error"].get<double>());
  fmt::print("error against f32: {:.3g}{}, measured at {} on {}, hash {}\n", measured["error"].get<double>(),
             bound, text(measured["isa"]), text(measured["inputs"]), text(measured["inputs_hash"]));
}

void printDecoder(const Json &decoder) {
  fmt::print("decoder of {} tokens with {} caches", text(decoder["vocabulary"]), decoder["caches"].size());
  if (decoder["max_length"] != 0)
    fmt::print(" of {} tokens at most", text(decoder["max_length"]));
  for (const char *role : {"ids", "mask", "positions", "logits"})
    if (decoder[role].is_string())
      fmt::print(", {} {}", role, text(decoder[role]));
  fmt::print("\n");
  if (decoder["problem"] != "")
    fmt::print("  cannot be stepped: {}\n", text(decoder["problem"]));
}

void printPolicy(const Json &policy) {
  const Json &certificate = policy["certificate"];
  if (!certificate.is_object()) {
    fmt::print("NOT CERTIFIED: nobody proved what these steps lose\n");
  } else {
    auto number = [&](const char *key) { return certificate.value(key, 0.0); };
    fmt::print(
        "certified: {} of '{}' above {:g} for at most {:g} of the requests, with confidence {:g}, at {}\n",
        certificate.value("loss", ""), certificate.value("output", ""), number("eps"), number("alpha"),
        1 - number("delta"), certificate.value("precision", ""));
  }
  fmt::print("steps, of which {} is chosen:\n", text(policy["chosen"]));
  for (const Json &step : policy["steps"]) {
    fmt::print("  {}\n", text(step["name"]));
    for (size_t i = 0; i < step["values"].size(); ++i)
      fmt::print("    {}: {:.3g}\n", text(policy["settings"][i]["name"]), step["values"][i].get<double>());
  }
}

void print(const Json &json) {
  fmt::print("{}: {} bytes, header {} bytes with hash {}, code ABI {}\n", text(json["name"]),
             text(json["file_bytes"]), text(json["header_bytes"]), text(json["header_hash"]),
             text(json["code_abi"]));
  printSpecs("inputs", json["inputs"]);
  printSpecs("outputs", json["outputs"]);
  if (json["mask_input"].is_string())
    fmt::print("padding is removed by the input {}\n", text(json["mask_input"]));
  if (!json["decoder"].is_null())
    printDecoder(json["decoder"]);
  if (!json["policy"].is_null())
    printPolicy(json["policy"]);
  fmt::print("segments:\n");
  for (const Json &segment : json["segments"])
    fmt::print("  {} at {}: {} bytes, hash {}\n", text(segment["kind"]), text(segment["offset"]),
               text(segment["bytes"]), text(segment["hash"]));
  fmt::print("ISA levels:\n");
  for (const Json &code : json["code"])
    fmt::print("  {} in segment {}\n", text(code["isa"]), text(code["segment"]));
  if (!json["precision"].is_null())
    printPrecision(json["precision"]);
  fmt::print("operations: {}\nweights: {}\n", text(json["operations"]), text(json["weights"]));
  if (json.contains("weight_list"))
    for (const Json &weight : json["weight_list"])
      fmt::print("  {} at {}: {} bytes {}\n", text(weight["name"]), text(weight["offset"]),
                 text(weight["bytes"]), text(weight["transforms"]));
  const Json &provenance = json["provenance"];
  fmt::print("made by: tamis {}\nfrom: {}, hash {}\n", text(provenance["tool_version"]),
             text(provenance["source_name"]), text(provenance["source_hash"]));
  for (const char *key : {"flags", "passes"}) {
    fmt::print("{}:\n", key);
    for (const Json &entry : provenance[key])
      fmt::print("  {}\n", text(entry));
  }
  fmt::print("remarks:\n");
  for (const Json &remark : json["remarks"])
    fmt::print("  {}: {}\n", text(remark["pass"]), text(remark["text"]));
}

/// Whether a file is JSON rather than an artifact: by its first byte. What cannot be read is left to the
/// reader of artifacts, who says why.
bool isProfile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return file.get() == '{';
}

} // namespace

void addInspectCommand(CLI::App &driver, ExitCode &) {
  CLI::App *command =
      driver.add_subcommand("inspect", "Show what a compiled model holds and how it was made");
  auto options = std::make_shared<InspectOptions>();
  command->add_option("artifact", options->artifact, "The compiled model, or a profile of 'tamis profile'")
      ->required()
      ->type_name("FILE");
  command->add_flag("--weights", options->weights, "List the weights, with what was done to each");
  command->add_flag("--json", options->json,
                    "Print one JSON object (schema tamis.inspect.v1, or the profile's own)");
  command->footer(examples({
      {"See inputs, outputs, code and provenance", "tamis inspect model.tamis"},
      {"List the weights for a script", "tamis inspect model.tamis --weights --json"},
      {"See which experts a profile found busy", "tamis inspect moe.profile.json"},
  }));
  command->callback([options] {
    if (isProfile(options->artifact)) {
      ExpertProfile profile = ExpertProfile::read(options->artifact);
      if (options->json)
        fmt::print("{}\n", profile.json().dump(2, ' ', false, Json::error_handler_t::replace));
      else
        fmt::print("{}", profile.text());
      return;
    }
    Json json = describe(ArtifactHeader(options->artifact), *options);
    // Names of a model need not be UTF-8.
    if (options->json)
      fmt::print("{}\n", json.dump(2, ' ', false, Json::error_handler_t::replace));
    else
      print(json);
  });
}

} // namespace tamis::tools
