//===- ProfileCommand.cpp - tamis profile: what experts do over many requests -----------===//

#include "ArtifactHeader.h"
#include "Commands.h"
#include "ExpertProfile.h"
#include "File.h"
#include "InputOptions.h"
#include "Progress.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace tamis::tools {

namespace {

struct ProfileOptions {
  SessionOptions session;
  std::vector<std::string> requests, merged;
  std::string output;
  bool quiet = false;
};

/// The npz files that the options name, those of a folder in the order of their names.
std::vector<std::string> requestFiles(const std::vector<std::string> &paths) {
  std::vector<std::string> files;
  for (const std::string &path : paths) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found = npzFilesIn(path);
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

/// Takes what is observed. Generated code is not to be unwound, so what is thrown waits for the end of the
/// run.
struct Observer {
  ExpertProfile &profile;
  std::exception_ptr thrown;

  static void observe(void *user, const TamisExpertObservation *observation) {
    auto *self = static_cast<Observer *>(user);
    if (self->thrown)
      return;
    try {
      self->profile.add(*observation);
    } catch (...) {
      self->thrown = std::current_exception();
    }
  }
};

ExpertProfile profileOf(const std::string &artifact) {
  ArtifactHeader header(artifact);
  const schema::Provenance &provenance = *header.header().provenance();
  auto *flags = provenance.flags();
  bool observed = flags && std::any_of(flags->begin(), flags->end(), [](const flatbuffers::String *flag) {
                    return flag->string_view() == "--observe-experts";
                  });
  if (!observed)
    throw ToolError(
        ExitCode::Refused,
        fmt::format("{}: does not show what its experts compute; compile the model with --observe-experts",
                    artifact));
  return {header.sourceName(), header.sourceHash()};
}

void run(const ProfileOptions &options) {
  // Everything that can be refused without a run is.
  ExpertProfile profile = profileOf(options.session.artifact);
  for (const std::string &path : options.merged)
    profile.merge(ExpertProfile::read(path), path);
  std::vector<std::string> files = requestFiles(options.requests);
  if (files.empty() && options.merged.empty())
    throw ToolError(ExitCode::Usage, "there are neither --requests nor profiles to --merge");
  AtomicFile output(options.output);

  Session session(options.session);
  Observer observer{profile, nullptr};
  session.createContext(/*profile=*/false, {Observer::observe, &observer});
  Progress progress;
  for (size_t i = 0; i < files.size(); ++i) {
    if (progress.isDue())
      progress.show(fmt::format("request {} of {}", i + 1, files.size()));
    session.bind(readNpz(files[i]));
    session.run();
    if (observer.thrown)
      std::rethrow_exception(observer.thrown);
    ++profile.requests;
  }
  if (profile.layers.empty())
    throw ToolError(ExitCode::Refused,
                    fmt::format("{}: has no layer of experts that was recognised; see 'tamis compile "
                                "--print-raising'",
                                options.session.artifact));
  // Names of a model need not be UTF-8.
  output.write(profile.json().dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
  output.commit();
  if (!options.quiet)
    fmt::print("{}", profile.text());
}

} // namespace

void addProfileCommand(CLI::App &driver, ExitCode &) {
  CLI::App *command = driver.add_subcommand("profile", "Record what a model's experts do over many requests");
  auto options = std::make_shared<ProfileOptions>();
  command
      ->add_option("artifact", options->session.artifact,
                   "The model, compiled with 'tamis compile --observe-experts'")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--requests", options->requests,
                   "An npz file, which is one request, or a folder of them; may be repeated")
      ->type_name("PATH")
      ->take_all()
      ->allow_extra_args(false);
  command
      ->add_option("--merge", options->merged,
                   "Add an earlier profile of the same ONNX file; may be repeated")
      ->type_name("FILE")
      ->take_all()
      ->allow_extra_args(false);
  command->add_option("-o,--output", options->output, "The profile to write (schema tamis.profile.v1)")
      ->required()
      ->type_name("OUT.json");
  addRunningOptions(*command, options->session);
  command->add_flag("-q,--quiet", options->quiet, "No summary");
  command->footer(examples({
      {"Profile a model on a folder of requests",
       "tamis compile moe.onnx -o moe-observed.tamis --observe-experts && tamis profile moe-observed.tamis "
       "--requests requests --output moe.profile.json"},
      {"Add Monday's profile to that of today's requests",
       "tamis profile moe-observed.tamis --requests today --merge monday.json -o all.json --quiet"},
      {"Use one thread and the code for AVX2",
       "tamis profile moe-observed.tamis --requests a.npz -o p.json --threads 1 --isa x86-64-v3"},
      {"Profile a model that is larger than memory",
       "tamis profile moe-observed.tamis --requests requests -o p.json --resident-budget 8GiB"},
      {"Look at a profile again", "tamis inspect moe.profile.json"},
  }));
  command->callback([options] { run(*options); });
}

} // namespace tamis::tools
