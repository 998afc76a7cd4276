"""Applying gradients on the GPU: one launch for all tensors.

SGD, with or without momentum, and Adam have kernels; the others, and whatever
differs from member to member, are left to the optimizer's own lines.
"""

from collections.abc import Callable, Sequence
from math import ceil
from numbers import Real
from typing import Any

import numpy as np

from ....backend import Array, Params
from ....network import Network
from ....optimizers import SGD, Adam, AdamW, Optimizer

_THREADS = 256


def learning_tensors(optimizer: Optimizer, names: Sequence[str]) -> list[str]:
    """Return the tensors that are not frozen."""
    frozen = set(optimizer.frozen)
    return [n for n in names if n not in frozen and n.split(".")[0] not in frozen]


def layer_rate(optimizer: Optimizer, name: str) -> float:
    """Return the factor on the learning rate of one tensor."""
    rates = optimizer.layer_rates
    return rates.get(name, rates.get(name.split(".")[0], 1.0))


class Updates:
    """The tensors of a network as the kernels see them.

    `names` are those that learn, `halves` copies in half precision of some. If `fused`,
    one kernel applies the gradients; if `plain`, W <- (1 - rate l2) W - rate g is all,
    which a product can do.
    """

    def __init__(
        self,
        cupy: Any,
        kernel: Callable[[str], Callable],
        net: Network,
        optimizer: Optimizer,
        grads: Params,
        halves: Params,
    ):
        self._optimizer, self._real = optimizer, np.dtype(net.dtype).type
        self._net, self._grads, self._halves = net, grads, halves
        self.names = learning_tensors(optimizer, list(net.params))
        self._table, self._grid = self._make_table(cupy, self.names)
        self._half_table, self._half_grid = self._make_table(cupy, list(halves))
        factors = [layer_rate(optimizer, name) for name in self.names]
        self._factors = cupy.asarray(np.array(factors, net.dtype))
        self._momentum, self._adam = kernel("momentum_step"), kernel("adam_step")
        self._narrow = kernel("narrow_weights")
        values = (getattr(optimizer, name, 0.0) for name in ("l2", "l1", "momentum"))
        self.fused = type(optimizer) in (SGD, Adam, AdamW)
        self.fused &= all(isinstance(value, Real) for value in values)
        self.fused &= not optimizer.clip_norm and not optimizer.max_norm
        self.plain = self.fused and type(optimizer) is SGD
        self.plain &= not optimizer.state and optimizer.l1 == 0

    def _make_table(self, cupy: Any, names: list[str]) -> tuple[Array, tuple[int, int]]:
        """Return the kernels' table of some tensors, and the grid over it.

        A row is the addresses of tensor, gradient, memories and half copy, the
        size, and whether penalties apply to it.
        """
        state, params = self._optimizer.state, self._net.params
        sgd = type(self._optimizer) is SGD
        memories = ("velocity", "") if sgd else ("mean", "square")
        rows = []
        for name in names:
            arrays = [params[name], self._grads[name]]
            arrays += [state.get(f"{name}.{memory}") for memory in memories]
            arrays.append(self._halves.get(name))
            addresses = [0 if x is None else x.data.ptr for x in arrays]
            rows.append([*addresses, params[name].size, name.endswith(".W")])
        largest = max((params[name].size for name in names), default=0)
        grid = (min(max(ceil(largest / _THREADS), 1), 1024), max(len(names), 1))
        return cupy.asarray(np.array(rows, np.uint64).reshape(-1, 7)), grid

    def refresh(self) -> None:
        """Copy the weights into half precision, where products read them."""
        if self._halves:
            self._narrow(self._half_grid, (_THREADS,), (self._half_table,))

    def apply(self, rate: float) -> None:
        """Apply the gradients in one launch, if `fused`."""
        if not self.names:
            return
        opt: Any = self._optimizer
        real, head = self._real, (self._table, self._factors, self._real(rate))
        tail = real(opt.l2), real(opt.l1)
        if type(opt) is SGD:
            momentum: Any = opt.momentum
            rule = real(momentum), np.int32(opt.nesterov and momentum > 0)
            self._momentum(self._grid, (_THREADS,), (*head, *rule, *tail))
            return
        correction, eps = opt.corrected(max(opt.n_steps, 1))
        decay = opt.weight_decay if type(opt) is AdamW else 0.0
        numbers = map(real, (opt.beta1, opt.beta2, eps, correction, decay))
        self._adam(self._grid, (_THREADS,), (*head, *numbers, *tail))
