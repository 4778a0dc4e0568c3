//===- ExpertPager.cpp - Experts that are in memory only while they are wanted --------------------------===//
#include "ExpertPager.h"
#include "Clock.h"
#include "Mapping.h"
#include "Memory.h"
#include <initializer_list>

using namespace tamis;

void ExpertPager::begin(const uint8_t *data, size_t bytes, size_t limit) {
  weights = data;
  weightBytes = bytes;
  budget = limit;
  pthread_mutex_init(&mutex, nullptr);
}

void ExpertPager::end() {
  if (!isOn())
    return;
  TamisAllocator allocator = defaultAllocator();
  for (int64_t i = 0; i < layerCount; ++i)
    releaseArray(allocator, layers[i].experts, size_t(layers[i].count));
  releaseArray(allocator, layers, size_t(layerCapacity));
  pthread_mutex_destroy(&mutex);
}

size_t ExpertPager::residentBytes() {
  if (!isOn())
    return 0;
  pthread_mutex_lock(&mutex);
  size_t bytes = resident;
  pthread_mutex_unlock(&mutex);
  return bytes;
}

bool ExpertPager::contains(const ExpertMatrices &matrices, int64_t count) const {
  // As numbers: pointers to different objects do not compare.
  auto begin = reinterpret_cast<uintptr_t>(matrices.data), first = reinterpret_cast<uintptr_t>(weights);
  size_t bytes;
  return !__builtin_mul_overflow(size_t(count), matrices.bytes, &bytes) && begin >= first &&
         begin - first <= weightBytes && bytes <= weightBytes - (begin - first);
}

ExpertPager::Layer *ExpertPager::layerOf(const ExpertDemand &demand) {
  for (int64_t i = 0; i < layerCount; ++i)
    if (layers[i].in.data == demand.in.data && layers[i].out.data == demand.out.data)
      return &layers[i];
  int64_t count = 0;
  for (int64_t e = 0; e < demand.experts; ++e) {
    int64_t place = demand.places ? demand.places[e] : e;
    count = place >= count ? place + 1 : count;
  }
  // Matrices that a run makes itself are no part of the file.
  if (!contains(demand.in, count) || !contains(demand.out, count))
    return nullptr;
  TamisAllocator allocator = defaultAllocator();
  if (!growArray(allocator, layers, layerCount, layerCount + 1, layerCapacity))
    return nullptr;
  auto *experts = allocateArray<Expert>(allocator, size_t(count));
  if (!experts)
    return nullptr;
  layers[layerCount] = {demand.in, demand.out, count, experts};
  return &layers[layerCount++];
}

void ExpertPager::evictOldest() {
  Layer *layer = nullptr;
  int64_t place = 0;
  uint64_t oldest = calls; // what this call asks for stays
  for (int64_t i = 0; i < layerCount; ++i)
    for (int64_t p = 0; p < layers[i].count; ++p) {
      const Expert &expert = layers[i].experts[p];
      if (expert.resident && expert.wanted < oldest) {
        oldest = expert.wanted;
        layer = &layers[i];
        place = p;
      }
    }
  if (!layer)
    return;
  for (const ExpertMatrices &matrices : {layer->in, layer->out})
    givePagesBack(matrices.data + size_t(place) * matrices.bytes, matrices.bytes);
  layer->experts[place].resident = false;
  resident -= layer->bytesOfOne();
}

bool ExpertPager::bring(const ExpertDemand &demand, ExpertTraffic &traffic, size_t &needed) {
  pthread_mutex_lock(&mutex);
  needed = 0;
  Layer *layer = layerOf(demand);
  if (!layer) {
    pthread_mutex_unlock(&mutex);
    return true;
  }
  ++calls;
  int64_t hits = 0, stalls = 0;
  // Experts may share a place, and an expert without one was not chosen.
  auto forWanted = [&](auto body) {
    for (int64_t e = 0; e < demand.experts; ++e) {
      int64_t place = demand.places ? demand.places[e] : e;
      if (demand.counts[e] > 0 && place >= 0 && place < layer->count)
        body(layer->experts[place], size_t(place));
    }
  };
  forWanted([&](Expert &expert, size_t) {
    if (expert.wanted == calls)
      return;
    expert.wanted = calls;
    ++(expert.resident ? hits : stalls);
    needed += layer->bytesOfOne();
  });
  bool fits = needed <= budget;
  if (fits && stalls) {
    int64_t start = monotonicNanoseconds();
    size_t missing = size_t(stalls) * layer->bytesOfOne();
    while (resident + missing > budget)
      evictOldest();
    // The system reads all of them at once where they come from a disk.
    for (auto demandPages : {askForPages, readPages})
      forWanted([&](Expert &expert, size_t place) {
        if (!expert.resident)
          for (const ExpertMatrices &matrices : {layer->in, layer->out})
            demandPages(matrices.data + place * matrices.bytes, matrices.bytes);
      });
    forWanted([&](Expert &expert, size_t) { expert.resident = true; });
    resident += missing;
    traffic.stallBytes += int64_t(missing);
    traffic.stallNanoseconds += monotonicNanoseconds() - start;
  }
  if (fits) {
    traffic.hits += hits;
    traffic.stalls += stalls;
  }
  pthread_mutex_unlock(&mutex);
  return fits;
}
