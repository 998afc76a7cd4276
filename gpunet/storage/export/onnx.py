"""A network as an ONNX model: one Gemm for each dense layer.

Raw numbers of a table come in as float64 and are scaled in it, so that a time stamp
loses nothing; its texts are a second input, "texts", shape (n, columns of texts), and
a missing one is "". A row with a cell that is refused has NaN in all outputs.

An activation that ONNX has only in later versions, or not for float64, is written out
in its parts; so is the sigmoid, because ONNX Runtime's operator loses small numbers
(0.02 % off at z = -10, 0 below -18).
"""

import importlib
from itertools import groupby
from typing import Any

import numpy as np

from ...errors import ConfigError
from .graph import DenseStep, ExportGraph, unwritten
from .ports import Cell, RawRows

# of 2022, so that runtimes of some age read the file
_OPSET, _ML_OPSET, _IR = 17, 2, 8
_TEXT = 8  # TensorProto.STRING
_REFUSED = -(2**31)  # the code of a category that is refused
_PLAIN = {"relu": "Relu", "tanh": "Tanh", "softmax": "Softmax"}


def to_onnx(graph: ExportGraph) -> bytes:
    """Return the ONNX file of a network: "x" and "texts" in, "y" out."""
    try:
        onnx = importlib.import_module("onnx")
    except ImportError as error:
        raise ConfigError(
            'export: onnx is not installed; python -m pip install "gpunet[onnx]"'
        ) from error
    nodes, source, target = _Nodes(onnx, graph.dtype), graph.source, graph.target
    last, refused = "x", ""
    if source.cells:
        last = _inputs(nodes, source)
        zero = nodes.add("Mul", last, nodes.constant(0.0))  # NaN of what is not finite
        axes = nodes.constant(np.array([1]))
        refused = nodes.add("ReduceSum", zero, axes, keepdims=1)
    for step in graph.steps:
        if isinstance(step, DenseStep):
            last = nodes.add("Gemm", last, *map(nodes.constant, step))
        else:
            last = _activation(nodes, last, *step)
    last = nodes.add("Add", last, refused) if refused else last
    if target.shift is not None:
        last = nodes.cast(last, "float64")
        last = nodes.add("Mul", last, nodes.constant(target.factor))
        last = nodes.add("Add", last, nodes.constant(target.shift))
    nodes.add("Identity", last, out="y")
    model = nodes.model(graph)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


class _Nodes:
    """Nodes and constants as they are made."""

    def __init__(self, onnx: Any, dtype: str) -> None:
        self.onnx, self.dtype = onnx, dtype
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def add(self, kind: str, *inputs: str, out: str = "", **attributes: Any) -> str:
        """Add a node; return the name of its output."""
        out = out or f"{kind.lower()}{len(self._nodes)}"
        make = self.onnx.helper.make_node
        self._nodes.append(make(kind, list(inputs), [out], out, **attributes))
        return out

    def constant(self, value: Any) -> str:
        """Return the name of an array; a Python float gets the network's dtype."""
        name = f"c{len(self._constants)}"
        dtype = self.dtype if isinstance(value, float) else None
        array = np.asarray(value, dtype, order="C")
        self._constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name

    def kind(self, dtype: str) -> int:
        return self.onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

    def cast(self, last: str, dtype: str) -> str:
        """Add a cast to or from float64, if the network has another dtype."""
        if self.dtype == "float64":
            return last
        return self.add("Cast", last, to=self.kind(dtype))

    def model(self, graph: ExportGraph) -> Any:
        helper, source, target = self.onnx.helper, graph.source, graph.target
        describe = helper.make_tensor_value_info
        columns = {
            "x": source.columns(texts=False),
            "texts": source.columns(texts=True),
        }
        names = {key: [source.row[k] for k in ks] for key, ks in columns.items()}
        widths = {key: len(ks) for key, ks in columns.items() if ks}
        types = {"x": self.kind(source.dtype(graph.dtype)), "texts": _TEXT}
        inputs = [
            describe(key, types[key], ["n", width])
            for key, width in (widths or {"x": graph.n_in}).items()
        ]
        y = describe("y", self.kind(target.dtype(graph.dtype)), ["n", graph.n_out])
        opsets = {"": _OPSET} | ({"ai.onnx.ml": _ML_OPSET} if "texts" in widths else {})
        model = helper.make_model(
            helper.make_graph(self._nodes, "gpunet", inputs, [y], self._constants),
            producer_name="gpunet",
            ir_version=_IR,
            opset_imports=[helper.make_opsetid(*opset) for opset in opsets.items()],
        )
        names = {"inputs": names["x"], "texts": names["texts"], "outputs": target.names}
        texts = {key: "\n".join(value) for key, value in names.items() if value}
        helper.set_model_props(model, texts)
        return model


def _inputs(g: _Nodes, source: RawRows) -> str:
    """Return the network's inputs: NaN in a row with a cell that is refused."""
    blocks: list[str] = []
    for is_category, group in groupby(
        source.cells, lambda cell: cell.codes is not None
    ):
        cells = list(group)
        if is_category:
            blocks += [_category(g, source, cell) for cell in cells]
        else:
            blocks.append(_numbers(g, source, cells))
    last = g.add("Concat", *blocks, axis=1) if len(blocks) > 1 else blocks[0]
    last = g.add("Sub", last, g.constant(source.shift))
    return g.cast(g.add("Mul", last, g.constant(source.factor)), g.dtype)


def _numbers(g: _Nodes, source: RawRows, cells: list[Cell]) -> str:
    """Return numbers, shape (n, k), with the missing ones filled."""
    x = _taken(g, source, cells)
    fill = np.array([np.nan if c.missing is None else c.missing for c in cells])
    if np.isnan(fill).all():
        return x
    return g.add("Where", g.add("IsNaN", x), g.constant(fill), x)


def _taken(g: _Nodes, source: RawRows, cells: list[Cell]) -> str:
    """Return the columns of some cells, all of numbers or all of texts."""
    is_text = cells[0].is_text
    columns = source.columns(is_text)
    index = [columns.index(cell.column) for cell in cells]
    name = "texts" if is_text else "x"
    if index == list(range(len(columns))):
        return name
    return g.add("Gather", name, g.constant(np.array(index)), axis=1)


def _whole(code: float | None) -> int:
    return _REFUSED if code is None else int(code)


def _category(g: _Nodes, source: RawRows, cell: Cell) -> str:
    """Return the inputs of a category, shape (n, k); NaN where it is refused."""
    codes = {key: _whole(code) for key, code in (cell.codes or {}).items()}
    unknown, missing = _whole(cell.unknown), _whole(cell.missing)
    value = _taken(g, source, [cell])
    if cell.is_text:
        codes.setdefault("", missing)
        words: dict[str, Any] = {"domain": "ai.onnx.ml", "default_int64": unknown}
        words |= {"keys_strings": [*codes], "values_int64s": [*codes.values()]}
        code = g.add("LabelEncoder", value, **words)
        code = g.add("Cast", code, to=g.kind("float64"))
    else:
        offsets = np.array([*codes.values()], float)[:, None] - unknown
        known = g.add("Equal", value, g.constant(np.array([*codes], float)))
        known = g.add("Cast", known, to=g.kind("float64"))
        code = g.add("MatMul", known, g.constant(offsets))
        code = g.add("Add", code, g.constant(np.array(float(unknown))))
        missing_code = g.constant(np.array(float(missing)))
        code = g.add("Where", g.add("IsNaN", value), missing_code, code)
    refused = g.add("Equal", code, g.constant(np.array(float(_REFUSED))))
    code = g.add("Where", refused, g.constant(np.array(np.nan)), code)
    if not cell.one_hot:
        return code
    hot = g.add("Equal", code, g.constant(np.arange(float(cell.one_hot))))
    hot = g.add("Cast", hot, to=g.kind("float64"))
    return g.add("Add", hot, g.add("Mul", code, g.constant(np.array(0.0))))


def _sigmoid(g: _Nodes, z: str) -> str:
    """e^z / (1 + e^z), as `gpunet.activations.sigmoid`."""
    e = g.add("Exp", g.add("Min", z, g.constant(40.0)))
    return g.add("Div", e, g.add("Add", g.constant(1.0), e))


def _log1p(g: _Nodes, e: str) -> str:
    """log(u) + (e - (u - 1)) / u with u = 1 + e as rounded: small e are kept."""
    one = g.constant(1.0)
    u = g.add("Add", one, e)
    lost = g.add("Sub", e, g.add("Sub", u, one))
    return g.add("Add", g.add("Log", u), g.add("Div", lost, u))


def _expm1(g: _Nodes, z: str) -> str:
    """e^z - 1 = tanh(z / 2) (e^z + 1), which keeps small z."""
    t = g.add("Tanh", g.add("Mul", g.constant(0.5), z))
    return g.add("Mul", t, g.add("Add", g.add("Exp", z), g.constant(1.0)))


def _activation(g: _Nodes, z: str, name: str, alpha: float | None) -> str:
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
    if name not in ("leaky_relu", "elu"):
        raise unwritten(name, "ONNX")
    below = g.add("Min", z, zero)
    if name == "elu":
        below = _expm1(g, below)
    below = g.add("Mul", g.constant(alpha), below)
    return g.add("Add", g.add("Max", z, zero), below)
