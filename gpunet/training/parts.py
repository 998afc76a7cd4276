"""Parts: the members that step together, and the step itself.

A population's members are independent, so they may take turns: a CPU trains a
large population in blocks whose weights and gradients stay in its cache. On one
core, 100 networks of 784-16-16-10 take a quarter less time in blocks of 32 than
all together. A block's arrays are views of the whole population's; on a GPU,
and wherever slices are not views, all members are one part.
"""

from collections.abc import Callable
from typing import Any

from ..backend import Array, Params, namespace
from ..layers import Dropout
from ..network import Network
from ..optimizers import Optimizer
from ..random import DropoutDraws
from ..updates import gradient_norm
from .batches import Feed
from .best import spread_mask
from .evaluate import count_hits, counts_hits

BLOCK = 50  # members; 784-16-16-10 then moves 5 MB a step


class Part:
    """Some members (or the one network) with all they need to take steps."""

    note = ""  # what is said once beside the engine's name

    def __init__(
        self,
        net: Network,
        optimizer: Optimizer,
        feed: Feed,
        sums: Params,
        *,
        members: slice,
        track: bool,
        hooks: list,
    ):
        self.net, self.optimizer, self.feed, self.sums = net, optimizer, feed, sums
        self.members, self.track, self.hooks = members, track, hooks
        self._counts = track and counts_hits(net, feed.answers)
        self._draws = None
        if any(isinstance(layer, Dropout) for layer in net.layers):
            self._draws = DropoutDraws(net.backend, net.seeds, net.population)
        # Freed all at once, a step's arrays go back to the system, and the next step
        # must fault every page in again: holding them until then makes a step of
        # 784-512-512-10 at batch 1024 a fifth faster. GPU libraries pool memory.
        self._holds, self._held = net.backend.name == "cpu", ()
        self._given: Any = None  # the schedule's factor as last given, and mine

    def steps(
        self,
        epoch: int,
        first: int,
        last: int,
        factor: Callable[[int], Any],
        stopped: Callable[[], bool],
    ) -> int:
        """Take steps first to last - 1 of the loaded span; return the one reached.

        Parameters
        ----------
        epoch, first, last : int
        factor : callable
            factor(k) is what the schedule multiplies the learning rate with.
        stopped : callable
            Whether to take no step more; asked after the first.
        """
        for k in range(first, last):
            if k > first and stopped():
                return k
            self.step(epoch, k, factor(k), k == self.feed.steps - 1)
        return last

    def step(self, epoch: int, k: int, factor: Any, last: bool = False) -> Params:
        """Take step k of the epoch; return the gradients it applied.

        Parameters
        ----------
        epoch, k : int
        factor : float or array, shape (P,)
            On the learning rate.
        last : bool
            Whether it is the epoch's last step, whose gradient norm is kept.
        """
        net, draws = self.net, self._draws
        x, t, weight = self.feed.batch(k)  # 1. take the input
        if draws is not None:
            draws.at(epoch, k)
        y, caches = net.forward(x, train=True, rng=draws)  # 2. predict
        if factor is not self._given:
            self._given = self._mine = factor
            if isinstance(factor, list):
                self._mine = factor[self.members]
        dy = net.loss.slope(y, t, weight)  # 3. compare
        grads = net.backward(caches, dy)  # 4. back-propagate
        for hook in self.hooks:
            grads = hook(grads)
        if last:
            self._keep_norm(grads)
        if self.track:
            self._keep_score(y, k, weight)
        self.optimizer.step(net.params, grads, self._mine)
        if self._holds:
            self._held = (caches, grads)
        return grads  # 5. applied; 6. repeat

    def _keep_score(self, y: Array, k: int, weight: Array | None) -> None:
        t = self.feed.given(k)
        value = self.net.loss.value(y, t, weight)
        self.sums["loss"] += value * float(y.shape[-2])
        if self._counts:
            self.sums["correct"] += count_hits(self.net, y, t)

    def _keep_norm(self, grads: Params) -> None:
        self.sums["grad_norm"][...] = gradient_norm(grads, self.net.population)

    def tensors(self) -> Params:
        """Return all that a step changes, by name."""
        state = {f"params.{name}": p for name, p in self.net.params.items()}
        state |= {f"slots.{name}": s for name, s in self.optimizer.state.items()}
        return state | {f"sums.{name}": s for name, s in self.sums.items()}

    def snapshot(self) -> tuple[Params, int]:
        """Return copies of `tensors` and the optimizer's count of steps."""
        copies = {
            name: namespace(p).asarray(p, copy=True)
            for name, p in self.tensors().items()
        }
        return copies, self.optimizer.n_steps

    def restore(self, snapshot: tuple[Params, int], keep: Array | None = None) -> None:
        """Put a snapshot back, except for the members where `keep` is true."""
        copies, n_steps = snapshot
        for name, p in self.tensors().items():
            old = copies[name]
            if keep is not None:
                # Select, never multiply: 0 x inf is NaN.
                old = namespace(p).where(spread_mask(keep, p), p, old)
            p[...] = old
        if keep is None:
            self.optimizer.n_steps = n_steps


def split(
    net: Network, optimizer: Optimizer, feed: Any, sums: Params, **shared: Any
) -> list[Part]:
    """Return the parts that train `net`: one, or blocks of members on NumPy.

    Parameters
    ----------
    feed : callable
        feed(seeds) -> Feed of the members with those seeds.
    **shared : track, hooks of `Part`
    """
    n = net.population or 1
    whole = n <= BLOCK or shared["hooks"] or net.backend.name != "cpu"
    if whole:
        everyone = slice(0, n)
        return [Part(net, optimizer, feed(net.seeds), sums, members=everyone, **shared)]
    parts = []
    for start in range(0, n, BLOCK):
        some = slice(start, min(start + BLOCK, n))
        block = net.with_params(
            {name: p[some] for name, p in net.params.items()},
            seeds=net.seeds[some],
            population=some.stop - some.start,
        )
        own = {name: s[some] for name, s in sums.items()}
        parts.append(
            Part(
                block,
                optimizer.members(some),
                feed(block.seeds),
                own,
                members=some,
                **shared,
            )
        )
    return parts
