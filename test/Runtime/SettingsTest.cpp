//===- SettingsTest.cpp - What a run may leave out ------------------------------------------------------===//
#include "TestModel.h"
#include <limits>

using namespace tamis;
using namespace tamis::test;

// Writes its two settings to the output's first two elements, and reports the first as rows, of which the
// last ones go on.
static void showSettings(TamisHost *host, const TamisTensor *inputs, TamisTensor *outputs) {
  outputs[0] = inputs[0];
  auto *out = static_cast<float *>(host->allocate(host, inputs[0].dims[0] * 16));
  out[0] = host->settings[0];
  out[1] = host->settings[1];
  outputs[0].data = out;
  auto kept = int64_t(100 * host->settings[0]);
  int64_t places[100];
  for (int64_t i = 0; i < kept; ++i)
    places[i] = 100 - kept + i;
  host->tokens(host, 1, 100, kept, places);
  host->tokens(host, -1, 50, 50, places);
}

namespace {
class Settings : public testing::Test {
protected:
  void SetUp() override {
    description.policy = PolicySpec{{{"first"}, {"second", 2, -1, 3}},
                                    {{"dense", {1, 2}}, {"half", {0.5F, 3}}, {"little", {0.25F, -1}}},
                                    1};
  }
  void load(const TamisContextOptions *options = nullptr) {
    embedded.emplace(showSettings, description);
    Error error;
    ASSERT_EQ(tamis_context_create(embedded->model, options, &context, &error), TAMIS_OK) << error.message;
  }
  void TearDown() override { tamis_context_destroy(context); }
  void expect(float first, float second) {
    float data[4] = {};
    TamisValue input = floats({1, 4}, data), output;
    Error error;
    ASSERT_EQ(tamis_run(context, &input, 1, nullptr, &error), TAMIS_OK) << error.message;
    ASSERT_EQ(tamis_context_output(context, 0, &output, &error), TAMIS_OK);
    EXPECT_EQ(static_cast<const float *>(output.data)[0], first);
    EXPECT_EQ(static_cast<const float *>(output.data)[1], second);
  }

  Description description;
  std::optional<EmbeddedModel> embedded;
  TamisContext *context = nullptr;
};
} // namespace

TEST_F(Settings, AreThoseOfTheChosenStep) {
  load();
  EXPECT_EQ(tamis_model_step_count(embedded->model), 3);
  EXPECT_STREQ(tamis_model_step_name(embedded->model, 2), "little");
  EXPECT_EQ(tamis_model_step_name(embedded->model, 3), nullptr);
  EXPECT_EQ(tamis_context_step(context), 1);
  expect(0.5F, 3);
}

TEST_F(Settings, FollowTheStep) {
  load();
  Error error;
  for (auto [step, first, second] : {std::tuple(0, 1.0F, 2.0F), {2, 0.25F, -1.0F}, {1, 0.5F, 3.0F}}) {
    ASSERT_EQ(tamis_context_set_step(context, step, &error), TAMIS_OK) << error.message;
    EXPECT_EQ(tamis_context_step(context), step);
    expect(first, second);
  }
  EXPECT_EQ(tamis_context_set_step(context, 3, &error), TAMIS_ERROR_USAGE);
  EXPECT_EQ(tamis_context_set_step(context, -1, &error), TAMIS_ERROR_USAGE);
  EXPECT_EQ(tamis_context_step(context), 1);
}

TEST_F(Settings, MayBeAnyWithinTheirBounds) {
  load();
  TamisSetting setting;
  Error error;
  ASSERT_EQ(tamis_model_setting_count(embedded->model), 2);
  ASSERT_EQ(tamis_model_setting(embedded->model, 1, &setting, &error), TAMIS_OK);
  EXPECT_STREQ(setting.name, "second");
  EXPECT_EQ(setting.dense, 2);
  EXPECT_EQ(setting.min, -1);
  EXPECT_EQ(setting.max, 3);
  EXPECT_EQ(tamis_model_setting(embedded->model, 2, &setting, &error), TAMIS_ERROR_USAGE);
  const float fine[] = {0.125F, -1};
  ASSERT_EQ(tamis_context_set_settings(context, fine, 2, &error), TAMIS_OK) << error.message;
  EXPECT_EQ(tamis_context_step(context), -1);
  expect(0.125F, -1);
  for (float wrong : {-0.1F, 1.1F, std::numeric_limits<float>::quiet_NaN()}) {
    const float values[] = {wrong, 0};
    EXPECT_EQ(tamis_context_set_settings(context, values, 2, &error), TAMIS_ERROR_USAGE);
    EXPECT_STREQ(error.message, "the setting 'first' takes a number from 0 to 1");
  }
  EXPECT_EQ(tamis_context_set_settings(context, fine, 1, &error), TAMIS_ERROR_USAGE);
  expect(0.125F, -1);
}

TEST_F(Settings, TokensAreReported) {
  load();
  expect(0.5F, 3);
  TamisTokenLayer layers[3] = {};
  ASSERT_EQ(tamis_context_tokens(context, layers, 1), 2);
  EXPECT_STREQ(layers[0].name, "/layer/1");
  EXPECT_EQ(layers[0].rows, 100);
  EXPECT_EQ(layers[0].kept, 50);
  EXPECT_EQ(layers[1].name, nullptr);
  ASSERT_EQ(tamis_context_tokens(context, layers, 3), 2);
  EXPECT_STREQ(layers[1].name, "");
  // Those of the last run alone.
  expect(0.5F, 3);
  EXPECT_EQ(tamis_context_tokens(context, nullptr, 0), 2);
  EXPECT_EQ(tamis_context_tokens(nullptr, nullptr, 0), 0);
}

TEST_F(Settings, TokensAreShown) {
  struct Seen {
    std::string name;
    int64_t rows;
    std::vector<int64_t> places;
  };
  std::vector<Seen> all;
  TamisContextOptions options = TAMIS_CONTEXT_OPTIONS_INIT;
  options.token_observer_user = &all;
  options.token_observer = [](void *user, const TamisTokenObservation *seen) {
    EXPECT_EQ(seen->size, sizeof(TamisTokenObservation));
    static_cast<std::vector<Seen> *>(user)->push_back(
        {seen->name, seen->rows, {seen->places, seen->places + seen->kept}});
  };
  load(&options);
  expect(0.5F, 3);
  ASSERT_EQ(all.size(), 2);
  EXPECT_EQ(all[0].name, "/layer/1");
  EXPECT_EQ(all[0].rows, 100);
  ASSERT_EQ(all[0].places.size(), 50);
  EXPECT_EQ(all[0].places.front(), 50);
  EXPECT_EQ(all[0].places.back(), 99);
  EXPECT_EQ(all[1].name, "");
  EXPECT_EQ(all[1].rows, 50);
}

TEST_F(Settings, ThereAreNoneWithoutAPolicy) {
  description.policy.reset();
  EmbeddedModel plain(showSettings, description);
  Error error;
  ASSERT_EQ(tamis_context_create(plain.model, nullptr, &context, &error), TAMIS_OK);
  EXPECT_EQ(tamis_model_step_count(plain.model), 0);
  EXPECT_EQ(tamis_model_setting_count(plain.model), 0);
  EXPECT_EQ(tamis_context_step(context), -1);
  EXPECT_EQ(tamis_context_set_step(context, 0, &error), TAMIS_ERROR_USAGE);
  EXPECT_STREQ(error.message, "there is no step 0: the model has 0; compile it with a policy");
  const float none[] = {0};
  EXPECT_EQ(tamis_context_set_settings(context, none, 0, &error), TAMIS_ERROR_USAGE);
  tamis_context_destroy(context);
  context = nullptr;
}

// Of a header that was damaged, every part is refused.
TEST_F(Settings, AreChecked) {
  auto refused = [&](auto damage, const char *text) {
    std::vector<std::vector<uint8_t>> segments;
    Description damaged = copyDescription(segments);
    damaged.policy = PolicySpec();
    damage(*damaged.policy);
    TemporaryFile file(buildFile(damaged, segments));
    TamisModel *model;
    Error error;
    EXPECT_EQ(tamis_model_load(file.path.c_str(), nullptr, &model, &error), TAMIS_ERROR_ARTIFACT);
    EXPECT_NE(std::string(error.message).find(text), std::string::npos) << error.message;
  };
  refused([](PolicySpec &policy) { policy.chosen = 2; }, "its policy has no settings, too many, or no step");
  refused([](PolicySpec &policy) { policy.settings.clear(); },
          "its policy has no settings, too many, or no step");
  refused([](PolicySpec &policy) { policy.steps[1].values = {1, 1}; },
          "a step has not one value for each setting");
  refused([](PolicySpec &policy) { policy.steps[1].values = {2}; },
          "a step has a value out of its setting's bounds");
  refused([](PolicySpec &policy) { policy.steps[1].values = {std::numeric_limits<float>::quiet_NaN()}; },
          "a step has a value out of its setting's bounds");
  refused([](PolicySpec &policy) { policy.promise = PolicySpec::Promise{0, 1, 0.1, 0.1}; },
          "promises something impossible");
  refused([](PolicySpec &policy) { policy.promise = PolicySpec::Promise{3, 0, 0.1, 0.1}; },
          "promises something impossible");
  refused([](PolicySpec &policy) { policy.promise = PolicySpec::Promise{0, 0, 0.1, 1}; },
          "promises something impossible");
  refused([](PolicySpec &policy) { policy.settings[0].min = 2; }, "a setting has impossible bounds");
  refused([](PolicySpec &policy) { policy.settings[0].dense = std::numeric_limits<float>::quiet_NaN(); },
          "a setting has impossible bounds");
}
