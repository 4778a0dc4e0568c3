//===- Window.cpp - Windows of convolutions and pools ---------------------------------------------------===//
#include "Window.h"
#include <limits>

using namespace mlir;

namespace tamis::import {

/// Each place is a slice of its own, and the time to compile grows faster than their number.
static constexpr int64_t mostPlaces = 64;

FailureOr<Window> Window::read(Node &node, ArrayRef<int64_t> kernel) {
  constexpr StringLiteral again = "export the model again";
  Window window;
  window.kernel.assign(kernel.begin(), kernel.end());
  size_t rank = kernel.size();
  auto list = [&](StringRef name, size_t size, int64_t otherwise) {
    return node.integers(name).value_or(SmallVector<int64_t>(size, otherwise));
  };
  window.strides = list("strides", rank, 1);
  window.dilations = list("dilations", rank, 1);
  SmallVector<int64_t> pads = list("pads", 2 * rank, 0);
  if (node.rank() != static_cast<int64_t>(rank) + 2)
    return node.fail(
        "has a window of " + Twine(rank) + " dimensions for an input of rank " + Twine(node.rank()), again);
  if (window.strides.size() != rank || window.dilations.size() != rank || pads.size() != 2 * rank)
    return node.fail("has strides, dilations or pads that are not those of its window", again);
  constexpr int64_t most = std::numeric_limits<int32_t>::max();
  auto outside = [&](int64_t least) { return [=](int64_t x) { return x < least || x > most; }; };
  if (llvm::any_of(window.kernel, outside(1)) || llvm::any_of(window.strides, outside(1)) ||
      llvm::any_of(window.dilations, outside(1)) || llvm::any_of(pads, outside(0)))
    return node.fail("has a window, strides or dilations that are not positive, or negative pads", again);
  int64_t places = 1;
  for (int64_t size : kernel)
    if (places *= size; places > mostPlaces)
      return node.fail("has a window of more than " + Twine(mostPlaces) + " places, which is not supported",
                       "export the model with a smaller window");
  window.begins.assign(pads.begin(), pads.begin() + rank);
  window.ends.assign(pads.begin() + rank, pads.end());

  StringRef mode = node.string("auto_pad", "NOTSET");
  bool isSame = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  if (!isSame && mode != "NOTSET" && mode != "VALID")
    return node.fail("has auto_pad = '" + mode + "', which is unknown", again);
  for (size_t i = 0; i < rank && mode != "NOTSET"; ++i) {
    // As many windows as there are strides in the input.
    int64_t stride = window.strides[i], size = Node::type(node.input(0)).getDimSize(2 + i), overlap = stride;
    if (isSame && stride != 1) {
      if (ShapedType::isDynamic(size))
        return node.fail("pads an unknown size by auto_pad, which is not supported",
                         "export the model with pads");
      overlap = size % stride == 0 ? stride : size % stride;
    }
    int64_t total = isSame ? std::max<int64_t>(window.extent(i) - overlap, 0) : 0;
    window.begins[i] = mode == "SAME_UPPER" ? total / 2 : total - total / 2;
    window.ends[i] = total - window.begins[i];
  }

  window.rests.assign(rank, 0);
  if (node.flag("ceil_mode", false))
    for (size_t i = 0; i < rank; ++i) {
      window.rests[i] = window.strides[i] - 1;
      // Else a last window could lie in the padding alone, and would not count.
      if (window.rests[i] && window.extent(i) - window.strides[i] < window.ends[i])
        return node.fail("has a ceil_mode whose last window may lie in the padding, which is not supported",
                         "export the model without ceil_mode");
    }
  return window;
}

int64_t Window::numPlaces() const {
  int64_t places = 1;
  for (int64_t size : kernel)
    places *= size;
  return places;
}

bool Window::isPadded() const {
  auto some = [](int64_t pad) { return pad != 0; };
  return llvm::any_of(begins, some) || llvm::any_of(ends, some);
}

bool Window::fits(RankedTensorType input) const {
  return llvm::all_of(llvm::seq<int64_t>(0, rank()), [&](int64_t i) {
    int64_t size = input.getDimSize(2 + i);
    return ShapedType::isDynamic(size) || size + begins[i] + ends[i] >= extent(i);
  });
}

bool Window::hasWidePads() const {
  return llvm::any_of(llvm::seq<int64_t>(0, rank()),
                      [&](int64_t i) { return std::max(begins[i], ends[i]) >= extent(i); });
}

bool Window::isTrivial() const {
  return numPlaces() == 1 && !isPadded() && llvm::all_of(strides, [](int64_t stride) { return stride == 1; });
}

Value Window::pad(Node &node, Value x, double fill, ArrayRef<int64_t> before,
                  ArrayRef<int64_t> behind) const {
  SmallVector<int64_t> pads = {0, 0};
  llvm::append_range(pads, before);
  pads.append(2, 0);
  llvm::append_range(pads, behind);
  if (!x || llvm::all_of(pads, [](int64_t pad) { return pad == 0; }))
    return x;
  return node.make<onnx::PadOp>(x, node.makeIntegers(pads),
                                node.makeScalar(fill, Node::type(x).getElementType()), "constant");
}

Value Window::padRest(Node &node, Value x, double fill) const {
  return pad(node, x, fill, SmallVector<int64_t>(rests.size(), 0), rests);
}

Value Window::at(Node &node, Value padded, int64_t place) const {
  SmallVector<int64_t> starts, stops, axes;
  for (int64_t i = rank() - 1; i >= 0; --i) {
    int64_t offset = place % kernel[i] * dilations[i], behind = extent(i) - 1 - offset;
    place /= kernel[i];
    starts.insert(starts.begin(), offset);
    stops.insert(stops.begin(), behind ? -behind : std::numeric_limits<int64_t>::max());
    axes.insert(axes.begin(), 2 + i);
  }
  return node.make<onnx::SliceOp>(padded, node.makeIntegers(starts), node.makeIntegers(stops),
                                  ArrayRef<int64_t>(axes), ArrayRef<int64_t>(strides));
}

} // namespace tamis::import
