#!/usr/bin/env python3
"""Computes an exported network with NumPy, from its file alone, and compares it with what `lockstep predict` says.

Usage: export_numpy.py NAME.safetensors NAME.npz IMAGES.gz ANSWERS.json

An independent reader: the file formats, each layer's formula and PyTorch's layouts are written down here once more.
Images are [n][channel][row][column].
"""
import gzip
import json
import math
import struct
import sys

import numpy as np


def read_safetensors(path):
    with open(path, "rb") as file:
        content = file.read()
    (length,) = struct.unpack("<Q", content[:8])
    assert length % 8 == 0, "the tensors begin at a multiple of 8"
    header = json.loads(content[8:8 + length])
    body = content[8 + length:]
    facts = header.pop("__metadata__")
    tensors, end = {}, 0
    for name, entry in header.items():
        first, last = entry["data_offsets"]
        assert first == end and entry["dtype"] == "F32", name  # no gaps: the format forbids them
        tensors[name] = np.frombuffer(body[first:last], "<f4").reshape(entry["shape"])
        end = last
    assert end == len(body), "nothing follows the last tensor"
    return facts, tensors


def read_images(path):
    with gzip.open(path) as file:
        content = file.read()
    count, rows, columns = struct.unpack(">III", content[4:16])
    return np.frombuffer(content, np.uint8, offset=16).reshape(count, 1, rows, columns)


def pair(value):
    return value if isinstance(value, list) else [value, value]


def padding_of(layer, size, window, stride):
    """Zeros before and after, of one dimension each."""
    if layer["padding"] == "valid":
        return [(0, 0), (0, 0)]
    if layer["padding"] == "same":
        totals = [max((math.ceil(n / s) - 1) * s + w - n, 0) for n, w, s in zip(size, window, stride)]
        return [(t // 2, t - t // 2) for t in totals]
    return [(p, p) for p in pair(layer["padding"])]


def windows(x, layer, window, fill):
    """[n][c][out row][out column][window row][window column]"""
    stride = pair(layer["stride"])
    pad = padding_of(layer, x.shape[2:], window, stride)
    x = np.pad(x, [(0, 0), (0, 0)] + pad, constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(x, window, (2, 3))
    return view[:, :, ::stride[0], ::stride[1]]


def conv2d(x, layer, get):
    groups, weight = layer["groups"], get("weight")
    view = windows(x, layer, pair(layer["kernel"]), 0)
    parts = [np.einsum("ncyxrs,ocrs->noyx", v, w)
             for v, w in zip(np.split(view, groups, 1), np.split(weight, groups, 0))]
    y = np.concatenate(parts, 1)
    return y + get("bias")[:, None, None] if layer["bias"] else y


def avgpool(x, layer, get):
    del get
    window = pair(layer["window"])
    sums = windows(x, layer, window, 0).sum((4, 5))
    if layer["count_padding"]:
        return sums / (window[0] * window[1])
    return sums / windows(np.ones_like(x), layer, window, 0).sum((4, 5))


def batchnorm(x, layer, get):
    column = lambda name: get(name)[:, None, None]
    y = (x - column("running_mean")) / np.sqrt(column("running_var") + layer["epsilon"])
    return y * column("weight") + column("bias") if layer["affine"] else y


def gelu(x, layer, get):
    del get
    if layer["tanh_form"]:
        return x * 0.5 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))
    return x * 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


def dense(x, layer, get):
    y = x.reshape(len(x), -1) @ get("weight").T
    y = y + get("bias") if layer["bias"] else y
    return y[:, :, None, None]


sigmoid = lambda x: 1 / (1 + np.exp(-x))
KINDS = {
    "conv2d": conv2d, "avgpool": avgpool, "batchnorm": batchnorm, "gelu": gelu, "dense": dense,
    "maxpool": lambda x, layer, get: windows(x, layer, pair(layer["window"]), -np.inf).max((4, 5)),
    "global_avgpool": lambda x, layer, get: x.mean((2, 3), keepdims=True),
    "relu": lambda x, layer, get: np.maximum(x, 0),
    "leaky_relu": lambda x, layer, get: np.where(x < 0, layer["slope"] * x, x),
    "tanh": lambda x, layer, get: np.tanh(x),
    "sigmoid": lambda x, layer, get: sigmoid(x),
    "silu": lambda x, layer, get: x * sigmoid(x),
    "dropout": lambda x, layer, get: x,
    "flatten": lambda x, layer, get: x.reshape(len(x), -1, 1, 1),
}


def compute(facts, tensors, images):
    """Logits [n][classes], and of each layer the shape of what it reads, [channels, rows, columns]."""
    form = json.loads(facts["normalization"])
    column = lambda values: np.array(values)[:, None, None]
    outputs = {-1: (images / 255 - column(form["mean"])) / column(form["std"])}
    shapes = {}
    for i, layer in enumerate(json.loads(facts["layers"])):
        inputs = [outputs[k] for k in layer["inputs"]]
        shapes[layer["name"]] = (layer["inputs"][0], inputs[0].shape[1:])
        if layer["kind"] == "add":
            outputs[i] = inputs[0] + inputs[1]
        elif layer["kind"] == "concat":
            outputs[i] = np.concatenate(inputs, 1)
        else:
            get = lambda what, name=layer["name"]: tensors[f"{name}.{what}"].astype(np.float64)
            outputs[i] = KINDS[layer["kind"]](inputs[0], layer, get)
    return outputs[len(outputs) - 2].reshape(len(images), -1), shapes


def flattened(layers, shapes, name):
    """The image, [channels, rows, columns], that a dense layer's vector was before it was flattened."""
    shape = shapes[name][1]
    while shapes[name][0] >= 0:
        layer = layers[shapes[name][0]]
        name = layer["name"]
        if layer["kind"] == "flatten":
            shape = shapes[name][1]
        elif layer["kind"] in ("conv2d", "dense", "global_avgpool"):
            break
    return shape


def compare_npz(path, facts, tensors, shapes):
    """The same values, channels last."""
    archive = np.load(path)
    assert json.loads(archive["__metadata__"].item())["weights_sha256"] == facts["weights_sha256"]
    assert len(archive.files) == len(tensors) + 1
    layers = json.loads(facts["layers"])
    for key, wanted in tensors.items():
        array = archive[key.replace(".", "/")]
        if array.ndim == 4:
            array = array.transpose(3, 2, 0, 1)
        elif array.ndim == 2:
            c, h, w = flattened(layers, shapes, key.split(".")[0])
            array = array.reshape(h, w, c, -1).transpose(3, 2, 0, 1).reshape(-1, c * h * w)
        assert array.dtype == np.float32 and np.array_equal(array, wanted), key


def main():
    facts, tensors = read_safetensors(sys.argv[1])
    logits, shapes = compute(facts, tensors, read_images(sys.argv[3]))
    compare_npz(sys.argv[2], facts, tensors, shapes)
    with open(sys.argv[4], encoding="utf-8") as file:
        answers = [json.loads(line) for line in file]
    powers = np.exp(logits - logits.max(1, keepdims=True))
    probabilities = powers / powers.sum(1, keepdims=True)
    wanted = np.array([answer["probabilities"] for answer in answers])
    assert wanted.shape == probabilities.shape and len(wanted) > 100
    apart = np.abs(wanted - probabilities).max()
    assert apart < 2e-5, f"probabilities are {apart} apart"
    assert np.ptp(wanted, 0).max() > 0.01, "the answers depend on the images"
    print(f"{len(wanted)} images, {len(tensors)} tensors, at most {apart:.1e} apart")


if __name__ == "__main__":
    main()
