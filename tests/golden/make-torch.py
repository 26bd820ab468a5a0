#!/usr/bin/env python3
"""Writes torch-networks.txt, torch-optimizers.txt and torch-schedules.txt beside this file: what PyTorch makes of
small networks, optimizers and schedules, for tests/unit/test_torch_*.c to compare Lockstep with.

    /usr/bin/python3 tests/golden/make-torch.py [FOLDER]

PyTorch computes in double, from inputs that are exact in float32; results are rounded once, to 7 digits (schedules: not
at all). So the files hold the true values, the whole difference to Lockstep is Lockstep's own rounding, and other
versions of PyTorch and other machines write the same files but for a last digit here and there. Layouts are Lockstep's: images and activations
[row][column][channel], convolutions [kernel row][kernel column][in][out], dense weights [in][out].

The format (read by tests/support/golden.c): "case NAME" begins a case; "text KEY REST OF THE LINE"; "tensor KEY SHAPE",
followed by lines with its values; lines that begin with "#" are comments.
"""

import math
import os
import random
import struct
import sys
import textwrap
import warnings

import torch
from torch import nn
from torch.nn import functional
from torch.optim import lr_scheduler, swa_utils


# --- writing


def to_float32(x):
    return struct.unpack("f", struct.pack("f", x))[0]


def exact_float32(x):
    """The fewest digits that read back, through a double, as the same float32."""
    return next(text for text in (f"{x:.{digits}g}" for digits in range(3, 18)) if to_float32(float(text)) == x)


def rounded(x):
    return f"{x:.7g}"


class Writer:
    def __init__(self, path, subject):
        self.out = open(path, "w", encoding="ascii")
        self.out.write(f"# {subject} by PyTorch {torch.__version__}, made by make-torch.py, which says how.\n")

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.out.close()

    def case(self, name):
        self.out.write(f"\ncase {name}\n")

    def text(self, key, value):
        self.out.write(f"text {key} {value}\n")

    def numbers(self, key, shape, values, word_of):
        assert len(values) == math.prod(shape), (key, shape, len(values))
        self.out.write(f"tensor {key} {' '.join(map(str, shape))}\n")
        words = " ".join(word_of(value) for value in values)
        self.out.write(textwrap.fill(words, 116, break_on_hyphens=False) + "\n")

    def given(self, key, tensor):
        self.numbers(key, tensor.shape, tensor.flatten().tolist(), exact_float32)

    def result(self, key, tensor):
        self.numbers(key, tensor.shape, tensor.detach().flatten().tolist(), rounded)

    def doubles(self, key, values):
        self.numbers(key, [len(values)], values, repr)


def yaml(value):
    """A value in YAML's flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(yaml(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


# --- networks

PREFIXES = {
    "conv2d": "conv", "maxpool": "pool", "avgpool": "avgpool", "global_avgpool": "globalpool", "dense": "dense",
    "batchnorm": "bn", "add": "add", "concat": "concat", "relu": "relu", "leaky_relu": "leaky", "tanh": "tanh", "sigmoid": "sigmoid",
    "gelu": "gelu", "silu": "silu", "dropout": "dropout", "flatten": "flatten",
}  # fmt: skip
SHORT = {
    "conv2d": "filters", "maxpool": "window", "avgpool": "window", "dense": "units", "add": "from", "concat": "from",
    "leaky_relu": "slope", "dropout": "rate",
}  # fmt: skip


def pair(value):
    return tuple(value) if isinstance(value, (list, tuple)) else (value, value)


class Flatten(nn.Module):
    """Rows, columns, channels in this order, as Lockstep keeps images."""

    def forward(self, x):
        return x.permute(0, 2, 3, 1).flatten(1) if x.dim() == 4 else x


class Layer:
    """One entry of `model:` as a PyTorch module."""

    def __init__(self, entry, number_of, shape_of):
        self.kind, options = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
        if not isinstance(options, dict):
            options = {SHORT[self.kind]: options}
        number_of[self.kind] = number_of.get(self.kind, 0) + 1
        self.name = options.get("name", PREFIXES[self.kind] + str(number_of[self.kind]))
        self.input = options.get("input")
        others = options.get("from", [])
        self.others = others if isinstance(others, list) else [others]
        self.frozen = not options.get("trainable", True)
        self.module = self.make(options, shape_of(self.input))

    def make(self, o, shape):
        channels = shape[1]
        if self.kind == "conv2d":
            padding = o.get("padding", 0)
            padding = padding if padding == "same" else pair(padding)
            return nn.Conv2d(channels, o["filters"], pair(o["kernel"]), pair(o.get("stride", 1)), padding,
                             groups=o.get("groups", 1), bias=o.get("bias", True))  # fmt: skip
        if self.kind in ("maxpool", "avgpool"):
            window = pair(o["window"])
            place = (window, pair(o.get("stride", window)), pair(o.get("padding", 0)))
            if self.kind == "maxpool":
                return nn.MaxPool2d(*place)
            return nn.AvgPool2d(*place, count_include_pad=o.get("count_padding", True))
        if self.kind == "dense":
            return nn.Sequential(Flatten(), nn.Linear(math.prod(shape[1:]), o["units"], bias=o.get("bias", True)))
        if self.kind == "batchnorm":
            norm = nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d
            return norm(channels, o.get("epsilon", 1e-5), o.get("momentum", 0.1), o.get("affine", True))
        return {
            "global_avgpool": lambda: nn.AdaptiveAvgPool2d(1),
            "add": lambda: None,
            "concat": lambda: None,
            "relu": nn.ReLU,
            "leaky_relu": lambda: nn.LeakyReLU(o.get("slope", 0.01)),
            "tanh": nn.Tanh,
            "sigmoid": nn.Sigmoid,
            "silu": nn.SiLU,
            "gelu": lambda: nn.GELU("tanh" if o.get("tanh_form") else "none"),
            "dropout": lambda: nn.Dropout(o["rate"]),
            "flatten": Flatten,
        }[self.kind]()


class Network:
    """The layers of `model:`, each reading the one before it or the one it names."""

    def __init__(self, entries, image_shape):
        self.layers = []
        numbers = {}
        outputs = {"input": torch.zeros(2, image_shape[2], *image_shape[:2], dtype=torch.double)}
        outputs[None] = outputs["input"]
        for entry in entries:
            layer = Layer(entry, numbers, lambda name: tuple(outputs[name].shape))
            if layer.module:
                layer.module.double()
            self.layers.append(layer)
            self.run(layer, outputs)

    def run(self, layer, outputs):
        x = outputs[layer.input]
        others = [outputs[name] for name in layer.others]
        y = layer.module(x) if layer.module else x + others[0] if layer.kind == "add" else torch.cat([x, *others], 1)
        outputs[layer.name] = outputs[None] = y

    def forward(self, images, training):
        outputs = {None: images, "input": images}
        for layer in self.layers:
            if layer.module:
                layer.module.train(training and not layer.frozen)
            self.run(layer, outputs)
        return outputs[None].flatten(1)

    def tensors(self):
        """(name, tensor, its view in Lockstep's layout, trained) in Lockstep's order."""
        for layer in self.layers:
            module = layer.module[1] if layer.kind == "dense" else layer.module
            for what in ("weight", "bias", "running_mean", "running_var"):
                tensor = getattr(module, what, None)
                if tensor is not None:
                    moment = what.startswith("running")
                    yield f"{layer.name}/{what}", tensor, layer.kind, not (moment or layer.frozen)


def to_lockstep(tensor):
    """Weights as PyTorch keeps them, in Lockstep's order of axes."""
    if tensor.dim() == 4:
        return tensor.permute(2, 3, 1, 0)
    return tensor.t() if tensor.dim() == 2 else tensor


def draw(rng, tensor, what, kind):
    """Few digits, so that the file is small; sizes that keep activations near 1."""
    if what == "running_var" or (kind == "batchnorm" and what == "weight"):
        low, high = 50, 150
    else:
        high = round(170 / math.sqrt(math.prod(tensor.shape[1:]))) if tensor.dim() > 1 else 50
        low = -high
    values = [to_float32(rng.randint(low, high) / 100) for _ in range(tensor.numel())]
    with torch.no_grad():
        tensor.copy_(torch.tensor(values, dtype=torch.double).reshape(tensor.shape))


def losses_of(logits, labels, train):
    """Of each sample, times the factor of its label: Lockstep divides by the samples, not by the factors' sum."""
    smoothing = train.get("label_smoothing", 0.0)
    losses = functional.cross_entropy(logits, labels, reduction="none", label_smoothing=smoothing)
    if "class_weights" in train:
        losses = losses * torch.tensor(train["class_weights"], dtype=torch.double)[labels]
    return losses


def write_network(w, name, image, entries, samples=5, **train):
    rng = random.Random(name)
    network = Network(entries, image)
    shape = (samples, *image)
    images = torch.tensor([rng.randint(0, 255) for _ in range(math.prod(shape))]).reshape(shape)
    tensors = list(network.tensors())
    w.case(name)
    w.text("model", yaml(entries))
    w.text("train", yaml({"chunk": 4, **train}))
    w.given("images", images)
    for place, tensor, kind, trained in tensors:
        draw(rng, tensor, place.split("/")[1], kind)
        tensor.requires_grad_(trained)
        w.given(place, to_lockstep(tensor.detach()))

    # Lockstep's test gives byte b the value (b - 128) / 64.
    pixels = (images.double() - 128).permute(0, 3, 1, 2) / 64
    logits = network.forward(pixels, training=True)
    labels = torch.tensor([rng.randrange(logits.shape[1]) for _ in range(samples)])
    losses = losses_of(logits, labels, train)
    losses.mean().backward()
    w.given("labels", labels)
    w.result("logits", logits)
    w.result("losses", losses)
    for place, tensor, _, trained in tensors:
        if trained:
            w.result("gradient/" + place, to_lockstep(tensor.grad))
        elif "running" in place:
            w.result("after/" + place, tensor)
    if any(layer.kind == "batchnorm" for layer in network.layers):
        w.result("evaluated", network.forward(pixels, training=False))


def conv(filters, kernel, **options):
    return {"conv2d": {"filters": filters, "kernel": kernel, **options}}


def write_networks(w):
    def case(name, image, *entries, **options):
        write_network(w, name, image, entries, **options)

    tail = ("flatten", {"dense": 3})
    pooled = ("global_avgpool", {"dense": 3})

    # Convolutions, dense layers, max-pooling, ReLU.
    case("convolution 3x3", (5, 6, 2), conv(3, 3), *tail)
    case("convolution 1x1, stride 2, no bias", (5, 6, 3), conv(4, 1, stride=2, bias=False), conv(3, 2), *tail)
    case("rectangular kernels, strides and padding", (7, 6, 2), conv(3, [2, 4], stride=[2, 1], padding=[1, 2]),
         conv(4, [3, 1], stride=[1, 3]), *tail)  # fmt: skip
    case("convolution 5x5, padding 2, 17 filters", (5, 6, 1), conv(2, 5, padding=2), "relu", conv(17, 2), "relu",
         *pooled)  # fmt: skip
    case("padding same, even kernel", (5, 6, 2), conv(3, [4, 2], padding="same"), "relu",
         conv(2, [2, 3], padding="same"), "relu", conv(2, 3, stride=2), *tail)  # fmt: skip
    case("convolutions, ReLU and pooling", (10, 11, 1), conv(4, 3), "relu", {"maxpool": 2}, conv(3, 3), "relu",
         {"maxpool": 2}, *tail)  # fmt: skip
    case("pooling before ReLU", (8, 9, 2), conv(3, 3), {"maxpool": 2}, "relu", conv(3, 2), *tail)
    case("overlapping windows", (8, 9, 1), conv(3, 2), {"maxpool": {"window": 3, "stride": 2}}, *tail)
    case("rectangular windows, padding", (6, 7, 2), conv(3, 2),
         {"maxpool": {"window": [2, 3], "stride": [1, 2], "padding": 1}}, conv(2, 2), *tail)  # fmt: skip
    case("dense layers", (3, 4, 2), "flatten", {"dense": 7}, "relu", {"dense": {"units": 5, "bias": False}}, {"dense": 4},
         samples=9)  # fmt: skip
    case("logits from a convolution", (5, 4, 2), conv(4, 2), "relu", conv(3, [4, 3]))
    case("one pixel, no flatten", (4, 3, 2), conv(5, [4, 3]), "relu", {"dense": 3})

    # Groups.
    case("convolution in two groups", (6, 5, 4), conv(6, 3, groups=2), "relu", conv(4, 2, groups=2, bias=False), *tail)
    case("groups of many filters, padding, stride", (5, 6, 2), conv(6, 3, padding=1), "relu",
         conv(48, 3, groups=3, padding=1, stride=2), "tanh", conv(32, 2, groups=2), *pooled)  # fmt: skip
    case("depthwise and pointwise", (6, 7, 3), conv(3, 3, groups=3, padding="same", bias=False), "batchnorm", "relu",
         conv(18, 1), "relu", conv(36, 3, groups=18, padding=1), {"maxpool": 2}, "relu", *tail)  # fmt: skip
    case("groups in even kernels, rectangular", (7, 6, 2), conv(10, [2, 4], groups=2, padding=[1, 2], stride=[1, 2]),
         "tanh", conv(5, 2, groups=5, stride=2), *tail)  # fmt: skip

    # Means.
    case("average pooling", (6, 7, 2), conv(3, 2), {"avgpool": 2}, *tail)
    padded = {"window": [3, 2], "stride": [2, 1], "padding": 1}
    case("average pooling, padding counts", (6, 5, 2), conv(2, 2), {"avgpool": padded}, *tail)
    case("average pooling, padding does not count", (6, 5, 2), conv(2, 2),
         {"avgpool": {**padded, "count_padding": False}}, *tail)  # fmt: skip
    case("global average pooling", (5, 6, 1), conv(4, 3), "relu", *pooled)
    case("logits from a global average", (5, 6, 1), conv(4, 3, padding=1), "relu", conv(3, 2), "global_avgpool")

    # Batch normalisation.
    case("batchnorm", (5, 6, 2), conv(3, 3, bias=False), "batchnorm", "relu", conv(2, 2), *tail)
    case("batchnorm, other constants", (5, 6, 2), conv(3, 3, bias=False),
         {"batchnorm": {"momentum": 0.35, "epsilon": 0.125}}, "relu", conv(3, 2, bias=False), "batchnorm", *tail)  # fmt: skip
    case("batchnorm of the image, not affine", (4, 5, 2), {"batchnorm": {"affine": False}}, conv(3, 3), *tail)
    case("batchnorm of the image, convolution", (4, 5, 2), "batchnorm", conv(2, 3), "relu", *tail)
    case("batchnorm of the image, dense layer", (3, 4, 3), "batchnorm", "leaky_relu", *tail)
    case("batchnorm of the image, pooling, strides", (6, 7, 1), "batchnorm", {"maxpool": {"window": 2, "stride": 1}},
         conv(2, 3, stride=2), "relu", *tail)  # fmt: skip
    case("batchnorm after dense layers", (3, 4, 1), "flatten", {"dense": {"units": 5, "bias": False}}, "batchnorm", "relu",
         {"dense": {"units": 3, "bias": False}}, "batchnorm", samples=9)  # fmt: skip
    case("frozen batchnorm", (5, 6, 1), conv(3, 3), {"batchnorm": {"trainable": False}}, "relu", *tail)
    case("frozen layers", (5, 6, 1), conv(3, 3, trainable=False), "relu", conv(2, 2), "flatten",
         {"dense": {"units": 4, "trainable": False}}, "relu", {"dense": 3})  # fmt: skip

    # Residual sums.
    case("residual sum", (5, 4, 1), conv(2, 3, padding=1), "relu", conv(2, 3, padding=1), {"add": "relu1"}, "relu", *tail)
    case("residual sum, projection, batchnorm", (6, 5, 1), conv(3, 3, padding=1), "relu",
         conv(3, 3, stride=2, padding=1, bias=False), "batchnorm", "relu", conv(3, 3, padding=1, bias=False), "batchnorm",
         conv(3, 1, stride=2, bias=False, name="shortcut", input="relu1"), {"batchnorm": {"name": "shortcut_bn"}},
         {"add": "bn2"}, "relu", *pooled)  # fmt: skip
    case("two branches from the image", (4, 5, 1), conv(2, 3, padding=1, name="wide"),
         conv(2, 1, name="narrow", input="input"), {"add": "wide"}, "tanh", *tail)  # fmt: skip
    case("image added to a convolution", (4, 5, 2), conv(2, 3, padding=1, name="wide"), {"add": {"from": "wide", "input":
         "input"}}, "tanh", conv(3, 2), *pooled)  # fmt: skip
    case("convolution added to the image", (4, 5, 2), conv(2, 3, padding=1), {"add": "input"}, "tanh", *tail)

    # Channels side by side.
    case("two branches side by side", (5, 4, 1), conv(2, 3, padding=1), "relu", conv(3, 3, padding=1), {"concat": "relu1"},
         "tanh", conv(4, 2), *tail)  # fmt: skip
    case("three branches of many channels", (4, 5, 2), conv(17, 3, padding=1, bias=False), "batchnorm", "relu",
         conv(16, 1, input="input", name="narrow"), conv(5, 2, padding="same"), {"concat": ["relu1", "narrow"]}, conv(3, 2),
         *pooled)  # fmt: skip
    case("the image beside a convolution", (4, 5, 2), conv(3, 3, padding=1), "sigmoid", {"concat": "input"}, conv(4, 2),
         "relu", *tail)  # fmt: skip
    case("a layer twice, and logits side by side", (4, 3, 1), conv(2, 3, padding=1), "tanh", {"concat": ["conv1", "tanh1"]},
         conv(3, [4, 3], name="left"), conv(2, [4, 3], input="concat1"), {"concat": "left"})  # fmt: skip

    # Activation functions, on their own and behind dense layers.
    for name, entry in (
        ("tanh", "tanh"),
        ("sigmoid", "sigmoid"),
        ("leaky ReLU", {"leaky_relu": 0.2}),
        ("GELU", "gelu"),
        ("GELU, tanh form", {"gelu": {"tanh_form": True}}),
        ("SiLU", "silu"),
    ):
        case(name, (4, 5, 2), conv(3, 2, stride=2), entry, "flatten", {"dense": 5}, entry, {"dense": 3})
    case("layers on the image", (6, 6, 1), "relu", {"maxpool": 2}, {"dropout": 0}, conv(3, 2), {"dropout": 0}, *tail)

    # The loss.
    small = (conv(3, 2), "relu", *tail)
    factors = [0.5, 2, 1.25]
    case("label smoothing", (4, 4, 1), *small, label_smoothing=0.1)
    case("class weights", (4, 4, 1), *small, class_weighting="given", class_weights=factors)
    case("label smoothing and class weights", (4, 4, 1), *small, label_smoothing=0.25, class_weighting="given",
         class_weights=factors)  # fmt: skip


# --- optimizers

STEPS = 10
SHOWN = (1, 2, 5, 10)  # steps after which weights are written
# What a network of three trained tensors and a frozen one has: name, count.
PARTS = (("weight", 6), ("frozen", 2), ("bias", 3), ("norm", 3))


class Lars(torch.optim.Optimizer):
    """You et al. 2017, algorithm 1, which PyTorch does not have: the rate inside the velocity, the coefficient alone
    where a norm is 0."""

    def __init__(self, groups, lr, momentum=0.9, trust_coefficient=0.001):
        super().__init__(groups, {"lr": lr, "momentum": momentum, "trust": trust_coefficient})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                v = self.state[p].setdefault("v", torch.zeros_like(p))
                norm, decay = p.norm(), group["weight_decay"]
                divisor = p.grad.norm() + decay * norm
                ratio = norm / divisor if min(norm, divisor) > 0 else 1.0
                v.mul_(group["momentum"]).add_(group["lr"] * group["trust"] * ratio * (p.grad + decay * p))
                p.sub_(v)


class Lamb(torch.optim.Optimizer):
    """You et al. 2020, algorithm 2, which PyTorch does not have: corrected bias, decay in the update, the trust ratio
    of each tensor with phi(x) = x and without bounds, 1 where a norm is 0."""

    def __init__(self, groups, lr, betas=(0.9, 0.999), eps=1e-6):
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            for p in group["params"]:
                state = self.state[p]
                state.setdefault("step", 0)
                m = state.setdefault("m", torch.zeros_like(p))
                v = state.setdefault("v", torch.zeros_like(p))
                state["step"] += 1
                m.mul_(beta1).add_(p.grad, alpha=1 - beta1)
                v.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                mean, square = m / (1 - beta1 ** state["step"]), v / (1 - beta2 ** state["step"])
                update = mean / (square.sqrt() + group["eps"]) + group["weight_decay"] * p
                norms = p.norm(), update.norm()
                ratio = norms[0] / norms[1] if min(norms) > 0 else 1.0
                p.sub_(group["lr"] * ratio * update)


def torch_optimizer(parameters, o):
    """The optimizer of `train.optimizer:`; biases and norms are a group of their own where decay spares them."""
    given = dict(o)
    name, decay, all_decay = given.pop("name"), given.pop("weight_decay", 0), given.pop("decay_bias_and_norm", True)
    groups = [
        {"params": [p], "weight_decay": decay if all_decay or part == "weight" else 0} for part, p in parameters.items()
    ]
    if name.startswith("adam") or name == "lamb":
        given["betas"] = (given.pop("beta1", 0.9), given.pop("beta2", 0.999))
    if "epsilon" in given:
        given["eps"] = given.pop("epsilon")
    classes = {
        "sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "rmsprop": torch.optim.RMSprop,
        "adadelta": torch.optim.Adadelta, "lars": Lars,
        "lamb": Lamb,
    }  # fmt: skip
    return classes[name](groups, **given)


def split(flat):
    return dict(zip((part for part, _ in PARTS), flat.split([count for _, count in PARTS])))


class Start:
    """What every optimizer starts from and is given: weights, gradients, shares of the learning rate."""

    def __init__(self):
        rng = random.Random("optimizers")
        n = sum(count for _, count in PARTS)
        self.weights = torch.tensor([rng.randint(-96, 96) / 64 for _ in range(n)], dtype=torch.double)
        # Small and large ones, so that clipping acts on some steps; a weight without gradient.
        rows = [[rng.randint(-64, 64) / 64 * 2.0 ** (t % 4 - 2) for _ in range(n)] for t in range(STEPS)]
        self.gradients = torch.tensor(rows, dtype=torch.double)
        self.gradients[:, 1] = 0
        self.shares = [1, 1, 0.75, 0.5, 0.5, 1.5, 1, 0.25, 0.125, 1]

    def write(self, w):
        w.case("start")
        w.given("weights", self.weights)
        w.given("gradients", self.gradients)
        w.doubles("shares", self.shares)
        w.doubles("shown", SHOWN)


def write_optimizer(w, start, title, clip_norm=0, **o):
    parts = {part: nn.Parameter(tensor.clone()) for part, tensor in split(start.weights).items()}
    trained = {part: p for part, p in parts.items() if part != "frozen"}
    optimizer = torch_optimizer(trained, o)
    after = []
    for step, (gradients, share) in enumerate(zip(start.gradients, start.shares), 1):
        for part, gradient in split(gradients).items():
            if part in trained:
                trained[part].grad = gradient.clone()
        if clip_norm:
            nn.utils.clip_grad_norm_(trained.values(), clip_norm)
        for group in optimizer.param_groups:
            group["lr"] = o["lr"] * share
        optimizer.step()
        if step in SHOWN:
            after.append(torch.cat([p.detach() for p in parts.values()]))
    w.case(title)
    w.text("train", yaml({"optimizer": o, "clip_norm": clip_norm}))
    w.result("after", torch.stack(after))


def write_optimizers(w):
    start = Start()
    start.write(w)

    def case(title, **options):
        write_optimizer(w, start, title, **options)

    sgd = {"name": "sgd", "lr": 0.05}
    case("SGD", **sgd)
    case("SGD, decay", **sgd, weight_decay=0.2)
    case("momentum", **sgd, momentum=0.9)
    case("momentum, decay, clipped", clip_norm=1.5, **sgd, momentum=0.8, weight_decay=0.1)
    case("Nesterov", **sgd, momentum=0.9, nesterov=True)
    case("Nesterov, decay of weights only", **sgd, momentum=0.7, nesterov=True, weight_decay=0.1,
         decay_bias_and_norm=False)  # fmt: skip
    for name in ("adam", "adamw"):
        adam = {"name": name, "lr": 0.03}
        case(name, **adam)
        case(f"{name}, decay, other constants", **adam, beta1=0.7, beta2=0.9, epsilon=0.01, weight_decay=0.3)
        case(f"{name}, decay of weights only, clipped", clip_norm=1, **adam, weight_decay=0.3, decay_bias_and_norm=False)
    rmsprop = {"name": "rmsprop", "lr": 0.02}
    case("rmsprop", **rmsprop)
    case("rmsprop, decay, other constants", **rmsprop, alpha=0.8, epsilon=0.01, weight_decay=0.2)
    case("rmsprop, momentum", **rmsprop, momentum=0.6)
    case("rmsprop, centered", **rmsprop, centered=True, alpha=0.9, epsilon=0.001)
    case("rmsprop, centered, momentum, decay of weights only", **rmsprop, centered=True, alpha=0.9, momentum=0.5,
         epsilon=0.001, weight_decay=0.2, decay_bias_and_norm=False)  # fmt: skip
    adadelta = {"name": "adadelta", "lr": 1.0}
    case("adadelta", **adadelta)
    case("adadelta, decay, other constants", **adadelta, rho=0.7, epsilon=0.001, weight_decay=0.2)
    case("adadelta, decay of weights only, clipped", clip_norm=1, **adadelta, weight_decay=0.2, decay_bias_and_norm=False)
    lars = {"name": "lars", "lr": 20}
    case("lars", **lars)
    case("lars, decay, other constants", **lars, momentum=0.7, trust_coefficient=0.003, weight_decay=0.3)
    case("lars, decay of weights only, clipped", clip_norm=1, **lars, weight_decay=0.3, decay_bias_and_norm=False)
    lamb = {"name": "lamb", "lr": 0.05}
    case("lamb", **lamb)
    case("lamb, decay, other constants", **lamb, beta1=0.7, beta2=0.9, epsilon=0.01, weight_decay=0.3)
    case("lamb, decay of weights only, clipped", clip_norm=1, **lamb, weight_decay=0.3, decay_bias_and_norm=False)


# --- learning-rate schedules

STEPS_PER_EPOCH = 4


def one_weight(lr):
    return torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr)


def warm_up(optimizer, o):
    if "warmup_steps" not in o:
        return None
    return lr_scheduler.LinearLR(optimizer, o["warmup_factor"], 1, o["warmup_steps"])


def cosine_after_warm_up(optimizer, o, steps):
    warm = o.get("warmup_steps", 0)
    cosine = lr_scheduler.CosineAnnealingLR(optimizer, steps - warm, o.get("min_lr", 0))
    return lr_scheduler.SequentialLR(optimizer, [warm_up(optimizer, o), cosine], [warm]) if warm else cosine


def one_cycle(optimizer, o, lr, steps):
    anneal = "cos" if o.get("cosine", True) else "linear"
    return lr_scheduler.OneCycleLR(optimizer, lr, steps, pct_start=o["warmup_share"], anneal_strategy=anneal,
                                   cycle_momentum=False, div_factor=o["div_factor"],
                                   final_div_factor=o["final_div_factor"])  # fmt: skip


def schedulers(optimizer, o, lr, steps):
    """What moves after every step, and what after every epoch."""
    if o["name"] == "cosine":
        return [cosine_after_warm_up(optimizer, o, steps)], []
    if o["name"] == "onecycle":
        return [one_cycle(optimizer, o, lr, steps)], []
    per_step = [warm_up(optimizer, o)] if "warmup_steps" in o else []
    if o["name"] == "step":
        return per_step, [lr_scheduler.StepLR(optimizer, o["every_epochs"], o["gamma"])]
    if o["name"] == "exponential":
        return per_step, [lr_scheduler.ExponentialLR(optimizer, o["gamma"])]
    return per_step, []


def write_schedule(w, title, lr, steps, **o):
    optimizer = one_weight(lr)
    per_step, per_epoch = schedulers(optimizer, o, lr, steps)
    rates = []
    for step in range(1, steps + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step < steps:
            for scheduler in per_step + (per_epoch if step % STEPS_PER_EPOCH == 0 else []):
                scheduler.step()
    w.case(title)
    w.text("train", yaml({"optimizer": {"lr": lr}, "schedule": o}))
    w.doubles("steps_per_epoch", [STEPS_PER_EPOCH])
    w.doubles("rates", rates)


def write_plateau(w, title, lr, figures, **o):
    """Rates after each validation figure. PyTorch's eps, below which it leaves a change out, is 0 here."""
    optimizer = one_weight(lr)
    mode = "max" if o.get("watch") == "accuracy" else "min"
    scheduler = lr_scheduler.ReduceLROnPlateau(
        optimizer, mode, o["factor"], o["patience"], o["threshold"], "rel", o.get("cooldown", 0), o.get("min_lr", 0), 0
    )
    rates = []
    for figure in figures:
        scheduler.step(figure)
        rates.append(optimizer.param_groups[0]["lr"])
    w.case(title)
    w.text("train", yaml({"optimizer": {"lr": lr}, "schedule": {"name": "plateau", **o}}))
    w.doubles("figures", figures)
    w.doubles("rates", rates)


def write_schedules(w):
    def case(title, name, lr, steps, **options):
        write_schedule(w, title, lr, steps, name=name, **options)

    warm = {"warmup_steps": 6, "warmup_factor": 0.25}
    case("constant", "constant", 0.02, 6)
    case("constant after warm-up", "constant", 0.02, 10, **warm)
    case("step", "step", 0.1, 22, gamma=0.7, every_epochs=2)
    case("step after warm-up", "step", 0.1, 16, gamma=0.3, every_epochs=1, **warm)
    case("exponential", "exponential", 0.1, 18, gamma=0.9)
    case("exponential after warm-up", "exponential", 0.1, 14, gamma=0.8, **warm)
    case("cosine", "cosine", 0.1, 12)
    case("cosine after warm-up", "cosine", 0.3, 19, min_lr=0.01, **warm)
    for cosine in (True, False):
        kind = "cosine" if cosine else "linear"
        case(f"one cycle, {kind}", "onecycle", 0.1, 20, warmup_share=0.3, div_factor=25, final_div_factor=10000,
             cosine=cosine)  # fmt: skip
        case(f"one cycle, {kind}, peak between steps", "onecycle", 1.0, 15, warmup_share=0.45, div_factor=4,
             final_div_factor=50, cosine=cosine)  # fmt: skip

    # A figure that is better by exactly the threshold (1 - 1/8) is not better.
    losses = [1, 0.875, 0.8671875, 0.9, 0.87, 0.8, 0.75, 0.76, 0.7, 0.71, 0.72, 0.73, 0.5, 0.6, 0.55, 0.54, 0.53, 0.52]
    patient = {"factor": 0.5, "patience": 2, "threshold": 0.125}
    write_plateau(w, "plateau of the loss", 0.1, losses, **patient)
    write_plateau(w, "plateau of the loss, no patience", 0.1, losses, factor=0.9, patience=0, threshold=0)
    write_plateau(w, "plateau of the loss, cooldown, lowest rate", 0.1, losses + [0.51, 0.6, 0.7, 0.6],
                  **{**patient, "patience": 1}, cooldown=2, min_lr=0.02)  # fmt: skip
    accuracies = [0.5, 0.53125, 0.5625, 0.58, 0.6, 0.59, 0.63, 0.62, 0.625, 0.9, 0.91, 0.92, 0.93, 0.92, 0.91, 0.999]
    write_plateau(w, "plateau of the accuracy", 0.1, accuracies, watch="accuracy", factor=0.2, patience=1,
                  threshold=0.0625)  # fmt: skip


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.abspath(__file__))
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", message=".*padding='same' with even kernel.*")
    warnings.filterwarnings("ignore", message=".*The epoch parameter in `scheduler.step\\(\\)`.*")
    with Writer(os.path.join(folder, "torch-networks.txt"), "Small networks") as w:
        write_networks(w)
    with Writer(os.path.join(folder, "torch-optimizers.txt"), "Updates of weights") as w:
        write_optimizers(w)
    with Writer(os.path.join(folder, "torch-schedules.txt"), "Learning rates") as w:
        write_schedules(w)


if __name__ == "__main__":
    main()
