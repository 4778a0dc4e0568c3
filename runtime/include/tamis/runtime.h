/*===- tamis/runtime.h - The C interface of the Tamis runtime -------------------------------------------===*
 *
 * A model is an artifact made by `tamis compile`, mapped into memory; it is immutable and may be shared by
 * any number of threads. A context holds what one run needs (arena, threads, outputs); it is used by one
 * thread at a time. There is no global state. No function throws or aborts.
 *
 *   TamisModel *model; TamisContext *context; TamisError error = TAMIS_ERROR_INIT;
 *   if (tamis_model_load("model.tamis", NULL, &model, &error) != TAMIS_OK) puts(error.message);
 *   tamis_context_create(model, NULL, &context, &error);
 *   tamis_run(context, inputs, input_count, NULL, &error);     // inputs in the model's order
 *   TamisValue out; tamis_context_output(context, 0, &out, &error);
 *
 * Every struct that may grow starts with `size`; set it with the _INIT macro. A field that is absent
 * because the caller was built against an older header takes its default.
 *
 * Generated code is native code. An artifact from a stranger is a program from a stranger: hashes detect
 * damage, not malice.
 *===---------------------------------------------------------------------------------------------------===*/
#ifndef TAMIS_RUNTIME_H
#define TAMIS_RUNTIME_H

#include <stddef.h>
#include <stdint.h>

#define TAMIS_VERSION_MAJOR 0
#define TAMIS_VERSION_MINOR 1
#define TAMIS_VERSION_PATCH 0
#define TAMIS_MAX_DIMENSIONS 8

#if defined(_WIN32) || !defined(__GNUC__)
#define TAMIS_API
#else
#define TAMIS_API __attribute__((visibility("default")))
#endif

/* An enum has the size of an int. In C++ any value of it is allowed, so that the runtime may look at a
 * wrong one. */
#ifdef __cplusplus
#define TAMIS_ENUM(name) enum name : int32_t
extern "C" {
#else
#define TAMIS_ENUM(name) enum name
#endif

typedef TAMIS_ENUM(TamisStatus){
    TAMIS_OK = 0,
    TAMIS_ERROR_USAGE = 1,     /* the caller broke this interface's rules: null pointer, index out of range */
    TAMIS_ERROR_ARTIFACT = 2,  /* the file is no artifact, is damaged, or is of another version */
    TAMIS_ERROR_CPU = 3,       /* the artifact has no code for this CPU, or for the ISA level asked for */
    TAMIS_ERROR_INPUT = 4,     /* an input's type, rank, size or content is refused */
    TAMIS_ERROR_MEMORY = 5,    /* memory ran out, or a limit on it was reached */
    TAMIS_ERROR_SYSTEM = 6,    /* a file cannot be opened or mapped, a thread cannot be started */
    TAMIS_ERROR_CANCELLED = 7, /* tamis_context_cancel was called */
    TAMIS_ERROR_DEADLINE = 8   /* the run's deadline passed */
} TamisStatus;

/* Where a function writes why it failed. Always NUL-terminated, cut to fit. A null pointer is allowed. */
typedef struct TamisError {
  size_t size;
  char message[504];
} TamisError;
#define TAMIS_ERROR_INIT {sizeof(TamisError), {0}}

/* The numbers are those of the ONNX element types. */
typedef TAMIS_ENUM(TamisType){TAMIS_F32 = 1,  TAMIS_U8 = 2,   TAMIS_I8 = 3,   TAMIS_U16 = 4,  TAMIS_I16 = 5,
                              TAMIS_I32 = 6,  TAMIS_I64 = 7,  TAMIS_BOOL = 9, TAMIS_F16 = 10, TAMIS_F64 = 11,
                              TAMIS_U32 = 12, TAMIS_U64 = 13, TAMIS_BF16 = 16} TamisType;

/* Bytes of one element; 0 for a number that is no TamisType. */
TAMIS_API size_t tamis_type_size(TamisType type);

/* A contiguous row-major tensor. The memory belongs to whoever made it: inputs to the caller, outputs to
 * the context. `data` of an input must be aligned to its element size. */
typedef struct TamisValue {
  TamisType type;
  int32_t rank;
  int64_t dims[TAMIS_MAX_DIMENSIONS];
  const void *data;
} TamisValue;

/* A dimension of an input or output as declared: size >= 0, or -1 when it is known only at run time; then
 * `symbol` names it (equal names are equal sizes) or is "". Strings live as long as the model. */
typedef struct TamisDimension {
  int64_t size;
  const char *symbol;
  int64_t min, max; /* bounds of a symbol; 0 when there is none */
} TamisDimension;

typedef struct TamisSignature {
  const char *name;
  TamisType type;
  int32_t rank;
  TamisDimension dims[TAMIS_MAX_DIMENSIONS];
} TamisSignature;

typedef struct TamisModel TamisModel;
typedef struct TamisContext TamisContext;

typedef TAMIS_ENUM(TamisLogLevel){TAMIS_LOG_DEBUG = 0, TAMIS_LOG_INFO = 1,
                                  TAMIS_LOG_WARNING = 2} TamisLogLevel;

/* Receives one line without a newline. Called on the thread that called into the runtime. */
typedef void (*TamisLogger)(void *user, TamisLogLevel level, const char *message);

typedef struct TamisModelOptions {
  size_t size;
  /* Take the code of this ISA level ("x86-64-v3", ...) rather than the best that the CPU has. Null: the
   * environment variable TAMIS_ISA, if set, else the best. A level the CPU lacks is refused. */
  const char *isa;
  /* Skip the hash of the weight segment (header and code are always checked). */
  int32_t skip_weight_hash;
  TamisLogger logger;
  void *logger_user;
  /* Threads that take the hash of weights of many MiB and end with the call. 0: as many as the process has
   * cores, 4 at most; 1: the caller alone. */
  int32_t hash_threads;
  /* Bytes of experts' weights that may be in memory at once, for all contexts of the model; 0: all of them.
   * The rest stays in the file, and is read when a run sends a row to it: those that no layer asked for
   * longest give way. What a run computes stays the same. Contexts that run at once may take experts from
   * each other; those come back by themselves, and are beyond the budget until they are given back again. A
   * run fails when one layer wants more experts than fit. Weights that are in memory already are refused. */
  size_t resident_budget;
} TamisModelOptions;
#define TAMIS_MODEL_OPTIONS_INIT {sizeof(TamisModelOptions), NULL, 0, NULL, NULL, 0, 0}

/* Maps an artifact, checks its length, its header in full and its hashes. On failure *model is null. The
 * file must stay as it is while the model lives; replace it by a rename. */
TAMIS_API TamisStatus tamis_model_load(const char *path, const TamisModelOptions *options, TamisModel **model,
                                       TamisError *error);
/* The same from memory that stays valid and unchanged as long as the model (4096-byte aligned, else the
 * weights are copied once); code is copied into executable pages. */
TAMIS_API TamisStatus tamis_model_load_memory(const void *data, size_t bytes,
                                              const TamisModelOptions *options, TamisModel **model,
                                              TamisError *error);
/* Contexts of the model must be destroyed first. Null is allowed. */
TAMIS_API void tamis_model_destroy(TamisModel *model);

TAMIS_API int32_t tamis_model_input_count(const TamisModel *model);
TAMIS_API int32_t tamis_model_output_count(const TamisModel *model);
TAMIS_API TamisStatus tamis_model_input(const TamisModel *model, int32_t index, TamisSignature *out,
                                        TamisError *error);
TAMIS_API TamisStatus tamis_model_output(const TamisModel *model, int32_t index, TamisSignature *out,
                                         TamisError *error);
/* The ISA level in use. */
TAMIS_API const char *tamis_model_isa(const TamisModel *model);
/* The input whose zeros mark padding that the model skips; null when it skips none. */
TAMIS_API const char *tamis_model_mask_input(const TamisModel *model);
/* The artifact's FlatBuffers header (runtime/schema/artifact.fbs), verified. */
TAMIS_API const void *tamis_model_header(const TamisModel *model, size_t *bytes);

/* A pool of the caller's. `run` calls task(argument, thread) once for every thread in [0, threads), each
 * on a thread of its own, thread 0 on the caller, and returns when all are done. */
typedef struct TamisPool {
  void *user;
  int32_t threads;
  void (*run)(void *user, void (*task)(void *argument, int32_t thread), void *argument);
} TamisPool;

/* allocate returns memory aligned to `alignment` (a power of two) or null. */
typedef struct TamisAllocator {
  void *user;
  void *(*allocate)(void *user, size_t bytes, size_t alignment);
  void (*release)(void *user, void *data, size_t bytes, size_t alignment);
} TamisAllocator;

/* What a layer of experts computed, in an artifact of `tamis compile --observe-experts`. Numbers are
 * row-major and valid during the call. */
typedef struct TamisExpertObservation {
  size_t size;
  const char *name;       /* the ONNX node's name; lives as long as the model */
  int64_t experts;        /* that the layer has */
  int64_t tokens;         /* rows that were routed */
  int64_t slots;          /* experts of a row */
  int64_t columns;        /* of an expert's result */
  const int64_t *indices; /* [tokens, slots]: the experts, each in [0, experts) */
  const float *weights;   /* [tokens, slots] */
  const float *outputs;   /* [tokens, slots, columns], before they are weighted */
  const float *logits;    /* [tokens, experts]: what the router chose by; null where that is not known */
} TamisExpertObservation;
/* Called on the thread that runs the model, once for each such layer of a run. */
typedef void (*TamisExpertObserver)(void *user, const TamisExpertObservation *observation);

/* The hidden states in front of a layer, in an artifact of `tamis compile --observe-states`. Valid during the
 * call. */
typedef struct TamisStateObservation {
  size_t size;
  const char *name;    /* the ONNX node's name of what follows; lives as long as the model */
  int64_t layer;       /* from 0 on; behind the last layer their number */
  int64_t rows;        /* real tokens of all sequences, in order */
  int64_t columns;     /* of a hidden state */
  const float *states; /* [rows, columns] */
} TamisStateObservation;
/* Called on the thread that runs the model, once for each such place of a run. */
typedef void (*TamisStateObserver)(void *user, const TamisStateObservation *observation);

/* Which rows go on at a place where tokens are left out. Valid during the call. */
typedef struct TamisTokenObservation {
  size_t size;
  const char *name;      /* the ONNX node's name of the attention behind it; lives as long as the model */
  int64_t rows;          /* in front of it: what the place before has kept, or all real tokens, in order */
  int64_t kept;          /* behind it */
  const int64_t *places; /* [kept]: the numbers of those rows, ascending */
} TamisTokenObservation;
/* Called on the thread that runs the model, once for each such place of a run. */
typedef void (*TamisTokenObserver)(void *user, const TamisTokenObservation *observation);

typedef struct TamisContextOptions {
  size_t size;
  int32_t threads;                 /* of the context's own pool; 0: one for each core this process may use */
  const TamisPool *pool;           /* copied; used instead of an own pool when not null */
  const TamisAllocator *allocator; /* copied; for all of the context; null: malloc's */
  size_t max_arena_bytes;          /* of one run, its gaps included; 0: no limit */
  int32_t profile;                 /* record time per operation */
  TamisLogger logger;
  void *logger_user;
  TamisExpertObserver expert_observer; /* null: none */
  void *expert_observer_user;
  TamisStateObserver state_observer; /* null: none */
  void *state_observer_user;
  TamisTokenObserver token_observer; /* null: none */
  void *token_observer_user;
} TamisContextOptions;
#define TAMIS_CONTEXT_OPTIONS_INIT                                                                           \
  {sizeof(TamisContextOptions), 0, NULL, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL}

TAMIS_API TamisStatus tamis_context_create(const TamisModel *model, const TamisContextOptions *options,
                                           TamisContext **context, TamisError *error);
/* Null is allowed. */
TAMIS_API void tamis_context_destroy(TamisContext *context);

typedef struct TamisRunOptions {
  size_t size;
  int64_t deadline_ns; /* of CLOCK_MONOTONIC; 0: none */
  /* Keep the keys and values of a decoder in the context: the inputs that hold the past are those of the
   * context's caches, whatever is given for them, and the new rows are appended there in place. The outputs
   * that hold them cannot be asked for then. Without it the run is that of the ONNX model. */
  int32_t use_cache;
  /* For a decoder: one row for each sequence, whose logits alone are wanted; null: all. The logits are then
   * [batch, 1, vocabulary], unless the model must compute all of them. */
  const int64_t *wanted_rows;
} TamisRunOptions;
#define TAMIS_RUN_OPTIONS_INIT {sizeof(TamisRunOptions), 0, 0, NULL}

/* Runs the model on `count` inputs in the order of the signature. Types, ranks, fixed sizes and equal
 * symbols are checked first; inputs that are refused leave the last outputs as they are.
 * After a failure the context can be used again. The first run of a size may allocate; a later run of that
 * size, or of one that was seen before, does not. */
TAMIS_API TamisStatus tamis_run(TamisContext *context, const TamisValue *inputs, int32_t count,
                                const TamisRunOptions *options, TamisError *error);

/* An output of the last run, if that succeeded. Its data stays valid until the context's next run; it may be
 * an input's data, which is the caller's, or a weight. It is no input for the same context's next run. */
TAMIS_API TamisStatus tamis_context_output(const TamisContext *context, int32_t index, TamisValue *out,
                                           TamisError *error);

/* The caches of a decoder in a context, which runs with use_cache fill. All sequences have as many rows,
 * padding included. A run that fails leaves them as they were, unless the model appends each sequence behind
 * its own tokens (GroupQueryAttention) and the inputs said that there are fewer than in use: cut first, to go
 * back. With a policy's rule snapkv, one that would decide anew and fails takes the decision before it along:
 * then all rows are read until a run decides. */
/* Rows of each sequence in use; 0 for a context without. */
TAMIS_API int64_t tamis_cache_length(const TamisContext *context);
/* Keeps the first `length` rows of each sequence; 0 for new sequences. */
TAMIS_API TamisStatus tamis_cache_truncate(TamisContext *context, int64_t length, TamisError *error);
/* Makes room, so that runs of up to so many sequences and rows do not allocate for it. What a policy keeps
 * beside the caches is not made here: with the rule pages the first run allocates its bounds, with snapkv a
 * run that decides its lists. */
TAMIS_API TamisStatus tamis_cache_reserve(TamisContext *context, int64_t sequences, int64_t length,
                                          TamisError *error);

/* Ends the run of the context that is under way soon; does nothing when there is none. The only function
 * that may be called from another thread meanwhile. */
TAMIS_API void tamis_context_cancel(TamisContext *context);

/* Facts about the last run. */
typedef struct TamisReport {
  size_t size;
  int64_t tokens_in;          /* rows of the padded batch; 0 when the model has no token dimension */
  int64_t tokens_computed;    /* rows that the layers computed */
  int64_t arena_bytes;        /* reserved by the arena */
  int64_t arena_peak_bytes;   /* in use at once, at most, in the last run */
  int64_t system_allocations; /* made by the arena during the last run */
  int32_t threads;
  int64_t
      cache_bytes; /* reserved by the caches that the context keeps; not part of the arena, or of its limit */
  /* Where the model has a resident budget, what the last run found; else 0. */
  int64_t expert_hits;        /* experts that a layer wanted and that were in memory */
  int64_t expert_stalls;      /* that were not: the run waited for them */
  int64_t expert_stall_bytes; /* read for them */
  int64_t expert_stall_ns;    /* waited for them */
  int64_t resident_bytes;     /* of experts that are in memory now, for the whole model */
  /* Where a policy says which rows of caches are read, of the last run; else 0. */
  int64_t cache_rows;      /* rows of key heads in those caches */
  int64_t cache_rows_read; /* that attentions read */
} TamisReport;
#define TAMIS_REPORT_INIT {sizeof(TamisReport), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
TAMIS_API TamisStatus tamis_context_report(const TamisContext *context, TamisReport *report,
                                           TamisError *error);

/* One parallel region of the last run of a context that profiles, in the order of execution. Times are
 * CLOCK_MONOTONIC. Strings live as long as the model. */
typedef struct TamisEvent {
  const char *name; /* the ONNX node's name */
  const char *kind; /* the operation, such as "nn.linear" */
  int64_t begin_ns, end_ns;
  int64_t flops, bytes;
} TamisEvent;
/* The number of events of the last run; event[i] is written for i < capacity. */
TAMIS_API int64_t tamis_context_events(const TamisContext *context, TamisEvent *events, int64_t capacity);

/* A layer of experts in the last run, in the order of execution. The name lives as long as the model, the
 * numbers until the context's next run. A layer is missing if there was no memory to record it. */
typedef struct TamisExpertLayer {
  const char *name;               /* the ONNX node's name */
  int64_t experts;                /* that the layer has */
  int64_t experts_touched;        /* that at least one token was sent to */
  int64_t tokens;                 /* rows that were routed */
  int64_t pairs;                  /* of a token and an expert, which were computed */
  int64_t pairs_skipped;          /* that the router chose, but were not (moe-skip-experts) */
  int64_t weight_bytes;           /* of the experts touched */
  const int64_t *pairs_of_expert; /* [experts] */
} TamisExpertLayer;
/* The number of such layers of the last run; layers[i] is written for i < capacity. */
TAMIS_API int64_t tamis_context_experts(const TamisContext *context, TamisExpertLayer *layers,
                                        int64_t capacity);

/* What a run may leave out, of an artifact that was compiled with a policy. Each setting is a number; a step
 * is a value for each, by a name. Step 0 is dense: nothing is left out. Those behind it are faster and lose
 * more. */
typedef struct TamisSetting {
  const char *name; /* lives as long as the model */
  float dense, min, max;
} TamisSetting;
TAMIS_API int32_t tamis_model_setting_count(const TamisModel *model); /* 0 without a policy */
TAMIS_API TamisStatus tamis_model_setting(const TamisModel *model, int32_t index, TamisSetting *out,
                                          TamisError *error);
TAMIS_API int32_t tamis_model_step_count(const TamisModel *model); /* 0 without a policy */
/* "dense", ...; null for an index that is none. */
TAMIS_API const char *tamis_model_step_name(const TamisModel *model, int32_t index);
/* The step of the context's next runs; a new context has the one that the policy chose. */
TAMIS_API TamisStatus tamis_context_set_step(TamisContext *context, int32_t step, TamisError *error);
/* A value for each setting instead, within its bounds; `count` is that of all settings. */
TAMIS_API TamisStatus tamis_context_set_settings(TamisContext *context, const float *values, int32_t count,
                                                 TamisError *error);
/* The step in force; -1 after tamis_context_set_settings, and without a policy. */
TAMIS_API int32_t tamis_context_step(const TamisContext *context);

/* A place of the last run where tokens were left out, in the order of execution. The name lives as long as
 * the model. */
typedef struct TamisTokenLayer {
  const char *name; /* the ONNX node's name of the attention behind it */
  int64_t rows;     /* in front of it */
  int64_t kept;     /* behind it */
} TamisTokenLayer;
/* The number of such places of the last run; layers[i] is written for i < capacity. */
TAMIS_API int64_t tamis_context_tokens(const TamisContext *context, TamisTokenLayer *layers,
                                       int64_t capacity);

/* Watches in service what a certified policy promised: that a request's loss is above eps with probability
 * alpha at most. A share of the runs is also run densely, and the answers are compared. When a test that may
 * be looked at at any time says that the promise does not hold for these requests, the step in force becomes
 * the next safer one, down to the dense one. Then the step above is sampled, until so many samples in a row
 * were within eps. One monitor may serve many threads, each with a context of its own. */
typedef struct TamisMonitor TamisMonitor;

typedef struct TamisMonitorOptions {
  size_t size;
  double shadow_rate; /* share of runs that are also run densely */
  uint64_t seed;      /* which of them: depends on it and on the number of the run alone */
  double false_alarm; /* probability of an alarm, ever, while the promise holds */
  /* In a row, before a step is taken back; doubled by each further alarm. 0: as many as refute, with
   * confidence 95%, that it still breaks the promise. */
  int64_t clean_samples;
} TamisMonitorOptions;
#define TAMIS_MONITOR_OPTIONS_INIT {sizeof(TamisMonitorOptions), 0.01, 0, 0.01, 0}

/* Refused for a model without a certified policy. The model must outlive it. */
TAMIS_API TamisStatus tamis_monitor_create(const TamisModel *model, const TamisMonitorOptions *options,
                                           TamisMonitor **monitor, TamisError *error);
/* Null is allowed. */
TAMIS_API void tamis_monitor_destroy(TamisMonitor *monitor);
/* tamis_run at the step in force; the outputs are its own, also when other steps ran before. Each sequence of
 * a shadow run is a sample; a run with a deadline is none, and neither is one whose dense run fails. */
TAMIS_API TamisStatus tamis_monitor_run(TamisMonitor *monitor, TamisContext *context,
                                        const TamisValue *inputs, int32_t count,
                                        const TamisRunOptions *options, TamisError *error);

typedef struct TamisMonitorState {
  size_t size;
  int32_t step;          /* in force */
  const char *step_name; /* lives as long as the model */
  int64_t runs;
  int64_t shadow_runs;   /* that were compared */
  int64_t samples;       /* sequences of those runs */
  int64_t violations;    /* of those, at the step in force */
  int64_t alarms;        /* steps down */
  int64_t ascents;       /* steps up again */
  int64_t clean_samples; /* of the step above, in a row */
  double wealth;         /* of the test: an alarm at 1 / false_alarm */
  double last_loss, greatest_loss;
} TamisMonitorState;
#define TAMIS_MONITOR_STATE_INIT {sizeof(TamisMonitorState), 0, NULL, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
TAMIS_API TamisStatus tamis_monitor_state(TamisMonitor *monitor, TamisMonitorState *state, TamisError *error);

typedef TAMIS_ENUM(TamisTextFormat){TAMIS_TEXT_JSON = 0, TAMIS_TEXT_PROMETHEUS = 1} TamisTextFormat;
/* The state as text (JSON of the schema tamis.monitor.v1, or what Prometheus scrapes), cut to `bytes` with
 * its NUL. Returns the length of all of it, without the NUL. `text` may be null. */
TAMIS_API int64_t tamis_monitor_text(TamisMonitor *monitor, TamisTextFormat format, char *text, size_t bytes);

/* What a model is as a decoder: logits of the next token from token ids, with caches of keys and values. */
typedef struct TamisDecoderInfo {
  size_t size;
  int32_t caches;     /* 0: the model is no decoder, and all else is 0 */
  int64_t vocabulary; /* tokens are from 0 to below it */
  int64_t max_length; /* tokens of a sequence, padding and new ones included; 0: no bound is known */
  int32_t has_mask;   /* 0: the sequences of a batch must be of one length */
} TamisDecoderInfo;
#define TAMIS_DECODER_INFO_INIT {sizeof(TamisDecoderInfo), 0, 0, 0, 0}
TAMIS_API TamisStatus tamis_model_decoder(const TamisModel *model, TamisDecoderInfo *info, TamisError *error);

/* Generation: the tokens that follow prompts, one of each sequence a step.
 *
 *   TamisGeneration *generation;
 *   tamis_generation_create(context, NULL, &generation, &error);
 *   tamis_generation_begin(generation, prompts, lengths, count, &error);
 *   while (tamis_generation_step(generation, NULL, tokens, &error) == TAMIS_OK && tokens[0] >= 0)
 *     use(tokens[0]);
 *   tamis_generation_destroy(generation);
 *
 * A generation uses its context's caches; runs of the context between its steps must leave them alone. After
 * the first step no step allocates, except where caches outgrow their room (tamis_cache_reserve), and bounds
 * of their pages with them. */
typedef struct TamisGeneration TamisGeneration;

typedef struct TamisGenerationOptions {
  size_t size;
  int64_t max_new_tokens;    /* of each sequence; 0: as many as fit */
  int64_t max_length;        /* of a sequence, its prompt and new tokens together; 0: the model's */
  const int64_t *end_tokens; /* copied; a sequence ends with one of them, which counts as its last token */
  int32_t end_token_count;
  /* 0: the token of the greatest logit, the lowest such one. Else a token is drawn with a probability in
   * proportion to e^(logit / temperature). */
  float temperature;
  int32_t top_k; /* draw from the k greatest only; 0: from all */
  float top_p;   /* of those, from the fewest greatest that have this share of the probability; 0 or 1: all */
  /* Of the draws. Draw n of sequence b depends on (seed, b, n) alone, not on the machine or on threads:
   * SplitMix64 of a state that is made of the three. */
  uint64_t seed;
} TamisGenerationOptions;
#define TAMIS_GENERATION_OPTIONS_INIT {sizeof(TamisGenerationOptions), 0, 0, NULL, 0, 0, 0, 0, 0}

/* Refused for a model that is no decoder, or of which it is not known what its inputs mean; the message says
 * why. The context must outlive it. */
TAMIS_API TamisStatus tamis_generation_create(TamisContext *context, const TamisGenerationOptions *options,
                                              TamisGeneration **generation, TamisError *error);
/* Null is allowed. */
TAMIS_API void tamis_generation_destroy(TamisGeneration *generation);
/* Begins `count` sequences: prompts[b] has lengths[b] >= 1 tokens, which are copied. The caches become empty.
 * Prompts of different lengths are padded, which the model's mask must be able to say. */
TAMIS_API TamisStatus tamis_generation_begin(TamisGeneration *generation, const int64_t *const *prompts,
                                             const int64_t *lengths, int32_t count, TamisError *error);
/* The next token of each sequence into tokens[0 .. count); -1 for a sequence that has ended, by an end token
 * or by a maximum. The first step runs the prompts. A step that fails (cancelled, deadline, no memory, logits
 * that are no numbers) changes nothing: the same step can be tried again. Of the options, use_cache and
 * wanted_rows are not read. */
TAMIS_API TamisStatus tamis_generation_step(TamisGeneration *generation, const TamisRunOptions *options,
                                            int64_t *tokens, TamisError *error);
/* Puts tokens in the place of those that the last step chose, as a grammar, a filter or a given text wants
 * them, before the next step runs them: tokens[b] of sequence b; -1 leaves what was chosen. A sequence that
 * the chosen token ended goes on with another one, unless a maximum or an end token ends it again; of a
 * sequence that had ended before there is nothing to replace. All are refused where one is. */
TAMIS_API TamisStatus tamis_generation_replace(TamisGeneration *generation, const int64_t *tokens,
                                               TamisError *error);
/* The logits that the last step's token of a sequence was chosen by, `vocabulary` of them; valid until the
 * context's next run. Null when there are none. */
TAMIS_API const float *tamis_generation_logits(const TamisGeneration *generation, int32_t sequence);

/* "0.1.0". */
TAMIS_API const char *tamis_version(void);

/* What `--emit=object` and `--emit=shared` put into a program: an artifact in parts. The generated
 * header declares one of these and functions that use it. What it points at must live as long as the
 * model. */
typedef struct TamisEmbedded {
  size_t size;
  const void *header; /* FlatBuffers header, 8-byte aligned */
  size_t header_bytes;
  const void *weights; /* 64-byte aligned; null when they lie beside, in a file */
  size_t weights_bytes;
  const char *weights_file; /* the file's name when they lie beside, in `weights_folder` below: it holds
                               exactly the weight segment */
  const char *const *isas;  /* ISA levels, best first */
  void *const *entries;     /* TamisEntry of each */
  int32_t code_count;
} TamisEmbedded;
/* `weights_folder` may be null: then the current folder. */
TAMIS_API TamisStatus tamis_model_load_embedded(const TamisEmbedded *embedded, const char *weights_folder,
                                                const TamisModelOptions *options, TamisModel **model,
                                                TamisError *error);

#ifdef __cplusplus
}
#endif
#endif
