/* Runs the models `small` and `large`, which are linked in, and `library`, a shared library, on what
 * make_weights.py wrote, and prints whether they agree with it: embedded FOLDER. */
#include "large.h"
#include "library.h"
#include "small.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS = 3 };

static float *readFloats(const char *folder, const char *name, long count) {
  char path[4096];
  snprintf(path, sizeof(path), "%s/%s", folder, name);
  float *values = malloc(sizeof(float) * (size_t)count);
  FILE *file = fopen(path, "rb");
  if (!values || !file || fread(values, sizeof(float), (size_t)count, file) != (size_t)count) {
    fprintf(stderr, "cannot read %s\n", path);
    exit(1);
  }
  fclose(file);
  return values;
}

#define RUN(model, data, rows, columns)                                                                      \
  do {                                                                                                       \
    float *x = readFloats(argv[1], data ".x", ROWS * rows),                                                  \
          *y = readFloats(argv[1], data ".y", ROWS * columns);                                               \
    model##_inputs inputs = {.x = x, .x_dims = {ROWS, rows}};                                                \
    model##_outputs outputs;                                                                                 \
    TamisError error = TAMIS_ERROR_INIT;                                                                     \
    TamisModel *loaded = NULL;                                                                               \
    TamisContext *context = NULL;                                                                            \
    if (model##_model_load(NULL, NULL, &loaded, &error) != TAMIS_OK ||                                       \
        tamis_context_create(loaded, NULL, &context, &error) != TAMIS_OK ||                                  \
        model##_run(context, &inputs, &outputs, &error) != TAMIS_OK) {                                       \
      fprintf(stderr, "%s: %s\n", #model, error.message);                                                    \
      return 1;                                                                                              \
    }                                                                                                        \
    int wrong = 0;                                                                                           \
    for (int i = 0; i < ROWS * columns; ++i)                                                                 \
      wrong += !(fabsf(outputs.y[i] - y[i]) <= 1e-3f);                                                       \
    printf("%s: %d of %d differ\n", #model, wrong, ROWS * columns);                                          \
    tamis_context_destroy(context);                                                                          \
    tamis_model_destroy(loaded);                                                                             \
    free(x);                                                                                                 \
    free(y);                                                                                                 \
  } while (0)

int main(int argc, char **argv) {
  if (argc != 2)
    return 1;
  RUN(small, "small", 8, 24);
  RUN(large, "large", 1024, 2560);
  RUN(library, "large", 1024, 2560);
  return 0;
}
