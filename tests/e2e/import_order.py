#!/usr/bin/env python3
"""Writes files whose names or order leave it open, or make it easy to mistake, which tensor is which.

Usage: import_order.py FOLDER     each layer's values are the number that the network wants there: dense3 has 3

The formats are written down here once more; those of ONNX are left out where its package is not installed.
"""
import json
import os
import struct
import sys

import numpy as np

os.chdir(sys.argv[1])
TYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "int32": "I32"}


def safetensors(name, tensors):
    header, body = {}, b""
    for key, array in tensors.items():
        content = array.tobytes()
        header[key] = {"dtype": TYPES[array.dtype.name], "shape": list(array.shape),
                       "data_offsets": [len(body), len(body) + len(content)]}
        body += content
    text = json.dumps(header).encode()
    with open(name + ".safetensors", "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)


def saved(name, tensors):
    """As save_file() of Python's safetensors: large types first, then by name."""
    safetensors(name, dict(sorted(tensors.items(), key=lambda item: (-item[1].dtype.itemsize, item[0]))))


def layers(names, numbers, bias=np.float32):
    tensors = {}
    for name, number in zip(names, numbers):
        tensors[name + ".weight"] = np.full((4, 4), number, np.float32)
        tensors[name + ".bias"] = np.full(4, number, bias)
    return tensors


twelve = range(1, 13)
body = [f"body.{n - 1}" for n in twelve]

# --- names of some layers are ours, in another order
safetensors("some", layers(["dense1", "dense3", "fc"], [1, 3, 2]))
safetensors("from0", layers(["dense0", "dense1", "dense2"], [1, 2, 3]))
safetensors("ours", layers(["dense1", "dense2", "dense3"], [1, 2, 3]))
safetensors("spare", {**layers(["dense1", "dense2", "dense3"], [1, 2, 3]), "alt.weight": np.ones((4, 4), np.float32)})

# --- numbers in names
saved("halves", layers(body, twelve, np.float16))
mixed = layers(body, twelve)
mixed["body.3.bias"] = mixed["body.3.bias"].astype(np.float64)
saved("mixed", mixed)
matrices = [np.full((4, 4), n, np.float32) for n in twelve]
for word in ("arr_", "W"):
    names = sorted(f"{word}{n - 1}" for n in twelve)
    np.savez(word + "sorted.npz", **{name: matrices[int(name[len(word):])] for name in names})
    names.sort(key=lambda name: int(name[len(word):]))
    np.savez(word + "plain.npz", **{name: matrices[int(name[len(word):])] for name in names})

# --- names that tell no order
saved("words", layers(["top", "mid", "base"], [1, 2, 3]))
np.savez("words.npz", **{name: np.ones((4, 4), np.float32) for name in ("base", "mid", "top")})
safetensors("backwards", layers(["fc.3", "fc.2", "fc.1"], [3, 2, 1]))
safetensors("forwards", layers(["in", "fc", "fc_1"], [1, 2, 3]))

# --- there, but no weights
whole = layers(["dense1", "dense2", "dense3"], [1, 2, 3])
whole["dense2.weight"] = whole["dense2.weight"].astype(np.int32)
safetensors("whole", whole)

# --- ONNX, as PyTorch writes a network with a shortcut: batch normalisations share constants, so names are operations'
try:
    from onnx import TensorProto, helper, numpy_helper, save
except ImportError:
    sys.exit()
constants, nodes = {}, []


def conv(name, number, source, result, inputs=2):
    constants[name + ".weight"] = np.full((2, inputs, 1, 1), number, np.float32)
    nodes.append(helper.make_node("Conv", [source, name + ".weight"], [name], f"/{name}/Conv"))
    vectors = []
    for word, value in (("scale", 1), ("shift", 0), ("mean", number), ("variance", 1)):
        vectors.append(word if word != "mean" else f"thing_{number}")
        constants[vectors[-1]] = np.full(2, value, np.float32)
    module = name.replace("c", "b")
    nodes.append(helper.make_node("BatchNormalization", [name] + vectors, [result], f"/{module}/BatchNormalization"))


conv("c0", 1, "image", "stem", 1)
conv("short.0", 3, "stem", "shortcut")
conv("c1", 2, "stem", "branch")
nodes += [helper.make_node("Add", ["shortcut", "branch"], ["sum"]),
          helper.make_node("GlobalAveragePool", ["sum"], ["average"]),
          helper.make_node("Flatten", ["average"], ["flat"]),
          helper.make_node("Gemm", ["flat", "fc.weight", "fc.bias"], ["out"], transB=1)]
constants["fc.weight"] = np.ones((10, 2), np.float32)
constants["fc.bias"] = np.zeros(10, np.float32)
graph = helper.make_graph(
    nodes, "residual", [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 1, 4, 4])],
    [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", 10])],
    [numpy_helper.from_array(value, name) for name, value in constants.items()])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
model.ir_version = 7
save(model, "residual.onnx")
