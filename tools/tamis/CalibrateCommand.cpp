//===- CalibrateCommand.cpp - tamis calibrate: a policy with a certificate ------------===//

#include "CacheCalibration.h"
#include "Calibration.h"
#include "CalibrationPage.h"
#include "Commands.h"
#include "File.h"
#include "Vocabulary.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace tamis::tools {

/// What a report is given beside what the calibration finds.
struct ReportOptions {
  std::string vocabulary; // path; empty: tokens are shown by their ids
  std::optional<double> onnxRuntimeMs;
};

/// Whether both are names of one file, as far as can be seen; "" is none's.
static bool isSameFile(const std::filesystem::path &a, const std::filesystem::path &b) {
  namespace fs = std::filesystem;
  if (a.empty() || b.empty())
    return false;
  std::error_code error;
  fs::path whole = fs::weakly_canonical(fs::absolute(a, error), error);
  return !whole.empty() && whole == fs::weakly_canonical(fs::absolute(b, error), error);
}

/// The page, and its data in a JSON file beside it.
class ReportFiles {
public:
  /// Throws ToolError: Usage for a name that is no page's, or where the policy or what is read would be
  /// replaced; System if one of both files cannot be written.
  ReportFiles(const CalibrationOptions &options, const std::string &vocabulary)
      : page(options.report), data(dataPath(options, vocabulary)) {}

  void write(const CalibrationReport &report) {
    page.write(pageOf(report));
    // Names of a model or of files need not be UTF-8.
    data.write(jsonOf(report).dump(1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
    data.commit();
    page.commit();
  }

private:
  static std::string dataPath(const CalibrationOptions &options, const std::string &vocabulary) {
    namespace fs = std::filesystem;
    const std::string &path = options.report;
    if (!path.ends_with(".html"))
      throw ToolError(ExitCode::Usage,
                      fmt::format("--report {}: is no page; give it a name that ends with .html", path));
    fs::path beside = fs::path(path).replace_extension(".json");
    for (const fs::path &file : {fs::path(path), beside}) {
      if (isSameFile(file, options.output))
        throw ToolError(ExitCode::Usage,
                        fmt::format("--report {}: would write to {}, as --output does; give one "
                                    "of both another name",
                                    path, file.string()));
      for (const std::string &input :
           {options.model, options.requests, options.labels, options.profile, vocabulary})
        if (isSameFile(file, input))
          throw ToolError(ExitCode::Usage,
                          fmt::format("--report {}: would replace {}, which is read; give the report another "
                                      "name",
                                      path, file.string()));
    }
    return beside;
  }

  AtomicFile page, data;
};

/// Refuses to write the policy over what is read.
static void checkOutput(const CalibrationOptions &options, const std::string &vocabulary) {
  for (const std::string &input :
       {options.model, options.requests, options.labels, options.profile, vocabulary})
    if (isSameFile(options.output, input))
      throw ToolError(
          ExitCode::Usage,
          fmt::format("--output {}: would replace {}, which is read; give the policy another name",
                      options.output, input));
}

static void addOptions(CLI::App &command, CalibrationOptions &options, ReportOptions &report) {
  std::vector<std::string> names;
  for (const CalibrationRule &rule : CalibrationRule::all())
    names.push_back(rule.name);
  command.add_option("model", options.model, "The ONNX model")->required()->type_name("MODEL.onnx");
  command
      .add_option("--requests", options.requests,
                  "What the model is asked: a folder of npz files, an npz file with a request a row, or a "
                  "jsonl file of "
                  "token ids")
      ->required()
      ->type_name("PATH");
  command.add_option("-o,--output", options.output, "The policy to write (schema tamis.policy.v1)")
      ->required()
      ->type_name("POLICY.json");
  CLI::Option *page =
      command
          .add_option("--report", options.report,
                      "Write what was found as a page, with its data beside it as JSON (FILE.json, schema "
                      "tamis.calibration.v1)")
          ->type_name("FILE.html");
  command
      .add_option("--vocabulary", report.vocabulary,
                  "A tokenizer.json: the report shows its words instead of token ids")
      ->type_name("FILE")
      ->needs(page);
  command
      .add_option(
          "--onnxruntime-ms", report.onnxRuntimeMs,
          "Milliseconds of a request in ONNX Runtime, on average, as you measured it; the report shows it "
          "beside its own times")
      ->type_name("MS")
      ->check(numberWithin(1e-9, 1e12))
      ->needs(page);
  command
      .add_option("--loss", options.lossName,
                  "How far an answer is from the dense one: cosine (1 - cosine of embeddings), kl (of "
                  "logits, in nats), argmax (1 when another class wins), label (1 when the dense answer is "
                  "the label and this one is not), span (1 when the greatest start or end is another one), "
                  "custom-output (the relative distance of --output-name)")
      ->check(CLI::IsMember({"cosine", "kl", "argmax", "label", "span", "custom-output"}).description(""))
      ->type_name("LOSS")
      ->capture_default_str();
  command
      .add_option("--labels", options.labels,
                  "The right class of each request: an npy file of i64 or i32, [requests], in their order")
      ->type_name("FILE.npy");
  command
      .add_option(
          "--metric", options.metric,
          "What else is measured on the requests tested: accuracy (the default with --labels) or none")
      ->check(CLI::IsMember({"accuracy", "none"}).description(""))
      ->type_name("METRIC");
  command
      .add_option(
          "--output-name", options.measured,
          "The output that losses are measured on; default: the one of the fewest dimensions. For spans "
          "starts and ends, with a comma between; default: the two of two dimensions")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("NAME");
  command.add_option("--eps", options.promise.eps, "A loss above this is a violation")
      ->type_name("E")
      ->check(numberWithin(0, 1e9))
      ->capture_default_str();
  command.add_option("--alpha", options.promise.alpha, "The share of requests that may be violations")
      ->type_name("A")
      ->check(numberWithin(1e-6, 0.5))
      ->capture_default_str();
  command
      .add_option("--delta", options.promise.delta, "How probable it may be that the certificate is wrong")
      ->type_name("D")
      ->check(numberWithin(1e-9, 0.5))
      ->capture_default_str();
  command
      .add_option("--rule", options.rules,
                  "What chooses tokens: linear (a score that is fitted); attention-first, attention-last or "
                  "attention-spread (what the layer before attends to, from [CLS], the last rows or some of "
                  "all), each with -values behind it (times the magnitude of a row's values); random or "
                  "stride, which know nothing of tokens; or merge (those that are alike become one); of "
                  "several, with commas between, the fastest is chosen that keeps the promise")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("R")
      ->check(CLI::IsMember(names).description(""))
      ->capture_default_str();
  command
      .add_option("--query-count", options.queryCount,
                  "Rows of a sequence whose attention the rules attention-* add up")
      ->type_name("N")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 20).description(""))
      ->capture_default_str();
  CLI::Option *cache =
      command
          .add_option("--cache", options.cacheRule,
                      "Of a decoder: find out how few rows of its caches new tokens may read, by the rule "
                      "window, pages or snapkv; --requests is an npy or jsonl file of token ids then")
          ->check(CLI::IsMember({"window", "pages", "snapkv"}).description(""))
          ->type_name("{window,pages,snapkv}");
  command
      .add_option("--continuation", options.continuation,
                  "With --cache, the last tokens of each text, which are given one by one behind the others")
      ->needs(cache)
      ->type_name("N")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 20).description(""))
      ->capture_default_str();
  command
      .add_option("--dense-layers", options.denseLayers,
                  "With --cache, layers in front that read all rows; default: 2 of pages, else 0")
      ->needs(cache)
      ->type_name("N")
      ->check(CLI::Range(int64_t(0), int64_t(100000)).description(""));
  command
      .add_option("--layers", options.layers,
                  "The layers in front of which tokens are left out, or in which they are merged, from 0, "
                  "with commas between")
      ->delimiter(',')
      ->type_name("L")
      ->check(CLI::Range(int64_t(0), int64_t(100000)).description(""))
      ->capture_default_str();
  CLI::Option *profile =
      command
          .add_option(
              "--profile", options.profile,
              "What experts did on your requests, a file of 'tamis profile': those that hardly add to a "
              "token are skipped, too")
          ->type_name("P.json");
  command
      .add_option(
          "--skip-experts", options.skips,
          "Shares of a token's sum below which an expert is skipped that are tried with each share of "
          "tokens, ascending, with commas between")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("S")
      ->check(numberWithin(0, 0.99))
      ->needs(profile)
      ->capture_default_str();
  command.add_option("--groups", options.groups, "Groups of lengths with shares of their own, at most")
      ->type_name("N")
      ->check(CLI::Range(int64_t(1), int64_t(16)).description(""))
      ->capture_default_str();
  command.add_option("--minimum", options.minimum, "Tokens of a sequence that are always kept, at least")
      ->type_name("N")
      ->check(CLI::Range(int64_t(1), int64_t(1) << 20).description(""))
      ->capture_default_str();
  command
      .add_option("--protect-first", options.first,
                  "Tokens at the beginning of a sequence that are always kept")
      ->type_name("N")
      ->check(CLI::Range(int64_t(0), int64_t(1) << 20).description(""))
      ->capture_default_str();
  command.add_option("--protect-last", options.last, "Tokens at the end of a sequence that are always kept")
      ->type_name("N")
      ->check(CLI::Range(int64_t(0), int64_t(1) << 20).description(""))
      ->capture_default_str();
  CLI::Option *zeros =
      command.add_flag("--zeros", options.zerosForDropped,
                       "Outputs with a row for each token may hold zeros where one was left out");
  CLI::Option *restore =
      command
          .add_flag("--restore", options.restoresDropped,
                    "Fit maps that put back what was left out where an output has a row for each token")
          ->excludes(zeros);
  command
      .add_option("--pool", options.pool,
                  "With --restore, what means run over: kept tokens, or mapped ones, too")
      ->needs(restore)
      ->check(CLI::IsMember({"kept", "mapped"}).description(""))
      ->type_name("{kept,mapped}")
      ->capture_default_str();
  command
      .add_option(
          "--precision", options.precisions,
          "Of matrix products: f32, split-f32, bf16, int8 or int4; of several, with commas between, the "
          "fastest is chosen whose answers keep the promise beside those at f32")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->type_name("P")
      ->check(CLI::IsMember({"f32", "split-f32", "bf16", "int8", "int4"}).description(""))
      ->capture_default_str();
  command
      .add_option("--budget-time", options.budget,
                  "Seconds that the search may take; what is left untried then is said. Default: no bound")
      ->type_name("SECONDS")
      ->check(numberWithin(1e-6, 1e9));
  command.add_option("--seed", options.seed, "Of the split of the requests in two")
      ->type_name("N")
      ->capture_default_str();
  // What is said of tokens that are left out, where none are.
  for (const char *name : {"--report", "--labels", "--metric", "--output-name", "--rule", "--query-count",
                           "--profile", "--skip-experts", "--layers", "--groups", "--minimum",
                           "--protect-first", "--protect-last", "--zeros", "--restore", "--budget-time"})
    cache->excludes(command.get_option(name));
  command.add_option("--threads", options.threads, "Run on this many threads; 0: one for each core")
      ->type_name("N")
      ->check(CLI::Range(0, 1024).description(""))
      ->capture_default_str();
}

void addCalibrateCommand(CLI::App &driver, ExitCode &) {
  CLI::App *command = driver.add_subcommand(
      "calibrate", "Find out which tokens a model can do without, and prove what that loses");
  auto options = std::make_shared<CalibrationOptions>();
  auto reportOptions = std::make_shared<ReportOptions>();
  addOptions(*command, *options, *reportOptions);
  command->footer(examples({
      {"Leave out what moves an embedding by at most 0.1 for 95 of 100 requests",
       "tamis calibrate encoder.onnx --requests requests.npz --loss cosine --eps 0.1 --alpha 0.05 --delta "
       "0.05 -o policy.json"},
      {"See what was searched, and which tokens of which requests cost most",
       "tamis calibrate encoder.onnx --requests requests.npz -o policy.json --report report.html "
       "--vocabulary "
       "tokenizer.json --onnxruntime-ms 4.2"},
      {"Compile with the policy", "tamis compile encoder.onnx -o encoder.tamis --policy policy.json"},
      {"A classifier whose answers may differ for 2 of 100 requests, tokens left out in two places, in bf16",
       "tamis calibrate classifier.onnx --requests requests.jsonl --loss argmax --eps 0 --alpha 0.02 "
       "--layers 0,2 "
       "--precision bf16 --output-name logits --groups 2 --minimum 16 --protect-first 1 --protect-last 1 "
       "--zeros --seed 7 "
       "--threads 2 --output policy.json"},
      {"A classifier that may lose the right answer for 2 of 100 requests",
       "tamis calibrate classifier.onnx --requests requests.npz --labels labels.npy --loss label --eps 0 "
       "--alpha 0.02 --metric accuracy --zeros -o policy.json"},
      {"The best that a search of ten minutes finds", "tamis calibrate encoder.onnx --requests requests.npz "
                                                      "--eps 0.05 --budget-time 600 --zeros -o policy.json"},
      {"An embedding at the fastest of three precisions",
       "tamis calibrate encoder.onnx --requests requests.npz --eps 0.05 --precision f32,bf16,int8 --zeros -o "
       "policy.json"},
      {"Tokens at random, for a model that was trained with random ones left out",
       "tamis calibrate classifier.onnx --requests requests.npz --labels labels.npy --loss label --eps 0 "
       "--rule random -o policy.json"},
      {"How few pages of its caches a decoder may read while the likeliest token stays for 9 of 10 tokens",
       "tamis calibrate decoder.onnx --requests texts.jsonl --cache pages --dense-layers 1 --continuation 64 "
       "--loss argmax --eps 0.1 -o policy.json"},
      {"The fastest of three ways to have fewer tokens behind the first layer",
       "tamis calibrate encoder.onnx --requests requests.npz --layers 1 --rule linear,attention-last,merge "
       "--query-count 8 --zeros -o policy.json"},
      {"A mixture of experts, of which those are skipped that add less than some part to a token",
       "tamis calibrate moe.onnx --requests requests.npz --profile moe.profile.json --skip-experts 0,0.1,0.2 "
       "--zeros -o policy.json"},
      {"Put back what is left out, for a class of each token, and for the mean over them",
       "tamis calibrate tagger.onnx --requests requests.jsonl --loss argmax --eps 0 --restore --pool mapped "
       "-o policy.json"},
  }));
  command->callback([options, reportOptions] {
    options->loss = *lossOfName(options->lossName);
    // One name may have commas in it.
    if (options->loss != Loss::Span && options->measured.size() > 1)
      options->measured.assign(1, fmt::to_string(fmt::join(options->measured, ",")));
    // What cannot be written or read is found before the work, not behind it.
    checkOutput(*options, reportOptions->vocabulary);
    AtomicFile output(options->output);
    std::optional<ReportFiles> files;
    if (!options->report.empty())
      files.emplace(*options, reportOptions->vocabulary);
    std::optional<Vocabulary> vocabulary;
    if (!reportOptions->vocabulary.empty())
      vocabulary.emplace(reportOptions->vocabulary);
    CalibrationResult result = options->cacheRule.empty() ? calibrate(*options) : calibrateCache(*options);
    output.write(result.policy);
    output.commit();
    if (files) {
      CalibrationReport &report = *result.report;
      report.onnxRuntimeMs = reportOptions->onnxRuntimeMs;
      for (CalibrationReport::WorstRequest &worst : report.worst)
        for (CalibrationReport::Token &token : worst.tokens)
          if (vocabulary && token.id)
            token.text = vocabulary->wordOf(*token.id);
      files->write(report);
    }
    if (options->cacheRule.empty())
      removeCalibrationState(*options);
    fmt::print("{}", result.summary);
  });
}

} // namespace tamis::tools
