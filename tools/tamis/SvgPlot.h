//===- SvgPlot.h - A plot with two axes, as SVG in an HTML page -------------------------===//
//
// What is drawn has classes and no colours: those are of the page's style sheet, which knows light and dark.
//
//===------------------------------------------------------------------------------------===//
#ifndef TAMIS_TOOLS_SVGPLOT_H
#define TAMIS_TOOLS_SVGPLOT_H

#include <string>
#include <utility>
#include <vector>

namespace tamis::tools {

class SvgPlot {
public:
  /// From `low` to `high`, low < high, both finite. What is outside is drawn at the edge.
  struct Axis {
    std::string label;
    double low, high;
    bool isShare = false; // its numbers are shown as percent
  };
  using Points = std::vector<std::pair<double, double>>;

  /// `title` is what is read to those who do not see the plot.
  SvgPlot(const std::string &title, Axis x, Axis y);

  /// Each has a class for the style sheet; `text` is shown where the pointer rests.
  void line(const Points &points, const std::string &style);
  void dot(double x, double y, const std::string &style, const std::string &text);
  void cross(double x, double y, const std::string &style, const std::string &text);
  /// From the x axis up to y.
  void bar(double from, double to, double y, const std::string &style, const std::string &text);
  /// Across the whole plot, with a label at its end.
  void horizontal(double y, const std::string &label);
  void vertical(double x, const std::string &label);

  /// The svg element.
  std::string text() const;

private:
  double placeX(double x) const;
  double placeY(double y) const;

  std::string title, drawn;
  Axis x, y;
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_SVGPLOT_H
