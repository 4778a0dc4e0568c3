//===- ExternalTool.cpp - Commands that are programs of their own ----------------------===//

#include "ExternalTool.h"

#include "ExitCode.h"
#include "File.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace tamis::tools {

static std::string besideDriver(const std::string &program) {
  std::error_code unknown;
  std::filesystem::path driver = std::filesystem::read_symlink("/proc/self/exe", unknown);
  return (driver.parent_path() / program).string();
}

static ToolError cannotStart(const std::string &path, int error) {
  return {ExitCode::System,
          fmt::format("cannot start '{}', which belongs beside tamis: {}", path, std::strerror(error))};
}

int callExternalTool(const std::string &program, const std::vector<std::string> &arguments) {
  std::string path = besideDriver(program);
  std::vector<char *> words{path.data()};
  for (const std::string &argument : arguments)
    words.push_back(const_cast<char *>(argument.c_str()));
  words.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t process;
  int error = posix_spawn(&process, path.c_str(), &actions, nullptr, words.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error)
    throw cannotStart(path, error);
  int status;
  while (::waitpid(process, &status, 0) < 0)
    if (errno != EINTR)
      throw cannotStart(path, errno);
  return WIFEXITED(status) ? WEXITSTATUS(status) : static_cast<int>(ExitCode::Internal);
}

void runExternalTool(const std::string &program) {
  std::string path = besideDriver(program);

  // The words of the command line, each ended by a zero: the driver, the command, its arguments.
  std::vector<std::byte> line = readFile("/proc/self/cmdline");
  line.push_back(std::byte{0}); // so that the last word ends in any case
  std::vector<char *> words;
  for (size_t at = 0; at + 1 < line.size(); at += std::strlen(reinterpret_cast<char *>(&line[at])) + 1)
    words.push_back(reinterpret_cast<char *>(&line[at]));
  if (words.size() > 1)
    words.erase(words.begin());
  words[0] = path.data();
  words.push_back(nullptr);
  ::execv(path.c_str(), words.data());
  throw cannotStart(path, errno);
}

} // namespace tamis::tools
