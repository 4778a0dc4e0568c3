//===- CalibrationPage.cpp - The report of a calibration as an HTML page ----------------===//

#include "CalibrationPage.h"

#include "CalibrationReport.h"
#include "HtmlText.h"
#include "SvgPlot.h"
#include "tamis/runtime.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace tamis::tools {

namespace {

using Candidate = CalibrationReport::Candidate;
using Group = CalibrationReport::Group;

constexpr const char *kStyle = R"(
:root { color-scheme: light dark; --text: #1d2430; --faint: #5d6675; --rule: #d9dde3; --page: #fff; --score: #1762b8;
        --good: #157a3d; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e4e7ec; --faint: #9aa3b2; --rule: #38404d; --page: #14181f; --score: #6cb0ff; --good: #5ecb8b;
          --bad: #ff8a80; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); max-width: 52rem;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; } h3 { font-size: 1rem; }
table { border-collapse: collapse; } td, th { padding: .2rem .8rem .2rem 0; text-align: left;
       border-bottom: 1px solid var(--rule); } td.number, th.number { text-align: right; }
.note, figcaption { color: var(--faint); font-size: .875rem; } figure { margin: 1rem 0; }
.wide { overflow-x: auto; }
svg { width: 100%; height: auto; } svg text { fill: var(--faint); font: 12px system-ui, sans-serif; }
.grid { stroke: var(--rule); } .limit { stroke: var(--bad); stroke-dasharray: 5 4; }
polyline { fill: none; stroke: var(--score); } path { fill: none; } .candidate { fill: var(--rule); }
circle.front { fill: var(--score); } .passed { fill: var(--good); } .failed { stroke: var(--bad); stroke-width: 2; }
.chosen { fill: var(--page); stroke: var(--good); stroke-width: 3; } .bar { fill: var(--score); }
.tokens { overflow-wrap: anywhere; } .tokens del { color: var(--bad); } .tokens span, .tokens del { margin-right: .3em; }
)";

std::string element(const std::string &name, const std::string &content) {
  return fmt::format("<{0}>{1}</{0}>\n", name, content);
}
std::string heading(const std::string &text) { return element("h2", htmlText(text)); }
std::string paragraph(const std::string &text) { return element("p", htmlText(text)); }
std::string note(const std::string &text) {
  return fmt::format("<p class=\"note\">{}</p>\n", htmlText(text));
}
std::string figure(const SvgPlot &plot, const std::string &caption) {
  return element("figure", plot.text() + element("figcaption", htmlText(caption)));
}

/// A table whose first column is text and whose others are numbers.
std::string table(const std::vector<std::string> &titles, const std::vector<std::vector<std::string>> &rows) {
  auto row = [](const char *cell, const std::vector<std::string> &texts) {
    std::string cells;
    for (size_t i = 0; i < texts.size(); ++i)
      cells += fmt::format("<{0}{1}>{2}</{0}>", cell, i ? " class=\"number\"" : "", htmlText(texts[i]));
    return element("tr", cells);
  };
  std::string body;
  for (const std::vector<std::string> &texts : rows)
    body += row("td", texts);
  return fmt::format("<div class=\"wide\"><table>\n<thead>{}</thead>\n<tbody>\n{}</tbody>\n</table></div>\n",
                     row("th", titles), body);
}

std::string percent(double share) { return fmt::format("{:.1f}%", 100 * share); }

std::string lossText(double loss) { return std::isfinite(loss) ? fmt::format("{:.4g}", loss) : "infinite"; }

/// Where tokens are left out, or merged.
const char *placeText(const CalibrationReport &report) { return report.merges ? "in layer" : "before layer"; }

/// "70% before layer 0, 50% before layer 2".
std::string keepText(const CalibrationReport &report, const Candidate &candidate) {
  const std::vector<double> &keep = candidate.keep;
  std::string text;
  for (size_t i = 0; i < keep.size(); ++i)
    text += fmt::format("{}{:g}% {} {}", i ? ", " : "", 100 * keep[i], placeText(report), report.layers[i]);
  if (candidate.skip)
    text += fmt::format("; experts below {:g}% of a token's sum skipped", 100 * *candidate.skip);
  return text;
}

double violationShare(const Group &group, const Candidate &candidate) {
  return group.searched ? static_cast<double>(candidate.violations) / static_cast<double>(group.searched) : 0;
}

/// No other candidate has fewer operations and no more violations.
std::vector<const Candidate *> frontOf(const Group &group) {
  std::vector<const Candidate *> sorted, front;
  for (const Candidate &candidate : group.candidates)
    sorted.push_back(&candidate);
  std::ranges::sort(sorted, [](const Candidate *a, const Candidate *b) {
    return a->violations != b->violations ? a->violations < b->violations : a->operations < b->operations;
  });
  for (const Candidate *candidate : sorted)
    if (front.empty() || candidate->operations < front.back()->operations)
      front.push_back(candidate);
  return front;
}

std::string summaryOf(const CalibrationReport &report) {
  const calibration::Promise &promise = report.promise;
  std::string text = paragraph(
      fmt::format("With confidence {:g}%, at most {:g}% of requests like these have an answer whose loss "
                  "({} of '{}', beside the {}) is above {:g}. The step {} is chosen.",
                  100 * (1 - promise.delta), 100 * promise.alpha, report.loss, report.output,
                  report.precision == report.reference
                      ? fmt::format("dense answer at {}", report.reference)
                      : fmt::format("dense answers at {} and at {}", report.reference, report.precision),
                  promise.eps, report.chosenStep));
  if (report.precisions.size() > 1)
    text += paragraph(fmt::format("Of the precisions {}, {} was the fastest with a certificate.",
                                  fmt::to_string(fmt::join(report.precisions, ", ")), report.precision));
  if (report.rules.size() > 1)
    text += paragraph(fmt::format("Of the rules {}, {} was the fastest with a certificate.",
                                  fmt::to_string(fmt::join(report.rules, ", ")), report.rule));
  if (report.accuracy)
    text += paragraph(fmt::format(
        "Of the requests tested, {} have the answer that is their label, instead of {} of the dense answers "
        "at {}.",
        percent(report.accuracy->chosen), percent(report.accuracy->dense), report.reference));
  std::vector<std::vector<std::string>> rows;
  for (const Group &group : report.groups) {
    const Candidate *chosen = group.chosen();
    const calibration::Tested *proof = nullptr;
    for (const calibration::Tested &test : group.tests)
      proof = test.passed ? &test : proof;
    rows.push_back({group.name, chosen ? keepText(report, *chosen) : "all: nothing less was certified",
                    chosen ? percent(chosen->rows) : "100%", chosen ? percent(chosen->operations) : "100%",
                    proof ? fmt::format("{} of {}", proof->violations, proof->requests) : "none",
                    proof ? percent(proof->bound) : "0%"});
  }
  return text + table({"Requests", "Tokens kept", "Rows of all layers", "Operations", "Beyond eps, tested",
                       "Certified bound"},
                      rows);
}

std::string timesOf(const CalibrationReport &report) {
  auto row = [&](const std::string &name, double perRequest) {
    double dense = report.denseMs / static_cast<double>(report.tested);
    return std::vector<std::string>{name, fmt::format("{:.3f} ms", perRequest),
                                    fmt::format("{:.2f}", dense / perRequest)};
  };
  auto count = static_cast<double>(report.tested);
  std::vector<std::vector<std::string>> rows = {
      row(fmt::format("Tamis, dense, {}", report.precision), report.denseMs / count),
      row(fmt::format("Tamis, {}, {}", report.chosenStep, report.precision), report.chosenMs / count)};
  if (report.onnxRuntimeMs)
    rows.push_back(row("ONNX Runtime, as it was given", *report.onnxRuntimeMs));
  std::string text = heading("Time") +
                     table({"", "A request, on average", "Times as fast as Tamis, dense"}, rows) +
                     note(fmt::format("Of the {} requests tested, one after the other.", report.tested));
  if (!report.onnxRuntimeMs)
    text += note("ONNX Runtime is not shown: Tamis does not hold it. Measure it on the same machine and give "
                 "its time with --onnxruntime-ms.");
  return text;
}

std::string plotOf(const CalibrationReport &report, const Group &group) {
  double most = 2 * report.promise.alpha;
  for (const calibration::Tested &test : group.tests)
    most = std::max(most, test.bound);
  double least = 1;
  for (const Candidate &candidate : group.candidates)
    least = std::min(least, candidate.operations);
  SvgPlot plot(fmt::format("Operations and violations of the candidates, {}", group.name),
               {"operations, of the dense ones", std::max(0.0, least - 0.02), 1, /*isShare=*/true},
               {"requests beyond eps", 0, std::min(1.0, 1.05 * most), /*isShare=*/true});
  plot.horizontal(report.promise.alpha, fmt::format("alpha {:g}%", 100 * report.promise.alpha));
  std::vector<const Candidate *> front = frontOf(group);
  SvgPlot::Points points;
  for (const Candidate *candidate : front)
    points.push_back({candidate->operations, violationShare(group, *candidate)});
  plot.line(points, "front");
  for (const Candidate &candidate : group.candidates)
    plot.dot(candidate.operations, violationShare(group, candidate),
             std::ranges::find(front, &candidate) != front.end() ? "front" : "candidate",
             fmt::format("keeps {}: {} of {} searched beyond eps", keepText(report, candidate),
                         candidate.violations, group.searched));
  for (const calibration::Tested &test : group.tests) {
    const Candidate &candidate = group.candidates[test.candidate];
    std::string text =
        fmt::format("keeps {}: {} of {} tested beyond eps, bound {}; {}", keepText(report, candidate),
                    test.violations, test.requests, percent(test.bound), test.passed ? "passed" : "failed");
    if (test.passed)
      plot.dot(candidate.operations, test.bound, &candidate == group.chosen() ? "chosen" : "passed", text);
    else
      plot.cross(candidate.operations, test.bound, "failed", text);
  }
  return element("h3", htmlText(group.name)) +
         figure(plot,
                "Dots: candidates on the half that was searched, those of the front joined by a line. Above "
                "them, at their certified bounds: tests on the other half that passed (filled), the last of "
                "them, which is chosen (a ring), and one that failed (a cross).");
}

std::string baselinesOf(const CalibrationReport &report) {
  std::string text = heading("Rules beside each other");
  for (const std::string &sentence : report.comparisons())
    text += paragraph(sentence);
  std::vector<std::vector<std::string>> rows;
  for (const CalibrationReport::Baseline &baseline : report.baselines)
    rows.push_back({baseline.rule == "linear" ? "score" : baseline.rule, percent(baseline.keep),
                    lossText(baseline.meanLoss), lossText(baseline.medianLoss), lossText(baseline.p95Loss)});
  text += table({"Rule", "Tokens kept", "Mean loss", "Median", "95th percentile"}, rows) +
          note(fmt::format("At {}, on requests of the half that was searched.", report.reference));
  for (size_t i = 0; i < report.layers.size() && !report.comparisons().empty(); ++i)
    text +=
        note(fmt::format("Before layer {} the score follows what context does for a token with correlation "
                         "{:.2f}.",
                         report.layers[i], report.correlations[i]));
  return text;
}

std::string lossesOf(const CalibrationReport &report) {
  std::vector<CalibrationReport::Bin> bins = report.lossHistogram();
  int64_t most = 1, finite = 0;
  for (const CalibrationReport::Bin &bin : bins) {
    most = std::max(most, bin.count);
    finite += bin.count;
  }
  SvgPlot plot("Losses of the requests tested", {"loss", 0, bins.back().to},
               {"requests", 0, 1.05 * static_cast<double>(most)});
  for (const CalibrationReport::Bin &bin : bins)
    if (bin.count)
      plot.bar(bin.from, bin.to, static_cast<double>(bin.count), "bar",
               fmt::format("{} requests from {:.4g} to {:.4g}", bin.count, bin.from, bin.to));
  plot.vertical(report.promise.eps, fmt::format("eps {:g}", report.promise.eps));
  std::string text =
      heading("Losses") + figure(plot, fmt::format("Of the {} requests tested, at the step {}.",
                                                   report.tested, report.chosenStep));
  if (auto infinite = static_cast<int64_t>(report.outcomes.size()) - finite)
    text += paragraph(fmt::format("{} requests more have an answer that is no number.", infinite));
  return text;
}

std::string keptOf(const CalibrationReport &report) {
  std::vector<std::string> titles = {"Tokens of a request", "Requests"};
  for (int64_t layer : report.layers)
    titles.push_back(fmt::format("Kept {} {}", placeText(report), layer));
  std::vector<std::vector<std::string>> rows;
  for (const CalibrationReport::LengthRange &range : report.keptByLength()) {
    rows.push_back({range.shortest == range.longest ? fmt::format("{}", range.shortest)
                                                    : fmt::format("{} to {}", range.shortest, range.longest),
                    fmt::format("{}", range.requests)});
    for (double kept : range.kept)
      rows.back().push_back(percent(kept));
  }
  return heading("Tokens kept, by layer and length") + table(titles, rows) +
         note("Of all tokens of the requests tested, at the chosen step.");
}

std::string worstOf(const CalibrationReport &report) {
  std::string text = heading("The requests that lose most");
  for (const CalibrationReport::WorstRequest &worst : report.worst) {
    std::string tokens;
    for (size_t i = 0; i < worst.tokens.size(); ++i) {
      const CalibrationReport::Token &token = worst.tokens[i];
      std::string word =
          !token.text.empty() ? token.text : fmt::format("{}", token.id.value_or(static_cast<int64_t>(i)));
      if (token.leftOutBefore)
        tokens += fmt::format("<del title=\"{} {} {}\">{}</del>\n", report.merges ? "merged" : "left out",
                              placeText(report), *token.leftOutBefore, htmlText(word));
      else
        tokens += fmt::format("<span>{}</span>\n", htmlText(word));
    }
    text += element("h3", htmlText(fmt::format("{}: loss {}, {} tokens", worst.outcome.name,
                                               lossText(worst.outcome.loss), worst.outcome.length))) +
            fmt::format("<p class=\"tokens\">{}</p>\n", tokens);
  }
  bool hasIds = std::ranges::any_of(report.worst, [](const auto &worst) {
    return std::ranges::any_of(worst.tokens, [](const auto &token) { return token.id.has_value(); });
  });
  std::string what = report.merges ? "merged into others" : "left out";
  return text + note(hasIds ? fmt::format("Tokens are struck through where they were {}.", what)
                            : fmt::format("The requests have no input_ids, so the numbers are the tokens' "
                                          "places, from 0. Those that were {} are struck through.",
                                          what));
}

} // namespace

std::string pageOf(const CalibrationReport &report) {
  std::string title = htmlText("Calibration of " + report.model);
  std::string body = element("h1", title) + summaryOf(report) + timesOf(report);
  body +=
      heading("What was searched") +
      paragraph(report.untried ? fmt::format("{} of {} candidates were left untried when the time was over.",
                                             report.untried, report.possible)
                               : fmt::format("All {} candidates were tried.", report.possible));
  for (const Group &group : report.groups)
    body += plotOf(report, group);
  body += baselinesOf(report) + lossesOf(report) + keptOf(report) + worstOf(report);
  body += note(
      fmt::format("Made by tamis {} of the requests {}: {} were searched, {} tested, split by the seed {}.",
                  tamis_version(), report.requests, report.searched, report.tested, report.seed));
  return fmt::format("<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n"
                     "<meta charset=\"utf-8\"/>\n<meta name=\"viewport\" content=\"width=device-width\"/>\n"
                     "<title>{}</title>\n<style>{}</style>\n</head>\n<body>\n{}</body>\n</html>\n",
                     title, kStyle, body);
}

} // namespace tamis::tools
