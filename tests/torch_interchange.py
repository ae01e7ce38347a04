#!/usr/bin/env python3
"""torch_interchange.py DENPAN LIBRARY: files between Denpan and PyTorch, both ways.

A network trained here goes into torch.nn.Sequential by load_state_dict, and one made there is
evaluated here; logits of 1,000 images agree to 1e-5. Exit status 77 without torch."""
import ctypes
import json
import math
import os
import struct
import subprocess
import sys
import tempfile

try:
    import numpy
    import torch
except ImportError:
    print("no torch: skipped")
    sys.exit(77)

TEXT = "Linear(784,128) ReLU Linear(128,64) ReLU Linear(64,10)"
DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64, "U8": torch.uint8}


def net():
    n = torch.nn
    return n.Sequential(n.Linear(784, 128), n.ReLU(), n.Linear(128, 64), n.ReLU(), n.Linear(64, 10))


def load(path):
    """A safetensors file as a state dict."""
    with open(path, "rb") as f:
        raw = f.read()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    out = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        data = bytearray(raw[8 + size + begin:8 + size + end])
        out[name] = torch.frombuffer(data, dtype=DTYPES[entry["dtype"]]).reshape(entry["shape"])
    return out


def save(path, state):
    """A state dict as a safetensors file, as the official library writes it."""
    header, data = {"__metadata__": {"format": "pt"}}, b""
    for name in sorted(state):
        raw = state[name].detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(state[name].shape),
                        "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + data)


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout


def idx(path, array):
    with open(path, "wb") as f:
        f.write(bytes([0, 0, 8, array.ndim]) + struct.pack(">%dI" % array.ndim, *array.shape))
        f.write(array.astype(numpy.uint8).tobytes())


def folder(path, images, labels):
    os.makedirs(path)
    for split in "train", "t10k":
        idx(os.path.join(path, split + "-images-idx3-ubyte"), images)
        idx(os.path.join(path, split + "-labels-idx1-ubyte"), labels)


class Shape(ctypes.Structure):
    _fields_ = [("rank", ctypes.c_int), ("dim", ctypes.c_int64 * 8)]


class Library:
    """As much of the C interface as a forward pass takes."""

    def __init__(self, path):
        self.c = ctypes.CDLL(path)
        for name in "dp_load", "dp_nn_text", "dp_from", "dp_call", "dp_scope_begin":
            getattr(self.c, name).restype = ctypes.c_void_p
        self.c.dp_error.restype = ctypes.c_char_p
        self.c.dp_from.argtypes = [ctypes.c_int, Shape, ctypes.c_void_p]
        self.c.dp_load.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
        self.c.dp_load_weights.argtypes = [ctypes.c_void_p, ctypes.c_char_p]
        self.c.dp_call.argtypes = [ctypes.c_void_p] * 3
        self.c.dp_read.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]

    def logits(self, path, text, x):
        """Of rows x by the network in a file; text: its network, None: the file's own."""
        if text is None:
            net = self.c.dp_load(path.encode(), None)
        else:
            net = self.c.dp_nn_text(text.encode())
            self.c.dp_load_weights(net, path.encode())
        shape = Shape(2, (ctypes.c_int64 * 8)(*x.shape))
        y = self.c.dp_call(net, None, self.c.dp_from(0, shape, x.ctypes.data))
        out = numpy.zeros((len(x), 10), numpy.float32)
        if self.c.dp_read(y, out.ctypes.data, out.nbytes):
            raise SystemExit(self.c.dp_error().decode())
        return out


def agree(name, ours, model, x):
    with torch.no_grad():
        far = numpy.abs(ours - model(torch.from_numpy(x)).numpy()).max()
    print("%s: logits of %d images differ by at most %.1e" % (name, len(x), far))
    return far <= 1e-5


def measure(model, images, labels):
    with torch.no_grad():
        x = torch.from_numpy(images.reshape(len(images), -1).astype(numpy.float32) / 255)
        logits = model(x)
        y = torch.from_numpy(labels.astype(numpy.int64))
        loss = torch.nn.functional.cross_entropy(logits.double(), y).item()
        return loss, (logits.argmax(1) == y).double().mean().item()


def compare(name, ours, loss, accuracy):
    print("%s: loss %.9f here, %.9f in torch; accuracy %.4f, %.4f"
          % (name, ours["loss"], loss, ours["accuracy"], accuracy))
    return math.isclose(ours["loss"], loss, rel_tol=0, abs_tol=1e-5) \
        and ours["accuracy"] == accuracy


def main():
    denpan, library = sys.argv[1], Library(sys.argv[2])
    rng = numpy.random.default_rng(0)
    images = rng.integers(0, 256, (1000, 28, 28))
    labels = rng.integers(0, 10, 1000)
    rows = (images.reshape(1000, 784) / 255).astype(numpy.float32)
    good = True
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        folder("data", images, labels)
        run(denpan, "train", TEXT, "data", "--epochs", "2", "--out", "ours.safetensors", "--quiet")
        theirs = net()
        print(theirs.load_state_dict(load("ours.safetensors")))
        ours = run(denpan, "eval", "ours.safetensors", "data", "--json", "--quiet")
        good &= compare("ours", json.loads(ours), *measure(theirs, images, labels))
        good &= agree("ours", library.logits("ours.safetensors", None, rows), theirs, rows)
        torch.manual_seed(3)
        theirs = net()
        save("theirs.safetensors", theirs.state_dict())
        ours = run(denpan, "eval", "theirs.safetensors", "data", "--model", TEXT, "--json",
                   "--quiet")
        good &= compare("theirs", json.loads(ours), *measure(theirs, images, labels))
        good &= agree("theirs", library.logits("theirs.safetensors", TEXT, rows), theirs, rows)
        printed = run(denpan, "summary", TEXT).split("\n109,386")[0]
        good &= printed == str(theirs)
        if printed != str(theirs):
            print("print differs:\n%s\n%s" % (printed, theirs))
    print("agree" if good else "DISAGREE")
    return 0 if good else 1


sys.exit(main())
