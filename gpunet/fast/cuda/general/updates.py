"""Applying gradients on the GPU: one launch for all tensors.

SGD, with or without momentum, and Adam have kernels; the others, and whatever
differs from member to member, keep to the optimizer's own lines.
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


def moving(optimizer: Optimizer, names: Sequence[str]) -> list[str]:
    """Return the tensors that learn."""
    still = set(optimizer.frozen)
    return [n for n in names if n not in still and n.split(".")[0] not in still]


def layer_rate(optimizer: Optimizer, name: str) -> float:
    """Return the factor on the learning rate of one tensor."""
    rates = optimizer.layer_rates
    return rates.get(name, rates.get(name.split(".")[0], 1.0))


class Updates:
    """The tensors of a network as the kernels see them.

    Parameters
    ----------
    cupy : module
    kernel : callable
        kernel(name) -> what launches it.
    net : Network
    optimizer : Optimizer
    grads : dict of str to array
        Where gradients will be found.
    halves : dict of str to array
        Copies in half precision, of tensors that have one.

    Attributes
    ----------
    moving : list of str
        The tensors that learn.
    fused : bool
        Whether one kernel applies the gradients.
    plain : bool
        Whether W <- (1 - rate l2) W - rate g is all: a product can do that.
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
        self.moving = moving(optimizer, list(net.params))
        self._table, self._over = self._tabled(cupy, self.moving)
        self._every, self._over_every = self._tabled(cupy, list(halves))
        factors = [layer_rate(optimizer, name) for name in self.moving]
        self._factors = cupy.asarray(np.array(factors, net.dtype))
        self._momentum, self._adam = kernel("momentum_step"), kernel("adam_step")
        self._narrow = kernel("narrow_weights")
        opt, scalars = optimizer, ("l2", "l1", "momentum")
        one = all(isinstance(getattr(opt, n, 0.0), Real) for n in scalars)
        self.fused = type(opt) in (SGD, Adam, AdamW) and one
        self.fused &= not opt.clip_norm and not opt.max_norm
        self.plain = self.fused and type(opt) is SGD and not opt.state and opt.l1 == 0

    def _tabled(self, cupy: Any, names: list[str]) -> tuple[Array, tuple[int, int]]:
        """Return the kernels' table of some tensors, and the grid over it.

        A row is the addresses of tensor, gradient, memories and half copy, the
        size, and whether penalties fall on it.
        """
        opt, params = self._optimizer, self._net.params
        memories = ("velocity", "") if type(opt) is SGD else ("mean", "square")
        rows = []
        for name in names:
            arrays = [params[name], self._grads[name]]
            arrays += [opt.state.get(f"{name}.{m}") for m in memories]
            arrays.append(self._halves.get(name))
            addresses = [0 if x is None else x.data.ptr for x in arrays]
            rows.append([*addresses, params[name].size, name.endswith(".W")])
        largest = max((params[name].size for name in names), default=0)
        grid = (min(max(ceil(largest / _THREADS), 1), 1024), max(len(names), 1))
        return cupy.asarray(np.array(rows, np.uint64).reshape(-1, 7)), grid

    def refresh(self) -> None:
        """Copy the weights into half precision, where products read them."""
        if self._halves:
            self._narrow(self._over_every, (_THREADS,), (self._every,))

    def apply(self, rate: float) -> None:
        """Apply the gradients in one launch."""
        opt, real = self._optimizer, self._real
        if not self.moving:
            return
        head = (self._table, self._factors, real(rate))
        tail = (real(opt.l2), real(opt.l1))
        if type(opt) is SGD:
            own = (real(opt.momentum), np.int32(opt.nesterov and opt.momentum > 0))
            self._momentum(self._over, (_THREADS,), (*head, *own, *tail))
            return
        decay = opt.weight_decay if type(opt) is AdamW else 0.0
        t = max(opt.n_steps, 1)
        correction, eps = opt.corrected(t)
        own = (opt.beta1, opt.beta2, eps, correction, decay)
        self._adam(self._over, (_THREADS,), (*head, *map(real, own), *tail))
