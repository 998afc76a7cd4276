"""The compiled engine on the CPU: spans of steps in one call, members in threads."""

import os
import time
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numpy as np

from ..._types import Array, Params
from ...backend import seed_sequence
from ...network import Network
from ...optimizers import Optimizer
from ...training.batches import Feed
from ...training.parts import Part
from . import examples, functions, kernels, tables
from .compiler import compiled
from .plan import (
    Layout,
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
from .vectors import lanes

_SHARED = 1_500_000  # weights times examples: a step of some 80 us on one core
_LONG = 1.0  # seconds: loading what was compiled before takes a tenth of it
_SPARSE = 0.5  # a data set with fewer numbers than this part is kept as lists


def threads() -> int:
    """Return how many threads to use: cores this process may use, or fewer by wish."""
    cores = (
        len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )
    wish = os.environ.get("OMP_NUM_THREADS", "")
    return min(cores, int(wish)) if wish.isdigit() and int(wish) else cores


def aligned(n: int, dtype: Any) -> Array:
    """Return n zeros that begin at a whole vector: half as long to read as others."""
    room = np.zeros((n + 1) * np.dtype(dtype).itemsize + 64, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + n * np.dtype(dtype).itemsize].view(dtype)


def team_for(where: Layout, batch: int) -> int:
    """Return how many threads take one network's steps together."""
    n = threads() if os.name == "posix" else 1  # they wait by sched_yield
    return n if batch * where.size >= _SHARED else 1


def bounds(table: Array, rows: tables.Rows, team: int) -> Array:
    """Return the rows of each layer's W at which threads take over, (layers, team + 1).

    The first layer's are of equal work: pictures have more in their middle.
    """
    cuts = np.zeros((len(table), team + 1), np.int64)
    for cut, n in zip(cuts, table[:, tables.N_IN], strict=True):
        cut[:] = [min(-(-n * k // team) + 3 & ~3, n) for k in range(team + 1)]
        cut[0] = 0
    if rows.start.size:
        work = np.cumsum(np.bincount(rows.idx, minlength=table[0, tables.N_IN]))
        parts = work[-1] * np.arange(1, team) / team
        cuts[0, 1:team] = np.searchsorted(work, parts)
    return cuts


@cache
def pool(n: int) -> ThreadPoolExecutor:
    """Return a pool of n threads, made once."""
    return ThreadPoolExecutor(n, thread_name_prefix="gpunet")


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
        self._kernel = compiled(kernels.span)
        self._settings = settings(optimizer)
        self._plan = self._describe()
        self._rows = lay_rows(feed, self._plan.labels)
        self._keys = [
            seed_sequence(s, "dropout").generate_state(2, np.uint64) for s in net.seeds
        ]
        self._team = 1 if net.population else team_for(self._layout, feed.batch_size)
        n = min(threads(), len(net.seeds))
        self._works = [self._work(self._team) for _ in range(n)]
        # With no steps to take, this compiles the kernel or loads it, and no more.
        started, nothing = time.perf_counter(), np.zeros(0, np.int64)
        self._member(0, self._works[0], nothing, np.zeros((0, 1)), [], 0, 0, False)
        seconds = time.perf_counter() - started
        if seconds > _LONG:
            self.note = f"compiled in {seconds:.1f} s"

    def steps(self, epoch, first, last, factor, stopped):
        """Take all steps of the loaded span: a compiled call is not broken off."""
        optimizer, feed, n = self.optimizer, self.feed, len(self.net.seeds)
        rates = np.asarray([self._rates(factor(k)) for k in range(first, last)])
        t = optimizer.n_steps + 1
        corrections = [self._settings.correction(t + k) for k in range(last - first)]
        order, norm = feed.examples(first, last), last == feed.steps
        works, free = self._works, list(self._works)

        def member(i: int) -> None:
            work = free.pop()
            mine = order if order.ndim == 1 else order[i]
            self._member(i, work, mine, rates, corrections, epoch, first, norm)
            free.append(work)

        if n == 1:
            member(0)
        else:
            list(pool(len(works)).map(member, range(n)))
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

    def _rates(self, factor: Any) -> list[float]:
        rate, n = self.optimizer._rates_given, len(self.net.seeds)
        rates = [rate] * n if isinstance(rate, float) else rate
        factors = factor if isinstance(factor, list) else [factor] * n
        return [r * f for r, f in zip(rates, factors, strict=True)]

    def _describe(self) -> tables.Plan:
        net, feed = self.net, self.feed
        rows, _ = rows_of(net)
        n_out = rows[-1].dense.n_out
        kind, squares = loss_kind(net.loss, n_out)
        table = self._layout.table.copy()
        table[:, tables.ROWS] *= feed.batch_size
        # Of a few rows silent neurons are worth leaving out; products of four whole
        # rows at a time are faster than that.
        table[:, tables.LISTED] = feed.batch_size < 4
        return tables.Plan(
            table,
            np.asarray([row.alpha for row in rows], net.dtype),
            np.asarray([row.drop for row in rows], np.float64),
            kind,
            self._settings.kind,
            np.asarray(softening(net.loss, n_out)),
            squares,
            feed.answers.ndim == 1,
            self._counts,
            self.track,
        )

    def _work(self, team: int) -> tables.Work:
        batch, dtype = self.feed.batch_size, self.net.dtype
        table = self._layout.table
        room = batch * self._layout.row
        n_in, _, _, *_, part = table[0]
        whole, step = not self._rows.start.size and batch >= 4, lanes(dtype)
        wide = (n_in + step if n_in % (4 * step) == 0 else n_in) if whole else 0
        turned = 0
        if self._rows.start.size and batch >= 32 and part % (4 * step) == 0:
            turned = team * int(np.sort(np.diff(self._rows.start))[-batch:].sum())
        memory = 0 if self._settings.kind == functions.SGD else self._layout.size
        work = tables.Work(
            A=aligned(room, dtype),
            D=aligned(room, dtype),
            val=aligned(room, dtype),
            mask=aligned(room, dtype),
            idx=np.zeros(room, np.int32),
            count=np.zeros((len(table), batch), np.int64),
            lost=np.zeros(batch, dtype),
            hits=np.zeros(batch, np.int64),
            bounds=bounds(table, self._rows, team),
            X=aligned(batch * wide, dtype).reshape(batch, -1),
            turned=np.zeros(turned, dtype),
            owner=np.zeros(turned, np.int32),
            ends=np.zeros(n_in, np.int64),
            next=np.zeros((team, n_in), np.int64),
            lows=np.zeros((team, 2 * batch), np.int64),
            T=np.zeros((team, self._layout.row)),
            G=aligned(self._layout.size, dtype),
            P=aligned(self._layout.size, dtype),
            M=aligned(memory, dtype),
            V=aligned(memory, dtype),
            sync=np.zeros(16, np.int64),
        )
        work.mask[:] = 1.0
        return work

    def _member(self, i, work, order, rates, corrections, epoch, first, norm) -> None:
        """Take a member's steps: its tensors go into flat arrays, and come back."""
        net, dtype = self.net, self.net.dtype
        at = i if net.population else None
        memory = self._settings.slots
        slots = [
            {name: self.optimizer.slots[f"{name}.{slot}"] for name in net.params}
            for slot in memory
        ]
        held = list(zip((work.P, work.M, work.V), (net.params, *slots), strict=False))
        for flat, arrays in held:
            read(flat, arrays, self._names, at)
        sums = {name: s.reshape(-1)[i : i + 1] for name, s in self.sums.items()}
        h, l2 = hyper(self.optimizer, i)
        state = tables.State(
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
        self._together(self._plan, self._rows, state, work, task)
        if order.size:
            for flat, arrays in held:
                write(flat, arrays, self._names, at)

    def _together(self, *task: Any) -> None:
        """Let the team's threads take the span, this one among them."""
        kernel, team, sync = self._kernel, self._team, task[3].sync
        if team == 1:
            kernel(*task, 0, 1)
            return
        sync[:] = 0
        others = [pool(team - 1).submit(kernel, *task, k, team) for k in range(1, team)]
        try:
            kernel(*task, 0, team)
            for other in others:
                other.result()
        finally:
            sync[8] = 1  # whatever broke in, nobody waits for us


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


def lay_rows(feed: Feed, labels: bool) -> tables.Rows:
    """Return the data as the kernels read them."""
    x, dtype = np.ascontiguousarray(feed.x), feed.x.dtype
    counts = np.count_nonzero(x, axis=1)
    none = np.zeros(0, np.int64)
    kind = np.uint16 if x.shape[1] < 2**16 else np.int32  # half as much to read
    if counts.sum() < _SPARSE * x.size:
        start = np.zeros(len(x) + 1, np.int64)
        np.cumsum(counts, out=start[1:])
        val, idx = np.empty(start[-1], dtype), np.empty(start[-1], kind)
        compiled(examples.list_rows)(x, start, idx, val)
    else:
        start, val = none, x.reshape(-1)
        idx = np.arange(x.shape[1], dtype=kind)
    weight = feed._weight if feed._weight is not None else np.zeros(0, dtype)
    answers = np.ascontiguousarray(feed.answers)
    hot = answers.astype(np.int64) if labels else none
    targets = np.zeros((0, 1), dtype) if labels else answers
    return tables.Rows(val, idx, start, hot, targets, weight)
