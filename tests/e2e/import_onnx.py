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

# --- what is refused
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
