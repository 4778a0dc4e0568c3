//===- Experts.h - How the stages that find mixtures of experts build them ----------------------------===//
#ifndef TAMIS_LIB_CONVERSION_ONNXTONN_EXPERTS_H
#define TAMIS_LIB_CONVERSION_ONNXTONN_EXPERTS_H

#include "Raising.h"
#include "tamis/Dialect/MoE/IR/MoEDialect.h"

#include <limits>

namespace tamis::raising {

/// How a token's experts and their weights come from its logits; as the attributes of moe.route.
struct Routing {
  int64_t k = 1;
  moe::Score score = moe::Score::Logits;
  moe::Ties ties = moe::Ties::Low;
  bool softmaxChosen = false, normalize = false;
  float epsilon = 0, scale = 1;
  int64_t groups = 1, keptGroups = 1, groupTop = 1;
  float groupFill = 0;
  bool limitsWeights = false;
  std::optional<float> mixerThreshold;
};

/// The weights of all experts for one linear layer, [E, K, N], and its bias [E, N] or null: weights that the
/// compiler evaluates.
struct ExpertLayer {
  mlir::Value w, bias;
};

/// What an expert computes, as moe.experts describes it. `up` is null when nothing multiplies the activation.
struct ExpertLayers {
  ExpertLayer gate, up, out;
  nn::Activation activation = nn::Activation::None;
  float alpha = 1, beta = 0, limit = std::numeric_limits<float>::infinity();
};

/// moe.experts of x [..., H] for the given indices and weights [..., k], which it adds up: [..., N]. With
/// `skips` an index of -1 is no expert.
mlir::Value buildExperts(Stage &stage, mlir::Value x, mlir::Value indices, mlir::Value weights,
                         const ExpertLayers &layers, bool skips = false);
/// moe.route of logits [..., E] and a bias [E] that only chooses, or null.
moe::RouteOp buildRoute(Stage &stage, mlir::Value logits, mlir::Value bias, const Routing &routing);

/// The router's choice that experts are computed for: indices [..., k], distinct within a token, and what the
/// experts' results are multiplied by, [..., k].
struct Choice {
  mlir::Value indices, weights;
  bool operator==(const Choice &other) const { return indices == other.indices && weights == other.weights; }
};

/// The TopK over the last dimension that `indices` come from: what makes them distinct and smaller than the
/// number of experts. Null when they do not.
onnx::TopKOp topKOf(mlir::Value indices);

/// The greatest of a token's scores [..., E], as an ArgMax or a TopK of one finds it.
struct Maximum {
  mlir::Operation *op;
  mlir::Value scores; ///< before idle casts
  moe::Ties ties = moe::Ties::Low;
};
/// The one that gives the places [..., 1] of experts, if any does.
std::optional<Maximum> maximumOf(mlir::Value places);
/// Experts [..., k] that are chosen one after the other: each has the greatest of the first one's scores but
/// for -infinity where those before it chose. Empty when they are chosen in another way.
llvm::SmallVector<Maximum> successiveMaxima(Stage &stage, mlir::Value indices);

/// A router's indices [..., k], before idle casts: distinct within a token and smaller than the number of
/// experts. They come from a TopK, or from ArgMaxes of which each excludes what those before it chose. Null
/// when they do not.
mlir::Value routerIndices(Stage &stage, mlir::Value indices);
/// How many experts a router whose indices these are chooses among.
int64_t routerExperts(Stage &stage, mlir::Value indices);

/// A factor of a token, [..., 1] or, as a vector, [...], that is its weight when it chose `expert`, and 0
/// otherwise.
struct Selection {
  Choice choice;
  int64_t expert;
};
std::optional<Selection> selectionOf(Stage &stage, mlir::Value factor, bool isVector = false);

/// Takes the operand that `match` accepts; the other one goes to `other`.
bool matchEither(mlir::Operation *op, mlir::Value &other, llvm::function_ref<bool(mlir::Value)> match);

/// A linear layer of which nothing but its product and its bias is left, when `value` is one: both are
/// weights.
nn::LinearOp plainLinear(mlir::Value value);

/// The logits of a choice whose weights are those of a sparse mixer, which goes to `routing`; null when it is
/// something else.
mlir::Value beforeSparseMixer(Stage &stage, const Choice &choice, Routing &routing);

/// What a router chooses by when experts outside of the best groups are excluded: the scores before that, and
/// `groups` to `groupFill` of `routing`. Null when `chosen` is something else.
mlir::Value beforeGroupLimit(Stage &stage, mlir::Value chosen, Routing &routing);

/// moe.route for a choice, when its weights are made in one of the ways that moe.route knows; else, after a
/// remark, the choice as it is.
Choice raiseRouting(Stage &stage, const Choice &choice);

/// A weight [E, N, K] as [E, K, N].
mlir::Value transposed(Stage &stage, mlir::Value w);
/// Indices that are there once `part`, [1, 1], is: what ends the run for another number of experts stays in
/// the graph.
mlir::Value after(Stage &stage, mlir::Value part, mlir::Value indices);
/// A constant vector of i64.
mlir::Value integers(Stage &stage, llvm::ArrayRef<int64_t> values);

} // namespace tamis::raising

#endif
