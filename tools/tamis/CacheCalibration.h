//===- CacheCalibration.h - How little of its caches a decoder may read, and how surely --===//
#ifndef TAMIS_TOOLS_CACHECALIBRATION_H
#define TAMIS_TOOLS_CACHECALIBRATION_H

#include "Calibration.h"

namespace tamis::tools {

/// Searches and certifies how many rows of its caches a decoder's new tokens read, by the rule that
/// `options.cacheRule` names. A request is a text of token ids: its last `options.continuation` tokens are
/// given one by one, whatever the model would choose, and its loss is the mean of those of their logits
/// beside the ones of a run that reads all rows. `options.requests` is an npy or a jsonl file. Shows
/// progress; makes no report and keeps no state. Throws ToolError.
CalibrationResult calibrateCache(const CalibrationOptions &options);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_CACHECALIBRATION_H
