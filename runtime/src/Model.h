//===- Model.h - A loaded artifact ----------------------------------------------------------------------===//
#ifndef TAMIS_RUNTIME_MODEL_H
#define TAMIS_RUNTIME_MODEL_H

#include "Artifact.h"
#include "ExpertPager.h"
#include "Mapping.h"
#include "tamis/code_abi.h"
#include "tamis/runtime.h"

namespace tamis {

/// An input or output, decoded so that a run does not read FlatBuffers.
struct Tensor {
  TamisSignature signature;
  int32_t symbols[TAMIS_MAX_DIMENSIONS]; ///< index of the dimension's symbol; -1 for none
};

/// The decoder's part of the header. Indices of inputs and outputs; -1 where there is none.
struct Decoder {
  int32_t cacheCount; ///< 0: the model is no decoder with caches
  int32_t ids, mask, positions, logits;
  int64_t vocabulary, maxLength;
  bool paddedBehind, hasWantedRows;
  const char *problem; ///< why the model cannot be stepped; null when it can
};

} // namespace tamis

/// Immutable once loaded, but for the pager, which threads may share. Memory of malloc.
struct TamisModel {
  tamis::Artifact artifact;
  tamis::Mapping file; ///< the artifact, or the weights beside an embedded model
  tamis::Mapping code; ///< when it is not part of `file`
  const uint8_t *weights;
  tamis::ExpertPager *pager; ///< null without a budget
  TamisEntry entry;
  const char *isa;
  tamis::Tensor *inputs, *outputs; ///< one array
  int32_t inputCount, outputCount, symbolCount;
  tamis::Decoder decoder;
  int32_t *cacheInputs, *cacheOutputs; ///< of each cache; one array
};

#endif
