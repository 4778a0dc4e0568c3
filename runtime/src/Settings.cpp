//===- Settings.cpp - What a run may leave out ----------------------------------------------------------===//
#include "Context.h"
#include "Error.h"
#include <cstring>

using namespace tamis;

static const schema::Policy *policyOf(const TamisModel *model) {
  return model ? model->artifact.header->policy() : nullptr;
}

int32_t tamis_model_setting_count(const TamisModel *model) {
  const schema::Policy *policy = policyOf(model);
  return policy ? int32_t(policy->settings()->size()) : 0;
}

int32_t tamis_model_step_count(const TamisModel *model) {
  const schema::Policy *policy = policyOf(model);
  return policy ? int32_t(policy->steps()->size()) : 0;
}

const char *tamis_model_step_name(const TamisModel *model, int32_t index) {
  if (index < 0 || index >= tamis_model_step_count(model))
    return nullptr;
  return policyOf(model)->steps()->Get(uint32_t(index))->name()->c_str();
}

TamisStatus tamis_model_setting(const TamisModel *model, int32_t index, TamisSetting *out,
                                TamisError *error) {
  if (!model || !out)
    return fail(error, TAMIS_ERROR_USAGE, "the model or the place for the setting is null");
  if (index < 0 || index >= tamis_model_setting_count(model))
    return fail(error, TAMIS_ERROR_USAGE, "there is no setting %d: the model has %d", index,
                tamis_model_setting_count(model));
  const schema::Setting *setting = policyOf(model)->settings()->Get(uint32_t(index));
  *out = {setting->name()->c_str(), setting->dense(), setting->min(), setting->max()};
  return TAMIS_OK;
}

void tamis::chooseStep(TamisContext *context, int32_t index) {
  const schema::Step *step = policyOf(context->model)->steps()->Get(uint32_t(index));
  for (uint32_t i = 0; i < step->values()->size(); ++i)
    context->settings[i] = step->values()->Get(i);
  context->step = index;
}

TamisStatus tamis_context_set_step(TamisContext *context, int32_t step, TamisError *error) {
  if (!context)
    return fail(error, TAMIS_ERROR_USAGE, "the context is null");
  int32_t count = tamis_model_step_count(context->model);
  if (step < 0 || step >= count)
    return fail(error, TAMIS_ERROR_USAGE, "there is no step %d: the model has %d; compile it with a policy",
                step, count);
  chooseStep(context, step);
  return TAMIS_OK;
}

TamisStatus tamis_context_set_settings(TamisContext *context, const float *values, int32_t count,
                                       TamisError *error) {
  if (!context || !values)
    return fail(error, TAMIS_ERROR_USAGE, "the context or the values are null");
  int32_t wanted = tamis_model_setting_count(context->model);
  if (count != wanted || count == 0)
    return fail(error, TAMIS_ERROR_USAGE, "%d values were given, and the model has %d settings", count,
                wanted);
  for (int32_t i = 0; i < count; ++i) {
    const schema::Setting *setting = policyOf(context->model)->settings()->Get(uint32_t(i));
    // False for NaN, too.
    if (!(setting->min() <= values[i] && values[i] <= setting->max()))
      return fail(error, TAMIS_ERROR_USAGE, "the setting " TAMIS_NAME " takes a number from %g to %g",
                  setting->name()->c_str(), double(setting->min()), double(setting->max()));
  }
  memcpy(context->settings, values, size_t(count) * sizeof(float));
  context->step = -1;
  return TAMIS_OK;
}

int32_t tamis_context_step(const TamisContext *context) { return context ? context->step : -1; }

int64_t tamis_context_tokens(const TamisContext *context, TamisTokenLayer *layers, int64_t capacity) {
  if (!context)
    return 0;
  for (int64_t i = 0; layers && i < context->tokensCount && i < capacity; ++i) {
    const TokensRecord &record = context->tokens[i];
    layers[i] = {operationName(context, record.operation), record.rows, record.kept};
  }
  return context->tokensCount;
}
