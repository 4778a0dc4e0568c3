#!/usr/bin/env python3
"""Generates with decoders that read a part of their caches, beside a decoder in numpy that does what the policy says.

    evict.py --tamis build/bin/tamis --runtime build/lib/libtamis_runtime.so --isa x86-64-v3

The decoder in numpy computes in float64, each sequence by itself, on the tokens that Tamis chose; logits of every step must be
near, and the rows that were read as many. It must itself agree with ONNX Runtime where all rows are read, and where a window
is, which its mask can say. Steps that read all rows must give the bits of the model without a policy, whatever was read before,
and one and two threads the same. The last line counts the checks; the exit status is 1 when one failed.
"""
import argparse
import json
import pathlib
import sys
import tempfile

import numpy as np
import onnx
import onnx.numpy_helper
import onnxruntime

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "utils"))
sys.path.insert(0, str(ROOT / "test" / "Integration" / "Encoders"))
import decoder_onnx  # noqa: E402
import tamis_runtime  # noqa: E402
from comparison import Checks, call  # noqa: E402
from decoder_onnx import Decoder  # noqa: E402

# The first has padding in front, the second behind.
FORMS = {"front": Decoder(seed=7), "behind": Decoder(attention="GroupQueryAttention", heads=4, groups=1, seed=8)}
RULES = {
    "window": {"rule": "window", "sinks": 3,
               "steps": [{"name": "near", "window": 12}, {"name": "one", "window": 1}, {"name": "all", "window": 4096}]},
    "pages": {"rule": "pages", "page": 8, "sinks": 4, "window": 5, "dense_layers": 1,
              "steps": [{"name": "near", "pages": 3}, {"name": "one", "pages": 1}, {"name": "all", "pages": 600}]},
    # For the model with padding in front; the other is refused.
    "snapkv": {"rule": "snapkv", "window": 4, "pool": 3,
               "steps": [{"name": "near", "capacity": 14}, {"name": "one", "capacity": 7}, {"name": "all", "capacity": 4096}]},
}
# What a sequence of steps reads one after the other; a prompt decides for the rule snapkv.
IN_TURN = ["dense"] * 9 + ["near"] * 9 + ["one"] * 9 + ["all"] * 5 + ["near"] * 12
IN_TURN_OF_PROMPTS = ["near"] * 9 + ["dense"] * 9 + ["one"] * 9 + ["all"] * 5 + ["near"] * 12
LENGTHS, NEW = (37, 3, 22), 36  # the caches grow beyond the 64 rows that they begin with
TOLERANCE = 2e-4


class Numpy:
    """One sequence of a Decoder. `choose(self, layer, q [heads, new, size], k [groups, rows, size])` gives the rows that each
    group's heads read; None: all."""

    def __init__(self, model, form):
        self.weights = {t.name: onnx.numpy_helper.to_array(t).astype(np.float64) for t in model.graph.initializer}
        self.form, self.choose, self.rows_read, self.decided = form, None, 0, {}
        self.keys = [np.zeros((form.groups, 0, form.size)) for _ in range(form.layers)]
        self.values = [np.zeros((form.groups, 0, form.size)) for _ in range(form.layers)]

    def norm(self, name, x):
        return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-5) * self.weights[name + ".weight"]

    def heads(self, x, count, first=None):
        x = x.reshape(len(x), count, self.form.size).transpose(1, 0, 2)
        if first is None:
            return x
        half = self.form.size // 2
        turns = np.outer(first + np.arange(x.shape[1]), 1e4 ** (-np.arange(half) / half))
        low, high, cos, sin = x[..., :half], x[..., half:], np.cos(turns), np.sin(turns)
        return np.concatenate([low * cos - high * sin, high * cos + low * sin], -1)

    def attend(self, layer, q):
        k, v, form = self.keys[layer], self.values[layer], self.form
        new, total = q.shape[1], k.shape[1]
        chosen = self.choose(self, layer, q, k) if self.choose else None
        out = np.zeros_like(q)
        for h in range(form.heads):
            group = h // (form.heads // form.groups)
            rows = np.arange(total) if chosen is None else chosen[group]
            self.rows_read += len(rows) if h % (form.heads // form.groups) == 0 else 0
            scores = q[h] @ k[group, rows].T * form.size**-0.5
            scores[rows[None] > np.arange(total - new, total)[:, None]] = -np.inf
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            out[h] = weights / weights.sum(-1, keepdims=True) @ v[group, rows]
        return out.transpose(1, 0, 2).reshape(new, -1)

    def step(self, tokens):
        """The logits of the last of these tokens."""
        form, w, self.rows_read = self.form, self.weights, 0
        x, past = w["embed.weight"][tokens], self.keys[0].shape[1]
        for layer in range(form.layers):
            at = f"/layers/{layer}"
            inner = self.norm(at + "/norm", x)
            q, k, v = (inner @ w[f"{at}/{part}_proj.weight"] for part in "qkv")
            self.keys[layer] = np.concatenate([self.keys[layer], self.heads(k, form.groups, past)], 1)
            self.values[layer] = np.concatenate([self.values[layer], self.heads(v, form.groups)], 1)
            x = x + self.attend(layer, self.heads(q, form.heads, past)) @ w[at + "/o_proj.weight"]
            inner = self.norm(at + "/norm_1", x)
            gate = inner @ w[at + "/gate.weight"]
            x = x + gate / (1 + np.exp(-gate)) * (inner @ w[at + "/up.weight"]) @ w[at + "/down.weight"]
        return self.norm("/norm", x[-1:])[0] @ w["/lm_head.weight"]


def window(sinks, amount, total):
    return np.array([row for row in range(total) if row < sinks or row >= total - amount])


def rule_of(policy, step):
    """`choose` of a step of a policy."""
    amount = next((s.get("window", s.get("pages", s.get("capacity"))) for s in policy["steps"] if s["name"] == step), None)
    if amount is None:
        return None

    def by_window(decoder, layer, q, k):
        return None if q.shape[1] > 1 else [window(policy["sinks"], amount, k.shape[1])] * k.shape[0]

    def by_pages(decoder, layer, q, k):
        if layer < policy["dense_layers"] or q.shape[1] > 1:
            return None
        q = q[:, 0]
        groups, total, _ = k.shape
        size = policy["page"]
        pages = [np.arange(begin, min(begin + size, total)) for begin in range(0, total, size)]
        ends = {p for p, rows in enumerate(pages) if rows[0] < policy["sinks"] or rows[-1] >= total - policy["window"]}
        chosen = []
        for group in range(groups):
            heads = q[group * (len(q) // groups) : (group + 1) * (len(q) // groups)]
            bound = lambda p: max(np.maximum(h * k[group, pages[p]].min(0), h * k[group, pages[p]].max(0)).sum() for h in heads)
            others = sorted((p for p in range(len(pages)) if p not in ends), key=lambda p: (-bound(p), p))
            chosen.append(np.concatenate([pages[p] for p in sorted(ends | set(others[:amount]))]))
        return chosen

    def by_snap(decoder, layer, q, k):
        groups, total, size = k.shape
        if q.shape[1] == 1:
            since, lists = decoder.decided.get(layer, (0, None))
            return [np.concatenate([rows, np.arange(since, total)]) for rows in lists] if since and amount < 4096 else None
        # Runs of a few tokens leave a decision alone.
        if total > amount and (layer not in decoder.decided or q.shape[1] >= policy["window"]):
            decoder.decided[layer] = (total, [decide(q, k, group) for group in range(groups)])
        return None

    def decide(q, k, group):
        total, last = k.shape[1], policy["window"]
        received, reach = np.zeros(total - last), policy["pool"] // 2
        for head in q[group * (len(q) // len(k)) : (group + 1) * (len(q) // len(k))]:
            scores = head[-last:] @ k[group].T * k.shape[2] ** -0.5
            scores[np.arange(total)[None] > np.arange(total - last, total)[:, None]] = -np.inf
            weights = np.exp(scores - scores.max(-1, keepdims=True))
            received += (weights / weights.sum(-1, keepdims=True))[:, : total - last].sum(0)
        pooled = [received[max(row - reach, 0) : row + reach + 1].sum() for row in range(total - last)]
        best = sorted(range(total - last), key=lambda row: (-pooled[row], row))[: amount - last]
        return np.array(sorted(best) + list(range(total - last, total)))

    return {"window": by_window, "pages": by_pages, "snapkv": by_snap}[policy["rule"]]


class Reference:
    """The same sequence by ONNX Runtime, whose mask says what is read in a step."""

    def __init__(self, file, form):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self.past = {f"past_key_values.{i}.{kind}": np.zeros((1, form.groups, 0, form.size), np.float32)
                     for i in range(form.layers) for kind in ("key", "value")}
        self.length = 0

    def step(self, tokens, rows=None):
        total = self.length + len(tokens)
        mask = np.ones((1, total), np.int64)
        if rows is not None:
            mask[:] = 0
            mask[0, rows] = 1
        feeds = {"input_ids": np.array([tokens]), "attention_mask": mask, "position_ids": np.arange(self.length, total)[None]}
        names = [output.name for output in self.session.get_outputs()]
        outputs = dict(zip(names, self.session.run(None, feeds | self.past)))
        self.past = {name: outputs[name.replace("past_key_values", "present")] for name in self.past}
        self.length = total
        return outputs["logits"][0, -1]


def check_numpy(checks, file, model, form):
    """The decoder in numpy beside ONNX Runtime, reading all rows and those of a window."""
    policy, rng = RULES["window"], np.random.default_rng(3)
    tokens = rng.integers(form.vocabulary, size=40).tolist()
    for step in ("dense", "near"):
        ours, theirs, worst = Numpy(model, form), Reference(file, form), 0
        ours.choose = rule_of(policy, step)
        for begin in [0, *range(20, 40)]:
            given = tokens[:20] if begin == 0 else tokens[begin : begin + 1]
            total = begin + len(given)
            rows = window(policy["sinks"], policy["steps"][0]["window"], total) if step == "near" and begin else None
            worst = max(worst, np.abs(ours.step(given) - theirs.step(given, rows)).max())
        checks.count(f"numpy, {step}", worst <= TOLERANCE, f"differs from ONNX Runtime by {worst}")


class Run:
    """A generation whose step of the policy may change on the way."""

    def __init__(self, model, threads, prompts, steps):
        context = tamis_runtime.Context(model, threads)
        generation = tamis_runtime.Generation(context)
        generation.begin(prompts)
        self.tokens, self.logits, self.read, self.rows = [], [], [], []
        for step in steps:
            if step:
                context.set_step(step)
            self.tokens.append(generation.step())
            self.logits.append(np.stack([generation.logits(b) for b in range(len(prompts))]))
            report = context.report()
            self.read.append(report.cache_rows_read)
            self.rows.append(report.cache_rows)
        self.logits = np.stack(self.logits)


def check_steps(checks, name, policy, model, form, plain, prompts, steps):
    """Two threads, the numbers of rows, and each sequence by itself."""
    one, two = (Run(model, threads, prompts, steps) for threads in (1, 2))
    checks.count(f"{name}: threads", np.array_equal(one.logits, two.logits), f"differ by {np.abs(one.logits - two.logits).max()}")
    read = np.zeros(len(steps), np.int64)
    for b, prompt in enumerate(prompts):
        ours, given, worst = Numpy(plain, form), prompt, 0
        for i, step in enumerate(steps):
            ours.choose = rule_of(policy, step)
            worst = max(worst, np.abs(ours.step(given) - one.logits[i, b]).max())
            read[i] += ours.rows_read - sum(k.shape[0] * k.shape[1] for k in ours.keys[: policy.get("dense_layers", 0)])
            given = [one.tokens[i][b]]
        checks.count(f"{name}: sequence {b}", worst <= TOLERANCE, f"logits differ by {worst}")
    parts = [i for i, step in enumerate(steps) if i and step in ("near", "one")]
    checks.count(f"{name}: rows read", all(one.read[i] == read[i] < one.rows[i] for i in parts),
                 f"{[(one.read[i], read[i], one.rows[i]) for i in parts]}")
    whole = [i for i, step in enumerate(steps) if i == 0 or step in ("dense", "all")]
    checks.count(f"{name}: all rows read", all(one.read[i] == one.rows[i] for i in whole), f"{one.read}, of {one.rows}")
    return one


def check_few(checks, name, policy, model, form, plain):
    """Runs of a few tokens behind a prompt leave what it decided, one of as many as the rule's window decides anew."""
    tokens = np.random.default_rng(6).integers(form.vocabulary, size=60).tolist()
    context, ours = tamis_runtime.Context(model, 1), Numpy(plain, form)
    context.set_step("near")
    ours.choose = rule_of(policy, "near")
    read, wanted, worst = [], [], 0
    ends = [30, 32, 33, 36, 37, 37 + policy["window"], 38 + policy["window"]]
    for begin, end in zip([0, *ends], ends):
        got = context.logits_with_cache([tokens[begin:end]])[0, -1]
        worst = max(worst, np.abs(ours.step(tokens[begin:end]) - got).max())
        read.append(context.report().cache_rows_read)
        wanted.append(ours.rows_read)
    checks.count(f"{name}: a few tokens", worst <= TOLERANCE, f"logits differ by {worst}")
    checks.count(f"{name}: a few tokens, rows read", read == wanted, f"{read}, not {wanted}")


def check_cut(checks, name, rule, model, form, step):
    """Rows that are cut off and written anew, on the way of one sequence; and the same step on a past that the caller gives."""
    rng = np.random.default_rng(5)
    tokens, others = (rng.integers(form.vocabulary, size=60).tolist() for _ in range(2))
    straight, cut = (tamis_runtime.Context(model, 1) for _ in range(2))
    for context in (straight, cut):
        context.set_step(step)
    feed = lambda context, ids: [context.logits_with_cache([[token]])[0, -1] for token in ids][-1]
    straight.logits_with_cache([tokens[:30]])
    wanted = feed(straight, tokens[30:])
    cut.logits_with_cache([others[:50]])
    feed(cut, others[50:])
    cut.truncate_cache(0)
    cut.logits_with_cache([tokens[:30]])
    feed(cut, tokens[30:41] + others[41:])
    cut.truncate_cache(41)
    got = feed(cut, tokens[41:])
    checks.count(f"{name}: cut caches", np.array_equal(got, wanted), f"logits differ by {np.abs(got - wanted).max()}")
    if rule == "snapkv":
        # Without its prompt there is no decision.
        cut.truncate_cache(29)
        got = feed(cut, tokens[29:])
        cut.set_step("dense")
        cut.truncate_cache(29)
        wanted = feed(cut, tokens[29:])
        checks.count(f"{name}: cut prompt", np.array_equal(got, wanted), f"logits differ by {np.abs(got - wanted).max()}")
        straight.set_step("dense")
        straight.truncate_cache(0)
        straight.logits_with_cache([tokens[:30]])
        wanted = feed(straight, tokens[30:])
    # As ONNX, the past is an input, and nothing is kept.
    model_run = tamis_runtime.Context(model, 1)
    model_run.set_step(step)
    past = {f"past_key_values.{i}.{kind}": np.zeros((1, form.groups, 0, form.size), np.float32)
            for i in range(form.layers) for kind in ("key", "value")}
    given = [tokens[:30], *([token] for token in tokens[30:])]
    for ids in given:
        before = past["past_key_values.0.key"].shape[2]
        feeds = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, before + len(ids)), np.int64),
                 "position_ids": np.arange(before, before + len(ids))[None]} | past
        outputs = model_run.run({key: value for key, value in feeds.items() if key in model.inputs})
        past = {key: outputs[key.replace("past_key_values", "present")] for key in past}
    got = outputs["logits"][0, -1]
    checks.count(f"{name}: past given", np.array_equal(got, wanted), f"logits differ by {np.abs(got - wanted).max()}")


def check_padding(checks, name, model, form):
    """Padding behind or among the tokens of a sequence is refused by a step that would take it for tokens."""
    past = {f"past_key_values.{i}.{kind}": np.zeros((2, form.groups, 18, form.size), np.float32)
            for i in range(form.layers) for kind in ("key", "value")}
    mask = np.ones((2, 20), np.int64)
    mask[0, :7] = mask[1, :3] = 0
    feeds = {"input_ids": np.full((2, 2), 5), "attention_mask": mask, "position_ids": np.tile([18, 19], (2, 1))} | past
    context = tamis_runtime.Context(model, 1)

    def message(step):
        context.set_step(step)
        try:
            return context.run(feeds) and ""
        except RuntimeError as error:
            return str(error)

    checks.count(f"{name}: padding in front", message("near") == "", message("near"))
    for place in (9, 19):
        mask[1] = np.arange(20) != place
        found = message("near")
        checks.count(f"{name}: padding at {place}", "attention_mask" in found and "sequence 1 has padding behind or among" in found, found)
        checks.count(f"{name}: padding at {place}, dense", message("dense") == "", message("dense"))


def check_form(checks, name, form, arguments, folder):
    file, plain = folder / f"{name}.onnx", decoder_onnx.build(form)
    onnx.save(plain, file)
    if name == "front":
        check_numpy(checks, file, plain, form)

    def compiled(what, *flags):
        artifact = folder / f"{name}-{what}.tamis"
        code, text = call(arguments.tamis, "compile", file, "-o", artifact, "--target", arguments.isa, "-q", *flags)
        checks.count(f"{name}, {what}: compiles", code == 0, text)
        return tamis_runtime.Model(artifact, pathlib.Path(arguments.runtime).with_suffix(".so"))

    rng = np.random.default_rng(11)
    prompts = [rng.integers(form.vocabulary, size=length).tolist() for length in LENGTHS]
    without = Run(compiled("without"), 1, prompts, [None] * NEW)
    for rule, policy in RULES.items():
        (folder / "policy.json").write_text(json.dumps({"schema": "tamis.policy.v1", "cache": policy}))
        if name == "front":
            code, text = call(arguments.tamis, "compile", file, "-o", folder / "x.tamis", "--policy", folder / "policy.json")
            checks.count(f"{rule}: needs a word", code == 3 and "--allow-uncertified" in text, f"{code}: {text}")
        if rule == "snapkv" and name == "behind":
            code, text = call(arguments.tamis, "compile", file, "-o", folder / "x.tamis", "--policy", folder / "policy.json",
                              "--allow-uncertified")
            checks.count(f"{rule}: refused", code == 3 and "take the rule pages" in text, f"{code}: {text}")
            continue
        model, what = compiled(rule, "--policy", folder / "policy.json", "--allow-uncertified"), f"{name}, {rule}"
        for step in ("dense", "all"):
            got = Run(model, 1, prompts, [step] * NEW)
            checks.count(f"{what}, {step}: bits", np.array_equal(got.logits, without.logits),
                         f"differ by {np.abs(got.logits - without.logits).max()}")
        check_steps(checks, f"{what}, near", policy, model, form, plain, prompts, ["near"] * NEW)
        check_steps(checks, f"{what}, in turn", policy, model, form, plain, prompts, IN_TURN_OF_PROMPTS if rule == "snapkv" else IN_TURN)
        check_cut(checks, what, rule, model, form, "near")
        if name == "front":
            check_padding(checks, what, model, form)
        if rule == "snapkv":
            check_few(checks, what, policy, model, form, plain)
        if name == "front" and rule == "window":
            check_report(checks, form, arguments.tamis, folder / f"{name}-{rule}.tamis", folder)
        if name == "front":
            code, text = call(arguments.tamis, "generate", folder / f"{name}-{rule}.tamis", "--prompt-ids", " ".join(map(str, prompts[0])), "--max-new", 40,
                              "--step", "one", "--json")
            found = json.loads(text) if code == 0 else {}
            checks.count(f"{rule}: generate", found.get("step") == "one" and 0 < found["cache_rows_read"] < found["cache_rows"], text)


def check_report(checks, form, tamis, artifact, folder):
    """A run on a past of 19 rows, of which the step 'near' of the window reads 15 with the new one."""
    past = {f"past_key_values.{i}.{kind}": np.ones((1, form.groups, 19, form.size), np.float32)
            for i in range(form.layers) for kind in ("key", "value")}
    np.savez(folder / "in.npz", input_ids=np.array([[5]]), attention_mask=np.ones((1, 20), np.int64), position_ids=np.array([[19]]), **past)
    heads = form.layers * form.groups
    code, text = call(tamis, "run", artifact, "--inputs", folder / "in.npz", "--report", "--json")
    report = json.loads(text)["report"] if code == 0 else {}
    checks.count("run --report --json", report.get("cache_rows") == 20 * heads and report.get("cache_rows_read") == 15 * heads, text)
    code, text = call(tamis, "run", artifact, "--inputs", folder / "in.npz", "--report", "--step", "one")
    checks.count("run --report", f"rows of caches read: {4 * heads} of {20 * heads}\n" in text, text)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tamis", required=True)
    parser.add_argument("--runtime", required=True, help="the shared library is beside it")
    parser.add_argument("--isa", required=True)
    arguments = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        for name, form in FORMS.items():
            check_form(checks, name, form, arguments, pathlib.Path(folder))
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
