//===- ExpertPager.h - Experts that are in memory only while they are wanted ----------------------------===//
#ifndef TAMIS_RUNTIME_EXPERTPAGER_H
#define TAMIS_RUNTIME_EXPERTPAGER_H

#include <cstddef>
#include <cstdint>
#include <pthread.h>

namespace tamis {

/// The matrices of a layer of experts: that of place p is at data + p * bytes.
struct ExpertMatrices {
  const uint8_t *data;
  size_t bytes; ///< of one
};

/// What a layer is about to read.
struct ExpertDemand {
  const int64_t *counts; ///< [experts]: rows that were sent to each
  const int64_t *places; ///< [experts]: of their matrices; null where expert e has the place e
  int64_t experts;
  ExpertMatrices in, out;
};

/// What experts were asked for and found, over a run.
struct ExpertTraffic {
  int64_t hits, stalls; ///< experts that were in memory, and that were not
  int64_t stallBytes, stallNanoseconds;
};

/// Keeps the experts of a mapped file within a budget: those that no layer asked for longest give way to
/// those that one asks for. Pages of a file that were given back come again by themselves, so what is
/// computed never depends on it; two contexts may take experts away from each other, which costs them time.
/// Zeroed is off. Memory of malloc.
class ExpertPager {
public:
  /// Only matrices that lie in the pages [weights, weights + bytes) of a file are managed. `budget` > 0, in
  /// bytes.
  void begin(const uint8_t *weights, size_t bytes, size_t budget);
  void end();
  bool isOn() const { return budget != 0; }
  size_t budgetBytes() const { return budget; }
  size_t residentBytes();

  /// Brings what the layer reads into memory, on this thread. False when it is more than the budget: then
  /// nothing was done, and `needed` is what it takes. May be called by several threads.
  bool bring(const ExpertDemand &demand, ExpertTraffic &traffic, size_t &needed);

private:
  struct Expert {
    uint64_t wanted; ///< number of the call that asked for it last
    bool resident;
  };
  struct Layer {
    ExpertMatrices in, out;
    int64_t count; ///< places
    Expert *experts;

    size_t bytesOfOne() const { return in.bytes + out.bytes; }
  };

  bool contains(const ExpertMatrices &matrices, int64_t count) const;
  Layer *layerOf(const ExpertDemand &demand);
  void evictOldest();

  const uint8_t *weights;
  size_t weightBytes, budget, resident;
  uint64_t calls;
  Layer *layers;
  int64_t layerCount, layerCapacity;
  pthread_mutex_t mutex;
};

} // namespace tamis

#endif
