//===- InputsTest.cpp - The checks of a run's inputs ----------------------------------------------------===//
#include "TestModel.h"

using namespace tamis;
using namespace tamis::test;

static void emptyEntry(TamisHost *, const TamisTensor *inputs, TamisTensor *outputs) {
  outputs[0] = inputs[0];
}

namespace {
class InputsTest : public testing::Test {
protected:
  InputsTest() : model(emptyEntry, description()) {}
  static Description description() {
    Description three;
    three.inputs = {{"ids", TAMIS_I64, {{-1, "batch"}, {-1, "length", 1, 512}}},
                    {"mask", TAMIS_I64, {{-1, "batch"}, {-1, "length"}}},
                    {"scale", TAMIS_F32, {{3}, {-1}, {-1, "many", 2}}}};
    three.outputs = {{"y", TAMIS_I64, {{-1}, {-1}}}};
    return three;
  }
  void SetUp() override {
    ASSERT_EQ(tamis_context_create(model.model, nullptr, &context, &error), TAMIS_OK) << error.message;
    resetValues();
  }
  void TearDown() override { tamis_context_destroy(context); }
  TamisStatus run() { return tamis_run(context, values, 3, nullptr, &error); }
  void refused(const char *reason, TamisStatus status = TAMIS_ERROR_INPUT) {
    EXPECT_EQ(run(), status);
    EXPECT_TRUE(error.mentions(reason)) << error.message;
    resetValues();
    EXPECT_EQ(run(), TAMIS_OK) << error.message;
  }
  void resetValues() {
    values[0] = {TAMIS_I64, 2, {2, 4}, numbers};
    values[1] = {TAMIS_I64, 2, {2, 4}, numbers};
    values[2] = {TAMIS_F32, 3, {3, 1, 2}, numbers};
  }

  alignas(8) int64_t numbers[64] = {};
  EmbeddedModel model;
  TamisContext *context = nullptr;
  TamisValue values[3];
  Error error;
};
} // namespace

TEST_F(InputsTest, Counts) {
  EXPECT_EQ(tamis_run(context, values, 2, nullptr, &error), TAMIS_ERROR_INPUT);
  EXPECT_STREQ(error.message, "2 inputs were given; the model takes 3");
  EXPECT_EQ(tamis_run(context, values, -1, nullptr, &error), TAMIS_ERROR_INPUT);
  EXPECT_EQ(tamis_run(context, nullptr, 3, nullptr, &error), TAMIS_ERROR_USAGE);
}

TEST_F(InputsTest, TypesAndRanks) {
  values[0].type = TAMIS_I32;
  refused("input 'ids' has elements of type i32; the model takes i64");
  values[0].type = static_cast<TamisType>(77);
  refused("an unknown type");
  values[1].rank = 1;
  refused("input 'mask' has 1 dimensions; the model takes 2");
  values[1].rank = -1;
  refused("dimensions");
}

TEST_F(InputsTest, Sizes) {
  values[2].dims[0] = 4;
  refused("input 'scale': dimension 0 is 4; the model takes 3");
  values[2].dims[1] = -1;
  refused("dimension 1 is negative");
  values[0].dims[1] = values[1].dims[1] = 513;
  refused("dimension 1 ('length') is 513; the model was compiled for 1 to 512");
  values[2].dims[2] = 1;
  refused("compiled for 2 or more");
  values[1].dims[1] = 5;
  refused("input 'mask': dimension 1 ('length') is 5, but it is 4 in dimension 1 of input 'ids'");
  values[2].dims[1] = INT64_MAX;
  refused("larger than any memory");
  values[2].dims[1] = int64_t(1) << 45;
  refused("larger than any memory");
  values[2].dims[1] = 0;
  values[2].dims[2] = INT64_MAX;
  refused("larger than any memory");
}

TEST_F(InputsTest, Data) {
  values[0].data = nullptr;
  refused("input 'ids' has no data");
  values[0].data = reinterpret_cast<char *>(numbers) + 4;
  refused("not aligned to its elements of 8 bytes");
  values[2].data = reinterpret_cast<char *>(numbers) + 4;
  EXPECT_EQ(run(), TAMIS_OK) << error.message;
  values[0].data = values[1].data = nullptr;
  values[0].dims[0] = values[1].dims[0] = 0;
  EXPECT_EQ(run(), TAMIS_OK) << "no elements, no data: " << error.message;
}

TEST_F(InputsTest, OptionsWithoutASize) {
  TamisRunOptions options = TAMIS_RUN_OPTIONS_INIT;
  options.size = 3;
  EXPECT_EQ(tamis_run(context, values, 3, &options, &error), TAMIS_ERROR_USAGE);
}
