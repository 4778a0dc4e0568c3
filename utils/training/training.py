"""One training run of either model: AdamW, a schedule, checkpoints that a later call goes on from, and a log."""
import math
import pathlib
import time

import numpy as np
import torch


class Log:
    """Lines with the time of day, on the screen and at the end of a file."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def __call__(self, text):
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}"
        print(line, flush=True)
        with open(self.path, "a", encoding="utf-8") as file:
            file.write(line + "\n")


def rate_at(step, steps, peak, warmup=200, floor=0.02):
    """A linear rise, then half a cosine down to a share of the peak."""
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * (floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup))))


def optimizer_for(model, rate, decay):
    """Matrices of layers are decayed; embeddings, norms, biases and routers are not."""
    decayed, plain = [], []
    for name, parameter in model.named_parameters():
        whole = parameter.ndim < 2 or "embed" in name or "gate.weight" in name
        (plain if whole else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": decay}, {"params": plain, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True)


def train(model, plan, loss_of, validate, folder, options):
    """Runs `plan(epoch)`, a list of batches, for options.epochs epochs. `loss_of(batch, rng)` is a batch's loss and its
    number of tokens. Every options.every steps the state goes to folder/checkpoint.pt and `validate()` is logged. The
    same call after an interruption goes on from there."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    log, state_file = Log(folder / "training.log"), folder / "checkpoint.pt"
    optimizer = optimizer_for(model, options.rate, options.decay)
    plans = [plan(epoch) for epoch in range(options.epochs)]
    todo = [(epoch, batch) for epoch, batches in enumerate(plans) for batch in batches][: options.steps]
    first, seconds, tokens = 0, 0.0, 0
    if state_file.exists():
        state = torch.load(state_file, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first, seconds, tokens = state["step"], state["seconds"], state["tokens"]
        log(f"goes on from step {first}")
    count = sum(parameter.numel() for parameter in model.parameters())
    log(f"{count} parameters, {len(todo)} steps of {sum(map(len, plans))} in {options.epochs} epochs, rate {options.rate}, decay {options.decay}, "
        f"balance {model.config.router_aux_loss_coef}, seed {options.seed}, threads {torch.get_num_threads()}")
    running, start = [], time.perf_counter()
    for step in range(first, len(todo)):
        epoch, batch = todo[step]
        for group in optimizer.param_groups:
            group["lr"] = rate_at(step, len(todo), options.rate)
        model.train()
        # What is random in a step depends on its number alone, so that going on is the same as never having stopped.
        loss, size = loss_of(batch, np.random.default_rng([options.seed, step]))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        running.append(loss.item())
        tokens += size
        last = step + 1 == len(todo)
        if (step + 1) % 100 == 0 or last:
            spent = seconds + time.perf_counter() - start
            log(f"step {step + 1} of {len(todo)}, epoch {epoch + 1}, loss {np.mean(running):.4f}, {tokens} tokens, "
                f"{spent:.0f} s")
            running = []
        if (step + 1) % options.every == 0 or last:
            model.eval()
            with torch.no_grad():
                log(f"step {step + 1}: validation: {validate()}")
            part = state_file.with_suffix(".part")
            torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1,
                        "seconds": seconds + time.perf_counter() - start, "tokens": tokens}, part)
            part.replace(state_file)


def add_options(parser, epochs, rate):
    parser.add_argument("packages", type=pathlib.Path, help="what packages.py wrote")
    parser.add_argument("tokenizer", type=pathlib.Path, help="tokenizer.json of train_tokenizer.py")
    parser.add_argument("output", type=pathlib.Path, help="the folder for the log, checkpoints and the model")
    parser.add_argument("--epochs", type=int, default=epochs)
    parser.add_argument("--steps", type=int, help="fewer steps than the epochs have")
    parser.add_argument("--rate", type=float, default=rate)
    parser.add_argument("--decay", type=float, default=0.05)
    parser.add_argument("--tokens", type=int, default=4096, help="tokens a batch, about")
    parser.add_argument("--longest", type=int, default=128, help="tokens of a text that are read")
    parser.add_argument("--every", type=int, default=500, help="steps between checkpoints")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
