#!/usr/bin/env python3
"""Compiles mixtures of experts and compares them with their dense twin: every expert computed in double, then weighted.

    experts.py --tamis build/bin/tamis --isa x86-64-v3 [--isa x86-64-v4] [--precision f32] [--only TEXT]

Each case is a model of one com.microsoft MoE or QMoE, at sizes that no vector divides, with more and with fewer tokens
than experts. Where ONNX Runtime has the operator's form its result is compared, too. One and two threads must give the
same bits; a token alone and among others, and experts in another order, the same numbers within 1e-6 (in f32). The last
line counts the checks; the exit status is 1 when one failed.
"""
import argparse
import hashlib
import pathlib
import sys
import tempfile

import numpy as np
import onnxruntime
from onnx import TensorProto as T
from onnx import helper as h
from onnx import numpy_helper as nh

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Encoders"))
from comparison import Checks, call  # noqa: E402

MS = "com.microsoft"
# Relative to the largest element: what rounding of the factors does to sums of about 100 products.
TOLERANCE = {"f32": 2e-6, "split-f32": 2e-5, "bf16": 2e-2, "int8": 3e-2, "int4": 3e-2}
ROUNDED_TO_INT4 = 0.3  # where the model's weights are not those of 4 bits that the kernels read


class Layer:
    """One case: the operator's attributes, its weights as stored and as numbers, and what ONNX Runtime can say of it."""

    def __init__(self, name, experts=5, hidden=37, inner=43, k=2, activation="relu", normalize=True, bias=True, fusion=0,
                 gated=False, bits=None, block=0, zeros=False, limit=None, alpha=None, beta=None, accuracy=None, ort=True, seed=0):
        self.rng = np.random.default_rng(seed + len(name))
        self.name, self.experts, self.hidden, self.k, self.ort = name, experts, hidden, k, ort
        self.activation, self.normalize, self.fusion, self.quantised = activation, normalize, fusion, bits is not None
        self.limit, self.alpha, self.beta = limit or np.inf, alpha or 1.0, beta or 0.0
        self.attributes = {"k": k, "activation_type": activation, "normalize_routing_weights": int(normalize)}
        if activation == "swiglu":
            self.attributes |= {"swiglu_fusion": fusion, "activation_alpha": self.alpha, "activation_beta": self.beta}
            if limit:
                self.attributes["swiglu_limit"] = limit
        if bits:
            self.attributes |= {"expert_weight_bits": bits} | ({"block_size": block} if block else {})
        if accuracy is not None:
            self.attributes["accuracy_level"] = accuracy
        self.bits, self.block, self.zeros = bits, block, zeros
        rows = inner * (2 if fusion else 1)
        self.stored, self.numbers = {}, {}
        for layer, n, columns in (("fc1", rows, hidden), ("fc2", hidden, inner)) + ((("fc3", inner, hidden),) if gated else ()):
            self.numbers[layer] = self.weight(layer, n, columns)
            if bias:
                self.stored[layer + "_b"] = self.floats(experts, n)
        self.bias = {layer: self.stored.get(layer + "_b") for layer in self.numbers}

    def floats(self, *shape, scale=1.0):
        return (self.rng.standard_normal(shape) * scale).astype(np.float32)

    def weight(self, layer, n, columns):
        if not self.bits:
            self.stored[layer] = self.floats(self.experts, n, columns, scale=columns ** -0.5)
            return self.stored[layer]
        q = self.rng.integers(0, 1 << self.bits, (self.experts, n, columns)).astype(np.uint8)
        shape = (self.experts, n, columns // self.block) if self.block else (self.experts, n)
        scale = ((self.rng.random(shape) + 0.1) * 2.0 ** (1 - self.bits) * columns ** -0.5).astype(np.float32)
        zero = np.full(shape, 1 << (self.bits - 1), np.uint8)
        self.stored[layer], self.stored[layer + "_s"] = pack(q, self.bits), scale
        if self.zeros:
            zero = self.rng.integers(1, (1 << self.bits) - 1, shape).astype(np.uint8)
            self.stored[layer + "_z"] = pack(zero, self.bits)
        spread = lambda p: np.repeat(p, self.block, -1) if self.block else p[..., None]
        return (q.astype(np.float64) - spread(zero)) * spread(scale)

    def keeps_int4(self):
        return self.bits == 4 and self.block in (16, 32)

    def model(self, rank=2, order=None):
        """`order` puts the experts in another order."""
        order = np.arange(self.experts) if order is None else order
        names = ["x", "router"]
        for layer in ("fc1", "fc2", "fc3"):
            names += [layer] + ([layer + "_s"] if self.quantised else []) + [layer + "_b"]
        if self.quantised:
            names += ["fc1_z", "fc2_z", "fc3_z"]
        names = [name if name in self.stored or name in ("x", "router") else "" for name in names]
        while not names[-1]:
            names.pop()
        node = h.make_node("QMoE" if self.quantised else "MoE", names, ["y"], domain=MS, name="experts", **self.attributes)
        feeds = [h.make_tensor_value_info("x", T.FLOAT, ["b", "s", self.hidden][3 - rank:]),
                 h.make_tensor_value_info("router", T.FLOAT, ["t", self.experts])]
        graph = h.make_graph([node], "graph", feeds, [h.make_tensor_value_info("y", T.FLOAT, None)],
                             [nh.from_array(np.ascontiguousarray(value[order]), key) for key, value in self.stored.items()])
        model = h.make_model(graph, opset_imports=[h.make_opsetid("", 20), h.make_opsetid(MS, 1)])
        model.ir_version = 10
        return model

    def act(self, x):
        sigmoid = lambda v: 1 / (1 + np.exp(-v))
        if self.activation == "gelu":
            return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x ** 3)))
        return {"relu": lambda v: np.maximum(v, 0), "silu": lambda v: v * sigmoid(v), "identity": lambda v: v,
                "swiglu": lambda v: v * sigmoid(self.alpha * v)}[self.activation](x)

    def linear(self, layer, x, expert):
        y = self.numbers[layer][expert].astype(np.float64) @ x
        return y if self.bias[layer] is None else y + self.bias[layer][expert]

    def twin(self, x, router):
        """Every expert for every token, then the routing matrix [T, E], which is 0 where a token did not choose."""
        rows, out = x.reshape(-1, self.hidden).astype(np.float64), []
        for row, logits in zip(rows, router.astype(np.float64)):
            softmax = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
            chosen = sorted(range(self.experts), key=lambda e: (-router[len(out), e], -e))[:self.k]
            weights = np.zeros(self.experts)
            weights[chosen] = softmax[chosen]
            if self.normalize or self.quantised:
                weights /= weights.sum()
            total = np.zeros(self.hidden)
            for expert in range(self.experts):
                a = self.linear("fc1", row, expert)
                if self.fusion == 1:
                    gate, up = a[0::2], a[1::2]
                elif self.fusion == 2:
                    gate, up = np.split(a, 2)
                else:
                    gate, up = a, self.linear("fc3", row, expert) if "fc3" in self.numbers else None
                inner = self.act(np.minimum(gate, self.limit))
                if up is not None:
                    inner = inner * (np.clip(up, -self.limit, self.limit) + self.beta)
                total += weights[expert] * self.linear("fc2", inner, expert)
            out.append(total)
        return np.reshape(out, x.shape)


def pack(values, bits):
    """[..., n] of `bits` bits to [..., ceil(n * bits / 8)] bytes, lowest first."""
    per = 8 // bits
    groups = np.pad(values, [(0, 0)] * (values.ndim - 1) + [(0, -values.shape[-1] % per)])
    groups = groups.reshape(*values.shape[:-1], -1, per).astype(np.uint8)
    return np.bitwise_or.reduce(groups << (np.arange(per, dtype=np.uint8) * bits), axis=-1)


def cases():
    for activation in ("relu", "gelu", "silu", "identity"):
        yield Layer(f"moe_{activation}", activation=activation)
    yield Layer("moe_softmax_of_all", normalize=False)
    yield Layer("moe_plain", bias=False, hidden=64, inner=96)
    yield Layer("moe_top1", k=1, experts=3)
    yield Layer("moe_all_chosen", k=5)
    yield Layer("moe_many_experts", experts=40, k=6, hidden=32, inner=64)
    yield Layer("moe_fc3_silu", activation="silu", gated=True, ort=False)
    yield Layer("moe_fc3_whole_tiles", activation="silu", gated=True, hidden=64, inner=96, bias=False, ort=False)
    yield Layer("moe_swiglu_halves", activation="swiglu", fusion=2, ort=False)
    for fusion, gated in ((1, False), (0, True)):
        for inner in (43, 64):
            yield Layer(f"moe_swiglu{fusion}_{inner}", activation="swiglu", fusion=fusion, gated=gated, inner=inner, ort=fusion == 1)
    yield Layer("moe_swiglu_limit", activation="swiglu", fusion=1, limit=0.7, alpha=1.702, beta=1.0)
    for bits in (4, 8):
        for block, zeros in ((0, False), (0, True), (16, False), (16, True), (32, True)):
            # ONNX Runtime's own blocks of 8 bits are off by up to 0.04.
            yield Layer(f"qmoe_{bits}_b{block}{'_zeros' if zeros else ''}", hidden=64, inner=96, bits=bits, block=block, zeros=zeros,
                        ort=bits == 4)
    yield Layer("qmoe_swiglu", hidden=64, inner=64, bits=4, block=32, activation="swiglu", fusion=1)
    # How a runtime may round activations, which is Tamis's --precision.
    yield Layer("qmoe_accuracy_level", hidden=64, inner=96, bits=4, block=32, accuracy=4, ort=False)
    yield Layer("qmoe_one_block", hidden=32, inner=32, bits=4, block=32, zeros=True)


def run_tamis(checks, options, what, model, feeds, folder):
    """Results by ISA level; None after a failure. Artifacts stay in `folder` for later runs of the same model."""
    data = model.SerializeToString()
    artifact = folder / f"{hashlib.sha256(data).hexdigest()}.tamis"
    np.savez(folder / "in.npz", **feeds)
    if not artifact.exists():
        (folder / "model.onnx").write_bytes(data)
        code, text = call(options.tamis, "compile", folder / "model.onnx", "-o", artifact, "--quiet", "--precision",
                          options.precision, "--target", ",".join(options.isa))
        if not checks.count(f"{what} compile", code == 0, text):
            return None
    results = []
    for isa in options.isa:
        bits = []
        for threads in (1, 2):
            out = folder / f"out_{threads}.npz"
            code, text = call(options.tamis, "run", artifact, "--inputs", folder / "in.npz", "--outputs", out, "--isa", isa,
                              "--threads", threads)
            if not checks.count(f"{what} {isa} {threads} threads", code == 0, text):
                return None
            bits.append(np.load(out)["y"])
        checks.count(f"{what} {isa}: 2 threads", bits[0].tobytes() == bits[1].tobytes(), "the bits differ by threads")
        results.append(bits[0])
    return results


def check(checks, layer, options, folder, more):
    """`more`: rows of rank 3 and permuted experts, too, for each of which the model is compiled once more."""
    tolerance = TOLERANCE[options.precision]
    if options.precision == "int4" and not layer.keeps_int4():
        tolerance = ROUNDED_TO_INT4
    run = lambda what, model, feeds: run_tamis(checks, options, f"{layer.name} {what}", model, feeds, folder)

    def compare(what, results, want, tolerance):
        for isa, got in zip(options.isa, results or []):
            error = np.abs(got - want).max(initial=0) / max(np.abs(want).max(initial=0), 1e-3)
            checks.count(f"{layer.name} {what} {isa}", got.shape == want.shape and error <= tolerance, f"off by {error:.3g}")

    for shape in ((2, 7), (1, 1), (0, 3), (3, 40)):
        feeds = {"x": layer.floats(*shape, layer.hidden), "router": layer.floats(shape[0] * shape[1], layer.experts)}
        if not more:
            feeds["x"] = feeds["x"].reshape(-1, layer.hidden)
        model = layer.model(rank=3) if more else layer.model()
        results = run(f"{shape}", model, feeds)
        compare(f"{shape}", results, layer.twin(**feeds), tolerance)
        if layer.ort and shape == (2, 7) and options.precision == "f32":
            session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
            compare("beside ONNX Runtime", results, session.run(None, feeds)[0], 1e-4 if layer.quantised else 1e-5)
    # Logits that tie: of equal ones the higher is chosen.
    feeds = {"x": layer.floats(11, layer.hidden), "router": layer.rng.integers(0, 3, (11, layer.experts)).astype(np.float32)}
    tied = run("ties", layer.model(), feeds)
    compare("ties", tied, layer.twin(**feeds), tolerance)
    if options.precision != "f32" or tied is None:
        return
    feeds = {"x": layer.floats(9, layer.hidden), "router": layer.floats(9, layer.experts)}
    together = run("together", layer.model(), feeds)
    alone = [run(f"token {t}", layer.model(), {key: value[t:t + 1] for key, value in feeds.items()}) for t in range(3)]
    halves = [run(f"rows {part}", layer.model(), {key: value[part] for key, value in feeds.items()}) for part in (slice(0, 4), slice(4, 9))]
    order = layer.rng.permutation(layer.experts)
    permuted = run("permuted", layer.model(order=order), feeds | {"router": feeds["router"][:, order]}) if more else []
    for i, isa in enumerate(options.isa):
        same = lambda what, a, b, bound: checks.count(f"{layer.name} {what} {isa}", np.abs(a - b).max() <= bound * np.abs(b).max(), "differs")
        # Tiles of other heights may add products up in another order, and experts in another order are added up in it.
        same("one token at a time", np.concatenate([each[i] for each in alone]), together[i][:3], 1e-6)
        same("in two parts", np.concatenate([each[i] for each in halves]), together[i], 1e-6)
        if permuted:
            same("permuted experts", permuted[i], together[i], 1e-6)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tamis", default="tamis")
    parser.add_argument("--isa", action="append", required=True)
    parser.add_argument("--precision", default="f32", choices=TOLERANCE)
    parser.add_argument("--only", default="")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th case only")
    options = parser.parse_args()
    checks = Checks()
    for index, layer in list(enumerate(cases()))[::options.every]:
        if options.only in layer.name:
            with tempfile.TemporaryDirectory() as folder:
                check(checks, layer, options, pathlib.Path(folder), more=index % 4 == 0)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
