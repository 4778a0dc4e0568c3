//===- Session.h - A model, a context, and inputs bound by name -------------------===//
#ifndef TAMIS_TOOLS_SESSION_H
#define TAMIS_TOOLS_SESSION_H

#include "Npz.h"
#include "Tensor.h"

#include <memory>
#include <vector>

namespace tamis::tools {

struct SessionOptions {
  std::string artifact;        // path
  std::string isa;             // empty: the best that the CPU has
  int32_t threads = 0;         // 0: one for each core
  uint64_t residentBudget = 0; // bytes of experts in memory at once; 0: all
  std::string step;            // of the artifact's policy; empty: the one that it chose
};

/// Who is told what layers of experts compute.
struct ExpertObserver {
  TamisExpertObserver call = nullptr;
  void *user = nullptr;
};

/// Who is shown hidden states.
struct StateObserver {
  TamisStateObserver call = nullptr;
  void *user = nullptr;
};

/// Who is told which tokens stay.
struct TokenObserver {
  TamisTokenObserver call = nullptr;
  void *user = nullptr;
};

/// What a command runs: a loaded model and its contexts. Every function throws ToolError.
class Session {
public:
  explicit Session(const SessionOptions &options);

  /// Takes the model's inputs by name. Refuses names that the model does not have, inputs that are
  /// missing, and wrong types and ranks; sizes are checked by run().
  void bind(TensorMap tensors);

  /// Makes the context anew; before the first run, one without profile is made if need be.
  void createContext(bool profile, ExpertObserver observer = {}, StateObserver states = {},
                     TokenObserver tokens = {});
  /// A value for each setting of the artifact's policy, for the next runs.
  void set(const std::vector<float> &settings);
  /// Lets a monitor do the runs from now on, at the step that it has in force, and this share of them
  /// densely, too. Refuses a model that was not certified.
  void watch(double shadowRate);
  void run();

  /// The outputs of the last run; their data live until the next.
  std::vector<NamedValue> outputs() const;
  TamisReport report() const;
  std::vector<TamisEvent> events() const;
  /// The layers of experts of the last run; their counts live until the next.
  std::vector<TamisExpertLayer> experts() const;

  /// Where the last run left tokens out.
  std::vector<TamisTokenLayer> tokens() const;

  /// The input whose zeros mark padding; null when there is none.
  const TamisValue *mask() const;
  const TamisModel *model() const { return model_.get(); }
  /// The context that createContext made; null before.
  TamisContext *handle() const { return context.get(); }
  /// Null before watch().
  TamisMonitor *monitor() const { return monitor_.get(); }

private:
  void chooseStep();

  struct Destroy {
    void operator()(TamisModel *model) const { tamis_model_destroy(model); }
    void operator()(TamisContext *context) const { tamis_context_destroy(context); }
    void operator()(TamisMonitor *monitor) const { tamis_monitor_destroy(monitor); }
  };
  SessionOptions options;
  std::unique_ptr<TamisModel, Destroy> model_;
  std::unique_ptr<TamisContext, Destroy> context;
  std::unique_ptr<TamisMonitor, Destroy> monitor_;
  TensorMap tensors;              // those that the model wants
  std::vector<TamisValue> inputs; // in the model's order, pointing into `tensors`
};

/// "input_ids i64[batch x seq]".
std::string signatureText(const TamisSignature &signature);

} // namespace tamis::tools

#endif // TAMIS_TOOLS_SESSION_H
