#!/usr/bin/env python3
"""Golden values of layers, losses and optimisers from PyTorch, in float64.

    python3 tests/golden/make.py

writes layers.txt, losses.txt, optims.txt and prints.txt beside itself. They are committed: the tests
read them and need no Python. Format: `case NAME`, `text MODEL-TEXT`, then tensors as
`tensor KEY RANK DIMS...` followed by a line of hexadecimal floats.
"""
import os
import re
import numpy as np
import torch
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


class Out:
    def __init__(self, name):
        self.f = open(os.path.join(HERE, name), "w")
        self.f.write(f"# PyTorch {torch.__version__}, float64; written by make.py\n")

    def case(self, name, text):
        self.f.write(f"case {name}\ntext {text}\n")

    def tensor(self, key, t):
        a = t.detach().numpy().astype(np.float64)
        dims = "".join(f" {d}" for d in a.shape)
        self.f.write(f"tensor {key} {a.ndim}{dims}\n")
        self.f.write(" ".join("0" if v == 0 else re.sub(r"\.?0*p", "p", float(v).hex()) for v in a.ravel()) + "\n")


def rand(seed, *shape, low=-2.0, high=2.0):
    """Few bits, so that the files stay short."""
    r = np.random.RandomState(seed)
    steps = r.randint(0, 1025, size=shape)
    return torch.tensor(low + (high - low) * steps / 1024.0)


def layers():
    out = Out("layers.txt")
    cases = [
        ("linear", "Linear(4,3)", nn.Linear(4, 3), (5, 4)),
        ("linear_without_bias", "Linear(4,3,bias=False)", nn.Linear(4, 3, bias=False), (5, 4)),
        ("linear_rank1", "Linear(4,3)", nn.Linear(4, 3), (4,)),
        ("linear_rank3", "Linear(4,3)", nn.Linear(4, 3), (2, 3, 4)),
        ("flatten", "Flatten", nn.Flatten(), (2, 3, 2)),
        ("flatten_range", "Flatten(0,1)", nn.Flatten(0, 1), (2, 3, 2)),
        ("identity", "Identity", nn.Identity(), (2, 3)),
        ("relu", "ReLU", nn.ReLU(), (3, 5)),
        ("leaky_relu", "LeakyReLU", nn.LeakyReLU(), (3, 5)),
        ("leaky_relu_steep", "LeakyReLU(0.25)", nn.LeakyReLU(0.25), (3, 5)),
        ("sigmoid", "Sigmoid", nn.Sigmoid(), (3, 5)),
        ("tanh", "Tanh", nn.Tanh(), (3, 5)),
        ("gelu", "GELU", nn.GELU(), (3, 5)),
        ("gelu_tanh", "GELU(approximate='tanh')", nn.GELU(approximate="tanh"), (3, 5)),
        ("silu", "SiLU", nn.SiLU(), (3, 5)),
        ("softmax", "Softmax(dim=1)", nn.Softmax(dim=1), (3, 5)),
        ("softmax_first", "Softmax(dim=0)", nn.Softmax(dim=0), (3, 5)),
        ("softmax_none", "Softmax", nn.Softmax(dim=0), (2, 3, 2)),
        ("log_softmax", "LogSoftmax(dim=-1)", nn.LogSoftmax(dim=-1), (3, 5)),
        ("dropout_at_rest", "Dropout(0.5)", nn.Dropout(0.5).eval(), (3, 5)),
        ("stack", "Linear(4,5) Tanh ( Linear(5,5) SiLU ) Linear(5,3)",
         nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Sequential(nn.Linear(5, 5), nn.SiLU()), nn.Linear(5, 3)),
         (3, 4)),
    ]
    for n, (name, text, layer, shape) in enumerate(cases):
        out.case(name, text)
        for k, (key, p) in enumerate(layer.named_parameters()):
            p.data = rand(100 * n + k, *p.shape, low=-1, high=1)
            out.tensor(key, p)
        x = rand(1000 + n, *shape).requires_grad_()
        if name.startswith(("relu", "leaky")):
            x.data[0, 0] = 0.0                     # the kink
        y = layer(x)
        ct, v = rand(2000 + n, *y.shape), rand(3000 + n, *shape)
        params = list(layer.parameters())
        grads = torch.autograd.grad(y, [x] + params, ct, create_graph=True)
        for key, t in (("x", x), ("ct", ct), ("v", v), ("y", y), ("dx", grads[0])):
            out.tensor(key, t)
        for (key, _), g in zip(layer.named_parameters(), grads[1:]):
            out.tensor("d." + key, g)
        if grads[0].requires_grad:
            second = torch.autograd.grad(grads[0], [x], v, allow_unused=True)[0]
            if second is not None:
                out.tensor("ddx", second)


def losses():
    out = Out("losses.txt")
    z, p = rand(1, 4, 3, low=-3, high=3), rand(2, 4, 3, low=0.0625, high=0.9375)
    classes, soft = torch.tensor([2, 0, 1, 2]), torch.softmax(rand(3, 4, 3), 1)
    soft[1] = torch.tensor([0.0, 1.0, 0.0])
    values, bits = rand(4, 4, 3), (rand(5, 4, 3) > 0).double()
    cases = [
        ("cross_entropy", nn.CrossEntropyLoss, z, classes),
        ("cross_entropy_probabilities", nn.CrossEntropyLoss, z, soft),
        ("nll", nn.NLLLoss, torch.log_softmax(z, 1), classes),
        ("mse", nn.MSELoss, z, values),
        ("bce", nn.BCELoss, p, bits),
        ("bce_soft", nn.BCELoss, p, soft),
        ("bce_logits", nn.BCEWithLogitsLoss, z, bits),
        ("bce_logits_soft", nn.BCEWithLogitsLoss, z, soft),
    ]
    for name, make, y, target in cases:
        for reduction in ("mean", "sum", "none") + (("half_sum",) if make is nn.MSELoss else ()):
            half = reduction == "half_sum"
            out.case(f"{name}_{reduction}", f"{make.__name__}(reduction='{reduction}')")
            a = y.clone().requires_grad_()
            if name == "bce_logits":
                a.data[0, 0] = 0.0
            loss = make(reduction="sum" if half else reduction)(a, target) * (0.5 if half else 1.0)
            ct = rand(7, *loss.shape, low=0.5, high=2)
            g = torch.autograd.grad(loss, a, ct, create_graph=True)[0]
            v = rand(6, *a.shape)
            for key, t in (("y", a), ("target", target.double()), ("ct", ct), ("v", v), ("loss", loss), ("dy", g)):
                out.tensor(key, t)
            if make is nn.BCELoss:             # PyTorch adds 1e-12 to the denominators of this derivative
                exact = -(target * a.log() + (1 - target) * (-a).log1p())
                exact = {"mean": exact.mean(), "sum": exact.sum(), "none": exact}[reduction]
                g = torch.autograd.grad(exact, a, ct, create_graph=True)[0]
            if g.requires_grad:
                second = torch.autograd.grad(g, a, v, allow_unused=True)[0]
                if second is not None:
                    out.tensor("ddy", second)


def optims():
    out = Out("optims.txt")
    cases = [
        ("sgd", "SGD(lr=0.1)", lambda p: torch.optim.SGD(p, lr=0.1)),
        ("sgd_default", "SGD", lambda p: torch.optim.SGD(p)),
        ("sgd_momentum", "SGD(lr=0.05, momentum=0.9)", lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
        ("sgd_dampening", "SGD(lr=0.05, momentum=0.9, dampening=0.5, weight_decay=0.01)",
         lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, dampening=0.5, weight_decay=0.01)),
        ("sgd_nesterov", "SGD(lr=0.05, momentum=0.9, nesterov=true, weight_decay=0.001)",
         lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.001)),
        ("sgd_maximize", "SGD(lr=0.001, maximize=true, weight_decay=0.1)",
         lambda p: torch.optim.SGD(p, lr=0.001, maximize=True, weight_decay=0.1)),
        ("sgd_no_bias_decay", "SGD(lr=0.05, momentum=0.5, weight_decay=0.1, decay_bias=false)",
         lambda p: torch.optim.SGD([{"params": [q for q in p if q.ndim >= 2]},
                                    {"params": [q for q in p if q.ndim < 2], "weight_decay": 0}],
                                   lr=0.05, momentum=0.5, weight_decay=0.1)),
        ("adam", "Adam(lr=1e-2)", lambda p: torch.optim.Adam(p, lr=1e-2)),
        ("adam_default", "Adam", lambda p: torch.optim.Adam(p)),
        ("adam_all", "Adam(lr=0.01, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.02)",
         lambda p: torch.optim.Adam(p, lr=0.01, betas=(0.8, 0.95), eps=1e-4, weight_decay=0.02)),
        ("adam_amsgrad", "Adam(lr=0.01, amsgrad=true)", lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True)),
        ("adam_maximize", "Adam(lr=0.001, maximize=true)", lambda p: torch.optim.Adam(p, lr=0.001, maximize=True)),
        ("adamw", "AdamW(lr=1e-2)", lambda p: torch.optim.AdamW(p, lr=1e-2)),
        ("adamw_all", "AdamW(lr=0.01, betas=(0.5, 0.9), weight_decay=0.2, eps=0.001)",
         lambda p: torch.optim.AdamW(p, lr=0.01, betas=(0.5, 0.9), weight_decay=0.2, eps=0.001)),
        ("clip_norm", "SGD(lr=0.1, clip_norm=0.25)", lambda p: torch.optim.SGD(p, lr=0.1)),
        ("clip_value", "SGD(lr=0.1, clip_value=0.05)", lambda p: torch.optim.SGD(p, lr=0.1)),
    ]
    x, target = rand(11, 6, 3), rand(12, 6, 2)
    for name, text, make in cases:
        net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        out.case(name, text)
        for k, (key, p) in enumerate(net.named_parameters()):
            p.data = rand(13 + k, *p.shape, low=-1, high=1)
            out.tensor("begin." + key, p)
        out.tensor("x", x)
        out.tensor("target", target)
        optim, values = make(list(net.parameters())), []
        for step in range(1, 101):
            optim.zero_grad()
            loss = nn.MSELoss()(net(x), target)
            loss.backward()
            if name == "clip_norm":
                nn.utils.clip_grad_norm_(net.parameters(), 0.25)
            if name == "clip_value":
                nn.utils.clip_grad_value_(net.parameters(), 0.05)
            optim.step()
            values.append(loss.item())
            if step in (1, 2, 100):
                for key, p in net.named_parameters():
                    out.tensor(f"{step}.{key}", p)
        out.tensor("loss", torch.tensor(values))


def prints():
    """What PyTorch prints for the source that stands in front of it."""
    torch.set_default_dtype(torch.float32)
    sources = [
        "nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))",
        "nn.Linear(3, 4, bias=False)",
        "nn.Sequential()",
        "nn.Sequential(nn.Sequential(), nn.Sequential(nn.Tanh(), nn.Sequential(nn.Sequential(nn.Identity(5)))))",
        "nn.Sequential(nn.Flatten(), nn.Flatten(0, -2), nn.Flatten(start_dim=2), nn.Sigmoid(), nn.Tanh())",
        "nn.Sequential(nn.ReLU(True), nn.ReLU(inplace=False), nn.SiLU(), nn.SiLU(inplace=True))",
        "nn.Sequential(nn.GELU(), nn.GELU('tanh'), nn.GELU(approximate=\"none\"))",
        "nn.Sequential(nn.Softmax(1), nn.Softmax(dim=None), nn.LogSoftmax(dim=-1), nn.Softmax())",
        "nn.Sequential(nn.Dropout(), nn.Dropout(0), nn.Dropout(1.0), nn.Dropout(0.25, True), nn.Dropout(p=1e-20))",
        "nn.Sequential(" + ", ".join(f"nn.LeakyReLU({v})" for v in (
            "1", "1.0", "0.1", "1e-5", "0.0001", "1e15", "1e16", "123456.0", "123456789.125", "1.5e-7", "2.5e300",
            "-0.5", "0.30000000000000004", "5e-324", "1.7976931348623157e308", "9007199254740993.0", "100",
            "-0.0", "12e3")) + ", nn.LeakyReLU(0.2, inplace=True))",
        "nn.CrossEntropyLoss()", "nn.MSELoss(reduction='sum')", "nn.BCEWithLogitsLoss()",
    ]
    with open(os.path.join(HERE, "prints.txt"), "w") as f:
        f.write(f"# PyTorch {torch.__version__}; written by make.py\n")
        for s in sources:
            f.write(f"source {s}\n{eval(s)!r}\n.\n")


layers()
losses()
optims()
prints()
