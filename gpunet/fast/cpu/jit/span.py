"""The span of training steps of one network, in one compiled call.

Written as plain functions; `compiled()` lets numba compile them, once for each
dtype and not for each network: layers, loss and optimizer come as a table. A
network's numbers lie in flat arrays with rows padded to whole vectors; `engine.py`
lays them out and brings them back.

What was tried, predicted and measured stands in `gpunet/fast/cpu/__init__.py`.
"""

import numpy as np

from .draws import keep_some
from .examples import add_first, first_layer, whole_rows
from .functions import (
    IDENTITY,
    RELU,
    SGD,
    SQUARES,
    activate,
    clipped_cost,
    compare,
    cost,
    move,
    slope,
    surprise,
)
from .products import (
    add_squares,
    dot,
    gather,
    length,
    product,
    rows_by_flipped,
    rows_by_rows,
    scatter,
)
from .tables import (
    DRAWS,
    FUNCTION,
    LISTED,
    N_IN,
    N_OUT,
    PART,
    ROWS,
    WIDTH,
    B,
    State,
    Task,
    W,
)
from .vectors import arrive, load, madd, pause, peek, store, zeros


def members(plan, rows, crowd, work, task, first, last, me, team):
    """Take the steps of a span of members first to last - 1, one after the other."""
    for i in range(first, last):
        state = State(
            crowd.P[i],
            crowd.M[i],
            crowd.V[i],
            crowd.loss[i],
            crowd.correct[i],
            crowd.grad_norm[i],
            crowd.h[i],
            crowd.l2[i],
            crowd.key[i],
        )
        mine = Task(
            task.order,
            task.batch,
            task.rates[i],
            task.corrections,
            task.epoch,
            task.first,
            task.norm,
        )
        span(plan, rows, state, work, mine, me, team)
        if me == 0:
            state.loss[0] += 0.5 * state.l2[0] * work.squared[0]
            work.squared[0] = 0.0


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
        scale = state.P.dtype.type(1.0) / state.P.dtype.type(mine.size)
        l2 = state.l2[0] * scale if plan.whole else state.l2[0]
        if fused:
            scale = -task.rates[k] * scale
        forward(plan, rows, state, work, task, mine, soon, k, lo, hi)
        compare_rows(plan, rows, work, me, mine, scale, lo, hi)
        for layer in range(len(plan.table) - 1, 0, -1):
            pass_back(plan, state.P, work, layer, mine.size, lo, hi, me)
        if me == 0:  # while nobody moves the weights
            add_squares(work.squared, plan.table, state.P)
        wait += team
        if not together(work.sync, wait, team):
            return
        if me == 0 and plan.track:
            for i in range(mine.size):
                state.loss[0] += work.lost[i]
                state.correct[0] += work.hits[i]
        backward(plan, rows, state, work, mine, fused, task.rates[k], l2, me)
        if keep:
            wait += team
            if not together(work.sync, wait, team):
                return
            if me == 0:
                state.grad_norm[0] = length(work.G)
        if not fused:
            update(plan, state, work, task.rates[k], l2, task.corrections[k], me)
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
        if spins > 200_000:  # some 0.2 ms: longer than even shares of work differ
            pause()
    return True


def forward(plan, rows, state, work, task, mine, soon, k, lo, hi):
    """Fill A with every layer's activations of the examples lo to hi - 1."""
    P = state.P
    L = 64 // P.itemsize
    for layer in range(len(plan.table)):
        t = plan.table[layer]
        width, o = t[WIDTH], t[ROWS]
        for s in range(lo, hi):
            for j in range(0, width, L):
                store(work.A, o + s * width + j, load(P, t[B] + j))
        if layer == 0 and work.X.size:
            whole_rows(rows, P, work, t, mine, lo, hi, L)
        elif layer == 0:
            first_layer(rows, P, work, t, mine, soon, lo, hi, L)
        else:
            before = plan.table[layer - 1]
            x, xi = before[ROWS] + lo * before[WIDTH], before[WIDTH]
            if before[LISTED]:
                for s in range(lo, hi):
                    y, x = o + s * width, before[ROWS] + s * xi
                    c = work.count[layer - 1, s]
                    idx, val, n = work.idx, work.val, t[PART]
                    gather(work.A, y, P, t[W], width, n, idx, x, val, x, c, L)
            else:
                y, n, part = o + lo * width, hi - lo, t[PART]
                X, c = whole(plan, work, layer - 1), t[N_IN]
                product(work.A, y, width, n, part, X, x, xi, 1, P, t[W], width, c, L)
        activate(
            work.A, o + lo * width, (hi - lo) * width, t[FUNCTION], plan.alphas[layer]
        )
        if layer < len(plan.table) - 1 and (t[LISTED] or plan.drop[layer] > 0):
            hand_on(plan, work, layer, mine.size, lo, hi, state.key, task, k)


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


def whole(plan, work, layer):
    """Return where the next layer reads what is not in lists."""
    return work.val if plan.drop[layer] > 0 else work.A


def compare_rows(plan, rows, work, me, mine, scale, lo, hi):
    """Fill the last layer's D with scale * d cost / dz; keep each example's score."""
    t = plan.table[-1]
    n_out, width, o = t[N_OUT], t[WIDTH], t[ROWS]
    compare(work.A, work.D, o + lo * width, n_out, width, plan.loss, hi - lo)
    up, on = work.D.dtype.type(plan.soften[0]), work.D.dtype.type(plan.soften[1])
    T, L = work.T[me], 64 // work.D.itemsize
    for s in range(lo, hi):
        r, row = o + s * width, mine[s]
        weight = rows.weight[row] if rows.weight.size else work.A.dtype.type(1.0)
        mine_scale = work.D.dtype.type(scale * plan.steep) * weight
        if plan.track:
            if plan.clip > 0 and plan.labels:
                lost = surprise(work.D[r + rows.labels[row]], plan.clip)
            elif plan.clip > 0:
                lost = clipped_cost(rows.targets, row, work.D, r, n_out, plan.clip)
            else:
                for j in range(n_out):
                    target = rows.targets[row, j] if not plan.labels else 0.0
                    T[j] = plan.soften[0] * target + plan.soften[1]
                if plan.labels:
                    T[rows.labels[row]] += plan.soften[0]
                lost = cost(work.A, T, r, n_out, plan.loss, plan.squares)
            work.lost[s] = lost * weight
            if plan.counts:
                if plan.labels:
                    label = rows.labels[row]
                else:
                    label = np.int64(rows.targets[row, 0])
                cut = 0.5 if plan.loss == SQUARES else 0.0
                work.hits[s] = is_right(work.A, r, n_out, cut, label)
        if plan.labels:
            work.D[r + rows.labels[row]] -= up
        else:
            for j in range(n_out):
                work.D[r + j] -= up * rows.targets[row, j]
        if t[FUNCTION] == IDENTITY and on == 0:
            for j in range(r, r + width, L):
                store(work.D, j, madd(zeros(work.D), mine_scale, load(work.D, j)))
        else:
            for j in range(n_out):
                d = (work.D[r + j] - on) * mine_scale
                work.D[r + j] = d * slope(work.A[r + j], t[FUNCTION], plan.alphas[-1])
        for j in range(r + n_out, r + width):
            work.D[j] = 0.0


def is_right(A, r, n_out, cut, label):
    """Return whether the prediction in A[r : r + n_out] is the example's label.

    A single output says 1 from `cut` on.
    """
    if n_out == 1:
        return label == (1 if A[r] >= cut else 0)
    best = 0
    for j in range(1, n_out):
        if A[r + j] > A[r + best] or np.isnan(A[r + j]):
            best = j
            if np.isnan(A[r + j]):
                break
    return label == best


def backward(plan, rows, state, work, mine, fused, rate, l2, me):
    """Add x^T d to the gradient, or straight to the parameters when `fused`.

    Thread `me` does so for its own rows of each W.
    """
    P = state.P
    L = 64 // P.itemsize
    target = P if fused else work.G
    shrink = P.dtype.type(1.0) - rate * l2
    for layer in range(len(plan.table)):
        t = plan.table[layer]
        width, r0, r1 = t[WIDTH], work.bounds[layer, me], work.bounds[layer, me + 1]
        first, last = t[W] + r0 * width, t[W] + r1 * width
        if not fused:
            work.G[first:last] = 0.0
        elif l2 != 0:
            for i in range(first, last):
                P[i] *= shrink
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
    X, D, d = whole(plan, work, layer - 1), work.D, t[ROWS]
    product(target, y, width, r1 - r0, part, X, x, 1, small, D, d, width, n, L)


def pass_back(plan, P, work, layer, size, lo, hi, me):
    """Fill the D of the layer before from this layer's D and weights."""
    L = 64 // P.itemsize
    t, before = plan.table[layer], plan.table[layer - 1]
    width, small = t[WIDTH], before[WIDTH]
    kind, alpha = before[FUNCTION], plan.alphas[layer - 1]
    D, A, mask = work.D, work.A, work.mask
    if not before[LISTED]:
        y, d = before[ROWS] + lo * small, t[ROWS] + lo * width
        n, c = hi - lo, before[N_OUT]
        if t[PART] > 4 * L or size < 8:
            rows_by_rows(D, y, small, n, c, D, d, width, P, t[W], width, t[PART], L)
        else:
            m, part = t[N_OUT], before[PART]
            rows_by_flipped(
                D, y, small, n, c, part, d, width, P, t[W], m, work.F, me, L
            )
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


def update(plan, state, work, rate, l2, correction, me):
    """Move thread `me`'s rows of the parameters by the gradient in G."""
    P, G, M, V, h, kind = state.P, work.G, state.M, state.V, state.h, plan.optimizer
    none = P.dtype.type(0.0)
    for layer in range(len(plan.table)):
        t = plan.table[layer]
        r0, r1 = work.bounds[layer, me], work.bounds[layer, me + 1]
        a, n = t[W] + r0 * t[WIDTH], (r1 - r0) * t[WIDTH]
        move(P, G, M, V, a, n, kind, rate, h, l2, correction)
        if r0 == 0 and r1 > 0:
            move(P, G, M, V, t[B], t[WIDTH], kind, rate, h, none, correction)


def predict(table, alphas, kind, P, x, y, A, D, idx, val, chunk):
    """Fill y, shape (n, n_out), with what the network predicts for the rows of x.

    Few rows are taken by what is not zero in them, more of them as whole rows,
    `chunk` at a time.
    """
    L, n_in, flat = 64 // P.itemsize, x.shape[1], x.reshape(-1)
    for a in range(0, x.shape[0], chunk):
        n = min(chunk, x.shape[0] - a)
        for layer in range(len(table)):
            t = table[layer]
            width, part, o = t[WIDTH], t[PART], t[ROWS]
            for s in range(n):
                for j in range(0, width, L):
                    store(A, o + s * width + j, load(P, t[B] + j))
            if layer > 0:
                before = table[layer - 1]
                X, small = before[ROWS], before[WIDTH]
                product(
                    A, o, width, n, part, A, X, small, 1, P, t[W], width, t[N_IN], L
                )
            elif n >= 4:
                X = a * n_in
                product(A, o, width, n, part, flat, X, n_in, 1, P, t[W], width, n_in, L)
            else:
                for s in range(n):
                    count = 0
                    for j in range(n_in):
                        idx[count], val[count] = j, x[a + s, j]
                        count += x[a + s, j] != 0
                    y_s = o + s * width
                    gather(A, y_s, P, t[W], width, part, idx, 0, val, 0, count, L)
            activate(A, o, n * width, t[FUNCTION], alphas[layer])
        t = table[-1]
        compare(A, D, t[ROWS], t[N_OUT], t[WIDTH], kind, n)
        for s in range(n):
            for j in range(t[N_OUT]):
                y[a + s, j] = D[t[ROWS] + s * t[WIDTH] + j]
