#!/usr/bin/env python3
"""PyTorch's MNIST example (github.com/pytorch/examples, mnist/main.py), trained for one epoch, as somebody brings it.

Usage: pytorch_example.py DATA FOLDER     DATA has the four IDX files, plain or .gz

Writes FOLDER/theirs.safetensors and FOLDER/theirs.npz, names and layouts as PyTorch's module has them, and
FOLDER/theirs.csv: what the network says of each test image, and its logits.
"""
import gzip
import json
import os
import struct
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional

data, folder = sys.argv[1:]


def idx(name, start):
    path = os.path.join(data, name)
    opened = open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz")
    with opened as file:
        return torch.from_numpy(np.frombuffer(file.read()[start:], np.uint8).copy())


def pixels(part):
    return (idx(f"{part}-images-idx3-ubyte", 16).reshape(-1, 1, 28, 28) / 255.0 - 0.1307) / 0.3081


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.fc1 = nn.Linear(9216, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = functional.max_pool2d(functional.relu(self.conv2(functional.relu(self.conv1(x)))), 2)
        x = torch.flatten(self.dropout1(x), 1)
        return self.fc2(self.dropout2(functional.relu(self.fc1(x))))


torch.manual_seed(1)
torch.set_num_threads(2)
net = Net()
images, labels = pixels("train"), idx("train-labels-idx1-ubyte", 8).long()
optimizer = torch.optim.Adadelta(net.parameters(), lr=1.0)
for batch in torch.randperm(len(images)).split(64):
    optimizer.zero_grad()
    functional.cross_entropy(net(images[batch]), labels[batch]).backward()
    optimizer.step()

net.eval()
images, labels = pixels("t10k"), idx("t10k-labels-idx1-ubyte", 8).long()
with torch.no_grad():
    logits = torch.cat([net(batch) for batch in images.split(500)]).numpy()
np.savetxt(os.path.join(folder, "theirs.csv"), np.column_stack([logits.argmax(1), logits]), fmt="%.9g", delimiter=",")
print(f"correct: {(logits.argmax(1) == labels.numpy()).sum()} of {len(labels)}")

tensors = {name: np.ascontiguousarray(t.numpy()) for name, t in net.state_dict().items()}
np.savez(os.path.join(folder, "theirs.npz"), **tensors)
header, body = {}, b""
for name, array in tensors.items():
    content = array.astype("<f4").tobytes()
    header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(body), len(body) + len(content)]}
    body += content
text = json.dumps(header).encode()
with open(os.path.join(folder, "theirs.safetensors"), "wb") as file:
    file.write(struct.pack("<Q", len(text)) + text + body)
