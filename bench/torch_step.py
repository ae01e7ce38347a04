"""The PyTorch side of scripts/bench.sh: eager training or inference steps of a stack of layers.

A process of long life: it says its settings in one line of JSON, then for each line on stdin it
runs one timed batch of steps and answers {"median_us": ...}, so that both sides interleave.
"""
import argparse
import json
import re
import statistics
import sys
import time

import torch
from torch import nn


def call(namespace, text, *first, **more):
    """`SGD(lr=0.1)` from a namespace of classes."""
    name, arguments = re.fullmatch(r"(\w+)(?:\((.*)\))?", text.strip()).groups()
    positional, named = [], dict(more)
    for argument in filter(None, (a.strip() for a in (arguments or "").split(","))):
        key, equals, value = argument.rpartition("=")
        value = {"true": True, "false": False}.get(value.lower()) if value.lower() in ("true", "false") else (
            int(value) if re.fullmatch(r"[+-]?\d+", value) else float(value))
        if equals:
            named[key.strip()] = value
        else:
            positional.append(value)
    return getattr(namespace, name)(*first, *positional, **named)


def make_step(options, optimizer_settings):
    torch.manual_seed(1)
    model = nn.Sequential(*(call(nn, text) for text in re.findall(r"\w+(?:\([^)]*\))?", options.model)))
    x = torch.rand(options.batch, options.input)
    if options.kind == "infer":
        model.eval()

        def step():
            with torch.inference_mode():
                return model(x)
        return step
    loss_function = call(nn, options.loss)
    with torch.no_grad():
        out = model(x)
    y = (torch.randint(out.shape[1], (options.batch,)) if "CrossEntropy" in options.loss
         else torch.rand(out.shape))
    optimizer = call(torch.optim, options.optim, model.parameters(), **optimizer_settings)

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_function(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()
    return step


def median_us(step, seconds):
    times, end = [], time.perf_counter_ns() + int(seconds * 1e9)
    while True:
        begin = time.perf_counter_ns()
        step()
        now = time.perf_counter_ns()
        times.append(now - begin)
        if now >= end and len(times) >= 5:
            return statistics.median(times) / 1e3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["train", "infer"])
    parser.add_argument("--model", required=True)
    parser.add_argument("--input", type=int, required=True)
    parser.add_argument("--batch", type=int, required=True)
    parser.add_argument("--loss", default="CrossEntropyLoss")
    parser.add_argument("--optim", default="SGD(lr=0.1)")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.25)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_num_interop_threads(1)
    torch.set_flush_denormal(True)

    # The best of PyTorch's optimiser implementations on this machine and model.
    candidates = [{}] if options.kind == "infer" else [{"foreach": False}, {"foreach": True}, {"fused": True}]
    steps = []
    for settings in candidates:
        try:
            step = make_step(options, settings)
            median_us(step, options.seconds)
            steps.append((settings, step))
        except (RuntimeError, TypeError, ValueError):
            continue
    best = None
    for _ in range(3):                       # in turns, so that a disturbance does not choose
        for settings, step in steps:
            time_us = median_us(step, options.seconds)
            if best is None or time_us < best[0]:
                best = (time_us, settings, step)
    _, settings, step = best
    text = "eager, " + ("inference_mode" if options.kind == "infer" else
                        "zero_grad(set_to_none=True), " + ", ".join(f"{k}={v}" for k, v in settings.items()))
    print(json.dumps({"torch": torch.__version__, "threads": torch.get_num_threads(),
                      "settings": text + ", flush_denormal"}), flush=True)
    for _ in sys.stdin:
        print(json.dumps({"median_us": round(median_us(step, options.seconds), 3)}), flush=True)


if __name__ == "__main__":
    main()
