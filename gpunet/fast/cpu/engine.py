"""The compiled engine on the CPU: spans of steps in one call, members in threads."""

import time
from typing import Any

import numpy as np

from ...backend import Array, Params
from ...backend.threads import usable_threads
from ...network import Network
from ...optimizers import Optimizer
from ...random import seed_sequence
from ...training.batches import Feed
from ...training.parts import Part
from .compiler import announced, compiled
from .jit import functions, span, tables
from .lowering import (
    hyper,
    layout,
    loss_kind,
    read,
    rows_of,
    settings,
    softening,
    tensors,
    write,
)
from .threads import pool, team_for, together
from .workspace import NOTHING, aligned, lay_rows, places, room_for, table_for

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
        self._names = tensors(net, self._layout.table)
        self._kernel = compiled(span.span)
        self._settings = settings(optimizer)
        self._plan = self._describe()
        self._keys = [
            seed_sequence(s, "dropout").generate_state(2, np.uint64) for s in net.seeds
        ]
        self._team = 1 if net.population else team_for(self._layout, feed.batch_size)
        n = min(usable_threads(), len(net.seeds))
        started = time.perf_counter()
        with announced(span.span, net.dtype, places(feed.x.shape[1])):
            self._rows = self._lay(feed)
            self._rooms = [self._room() for _ in range(n)]
            # With no steps to take, this compiles the kernel or loads it, and no more.
            self._member(0, self._rooms[0], NOTHING, np.zeros((0, 1)), [], 0, 0, False)
        seconds = time.perf_counter() - started
        if seconds > _LONG:
            self.note = f"compiled in {seconds:.1f} s"

    def steps(self, epoch, first, last, factor, stopped):
        """Take all steps of the loaded span: a compiled call is not broken off."""
        optimizer, feed, n = self.optimizer, self.feed, len(self.net.seeds)
        rates = np.asarray([optimizer.rates(factor(k)) for k in range(first, last)])
        t = optimizer.n_steps + 1
        corrections = [self._settings.correction(t + k) for k in range(last - first)]
        order, norm = feed.examples(first, last), last == feed.steps
        free = list(self._rooms)

        def member(i: int) -> None:
            room = free.pop()
            mine = order if order.ndim == 1 else order[i]
            self._member(i, room, mine, rates, corrections, epoch, first, norm)
            free.append(room)

        if n == 1:
            member(0)
        else:
            list(pool(len(self._rooms)).map(member, range(n)))
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

    def _describe(self) -> tables.Plan:
        net, feed = self.net, self.feed
        rows, _ = rows_of(net)
        n_out = rows[-1].dense.n_out
        kind, squares = loss_kind(net.loss, n_out)
        return tables.Plan(
            table=table_for(self._layout, feed.batch_size),
            alphas=np.asarray([row.alpha for row in rows], net.dtype),
            drop=np.asarray([row.drop for row in rows], np.float64),
            loss=kind,
            optimizer=self._settings.kind,
            soften=np.asarray(softening(net.loss, n_out)),
            squares=squares,
            steep=2.0 * squares if kind == functions.SQUARES else 1.0,
            clip=0.0,
            whole=False,
            labels=feed.answers.ndim == 1,
            counts=self._counts,
            track=self.track,
        )

    def _lay(self, feed: Any) -> tables.Rows:
        """Return the data as the kernels read them."""
        dtype, answers = feed.x.dtype, np.require(feed.answers, None, "CW")
        weight = feed._weight if feed._weight is not None else np.zeros(0, dtype)
        labels = answers.astype(np.int64) if self._plan.labels else NOTHING
        targets = np.zeros((0, 1), dtype) if self._plan.labels else answers
        return tables.Rows(*lay_rows(feed.x), labels, targets, weight)

    def _room(self) -> tuple[tables.Work, list[Array]]:
        """Return where one thread takes steps: room, and a member's P, M and V."""
        where, dtype = self._layout, self.net.dtype
        memory = 0 if self._settings.kind == functions.SGD else where.size
        work = room_for(where, self._rows, self.feed.batch_size, self._team, dtype)
        return work, [aligned(size, dtype) for size in (where.size, memory, memory)]

    def _member(self, i, room, order, rates, corrections, epoch, first, norm) -> None:
        """Take a member's steps: its tensors go into flat arrays, and come back."""
        net, dtype, (work, flats) = self.net, self.net.dtype, room
        at = i if net.population else None
        memory = self._settings.slots
        slots = [
            {name: self.optimizer.state[f"{name}.{slot}"] for name in net.params}
            for slot in memory
        ]
        held = list(zip(flats, (net.params, *slots), strict=False))
        for flat, arrays in held:
            read(flat, arrays, self._names, at)
        sums = {name: s.reshape(-1)[i : i + 1] for name, s in self.sums.items()}
        h, l2 = hyper(self.optimizer, i)
        state = tables.State(
            *flats,
            **sums,
            h=np.asarray(h, dtype),
            l2=np.asarray([l2], dtype),
            key=self._keys[i],
        )
        task = tables.Task(
            order,
            self.feed.batch_size,
            rates[:, i].astype(dtype),
            np.asarray(corrections, dtype),
            epoch,
            first,
            norm,
        )
        whole = (self._plan, self._rows, state, work, task)
        together(self._kernel, self._team, work.sync, whole)
        if order.size:
            for flat, arrays in held:
                write(flat, arrays, self._names, at)


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
