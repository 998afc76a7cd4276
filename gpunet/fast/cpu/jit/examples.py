"""The first layer, which reads the data: lists of what is not zero, or whole rows."""

from .products import find, gather, product, scatter
from .tables import N_IN, PART, ROWS, WIDTH, W
from .vectors import at, fetch, load, store


def first_layer(rows, P, work, t, mine, soon, lo, hi, L):
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
                P,
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


def whole_rows(rows, P, work, t, mine, lo, hi, L):
    """Add x W to the first layer's rows, of data that have few zeros."""
    n_in, width, wide = t[N_IN], t[WIDTH], work.X.shape[1]
    X = work.X.reshape(-1)
    for s in range(lo, hi):
        v = mine[s] * n_in
        for j in range(0, n_in - L + 1, L):
            store(X, s * wide + j, load(rows.val, v + j))
        for j in range(n_in - n_in % L, n_in):
            X[s * wide + j] = rows.val[v + j]
    y, x, n = t[ROWS] + lo * width, lo * wide, hi - lo
    part = t[PART]
    product(work.A, y, width, n, part, X, x, wide, 1, P, t[W], width, n_in, L)


def first_row(rows, row, n_in):
    """Return (i0, v0, count) of a row of the data."""
    if rows.start.size:
        return rows.start[row], rows.start[row], rows.start[row + 1] - rows.start[row]
    return 0, row * n_in, n_in


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


def list_rows(x, start, idx, val):
    """Make the lists of what is not zero in the rows of x; `start` is given."""
    for r in range(x.shape[0]):
        k = start[r]
        for j in range(x.shape[1]):
            if x[r, j] != 0:
                idx[k] = j
                val[k] = x[r, j]
                k += 1
