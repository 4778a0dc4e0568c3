//===- Generation.h - The tokens that follow prompts, by the runtime ------------------===//
#ifndef TAMIS_TOOLS_GENERATION_H
#define TAMIS_TOOLS_GENERATION_H

#include "Prompts.h"
#include "tamis/runtime.h"

#include <memory>
#include <vector>

namespace tamis::tools {

/// A generation of the runtime. All functions throw ToolError.
class Generation {
public:
  /// The context must outlive it.
  Generation(TamisContext *context, const TamisGenerationOptions &options);

  void begin(const std::vector<Tokens> &prompts);
  /// The next token of each sequence; -1 where it has ended.
  const Tokens &step();
  /// Puts others in place of those that the last step chose; -1 leaves one.
  void replace(const Tokens &tokens);
  /// The logits of the last step's token of a sequence; valid until the next step.
  const float *logits(int32_t sequence) const { return tamis_generation_logits(generation.get(), sequence); }

private:
  struct Destroy {
    void operator()(TamisGeneration *generation) const { tamis_generation_destroy(generation); }
  };
  TamisError error = TAMIS_ERROR_INIT;
  std::unique_ptr<TamisGeneration, Destroy> generation;
  Tokens tokens;
};

} // namespace tamis::tools

#endif // TAMIS_TOOLS_GENERATION_H
