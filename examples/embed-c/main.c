/* A model that is part of a C program: encoder.h and encoder.o were made by `tamis compile --emit=object`. */
#include "encoder.h"
#include <stdio.h>

int main(void) {
  /* Two sequences of token ids; the second is shorter, so its last two places are padding. */
  const int64_t ids[] = {12, 7, 45, 3, 88, 12, 9, 31, 0, 0};
  const int64_t mask[] = {1, 1, 1, 1, 1, 1, 1, 1, 0, 0};
  encoder_inputs inputs = {
      .input_ids = ids, .input_ids_dims = {2, 5}, .attention_mask = mask, .attention_mask_dims = {2, 5}};
  encoder_outputs outputs;
  TamisError error = TAMIS_ERROR_INIT;
  TamisModel *model = NULL;
  TamisContext *context = NULL;

  int ok = encoder_model_load(NULL, NULL, &model, &error) == TAMIS_OK &&
           tamis_context_create(model, NULL, &context, &error) == TAMIS_OK &&
           encoder_run(context, &inputs, &outputs, &error) == TAMIS_OK;
  if (!ok)
    fprintf(stderr, "embed-c: %s\n", error.message);
  for (int64_t row = 0; ok && row < outputs.embedding_dims[0]; ++row) {
    const float *embedding = outputs.embedding + row * outputs.embedding_dims[1];
    printf("sequence %d: %.4f %.4f %.4f ...\n", (int)row, embedding[0], embedding[1], embedding[2]);
  }
  tamis_context_destroy(context);
  tamis_model_destroy(model);
  return ok ? 0 : 1;
}
