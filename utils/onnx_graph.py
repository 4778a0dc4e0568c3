"""Writes ONNX graphs with onnx.helper alone, the layers of encoders among them, at any opset from 9 on.

What a version of ONNX takes as attributes and a later one as inputs is written as the graph's opset wants it. Serves
bert_onnx.py and the generated encoders of test/Integration/Encoders.
"""
import math

import numpy as np
from onnx import helper, numpy_helper


class Graph:
    """Nodes and weights as they are added; a value is named after the node that makes it.

    `weights` maps a name to an array; the weights of linear layers are [outputs, inputs] there.
    """

    def __init__(self, weights, opset=17):
        self.source, self.opset, self.nodes, self.constants, self.names = weights, opset, [], {}, {}

    def constant(self, name, array, dtype=np.float32):
        if name not in self.constants:
            self.constants[name] = numpy_helper.from_array(np.ascontiguousarray(array, dtype), name)
        return name

    def weight(self, name):
        return self.constant(name, self.source(name))

    def ints(self, *values):
        """A constant list of integers."""
        return self.constant("int_" + "_".join(str(v).replace("-", "m") for v in values), values, np.int64)

    def add(self, operator, name, inputs, **attributes):
        """The first output of a new node; others are named <node>_output_<index>, see `outputs`."""
        return self.add_all(operator, name, inputs, 1, **attributes)[0]

    def add_all(self, operator, name, inputs, count, **attributes):
        """The outputs of a new node. A name that is taken gets a number, as exporters do."""
        again = self.names[name] = self.names.get(name, -1) + 1
        name += f"_{again}" if again else ""
        outputs = [name + "_output" + (f"_{i}" if i else "") for i in range(count)]
        self.nodes.append(helper.make_node(operator, inputs, outputs, name=name, **attributes))
        return outputs

    def rename(self, value, name):
        """Gives `value` the name of an output of the graph."""
        for node in self.nodes:
            for names in (node.input, node.output):
                for i, old in enumerate(names):
                    if old == value:
                        names[i] = name
        return name

    # What opsets spell differently.

    def with_axes(self, operator, name, x, axes, since, **attributes):
        if self.opset < since:
            return self.add(operator, name, [x], axes=list(axes), **attributes)
        return self.add(operator, name, [x, self.ints(*axes)], **attributes)

    def unsqueeze(self, name, x, *axes):
        return self.with_axes("Unsqueeze", name, x, axes, 13)

    def squeeze(self, name, x, *axes):
        return self.with_axes("Squeeze", name, x, axes, 13)

    def reduce(self, operator, name, x, axis, keepdims=1):
        return self.with_axes(operator, name, x, [axis], 13 if operator == "ReduceSum" else 18, keepdims=keepdims)

    def at_least(self, name, x, bound, value):
        """`x` where it is above a constant `value`, called `bound`."""
        if self.opset < 11:
            return self.add("Clip", name, [x], min=value)
        return self.add("Clip", name, [x, self.constant(bound, value)])

    # Layers.

    def linear(self, name, x):
        weight = name.strip("/").replace("/", ".")
        matrix = self.constant(weight + ".weight", self.source(weight + ".weight").T)
        product = self.add("MatMul", name + "/MatMul", [x, matrix])
        return self.add("Add", name + "/Add", [self.weight(weight + ".bias"), product])

    def layer_norm(self, name, x, epsilon):
        weight = name.strip("/").replace("/", ".")
        inputs = [x, self.weight(weight + ".weight"), self.weight(weight + ".bias")]
        return self.add("LayerNormalization", name, inputs, axis=-1, epsilon=epsilon)

    def gelu(self, name, x):
        root = self.constant("sqrt_2", math.sqrt(2.0))
        erf = self.add("Erf", name + "/Erf", [self.add("Div", name + "/Div", [x, root])])
        twice = self.add("Mul", name + "/Mul", [x, self.add("Add", name + "/Add", [erf, self.constant("one", 1.0)])])
        return self.add("Mul", name + "/Mul", [twice, self.constant("half", 0.5)])

    def model(self, name, inputs, outputs, ir_version=8):
        """The ONNX model. Inputs and outputs are triples of name, ONNX element type and shape."""
        infos = [[helper.make_tensor_value_info(*value) for value in values] for values in (inputs, outputs)]
        body = helper.make_graph(self.nodes, name, *infos, list(self.constants.values()))
        return helper.make_model(body, opset_imports=[helper.make_opsetid("", self.opset)], ir_version=ir_version,
                                 producer_name="tamis-utils")
