"""The first layer, which reads the data: lists of what is not zero, or whole rows."""

from .products import find, gather, product, scatter
from .structs import N_IN, ROWS, USED, WIDTH, W
from .vectors import at, fetch, load, store


def add_sparse_rows(examples, P, workspace, layer, batch, upcoming, lo, hi, L):
    """Add x W to the first layer's rows, and prefetch the next batch's examples."""
    values, columns, A = examples.values, examples.columns, workspace.A
    width, used, line = layer[WIDTH], layer[USED], 64 // values.itemsize
    step = 4 * L if used % (4 * L) == 0 else used
    for j in range(0, used, step):
        for s in range(lo, hi):
            i0, v0, n = row_of(examples, batch[s], layer[N_IN])
            y, w = layer[ROWS] + s * width + j, layer[W] + j
            gather(A, y, P, w, width, step, columns, i0, values, v0, n, L)
            # Examples are far apart in memory: four ahead is soon enough.
            ahead = s + 4 if s + 4 < hi else s + 4 - hi + lo + batch.size
            if j == 0 and ahead < batch.size + upcoming.size:
                row = batch[ahead] if ahead < hi else upcoming[ahead - batch.size]
                i0, v0, n = row_of(examples, row, layer[N_IN])
                for k in range(0, n, line):
                    fetch(values, v0 + k)
                if examples.starts.size:
                    for k in range(0, n, 64 // columns.itemsize):
                        fetch(columns, i0 + k)


def add_whole_rows(examples, P, workspace, layer, batch, lo, hi, L):
    """Add x W to the first layer's rows, of data that have few zeros."""
    n_in, width, used = layer[N_IN], layer[WIDTH], layer[USED]
    xi = workspace.X.shape[1]
    X = workspace.X.reshape(-1)
    for s in range(lo, hi):
        v = batch[s] * n_in
        for j in range(0, n_in - L + 1, L):
            store(X, s * xi + j, load(examples.values, v + j))
        for j in range(n_in - n_in % L, n_in):
            X[s * xi + j] = examples.values[v + j]
    y, x, n, w = layer[ROWS] + lo * width, lo * xi, hi - lo, layer[W]
    product(workspace.A, y, width, n, used, X, x, xi, 1, P, w, width, n_in, L)


def row_of(examples, row, n_in):
    """Return (i0, v0, count): where a row's columns and values begin, and how many."""
    starts = examples.starts
    if starts.size:
        return starts[row], starts[row], starts[row + 1] - starts[row]
    return 0, row * n_in, n_in


def add_first_layer(examples, workspace, target, layer, batch, r0, r1, thread, L):
    """Add x^T d of the first layer to rows r0 to r1 - 1 of its W."""
    n_in, width, used, w = layer[N_IN], layer[WIDTH], layer[USED], layer[W]
    D, d, n = workspace.D, layer[ROWS], batch.size
    if workspace.X.size:
        xi, y, X = workspace.X.shape[1], w + r0 * width, workspace.X.reshape(-1)
        product(target, y, width, r1 - r0, used, X, r0, 1, xi, D, d, width, n, L)
        return
    if workspace.column_values.size:
        list_columns(examples, workspace, batch, r0, r1, n_in, thread)
        idx, val = workspace.column_examples, workspace.column_values
        for j in range(0, used, 4 * L):
            for i in range(r0, r1):
                a, y = workspace.column_starts[i], w + i * width + j
                count = workspace.column_ends[thread, i] - a
                gather(target, y, D, d + j, width, 4 * L, idx, a, val, a, count, L)
        return
    idx, val = examples.columns, examples.values
    for s in range(n):
        i0, v0, count = row_of(examples, batch[s], n_in)
        x = d + s * width
        scatter(target, w, width, used, idx, i0, val, v0, count, D, x, r0, r1, n_in, L)


def list_columns(examples, workspace, batch, r0, r1, n_in, thread):
    """Make lists of the batch's columns r0 to r1 - 1: the examples not zero in each.

    Column i has column_values[column_starts[i] : column_ends[thread, i]], of the
    examples column_examples[...]. Each thread's columns have their own stretch.
    """
    columns, ends = examples.columns, workspace.column_ends[thread]
    bounds = workspace.column_bounds[thread]
    for i in range(r0, r1):
        ends[i] = 0
    for s in range(batch.size):
        i0, _, count = row_of(examples, batch[s], n_in)
        a = find(columns, i0, count, r0) if r0 > 0 else 0
        b = find(columns, i0, count, r1) if r1 < n_in else count
        bounds[2 * s], bounds[2 * s + 1] = i0 + a, i0 + b
        for k in range(i0 + a, i0 + b):
            ends[at(columns, k)] += 1
    start = thread * workspace.column_values.size // len(workspace.column_ends)
    for i in range(r0, r1):
        workspace.column_starts[i] = start
        n, ends[i] = ends[i], start
        start += n
    for s in range(batch.size):
        for k in range(bounds[2 * s], bounds[2 * s + 1]):
            i = at(columns, k)
            p = ends[i]
            workspace.column_examples[p] = s
            workspace.column_values[p] = at(examples.values, k)
            ends[i] = p + 1
