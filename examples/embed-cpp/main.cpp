// A model loaded from a file by a C++ program: embed-cpp encoder.tamis
#include <cstdio>
#include <tamis/runtime.hpp>
#include <vector>

int main(int argc, char **argv) try {
  tamis::Model model(argc > 1 ? argv[1] : "encoder.tamis");
  tamis::Context context(model, {.threads = 2});

  // Two sequences of token ids; the second is shorter, so its last two places are padding.
  std::vector<int64_t> ids = {12, 7, 45, 3, 88, 12, 9, 31, 0, 0};
  std::vector<int64_t> mask = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0};
  context.run({tamis::input<int64_t>(ids, {2, 5}), tamis::input<int64_t>(mask, {2, 5})});

  auto embedding = context.output<float>(1);
  for (int64_t row = 0; row < embedding.dims[0]; ++row) {
    auto values = embedding.data.subspan(row * embedding.dims[1], embedding.dims[1]);
    std::printf("sequence %d: %.4f %.4f %.4f ...\n", int(row), values[0], values[1], values[2]);
  }
  TamisReport report = context.report();
  std::printf("%d of %d tokens computed\n", int(report.tokens_computed), int(report.tokens_in));
  return 0;
} catch (const tamis::Error &error) {
  std::fprintf(stderr, "embed-cpp: %s\n", error.what());
  return 1;
}
