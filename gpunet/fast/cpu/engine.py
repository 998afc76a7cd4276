"""The compiled engine on the CPU: spans of steps in one call, members in threads."""

import time
from typing import Any

import numpy as np

from ...backend import Array, Params
from ...backend.threads import usable_threads
from ...network import Network
from ...optimizers import Adam, Optimizer
from ...random import seed_sequence
from ...training.batches import Feed
from ...training.parts import Part
from .compiler import announced, compiled
from .jit.span import train_network
from .jit.structs import Examples, LoweredNetwork, MemberState, Span, Workspace
from .lowering import (
    adam_correction,
    hyper_parameters,
    layout,
    lower,
    pack,
    unpack,
)
from .threads import pool, run_threads, threads_for
from .workspace import (
    NOTHING,
    aligned,
    column_dtype,
    lay_rows,
    layers_for,
    workspace_for,
)

_LONG = 1.0  # seconds: loading what was compiled before takes a tenth of it


def split(
    net: Network, optimizer: Optimizer, feed: Any, sums: Params, **shared: Any
) -> list[Part]:
    """Return the one part that trains `net`: members are this engine's own affair."""
    everyone = slice(0, net.population or 1)
    return [Compiled(net, optimizer, feed(net.seeds), sums, members=everyone, **shared)]


class Compiled(Part):
    """All members, and their steps in compiled calls."""

    def __init__(self, net, optimizer, feed, sums, **shared):
        super().__init__(net, optimizer, Orders(feed), sums, **shared)
        self._layout = layout(net)
        self._kernel = compiled(train_network)
        self._lowered = self._lower()
        self._keys = [
            seed_sequence(s, "dropout").generate_state(2, np.uint64) for s in net.seeds
        ]
        several = 1 if net.population else threads_for(self._layout, feed.batch_size)
        self._n_threads = several
        n = min(usable_threads(), len(net.seeds))
        started = time.perf_counter()
        with announced(train_network, net.dtype, column_dtype(feed.x.shape[1])):
            self._examples = self._lay_examples(feed)
            self._workspaces = [self._workspace() for _ in range(n)]
            # With no steps to take, this only compiles the kernel or loads it.
            no_steps = NOTHING, np.zeros((0, 1)), [], 0, 0, False
            self._train_member(0, self._workspaces[0], *no_steps)
        seconds = time.perf_counter() - started
        if seconds > _LONG:
            self.note = f"compiled in {seconds:.1f} s"

    def steps(self, epoch, first, last, factor, stopped):
        """Take all steps of the loaded span: a compiled call cannot be interrupted."""
        optimizer, feed, n = self.optimizer, self.feed, len(self.net.seeds)
        rates = np.asarray([optimizer.rates(factor(k)) for k in range(first, last)])
        t = range(optimizer.n_steps + 1, optimizer.n_steps + 1 + last - first)
        corrections = np.ones(len(t))
        if isinstance(optimizer, Adam):  # one by one: powers of arrays differ in bits
            betas = optimizer.beta1, optimizer.beta2
            corrections = np.asarray([adam_correction(k, *betas) for k in t])
        order, norm = feed.examples(first, last), last == feed.steps
        free = list(self._workspaces)

        def member(i: int) -> None:
            space = free.pop()
            seen = order if order.ndim == 1 else order[i]
            self._train_member(i, space, seen, rates, corrections, epoch, first, norm)
            free.append(space)

        if n == 1:
            member(0)
        else:
            list(pool(len(self._workspaces)).map(member, range(n)))
        optimizer.n_steps += last - first
        return last

    def step(self, epoch, k, factor, last=False):
        """Take one step; return the gradients as the loop finds them.

        They serve to name what ceased to be finite; the step is the compiled one.
        """
        net, draws = self.net, self._draws
        x, t, weight = self.feed.batch(k)
        if draws is not None:
            draws.at(epoch, k)
        y, caches = net.forward(x, train=True, rng=draws)
        grads = net.backward(caches, net.loss.slope(y, t, weight))
        self.steps(epoch, k, k + 1, lambda _: factor, bool)
        return grads

    def _lower(self) -> LoweredNetwork:
        return lower(
            self.net,
            self.optimizer,
            layers_for(self._layout, self.feed.batch_size),
            labels=self.feed.answers.ndim == 1,
            has_accuracy=self._counts,
            compute_metrics=self.track,
        )

    def _lay_examples(self, feed: Any) -> Examples:
        """Return the data as the kernels read them."""
        dtype, answers = feed.x.dtype, np.require(feed.answers, None, ["C", "W"])
        weight = feed._weight if feed._weight is not None else np.zeros(0, dtype)
        labels = answers.astype(np.int64) if self._lowered.labels else NOTHING
        targets = np.zeros((0, 1), dtype) if self._lowered.labels else answers
        return Examples(*lay_rows(feed.x), labels, targets, weight)

    def _workspace(self) -> tuple[Workspace, list[Array]]:
        """Return the arrays of one thread: workspace, and a member's P, M and V."""
        where, dtype = self._layout, self.net.dtype
        memory = where.size if self.optimizer.slot_names else 0
        batch_size = self.feed.batch_size
        space = workspace_for(where, self._examples, batch_size, self._n_threads, dtype)
        return space, [aligned(size, dtype) for size in (where.size, memory, memory)]

    def _train_member(
        self, i, space, order, rates, corrections, epoch, first, norm
    ) -> None:
        """Take a member's steps: its tensors go into flat arrays, and come back."""
        net, dtype, (workspace, flats) = self.net, self.net.dtype, space
        index = i if net.population else None
        state = [
            {name: self.optimizer.state[f"{name}.{slot}"] for name in net.params}
            for slot in self.optimizer.slot_names
        ]
        pairs = list(zip(flats, (net.params, *state), strict=False))
        for flat, arrays in pairs:
            pack(flat, arrays, self._layout, index)
        sums = {name: s.reshape(-1)[i : i + 1] for name, s in self.sums.items()}
        hyper, l2 = hyper_parameters(self.optimizer, i)
        member = MemberState(
            *flats,
            sums["loss"],
            sums["correct"],
            sums["grad_norm"],
            np.asarray(hyper, dtype),
            np.asarray([l2], dtype),
            self._keys[i],
        )
        span = Span(
            order,
            self.feed.batch_size,
            rates[:, i].astype(dtype),
            np.asarray(corrections, dtype),
            epoch,
            first,
            norm,
        )
        task = (self._lowered, self._examples, member, workspace, span)
        run_threads(self._kernel, self._n_threads, workspace.sync, task)
        if order.size:
            for flat, arrays in pairs:
                unpack(flat, arrays, self._layout, index)


class Orders:
    """A Feed of which a span needs the order alone; the rest when it is asked for."""

    def __init__(self, feed: Feed):
        self._feed, self._loaded = feed, True
        self.answers, self.batch_size = feed.answers, feed.batch_size
        self.steps, self.n = feed.steps, feed.n

    def begin(self, epoch: int) -> None:
        """Draw the orders of an epoch."""
        self._feed.begin(epoch)

    def load(self, first: int, last: int) -> None:
        """Note the examples of steps first to last - 1."""
        self._span, self._loaded = (first, last), False

    def examples(self, first: int, last: int) -> Array:
        """Return which examples the steps first to last - 1 see, (..., examples)."""
        size = self.batch_size
        part = self._feed._orders[..., first * size : min(last * size, self.n)]
        return np.ascontiguousarray(part)

    def batch(self, step: int) -> tuple[Array, Array, Array | None]:
        """Return (x, t, weight) of one step, as `Feed.batch`."""
        if not self._loaded:
            self._feed.load(*self._span)
            self._loaded = True
        return self._feed.batch(step)
