#!/usr/bin/env python3
"""Computes a network from what `lockstep export` wrote for Keras, as Keras would, and compares it with its answers.

Usage: keras_numpy.py NAME.keras NAME.weights.h5 ANSWERS [CONFIG.json]

An independent reader of the configuration, of the order in which Keras numbers layers, and of the weights. ANSWERS is
what the test program `answers` writes. CONFIG.json, if it is named, is what config.json has to be, value by value.
"""
import io
import json
import os
import re
import sys
import zipfile

import h5py
import numpy as np

from export_numpy import gelu, padding_of, sigmoid, windows

PIXELS = 28 * 28  # of an image of the golden set


def read_archive(path):
    with zipfile.ZipFile(path) as archive:
        assert archive.namelist() == ["metadata.json", "config.json", "model.weights.h5"]
        for info in archive.infolist():
            assert info.compress_type == zipfile.ZIP_STORED and info.date_time == (1980, 1, 1, 0, 0, 0), info
        metadata, config = (json.loads(archive.read(name)) for name in ("metadata.json", "config.json"))
        return metadata, config, h5py.File(io.BytesIO(archive.read("model.weights.h5")), "r")


# --- the configuration

def histories(layer):
    """The names of what a layer reads."""
    if not layer["inbound_nodes"]:
        return []
    ((arguments,),) = [node["args"] for node in layer["inbound_nodes"]]
    assert layer["inbound_nodes"][0]["kwargs"] == {}
    tensors = arguments if isinstance(arguments, list) else [arguments]
    assert all(t["class_name"] == "__keras_tensor__" and t["config"]["keras_history"][1:] == [0, 0] for t in tensors)
    return [t["config"]["keras_history"][0] for t in tensors]


def keras_order(layers, output):
    """Names of layers as a functional model has them: by depth, and then as a walk from the output meets them."""
    inputs = {layer["name"]: histories(layer) for layer in layers}
    turns, depths = {}, {}

    def walk(name):
        if name not in turns:
            turns[name] = len(turns)
            for source in inputs[name]:
                walk(source)

    def deepen(name, depth):
        if depths.get(name, -1) < depth:
            depths[name] = depth
            for source in inputs[name]:
                deepen(source, depth + 1)

    walk(output)
    deepen(output, 0)
    return sorted(turns, key=lambda name: (-depths[name], turns[name]))


def groups_of(layers):
    """The group of each layer's variables in the file of weights."""
    counts, groups = {}, {}
    for layer in layers:
        name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", layer["class_name"])
        name = re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
        counts[name] = counts.get(name, -1) + 1
        groups[layer["name"]] = f"layers/{name}_{counts[name]}" if counts[name] else f"layers/{name}"
    return groups


# --- layers, on images [n][row][column][channel] or vectors [n][value]

def first(x):
    return x.transpose(0, 3, 1, 2)


def last(x):
    return x.transpose(0, 2, 3, 1)


def view(x, c, size, fill):
    """[n][channel][row][column][window row][window column]"""
    return windows(first(x), {"padding": c["padding"], "stride": c["strides"]}, size, fill)


def conv2d(c, v, x):
    kernel, groups = v[0], c["groups"]
    assert kernel.shape == (*c["kernel_size"], x.shape[3] // groups, c["filters"]) and c["dilation_rate"] == [1, 1]
    parts = [np.einsum("ncyxrs,rsco->nyxo", part, k) for part, k in zip(
        np.split(view(x, c, c["kernel_size"], 0), groups, 1), np.split(kernel, groups, 3))]
    y = np.concatenate(parts, 3)
    return y + v[1] if c["use_bias"] else y


def depthwise(c, v, x):
    assert v[0].shape == (*c["kernel_size"], x.shape[3], c["depth_multiplier"]) and c["strides"][0] == c["strides"][1]
    y = np.einsum("ncyxrs,rscm->nyxcm", view(x, c, c["kernel_size"], 0), v[0])
    y = y.reshape(*y.shape[:3], -1)
    return y + v[1] if c["use_bias"] else y


def dense(c, v, x):
    assert x.ndim == 2 and v[0].shape == (x.shape[1], c["units"])
    y = x @ v[0]
    return y + v[1] if c["use_bias"] else y


def batchnorm(c, v, x):
    assert c["axis"] == -1 and c["center"] == c["scale"] == (len(v) == 4)
    y = (x - v[-2]) / np.sqrt(v[-1] + c["epsilon"])
    return y * v[0] + v[1] if c["scale"] else y


def avgpool(c, v, x):
    sums = view(x, c, c["pool_size"], 0).sum((4, 5))
    return last(sums / view(np.ones_like(x), c, c["pool_size"], 0).sum((4, 5)))


def rescaling(c, v, x):
    return x * np.array(c["scale"]) + np.array(c["offset"])


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


FUNCTIONS = {"tanh": np.tanh, "sigmoid": sigmoid, "silu": lambda x: x * sigmoid(x), "softmax": softmax,
             "gelu": lambda x: gelu(x, {"tanh_form": False}, None)}


def pad(c, v, x):
    return np.pad(x, [(0, 0), *c["padding"], (0, 0)])


CLASSES = {
    "Rescaling": rescaling, "Conv2D": conv2d, "DepthwiseConv2D": depthwise, "Dense": dense, "ZeroPadding2D": pad,
    "BatchNormalization": batchnorm, "AveragePooling2D": avgpool,
    "MaxPooling2D": lambda c, v, x: last(view(x, c, c["pool_size"], -np.inf).max((4, 5))),
    "GlobalAveragePooling2D": lambda c, v, x: x.mean((1, 2)),
    "ReLU": lambda c, v, x: np.maximum(x, 0),
    "LeakyReLU": lambda c, v, x: np.where(x < 0, c["negative_slope"] * x, x),
    "Activation": lambda c, v, x: FUNCTIONS[c["activation"]](x),
    "Dropout": lambda c, v, x: x,
    "Flatten": lambda c, v, x: x.reshape(len(x), -1),
    "Reshape": lambda c, v, x: x.reshape(len(x), *c["target_shape"]),
    "Add": lambda c, v, x, y: x + y,
    "Multiply": lambda c, v, x, y: x * y,
    "Concatenate": lambda c, v, *x: np.concatenate(x, c["axis"]),
}


def compute(config, file, images):
    """The answers, and how many variables were used."""
    model = config["config"]
    (((source, *_),), ((output, *_),)) = (model["input_layers"], model["output_layers"])
    layers = {layer["name"]: layer for layer in model["layers"]}
    assert list(layers) == keras_order(model["layers"], output), "the order of layers is Keras's"
    groups, values, used = groups_of(model["layers"]), {source: images}, 0
    for name, layer in layers.items():
        variables = file[groups[name]]["vars"]
        assert variables.attrs["name"].decode() == name and layer["config"]["name"] == name
        read = [values[k] for k in histories(layer)]
        if read:
            v = [np.array(variables[str(i)], np.float64) for i in range(len(variables))]
            used += len(v)
            values[name] = CLASSES[layer["class_name"]](layer["config"], v, *read)
            node = layer["inbound_nodes"][0]["args"][0]
            for tensor, x in zip(node if isinstance(node, list) else [node], read):
                assert tensor["config"]["shape"] == [None, *x.shape[1:]], (name, x.shape)
    return values[output], used


def variables_of(file):
    names = []
    file.visititems(lambda name, thing: names.append(name) if isinstance(thing, h5py.Dataset) else None)
    return names


def check_weights(file, path):
    """The file for load_weights() has the same variables in the same places, and says what is in it."""
    with h5py.File(path, "r") as other:
        facts = json.loads(other["lockstep"][0])
        names = variables_of(file)
        assert "vars" in file and sorted(names + ["lockstep"]) == sorted(variables_of(other))
        for name in names:
            assert file[name].dtype == np.dtype("<f4") and np.array_equal(file[name], other[name]), name
    return facts


def check_pixels(config, facts):
    """How far Keras's float32 arithmetic leads from the pixels that Lockstep's network sees, in units of the largest's
    last place."""
    rescaling = [layer["config"] for layer in config["config"]["layers"] if layer["class_name"] == "Rescaling"]
    form = json.loads(facts["normalization"])
    if facts["takes"] != "pixels from 0 to 255":
        assert not rescaling or rescaling[0]["name"] != "normalization"
        return
    pixels = np.arange(256)
    exact = ((pixels / 255 - form["mean"][0]) / form["std"][0]).astype(np.float32)
    seen = pixels.astype(np.float32) * np.float32(rescaling[0]["scale"]) + np.float32(rescaling[0]["offset"])
    apart = np.abs(seen.astype(np.float64) - exact).max() / np.spacing(np.abs(exact).max())
    print(f"pixels at most {apart:.2f} units apart")
    assert seen.dtype == np.float32 and apart <= 2, apart


def main():
    metadata, config, file = read_archive(sys.argv[1])
    facts = check_weights(file, sys.argv[2])
    assert metadata.pop("keras_version") == "3.0.0"
    assert metadata["weights_sha256"] == facts["weights_sha256"] and metadata["layers"] == facts["layers"]
    classes = len(json.loads(metadata["classes"]))
    record = np.dtype([("image", "u1", PIXELS), ("logits", "<f4", classes), ("probabilities", "<f4", classes)])
    answers = np.fromfile(sys.argv[3], record)
    check_pixels(config, metadata)
    images = answers["image"].reshape(-1, 28, 28, 1).astype(np.float64)
    if metadata["takes"] != "pixels from 0 to 255":
        form = json.loads(metadata["normalization"])
        images = (images / 255 - form["mean"]) / form["std"]
    values, used = compute(config, file, images)
    assert used == len(variables_of(file)), "no variable but those of the layers"
    wanted = answers["probabilities" if metadata["gives"] == "probabilities" else "logits"]
    apart = np.abs(values - wanted).max() / np.abs(wanted).max()
    assert len(wanted) >= 100 and np.ptp(wanted, 0).max() > 0.01 and apart < 5e-6, apart
    print(f"{len(wanted)} images, {used} variables, at most {apart:.1e} of the largest answer apart")
    if len(sys.argv) > 4:
        with open(sys.argv[4], encoding="utf-8") as wanted:
            assert config == json.load(wanted), "config.json is as it has to be"


main()
