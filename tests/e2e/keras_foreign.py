#!/usr/bin/env python3
"""Writes the weights of finetune.yaml as Keras and h5py do, and damaged in ways that have to be seen.

Usage: keras_foreign.py NAME.npz FOLDER     NAME.npz is what `lockstep export --format npz` wrote

The layouts are written down here once more: Keras 3's model.save_weights() and model.save(), and Keras 2's.
"""
import json
import os
import sys
import zipfile

import h5py
import numpy as np

source, folder = sys.argv[1:]
archive = np.load(source)
ours = {name: archive[name] for name in archive.files if name != "__metadata__"}
path_of = lambda name: os.path.join(folder, name)
PARTS = ["weight", "bias", "running_mean", "running_var"]
WORDS = {"conv": ["kernel", "bias"], "dense": ["kernel", "bias"],
         "bn": ["gamma", "beta", "moving_mean", "moving_variance"]}

# layers in the network's order: Keras's class, and the name that Keras would have made up
LAYERS = [("conv1", "conv2d", "conv2d_9"), ("bn1", "batch_normalization", "batch_normalization_4"),
          ("conv2", "conv2d_1", "conv2d_10"), ("dense1", "dense", "dense_3")]


def variables(layer):
    return [ours[f"{layer}/{part}"] for part in PARTS if f"{layer}/{part}" in ours]


def keras3(name, named=True, above="layers", change=None, **how):
    """As Keras 3: how: of create_dataset(). change(layer, number, array) may return another array."""
    with h5py.File(path_of(name), "w") as file:
        file.create_group("vars")
        for layer, group, called in LAYERS:
            to = file.create_group(f"{above}/{group}/vars")
            if named:
                to.attrs["name"] = called
            for i, array in enumerate(variables(layer)):
                array = change(layer, i, array) if change else array
                if array is not None:
                    to.create_dataset(str(i), data=array, **how)
        for empty in ("input_layer", "flatten", "re_lu", "re_lu_1"):
            file.create_group(f"{above}/{empty}/vars").attrs["name"] = empty
        file.create_group(f"{above}/dropout/seed_generator/vars")["0"] = np.array([1337, 0], np.uint32)
        file.create_group("optimizer/vars")["0"] = np.array(12, np.int32)
        file["optimizer/vars/1"] = np.array(0.001, np.float32)
        file["optimizer/vars/2"] = np.zeros((5, 5, 1, 6), np.float32)
        file.create_group("metrics/mean/vars")["0"] = np.array(0.5, np.float32)
    return path_of(name)


def keras2(name, below="", names=None, list_names=True):
    """As Keras 2: names of layers in attributes, variables by TensorFlow's names."""
    names = names or {layer: called for layer, _, called in LAYERS}
    with h5py.File(path_of(name), "w") as file:
        top = file.require_group(below) if below else file
        if list_names:
            top.attrs["layer_names"] = [names[layer].encode() for layer, _, _ in LAYERS] + [b"flatten"]
        top.attrs["backend"] = "tensorflow"
        top.attrs["keras_version"] = b"2.15.0"
        top.create_group("flatten").attrs["weight_names"] = np.array([], "S1")
        for layer, _, _ in LAYERS:
            kind = WORDS[layer.rstrip("12")]
            words = [word for word, part in zip(kind, PARTS) if f"{layer}/{part}" in ours]
            group = top.create_group(names[layer])
            group.attrs["weight_names"] = [f"{names[layer]}/{word}:0".encode() for word in words]
            for word, array in zip(words, variables(layer)):
                group[f"{names[layer]}/{word}:0"] = array
        if below:
            file.attrs["model_config"] = json.dumps({"class_name": "Sequential"})
            file["optimizer_weights/iteration:0"] = np.array(3, np.int64)


def keras_archive(name, weights, metadata='{"keras_version": "3.5.0", "date_saved": "2024-09-01@10:00:00"}', how=0):
    with zipfile.ZipFile(path_of(name), "w", how) as file:
        file.writestr("metadata.json", metadata)
        file.writestr("config.json", "{}")
        file.write(weights, "model.weights.h5")


def half_of(layer, i, array):
    return array.astype(np.float16)


def rounded(layer, i, array):
    return (array.view(np.uint32) & 0xFFFF0000).view(np.float32)


# --- what is taken
plain = keras3("plain.weights.h5")
keras3("unnamed.weights.h5", named=False)
keras3("packed.weights.h5", change=lambda layer, i, array: array, compression="gzip", shuffle=True, fletcher32=True)
keras3("nested.weights.h5", above="layers/functional/layers")
keras3("tf213.weights.h5", above="_layer_checkpoint_dependencies", named=False)
keras3("big.weights.h5", dtype=">f4")
keras3("double.weights.h5", dtype="f8")
keras3("half.weights.h5", change=half_of)
keras3("rounded.weights.h5", change=rounded)
with h5py.File(keras3("bf16.weights.h5", change=rounded), "a") as file:
    for _, group, _ in LAYERS:  # as h5py stores what ml_dtypes adds to NumPy
        for key in list(file[f"layers/{group}/vars"]):
            array = file[f"layers/{group}/vars/{key}"][()]
            del file[f"layers/{group}/vars/{key}"]
            bits = (array.view(np.uint32) >> 16).astype("<u2").view("V2")
            file.create_dataset(f"layers/{group}/vars/{key}", data=bits).attrs["dtype"] = "bfloat16"
keras2("keras2.h5")
# alphabetical order is not the network's
keras2("model2.h5", "model_weights", {"conv1": "stem", "bn1": "norm", "conv2": "body", "dense1": "head"})
keras2("unlisted2.h5", list_names=False)
keras_archive("plain.keras", plain)
keras_archive("packed.keras", plain, how=zipfile.ZIP_DEFLATED)

# --- what is refused
def damaged(name, do):
    with h5py.File(keras3(name), "a") as file:
        do(file["layers/conv2d_1/vars"], file)


def external_link(group, file):
    del group["1"]
    group["1"] = h5py.ExternalLink("plain.weights.h5", "/layers/conv2d_1/vars/1")


def soft_link(group, file):
    del group["1"]
    group["1"] = h5py.SoftLink("/layers/conv2d/vars/0")


def external_storage(group, file):
    del group["1"]
    group.create_dataset("1", (8,), "f4", external=[("/etc/passwd", 0, 32)])


def virtual(group, file):
    del group["1"]
    layout = h5py.VirtualLayout((8,), "f4")
    layout[:] = h5py.VirtualSource("plain.weights.h5", "/layers/conv2d_1/vars/1", (8,))
    group.create_virtual_dataset("1", layout)


def never_written(group, file):
    del group["1"]
    group.create_dataset("1", (8,), "f4")


def swollen(group, file):
    del group["0"]
    group.create_dataset("0", (65536, 65536, 64, 64), "f4", chunks=(64, 64, 8, 8), compression="gzip", fillvalue=1)


def circle(group, file):
    for k in range(12):
        group[f"again{k}"] = group


def deep(group, file):
    file.create_group("/".join(["a"] * 64))


def other_filter(group, file):
    bias = group["1"][()]
    del group["1"]
    group.create_dataset("1", data=bias, chunks=(8,), compression="lzf")


def wrong_shape(group, file):
    kernel = group["0"][()]
    del group["0"]
    group["0"] = kernel[..., :-1]


def not_a_number(group, file):
    group["1"][3] = np.nan


def without_layer(group, file):
    del file["layers/dense"]


def another_layer(group, file):
    file.create_group("layers/dense_1/vars")["0"] = np.zeros((3, 3), np.float32)


def recurrent(group, file):
    for i, shape in enumerate([(8, 16), (4, 16), (16,)]):
        file.require_group("layers/lstm/lstm_cell/vars")[str(i)] = np.zeros(shape, np.float32)


def whole_numbers(group, file):
    del group["0"]
    group["0"] = np.zeros((3, 3, 6, 8), np.int8)


for do in (external_link, soft_link, external_storage, virtual, never_written, swollen, circle, deep, other_filter,
           wrong_shape, not_a_number, without_layer, another_layer, recurrent, whole_numbers):
    damaged(f"{do.__name__}.weights.h5", do)
with h5py.File(path_of("nothing.weights.h5"), "w") as file:
    file["images"] = np.zeros((3, 4, 4), np.uint8)
for name in ("plain.weights.h5", "plain.keras"):
    with open(path_of(name), "rb") as file:
        content = file.read()
    for part in (9, 100, 1000, len(content) // 2, len(content) - 1):
        with open(path_of(f"cut-{part}-{name}"), "wb") as file:
            file.write(content[:part])
keras_archive("torn.keras", plain, metadata='{"keras_version": ')
with zipfile.ZipFile(path_of("bomb.keras"), "w", zipfile.ZIP_DEFLATED) as file:
    file.writestr("metadata.json", "{}")
    with file.open("model.weights.h5", "w", force_zip64=True) as out:
        for _ in range(32):
            out.write(b"\0" * (8 << 20))
