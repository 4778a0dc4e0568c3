//===- CompileOptions.cpp - The options of `tamis compile`
//-------------------------------------------------===//

#include "CompileOptions.h"

#include "Commands.h"

#include <limits>

namespace tamis::tools {

void addCompileOptions(CLI::App &command, CompileOptions &options) {
  command.add_option("model", options.model, "The ONNX model")->required()->type_name("MODEL.onnx");
  command
      .add_option("-o,--output", options.output,
                  "The file to write; '-' is standard output for mlir, llvm and asm")
      ->required()
      ->type_name("OUT");
  command.add_option("--emit", options.emit, "What to write")
      ->check(CLI::IsMember({"tamis", "object", "shared", "mlir", "llvm", "asm"}).description(""))
      ->type_name("{tamis,object,shared,mlir,llvm,asm}")
      ->capture_default_str();
  command
      .add_option("--target", options.targets,
                  "ISA levels to make code for, separated by commas; 'native' is the best of this machine; "
                  "default: all that matter to the precision")
      ->delimiter(',')
      ->check(CLI::IsMember({"native", "x86-64-v3", "x86-64-v3-vnni", "x86-64-v4", "x86-64-v4-vnni",
                             "x86-64-v4-bf16", "x86-64-v4-amx"})
                  .description(""))
      ->type_name("{native,x86-64-v3,x86-64-v3-vnni,x86-64-v4,x86-64-v4-vnni,x86-64-v4-bf16,x86-64-v4-amx}");
  command.add_option("--precision", options.precision, "Arithmetic of products")
      ->check(CLI::IsMember({"f32", "split-f32", "bf16", "int8", "int4", "auto"}).description(""))
      ->type_name("{f32,split-f32,bf16,int8,int4,auto}")
      ->capture_default_str();
  command
      .add_option("--layer-precision", options.layerPrecisions,
                  "Another precision for layers by the names of their nodes: those in which the regular "
                  "expression is found; may be repeated, the last that holds counts")
      ->type_name("REGEX=PRECISION")
      ->allow_extra_args(false);
  command
      .add_option(
          "--int4-group", options.int4Group,
          "Weights of a column that share a scale under int4, where the model has not rounded them itself; "
          "default: 32")
      ->check(CLI::IsMember({32, 64, 128}).description(""))
      ->type_name("{32,64,128}");
  command
      .add_option("--inputs", options.inputs,
                  "Measure the largest difference from f32 on the inputs of an npz file")
      ->type_name("FILE");
  command
      .add_option(
          "--max-error", options.maxError,
          "The largest difference allowed; with --precision=auto the quickest precision within it is taken")
      ->type_name("E")
      ->check(numberWithin(0, std::numeric_limits<double>::max()));
  command.add_option("--dim", options.dims, "Fix a symbolic dimension, or bound it")
      ->type_name("NAME=N|MIN..MAX")
      ->allow_extra_args(false);
  command
      .add_option(
          "--max-length", options.maxLength,
          "Tokens of a sequence that a decoder's caches may hold, its prompt included; default: no bound")
      ->type_name("N")
      ->check(CLI::Range(int64_t(1), int64_t(INT32_MAX)).description(""));
  command.add_flag(
      "--allow-uncertified", options.allowUncertified,
      "Take a policy that leaves out tokens, or rows of caches, without a certificate for this model and "
      "precision");
  command.add_flag("--keep-padding", options.keepPadding, "Compute rows of padding too");
  command.add_flag(
      "--observe-experts", options.observeExperts,
      "Make an artifact for 'tamis profile', which sees what each expert computes; it is slower");
  command.add_flag("--observe-states", options.observeStates,
                   "Make an artifact that shows a program the hidden states in front of each layer, as "
                   "'tamis calibrate' does");
  command
      .add_option(
          "--profile", options.profile,
          "What experts did on your requests, a file of 'tamis profile': the busiest are stored side by side")
      ->type_name("P.json");
  command
      .add_option("--policy", options.policy,
                  "What may be left out, a file of the schema tamis.policy.v1: experts that matter least, or "
                  "that hardly add to a token, tokens of an encoder, rows of a decoder's caches")
      ->type_name("POLICY.json");
  command.add_option("--weights", options.weights, "Where the weights of --emit=object and shared go")
      ->check(CLI::IsMember({"inside", "beside"}).description(""))
      ->type_name("{inside,beside}")
      ->capture_default_str();
  command.add_option("--prefix", options.prefix, "Prefix of the symbols of --emit=object and shared")
      ->type_name("NAME");
  command.add_option("--level", options.level, "The level of IR that --emit=mlir shows")
      ->check(CLI::IsMember({"imported", "model", "loops", "machine"}).description(""))
      ->type_name("{imported,model,loops,machine}")
      ->capture_default_str();
  command.add_flag("--print-raising", options.printRaising,
                   "Remark on what is almost a layer, and which node stands in the way");
  command.add_flag("-q,--quiet", options.quiet, "No summary");
  command.add_flag("--json", options.json, "Print the summary as one JSON object (schema tamis.compile.v1)");
  command.allow_extras();
  command.footer(examples({
      {"Compile for every ISA level", "tamis compile model.onnx --output model.tamis"},
      {"Compile for this machine alone, with the batch fixed and the length bounded",
       "tamis compile model.onnx -o model.tamis --target=native --dim batch=1 --dim sequence=1..128"},
      {"Bound the caches of a decoder", "tamis compile decoder.onnx -o decoder.tamis --max-length 4096"},
      {"Keep every row, real or padding, in full precision",
       "tamis compile model.onnx -o model.tamis --keep-padding --precision f32"},
      {"Take the quickest precision whose outputs differ from those of f32 by 0.01 at most on some inputs",
       "tamis compile model.onnx -o model.tamis --precision=auto --inputs batch.npz --max-error 0.01"},
      {"Use bf16, but int8 in the feed-forward layers",
       "tamis compile model.onnx -o model.tamis --precision=bf16 "
       "--layer-precision '(intermediate|output)/dense=int8'"},
      {"Store weights in 4 bits, 128 of them with one scale, but those of the pooler in 8",
       "tamis compile model.onnx -o model.tamis --precision=int4 --int4-group=128 "
       "--layer-precision 'pooler=int8'"},
      {"Make an artifact that 'tamis profile' can look into",
       "tamis compile moe.onnx -o moe-observed.tamis --observe-experts"},
      {"Specialise its experts to the traffic that was profiled, as far as a policy allows",
       "tamis compile moe.onnx -o moe.tamis --profile moe.profile.json --policy policy.json"},
      {"Leave tokens out as 'tamis calibrate' certified; or as somebody wrote by hand",
       "tamis compile encoder.onnx -o encoder.tamis --policy policy.json; "
       "tamis compile encoder.onnx -o encoder.tamis --policy mine.json --allow-uncertified"},
      {"Make an artifact that shows a program its hidden states",
       "tamis compile encoder.onnx -o observed.tamis --observe-states"},
      {"Make an object and a header to link into a program, the weights in a file beside",
       "tamis compile model.onnx -o model.o --emit=object --prefix minilm --weights=beside"},
      {"Look at the loops", "tamis compile model.onnx -o - --emit=mlir --level=loops --quiet"},
      {"See why a layer was not recognised, and the IR after every pass",
       "tamis compile model.onnx -o model.tamis --print-raising --mlir-print-ir-after-all"},
      {"Get the facts of a compilation in a script", "tamis compile model.onnx -o model.tamis --json"},
  }));
}

} // namespace tamis::tools
