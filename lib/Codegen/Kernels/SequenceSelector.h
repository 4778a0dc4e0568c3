//===- SequenceSelector.h - The greatest scores of a sequence -----------------------------------------===//
//
// The least score that is kept is found bit by bit: 32 times it is counted how many rows have at least a
// number. That is 32 reads of a few hundred words for each sequence, without a sort and without branches.
//
//===--------------------------------------------------------------------------------------------------===//
#ifndef TAMIS_LIB_CODEGEN_KERNELS_SEQUENCESELECTOR_H
#define TAMIS_LIB_CODEGEN_KERNELS_SEQUENCESELECTOR_H

#include "tamis/Codegen/Kernels/Emitter.h"

namespace tamis {

/// Selects from one sequence: `length` scores from `begin` on, which become unsigned keys of the same order
/// in `keys`, a buffer of i32 that is theirs.
class SequenceSelector {
public:
  SequenceSelector(Emitter &e, mlir::Value keys, mlir::Value begin, mlir::Value length);

  void makeKeys(mlir::Value scores);
  /// Gives so many at either end the greatest key, and those of `fixed`, flags of all rows or null.
  void protect(mlir::Value first, mlir::Value last, mlir::Value fixed = {});
  mlir::Value countProtected() { return count(mlir::arith::CmpIPredicate::uge, vectorOf(protectedKey)); }
  /// How many rows have at least this score, an f32.
  mlir::Value countFrom(mlir::Value score);
  /// The `count`-th greatest key, and how many are greater.
  std::pair<mlir::Value, mlir::Value> boundOf(mlir::Value count);
  /// Calls body(i, so far) for each row i above the bound, and for the first `ties` of those at it,
  /// ascending; it gives the next `so far`. The last one.
  mlir::Value each(mlir::Value bound, mlir::Value ties, mlir::Value init,
                   llvm::function_ref<mlir::Value(mlir::Value, mlir::Value)> body);
  /// Writes the numbers of those rows to kept[at ...].
  void write(mlir::Value bound, mlir::Value ties, mlir::Value kept, mlir::Value at);

private:
  static constexpr uint32_t protectedKey = 0xffffffff;
  mlir::Value integer(uint32_t value);
  mlir::Value vectorOf(uint32_t value);
  /// The keys of a vector of scores.
  mlir::Value keysOf(mlir::Value scores);
  /// Keys that compare so with those of the vector `bounds`. Lanes behind the last row are 0, which neither
  /// comparison finds.
  mlir::Value count(mlir::arith::CmpIPredicate predicate, mlir::Value bounds);
  mlir::Value splatOf(mlir::Value key);

  Emitter &e;
  mlir::Value keys, begin, length;
  mlir::VectorType vectorOfKeys;
};

} // namespace tamis

#endif
