//===- InputTextTest.cpp - Inputs spelled on the command line ------------------------------===//

#include "ToolsTest.h"

#include "InputText.h"
#include "Npy.h"

#include <cmath>

namespace tamis::tools {
namespace {

std::string elements(const std::string &text) {
  auto [name, tensor] = parseInputText(text);
  std::string result = name + " " + shapeText(tensor.type(), tensor.dims());
  for (int64_t i = 0; i < elementCount(tensor.dims()); ++i)
    result += " " + std::to_string(elementAsDouble(tensor.type(), tensor.data(), i)).substr(0, 5);
  return result;
}

TEST(InputText, ReadsElements) {
  EXPECT_EQ(elements("x=2x2xi64=[[1 2][3 4]]"), "x 2x2xi64 1.000 2.000 3.000 4.000");
  EXPECT_EQ(elements("x=2x2xi64=[[1, 2], [3, 4]]"), "x 2x2xi64 1.000 2.000 3.000 4.000");
  EXPECT_EQ(elements("x=2x2xf32=[1 2 3 -4.5]"), "x 2x2xf32 1.000 2.000 3.000 -4.50");
  EXPECT_EQ(elements("x=2xf32=1,2"), "x 2xf32 1.000 2.000");
  EXPECT_EQ(elements("x=3xi8=-7"), "x 3xi8 -7.00 -7.00 -7.00");
  EXPECT_EQ(elements("x=u64=5"), "x u64 5.000");
  EXPECT_EQ(elements("x=3xi1=[true false 1]"), "x 3xbool 1.000 0.000 1.000");
  EXPECT_EQ(elements("x=2xf16=[0.5 inf]"), "x 2xf16 0.500 inf");
  EXPECT_EQ(elements("x=2xbf16=[1e3 -0.25]"), "x 2xbf16 1000. -0.25");
  EXPECT_EQ(elements("x=0x4xf32=[]"), "x 0x4xf32");
  EXPECT_EQ(elements("x=0x4xf32=0"), "x 0x4xf32");
  EXPECT_EQ(elements("x=2x0xf32=[[][]]"), "x 2x0xf32");
}

TEST(InputText, ReadsFiles) {
  TestFolder folder;
  writeText(folder.file("x.bin"), std::string("\x01\0\x02\0", 4));
  EXPECT_EQ(elements("x=2xu16=@" + folder.file("x.bin")), "x 2xu16 1.000 2.000");
  writeText(folder.file("x.npy"), formatNpyHeader(TAMIS_U8, std::vector<int64_t>{2}) + "\x01\x02");
  EXPECT_EQ(elements("x=@" + folder.file("x.npy")), "x 2xu8 1.000 2.000");
  expectError(ExitCode::Refused, "holds 4 bytes", [&] { elements("x=3xu16=@" + folder.file("x.bin")); });
  expectError(ExitCode::System, "cannot open", [&] { elements("x=@" + folder.file("y.npy")); });
}

TEST(InputText, SaysWhatIsMalformed) {
  auto malformed = [](const std::string &text, const char *reason) {
    expectError(ExitCode::Usage, reason, [&] { elements(text); });
  };
  malformed("x", "is not of the form");
  malformed("=2xi8=1", "is not of the form");
  malformed("x=2xi8", "is not of the form");
  malformed("x=2x2xi9=1", "'i9' is no element type");
  malformed("x=ax2xi8=1", "is no shape and type");
  malformed("x=2xi8=[1 300]", "'300' is no i8");
  malformed("x=2xu8=[1 -1]", "'-1' is no u8");
  malformed("x=2xi64=[1 1.5]", "'1.5' is no i64");
  malformed("x=2xi8=[1 2 3]", "has 2 elements, 3 are given");
  malformed("x=2x2xi8=[[1 2][3]]", "dimension 1 of 2x2xi8 has 2 items, 1 are given");
  malformed("x=2x2xi8=[[1 2]]", "dimension 0 of 2x2xi8 has 2 items, 1 are given");
  malformed("x=2x2xi8=[[[1 2][3 4]]]", "'[' is not expected");
  malformed("x=2x2xi8=[[1 2][3 4]", "']' is missing at the end");
  malformed("x=2xi8=[1 2]]", "is left over");
  malformed("x=2xi8=", "has 2 elements, 0 are given");
  expectError(ExitCode::Refused, "too large", [] { elements("x=99999999999x99999999999xi8=1"); });
}

TEST(InputText, SurvivesTruncations) {
  std::string text = "x=2x2xbf16=[[1 -2e3], [nan 4]]";
  for (size_t length = 0; length < text.size(); ++length)
    expectError(ExitCode::Usage, "--input", [&] { elements(text.substr(0, length)); });
}

TEST(SmallFloats, RoundToNearestEven) {
  uint16_t bits;
  auto as = [&](TamisType type, double value) {
    storeFloat(type, &bits, 0, value);
    return elementAsDouble(type, &bits, 0);
  };
  EXPECT_EQ(as(TAMIS_F16, 65504), 65504);
  EXPECT_EQ(as(TAMIS_F16, 65519.9), 65504);
  EXPECT_TRUE(std::isinf(as(TAMIS_F16, 65520)));
  EXPECT_EQ(as(TAMIS_F16, 2049), 2048); // a tie, to even
  EXPECT_EQ(as(TAMIS_F16, 2051), 2052);
  EXPECT_EQ(as(TAMIS_F16, std::ldexp(1, -24)), std::ldexp(1, -24));
  EXPECT_EQ(as(TAMIS_F16, std::ldexp(1, -26)), 0);
  EXPECT_EQ(as(TAMIS_BF16, 257), 256);
  EXPECT_TRUE(std::isnan(as(TAMIS_BF16, NAN)));
  // Every number of either format is read back as it was.
  for (TamisType type : {TAMIS_F16, TAMIS_BF16}) {
    for (int number = 0; number < 65536; ++number) {
      uint16_t before = static_cast<uint16_t>(number);
      double value = elementAsDouble(type, &before, 0);
      storeFloat(type, &bits, 0, value);
      if (!std::isnan(value)) {
        ASSERT_EQ(bits, before);
      }
    }
  }
}

} // namespace
} // namespace tamis::tools
