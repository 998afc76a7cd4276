"""The arrays of a step of the general engine, so that a step allocates nothing."""

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple, Protocol

import numpy as np

from ....backend import Array, Params
from ....blocks import DenseBlock
from ....network import Network
from ....training.batches import Batches
from .products import Products


class Arrays(Protocol):
    """What a stepper has whatever the batch; see `stepper.GeneralStepper`."""

    net: Network
    blocks: list[DenseBlock]
    batches: Batches
    half: bool
    operand: str
    pool: "ArrayPool"
    products: Products
    weights: list[Array]
    grads: Params
    zero: np.ndarray
    one: np.ndarray
    alphas: list[np.ndarray]
    betas: list[np.ndarray]


class LayerBuffers(NamedTuple):
    """A dense layer's arrays, and the matrix products between them.

    Attributes
    ----------
    z, a, da : arrays
        z and a are one array where the slope needs a alone.
    half_a, half_dz, mask : arrays or None
        Copies in half precision; dropout's mask.
    forward : callable
        z <- x W
    to_left : callable or None
        da of the layer before <- dz W^T
    gradient, step : callable
        dW <- alpha x^T dz; W <- beta W + alpha x^T dz
    """

    z: Array
    a: Array
    da: Array
    half_a: Array | None
    half_dz: Array | None
    mask: Array | None
    forward: Callable[[], None]
    to_left: Callable[[], None] | None
    gradient: Callable[[], None]
    step: Callable[[], None]


class Buffers:
    """The arrays of a step on batches of one size.

    Parameters
    ----------
    stepper : GeneralStepper
    rows : int
        Examples of the batch.
    """

    def __init__(self, stepper: Arrays, rows: int):
        pool, blocks = stepper.pool, stepper.blocks
        lead = (stepper.net.population,) if stepper.net.population else ()
        x_lead = lead if stepper.batches.per_member else ()
        self.rows, self.total = rows, rows * (stepper.net.population or 1)
        self.x = pool.array("x", (*x_lead, rows, blocks[0].dense.n_in), stepper.operand)
        self.costs = pool.array("costs", (self.total,))
        self.correct = pool.array("correct", (self.total,), "int32")
        self.layers: list[LayerBuffers] = []
        for block in blocks:
            self._add_layer(stepper, block, (*lead, rows, block.dense.n_out))

    def _add_layer(
        self, stepper: Arrays, block: DenseBlock, shape: tuple[int, ...]
    ) -> None:
        pool, i, half = stepper.pool, len(self.layers), stepper.half
        before = self.layers[-1] if i else None
        x = self.x
        if before:
            x = before.half_a if half else before.a
        z, da = pool.array(f"z{i}", shape), pool.array(f"da{i}", shape)
        half_dz = pool.array(f"half_dz{i}", shape, "float16") if half else None
        dz = half_dz if half else da
        product, zero, one = stepper.products.prepare, stepper.zero, stepper.one
        name, W, alpha = f"{block.index}.W", stepper.weights[i], stepper.alphas[i]
        grad, p, beta = stepper.grads[name], stepper.net.params[name], stepper.betas[i]
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
