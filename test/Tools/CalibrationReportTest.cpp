//===- CalibrationReportTest.cpp - What a calibration found, for people and programs ---------===//

#include "ToolsTest.h"

#include "CalibrationPage.h"
#include "CalibrationReport.h"

#include <limits>
#include <nlohmann/json.hpp>

namespace tamis::tools {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// Two groups, in one of which nothing was certified.
CalibrationReport small() {
  CalibrationReport report;
  report.model = "a<b>&\"c\".onnx";
  report.requests = "requests.npz";
  report.precision = report.reference = "f32";
  report.precisions = {"f32"};
  report.loss = "cosine";
  report.output = "embedding";
  report.chosenStep = "step-2";
  report.promise = {0.1, 0.05, 0.05};
  report.searched = report.tested = 4;
  report.layers = {1};
  report.correlations = {0.5};
  report.possible = 30;
  CalibrationReport::Group shorter{"up to 64 tokens", 100, {}, {}}, longer{"above 64 tokens", 100, {}, {}};
  shorter.candidates = {{{0.9}, 0.92, 0}, {{0.5}, 0.6, 3}, {{0.7}, 0.75, 3}};
  shorter.tests = {{0, 100, 0, 0.01, 0.03, true}, {1, 100, 9, 0.9, 0.15, false}};
  longer.candidates = {{{0.9}, 0.91, 20}};
  longer.tests = {{0, 100, 30, 1, 0.4, false}};
  report.groups = {shorter, longer};
  report.baselines = {{"linear", 0.9, 0.01, 0, 0}, {"linear", 0.5, 0.2, 0, 0},  {"random", 0.9, 0.02, 0, 0},
                      {"random", 0.5, 0.4, 0, 0},  {"stride", 0.9, 0.01, 0, 0}, {"stride", 0.5, 0.3, 0, 0}};
  report.outcomes = {
      {"a", 10, 0, {9}}, {"b", 10, -1e-9, {9}}, {"c", 30, 0.2, {15}}, {"d", 20, infinite, {10}}};
  report.worst = {{report.outcomes[3], {{101, "<s>", {}}, {7, "", 1}, {{}, "", {}}}}};
  report.denseMs = 40;
  report.chosenMs = 20;
  return report;
}

TEST(CalibrationReport, TheLastTestThatPassedIsChosen) {
  CalibrationReport report = small();
  ASSERT_NE(report.groups[0].chosen(), nullptr);
  EXPECT_EQ(report.groups[0].chosen()->keep, std::vector<double>{0.9});
  EXPECT_EQ(report.groups[1].chosen(), nullptr);
}

TEST(CalibrationReport, TheHistogramCountsEveryFiniteLoss) {
  std::vector<CalibrationReport::Bin> bins = small().lossHistogram();
  EXPECT_EQ(bins.front().from, 0);
  EXPECT_EQ(bins.front().count, 2);
  EXPECT_DOUBLE_EQ(bins.back().to, 0.2);
  EXPECT_EQ(bins.back().count, 1);
  int64_t all = 0;
  for (size_t i = 0; i < bins.size(); ++i) {
    all += bins[i].count;
    EXPECT_LT(bins[i].from, bins[i].to);
    if (i)
      EXPECT_DOUBLE_EQ(bins[i].from, bins[i - 1].to);
  }
  EXPECT_EQ(all, 3);
  // Losses of 0, and an eps of 0, still have a bin.
  CalibrationReport equal = small();
  equal.promise.eps = 0;
  equal.outcomes.resize(1);
  EXPECT_EQ(equal.lossHistogram().front().count, 1);
}

TEST(CalibrationReport, RangesOfLengthsDivideTheRequests) {
  std::vector<CalibrationReport::LengthRange> ranges = small().keptByLength();
  ASSERT_EQ(ranges.size(), 3);
  EXPECT_EQ(ranges[0].shortest, 10);
  EXPECT_EQ(ranges[0].longest, 10);
  EXPECT_EQ(ranges[0].requests, 2);
  EXPECT_DOUBLE_EQ(ranges[0].kept[0], 0.9);
  EXPECT_EQ(ranges[2].longest, 30);
  EXPECT_DOUBLE_EQ(ranges[2].kept[0], 0.5);
}

TEST(CalibrationReport, SaysWhereTheScoreDoesNotBeatTheBaselines) {
  EXPECT_EQ(
      small().comparisons(),
      (std::vector<std::string>{
          "Where 90% of the tokens are kept, the score loses 0.01 on average: less than random (0.02), but "
          "it does not beat stride (0.01).",
          "Where 50% of the tokens are kept, the score loses 0.2 on average: less than random (0.4) and "
          "stride (0.3)."}));
}

TEST(CalibrationReport, JsonHoldsAllOfIt) {
  nlohmann::ordered_json json = nlohmann::ordered_json::parse(jsonOf(small()).dump());
  EXPECT_EQ(json["schema"], "tamis.calibration.v1");
  EXPECT_EQ(json["groups"][0]["chosen"], std::vector<double>{0.9});
  EXPECT_TRUE(json["groups"][1]["chosen"].is_null());
  EXPECT_EQ(json["groups"][0]["tests"][1]["keep"], std::vector<double>{0.5});
  EXPECT_TRUE(json["outcomes"][3]["loss"].is_null()) << "an infinite loss is no number of JSON";
  EXPECT_EQ(json["worst"][0]["tokens"][1]["left_out_before_layer"], 1);
  EXPECT_TRUE(json["worst"][0]["tokens"][0]["left_out_before_layer"].is_null());
  EXPECT_TRUE(json["worst"][0]["tokens"][1]["text"].is_null());
  EXPECT_TRUE(json["worst"][0]["tokens"][2]["id"].is_null());
  EXPECT_TRUE(json["times"]["onnxruntime_ms_per_request"].is_null());
  EXPECT_EQ(json["reference"], "f32");
  EXPECT_EQ(json["precisions"], std::vector<std::string>{"f32"});
  EXPECT_EQ(json["possible"], 30);
  EXPECT_EQ(json["untried"], 0);
  EXPECT_TRUE(json["accuracy"].is_null());
  CalibrationReport labelled = small();
  labelled.accuracy = Accuracy{0.75, 0.5};
  json = jsonOf(labelled);
  EXPECT_EQ(json["accuracy"]["dense"], 0.75);
  EXPECT_EQ(json["accuracy"]["chosen"], 0.5);
}

TEST(CalibrationReport, HasRulesAndThresholds) {
  CalibrationReport report = small();
  report.rule = "merge";
  report.rules = {"linear", "merge"};
  nlohmann::ordered_json json = jsonOf(report);
  EXPECT_EQ(json["rule"], "merge");
  EXPECT_EQ(json["rules"], (std::vector<std::string>{"linear", "merge"}));
  EXPECT_FALSE(json["groups"][0]["candidates"][0].contains("skip")) << "there are no experts";
  report.groups[0].candidates[0].skip = 0.1;
  report.groups[0].candidates[0].operations = 0.8;
  json = jsonOf(report);
  EXPECT_EQ(json["groups"][0]["candidates"][0]["skip"], 0.1);
  EXPECT_EQ(json["groups"][0]["candidates"][0]["operations"], 0.8);
  EXPECT_EQ(json["groups"][0]["candidates"][0]["rows"], 0.92);
  EXPECT_EQ(json["groups"][0]["tests"][0]["skip"], 0.1);
}

TEST(CalibrationPage, SaysWhatWasMergedAndSkipped) {
  CalibrationReport report = small();
  report.rule = "merge";
  report.rules = {"linear", "merge"};
  report.merges = true;
  report.groups[0].candidates[0].skip = 0.1;
  std::string page = pageOf(report);
  EXPECT_NE(page.find("Of the rules linear, merge, merge was the fastest with a certificate."),
            std::string::npos);
  EXPECT_NE(page.find("90% in layer 1; experts below 10% of a token&#39;s sum skipped"), std::string::npos);
  EXPECT_NE(page.find("<del title=\"merged in layer 1\">7</del>"), std::string::npos);
  EXPECT_EQ(page.find("before layer"), std::string::npos);
}

TEST(CalibrationPage, EscapesNamesAndWords) {
  std::string page = pageOf(small());
  EXPECT_NE(page.find("<h1>Calibration of a&lt;b&gt;&amp;&quot;c&quot;.onnx</h1>"), std::string::npos);
  EXPECT_EQ(page.find("a<b>"), std::string::npos);
  EXPECT_NE(page.find("<span>&lt;s&gt;</span>"), std::string::npos);
  EXPECT_NE(page.find("<del title=\"left out before layer 1\">7</del>"), std::string::npos);
  EXPECT_NE(page.find("above 64 tokens</td><td class=\"number\">all: nothing less was certified"),
            std::string::npos);
}

TEST(CalibrationPage, SaysBesideWhatAndHowMuchWasTried) {
  CalibrationReport report = small();
  std::string page = pageOf(report);
  EXPECT_NE(page.find("beside the dense answer at f32)"), std::string::npos);
  EXPECT_NE(page.find("All 30 candidates were tried."), std::string::npos);
  report.precision = "int8";
  report.precisions = {"f32", "int8"};
  report.untried = 29;
  report.accuracy = Accuracy{0.75, 0.5};
  page = pageOf(report);
  EXPECT_NE(page.find("beside the dense answers at f32 and at int8)"), std::string::npos);
  EXPECT_NE(page.find("Tamis, dense, int8<"), std::string::npos);
  EXPECT_NE(page.find("29 of 30 candidates were left untried"), std::string::npos);
  EXPECT_NE(page.find("50.0% have the answer that is their label, instead of 75.0%"), std::string::npos);
}

TEST(CalibrationPage, ShowsTheTimeOfOnnxRuntimeWhereItIsGiven) {
  CalibrationReport report = small();
  EXPECT_NE(pageOf(report).find("ONNX Runtime is not shown"), std::string::npos);
  report.onnxRuntimeMs = 12.5;
  std::string page = pageOf(report);
  EXPECT_EQ(page.find("ONNX Runtime is not shown"), std::string::npos);
  EXPECT_NE(page.find("12.500 ms</td><td class=\"number\">0.80"), std::string::npos);
}

} // namespace
} // namespace tamis::tools
