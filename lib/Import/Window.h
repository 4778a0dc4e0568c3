//===- Window.h - Windows of convolutions and pools -----------------------------------------------------===//
#ifndef TAMIS_LIB_IMPORT_WINDOW_H
#define TAMIS_LIB_IMPORT_WINDOW_H

#include "Node.h"

namespace tamis::import {

/// A window that moves over the spatial dimensions of x [N, C, ...]. Its places are unrolled: each is a slice
/// of the padded x, which has one element for each place that the window comes to.
class Window {
public:
  /// Reads the attributes of `node`, whose input 0 is x; fails with an error. `kernel` has the sizes of the
  /// window.
  static llvm::FailureOr<Window> read(Node &node, llvm::ArrayRef<int64_t> kernel);

  /// The places in the window, last dimension fastest.
  int64_t numPlaces() const;
  /// x with `fill` around it.
  mlir::Value pad(Node &node, mlir::Value x, double fill) const { return pad(node, x, fill, begins, ends); }
  /// x with `fill` where a last window reaches over the padding (ceil_mode).
  mlir::Value padRest(Node &node, mlir::Value x, double fill) const;
  /// What place `i` of the window sees of a padded x.
  mlir::Value at(Node &node, mlir::Value padded, int64_t i) const;
  bool isPadded() const;
  /// Whether an input is as large as the window, as far as its sizes are known.
  bool fits(mlir::RankedTensorType input) const;
  /// Whether a window may lie in the padding alone.
  bool hasWidePads() const;
  bool hasRest() const {
    return llvm::any_of(rests, [](int64_t rest) { return rest != 0; });
  }
  /// A window of one place that goes to every element.
  bool isTrivial() const;
  int64_t rank() const { return kernel.size(); }

private:
  mlir::Value pad(Node &node, mlir::Value x, double fill, llvm::ArrayRef<int64_t> before,
                  llvm::ArrayRef<int64_t> behind) const;
  int64_t extent(int64_t i) const { return (kernel[i] - 1) * dilations[i] + 1; }

  llvm::SmallVector<int64_t> kernel, strides, dilations, begins, ends, rests;
};

} // namespace tamis::import

#endif
