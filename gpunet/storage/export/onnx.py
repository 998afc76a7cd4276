"""A network as an ONNX model: one Gemm for each dense layer.

Raw numbers of a table come in as float64 and are scaled in it, so that a time
stamp loses nothing; the rest is computed in the network's own dtype. An
activation that ONNX has only in later versions, or not for float64, is written
out in its parts; so is the sigmoid, because ONNX Runtime's operator loses small
numbers (0.02 % off at z = -10, 0 below -18).
"""

import importlib
from typing import Any

import numpy as np

from gpunet.errors import ConfigError
from gpunet.storage.export.graph import Plan

_OPSET, _IR = 17, 8  # of 2022, so that runtimes of some age read the file
_PLAIN = {"relu": "Relu", "tanh": "Tanh", "softmax": "Softmax"}


def to_onnx(plan: Plan) -> bytes:
    """Return the ONNX file of a network: input "x", output "y", any batch.

    Raises
    ------
    ConfigError
        The onnx package is not installed.
    """
    try:
        onnx = importlib.import_module("onnx")
    except ImportError as error:
        raise ConfigError(
            'export: onnx is not installed; python -m pip install "gpunet[onnx]"'
        ) from error
    graph = _Graph(onnx, plan.dtype)
    last = _scale_inputs(graph, plan)
    for kind, *rest in plan.steps:
        if kind == "dense":
            last = graph.add("Gemm", last, *map(graph.constant, rest))
        else:
            last = _activation(graph, last, *rest)
    if plan.target.shift is not None:
        last = graph.cast(last, "float64")
        last = graph.add("Mul", last, graph.constant(plan.target.factor))
        last = graph.add("Add", last, graph.constant(plan.target.shift))
    graph.add("Identity", last, out="y")
    model = graph.model(plan)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


class _Graph:
    """Nodes and constants as they are made."""

    def __init__(self, onnx: Any, dtype: str):
        self.onnx, self.dtype = onnx, dtype
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}

    def add(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        out = out or f"{kind.lower()}{len(self._nodes)}"
        make = self.onnx.helper.make_node
        self._nodes.append(make(kind, list(inputs), [out], out, **attributes))
        return out

    def constant(self, value: Any) -> str:
        """Return the name of an array; a Python float takes the network's dtype."""
        name = f"c{len(self._constants)}"
        array = np.asarray(value, self.dtype if isinstance(value, float) else None)
        from_array = self.onnx.numpy_helper.from_array
        self._constants[name] = from_array(np.ascontiguousarray(array), name)
        if array.ndim == 0:  # ascontiguousarray makes one dimension of none
            self._constants[name] = from_array(array, name)
        return name

    def kind(self, dtype: str) -> int:
        """Return ONNX's number of a dtype."""
        return self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def cast(self, last: str, dtype: str) -> str:
        """Cast, unless the network computes in that dtype anyway."""
        if dtype == self.dtype:
            return last
        return self.add("Cast", last, to=self.kind(dtype))

    def model(self, plan: Plan) -> Any:
        """Return the whole model."""
        helper = self.onnx.helper
        describe = helper.make_tensor_value_info
        x = describe("x", self.kind(plan.x_dtype), ["n", plan.n_in])
        y = describe("y", self.kind(plan.y_dtype), ["n", plan.n_out])
        constants = list(self._constants.values())
        graph = helper.make_graph(self._nodes, "gpunet", [x], [y], constants)
        model = helper.make_model(
            graph,
            producer_name="gpunet",
            ir_version=_IR,
            opset_imports=[helper.make_opsetid("", _OPSET)],
        )
        names = {"inputs": plan.source.names, "outputs": plan.target.names}
        texts = {key: "\n".join(value) for key, value in names.items() if value}
        helper.set_model_props(model, texts)
        return model


def _scale_inputs(graph: _Graph, plan: Plan) -> str:
    if plan.source.shift is None:
        return "x"
    last = graph.add("Sub", "x", graph.constant(plan.source.shift))
    last = graph.add("Mul", last, graph.constant(plan.source.factor))
    if plan.dtype == "float64":
        return last
    return graph.add("Cast", last, to=graph.kind(plan.dtype))


def _sigmoid(g: _Graph, z: str) -> str:
    """e^z / (1 + e^z), as `gpunet.activations.sigmoid`."""
    e = g.add("Exp", g.add("Min", z, g.constant(40.0)))
    return g.add("Div", e, g.add("Add", g.constant(1.0), e))


def _log1p(g: _Graph, e: str) -> str:
    """log(u) + (e - (u - 1)) / u with u = 1 + e as rounded: small e are kept."""
    one = g.constant(1.0)
    u = g.add("Add", one, e)
    lost = g.add("Sub", e, g.add("Sub", u, one))
    return g.add("Add", g.add("Log", u), g.add("Div", lost, u))


def _expm1(g: _Graph, z: str) -> str:
    """e^z - 1 = tanh(z / 2) (e^z + 1), which keeps small z."""
    t = g.add("Tanh", g.add("Mul", g.constant(0.5), z))
    return g.add("Mul", t, g.add("Add", g.add("Exp", z), g.constant(1.0)))


def _activation(g: _Graph, z: str, name: str, alpha: float | None) -> str:
    if name in _PLAIN:
        return g.add(_PLAIN[name], z)  # Softmax takes the last axis
    if name == "sigmoid":
        return _sigmoid(g, z)
    if name == "silu":
        return g.add("Mul", z, _sigmoid(g, z))
    if name == "gelu":
        cube = g.add("Mul", g.add("Mul", z, z), z)
        inner = g.add("Add", z, g.add("Mul", g.constant(0.044715), cube))
        inner = g.add("Mul", g.constant(1.5957691216057308), inner)
        return g.add("Mul", z, _sigmoid(g, inner))
    zero = g.constant(0.0)
    if name == "comparator":
        return g.add("Cast", g.add("Greater", z, zero), to=g.kind(g.dtype))
    if name == "softplus":
        rest = _log1p(g, g.add("Exp", g.add("Neg", g.add("Abs", z))))
        return g.add("Add", g.add("Max", z, zero), rest)
    below = g.add("Min", z, zero)  # leaky_relu and elu
    if name == "elu":
        below = _expm1(g, below)
    below = g.add("Mul", g.constant(alpha), below)
    return g.add("Add", g.add("Max", z, zero), below)
