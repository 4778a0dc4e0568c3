//===- RaiseMaskedExperts.cpp - Experts that are all computed and mostly multiplied by zero ------------===//
//
// Exporters that cannot express "only if chosen" compute every expert for every token and multiply it by a
// weight that is 0 unless the token chose it:
//
//   sum over e of mlp_e(x) * sum over j of weights[t, j] * (indices[t, j] == e)
//
// As the indices of a token are distinct (they come from TopK), the inner sum is weights[t, j] where
// indices[t, j] is e, and 0 for every e that the token did not choose: those products need not be computed.
// (Where an expert that was not chosen overflows, the model gives NaN and moe.experts does not.)
//
//===----------------------------------------------------------------------------------------------===//
#include "Experts.h"
#include "tamis/Dialect/NN/Transforms/Activations.h"
#include "tamis/Dialect/Weight/IR/WeightDialect.h"

using namespace mlir;
using namespace tamis;
using namespace tamis::raising;

namespace {
/// One expert's layers, of matrices [K, N].
struct MLP {
  Value x;
  nn::LinearOp gate, up, out;
  nn::Activation activation = nn::Activation::None;
};

/// A term of a sum: an expert times its selection.
struct Term {
  Operation *op;
  Selection selection;
  Value expert;
};
} // namespace

/// The layer under an activation, which may be none.
static nn::LinearOp activatedLinear(Value value, nn::Activation &activation) {
  Operation *op = value.getDefiningOp();
  activation = op ? nn::activationOf(op) : nn::Activation::None;
  return plainLinear(activation == nn::Activation::None ? value : op->getOperand(0));
}

static std::optional<MLP> matchMLP(Value value) {
  MLP mlp;
  if (!(mlp.out = plainLinear(value)))
    return std::nullopt;
  Value hidden = mlp.out.getX(), other;
  if (auto product = hidden.getDefiningOp<onnx::MulOp>()) {
    bool found = matchEither(product, other, [&](Value gate) {
      mlp.gate = activatedLinear(gate, mlp.activation);
      return mlp.gate && mlp.activation != nn::Activation::None;
    });
    if (!found || !(mlp.up = plainLinear(other)) || mlp.up.getX() != mlp.gate.getX() ||
        typeOf(mlp.up.getW()) != typeOf(mlp.gate.getW()))
      return std::nullopt;
  } else if (!(mlp.gate = activatedLinear(hidden, mlp.activation))) {
    return std::nullopt;
  }
  mlp.x = mlp.gate.getX();
  return mlp;
}

/// The matrices [K, N] of all experts as [E, K, N], and their biases.
static std::optional<ExpertLayer> stack(Stage &stage, ArrayRef<MLP> experts, nn::LinearOp MLP::*layer) {
  nn::LinearOp first = experts.front().*layer;
  if (!first)
    return ExpertLayer();
  auto all = [&](llvm::function_ref<Value(nn::LinearOp)> part) -> Value {
    SmallVector<Value> parts;
    for (const MLP &expert : experts) {
      Value value = part(expert.*layer);
      RankedTensorType type = typeOf(value);
      SmallVector<int64_t> shape(type.getShape());
      shape.insert(shape.begin(), 1);
      parts.push_back(weight::ReshapeOp::create(stage.builder, stage.location(), type.clone(shape), value));
    }
    SmallVector<int64_t> shape(typeOf(parts.front()).getShape());
    shape[0] = static_cast<int64_t>(parts.size());
    return weight::ConcatOp::create(stage.builder, stage.location(), typeOf(parts.front()).clone(shape),
                                    parts, 0);
  };
  ExpertLayer result;
  result.w = all([](nn::LinearOp linear) { return linear.getW(); });
  if (first.getBias())
    result.bias = all([](nn::LinearOp linear) { return linear.getBias(); });
  return result;
}

/// Do two experts differ in no more than their weights?
static bool isAlike(const MLP &a, const MLP &b) {
  auto layersAreAlike = [](nn::LinearOp a, nn::LinearOp b) {
    return bool(a) == bool(b) &&
           (!a || (typeOf(a.getW()) == typeOf(b.getW()) && !a.getBias() == !b.getBias()));
  };
  return a.x == b.x && a.activation == b.activation && layersAreAlike(a.gate, b.gate) &&
         layersAreAlike(a.up, b.up) && layersAreAlike(a.out, b.out);
}

/// The terms of a chain of additions, first to last; what else is added goes to `others`.
static void flattenSum(Stage &stage, Value value, SmallVectorImpl<Term> &terms,
                       SmallVectorImpl<Value> &others, bool isRoot = true) {
  auto add = value.getDefiningOp<onnx::AddOp>();
  if (add && (isRoot || value.hasOneUse()) && add.getA().getType() == value.getType() &&
      add.getB().getType() == value.getType()) {
    flattenSum(stage, add.getA(), terms, others, false);
    flattenSum(stage, add.getB(), terms, others, false);
    return;
  }
  if (auto product = value.getDefiningOp<onnx::MulOp>()) {
    std::optional<Selection> selection;
    Value expert;
    if (matchEither(product, expert,
                    [&](Value factor) { return (selection = selectionOf(stage, factor)).has_value(); })) {
      terms.push_back({product, *selection, expert});
      return;
    }
  }
  if (!stage.isFilledWith(value, 0))
    others.push_back(value);
}

/// Raises the sum that ends with `add`; true when its terms are not to be looked at again.
static bool raise(Stage &stage, onnx::AddOp add) {
  SmallVector<Term> terms;
  SmallVector<Value> others;
  flattenSum(stage, add.getC(), terms, others);
  if (terms.empty())
    return false;
  llvm::sort(terms, [](const Term &a, const Term &b) { return a.selection.expert < b.selection.expert; });
  const Choice &choice = terms.front().selection.choice;
  onnx::TopKOp topK = topKOf(choice.indices);
  int64_t count = typeOf(topK.getX()).getDimSize(topK.getAxis());
  SmallVector<MLP> experts;
  for (auto [i, term] : llvm::enumerate(terms)) {
    if (!(term.selection.choice == choice)) {
      stage.remark(term.op, "this looks like a mixture of experts, but this expert is chosen in another way");
      return true;
    }
    if (term.selection.expert != static_cast<int64_t>(i)) {
      stage.remark(term.op, "this looks like a mixture of experts, but expert " + Twine(i) +
                                " is missing or there twice");
      return true;
    }
    std::optional<MLP> mlp = matchMLP(term.expert);
    if (!mlp || (!experts.empty() && !isAlike(*mlp, experts.front()))) {
      bool isRounded = isa_and_nonnull<onnx::DequantizeLinearOp, nn::QuantizedLinearOp>(
          skipIdleCasts(term.expert).getDefiningOp());
      stage.remark(term.op,
                   Twine("this looks like a mixture of experts, but this ") +
                       (mlp         ? "expert is of another form than the first"
                        : isRounded ? "expert's result is rounded to 8 bits by a range of its own, which "
                                      "moe.experts does not do: it runs as the model has it, for all tokens"
                                    : "is no expert of linear layers"));
      return true;
    }
    experts.push_back(*mlp);
  }
  if (static_cast<int64_t>(terms.size()) != count) {
    stage.remark(add, "this looks like a mixture of experts, but of the " + Twine(count) +
                          " experts of its router " + Twine(terms.size()) + " are there");
    return true;
  }
  ArrayRef<onnx::Polynomial> rows = stage.shapes.sizes(experts.front().x),
                             tokens = stage.shapes.sizes(choice.indices);
  if (rows.size() != tokens.size() || rows.drop_back() != tokens.drop_back()) {
    stage.remark(
        add,
        "this looks like a mixture of experts, but the router's tokens are not proven to be the experts'");
    return true;
  }
  stage.buildAt(add, topK);
  ExpertLayers layers;
  layers.gate = *stack(stage, experts, &MLP::gate);
  layers.up = *stack(stage, experts, &MLP::up);
  layers.out = *stack(stage, experts, &MLP::out);
  layers.activation = experts.front().activation;
  Choice routed = raiseRouting(stage, choice);
  stage.buildAt(add, topK);
  Value y = buildExperts(stage, experts.front().x, routed.indices, routed.weights, layers);
  for (Value other : others)
    y = onnx::AddOp::create(stage.builder, stage.location(), add.getC().getType(), y, other);
  add.getC().replaceAllUsesWith(y);
  return true;
}

void raising::raiseMaskedExperts(Stage &stage) {
  SmallVector<onnx::AddOp> ops;
  stage.function.walk([&](onnx::AddOp op) { ops.push_back(op); });
  // The last addition of a sum comes first; those inside it are not sums of their own.
  llvm::SmallPtrSet<Operation *, 16> inside;
  for (onnx::AddOp op : llvm::reverse(ops)) {
    if (!inside.contains(op) && !raise(stage, op))
      continue;
    for (Value operand : op->getOperands())
      if (auto add = operand.getDefiningOp<onnx::AddOp>())
        inside.insert(add);
  }
}
