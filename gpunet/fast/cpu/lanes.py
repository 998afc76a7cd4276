"""Populations of small networks: as many members at once as a vector has lanes."""

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

import numpy as np

from ...backend import Array, Params
from ...backend.threads import usable_threads
from ...blocks import dense_blocks
from ...network import Network
from ...training.steppers import TrainingState
from .jit import structs
from .jit.lanes import train_lanes
from .jit.structs import (
    N_IN,
    N_OUT,
    ROWS,
    WIDTH,
    LaneWorkspace,
    MemberState,
    StepSpan,
)
from .jit.vectors import lanes
from .lowering import hyper_parameters
from .stepper import SpanStepper
from .workspace import aligned, is_sparse

_BLOCK = 40  # examples at most: what lies between two layers stays in the cache
_BATCH = 8  # at least
# How many times as long a net-step takes one by one, of few weights and of more.
_FEW_WEIGHTS, _GAINS = 1000, (4.0, 1.6)
# At most, inputs being neurons: a group's numbers stay in its core's cache.
# 784-16-16-10 on dense data takes 23 us a net-step in lanes and 13 one by one.
_WEIGHTS, _NEURONS = 12_000, 400
_ROWS = ("labels", "weights", "factors", "top", "total", "best", "costs")
_VECTORS = ("slope_factors", "shrink", "down", "nothing")


def why_alone(net: Network, batch_size: int, x: Array) -> str:
    """Return why members train one by one and not in lanes, or ""."""
    blocks, widest = dense_blocks(net.layers), 4 * lanes(net.dtype)
    if too_few(net):
        return "too few members"
    if batch_size < _BATCH:
        return "batches are small"
    if net.n_parameters > _WEIGHTS or blocks[0].dense.n_in + sum(net.widths) > _NEURONS:
        return "the network is large"
    if any(block.dropout for block in blocks):
        return "members draw dropout one by one"
    if any(block.dense.n_out > widest for block in blocks[1:]):
        return "layers are wide"  # `jit.backward.pass_back` adds up in another order
    return "most inputs are 0" if is_sparse(x) else ""


def too_few(net: Network) -> bool:
    """Return whether idle lanes would cost more than lanes save, in all threads."""
    if not net.population:
        return True
    L, threads = lanes(net.dtype), usable_threads()
    together = ceil(ceil(net.population / L) / threads) * L
    alone = ceil(net.population / threads)
    return together > _GAINS[net.n_parameters > _FEW_WEIGHTS] * alone


class _Group(NamedTuple):
    """The arrays of one thread: a workspace, and a group's parameters and state."""

    workspace: LaneWorkspace
    state: MemberState


class LaneStepper(SpanStepper):
    """All members, in groups of as many as a vector has lanes."""

    def __init__(self, state: TrainingState):
        self._lanes = lanes(state.net.dtype)
        n_groups = -(-len(state.net.seeds) // self._lanes)
        super().__init__(state, train_lanes, n_groups)

    def _layers(self) -> Array:
        """Return the table of layers for lanes; rows have an odd number of vectors.

        Rows a power of two apart would share few sets of the cache.
        """
        layers, L = self._layout.layers.copy(), self._lanes
        n_blocks = -(-self.state.batch_size // _BLOCK)
        self._block = (-(-self.state.batch_size // n_blocks) + 3) // 4 * 4
        self._stride = self._block | 1
        size, row = 0, layers[0, N_IN]
        for layer in layers:
            layer[WIDTH] = (layer[N_OUT] | 1) * L
            layer[structs.W], layer[ROWS] = size, row * self._stride * L
            layer[structs.B] = size + layer[N_IN] * layer[WIDTH]
            size, row = layer[structs.B] + layer[WIDTH], row + layer[N_OUT]
        self._size, self._n_rows = int(size), int(row)
        return layers

    def _memory(self) -> _Group:
        dtype, L, stride = self.net.dtype, self._lanes, self._stride
        memory = self._size if self.optimizer.slot_names else 0
        P, M, V, Q = (
            aligned(n, dtype) for n in (self._size, memory, memory, self._size)
        )
        rows, n_out = self._n_rows * stride * L, self._layout.layers[-1, N_OUT]
        row = stride * L
        workspace = LaneWorkspace(
            A=aligned(rows, dtype),
            D=aligned(rows, dtype),
            Q=Q,
            T=aligned(n_out * row, dtype),
            **{name: aligned(row, dtype) for name in _ROWS},
            loss=aligned(row, np.float64),
            more=aligned(row, np.float64),
            **{name: aligned(L, dtype) for name in _VECTORS},
            offsets=np.zeros(L, np.int64),
            flat=np.zeros(self._layout.size, dtype),
            rows=self._layout.layers,
            block=self._block,
            stride=stride,
        )
        workspace.weights[:] = 1.0
        state = MemberState(
            P=P,
            M=M,
            V=V,
            loss=aligned(L, dtype),
            n_correct=np.zeros(L, np.int64),
            grad_norm=aligned(L, dtype),
            hyper=aligned(5 * L, dtype),
            l2=aligned(L, dtype),
            dropout_key=None,
        )
        return _Group(workspace, state)

    def _views(self, flat: Array, params: Params) -> Iterator[tuple[Array, Array]]:
        """Yield (view of a flat array, tensor of all members) of each W and b."""
        flat = flat.reshape(-1, self._lanes)
        rows = self._lowered.layers[
            :, [N_IN, N_OUT, WIDTH, structs.W, structs.B]
        ].copy()
        rows[:, 2:] //= self._lanes
        for index, (n_in, n_out, width, w, b) in zip(
            self._layout.indices, rows, strict=True
        ):
            W = flat[w:b].reshape(n_in, width, -1)
            yield W[:, :n_out], params[f"{index}.W"]
            yield flat[b : b + n_out], params[f"{index}.b"]

    def _train(self, i: int, memory: _Group, span: StepSpan) -> None:
        """Take a group's steps: its tensors go into lanes, and come back."""
        L, dtype, state = self._lanes, self.net.dtype, memory.state
        members = range(i * L, min((i + 1) * L, len(self.net.seeds)))
        here, n = slice(members.start, members.stop), len(members)
        # Lanes that no member uses do the work of the last one.
        member_of = np.minimum(np.arange(i * L, (i + 1) * L), members[-1])
        pairs = [
            pair
            for flat, tensors in zip(state[:3], self._tensors(), strict=False)
            for pair in self._views(flat, tensors)
        ]
        pairs += [(getattr(state, name), total) for name, total in self.sums.items()]
        for view, tensor in pairs:
            view[..., :n] = np.moveaxis(tensor[here], 0, -1)
        for k, member in enumerate(member_of):
            hyper, l2 = hyper_parameters(self.optimizer, int(member))
            state.hyper.reshape(-1, L)[:, k], state.l2[k] = hyper, l2[0]
        span = span._replace(
            order=span.order[None] if span.order.ndim == 1 else span.order[member_of],
            rates=span.rates[:, member_of].astype(dtype),
            corrections=span.corrections.astype(dtype),
        )
        self._kernel(self._lowered, self._examples, state, memory.workspace, span)
        if span.order.size:
            for view, tensor in pairs:
                tensor[here] = np.moveaxis(view[..., :n], -1, 0)
