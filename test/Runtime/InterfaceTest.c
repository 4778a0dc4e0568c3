/*===- InterfaceTest.c - The interface from C, through the shared library -------------------------------===*/
#include "tamis/code_abi.h"
#include "tamis/runtime.h"
#include <stdio.h>
#include <string.h>

static int expectations = 0;

static int expect(int condition, const char *what) {
  ++expectations;
  if (!condition)
    printf("failed: %s\n", what);
  return condition ? 0 : 1;
}

int main(void) {
  int failures = 0;
  TamisError error = TAMIS_ERROR_INIT;
  TamisModelOptions modelOptions = TAMIS_MODEL_OPTIONS_INIT;
  TamisContextOptions contextOptions = TAMIS_CONTEXT_OPTIONS_INIT;
  TamisRunOptions runOptions = TAMIS_RUN_OPTIONS_INIT;
  TamisReport report = TAMIS_REPORT_INIT;
  TamisModel *model = NULL;
  TamisContext *context = NULL;
  TamisSignature signature;
  TamisValue value;
  size_t bytes = 1;

  failures += expect(strcmp(tamis_version(), "0.1.0") == 0, "version");
  failures += expect(tamis_type_size(TAMIS_F32) == 4 && tamis_type_size((TamisType)8) == 0, "type sizes");
  failures += expect(tamis_model_load("no such file", &modelOptions, &model, &error) == TAMIS_ERROR_SYSTEM,
                     "a missing file");
  failures += expect(strstr(error.message, "no such file") != NULL && model == NULL, "its message");

  /* Null is answered by a status, whatever the argument. */
  failures += expect(tamis_model_load(NULL, NULL, &model, &error) == TAMIS_ERROR_USAGE, "null path");
  failures += expect(tamis_model_load("x", NULL, NULL, NULL) == TAMIS_ERROR_USAGE, "null model");
  failures +=
      expect(tamis_model_load_memory(NULL, 0, NULL, &model, NULL) == TAMIS_ERROR_USAGE, "null memory");
  failures += expect(tamis_model_load_embedded(NULL, NULL, NULL, &model, NULL) == TAMIS_ERROR_USAGE,
                     "null embedded model");
  failures += expect(tamis_context_create(NULL, &contextOptions, &context, &error) == TAMIS_ERROR_USAGE,
                     "context of null");
  failures += expect(tamis_context_create(NULL, NULL, NULL, NULL) == TAMIS_ERROR_USAGE, "null context");
  failures += expect(tamis_run(NULL, NULL, 0, &runOptions, &error) == TAMIS_ERROR_USAGE, "run of null");
  failures += expect(tamis_context_output(NULL, 0, &value, &error) == TAMIS_ERROR_USAGE, "output of null");
  failures += expect(tamis_context_report(NULL, &report, &error) == TAMIS_ERROR_USAGE, "report of null");
  failures += expect(tamis_context_events(NULL, NULL, 0) == 0, "events of null");
  failures += expect(tamis_model_input(NULL, 0, &signature, &error) == TAMIS_ERROR_USAGE, "input of null");
  failures += expect(tamis_model_output(NULL, 0, NULL, NULL) == TAMIS_ERROR_USAGE, "output of null");
  failures +=
      expect(tamis_model_input_count(NULL) == 0 && tamis_model_output_count(NULL) == 0, "counts of null");
  failures += expect(tamis_model_isa(NULL) == NULL && tamis_model_mask_input(NULL) == NULL, "names of null");
  failures += expect(tamis_model_header(NULL, &bytes) == NULL && bytes == 0, "header of null");
  tamis_context_cancel(NULL);
  tamis_context_destroy(NULL);
  tamis_model_destroy(NULL);
  printf("%d expectations, %d failed\n", expectations, failures);
  return failures == 0 ? 0 : 1;
}
