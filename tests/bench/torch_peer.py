"""The shipped networks trained by PyTorch, for comparison: forward, loss, backward and Adam on images that are in
memory already, no evaluation. Speed does not depend on what is learnt, so one optimizer serves for all networks.

One process with N threads (images channels last), or a rank of a data-parallel job (DistributedDataParallel over
gloo) where RANK and WORLD_SIZE are set, with MASTER_ADDR and MASTER_PORT. Rank 0 prints one JSON object. With --bf16
the network runs forward in torch.autocast, which rounds what convolutions and linear layers multiply to bfloat16.
"""
import argparse
import gzip
import json
import os
import statistics
import time

import numpy
import torch
from torch import nn

CLASSES = 10


def mnist_convnet():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.5), nn.Linear(1600, CLASSES))


def train_mnist_fast():
    return nn.Sequential(
        nn.Conv2d(1, 24, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(24, 32, 3), nn.MaxPool2d(2), nn.ReLU(),
        nn.Flatten(), nn.Linear(800, 256), nn.ReLU(), nn.Linear(256, CLASSES))


def pytorch_example():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(9216, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, CLASSES))


def m3():
    layers, channels = [], 1
    for filters in range(32, 177, 16):
        layers += [nn.Conv2d(channels, filters, 3, bias=False), nn.BatchNorm2d(filters), nn.ReLU()]
        channels = filters
    layers += [nn.Flatten(), nn.Linear(8 * 8 * channels, CLASSES, bias=False), nn.BatchNorm1d(CLASSES)]
    return nn.Sequential(*layers)


class Block(nn.Module):
    """Two 3 x 3 convolutions, and a 1 x 1 one around them, as in resnet-small."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(channels, filters, 3, stride, 1, bias=False), nn.BatchNorm2d(filters), nn.ReLU(),
            nn.Conv2d(filters, filters, 3, 1, 1, bias=False), nn.BatchNorm2d(filters))
        self.shortcut = nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x):
        return torch.relu(self.shortcut(x) + self.branch(x))


def resnet_small():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        Block(16, 32, 1), Block(32, 64, 2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, CLASSES))


NETWORKS = {"mnist-convnet": mnist_convnet, "train-mnist-fast": train_mnist_fast,
            "pytorch-example": pytorch_example, "m3": m3, "resnet-small": resnet_small}


def read_idx(folder, name):
    """Bytes of an IDX file, plain or .gz, in the shape that its header tells."""
    path = os.path.join(folder, name)
    with (open(path, "rb") if os.path.exists(path) else gzip.open(path + ".gz", "rb")) as file:
        content = file.read()
    dimensions = content[3]
    shape = [int.from_bytes(content[4 + 4 * d:8 + 4 * d], "big") for d in range(dimensions)]
    return numpy.frombuffer(content, numpy.uint8, offset=4 + 4 * dimensions).reshape(shape)


def images_and_labels(folder):
    """Normalised images [n, 1, 28, 28] and labels: those of a folder, or random ones."""
    if folder:
        pixels = read_idx(folder, "train-images-idx3-ubyte")
        labels = read_idx(folder, "train-labels-idx1-ubyte")
    else:
        random = numpy.random.default_rng(1)
        pixels = random.integers(0, 256, (60000, 28, 28), numpy.uint8)
        pixels[random.random(pixels.shape) > 0.19] = 0  # as much ink as MNIST has
        labels = random.integers(0, CLASSES, 60000)
    images = (torch.from_numpy(pixels.copy()).float() / 255 - 0.1307) / 0.3081
    return images[:, None], torch.from_numpy(labels.astype(numpy.int64))


class Trainer:
    """Walks through shuffled batches again and again; this rank takes its part of each."""

    def __init__(self, options, rank, ranks):
        torch.manual_seed(1)
        self.images, self.labels = images_and_labels(options.data)
        network = NETWORKS[options.network]()
        if ranks == 1:
            network = network.to(memory_format=torch.channels_last)
            self.images = self.images.contiguous(memory_format=torch.channels_last)
        self.network = nn.parallel.DistributedDataParallel(network) if ranks > 1 else network
        self.network.train()
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=1e-3)
        self.loss = nn.CrossEntropyLoss()
        self.batch, self.rank, self.ranks, self.bf16 = options.batch, rank, ranks, options.bf16
        self.order, self.at = None, len(self.labels)

    def step(self):
        if self.at + self.batch > len(self.labels):
            self.order, self.at = torch.randperm(len(self.labels)), 0
        part = self.batch // self.ranks
        first = self.at + self.rank * part
        chosen = self.order[first:first + part]
        self.at += self.batch
        self.optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            logits = self.network(self.images[chosen])
        self.loss(logits.float(), self.labels[chosen]).backward()
        self.optimizer.step()

    def seconds(self, steps):
        started = time.perf_counter()
        for _ in range(steps):
            self.step()
        return time.perf_counter() - started


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("network", choices=sorted(NETWORKS))
    parser.add_argument("--batch", type=int, default=128, help="images of a step over all ranks")
    parser.add_argument("--threads", type=int, default=1, help="of each rank")
    parser.add_argument("--steps", type=int, required=True, help="of a round; the same on all ranks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--bf16", action="store_true", help="products in bfloat16")
    parser.add_argument("--data", help="folder with MNIST's files; default: random images")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rank, ranks = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    if ranks > 1:
        torch.distributed.init_process_group("gloo")
    trainer = Trainer(options, rank, ranks)
    trainer.seconds(3)  # warms up
    speeds = [options.steps * options.batch / trainer.seconds(options.steps) for _ in range(options.rounds)]
    if rank == 0:
        print(json.dumps({
            "name": options.network, "torch": torch.__version__, "world_size": ranks, "threads": options.threads,
            "global_batch": options.batch, "precision": "bf16" if options.bf16 else "float32", "parameters": sum(p.numel() for p in trainer.network.parameters()),
            "images_per_second": statistics.median(speeds), "images_per_second_best": max(speeds)}))


if __name__ == "__main__":
    main()
