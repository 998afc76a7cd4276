"""The span of training steps of one network, in one compiled call.

Written as plain functions; `compiled()` lets numba compile them, once for each
dtype and not for each network: layers, loss and optimizer come as a table. A
network's numbers lie in flat arrays with rows padded to whole vectors; `engine.py`
lays them out and brings them back.

What was tried, predicted and measured stands at the end of this file's package
(`gpunet/fast/cpu/__init__.py`).
"""

from typing import Any, NamedTuple

import numpy as np

from .functions import (
    RELU,
    SGD,
    SQUARES,
    activate,
    compare,
    cost,
    move,
    slope,
)
from .products import dot, find, gather, product, rows_by_rows, scatter
from .vectors import arrive, at, fetch, load, madd, mulhi, pause, peek, store

# Columns of the table of layers.
N_IN, N_OUT, WIDTH, W, B, FUNCTION, ROWS, DRAWS, LISTED, PART = range(10)


class Plan(NamedTuple):
    """A network as numbers.

    Attributes
    ----------
    table : int64 array, shape (layers, 10)
        Sizes, length of a padded row, places of W and b in the flat parameters,
        activation, place of its rows in the work space, how many dropout draws an example
        takes before this layer's, whether the next layer reads lists, and how much
        of a padded row is computed.
    alphas, drop : arrays, shape (layers,)
        Slope of a leaky rectifier; probability of silence.
    loss, optimizer : int
    soften : array, shape (2,)
        A target t becomes soften[0] t + soften[1].
    squares : float, factor of a squared error
    labels : bool
        Whether answers are labels (else rows of targets).
    counts, track : bool
    decides_one : bool
        A single output on logits is right or wrong by its sign.
    """

    table: Any
    alphas: Any
    drop: Any
    loss: int
    optimizer: int
    soften: Any
    squares: float
    labels: bool
    counts: bool
    track: bool


class Rows(NamedTuple):
    """Training data: rows as lists (or whole, if `start` is empty), and answers."""

    val: Any
    idx: Any
    start: Any
    labels: Any
    targets: Any
    weight: Any


class State(NamedTuple):
    """What a member's steps change: parameters, memory, sums; and its settings."""

    loss: Any
    correct: Any
    grad_norm: Any
    h: Any
    l2: Any
    key: Any


class Work(NamedTuple):
    """Room for a step's numbers, shared by the threads of a team.

    `val` holds what the next layer reads (activations, silenced by dropout), as
    lists with `idx` and `count` or whole; `mask` dropout's factors, 1 without it.
    `bounds` are the rows of each layer's W that each thread moves. X holds the
    examples where data have few zeros; `turned` and what follows: see `turn`.
    """

    A: Any
    D: Any
    val: Any
    mask: Any
    idx: Any
    count: Any
    lost: Any
    hits: Any
    bounds: Any
    X: Any
    turned: Any
    owner: Any
    ends: Any
    next: Any
    lows: Any
    T: Any
    G: Any
    P: Any
    M: Any
    V: Any
    sync: Any


class Task(NamedTuple):
    """A span: the examples of its steps one after the other, and what changes."""

    order: Any
    batch: int
    rates: Any
    corrections: Any
    epoch: int
    first: int
    norm: bool


def span(plan, rows, state, work, task, me, team):
    """Take the steps of a span of one member, as thread `me` of a team.

    Each thread takes its own examples forward and back, then moves its own rows
    of the weights; every sum is added up in one order whatever the team, so that
    a team of two leaves the very bits of a single thread.
    """
    order, batch, wait = task.order, task.batch, 0
    for k in range(task.rates.size):
        a = k * batch
        mine = order[a : min(a + batch, order.size)]
        soon = order[a + mine.size : a + 2 * mine.size]
        lo, hi = share(mine.size, me, team)
        keep = task.norm and k == task.rates.size - 1
        fused = plan.optimizer == SGD and not keep
        scale = work.P.dtype.type(1.0) / work.P.dtype.type(mine.size)
        if fused:
            scale = -task.rates[k] * scale
        forward(plan, rows, state, work, task, mine, soon, k, lo, hi)
        compare_rows(plan, rows, work, me, mine, scale, lo, hi)
        for layer in range(len(plan.table) - 1, 0, -1):
            pass_back(plan, work, layer, lo, hi)
        wait += team
        if not together(work.sync, wait, team):
            return
        if me == 0 and plan.track:
            for i in range(mine.size):
                state.loss[0] += work.lost[i]
                state.correct[0] += work.hits[i]
        backward(plan, rows, state, work, mine, fused, task.rates[k], me)
        if keep:
            wait += team
            if not together(work.sync, wait, team):
                return
            if me == 0:
                state.grad_norm[0] = length(work.G)
        if not fused:
            update(plan, state, work, task.rates[k], task.corrections[k], me)
        wait += team
        if not together(work.sync, wait, team):
            return


def share(n, me, team):
    """Return the part of n examples that thread `me` takes, in whole fours."""
    each = ((n + team - 1) // team + 3) // 4 * 4
    return min(me * each, n), min((me + 1) * each, n)


def together(sync, wait, team):
    """Wait until all threads stand here; return False when one of them fell."""
    if team == 1:
        return True
    arrive(sync)
    spins = 0
    while peek(sync, 0) < wait:
        if peek(sync, 8) != 0:
            return False
        spins += 1
        if spins > 2000:
            pause()
    return True


def length(G):
    """Return the length of the vector G."""
    total = 0.0
    for g in G:
        total += np.float64(g) * g
    return np.sqrt(total)


def forward(plan, rows, state, work, task, mine, soon, k, lo, hi):
    """Fill A with every layer's activations of the examples lo to hi - 1."""
    L = 64 // work.P.itemsize
    for layer in range(len(plan.table)):
        t = plan.table[layer]
        width, o = t[WIDTH], t[ROWS]
        for s in range(lo, hi):
            for j in range(0, width, L):
                store(work.A, o + s * width + j, load(work.P, t[B] + j))
        if layer == 0 and work.X.size:
            whole_rows(rows, work, t, mine, lo, hi, L)
        elif layer == 0:
            first_layer(rows, work, t, mine, soon, lo, hi, L)
        else:
            before = plan.table[layer - 1]
            x, xi = before[ROWS] + lo * before[WIDTH], before[WIDTH]
            if before[LISTED]:
                for s in range(lo, hi):
                    y, x = o + s * width, before[ROWS] + s * xi
                    c = work.count[layer - 1, s]
                    P, idx, val, n = work.P, work.idx, work.val, t[PART]
                    gather(work.A, y, P, t[W], width, n, idx, x, val, x, c, L)
            else:
                y, n, part = o + lo * width, hi - lo, t[PART]
                X, P, c = work.val, work.P, t[N_IN]
                product(work.A, y, width, n, part, X, x, xi, 1, P, t[W], width, c, L)
        activate(
            work.A, o + lo * width, (hi - lo) * width, t[FUNCTION], plan.alphas[layer]
        )
        if layer < len(plan.table) - 1:
            hand_on(plan, work, layer, mine.size, lo, hi, state.key, task, k)


def first_layer(rows, work, t, mine, soon, lo, hi, L):
    """Add x W to the first layer's rows, and ask for the next batch's examples."""
    width, line = t[WIDTH], 64 // rows.val.itemsize
    step = 4 * L if t[PART] % (4 * L) == 0 else t[PART]
    for j in range(0, t[PART], step):
        for s in range(lo, hi):
            i0, v0, count = first_row(rows, mine[s], t[N_IN])
            y = t[ROWS] + s * width + j
            gather(
                work.A,
                y,
                work.P,
                t[W] + j,
                width,
                step,
                rows.idx,
                i0,
                rows.val,
                v0,
                count,
                L,
            )
            # Examples lie far apart: a few ahead is soon enough, and not too soon.
            next_one = s + 4 if s + 4 < hi else s + 4 - hi + lo + mine.size
            if j == 0 and next_one < mine.size + soon.size:
                r = mine[next_one] if next_one < hi else soon[next_one - mine.size]
                i0, v0, count = first_row(rows, r, t[N_IN])
                for c in range(0, count, line):
                    fetch(rows.val, v0 + c)
                if rows.start.size:
                    for c in range(0, count, 64 // rows.idx.itemsize):
                        fetch(rows.idx, i0 + c)


def whole_rows(rows, work, t, mine, lo, hi, L):
    """Add x W to the first layer's rows, of data that have few zeros."""
    n_in, width, wide = t[N_IN], t[WIDTH], work.X.shape[1]
    X = work.X.reshape(-1)
    for s in range(lo, hi):
        for j in range(n_in):
            X[s * wide + j] = rows.val[mine[s] * n_in + j]
    y, x, n = t[ROWS] + lo * width, lo * wide, hi - lo
    P, part = work.P, t[PART]
    product(work.A, y, width, n, part, X, x, wide, 1, P, t[W], width, n_in, L)


def first_row(rows, row, n_in):
    """Return (i0, v0, count) of a row of the data."""
    if rows.start.size:
        return rows.start[row], rows.start[row], rows.start[row + 1] - rows.start[row]
    return 0, row * n_in, n_in


def hand_on(plan, work, layer, n, lo, hi, key, task, k):
    """Fill `val` with what the next layer reads, as lists or whole."""
    t, rate = plan.table[layer], plan.drop[layer]
    width, n_out, relu = t[WIDTH], t[N_OUT], t[FUNCTION] == RELU
    A, val, idx, mask = work.A, work.val, work.idx, work.mask
    for s in range(lo, hi):
        o, count = t[ROWS] + s * width, 0
        if rate > 0:
            first = n * t[DRAWS] + s * n_out
            keep_some(mask, o, n_out, key, task.epoch, task.first + k, first, rate)
        if t[LISTED]:
            for j in range(n_out):
                a, f = A[o + j], mask[o + j]
                idx[o + count] = j
                val[o + count] = a * f
                # NaN goes on; a silent neuron has neither output nor slope.
                count += f != 0 and not (relu and a <= 0)
            work.count[layer, s] = count
        else:
            for j in range(o, o + n_out):
                val[j] = A[j] * mask[j]


def keep_some(val, o, n, key, epoch, step, first, rate):
    """Put dropout's factors of n neurons into val[o : o + n]: 0 or 1 / (1 - rate).

    The draws first, first + 1, ... of NumPy's Philox generator of this step, as
    `population.DropoutDraws` makes them: 24 bits each, two to a word of 64.
    """
    factor = val.dtype.type(1.0 / (1.0 - rate))
    block = -1
    a = b = c = d = np.uint64(0)
    for j in range(n):
        e = first + j
        if e // 8 != block:
            block = e // 8
            a, b, c, d = philox(block + 1, step, epoch, key[0], key[1])
        word = (a, b, c, d)[e % 8 // 2]
        word = word >> np.uint64(32) if e % 2 else word & np.uint64(0xFFFFFFFF)
        u = np.float32(np.int64(word >> np.uint64(8))) * np.float32(2.0**-24)
        val[o + j] = factor if u >= rate else 0.0


def philox(block, step, epoch, k0, k1):
    """Return four words of Philox 4x64-10 (Salmon et al. 2011) for one counter."""
    a, b = np.uint64(block), np.uint64(0)
    c, d = np.uint64(step), np.uint64(epoch)
    x, y = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
    u, v = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBB67AE8584CAA73B)
    for _ in range(10):
        a, b, c, d = (
            mulhi(y, c) ^ b ^ k0,
            y * c,
            mulhi(x, a) ^ d ^ k1,
            x * a,
        )
        k0 += u
        k1 += v
    return a, b, c, d


def compare_rows(plan, rows, work, me, mine, scale, lo, hi):
    """Fill the last layer's D with scale * d cost / dz; keep each example's score."""
    t = plan.table[-1]
    n_out, width, o = t[N_OUT], t[WIDTH], t[ROWS]
    compare(work.A, work.D, o + lo * width, n_out, width, plan.loss, hi - lo)
    factor = 2.0 * plan.squares if plan.loss == SQUARES else 1.0
    up, on = work.D.dtype.type(plan.soften[0]), work.D.dtype.type(plan.soften[1])
    T = work.T[me]
    for s in range(lo, hi):
        r, row = o + s * width, mine[s]
        weight = rows.weight[row] if rows.weight.size else work.A.dtype.type(1.0)
        mine_scale = work.D.dtype.type(scale * factor) * weight
        if plan.labels:
            work.D[r + rows.labels[row]] -= up
        else:
            for j in range(n_out):
                work.D[r + j] -= up * rows.targets[row, j]
        for j in range(n_out):
            d = (work.D[r + j] - on) * mine_scale
            work.D[r + j] = d * slope(work.A[r + j], t[FUNCTION], plan.alphas[-1])
        for j in range(r + n_out, r + width):
            work.D[j] = 0.0
        if plan.track:
            for j in range(n_out):
                target = rows.targets[row, j] if not plan.labels else 0.0
                T[j] = plan.soften[0] * target + plan.soften[1]
            if plan.labels:
                T[rows.labels[row]] += plan.soften[0]
            work.lost[s] = cost(work.A, T, r, n_out, plan.loss, plan.squares) * weight
            if plan.counts:
                work.hits[s] = is_right(plan, rows, work, r, n_out, row)


def is_right(plan, rows, work, r, n_out, row):
    """Return whether the prediction in A[r : r + n_out] is the example's label."""
    if n_out == 1:
        positive = work.A[r] >= (0.5 if plan.loss == SQUARES else 0.0)
        answer = rows.labels[row] if plan.labels else np.int64(rows.targets[row, 0])
        return answer == (1 if positive else 0)
    best = 0
    for j in range(1, n_out):
        if work.A[r + j] > work.A[r + best] or np.isnan(work.A[r + j]):
            best = j
            if np.isnan(work.A[r + j]):
                break
    return rows.labels[row] == best


def backward(plan, rows, state, work, mine, fused, rate, me):
    """Add x^T d to the gradient, or straight to the parameters when `fused`.

    Thread `me` does so for its own rows of each W.
    """
    L = 64 // work.P.itemsize
    target = work.P if fused else work.G
    shrink = work.P.dtype.type(1.0) - rate * state.l2[0]
    for layer in range(len(plan.table)):
        t = plan.table[layer]
        width, r0, r1 = t[WIDTH], work.bounds[layer, me], work.bounds[layer, me + 1]
        first, last = t[W] + r0 * width, t[W] + r1 * width
        if not fused:
            work.G[first:last] = 0.0
        elif state.l2[0] != 0:
            for i in range(first, last):
                work.P[i] *= shrink
        if layer == 0:
            add_first(rows, work, target, t, mine, r0, r1, me, L)
        else:
            add_layer(plan, work, target, layer, mine.size, r0, r1, L)
        if r0 == 0 and r1 > 0:
            if not fused:
                work.G[t[B] : t[B] + width] = 0.0
            for j in range(0, width, L):
                b = load(target, t[B] + j)
                for s in range(mine.size):
                    b = madd(b, 1.0, load(work.D, t[ROWS] + s * width + j))
                store(target, t[B] + j, b)


def add_first(rows, work, target, t, mine, r0, r1, me, L):
    """Add x^T d of the first layer, rows r0 to r1 - 1 of its W."""
    width, part, D, d, n = t[WIDTH], t[PART], work.D, t[ROWS], mine.size
    if work.X.size:
        wide, y = work.X.shape[1], t[W] + r0 * width
        X = work.X.reshape(-1)
        product(target, y, width, r1 - r0, part, X, r0, 1, wide, D, d, width, n, L)
        return
    if work.turned.size:
        turn(rows, work, mine, r0, r1, t[N_IN], me)
        for j in range(0, part, 4 * L):
            for i in range(r0, r1):
                a, b = work.ends[i], work.next[me, i]
                y, idx, val = t[W] + i * width + j, work.owner, work.turned
                gather(target, y, D, d + j, width, 4 * L, idx, a, val, a, b - a, L)
        return
    for s in range(n):
        i0, v0, c = first_row(rows, mine[s], t[N_IN])
        y, idx, val, x = t[W], rows.idx, rows.val, d + s * width
        scatter(target, y, width, part, idx, i0, val, v0, c, D, x, r0, r1, t[N_IN], L)


def turn(rows, work, mine, r0, r1, n_in, me):
    """Make lists of the batch's columns r0 to r1 - 1: who has what in each.

    Column i is turned[ends[i] : next[me, i]], of the examples owner[...]. Each
    thread's columns have their own stretch of room.
    """
    next_one, lows = work.next[me], work.lows[me]
    for i in range(r0, r1):
        next_one[i] = 0
    for s in range(mine.size):
        i0, _, count = first_row(rows, mine[s], n_in)
        a = find(rows.idx, i0, count, r0) if r0 > 0 else 0
        b = find(rows.idx, i0, count, r1) if r1 < n_in else count
        lows[2 * s], lows[2 * s + 1] = i0 + a, i0 + b
        for k in range(i0 + a, i0 + b):
            next_one[at(rows.idx, k)] += 1
    place = me * work.turned.size // len(work.next)
    for i in range(r0, r1):
        work.ends[i] = place
        n, next_one[i] = next_one[i], place
        place += n
    for s in range(mine.size):
        for k in range(lows[2 * s], lows[2 * s + 1]):
            i = at(rows.idx, k)
            p = next_one[i]
            work.owner[p], work.turned[p] = s, at(rows.val, k)
            next_one[i] = p + 1


def add_layer(plan, work, target, layer, n, r0, r1, L):
    """Add x^T d of a layer that is not the first, rows r0 to r1 - 1 of its W."""
    t, before = plan.table[layer], plan.table[layer - 1]
    width, small = t[WIDTH], before[WIDTH]
    if before[LISTED]:
        for s in range(n):
            x, d = before[ROWS] + s * small, t[ROWS] + s * width
            c = work.count[layer - 1, s]
            scatter(
                target,
                t[W],
                width,
                t[PART],
                work.idx,
                x,
                work.val,
                x,
                c,
                work.D,
                d,
                r0,
                r1,
                before[N_OUT],
                L,
            )
        return
    y, x, part = t[W] + r0 * width, before[ROWS] + r0, t[PART]
    X, D, d = work.val, work.D, t[ROWS]
    product(target, y, width, r1 - r0, part, X, x, 1, small, D, d, width, n, L)


def pass_back(plan, work, layer, lo, hi):
    """Fill the D of the layer before from this layer's D and weights."""
    L = 64 // work.P.itemsize
    t, before = plan.table[layer], plan.table[layer - 1]
    width, small = t[WIDTH], before[WIDTH]
    kind, alpha = before[FUNCTION], plan.alphas[layer - 1]
    P, D, A, mask = work.P, work.D, work.A, work.mask
    if not before[LISTED]:
        y, d = before[ROWS] + lo * small, t[ROWS] + lo * width
        n, c = hi - lo, before[N_OUT]
        rows_by_rows(D, y, small, n, c, D, d, width, P, t[W], width, t[PART], L)
    for s in range(lo, hi):
        d, o = t[ROWS] + s * width, before[ROWS] + s * small
        if before[LISTED]:
            D[o : o + small] = 0.0
            for k in range(work.count[layer - 1, s]):
                j = work.idx[o + k]
                back = dot(P, t[W] + j * width, D, d, t[PART], L)
                D[o + j] = back * mask[o + j] * slope(A[o + j], kind, alpha)
        else:
            for j in range(o, o + before[N_OUT]):
                D[j] *= mask[j] * slope(A[j], kind, alpha)


def update(plan, state, work, rate, correction, me):
    """Move thread `me`'s rows of the parameters by the gradient in G."""
    P, G, M, V, h, kind = work.P, work.G, work.M, work.V, state.h, plan.optimizer
    none = work.P.dtype.type(0.0)
    for layer in range(len(plan.table)):
        t = plan.table[layer]
        r0, r1 = work.bounds[layer, me], work.bounds[layer, me + 1]
        a, n = t[W] + r0 * t[WIDTH], (r1 - r0) * t[WIDTH]
        move(P, G, M, V, a, n, kind, rate, h, state.l2[0], correction)
        if r0 == 0 and r1 > 0:
            move(P, G, M, V, t[B], t[WIDTH], kind, rate, h, none, correction)


def list_rows(x, start, idx, val):
    """Make the lists of what is not zero in the rows of x; `start` is given."""
    for r in range(x.shape[0]):
        k = start[r]
        for j in range(x.shape[1]):
            if x[r, j] != 0:
                idx[k] = j
                val[k] = x[r, j]
                k += 1
