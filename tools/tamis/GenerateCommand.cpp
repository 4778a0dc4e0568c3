//===- GenerateCommand.cpp - tamis generate: the tokens that follow prompts -----------===//

#include "Commands.h"
#include "ExpertReport.h"
#include "Generation.h"
#include "InputOptions.h"
#include "Prompts.h"

#include "runtime/src/Clock.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

namespace tamis::tools {

namespace {

struct GenerateOptions {
  SessionOptions session;
  std::vector<std::string> promptIds;
  std::string promptFile;
  int64_t maxNew = 32, maxLength = 0;
  std::vector<int64_t> endTokens;
  float temperature = 0, topP = 0;
  int32_t topK = 0;
  uint64_t seed = 0;
  bool json = false;
};

/// What a generation came to.
struct Outcome {
  std::vector<Tokens> tokens;
  double prefillMs = 0, stepMs = 0; ///< of the first step; of all others together
  int64_t steps = 0;                ///< after the first
  ExpertResidence residence;
  int64_t cacheRows = 0, cacheRowsRead = 0; ///< after the first step
  int64_t count() const {
    int64_t sum = 0;
    for (const Tokens &sequence : tokens)
      sum += static_cast<int64_t>(sequence.size());
    return sum;
  }
  double msPerStep() const { return steps ? stepMs / static_cast<double>(steps) : 0; }
  /// Of all sequences together, after the first step.
  double tokensPerSecond() const {
    auto later = static_cast<double>(count() - static_cast<int64_t>(tokens.size()));
    return stepMs > 0 ? later / stepMs * 1e3 : 0;
  }
};

/// One prompt: its tokens in a line as they come. Several: a line a token, its sequence's number first.
class Stream {
public:
  explicit Stream(bool isSingle) : isSingle(isSingle) {}
  void show(size_t sequence, int64_t token) {
    if (isSingle)
      fmt::print("{}{}", isFirst ? "" : " ", token);
    else
      fmt::print("{}: {}\n", sequence, token);
    isFirst = false;
  }
  void flush() const { std::fflush(stdout); }
  void end() const {
    if (isSingle)
      fmt::print("\n");
  }

private:
  bool isSingle, isFirst = true;
};

Outcome generate(const Session &session, Generation &generation, const std::vector<Tokens> &prompts,
                 bool isQuiet) {
  Outcome outcome;
  outcome.tokens.resize(prompts.size());
  Stream stream(prompts.size() == 1);
  for (bool goesOn = true, isPrefill = true; goesOn; isPrefill = false) {
    int64_t begin = monotonicNanoseconds();
    const Tokens &tokens = generation.step();
    double ms = static_cast<double>(monotonicNanoseconds() - begin) / 1e6;
    goesOn = false;
    for (size_t b = 0; b < tokens.size(); ++b) {
      if (tokens[b] < 0)
        continue;
      goesOn = true;
      outcome.tokens[b].push_back(tokens[b]);
      if (!isQuiet)
        stream.show(b, tokens[b]);
    }
    if (!goesOn)
      break; // all have ended: the step did nothing
    if (!isQuiet)
      stream.flush();
    TamisReport report = session.report();
    outcome.residence.add(report);
    if (!isPrefill) {
      outcome.cacheRows += report.cache_rows;
      outcome.cacheRowsRead += report.cache_rows_read;
    }
    outcome.steps += !isPrefill;
    (isPrefill ? outcome.prefillMs : outcome.stepMs) += ms;
  }
  if (!isQuiet)
    stream.end();
  return outcome;
}

void printJson(const GenerateOptions &options, const Session &session, const std::vector<Tokens> &prompts,
               const Outcome &outcome) {
  nlohmann::ordered_json json;
  json["schema"] = "tamis.generate.v1";
  json["version"] = tamis_version();
  json["model"] = options.session.artifact;
  json["isa"] = tamis_model_isa(session.model());
  json["threads"] = session.report().threads;
  nlohmann::ordered_json sequences = nlohmann::ordered_json::array();
  for (size_t b = 0; b < prompts.size(); ++b)
    sequences.push_back({{"prompt_tokens", prompts[b].size()}, {"tokens", outcome.tokens[b]}});
  json["sequences"] = std::move(sequences);
  json["cache_bytes"] = session.report().cache_bytes;
  if (tamis_model_step_count(session.model())) {
    json["step"] = tamis_model_step_name(session.model(), tamis_context_step(session.handle()));
    json["cache_rows"] = outcome.cacheRows;
    json["cache_rows_read"] = outcome.cacheRowsRead;
  }
  if (options.session.residentBudget)
    json["resident_experts"] = outcome.residence.json();
  json["prefill_ms"] = outcome.prefillMs;
  json["ms_per_token"] = outcome.msPerStep();
  json["tokens_per_second"] = outcome.tokensPerSecond();
  fmt::print("{}\n", json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void run(const GenerateOptions &options) {
  std::vector<Tokens> prompts;
  for (const std::string &text : options.promptIds)
    prompts.push_back(parseTokens(text, "--prompt-ids"));
  if (!options.promptFile.empty())
    std::ranges::move(readPromptFile(options.promptFile, "--prompts"), std::back_inserter(prompts));
  if (prompts.empty())
    throw ToolError(ExitCode::Usage, "there is no prompt; give one with --prompt-ids or --prompts");

  Session session(options.session);
  session.createContext(/*profile=*/false);
  TamisGenerationOptions wanted = TAMIS_GENERATION_OPTIONS_INIT;
  wanted.max_new_tokens = options.maxNew;
  wanted.max_length = options.maxLength;
  wanted.end_tokens = options.endTokens.data();
  wanted.end_token_count = static_cast<int32_t>(options.endTokens.size());
  wanted.temperature = options.temperature;
  wanted.top_k = options.topK;
  wanted.top_p = options.topP;
  wanted.seed = options.seed;
  Generation generation(session.handle(), wanted);
  generation.begin(prompts);
  Outcome outcome = generate(session, generation, prompts, options.json);
  if (options.json)
    return printJson(options, session, prompts, outcome);
  fmt::print(stderr, "prefill {:.2f} ms, then {} steps of {:.3f} ms: {:.1f} tokens/s ({} threads, {})\n",
             outcome.prefillMs, outcome.steps, outcome.msPerStep(), outcome.tokensPerSecond(),
             session.report().threads, tamis_model_isa(session.model()));
  if (outcome.cacheRows)
    fmt::print(stderr, "step {}: {} of {} rows of caches were read ({:.1f}%)\n",
               tamis_model_step_name(session.model(), tamis_context_step(session.handle())),
               outcome.cacheRowsRead, outcome.cacheRows,
               100.0 * static_cast<double>(outcome.cacheRowsRead) / static_cast<double>(outcome.cacheRows));
  if (options.session.residentBudget)
    fmt::print(stderr, "{}", outcome.residence.text());
}

void addOptions(CLI::App &command, GenerateOptions &options) {
  command.add_option("artifact", options.session.artifact, "The compiled decoder")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--prompt-ids", options.promptIds,
                  "The token ids of a prompt, separated by commas or blanks; may be repeated for a batch")
      ->type_name("IDS")
      ->take_all()
      ->allow_extra_args(false);
  command
      .add_option(
          "--prompts", options.promptFile,
          "Take prompts from a file: .npy, integers [length] or [batch, length], or .jsonl, one array of "
          "ids a line")
      ->type_name("FILE");
  command.add_option("--max-new", options.maxNew, "End each sequence after this many new tokens")
      ->type_name("N")
      ->check(CLI::Range(int64_t(1), int64_t(INT32_MAX)).description(""))
      ->capture_default_str();
  command
      .add_option(
          "--max-length", options.maxLength,
          "End sequences of this many tokens, prompts included; default: what the model was compiled for")
      ->type_name("N")
      ->check(CLI::Range(int64_t(1), int64_t(INT32_MAX)).description(""));
  command.add_option("--end-id", options.endTokens, "End a sequence with this token; may be repeated")
      ->type_name("ID")
      ->take_all()
      ->allow_extra_args(false);
  CLI::Option *temperature =
      command
          .add_option("--temperature", options.temperature,
                      "Draw tokens with probabilities of e^(logit / T); 0: the greatest logit")
          ->type_name("T")
          ->check(numberWithin(0, std::numeric_limits<float>::max()))
          ->capture_default_str();
  command.add_option("--top-k", options.topK, "Draw from the K greatest logits only; 0: from all")
      ->type_name("K")
      ->check(CLI::Range(0, INT32_MAX).description(""))
      ->needs(temperature);
  command
      .add_option("--top-p", options.topP,
                  "Draw from the fewest greatest logits that have this share of the probability; 0: from all")
      ->type_name("P")
      ->check(numberWithin(0, 1))
      ->needs(temperature);
  command
      .add_option("--seed", options.seed, "Of the draws; the same seed gives the same draws on every machine")
      ->type_name("N")
      ->needs(temperature)
      ->capture_default_str();
  addRunningOptions(command, options.session);
  addStepOption(command, options.session);
  command.add_flag("--json", options.json, "Print one JSON object at the end (schema tamis.generate.v1)");
}

} // namespace

void addGenerateCommand(CLI::App &driver, ExitCode &) {
  CLI::App *command = driver.add_subcommand("generate", "Generate the tokens that follow prompts");
  auto options = std::make_shared<GenerateOptions>();
  addOptions(*command, *options);
  command->footer(examples({
      {"Print the 16 tokens that follow a prompt, as they come",
       "tamis generate decoder.tamis --prompt-ids '1 15043 3186' --max-new 16"},
      {"Draw them, the same each time, until the end token 2",
       "tamis generate decoder.tamis --prompt-ids 1,15043 --temperature 0.8 --top-k 40 --top-p 0.95 --seed 7 "
       "--end-id 2"},
      {"Generate for a batch of prompts of different lengths, on two threads",
       "tamis generate decoder.tamis --prompt-ids 1,2,3 --prompt-ids 4,5 --threads 2"},
      {"Read all rows of its caches, whatever its policy chose",
       "tamis generate decoder.tamis --prompt-ids 1,15043 --step dense"},
      {"Keep half a gibibyte of a decoder's experts in memory, and read the others when they are wanted",
       "tamis generate moe.tamis --prompt-ids 1,15043 --resident-budget 512MiB"},
      {"Take the prompts from a file, and time the code for AVX2 in a script",
       "tamis generate decoder.tamis --prompts prompts.jsonl --max-length 512 --isa x86-64-v3 --json"},
  }));
  command->callback([options] { run(*options); });
}

} // namespace tamis::tools
