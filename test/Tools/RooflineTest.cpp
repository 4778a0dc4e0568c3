//===- RooflineTest.cpp - Which peak an operation is measured against ----------------------===//

#include "ToolsTest.h"

#include "MachinePeaks.h"
#include "Profile.h"
#include "Roofline.h"

namespace tamis::tools {
namespace {

TEST(Roofline, KnowsTheUnitOfPrecisionAndLevel) {
  struct {
    const char *isa, *f32, *split, *bf16, *int8;
  } rows[] = {
      {"x86-64-v3", "fma-avx2", "fma-avx2", "fma-avx2", "int16-avx2"},
      {"x86-64-v3-vnni", "fma-avx2", "fma-avx2", "fma-avx2", "int8-avx2"},
      {"x86-64-v4", "fma-avx512", "fma-avx512", "fma-avx512", "int16-avx512"},
      {"x86-64-v4-vnni", "fma-avx512", "fma-avx512", "fma-avx512", "int8-avx512"},
      {"x86-64-v4-bf16", "fma-avx512", "fma-avx512", "bf16-avx512", "int8-avx512"},
      {"x86-64-v4-amx", "fma-avx512", "bf16-amx/3", "bf16-amx", "int8-amx"},
  };
  for (const auto &row : rows) {
    EXPECT_EQ(productUnit("nn.linear", "f32", row.isa).name(), row.f32);
    EXPECT_EQ(productUnit("nn.linear", "split-f32", row.isa).name(), row.split);
    EXPECT_EQ(productUnit("nn.linear", "bf16", row.isa).name(), row.bf16);
    EXPECT_EQ(productUnit("nn.linear", "int8", row.isa).name(), row.int8);
    EXPECT_EQ(productUnit("nn.linear", "int4", row.isa).name(),
              row.isa == std::string_view("x86-64-v4-amx") ? row.bf16 : row.int8);
    // The precision is that of the weights of nn.linear; these have their own.
    EXPECT_EQ(productUnit("nn.quantized_linear", "f32", row.isa).name(), row.int8);
    // Inside an attention, what int8 is for weights is bf16.
    EXPECT_EQ(productUnit("nn.attention", "f32", row.isa).name(), row.f32);
    EXPECT_EQ(productUnit("nn.attention", "split-f32", row.isa).name(), row.split);
    EXPECT_EQ(productUnit("nn.attention", "bf16", row.isa).name(), row.bf16);
    EXPECT_EQ(productUnit("nn.attention", "int8", row.isa).name(), row.bf16);
    EXPECT_EQ(productUnit("nn.attention", "int4", row.isa).name(), row.bf16);
    EXPECT_EQ(productUnit("nn.layer_norm", "bf16", row.isa).name(), row.f32);
    // Each is a unit that can be measured where the code runs.
    for (const char *precision : {"f32", "split-f32", "bf16", "int8", "int4"}) {
      ProductUnit unit = productUnit("nn.linear", precision, row.isa);
      EXPECT_EQ(arithmeticUnit(unit.unit).name, std::string_view(unit.unit));
    }
  }
}

Roofline example() {
  return {"int8",
          "x86-64-v4-vnni",
          {{"fma-avx512", 200}, {"int8-avx512", 800}},
          {{"L2", 1000, 100}, {"L3", 10000, 50}, {"DRAM", std::numeric_limits<int64_t>::max(), 10}}};
}

TEST(Roofline, TakesTheLevelThatHoldsTheData) {
  Roofline roofline = example();
  // What the operation before made is as near as it is small; weights are as far as a run is long.
  EXPECT_EQ(roofline.shareOfMemory("nn.layer_norm", 20, 1000, 50000).peak, "L2");
  EXPECT_EQ(roofline.shareOfMemory("nn.layer_norm", 20, 1001, 50000).peak, "L3");
  EXPECT_EQ(roofline.shareOfMemory("nn.layer_norm", 20, 10001, 50000).peak, "DRAM");
  EXPECT_EQ(roofline.shareOfMemory("nn.linear", 20, 10, 10000).peak, "L3");
  EXPECT_EQ(roofline.shareOfMemory("nn.linear", 20, 10, 10001).peak, "DRAM");
  EXPECT_DOUBLE_EQ(roofline.shareOfMemory("nn.linear", 5, 10, 10001).share, 0.5);
  EXPECT_DOUBLE_EQ(roofline.shareOfUnit("nn.linear", 200).share, 0.25);
  EXPECT_DOUBLE_EQ(roofline.shareOfUnit("nn.attention", 50).share, 0.25); // no bf16 at this level
}

TEST(Roofline, IsShownByTheProfile) {
  Profile profile;
  // 400 of 800 Gop/s, 12 of 10 GB/s; then 1 of 200 Gop/s, 80 of 100 GB/s.
  profile.add(
      {{"/query", "nn.linear", 0, 1000, 400000, 12000}, {"/norm", "nn.layer_norm", 1000, 1010, 10, 800}},
      1100);
  nlohmann::ordered_json json = profile.json(example());
  EXPECT_EQ(json["peaks"]["gops"]["int8-avx512"], 800);
  EXPECT_EQ(json["peaks"]["gbps"]["DRAM"], 10);
  auto query = json["operations"][0], norm = json["operations"][1];
  EXPECT_EQ(query["unit"], "int8-avx512");
  EXPECT_DOUBLE_EQ(query["of_unit"], 0.5);
  EXPECT_EQ(query["level"], "DRAM");
  EXPECT_DOUBLE_EQ(query["of_level"], 1.2);
  EXPECT_EQ(norm["unit"], "fma-avx512");
  EXPECT_DOUBLE_EQ(norm["of_unit"], 0.005);
  EXPECT_EQ(norm["level"], "L2");
  EXPECT_DOUBLE_EQ(norm["of_level"], 0.8);
  std::string table = profile.table(example());
  EXPECT_NE(table.find(" 120% DRAM "), std::string::npos) << table;
  EXPECT_NE(table.find("  80% L2 "), std::string::npos) << table;
}

TEST(MemoryLevels, CountsTheCachesInUse) {
  MemoryLevel own{"L2", 1000, 2}, shared{"L3", 10000, 16};
  EXPECT_EQ(own.cachesOf(2, 16), 2); // threads keep apart while there are caches
  EXPECT_EQ(own.cachesOf(16, 16), 8);
  EXPECT_EQ(shared.cachesOf(16, 16), 1);
  EXPECT_EQ(shared.cachesOf(2, 4), 1);
  EXPECT_EQ(memoryLevels().back().name, "DRAM");
}

} // namespace
} // namespace tamis::tools
