/*===- test-model-code.c - The machine code of the test artifact
 * -------------------------------------------===*
 *
 * y = 2 * x for real tokens and 0 for padding; ids = input_ids. The functions lie in a section of their own,
 * which the writer of the artifact copies as it stands: they call nothing and use no data.
 *
 *===------------------------------------------------------------------------------------------------------===*/
#include "tamis/code_abi.h"

#define IN_IMAGE __attribute__((section("tamis_image"), used, retain))

/* What the parallel body needs, by reference. */
struct Captures {
  const int64_t *mask;
  const float *x;
  float *y;
};

IN_IMAGE static void doubleRows(TamisHost *host, void *captures, int64_t begin, int64_t end, int64_t thread) {
  const struct Captures *c = captures;
  for (int64_t row = begin; row < end; ++row)
    for (int64_t i = 2 * row; i < 2 * row + 2; ++i)
      c->y[i] = c->mask[row] ? c->x[i] + c->x[i] : 0;
}

IN_IMAGE void tamisTestEntry(TamisHost *host, const TamisTensor *inputs, TamisTensor *outputs) {
  int64_t rows = inputs[0].dims[0] * inputs[0].dims[1];
  struct Captures captures = {inputs[1].data, inputs[2].data, host->allocate(host, rows * 8)};
  host->counters[TAMIS_COUNTER_TOKENS_IN] = rows;
  for (int64_t row = 0; row < rows; ++row)
    host->counters[TAMIS_COUNTER_TOKENS_COMPUTED] += captures.mask[row] != 0;
  host->parallel(host, doubleRows, &captures, rows, 4, 0, rows * 2, rows * 16);
  outputs[0].data = captures.y;
  for (int i = 0; i < 3; ++i)
    outputs[0].dims[i] = inputs[2].dims[i];
  outputs[1] = inputs[0];
}
