//===- Roofline.cpp - The peaks that a model's operations are measured against --------===//

#include "Roofline.h"

#include "MachinePeaks.h"

#include <algorithm>
#include <fmt/format.h>

namespace tamis::tools {

std::string ProductUnit::name() const { return products == 1 ? unit : fmt::format("{}/{}", unit, products); }

ProductUnit productUnit(std::string_view kind, std::string_view precision, std::string_view isa) {
  bool avx512 = isa.starts_with("x86-64-v4"), amx = isa.ends_with("-amx");
  bool bf16 = amx || isa.ends_with("-bf16"), vnni = bf16 || isa.ends_with("-vnni");
  if (kind == "nn.quantized_linear")
    precision = "int8";
  else if (kind == "nn.attention" && (precision == "int8" || precision == "int4"))
    precision = "bf16";
  else if (kind != "nn.linear" && kind != "nn.attention")
    precision = "f32";
  // Panels of int4 become bf16 for tiles.
  if (precision == "int4" && amx && kind == "nn.linear")
    return {"bf16-amx"};
  if (precision == "int8" || precision == "int4") {
    if (amx)
      return {"int8-amx"};
    if (vnni)
      return {avx512 ? "int8-avx512" : "int8-avx2"};
    return {avx512 ? "int16-avx512" : "int16-avx2"};
  }
  if (precision == "bf16" && bf16)
    return {amx ? "bf16-amx" : "bf16-avx512"};
  if (precision == "split-f32" && amx)
    return {"bf16-amx", 3};
  return {avx512 ? "fma-avx512" : "fma-avx2"};
}

Roofline Roofline::measure(std::string precision, std::string isa, int32_t threads,
                           const std::set<std::string> &kinds) {
  constexpr double seconds = 0.03;
  PeakMeter meter(threads, seconds);
  Roofline roofline{std::move(precision), std::move(isa), {}, {}};
  for (const std::string &kind : kinds) {
    ProductUnit unit = productUnit(kind, roofline.precision, roofline.isa);
    auto [place, isNew] = roofline.units.try_emplace(unit.name());
    if (isNew)
      place->second = meter.operationRate(arithmeticUnit(unit.unit)) / unit.products;
  }
  std::vector<MemoryLevel> levels = memoryLevels();
  for (size_t i = 0; i < levels.size(); ++i) {
    const MemoryLevel &level = levels[i];
    int64_t bytes = meter.bytesForReading(levels, i);
    if (bytes == 0 || level.name == "L1") // nothing that all threads work on lies in the caches of each
      continue;
    roofline.levels.push_back({level.name, meter.capacity(level), meter.readRate(level, bytes)});
  }
  return roofline;
}

Roofline::Share Roofline::shareOfUnit(const std::string &kind, double rate) const {
  std::string unit = productUnit(kind, precision, isa).name();
  return {unit, rate / units.at(unit)};
}

Roofline::Share Roofline::shareOfMemory(const std::string &kind, double rate, int64_t callBytes,
                                        int64_t runBytes) const {
  bool hasWeights = kind == "nn.linear" || kind == "nn.quantized_linear" || kind == "nn.embedding";
  int64_t bytes = hasWeights ? runBytes : callBytes;
  auto level = std::ranges::find_if(levels, [&](const Level &level) { return bytes <= level.bytes; });
  return {level->name, rate / level->rate};
}

} // namespace tamis::tools
