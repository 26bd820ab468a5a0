#!/usr/bin/env python3
"""Writes an exported network as other programs would, and damaged in ways that have to be seen.

Usage: import_foreign.py NAME.npz FOLDER     NAME.npz is what `lockstep export --format npz` wrote of finetune.yaml

The formats are written down here once more.
"""
import io
import json
import os
import struct
import sys
import warnings
import zipfile

import numpy as np

source, folder = sys.argv[1:]
archive = np.load(source)
ours = {name: archive[name] for name in archive.files if name != "__metadata__"}
warnings.simplefilter("ignore")  # two files of one name are meant


def write(name, content):
    with open(os.path.join(folder, name), "wb") as file:
        file.write(content)


TYPES = {"float32": "F32", "float64": "F64", "float16": "F16", "int64": "I64"}


def safetensors(tensors):
    header, body = {}, b""
    for name, array in tensors.items():
        content = np.ascontiguousarray(array).tobytes()
        kind = TYPES[array.dtype.name]
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(content)]}
        body += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def savez(how=np.savez, *arrays, **named):
    content = io.BytesIO()
    how(content, *arrays, **named)
    return content.getvalue()


def member(archive, name, array):
    content = io.BytesIO()
    np.save(content, array, allow_pickle=True)
    archive.writestr(name, content.getvalue())


# --- PyTorch: a module's own names, out before in, channels first, and what counts batches
image = (4, 4, 8)  # rows, columns, channels before the flatten: 28 -> 12 -> 6 -> 4


def as_torch(name, array):
    if array.ndim == 4:
        return array.transpose(3, 2, 0, 1)
    if array.ndim == 2:
        return array.reshape(*image, -1).transpose(3, 2, 0, 1).reshape(array.shape[1], -1)
    return array


layers = {"conv1": "net.0", "bn1": "net.1", "conv2": "net.4", "dense1": "net.10"}
torch = {}
for name, array in ours.items():
    layer, part = name.split("/")
    torch[f"{layers[layer]}.{part}"] = as_torch(name, array)
torch["net.1.num_batches_tracked"] = np.array(7, np.int64)
by_name = dict(sorted(torch.items()))
write("torch.safetensors", safetensors(torch))
write("sorted.safetensors", safetensors(by_name))
write("torch.npz", savez(np.savez, **torch))

# --- NumPy: arrays without names, packed, columns first, the other order of bytes, float64
plain = list(ours.values())
write("plain.npz", savez(np.savez, *plain))
write("packed.npz", savez(np.savez_compressed, **ours))
write("columns.npz", savez(np.savez, **{k: np.asfortranarray(v) for k, v in ours.items()}))
write("big.npz", savez(np.savez, **{k: v.astype(">f4") for k, v in ours.items()}))
write("double.npz", savez(np.savez, **{k: v.astype(np.float64) for k, v in ours.items()}))

# --- what is refused
write("inexact.npz", savez(np.savez, **{k: v.astype(np.float64) / 3 for k, v in ours.items()}))
wrong = dict(ours)
wrong["conv2/weight"] = ours["conv2/weight"][:, :, :, :-1]
write("wrong.npz", savez(np.savez, **wrong))
write("few.npz", savez(np.savez, **{k: v for k, v in ours.items() if not k.startswith("dense1")}))
write("many.npz", savez(np.savez, **ours, **{"dense2/weight": np.zeros((3, 3), np.float32)}))
for word, value in (("nan", np.nan), ("infinite", np.inf)):
    bad = {k: v.copy() for k, v in ours.items()}
    bad["conv2/bias"][3] = value
    write(f"{word}.npz", savez(np.savez, **bad))
bad = {k: v.copy() for k, v in ours.items()}
bad["bn1/running_var"][2] = -1
write("variance.npz", savez(np.savez, **bad))
write("objects.npz", savez(np.savez, **{**ours, "conv1/weight": np.array([print], dtype=object)}))
write("half.safetensors", safetensors({k: v.astype(np.float16) for k, v in torch.items() if v.dtype != np.int64}))
for name in ("torch.safetensors", "packed.npz"):
    with open(os.path.join(folder, name), "rb") as file:
        content = file.read()
    for part in (0, 3, 8, 100, 1000, len(content) - 1):
        write(f"cut-{part}-{name}", content[:part])
write("huge-header.safetensors", struct.pack("<Q", 1 << 62) + b'{"a":')
write("empty.npz", savez(np.savez))
with zipfile.ZipFile(os.path.join(folder, "pickle.pt"), "w") as file:
    file.writestr("archive/data.pkl", b"cos\nsystem\n(S'echo harm >harm'\ntR.")
    file.writestr("archive/data/0", b"\0" * 64)
with zipfile.ZipFile(os.path.join(folder, "twice.npz"), "w") as file:
    for name, array in ours.items():
        member(file, name + ".npy", array)
    member(file, "conv1/weight.npy", ours["conv1/weight"])
# 256 MiB of zeros in 256 KiB: as large as it says, and of a shape that the network has not
head = b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + (
    b"{'descr': '<f4', 'fortran_order': False, 'shape': (64, 1024, 1024), }".ljust(117) + b"\n")
with zipfile.ZipFile(os.path.join(folder, "bomb.npz"), "w", zipfile.ZIP_DEFLATED) as file:
    with file.open("conv1/weight.npy", "w", force_zip64=True) as out:
        out.write(head)
        for _ in range(32):
            out.write(b"\0" * (8 << 20))
    for name, array in ours.items():
        if name != "conv1/weight":
            member(file, name + ".npy", array)
