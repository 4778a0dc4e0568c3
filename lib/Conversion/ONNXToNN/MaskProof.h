//===- MaskProof.h - What an attention mask does, proven ----------------------------------------------===//
#ifndef TAMIS_LIB_CONVERSION_ONNXTONN_MASKPROOF_H
#define TAMIS_LIB_CONVERSION_ONNXTONN_MASKPROOF_H

#include "Raising.h"

namespace tamis::raising {

/// The indices of a score: batch, head, query, key.
struct ScoreIndices {
  onnx::Polynomial batch, head, query, key;
};

/// What is known of a tensor that is added to the scores or selects among them.
struct MaskProof {
  /// The argument [B, T] whose element [b, t] 0 excludes key t of sequence b for every query and head; null
  /// when there is none.
  mlir::Value keyMask;
  /// The elements of keyMask are 0 or 1 as far as the proof goes; else anything that is not 0 counts as 1.
  bool binary = false;
  /// What element 0 adds to a score is finite: a row with all keys excluded has weights.
  bool isFinite = false;
  /// With element 1, or without a key mask, nothing is added but what `causal` and `window` say.
  bool complete = false;
  /// Keys behind the query are excluded.
  bool causal = false;
  /// Not 0: keys further than window / 2 from the query are excluded.
  int64_t window = 0;

  bool operator==(const MaskProof &) const = default;
};

/// Analyses `mask`, broadcast to the scores: added to them, or when it is boolean, true where a key counts
/// (false where it counts if `inverted`).
MaskProof proveMask(Stage &stage, mlir::Value mask, const ScoreIndices &at, bool inverted = false);

} // namespace tamis::raising

#endif
