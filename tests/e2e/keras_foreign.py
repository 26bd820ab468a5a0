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


def keras3(name, named=True, above="layers", change=None, groups=None, **how):
    """As Keras 3: how: of create_dataset(). change(layer, number, array) may return another array. groups: {layer: group},
    which are in no list then."""
    with h5py.File(path_of(name), "w") as file:
        file.create_group("vars")
        for layer, group, called in LAYERS:
            to = file.create_group(f"{groups[layer]}/vars" if groups else f"{above}/{group}/vars")
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


def keras2(name, below="", names=None, list_names=True, others={}):
    """As Keras 2: names of layers in attributes, variables by TensorFlow's names. others: {path: array}"""
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
        for path, array in others.items():
            top[path] = array
        if below:
            file.attrs["model_config"] = json.dumps({"class_name": "Sequential"})
            file["optimizer_weights/iteration:0"] = np.array(3, np.int64)


def config_json(strides=(2, 2), epsilon=1e-5, padding="valid", dilation=1):
    """As Keras 3 writes it, of layers that have a setting here; one model in another."""
    layer = lambda kind, **config: {"module": "keras.layers", "class_name": kind, "config": config, "registered_name": None}
    convolution = lambda name, strides: layer("Conv2D", name=name, trainable=True, dtype={"class_name": "DTypePolicy"},
                                              kernel_size=[5, 5], strides=strides, padding=padding, groups=1,
                                              dilation_rate=[dilation, dilation], activation="linear")
    inner = layer("Functional", name="inner", layers=[convolution("conv2d_10", [1, 1]), layer("Dense", name="dense_3")])
    return json.dumps(layer("Sequential", name="outer", layers=[
        layer("InputLayer", batch_shape=[None, 28, 28, 1], dtype="float32"), convolution("conv2d_9", list(strides)),
        layer("BatchNormalization", name="batch_normalization_4", axis=-1, epsilon=epsilon), inner]))


def keras_archive(name, weights, metadata='{"keras_version": "3.5.0", "date_saved": "2024-09-01@10:00:00"}', how=0,
                  config="{}"):
    with zipfile.ZipFile(path_of(name), "w", how) as file:
        file.writestr("metadata.json", metadata)
        file.writestr("config.json", config)
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
# what normalizes images: its variables have no layer's name before them
keras2("pixels2.h5", others={"normalization/mean:0": np.array([0.1], np.float32), "normalization/count:0": np.array(9),
                             "normalization/variance:0": np.array([0.2], np.float32)})
# a model that somebody wrote: groups are called after its attributes
keras3("attributes.weights.h5", groups={"conv1": "base", "bn1": "embedding", "conv2": "body", "dense1": "head"})
keras3("unknown.weights.h5", named=False, groups={"conv1": "conv_a", "bn1": "norm", "conv2": "conv_c", "dense1": "head"})
keras_archive("plain.keras", plain, config=config_json())
keras_archive("otherwise.keras", plain, config=config_json((1, 2), 1e-3))
keras_archive("padded.keras", plain, config=config_json(padding="same"))
keras_archive("not_json.keras", plain, config='{"class_name": "Sequential", "config": {"x": Infinity')
keras_archive("is_dilated.keras", plain, config=config_json(dilation=2))
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


# layers that are none here, with variables of the shapes of others: {class: arrays}
image = np.zeros((3, 3, 8, 8), np.float32)
STRANGE = {"conv2d_transpose": [image, np.zeros(8, np.float32)], "layer_normalization": [np.ones(6, np.float32)] * 2,
           "group_normalization": [np.ones(6, np.float32)] * 2, "rms_normalization": [np.ones(6, np.float32)],
           "embedding": [np.zeros((128, 10), np.float32)], "dense": [image],
           "einsum_dense": [np.zeros((128, 10), np.float32), np.zeros(10, np.float32)],
           "my_normalization": [np.ones(6, np.float32)] * 2}
for kind, arrays in STRANGE.items():
    with h5py.File(keras3(f"is-{kind}.weights.h5"), "a") as file:
        for i, array in enumerate(arrays):
            file[f"layers/{kind}_7/vars/{i}"] = array
# the class is in the layer's name where the group is called after an attribute
with h5py.File(keras3("is-attribute.weights.h5"), "a") as file:
    file["turn/vars/0"] = image
    file["turn/vars"].attrs["name"] = "conv2d_transpose_3"
keras2("is-conv2d_transpose2.h5", others={"conv2d_transpose/conv2d_transpose/kernel:0": image})


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
