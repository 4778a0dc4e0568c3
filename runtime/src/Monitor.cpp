//===- Monitor.cpp - Watches what a policy loses in service ---------------------------------------------===//
#include "Context.h"
#include "Error.h"
#include "Losses.h"
#include "Martingale.h"
#include "Memory.h"
#include "Sampling.h"
#include <cstdio>
#include <pthread.h>

using namespace tamis;

/// Used by several threads; everything but the model and the options is guarded by the mutex.
struct TamisMonitor {
  const TamisModel *model;
  TamisMonitorOptions options;
  const schema::Promise *promise;
  pthread_mutex_t mutex;
  int32_t step;
  int64_t runs, shadowRuns, samples, violations, alarms, clean, ascents;
  double lastLoss, greatestLoss;
  Martingale test;
};

namespace {
/// What a run is to do, decided before it.
struct Plan {
  int32_t step;
  bool isShadow;
};
} // namespace

//===----------------------------------------------------------------------------------------------------===//
// Losses
//===----------------------------------------------------------------------------------------------------===//

// The greatest of all rows; infinite where one holds what is no number.
static double lossOf(schema::Loss loss, const float *dense, const float *pruned, int64_t count,
                     int64_t columns) {
  double worst = 0;
  for (int64_t at = 0; columns > 0 && at < count; at += columns) {
    const float *a = dense + at, *b = pruned + at;
    double own = !isFinite(a, columns) || !isFinite(b, columns)               ? __builtin_inf()
                 : loss == schema::Loss::cosine                               ? cosineLoss(a, b, columns)
                 : loss == schema::Loss::kl                                   ? divergence(a, b, columns)
                 : placeOfGreatest(a, columns) == placeOfGreatest(b, columns) ? 0
                                                                              : 1;
    worst = own > worst ? own : worst;
  }
  return worst;
}

//===----------------------------------------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------------------------------------===//

static Plan planOf(TamisMonitor *monitor) {
  pthread_mutex_lock(&monitor->mutex);
  bool isShadow =
      uniformDraw(monitor->options.seed, 0, uint64_t(monitor->runs)) < monitor->options.shadow_rate;
  Plan plan = {monitor->step, isShadow};
  ++monitor->runs;
  pthread_mutex_unlock(&monitor->mutex);
  return plan;
}

static int32_t chosenStep(const TamisMonitor *monitor) {
  return int32_t(monitor->model->artifact.header->policy()->chosen());
}

static void goTo(TamisMonitor *monitor, int32_t step) {
  monitor->step = step;
  monitor->clean = 0;
  monitor->test.begin(monitor->promise->alpha());
}

// So many good samples in a row refute, with confidence 95%, that the promise is broken; each alarm doubles
// it, so that a step which only seems to be good again is not taken back again and again.
static int64_t cleanSamplesNeeded(const TamisMonitor *monitor) {
  int64_t needed = monitor->options.clean_samples;
  if (needed == 0)
    for (double probability = 1; probability > 0.05; probability *= 1 - monitor->promise->alpha())
      ++needed;
  return needed << (monitor->alarms > 1 ? (monitor->alarms < 10 ? monitor->alarms - 1 : 9) : 0);
}

// The losses of the sequences of a run at the step that was in force, and at the one above; either may be
// null.
static void addSamples(TamisMonitor *monitor, const Plan &plan, const double *own, const double *above,
                       int64_t sequences) {
  pthread_mutex_lock(&monitor->mutex);
  ++monitor->shadowRuns;
  for (int64_t b = 0; b < sequences; ++b) {
    ++monitor->samples;
    double eps = monitor->promise->eps(), loss = own ? own[b] : 0;
    bool isViolation = !(loss <= eps);
    monitor->violations += isViolation;
    if (own) {
      monitor->lastLoss = loss;
      monitor->greatestLoss = loss > monitor->greatestLoss ? loss : monitor->greatestLoss;
    }
    // A sample of a step that is no longer in force says nothing of the one that is.
    if (plan.step != monitor->step)
      continue;
    if (own)
      monitor->test.add(isViolation);
    if (above)
      monitor->clean = above[b] <= eps ? monitor->clean + 1 : 0;
    if (own && monitor->test.wealth() >= 1 / monitor->options.false_alarm) {
      ++monitor->alarms;
      goTo(monitor, monitor->step - 1);
    } else if (above && monitor->clean >= cleanSamplesNeeded(monitor)) {
      ++monitor->ascents;
      goTo(monitor, monitor->step + 1);
    }
  }
  pthread_mutex_unlock(&monitor->mutex);
}

//===----------------------------------------------------------------------------------------------------===//
// Interface
//===----------------------------------------------------------------------------------------------------===//

TamisStatus tamis_monitor_create(const TamisModel *model, const TamisMonitorOptions *given,
                                 TamisMonitor **out, TamisError *error) {
  if (!out)
    return fail(error, TAMIS_ERROR_USAGE, "there is no place for the monitor: its pointer is null");
  *out = nullptr;
  if (!model)
    return fail(error, TAMIS_ERROR_USAGE, "the model is null");
  TamisMonitorOptions options = TAMIS_MONITOR_OPTIONS_INIT;
  if (!readOptions(given, options))
    return fail(error, TAMIS_ERROR_USAGE, "the monitor options have no size; use TAMIS_MONITOR_OPTIONS_INIT");
  if (!(options.shadow_rate >= 0 && options.shadow_rate <= 1) ||
      !(options.false_alarm > 0 && options.false_alarm < 1) || options.clean_samples < 0)
    return fail(error, TAMIS_ERROR_USAGE,
                "a monitor takes a shadow_rate from 0 to 1, a false_alarm between 0 and 1, and clean_samples "
                "from 0 on");
  const schema::Policy *policy = model->artifact.header->policy();
  // A step of a decoder changes its caches, so that it cannot be run twice.
  if (policy && policy->reads_cache())
    return fail(error, TAMIS_ERROR_USAGE,
                "the model's policy is about the caches of a decoder, which a monitor cannot watch; run it "
                "without one");
  // Labels, for one, are not there in service.
  if (policy && !policy->promise() && policy->certificate() && policy->certificate()->size() > 0)
    return fail(error, TAMIS_ERROR_USAGE,
                "the model's certificate is about a loss or an output that a monitor cannot watch; calibrate "
                "with the loss cosine, kl or argmax of an output of f32 (tamis calibrate --loss)");
  if (!policy || !policy->promise())
    return fail(error, TAMIS_ERROR_USAGE,
                "the model promises nothing that could be watched; compile it with a certified policy (tamis "
                "calibrate)");
  auto *monitor = static_cast<TamisMonitor *>(calloc(1, sizeof(TamisMonitor)));
  if (!monitor)
    return fail(error, TAMIS_ERROR_MEMORY, "there is no memory for the monitor");
  monitor->model = model;
  monitor->options = options;
  monitor->promise = policy->promise();
  monitor->step = int32_t(policy->chosen());
  monitor->test.begin(monitor->promise->alpha());
  pthread_mutex_init(&monitor->mutex, nullptr);
  *out = monitor;
  return TAMIS_OK;
}

void tamis_monitor_destroy(TamisMonitor *monitor) {
  if (!monitor)
    return;
  pthread_mutex_destroy(&monitor->mutex);
  free(monitor);
}

// Runs with the settings of a step.
static TamisStatus runStep(TamisContext *context, int32_t step, const TamisValue *inputs, int32_t count,
                           const TamisRunOptions *options, TamisError *error) {
  TamisStatus status = tamis_context_set_step(context, step, error);
  return status == TAMIS_OK ? tamis_run(context, inputs, count, options, error) : status;
}

namespace {
/// What a shadow run needs beside the context: the dense answer, and losses.
struct Shadow {
  TamisAllocator allocator;
  int64_t elements, sequences; ///< of the output that the promise is about
  float *answer;
  double *own, *above; ///< of each sequence

  bool keep(const TamisValue &dense) {
    elements = 1;
    for (int32_t d = 0; d < dense.rank; ++d)
      elements *= dense.dims[d];
    sequences = dense.dims[0];
    answer = allocateArray<float>(allocator, size_t(elements));
    own = allocateArray<double>(allocator, size_t(sequences));
    above = allocateArray<double>(allocator, size_t(sequences));
    if (!answer || !own || !above)
      return false;
    memcpy(answer, dense.data, size_t(elements) * sizeof(float));
    return true;
  }
  void compare(schema::Loss loss, const TamisValue &pruned, double *losses) const {
    int64_t each = sequences ? elements / sequences : 0, columns = pruned.dims[pruned.rank - 1];
    for (int64_t b = 0; b < sequences; ++b)
      losses[b] =
          lossOf(loss, answer + b * each, static_cast<const float *>(pruned.data) + b * each, each, columns);
  }
  void release() {
    releaseArray(allocator, answer, size_t(elements));
    releaseArray(allocator, own, size_t(sequences));
    releaseArray(allocator, above, size_t(sequences));
  }
};
} // namespace

// A run at the step in force behind a dense one, and, below the chosen step, one at the step above. False
// where one of the runs before the last fails: that is no sample then, and the last is still to be done.
static bool runShadow(TamisMonitor *monitor, TamisContext *context, const Plan &plan,
                      const TamisValue *inputs, int32_t count, const TamisRunOptions *options, Shadow &shadow,
                      TamisStatus &status, TamisError *error) {
  TamisValue value;
  auto output = int32_t(monitor->promise->output());
  schema::Loss loss = monitor->promise->loss();
  auto runAt = [&](int32_t step) {
    return runStep(context, step, inputs, count, options, nullptr) == TAMIS_OK &&
           tamis_context_output(context, output, &value, nullptr) == TAMIS_OK;
  };
  if (!runAt(0) || !shadow.keep(value))
    return false;
  bool hasAbove = plan.step < chosenStep(monitor);
  if (hasAbove) {
    if (!runAt(plan.step + 1))
      return false;
    shadow.compare(loss, value, shadow.above);
  }
  // The answer that the caller gets comes last.
  status = runStep(context, plan.step, inputs, count, options, error);
  if (status != TAMIS_OK || tamis_context_output(context, output, &value, nullptr) != TAMIS_OK)
    return true;
  shadow.compare(loss, value, shadow.own);
  addSamples(monitor, plan, plan.step > 0 ? shadow.own : nullptr, hasAbove ? shadow.above : nullptr,
             shadow.sequences);
  return true;
}

TamisStatus tamis_monitor_run(TamisMonitor *monitor, TamisContext *context, const TamisValue *inputs,
                              int32_t count, const TamisRunOptions *options, TamisError *error) {
  if (!monitor || !context)
    return fail(error, TAMIS_ERROR_USAGE, "the monitor or the context is null");
  if (context->model != monitor->model)
    return fail(error, TAMIS_ERROR_USAGE, "the context is one of another model than the monitor");
  TamisRunOptions known = TAMIS_RUN_OPTIONS_INIT;
  readOptions(options, known); // tamis_run says what is wrong with them
  Plan plan = planOf(monitor);
  // A deadline is for one run, not for three.
  if (plan.isShadow && known.deadline_ns == 0 && chosenStep(monitor) > 0) {
    Shadow shadow = {context->allocator, 0, 0, nullptr, nullptr, nullptr};
    TamisStatus status = TAMIS_OK;
    bool isDone = runShadow(monitor, context, plan, inputs, count, options, shadow, status, error);
    shadow.release();
    if (isDone)
      return status;
  }
  return runStep(context, plan.step, inputs, count, options, error);
}

TamisStatus tamis_monitor_state(TamisMonitor *monitor, TamisMonitorState *state, TamisError *error) {
  if (!monitor || !state || state->size < sizeof(size_t))
    return fail(error, TAMIS_ERROR_USAGE, "the monitor or the state is null, or the state has no size");
  pthread_mutex_lock(&monitor->mutex);
  TamisMonitorState facts = {state->size < sizeof(TamisMonitorState) ? state->size
                                                                     : sizeof(TamisMonitorState),
                             monitor->step,
                             tamis_model_step_name(monitor->model, monitor->step),
                             monitor->runs,
                             monitor->shadowRuns,
                             monitor->samples,
                             monitor->violations,
                             monitor->alarms,
                             monitor->ascents,
                             monitor->clean,
                             monitor->test.wealth(),
                             monitor->lastLoss,
                             monitor->greatestLoss};
  pthread_mutex_unlock(&monitor->mutex);
  size_t size = state->size;
  memcpy(state, &facts, facts.size);
  state->size = size;
  return TAMIS_OK;
}

int64_t tamis_monitor_text(TamisMonitor *monitor, TamisTextFormat format, char *text, size_t bytes) {
  TamisMonitorState state = {};
  state.size = sizeof(state);
  if (text && bytes)
    *text = '\0';
  if (tamis_monitor_state(monitor, &state, nullptr) != TAMIS_OK)
    return 0;
  // A loss that is infinite is none in JSON.
  double greatest = __builtin_isfinite(state.greatest_loss) ? state.greatest_loss : 1e308;
  const char *json =
      "{\"schema\": \"tamis.monitor.v1\", \"step\": %d, \"runs\": %lld, \"shadow_runs\": %lld, "
      "\"samples\": %lld, \"violations\": %lld, \"alarms\": %lld, \"ascents\": %lld, \"clean_samples\": "
      "%lld, "
      "\"wealth\": %.6g, \"greatest_loss\": %.6g}\n";
  const char *prometheus =
      "# HELP tamis_step The step in force; 0 is dense.\n# TYPE tamis_step gauge\ntamis_step %d\n"
      "# HELP tamis_runs_total Runs.\n# TYPE tamis_runs_total counter\ntamis_runs_total %lld\n"
      "# HELP tamis_shadow_runs_total Runs that were also run densely.\n# TYPE tamis_shadow_runs_total "
      "counter\ntamis_shadow_runs_total %lld\n"
      "# HELP tamis_samples_total Sequences that were compared.\n# TYPE tamis_samples_total "
      "counter\ntamis_samples_total %lld\n"
      "# HELP tamis_violations_total Of them, those whose loss was above eps.\n# TYPE tamis_violations_total "
      "counter\ntamis_violations_total %lld\n"
      "# HELP tamis_alarms_total Steps down.\n# TYPE tamis_alarms_total counter\ntamis_alarms_total %lld\n"
      "# HELP tamis_ascents_total Steps up again.\n# TYPE tamis_ascents_total counter\ntamis_ascents_total "
      "%lld\n"
      "# HELP tamis_clean_samples Samples of the next step since its last violation.\n# TYPE "
      "tamis_clean_samples "
      "gauge\ntamis_clean_samples %lld\n"
      "# HELP tamis_wealth Of the test that alarms.\n# TYPE tamis_wealth gauge\ntamis_wealth %.6g\n"
      "# HELP tamis_greatest_loss Of all shadow runs.\n# TYPE tamis_greatest_loss gauge\ntamis_greatest_loss "
      "%.6g\n";
  using Long = long long;
  return snprintf(text, text ? bytes : 0, format == TAMIS_TEXT_PROMETHEUS ? prometheus : json, state.step,
                  Long(state.runs), Long(state.shadow_runs), Long(state.samples), Long(state.violations),
                  Long(state.alarms), Long(state.ascents), Long(state.clean_samples), state.wealth, greatest);
}
