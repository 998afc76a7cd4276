"""The general CUDA engine: any row of dense layers, any size, one step at a time.

A step is a dozen launches instead of the loop's forty: products by cuBLAS into arrays
that exist already, and one kernel between two products. With plain SGD the update of a
weight matrix is the product itself, and no gradient is stored.
"""

from collections.abc import Sequence
from math import ceil
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from ....backend import Array
from ....network import Network
from ....optimizers import Optimizer
from ....training.batches import Chunk
from ....training.metrics import has_accuracy
from ....training.steppers import Hook, Stepper, TrainingState
from ....updates import gradient_norm
from .. import lowering
from ..lowering import ACTIVATIONS, LOSSES
from .buffers import Buffers, Operands
from .updates import Updates, layer_rate, learning_tensors

PRECISIONS = ("float32", "tf32", "float16")
# Slopes in half precision are this many times as large: 2^-24 is the smallest
# number, and 65504 / 128 is beyond the slopes of a network that learns.
LOSS_SCALE = 128.0
_THREADS = 256


def why_unsupported(net: Network, optimizer: Optimizer, hooks: Sequence[Hook]) -> str:
    """Return why this engine cannot train `net` with `optimizer`, or ""."""
    if hooks:
        return "a callback must see every gradient"
    if not learning_tensors(optimizer, list(net.params)):
        return "every tensor is frozen"
    return lowering.why_unsupported(net, ACTIVATIONS)


class GeneralStepper(Stepper):
    """All members, one step at a time on a CUDA GPU."""

    def __init__(self, state: TrainingState, precision: str = "float32"):
        super().__init__(state)
        import cupy

        net, batches = self.net, self.batches
        self._operands = Operands(cupy, net, precision)
        self._blocks, self._grads = self._operands.blocks, self._operands.grads
        self._loss_scale = LOSS_SCALE if self._operands.half else 1.0
        self._real = np.dtype(net.dtype).type
        self._metrics = state.compute_metrics
        self._has_accuracy = self._metrics and has_accuracy(net, state.data.t)
        self._factor: Any = None  # the schedule's, as last seen
        self._rate: float | None = None  # of all members, where they have one
        self._rates: Array | None = None  # each member's, where they differ
        self._compile(cupy)
        self._prepare_arguments(cupy)
        sizes = sorted({batches.size(0), batches.size(batches.n_steps - 1)})[::-1]
        self._buffers = {
            rows: Buffers(self._operands, rows, batches.per_member) for rows in sizes
        }
        self._updates.refresh()

    def _compile(self, cupy: Any) -> None:
        """Compile the kernels for the dtypes of the weights and the data."""
        names = {"uint8": "unsigned char", "float32": "float", "float64": "double"}
        real, pixel = names[self.net.dtype], names[str(self.state.data.x.dtype)]
        text = Path(__file__).with_name("general.cu").read_text("utf-8")
        half = int(self._operands.half)
        options = (f"-Dreal={real}", f"-Dpixel={pixel}", f"-DHALF={half}")
        self._kernel = cupy.RawModule(code=text, options=options).get_function
        self._gather, self._dropout = map(self._kernel, ("gather", "dropout"))
        self._activate, self._pullback = map(
            self._kernel, ("bias_activation", "pullback")
        )
        self._loss_slope = self._kernel("loss_slope")

    def _prepare_arguments(self, cupy: Any) -> None:
        """Prepare what kernels are called with, whatever the batch."""
        net, loss = self.net, self.net.loss
        self._updates = Updates(
            cupy, self._kernel, net, self.optimizer, self._grads, self._operands.halves
        )
        smoothing = 0.0 if loss.square_factor else loss.parameter
        self._loss = (
            np.int32(LOSSES.index(lowering.loss_kind(loss))),
            self._real(smoothing),
            self._real(lowering.square_factor(net)),
        )
        self._tickets = cupy.zeros(net.population or 1, dtype="uint32")
        if self.draws is not None:
            self._keys = cupy.asarray(np.stack(self.draws.keys))
        # What the kernels of a layer read: its activation, and what dropout keeps.
        self._functions = [
            (
                np.int32(ACTIVATIONS.index(block.f.kind)),
                self._real(block.f.parameter),
                self._real(1.0 / (1.0 - block.dropout)),
            )
            for block in self._blocks
        ]

    def run(self, epoch: int, first: int, last: int, factors: Sequence[Any]) -> int:
        """Execute steps first to last - 1."""
        self.batches.load_chunk(first, last)
        self._updates.refresh()  # resumed or restored, weights may have changed
        for k, factor in enumerate(factors, first):
            if self.state.request.reason and k > first:
                return k - first
            self._step(epoch, k, factor, k == self.batches.n_steps - 1)
        return last - first

    def _step(self, epoch: int, k: int, factor: Any, last: bool) -> None:
        buffers, chunk = self._buffers[self.batches.size(k)], self.batches.chunk(k)
        updates = self._updates
        if factor is not self._factor:
            self._set_rate(factor)
        single_rate = self._rate is not None
        # Whether products move the weights themselves, with no gradients stored.
        direct = updates.plain and not last and (single_rate or not self.optimizer.l2)
        self._forward(buffers, chunk, epoch, k)
        self._slope(buffers, chunk, direct)
        self._backward(buffers, direct)
        if last:
            norm = gradient_norm(self._grads, self.net.population)
            self.sums["grad_norm"][...] = norm
        if direct or (single_rate and updates.fused):
            self.optimizer.n_steps += 1
        if direct:
            updates.refresh()
        elif self._rate is not None and updates.fused:
            updates.apply(self._rate)
        else:
            self.optimizer.step(self.net.params, self._grads, factor)
            updates.refresh()

    def _set_rate(self, factor: Any) -> None:
        """Note the schedule's factor: one rate, or one for each member."""
        rate, self._factor = self.optimizer.learning_rate, factor
        self._rate = None
        if isinstance(rate, Real) and isinstance(factor, Real):
            self._rate = float(rate) * float(factor)
        elif self._updates.plain:
            rates = np.array(self.optimizer.rates(factor)) * self._loss_scale
            self._rates = self.net.backend.array(rates, self.net.dtype)

    def _forward(self, buffers: Buffers, chunk: Chunk, epoch: int, k: int) -> None:
        i32, data, members = np.int32, self.state.data, self.net.population or 1
        numbers = (buffers.x.shape[-1], chunk.stride, chunk.first)
        args = (data.x, chunk.index, buffers.x, *map(i32, numbers))
        grid = (buffers.rows, members if self.batches.per_member else 1)
        self._gather(grid, (_THREADS,), (*args, self._real(data.scale)))
        n_drawn = 0
        for block, layer, function in zip(
            self._blocks, buffers.layers, self._functions, strict=True
        ):
            layer.forward()
            n = buffers.rows * block.dense.n_out
            if block.dropout:
                self._draw_mask(layer.mask, n, n_drawn, epoch, k, block.dropout)
                n_drawn += n
            if layer is buffers.layers[-1] and self.net.loss.on_logits:
                return
            n_blocks = min(ceil(members * n / _THREADS), 4096)
            b = self.net.params[f"{block.index}.b"]
            sizes = i32(buffers.total), i32(buffers.rows), i32(block.dense.n_out)
            arrays = layer.z, b, layer.a, layer.half_a, layer.mask
            self._activate((n_blocks,), (_THREADS,), (*arrays, *sizes, *function))

    def _draw_mask(
        self, mask: Any, n: int, n_drawn: int, epoch: int, k: int, rate: float
    ) -> None:
        n_blocks = (n_drawn + n + 7) // 8 - n_drawn // 8
        grid = (ceil(n_blocks / _THREADS), self.net.population or 1)
        counts = np.int32(n), np.int64(n_drawn), np.int64(epoch), np.int64(k)
        self._dropout(grid, (_THREADS,), (self._keys, mask, *counts, np.float32(rate)))

    def _slope(self, buffers: Buffers, chunk: Chunk, direct: bool) -> None:
        """Compute the slope of the loss, and the sums of losses and right answers."""
        i32, real, net, sums = np.int32, self._real, self.net, self.sums
        layer, block = buffers.layers[-1], self._blocks[-1]
        has_targets = chunk.t.ndim == 2 + self.batches.per_member
        labels, targets = (None, chunk.t) if has_targets else (chunk.t, None)
        b = net.params[f"{block.index}.b"] if net.loss.on_logits else None
        metrics = self._metrics
        # Without labels, `correct` is what a single output says.
        grid = (ceil(buffers.rows / 4), net.population or 1)
        self._loss_slope(
            grid,
            (128,),
            (
                *(layer.a, b, labels, targets, chunk.weight, layer.da, layer.half_dz),
                buffers.costs if metrics else None,
                buffers.correct if metrics else None,
                *(self._tickets, sums["loss"]),
                sums["n_correct"] if self._has_accuracy else None,
                *(i32(buffers.rows), i32(block.dense.n_out), i32(chunk.stride)),
                *(i32(chunk.first), *self._loss, real(self._loss_scale)),
                self._rates if direct and self._rate is None else None,
            ),
        )

    def _backward(self, buffers: Buffers, direct: bool) -> None:
        """Back-propagate; the last product of each layer is its gradient or step."""
        i32, real = np.int32, self._real
        for i in range(len(self._blocks) - 1, -1, -1):
            block, layer = self._blocks[i], buffers.layers[i]
            rates = self._product_rates(i, buffers.rows, direct)
            b, n_out = f"{block.index}.b", block.dense.n_out
            half_dz = layer.half_dz
            if i == len(self._blocks) - 1 and block.f.kind == "identity":
                half_dz = None  # the loss has written it
            arrays = layer.da, layer.z, layer.a, layer.mask, layer.da, half_dz
            sums = self.net.params[b] if direct else self._grads[b]
            sizes = i32(buffers.rows), i32(n_out)
            grid = (ceil(n_out / 16), self.net.population or 1)
            args = (*arrays, sums, *sizes, *self._functions[i])
            self._pullback(grid, (16, 32), (*args, real(direct), real(rates[1])))
            if layer.to_left:
                layer.to_left()  # before W changes
            self._operands.alphas[i][0] = rates[0]
            if not direct:
                layer.gradient()
            elif rates[0]:
                layer.step()

    def _product_rates(self, i: int, rows: int, direct: bool) -> list[float]:
        """Return the factors of layer i's products for W and b.

        A direct step also shrinks the weights by their penalty: W (1 - rate l2).
        """
        opt: Any = self.optimizer
        scale, index = 1.0 / self._loss_scale, self._blocks[i].index
        if not direct:
            return [scale / rows] * 2
        rate, names = -scale, (f"{index}.W", f"{index}.b")
        if self._rate is not None:
            rate *= self._rate / rows
        shrink = (self._rate or 0.0) * layer_rate(opt, names[0]) * opt.l2
        self._operands.betas[i][0] = 1.0 - shrink
        learning = self._updates.names
        return [rate * layer_rate(opt, n) if n in learning else 0.0 for n in names]


def make_steppers(state: TrainingState, precision: str = "float32") -> list[Stepper]:
    """Return the one stepper that trains all members."""
    return [GeneralStepper(state, precision)]
