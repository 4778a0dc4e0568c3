//===- LayoutTest.cpp - The order of a weight's elements ---------------------------------------------===//
#include "../../../lib/Dialect/Weight/Evaluation/Layout.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <numeric>

using namespace tamis;

/// Element by element: where each of them comes from.
static std::vector<char> permuted(const std::vector<char> &in, const std::vector<int64_t> &sizes,
                                  const std::vector<int64_t> &perm, size_t width) {
  std::vector<char> out;
  size_t count = in.size() / width;
  for (size_t number = 0; number < count; ++number) {
    // The place in `out`, from the last dimension on, is one in `in`.
    std::vector<size_t> index(sizes.size());
    size_t rest = number, source = 0;
    for (size_t d = perm.size(); d-- > 0;) {
      auto size = static_cast<size_t>(sizes[static_cast<size_t>(perm[d])]);
      index[static_cast<size_t>(perm[d])] = rest % size;
      rest /= size;
    }
    for (size_t d = 0; d < sizes.size(); ++d)
      source = source * static_cast<size_t>(sizes[d]) + index[d];
    out.insert(out.end(), in.begin() + static_cast<std::ptrdiff_t>(source * width),
               in.begin() + static_cast<std::ptrdiff_t>((source + 1) * width));
  }
  return out;
}

TEST(Layout, PermutesAnyRankAndWidth) {
  // Beyond a tile in two dimensions, and with dimensions of 1 and 0.
  for (const std::vector<int64_t> &sizes : std::vector<std::vector<int64_t>>{
           {}, {5}, {1, 7}, {67, 130}, {3, 65, 2}, {2, 3, 4, 5}, {2, 0, 3}, {2, 1, 66, 3, 2}})
    for (size_t width : {1, 2, 4, 8}) {
      auto count =
          static_cast<size_t>(std::accumulate(sizes.begin(), sizes.end(), int64_t(1), std::multiplies<>()));
      std::vector<char> in(count * width), out(in.size());
      for (size_t i = 0; i < in.size(); ++i)
        in[i] = static_cast<char>(i * 7 + i / 251);
      std::vector<int64_t> perm(sizes.size());
      std::iota(perm.begin(), perm.end(), 0);
      do {
        permute(in, sizes, perm, width, out);
        EXPECT_EQ(out, permuted(in, sizes, perm, width))
            << testing::PrintToString(perm) << " of width " << width;
      } while (std::next_permutation(perm.begin(), perm.end()));
    }
}

TEST(Layout, UnpacksTheLowestBitsFirst) {
  std::vector<char> in = {static_cast<char>(0x81), 0x7f}, four(4), two(8);
  unpackBits(in, 4, /*isSigned=*/false, four);
  EXPECT_EQ(four, (std::vector<char>{1, 8, 15, 7}));
  unpackBits(in, 4, /*isSigned=*/true, four);
  EXPECT_EQ(four, (std::vector<char>{1, -8, -1, 7}));
  unpackBits(in, 2, /*isSigned=*/false, two);
  EXPECT_EQ(two, (std::vector<char>{1, 0, 0, 2, 3, 3, 3, 1}));
  unpackBits(in, 2, /*isSigned=*/true, two);
  EXPECT_EQ(two, (std::vector<char>{1, 0, 0, -2, -1, -1, -1, 1}));
}
