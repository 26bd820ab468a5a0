#!/usr/bin/env python3
"""Rewrites an exported ONNX model as other writers would, or so that its weights are not those of the layers any more.

Usage: import_onnx.py NAME.onnx FOLDER     NAME.onnx is what `lockstep export --format onnx` wrote of finetune.yaml
"""
import os
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

source, folder = sys.argv[1:]


def open_model():
    model = onnx.load(source)
    return model, model.graph


def save(model, name, **how):
    onnx.save(model, os.path.join(folder, name), **how)


def find(graph, kind, number=0):
    return [node for node in graph.node if node.op_type == kind][number]


def say(node, unsaid=None, **attributes):
    """Says attributes anew, and leaves out the one called `unsaid`."""
    for a in list(node.attribute):
        if a.name == unsaid or a.name in attributes:
            node.attribute.remove(a)
    node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())


def constants(graph):
    return {t.name: t for t in graph.initializer}


def rename(model):
    """Nothing says whose file it is, nor what its layers are called."""
    names = {}
    for number, t in enumerate(model.graph.initializer):
        names[t.name] = f"onnx::Thing_{number}"
        t.name = names[t.name]
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.name = ""
    del model.metadata_props[:]


def replace(graph, old, new):
    place = list(graph.node).index(old)
    graph.node.remove(old)
    for node in reversed(new):
        graph.node.insert(place, node)


# --- other writers
model, graph = open_model()
rename(model)
save(model, "renamed.onnx")

model, graph = open_model()  # lists of numbers, not bytes
for t in graph.initializer:
    if t.data_type == TensorProto.FLOAT:
        values = numpy_helper.to_array(t)
        t.CopyFrom(helper.make_tensor(t.name, TensorProto.FLOAT, values.shape, values.flatten().tolist()))
save(model, "lists.onnx")

model, graph = open_model()  # operations called Constant
for t in list(graph.initializer):
    graph.initializer.remove(t)
    graph.node.insert(0, helper.make_node("Constant", [], [t.name], value=t))
save(model, "nodes.onnx")

model, graph = open_model()  # MatMul and Add, as TensorFlow's converter does
gemm = find(graph, "Gemm")
weight = constants(graph)[gemm.input[1]]
turned = numpy_helper.from_array(np.ascontiguousarray(numpy_helper.to_array(weight).T), weight.name)
weight.CopyFrom(turned)
replace(graph, gemm, [helper.make_node("MatMul", [gemm.input[0], weight.name], ["product"]),
                      helper.make_node("Add", ["product", gemm.input[2]], list(gemm.output))])
save(model, "matmul.onnx")

model, graph = open_model()  # turned round by an operation, and rounded by another
gemm = find(graph, "Gemm")
weight = constants(graph)[gemm.input[1]]
turned = numpy_helper.from_array(np.ascontiguousarray(numpy_helper.to_array(weight).T).astype(np.float64), weight.name)
weight.CopyFrom(turned)
replace(graph, gemm, [helper.make_node("Transpose", [weight.name], ["turned"], perm=[1, 0]),
                      helper.make_node("Cast", ["turned"], ["cast"], to=TensorProto.FLOAT),
                      helper.make_node("Gemm", [gemm.input[0], "cast", gemm.input[2]], list(gemm.output), transB=1)])
save(model, "turned.onnx")

def fitting():
    """A square matrix, which transposed fits as well, as a Gemm's weight behind a Transpose: [out][in] with transB."""
    model, graph = open_model()
    gemm = find(graph, "Gemm")
    flat = np.arange(100, dtype=np.float32).reshape(10, 10)
    graph.initializer.extend([numpy_helper.from_array(flat, "square"), numpy_helper.from_array(np.zeros(10, np.float32), "zero")])
    return model, graph, gemm


def square(name, perm):
    model, graph, gemm = fitting()
    how = {} if perm is None else {"perm": perm}
    output = gemm.output[0]
    gemm.output[0] = "ten"
    graph.node.extend([helper.make_node("Transpose", ["square"], ["laid"], **how),
                       helper.make_node("Gemm", ["ten", "laid", "zero"], [output], "last", transB=1)])
    save(model, name)


square("square-01.onnx", [0, 1])
square("square-10.onnx", [1, 0])
square("square.onnx", None)

model, graph = open_model()  # what the configuration does not say
say(find(graph, "Conv"), strides=[1, 2])
say(find(graph, "BatchNormalization"), epsilon=1e-3)
say(find(graph, "Conv", 1), unsaid="pads", auto_pad="SAME_UPPER")
save(model, "otherwise.onnx")

model, graph = open_model()  # the same, said otherwise: ONNX's defaults
say(find(graph, "BatchNormalization"), unsaid="epsilon")
say(find(graph, "Conv", 1), unsaid="pads", auto_pad="VALID")
save(model, "defaults.onnx")

# --- what is refused
model, graph = open_model()
find(graph, "Conv", 1).attribute.append(helper.make_attribute("dilations", [1, 2]))
save(model, "dilated.onnx")

model, graph = open_model()  # as the very first one
first = numpy_helper.from_array(np.ones((1, 1, 3, 3), np.float32), "first")
graph.initializer.append(first)
image = find(graph, "Conv").input[0]
graph.node.insert(list(graph.node).index(find(graph, "Conv")),
                  helper.make_node("ConvTranspose", [image, "first"], ["larger"], "enlarge"))
find(graph, "Conv").input[0] = "larger"
save(model, "first.onnx")

square("square-other.onnx", [1, 1])

model, graph = open_model()  # multiplied into the convolution before, which has a bias then
norm = find(graph, "BatchNormalization")
graph.initializer.append(numpy_helper.from_array(np.ones(6, np.float32), "conv1.bias"))
find(graph, "Conv").input.append("conv1.bias")
replace(graph, norm, [helper.make_node("Identity", [norm.input[0]], list(norm.output))])
save(model, "folded.onnx")

model, graph = open_model()  # whole numbers, and floats again
conv = find(graph, "Conv", 1)
graph.node.insert(0, helper.make_node("Cast", [conv.input[1]], ["whole"], to=TensorProto.INT32))
graph.node.insert(1, helper.make_node("Cast", ["whole"], ["float"], to=TensorProto.FLOAT))
conv.input[1] = "float"
save(model, "whole.onnx")

model, graph = open_model()  # rows and columns
relu = find(graph, "Relu")
replace(graph, relu, [helper.make_node("Transpose", [relu.input[0]], ["mirrored"], perm=[0, 1, 3, 2]),
                      helper.make_node("Relu", ["mirrored"], list(relu.output))])
save(model, "mirrored.onnx")

model, graph = open_model()
save(model, "outside.onnx", save_as_external_data=True, location="outside.bin", size_threshold=0)

model, graph = open_model()
gemm = find(graph, "Gemm")
gemm.attribute.append(helper.make_attribute("alpha", 2.0))
save(model, "alpha.onnx")

model, graph = open_model()  # channels last before the flatten
flatten = find(graph, "Flatten")
replace(graph, flatten, [helper.make_node("Transpose", [flatten.input[0]], ["last"], perm=[0, 2, 3, 1]),
                         helper.make_node("Flatten", ["last"], list(flatten.output))])
save(model, "last.onnx")

model, graph = open_model()  # weights of an operation that is no layer here
relu = find(graph, "Relu")
slope = numpy_helper.from_array(np.full((6, 1, 1), 0.25, np.float32), "slope")
graph.initializer.append(slope)
replace(graph, relu, [helper.make_node("PRelu", [relu.input[0], "slope"], list(relu.output), "parametric")])
save(model, "prelu.onnx")

model, graph = open_model()  # computed by the graph
conv = find(graph, "Conv", 1)
weight = conv.input[1]
conv.input[1] = "doubled"
graph.node.insert(0, helper.make_node("Add", [weight, weight], ["doubled"]))
save(model, "computed.onnx")

model, graph = open_model()  # says more values than it has
constants(graph)[find(graph, "Conv", 1).input[1]].dims[0] *= 2
save(model, "short.onnx")

model, graph = open_model()  # two constants of one name
graph.initializer.append(graph.initializer[-1])
save(model, "twice.onnx")

model, graph = open_model()
del graph.node[:]
save(model, "nothing.onnx")

with open(source, "rb") as file:
    content = file.read()
for part in (5, len(content) // 2, len(content) - 1):
    with open(os.path.join(folder, f"cut-{part}.onnx"), "wb") as file:
        file.write(content[:part])
