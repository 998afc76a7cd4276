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
from .products import dot, gather, scatter
from .vectors import mulhi

# Columns of the table of layers.
N_IN, N_OUT, WIDTH, W, B, FUNCTION, ROWS, DRAWS = range(8)


class Plan(NamedTuple):
    """A network as numbers.

    Attributes
    ----------
    table : int64 array, shape (layers, 9)
        Sizes, padded width, places of W and b in the flat parameters, activation,
        place of its rows in the work space, how many dropout draws an example
        takes before this layer's (-1: none of its own), whether the next layer's
        rows are lists.
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
    """Room for a step's numbers; one for each thread."""

    A: Any
    D: Any
    val: Any
    idx: Any
    count: Any
    G: Any
    T: Any
    P: Any
    M: Any
    V: Any


def span(plan, rows, state, work, order, batch, rates, corrections, epoch, first, norm):
    """Take the steps of a span of one member.

    Parameters
    ----------
    order : int64 array
        The examples of the span, batch after batch; the last may be shorter.
    rates, corrections : arrays, one for each step
        Learning rates, and Adam's corrections of its start at zero.
    epoch, first : int
        Of the first step; dropout's draws are keyed by them.
    norm : bool
        Whether to keep the gradient's length at the last step.
    """
    for k in range(rates.size):
        a = k * batch
        mine = order[a : min(a + batch, order.size)]
        forward(plan, rows, state, work, mine, epoch, first + k)
        keep = norm and k == rates.size - 1
        fused = plan.optimizer == SGD and not keep
        scale = work.P.dtype.type(1.0) / work.P.dtype.type(mine.size)
        if fused:
            scale = -rates[k] * scale
        compare_rows(plan, rows, state, work, mine, scale)
        backward(plan, rows, state, work, mine, fused, rates[k])
        if not fused:
            if keep:
                total = 0.0
                for g in work.G:
                    total += np.float64(g) * g
                state.grad_norm[0] = np.sqrt(total)
            update(plan, state, work, rates[k], corrections[k])


def forward(plan, rows, state, work, mine, epoch, step):
    """Fill A with every layer's activations of the batch."""
    L, n = 64 // work.P.itemsize, mine.size
    for layer in range(len(plan.table)):
        t = plan.table[layer]
        width = t[WIDTH]
        for s in range(n):
            o = t[ROWS] + s * width
            work.A[o : o + width] = work.P[t[B] : t[B] + width]
            if layer == 0:
                i0, v0, count = first_row(rows, mine[s], t[N_IN])
                val, idx = rows.val, rows.idx
            else:
                i0 = v0 = plan.table[layer - 1, ROWS] + s * plan.table[layer - 1, WIDTH]
                count, idx = work.count[layer - 1, s], work.idx
                val = work.val
            gather(work.A, o, work.P, t[W], width, idx, i0, val, v0, count, L)
        activate(work.A, t[ROWS], n * width, t[FUNCTION], plan.alphas[layer])
        if layer < len(plan.table) - 1:
            listed(plan, work, layer, n, state.key, epoch, step)


def first_row(rows, row, n_in):
    """Return (i0, v0, count) of a row of the data."""
    if rows.start.size:
        return rows.start[row], rows.start[row], rows.start[row + 1] - rows.start[row]
    return 0, row * n_in, n_in


def listed(plan, work, layer, n, key, epoch, step):
    """Make the lists that the next layer reads: what is neither 0 nor silenced."""
    t, rate = plan.table[layer], plan.drop[layer]
    width, relu = t[WIDTH], t[FUNCTION] == RELU
    A, val, idx = work.A, work.val, work.idx
    for s in range(n):
        o, count = t[ROWS] + s * width, 0
        if rate > 0:
            first = n * t[DRAWS] + s * t[N_OUT]
            keep_some(val, o, t[N_OUT], key, epoch, step, first, rate)
        for j in range(t[N_OUT]):
            a = A[o + j]
            if rate > 0:
                live = val[o + j] != 0
                value = a * val[o + j]
            else:
                live, value = True, a
            idx[o + count] = j
            val[o + count] = value
            count += live and not (relu and a <= 0)
        work.count[layer, s] = count


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


def compare_rows(plan, rows, state, work, mine, scale):
    """Fill the last layer's D with scale * d cost / dz; keep the score."""
    t, n = plan.table[-1], mine.size
    n_out, width, o = t[N_OUT], t[WIDTH], t[ROWS]
    compare(work.A, work.D, o, n_out, width, plan.loss, n)
    factor = 2.0 * plan.squares if plan.loss == SQUARES else 1.0
    lost, hits = 0.0, 0
    for s in range(n):
        r, row = o + s * width, mine[s]
        for j in range(n_out):
            target = rows.targets[row, j] if not plan.labels else 0.0
            if plan.labels and rows.labels[row] == j:
                target = 1.0
            work.T[j] = plan.soften[0] * target + plan.soften[1]
        weight = rows.weight[row] if rows.weight.size else work.A.dtype.type(1.0)
        if plan.track:
            lost += cost(work.A, work.T, r, n_out, plan.loss, plan.squares) * weight
            if plan.counts:
                hits += is_right(plan, rows, work, r, n_out, row)
        mine_scale = work.D.dtype.type(scale * factor) * weight
        for j in range(n_out):
            d = (work.D[r + j] - work.T[j]) * mine_scale
            work.D[r + j] = d * slope(work.A[r + j], t[FUNCTION], plan.alphas[-1])
            if t[FUNCTION] == RELU and work.A[r + j] <= 0:
                work.D[r + j] = 0.0
        for j in range(r + n_out, r + width):
            work.D[j] = 0.0
    if plan.track:
        state.loss[0] += state.loss.dtype.type(lost)
        state.correct[0] += hits


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


def backward(plan, rows, state, work, mine, fused, rate):
    """Add x^T d to the gradient, or straight to the parameters when `fused`."""
    L, n = 64 // work.P.itemsize, mine.size
    target = work.P if fused else work.G
    if not fused:
        work.G[:] = 0.0
    shrink = work.P.dtype.type(1.0) - rate * state.l2[0]
    for layer in range(len(plan.table) - 1, -1, -1):
        t = plan.table[layer]
        width = t[WIDTH]
        if layer > 0:
            pass_back(plan, state, work, layer, n, L)
        if fused and state.l2[0] != 0:
            for i in range(t[W], t[W] + t[N_IN] * width):
                work.P[i] *= shrink
        for s in range(n):
            d = t[ROWS] + s * width
            if layer == 0:
                i0, v0, count = first_row(rows, mine[s], t[N_IN])
                scatter(
                    target, t[W], width, rows.idx, i0, rows.val, v0, count, work.D, d, L
                )
            else:
                v0 = plan.table[layer - 1, ROWS] + s * plan.table[layer - 1, WIDTH]
                count = work.count[layer - 1, s]
                scatter(
                    target, t[W], width, work.idx, v0, work.val, v0, count, work.D, d, L
                )
            for j in range(width):
                target[t[B] + j] += work.D[d + j]


def pass_back(plan, state, work, layer, n, L):
    """Fill the D of the layer before from this layer's D and weights."""
    t, before = plan.table[layer], plan.table[layer - 1]
    width, small = t[WIDTH], before[WIDTH]
    kind, alpha, rate = before[FUNCTION], plan.alphas[layer - 1], plan.drop[layer - 1]
    factor = work.D.dtype.type(1.0 / (1.0 - rate))
    for s in range(n):
        d, o = t[ROWS] + s * width, before[ROWS] + s * small
        work.D[o : o + small] = 0.0
        for k in range(work.count[layer - 1, s]):
            j = work.idx[o + k]
            back = dot(work.P, t[W] + j * width, work.D, d, width, L)
            work.D[o + j] = back * factor * slope(work.A[o + j], kind, alpha)


def update(plan, state, work, rate, correction):
    """Move all parameters by the gradient in G."""
    none = work.P.dtype.type(0.0)
    for layer in range(len(plan.table)):
        t = plan.table[layer]
        P, G, M, V, h = work.P, work.G, work.M, work.V, state.h
        n, kind = t[N_IN] * t[WIDTH], plan.optimizer
        move(P, G, M, V, t[W], n, kind, rate, h, state.l2[0], correction)
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
