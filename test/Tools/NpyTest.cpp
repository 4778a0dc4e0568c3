//===- NpyTest.cpp - npy files, good and bad -------------------------------------------===//

#include "ToolsTest.h"

#include "Npy.h"

namespace tamis::tools {
namespace {

/// An npy file whose header is `dictionary`.
std::string npy(std::string dictionary, std::string payload, char version = 1) {
  dictionary += '\n';
  std::string file = "\x93NUMPY";
  file += {version, '\0', static_cast<char>(dictionary.size()), '\0'};
  if (version > 1)
    file += {'\0', '\0'};
  return file + dictionary + payload;
}

Tensor parse(const std::string &file) { return parseNpy(std::as_bytes(std::span(file)), "x"); }

std::string floats(std::initializer_list<float> values) {
  return {reinterpret_cast<const char *>(values.begin()), values.size() * sizeof(float)};
}

TEST(Npy, ReadsEveryVersion) {
  for (char version : {1, 2, 3}) {
    Tensor tensor = parse(
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1), }", floats({1.5f, -2}), version));
    EXPECT_EQ(shapeText(tensor.type(), tensor.dims()), "2x1xf32");
    EXPECT_EQ(elementAsDouble(tensor.type(), tensor.data(), 1), -2);
  }
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
  EXPECT_EQ(parse(npy("{'descr': '<f4', 'fortran_order': False, 'shape': ()}", floats({3}))).value().rank, 0);
  EXPECT_EQ(parse(npy("{'shape': (0, 5), 'descr': '|b1', 'fortran_order': True}", "")).bytes(), 0u);
}

TEST(Npy, TransposesFortranOrder) {
  Tensor tensor =
      parse(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", floats({0, 3, 1, 4, 2, 5})));
  for (int64_t i = 0; i < 6; ++i)
    EXPECT_EQ(elementAsDouble(TAMIS_F32, tensor.data(), i), static_cast<double>(i));
}

TEST(Npy, SaysWhatItRefuses) {
  auto refuses = [](const std::string &dictionary, const char *reason) {
    expectError(ExitCode::Refused, reason, [&] { parse(npy(dictionary, "12345678")); });
  };
  refuses("{'descr': '>f4', 'fortran_order': False, 'shape': (2,)}", "big-endian");
  refuses("{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", "'<c8' are not supported");
  refuses("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (2,)}", "structured");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (3,)}",
          "3xf32 needs 12 bytes, the file holds 8");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 3)}", "too large");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", "damaged");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "damaged");
  refuses("{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,2)}", "dimensions");
  refuses("{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", "damaged");
  refuses("{'descr': '<f4', 'shape': (2,)}", "damaged");
  expectError(ExitCode::Refused, "version 4.0", [] { parse(npy("{}", "", 4)); });
  expectError(ExitCode::Refused, "is not an npy array", [] { parse("not a file of NumPy"); });
}

TEST(Npy, WritesWhatItReads) {
  for (TamisType type : {TAMIS_F32, TAMIS_U8, TAMIS_I8, TAMIS_U16, TAMIS_I16, TAMIS_I32, TAMIS_I64,
                         TAMIS_BOOL, TAMIS_F16, TAMIS_F64, TAMIS_U32, TAMIS_U64, TAMIS_BF16}) {
    for (std::vector<int64_t> dims : {std::vector<int64_t>{}, {5}, {2, 0}, {1, 2, 3, 1, 1, 1, 1, 2}}) {
      std::string file = formatNpyHeader(type, dims);
      EXPECT_EQ(file.size() % 64, 0u);
      file.resize(file.size() + *byteCount(type, dims), 1);
      Tensor tensor = parse(file);
      EXPECT_EQ(shapeText(tensor.type(), tensor.dims()), shapeText(type, dims));
    }
  }
}

TEST(Npy, SurvivesTruncationsAndFlips) {
  std::string file = formatNpyHeader(TAMIS_I32, std::vector<int64_t>{2, 2}) + std::string(16, 7);
  for (size_t length = 0; length < file.size(); ++length)
    expectError(ExitCode::Refused, "x: ", [&] { parse(file.substr(0, length)); });
  for (size_t bit = 0; bit < file.size() * 8; ++bit) {
    std::string flipped = file;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    try {
      parse(flipped); // a flip in the elements, or of blanks, cannot be seen
    } catch (const ToolError &error) {
      EXPECT_EQ(error.code, ExitCode::Refused);
    }
  }
}

} // namespace
} // namespace tamis::tools
