//===- MonitorTest.cpp - Watching what a policy loses
//----------------------------------------------------===//
#include "Martingale.h"
#include "TestModel.h"
#include <cmath>
#include <limits>
#include <random>
#include <thread>

using namespace tamis;
using namespace tamis::test;

// Rows (1, 0, 0, 0), turned by what the input asks for as far as something is left out.
static void turnRow(TamisHost *host, const TamisTensor *inputs, TamisTensor *outputs) {
  outputs[0] = inputs[0];
  auto *out = static_cast<float *>(host->allocate(host, inputs[0].dims[0] * 16));
  outputs[0].data = out;
  const auto *x = static_cast<const float *>(inputs[0].data);
  for (int64_t row = 0; row < inputs[0].dims[0]; ++row, x += 4, out += 4) {
    float angle = x[0] * (1 - host->settings[0]);
    out[0] = std::cos(angle);
    out[1] = std::sin(angle);
    out[2] = out[3] = 0;
  }
}

namespace {
class Monitor : public testing::Test {
protected:
  void SetUp() override {
    description.policy = PolicySpec{{{"share"}}, {{"dense", {1}}, {"most", {0.75F}}, {"half", {0.5F}}}, 2};
    description.policy->promise = PolicySpec::Promise{0, 0, 0.1, 0.1};
  }
  void load(TamisMonitorOptions options) {
    embedded.emplace(turnRow, description);
    Error error;
    ASSERT_EQ(tamis_context_create(embedded->model, nullptr, &context, &error), TAMIS_OK) << error.message;
    ASSERT_EQ(tamis_monitor_create(embedded->model, &options, &monitor, &error), TAMIS_OK) << error.message;
  }
  void TearDown() override {
    tamis_monitor_destroy(monitor);
    tamis_context_destroy(context);
  }
  // A run whose dense and pruned answers are `angle` apart, were all left out.
  float run(float angle) {
    float data[4] = {angle};
    TamisValue input = floats({1, 4}, data), output;
    Error error;
    EXPECT_EQ(tamis_monitor_run(monitor, context, &input, 1, nullptr, &error), TAMIS_OK) << error.message;
    EXPECT_EQ(tamis_context_output(context, 0, &output, &error), TAMIS_OK) << error.message;
    return static_cast<const float *>(output.data)[1];
  }
  TamisMonitorState state() {
    TamisMonitorState state = TAMIS_MONITOR_STATE_INIT;
    EXPECT_EQ(tamis_monitor_state(monitor, &state, nullptr), TAMIS_OK);
    return state;
  }

  Description description;
  std::optional<EmbeddedModel> embedded;
  TamisContext *context = nullptr;
  TamisMonitor *monitor = nullptr;
};

TamisMonitorOptions everyRun() {
  TamisMonitorOptions options = TAMIS_MONITOR_OPTIONS_INIT;
  options.shadow_rate = 1;
  options.clean_samples = 5;
  return options;
}
} // namespace

TEST_F(Monitor, TheAnswerIsThatOfTheStep) {
  load(everyRun());
  EXPECT_NEAR(run(0.2F), std::sin(0.1F), 1e-6);
  TamisMonitorState now = state();
  EXPECT_EQ(now.step, 2);
  EXPECT_STREQ(now.step_name, "half");
  EXPECT_EQ(now.runs, 1);
  EXPECT_EQ(now.shadow_runs, 1);
  EXPECT_EQ(now.violations, 0);
  EXPECT_NEAR(now.last_loss, 1 - std::cos(0.1), 1e-6);
}

TEST_F(Monitor, StepsDownWhenThePromiseIsBroken) {
  load(everyRun());
  // 1 - cos(0.6) is above eps at a half, 1 - cos(0.3) is not at three quarters.
  int runs = 0;
  while (state().step == 2 && runs < 100) {
    run(1.2F);
    ++runs;
  }
  EXPECT_LT(runs, 15);
  EXPECT_EQ(state().step, 1);
  EXPECT_EQ(state().alarms, 1);
  EXPECT_NEAR(run(1.2F), std::sin(0.3F), 1e-6);
  // Now the step above is sampled too, and stays as bad as it is.
  for (int i = 0; i < 20; ++i)
    run(1.2F);
  EXPECT_EQ(state().step, 1);
  EXPECT_EQ(state().clean_samples, 0);
  // Five good samples in a row, and it is back.
  for (int i = 0; i < 4; ++i)
    run(0.2F);
  EXPECT_EQ(state().step, 1);
  EXPECT_EQ(state().clean_samples, 4);
  run(0.2F);
  EXPECT_EQ(state().step, 2);
  EXPECT_EQ(state().ascents, 1);
  EXPECT_NEAR(run(0.2F), std::sin(0.1F), 1e-6);
}

TEST_F(Monitor, StepsDownToTheDenseOne) {
  load(everyRun());
  // 1 - cos(0.75) and 1 - cos(1.5) are both above eps.
  for (int i = 0; i < 60 && state().step > 0; ++i)
    run(3);
  EXPECT_EQ(state().step, 0);
  EXPECT_EQ(state().alarms, 2);
  EXPECT_NEAR(run(3), 0, 1e-6);
  // Two alarms: twice as many good samples.
  for (int i = 0; i < 9; ++i)
    run(0.2F);
  EXPECT_EQ(state().step, 0);
  run(0.2F);
  EXPECT_EQ(state().step, 1);
}

TEST_F(Monitor, GoodSamplesThatAreNeededFollowFromAlpha) {
  TamisMonitorOptions options = everyRun();
  options.clean_samples = 0;
  load(options);
  while (state().step == 2)
    run(1.2F);
  // 0.9^29 is the first power below 5%.
  for (int i = 0; i < 28; ++i)
    run(0.2F);
  EXPECT_EQ(state().step, 1);
  run(0.2F);
  EXPECT_EQ(state().step, 2);
}

// Each sequence of a run keeps the promise or does not.
TEST_F(Monitor, SequencesAreSamples) {
  load(everyRun());
  float data[12] = {};
  TamisValue input = floats({3, 4}, data);
  Error error;
  ASSERT_EQ(tamis_monitor_run(monitor, context, &input, 1, nullptr, &error), TAMIS_OK) << error.message;
  EXPECT_EQ(state().shadow_runs, 1);
  EXPECT_EQ(state().samples, 3);
}

TEST_F(Monitor, ARunWithADeadlineIsNoSample) {
  load(everyRun());
  float data[4] = {0.1F};
  TamisValue input = floats({1, 4}, data);
  TamisRunOptions options = TAMIS_RUN_OPTIONS_INIT;
  options.deadline_ns = std::numeric_limits<int64_t>::max();
  Error error;
  ASSERT_EQ(tamis_monitor_run(monitor, context, &input, 1, &options, &error), TAMIS_OK) << error.message;
  EXPECT_EQ(state().runs, 1);
  EXPECT_EQ(state().shadow_runs, 0);
}

// An arena that is too small for the dense run, say: what the caller asked for is done.
TEST_F(Monitor, AShadowRunThatFailsIsNoSample) {
  embedded.emplace(
      [](TamisHost *host, const TamisTensor *inputs, TamisTensor *outputs) {
        if (host->settings[0] == 1)
          host->fail(host, 0, "the dense run fails");
        turnRow(host, inputs, outputs);
      },
      description);
  Error error;
  TamisMonitorOptions options = everyRun();
  ASSERT_EQ(tamis_context_create(embedded->model, nullptr, &context, &error), TAMIS_OK);
  ASSERT_EQ(tamis_monitor_create(embedded->model, &options, &monitor, &error), TAMIS_OK);
  EXPECT_NEAR(run(0.2F), std::sin(0.1F), 1e-6);
  EXPECT_EQ(state().shadow_runs, 0);
}

TEST_F(Monitor, WhatIsNoNumberIsAViolation) {
  load(everyRun());
  run(std::numeric_limits<float>::quiet_NaN());
  EXPECT_EQ(state().violations, 1);
  EXPECT_TRUE(std::isinf(state().greatest_loss));
  char text[2000];
  int64_t length = tamis_monitor_text(monitor, TAMIS_TEXT_JSON, text, sizeof(text));
  EXPECT_EQ(length, int64_t(strlen(text)));
  EXPECT_NE(std::string(text).find("\"violations\": 1,"), std::string::npos) << text;
  EXPECT_EQ(std::string(text).find("inf"), std::string::npos) << text;
}

TEST_F(Monitor, SamplesAShareOfTheRuns) {
  TamisMonitorOptions options = TAMIS_MONITOR_OPTIONS_INIT;
  options.shadow_rate = 0.05;
  load(options);
  for (int i = 0; i < 4000; ++i)
    run(0.1F);
  EXPECT_NEAR(double(state().shadow_runs), 200, 60);
  EXPECT_EQ(state().runs, 4000);
}

TEST_F(Monitor, SamplesNoneAtARateOfZero) {
  TamisMonitorOptions options = TAMIS_MONITOR_OPTIONS_INIT;
  options.shadow_rate = 0;
  load(options);
  for (int i = 0; i < 100; ++i)
    run(3);
  EXPECT_EQ(state().shadow_runs, 0);
  EXPECT_EQ(state().step, 2);
}

TEST_F(Monitor, OtherLosses) {
  description.policy->promise = PolicySpec::Promise{1, 0, 0.01, 0.1};
  load(everyRun());
  run(1);
  // Softmaxes of (1, 0, 0, 0) and (cos 0.5, sin 0.5, 0, 0).
  double a[4] = {1, 0, 0, 0}, b[4] = {double(std::cos(0.5F)), double(std::sin(0.5F)), 0, 0}, sumA = 0,
         sumB = 0, want = 0;
  for (int i = 0; i < 4; ++i) {
    sumA += std::exp(a[i]);
    sumB += std::exp(b[i]);
  }
  for (int i = 0; i < 4; ++i)
    want += std::exp(a[i]) / sumA * ((a[i] - b[i]) - std::log(sumA / sumB));
  EXPECT_NEAR(state().last_loss, want, 1e-6);
  EXPECT_GT(want, 0.01);
  EXPECT_EQ(state().violations, 1);
}

TEST_F(Monitor, OfTheGreatestElement) {
  description.policy->promise = PolicySpec::Promise{2, 0, 0, 0.1};
  load(everyRun());
  run(1); // (cos 0.5, sin 0.5): the first is the greatest still
  EXPECT_EQ(state().violations, 0);
  run(2); // (cos 1, sin 1): the second is
  EXPECT_EQ(state().violations, 1);
  EXPECT_EQ(state().last_loss, 1);
}

TEST_F(Monitor, MayServeManyThreads) {
  TamisMonitorOptions options = everyRun();
  options.shadow_rate = 0.5;
  load(options);
  auto work = [&] {
    Error error;
    TamisContext *own;
    ASSERT_EQ(tamis_context_create(embedded->model, nullptr, &own, &error), TAMIS_OK);
    for (int i = 0; i < 200; ++i) {
      float data[4] = {0.1F};
      TamisValue input = floats({1, 4}, data);
      EXPECT_EQ(tamis_monitor_run(monitor, own, &input, 1, nullptr, &error), TAMIS_OK) << error.message;
    }
    tamis_context_destroy(own);
  };
  std::thread other(work);
  work();
  other.join();
  EXPECT_EQ(state().runs, 400);
  EXPECT_EQ(state().violations, 0);
}

TEST_F(Monitor, NeedsAPromise) {
  description.policy->promise.reset();
  embedded.emplace(turnRow, description);
  Error error;
  EXPECT_EQ(tamis_monitor_create(embedded->model, nullptr, &monitor, &error), TAMIS_ERROR_USAGE);
  EXPECT_STREQ(error.message,
               "the model promises nothing that could be watched; compile it with a certified policy (tamis "
               "calibrate)");
  EXPECT_EQ(monitor, nullptr);
}

// A loss of labels, say: there are none in service.
TEST_F(Monitor, SaysWhatItCannotWatch) {
  description.policy->promise.reset();
  description.policy->certificate = R"({"loss": "label"})";
  embedded.emplace(turnRow, description);
  Error error;
  EXPECT_EQ(tamis_monitor_create(embedded->model, nullptr, &monitor, &error), TAMIS_ERROR_USAGE);
  EXPECT_STREQ(error.message,
               "the model's certificate is about a loss or an output that a monitor cannot watch; calibrate "
               "with the loss cosine, kl or argmax of an output of f32 (tamis calibrate --loss)");
  EXPECT_EQ(monitor, nullptr);

  description.policy->readsCache = true;
  embedded.emplace(turnRow, description);
  EXPECT_EQ(tamis_monitor_create(embedded->model, nullptr, &monitor, &error), TAMIS_ERROR_USAGE);
  EXPECT_STREQ(error.message,
               "the model's policy is about the caches of a decoder, which a monitor cannot watch; run it "
               "without one");
}

TEST_F(Monitor, ChecksItsOptions) {
  embedded.emplace(turnRow, description);
  for (auto change :
       {+[](TamisMonitorOptions &o) { o.shadow_rate = 1.5; },
        +[](TamisMonitorOptions &o) { o.false_alarm = 0; },
        +[](TamisMonitorOptions &o) { o.clean_samples = -1; }, +[](TamisMonitorOptions &o) { o.size = 0; }}) {
    TamisMonitorOptions options = TAMIS_MONITOR_OPTIONS_INIT;
    change(options);
    Error error;
    EXPECT_EQ(tamis_monitor_create(embedded->model, &options, &monitor, &error), TAMIS_ERROR_USAGE);
  }
}

// Over 10,000 runs of a service each, samples that keep the promise just so: at most a share of the alarms
// that were allowed.
TEST(MartingaleTest, FalseAlarmsAreRare) {
  constexpr int services = 10000, samples = 300;
  constexpr double alpha = 0.05, rate = 0.05, falseAlarm = 0.05;
  std::mt19937_64 random(7);
  std::bernoulli_distribution violation(rate);
  int alarms = 0;
  for (int service = 0; service < services; ++service) {
    Martingale test;
    test.begin(alpha);
    for (int i = 0; i < samples; ++i) {
      test.add(violation(random));
      if (test.wealth() >= 1 / falseAlarm) {
        ++alarms;
        break;
      }
    }
  }
  EXPECT_LE(alarms, services * falseAlarm);
}

// Three times as many violations as promised are found soon, and also after a long time in which all was
// well.
TEST(MartingaleTest, AShiftIsFound) {
  std::mt19937_64 random(8);
  std::bernoulli_distribution good(0.02), bad(0.3);
  for (int before : {0, 10000}) {
    int64_t total = 0;
    for (int service = 0; service < 200; ++service) {
      Martingale test;
      test.begin(0.05);
      for (int i = 0; i < before; ++i)
        test.add(good(random));
      int64_t needed = 0;
      for (; test.wealth() < 100 && needed < 1000; ++needed)
        test.add(bad(random));
      EXPECT_LT(needed, 200);
      total += needed;
    }
    EXPECT_LT(total / 200, before ? 70 : 40);
  }
}
