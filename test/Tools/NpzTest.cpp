//===- NpzTest.cpp - npz files, good and bad ---------------------------------------------===//

#include "ToolsTest.h"

#include "Npy.h"
#include "Npz.h"

#include <csignal>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zip.h>

namespace tamis::tools {
namespace {

NamedValue value(const std::string &name, const std::vector<float> &data) {
  NamedValue result{name, {}};
  result.value.type = TAMIS_F32;
  result.value.rank = 1;
  result.value.dims[0] = static_cast<int64_t>(data.size());
  result.value.data = data.data();
  return result;
}

/// A zip file with one member, as other programs write it.
void writeZip(const std::string &path, const std::string &name, const std::string &content, int method) {
  int code = 0;
  zip_t *archive = zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  ASSERT_NE(archive, nullptr);
  zip_source_t *source = zip_source_buffer(archive, content.data(), content.size(), 0);
  zip_int64_t index = zip_file_add(archive, name.c_str(), source, 0);
  ASSERT_GE(index, 0);
  zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), method, 9);
  ASSERT_EQ(zip_close(archive), 0);
}

TEST(Npz, WritesWhatItReads) {
  TestFolder folder;
  std::vector<float> first = {1, 2, 3}, none;
  for (int i = 0; i < 2; ++i) // the second time over the first
    writeNpz(folder.file("x.npz"), {value("layer/out:0", first), value("none", none)});
  EXPECT_EQ(folder.fileCount(), 1u);
  TensorMap tensors = readNpz(folder.file("x.npz"));
  ASSERT_EQ(tensors.size(), 2u);
  Tensor &tensor = tensors.at("layer/out:0");
  EXPECT_EQ(shapeText(tensor.type(), tensor.dims()), "3xf32");
  EXPECT_EQ(elementAsDouble(TAMIS_F32, tensor.data(), 2), 3);
  EXPECT_EQ(tensors.at("none").bytes(), 0u);
}

TEST(Npz, WritesTheSameBytes) {
  TestFolder folder;
  std::vector<float> data = {1, 2, 3};
  writeNpz(folder.file("a.npz"), {value("y", data)});
  writeNpz(folder.file("b.npz"), {value("y", data)});
  EXPECT_EQ(readText(folder.file("a.npz")), readText(folder.file("b.npz")));
}

TEST(Npz, ReadsCompressedMembers) {
  TestFolder folder;
  std::string npy = formatNpyHeader(TAMIS_U8, std::vector<int64_t>{300000}) + std::string(300000, 9);
  writeZip(folder.file("x.npz"), "big.npy", npy, ZIP_CM_DEFLATE);
  TensorMap tensors = readNpz(folder.file("x.npz"));
  EXPECT_EQ(tensors.at("big").bytes(), 300000u);
  EXPECT_EQ(elementAsDouble(TAMIS_U8, tensors.at("big").data(), 299999), 9);
}

TEST(Npz, SaysWhatItRefuses) {
  TestFolder folder;
  std::string path = folder.file("x.npz");
  expectError(ExitCode::System, "cannot open", [&] { readNpz(path); });
  expectError(ExitCode::System, "not a regular file", [&] { readNpz(folder.file(".")); });
  writeText(path, "this is text, and long enough to be something");
  expectError(ExitCode::Refused, "is no npz file", [&] { readNpz(path); });
  writeZip(path, "notes.txt", "text", ZIP_CM_STORE);
  expectError(ExitCode::Refused, "'notes.txt' is not an npy array", [&] { readNpz(path); });
  writeZip(path, "x.npy", formatNpyHeader(TAMIS_F32, std::vector<int64_t>{1000}) + "1234", ZIP_CM_DEFLATE);
  expectError(ExitCode::Refused, "needs 4000 bytes, the file holds 4", [&] { readNpz(path); });
}

TEST(Npz, SurvivesTruncationsAndFlips) {
  TestFolder folder;
  std::string path = folder.file("x.npz");
  for (int method : {ZIP_CM_STORE, ZIP_CM_DEFLATE}) {
    std::string npy =
        formatNpyHeader(TAMIS_I32, std::vector<int64_t>{2, 2}) + std::string("abcdefghijklmnop");
    writeZip(path, "x.npy", npy, method);
    std::string file = readText(path);
    for (size_t length = 0; length < file.size(); ++length) {
      writeText(path, file.substr(0, length));
      expectError(ExitCode::Refused, path, [&] { readNpz(path); });
    }
    for (size_t bit = 0; bit < file.size() * 8; ++bit) {
      std::string flipped = file;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      writeText(path, flipped);
      try {
        TensorMap tensors = readNpz(path); // a flip of a time or an attribute is harmless
        for (auto &[name, tensor] : tensors)
          EXPECT_EQ(std::string(reinterpret_cast<char *>(tensor.data()), tensor.bytes()), "abcdefghijklmnop");
      } catch (const ToolError &error) {
        EXPECT_NE(error.code, ExitCode::Internal);
      }
    }
  }
}

TEST(Npz, LeavesNothingBehindWhenItCannotWrite) {
  TestFolder folder;
  std::vector<float> data(100000, 1);
  expectError(ExitCode::System, "cannot write",
              [&] { writeNpz(folder.file("no/x.npz"), {value("y", data)}); });
  expectError(ExitCode::System, "not a regular file", [&] { writeNpz("/dev/null", {value("y", data)}); });
  writeText(folder.file("x.npz"), "earlier");
  // A limit on the file's size stands for a full disk; in a child, since it holds for a process.
  pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      writeNpz(folder.file("x.npz"), {value("y", data)});
    } catch (const ToolError &error) {
      ::_exit(static_cast<int>(error.code));
    }
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), static_cast<int>(ExitCode::System));
  EXPECT_EQ(folder.fileCount(), 1u);
  EXPECT_EQ(readText(folder.file("x.npz")), "earlier");
}

} // namespace
} // namespace tamis::tools
