"""The arrays of a step of the general engine, so that a step allocates nothing."""

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

from ....backend import Array
from ....blocks import DenseBlock, dense_blocks
from ....network import Network
from .products import Products


class Operands:
    """What products read and write whatever the batch: weights, gradients, factors.

    With half precision, they read `halves`: copies of the weights.
    """

    def __init__(self, cupy: Any, net: Network, precision: str):
        self.net, self.blocks = net, dense_blocks(net.layers)
        self.half = precision == "float16"
        self.dtype = "float16" if self.half else net.dtype
        self.products = Products(
            cupy, net.dtype if precision == "float32" else precision
        )
        number = self.products.number
        self.zero, self.one = number(0.0), number(1.0)
        self.alphas = [number(0.0) for _ in self.blocks]
        self.betas = [number(1.0) for _ in self.blocks]
        self.grads = {name: cupy.empty_like(p) for name, p in net.params.items()}
        names = [f"{block.index}.W" for block in self.blocks] if self.half else []
        self.halves = {
            name: cupy.empty(net.params[name].shape, dtype="float16") for name in names
        }
        self.pool = ArrayPool(cupy, net.dtype)


class LayerBuffers(NamedTuple):
    """A dense layer's arrays, and the matrix products between them."""

    z: Array
    a: Array  # z itself where the slope needs a alone
    da: Array
    half_a: Array | None  # a copy in half precision
    half_dz: Array | None
    mask: Array | None  # dropout's
    forward: Callable[[], None]  # z <- x W
    to_left: Callable[[], None] | None  # da of the layer before <- dz W^T
    gradient: Callable[[], None]  # dW <- alpha x^T dz
    step: Callable[[], None]  # W <- beta W + alpha x^T dz


class Buffers:
    """The arrays of a step on batches of so many rows."""

    def __init__(self, operands: Operands, rows: int, per_member: bool):
        pool, net = operands.pool, operands.net
        lead = (net.population,) if net.population else ()
        self.rows, self.total = rows, rows * (net.population or 1)
        shape = (*(lead if per_member else ()), rows, operands.blocks[0].dense.n_in)
        self.x = pool.array("x", shape, operands.dtype)
        self.costs = pool.array("costs", (self.total,))
        self.correct = pool.array("correct", (self.total,), "int32")
        self.layers: list[LayerBuffers] = []
        for block in operands.blocks:
            self._add_layer(operands, block, (*lead, rows, block.dense.n_out))

    def _add_layer(
        self, operands: Operands, block: DenseBlock, shape: tuple[int, ...]
    ) -> None:
        pool, i, half = operands.pool, len(self.layers), operands.half
        before = self.layers[-1] if i else None
        x = self.x
        if before:
            x = before.half_a if half else before.a
        z, da = pool.array(f"z{i}", shape), pool.array(f"da{i}", shape)
        half_dz = pool.array(f"half_dz{i}", shape, "float16") if half else None
        dz = half_dz if half else da
        product, zero, one = operands.products.prepare, operands.zero, operands.one
        name, alpha, beta = f"{block.index}.W", operands.alphas[i], operands.betas[i]
        grad, p = operands.grads[name], operands.net.params[name]
        W = operands.halves.get(name, p)
        layer = LayerBuffers(
            z=z,
            a=pool.array(f"a{i}", shape) if block.f.needs_z else z,
            da=da,
            half_a=pool.array(f"half_a{i}", shape, "float16") if half else None,
            half_dz=half_dz,
            mask=pool.array(f"mask{i}", shape, "uint8") if block.dropout else None,
            forward=product(x, W, z, one, zero),
            to_left=before and product(dz, W, before.da, one, zero, transpose_b=True),
            gradient=product(x, dz, grad, alpha, zero, transpose_a=True),
            step=product(x, dz, p, alpha, beta, transpose_a=True),
        )
        self.layers.append(layer)


class ArrayPool:
    """Arrays by name, as large as the largest batch needs; smaller ones share them."""

    def __init__(self, xp: Any, dtype: str):
        self._xp, self._dtype = xp, dtype
        self._flat: dict[str, Array] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: str = "") -> Array:
        """Return an array of that shape; the largest must be asked for first."""
        if name not in self._flat:
            self._flat[name] = self._xp.empty(prod(shape), dtype=dtype or self._dtype)
        return self._xp.reshape(self._flat[name][: prod(shape)], shape)
