//===- SvgPlot.cpp - A plot with two axes, as SVG in an HTML page -----------------------===//

#include "SvgPlot.h"

#include "HtmlText.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace tamis::tools {

namespace {

// Of the whole picture, and of the plot in it, in pixels.
constexpr double kWidth = 640, kHeight = 320, kLeft = 64, kRight = 624, kTop = 16, kBottom = 268;

/// Round numbers within an axis, about five of them.
std::vector<double> ticksOf(const SvgPlot::Axis &axis) {
  double rough = (axis.high - axis.low) / 5, power = std::pow(10, std::floor(std::log10(rough)));
  double step = power;
  for (double factor : {2.0, 5.0, 10.0})
    if (step < rough)
      step = factor * power;
  std::vector<double> ticks;
  for (double tick = std::ceil(axis.low / step) * step; tick <= axis.high + step * 1e-6; tick += step)
    ticks.push_back(std::abs(tick) < step * 1e-6 ? 0 : tick);
  return ticks;
}

std::string numberOf(const SvgPlot::Axis &axis, double value) {
  return axis.isShare ? fmt::format("{:.4g}%", 100 * value) : fmt::format("{:.4g}", value);
}

double within(const SvgPlot::Axis &axis, double value) {
  double part = (value - axis.low) / (axis.high - axis.low);
  return std::isnan(part) ? 1 : std::clamp(part, 0.0, 1.0);
}

std::string shape(const std::string &element, const std::string &style, const std::string &text) {
  return fmt::format("<{} class=\"{}\"><title>{}</title></{}>\n", element, style, htmlText(text),
                     element.substr(0, element.find(' ')));
}

} // namespace

SvgPlot::SvgPlot(const std::string &title, Axis x, Axis y) : title(title), x(std::move(x)), y(std::move(y)) {}

double SvgPlot::placeX(double value) const { return kLeft + (kRight - kLeft) * within(x, value); }
double SvgPlot::placeY(double value) const { return kBottom - (kBottom - kTop) * within(y, value); }

void SvgPlot::line(const Points &points, const std::string &style) {
  std::string list;
  for (auto [px, py] : points)
    list += fmt::format("{}{:.1f},{:.1f}", list.empty() ? "" : " ", placeX(px), placeY(py));
  drawn += fmt::format("<polyline class=\"{}\" points=\"{}\"/>\n", style, list);
}

void SvgPlot::dot(double px, double py, const std::string &style, const std::string &text) {
  drawn +=
      shape(fmt::format("circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"", placeX(px), placeY(py)), style, text);
}

void SvgPlot::cross(double px, double py, const std::string &style, const std::string &text) {
  double cx = placeX(px), cy = placeY(py), arm = 5;
  drawn += shape(fmt::format("path d=\"M{:.1f} {:.1f}l{} {}m0 {}l{} {}\"", cx - arm, cy - arm, 2 * arm,
                             2 * arm, -2 * arm, -2 * arm, 2 * arm),
                 style, text);
}

void SvgPlot::bar(double from, double to, double py, const std::string &style, const std::string &text) {
  double left = placeX(from), top = placeY(py);
  drawn += shape(fmt::format("rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"", left, top,
                             placeX(to) - left, kBottom - top),
                 style, text);
}

void SvgPlot::horizontal(double py, const std::string &label) {
  double at = placeY(py);
  drawn += fmt::format("<line class=\"limit\" x1=\"{}\" y1=\"{:.1f}\" x2=\"{}\" y2=\"{:.1f}\"/>\n"
                       "<text x=\"{}\" y=\"{:.1f}\">{}</text>\n",
                       kLeft, at, kRight, at, kLeft + 4, std::max(at - 5, kTop + 10), htmlText(label));
}

void SvgPlot::vertical(double px, const std::string &label) {
  double at = placeX(px);
  // On the side where there is room.
  bool isRight = at > (kLeft + kRight) / 2;
  drawn += fmt::format("<line class=\"limit\" x1=\"{:.1f}\" y1=\"{}\" x2=\"{:.1f}\" y2=\"{}\"/>\n"
                       "<text x=\"{:.1f}\" y=\"{}\" text-anchor=\"{}\">{}</text>\n",
                       at, kTop, at, kBottom, isRight ? at - 5 : at + 5, kTop + 10, isRight ? "end" : "start",
                       htmlText(label));
}

std::string SvgPlot::text() const {
  std::string svg = fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">\n", kWidth,
                                kHeight, htmlText(title));
  for (double tick : ticksOf(x))
    svg += fmt::format("<line class=\"grid\" x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\"/>"
                       "<text x=\"{0:.1f}\" y=\"{3}\" text-anchor=\"middle\">{4}</text>\n",
                       placeX(tick), kTop, kBottom, kBottom + 18, numberOf(x, tick));
  for (double tick : ticksOf(y))
    svg += fmt::format("<line class=\"grid\" x1=\"{1}\" y1=\"{0:.1f}\" x2=\"{2}\" y2=\"{0:.1f}\"/>"
                       "<text x=\"{3}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
                       placeY(tick), kLeft, kRight, kLeft - 8, placeY(tick) + 4, numberOf(y, tick));
  svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", (kLeft + kRight) / 2,
                     kHeight - 10, htmlText(x.label));
  svg += fmt::format("<text transform=\"translate(14 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
                     (kTop + kBottom) / 2, htmlText(y.label));
  return svg + drawn + "</svg>\n";
}

} // namespace tamis::tools
