/*===- tamis/code_abi.h - What generated code and the runtime agree on ---------------------------------===*
 *
 * Generated code has no undefined symbol: everything it needs from its host comes through the TamisHost
 * that opens every context. The compiler lowers the ops of its `rt` dialect to exactly these calls. A
 * change here is a change of the artifact format: raise TAMIS_CODE_ABI_VERSION.
 *
 *===---------------------------------------------------------------------------------------------------===*/
#ifndef TAMIS_CODE_ABI_H
#define TAMIS_CODE_ABI_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TAMIS_CODE_ABI_VERSION 7

/* The highest rank of a tensor that crosses the boundary between code and host. */
#define TAMIS_MAX_RANK 8

/* A contiguous row-major tensor. `data` is aligned to the element type for inputs and to 64 bytes for
 * everything that the arena hands out; entries of `dims` from the rank upwards are not read. */
typedef struct TamisTensor {
  void *data;
  int64_t dims[TAMIS_MAX_RANK];
} TamisTensor;

struct TamisHost;

/* Where the rows of a cache lie: row t of head h, the heads of all sequences in order, begins at
 * data + (h * capacity + t) * row_bytes. */
typedef struct TamisCacheRows {
  void *data;       /* at a multiple of 64 bytes */
  int64_t capacity; /* rows from one head to the next, at least as many as there are */
  int64_t kept;     /* 1: the rows of the past lie there already; 0: the code copies them */
} TamisCacheRows;

/* A parallel region's body: work units [begin, end) on thread `thread` (0 is the caller). */
typedef void (*TamisBody)(struct TamisHost *host, void *captures, int64_t begin, int64_t end, int64_t thread);

/* The functions that generated code may call. All take the host first.
 *
 * Each thread has a TamisHost of its own: a body must call the one that it was given, never one that it
 * captured, since the host tells by it which thread calls. A counter is the sum of what
 * the entry and the bodies added to it in their hosts.
 *
 * `allocate` returns 64-byte aligned memory of the context's arena; it never returns null (it fails the
 * run instead). `release` gives it back; releasing in any order is allowed, and memory that is no block
 * of the arena (an input, a weight) is left alone. Both are for the entry function only, not for bodies.
 *
 * `parallel` runs body over the units [0, count): threads claim chunks of `grain` units, each those of its
 * own share in order, then what others have left. It returns when all units are done. `operation` is an index
 * into the artifact's operation table; `flops` and `bytes` are the work of the whole region, for profiles. It
 * polls for cancellation and the deadline. Some threads of the pool may do no unit at all, and a count of 0
 * calls nothing. Within a body it calls the inner body once, for all units, on the same thread.
 *
 * `fail` ends the run with the status TAMIS_ERROR_INPUT and a message: the operation's name from the
 * operation table, then `reason`, a NUL-terminated string in the code image. It does not return. It may
 * be called from a parallel body. Generated code owns nothing that needs unwinding.
 *
 * `experts` reports the dispatch of a layer of experts, before its weights are read: `tokens` rows were
 * routed with `pairs` choices, counts[e] of which are for expert e of `experts` and the rest skipped. The
 * matrices of the place p are at in + p * in_bytes and out + p * out_bytes; expert e has the place places[e],
 * e when that is null, -1 for one that was taken away. For the entry function only.
 *
 * `observe` shows what such a layer computed, in code that was compiled for it: the expert of each of `slots`
 * slots of each of `tokens` rows, its weight, its row of `columns` numbers in `outputs` [tokens, slots,
 * columns], and the router's `logits` [tokens, experts], or null. For the entry function only.
 *
 * `cache` gives the place for the present of cache number `cache` of the artifact's decoder: `heads` heads
 * of all sequences together, `rows` rows each, past and new ones. The code then writes the new rows, and
 * those of the past unless they are kept there. It fails the run like `allocate`, and is for the entry
 * function only.
 *
 * `settings` are the values of the artifact's settings in this run, in their order.
 *
 * `observe_states` shows the hidden states [rows, columns] in front of a layer, in code that was compiled for
 * it. For the entry function only.
 *
 * `tokens` reports that `kept` of `rows` rows go on behind an operation: those whose numbers, ascending, are
 * the first `kept` of `places`. For the entry function only.
 *
 * `keep` gives memory number `number` of those that the context keeps beside its caches, of `rows` rows of
 * `row_bytes` bytes, one behind the other: data and `kept` of the place, of which 1 says that it holds what
 * earlier runs wrote, and zeros where none did. With another `row_bytes` than before it is zeros. Without the
 * context's caches it is memory of the run, of any contents. It fails the run like `allocate`, and is for the
 * entry function only.
 *
 * `wanted_rows` has, for each sequence, the one row whose outputs the caller wants; null: all of them. */
typedef struct TamisHost {
  void *(*allocate)(struct TamisHost *host, int64_t bytes);
  void (*release)(struct TamisHost *host, void *data);
  void (*parallel)(struct TamisHost *host, TamisBody body, void *captures, int64_t count, int64_t grain,
                   int64_t operation, int64_t flops, int64_t bytes);
  void (*fail)(struct TamisHost *host, int64_t operation, const char *reason);
  const uint8_t *weights; /* start of the weight segment, page aligned */
  int64_t threads;        /* threads that `parallel` may use; `thread` of a body is below it */
  int64_t counters[8];    /* written by generated code: see TamisCounter; zeroed before each run */
  void (*experts)(struct TamisHost *host, int64_t operation, const int64_t *counts, int64_t experts,
                  int64_t tokens, int64_t pairs, const int64_t *places, const void *in, int64_t in_bytes,
                  const void *out, int64_t out_bytes);
  void (*observe)(struct TamisHost *host, int64_t operation, int64_t experts, int64_t tokens, int64_t slots,
                  int64_t columns, const int64_t *indices, const float *weights, const float *outputs,
                  const float *logits);
  void (*cache)(struct TamisHost *host, int64_t cache, int64_t heads, int64_t rows, int64_t row_bytes,
                TamisCacheRows *place);
  const int64_t *wanted_rows;
  const float *settings;
  void (*tokens)(struct TamisHost *host, int64_t operation, int64_t rows, int64_t kept,
                 const int64_t *places);
  void (*observe_states)(struct TamisHost *host, int64_t operation, int64_t layer, int64_t rows,
                         int64_t columns, const float *states);
  void (*keep)(struct TamisHost *host, int64_t number, int64_t rows, int64_t row_bytes,
               TamisCacheRows *place);
} TamisHost;

enum TamisCounter {
  TAMIS_COUNTER_TOKENS_IN = 0,       /* rows of the padded batch (batch x length) */
  TAMIS_COUNTER_TOKENS_COMPUTED = 1, /* rows that the layers computed */
  TAMIS_COUNTER_CACHE_ROWS = 2,      /* rows of key heads in caches of which a policy chooses what is read */
  TAMIS_COUNTER_CACHE_ROWS_READ = 3, /* those that were read */
};

/* The entry function of a code image. `inputs` are checked against the signature by the host (types,
 * ranks, static dimensions, equal symbols); the code fills `outputs`, whose data lies in the arena, in an
 * input, or in the weights, and stays valid until the next run of the context. */
typedef void (*TamisEntry)(TamisHost *host, const TamisTensor *inputs, TamisTensor *outputs);

#ifdef __cplusplus
}
#endif
#endif
