"""The backward pass of a batch, and the update of the parameters."""

from .first_layer import add_first_layer
from .forward import inputs
from .functions import ADAM, apply_gradient, slope
from .products import dot, product, rows_by_rows, rows_by_transposed, scatter
from .structs import ACTIVATION, N_OUT, ROWS, SPARSE, USED, WIDTH, B, W
from .vectors import load, madd, store


def pass_back(net, P, workspace, i, lo, hi, thread):
    """Fill the D of the layer before layer i from this layer's D and weights."""
    L = 64 // P.itemsize
    layer, before = net.layers[i], net.layers[i - 1]
    width, xi, used, w = layer[WIDTH], before[WIDTH], layer[USED], layer[W]
    kind, alpha = before[ACTIVATION], net.alphas[i - 1]
    D, A, mask = workspace.D, workspace.A, workspace.mask
    if not before[SPARSE]:
        y, d = before[ROWS] + lo * xi, layer[ROWS] + lo * width
        n, n_in, n_out = hi - lo, before[N_OUT], layer[N_OUT]
        if used > 4 * L or len(workspace.costs) < 8:
            rows_by_rows(D, y, xi, n, n_in, D, d, width, P, w, width, used, L)
        else:
            room = workspace.W_transposed[thread]
            rows_by_transposed(
                D, y, xi, n, n_in, before[USED], d, width, P, w, n_out, room, L
            )
    for s in range(lo, hi):
        d, o = layer[ROWS] + s * width, before[ROWS] + s * xi
        if before[SPARSE]:
            D[o : o + xi] = 0.0
            for k in range(workspace.counts[i - 1, s]):
                j = workspace.columns[o + k]
                back = dot(P, w + j * width, D, d, used, L)
                D[o + j] = back
        for j in range(o, o + before[USED], L):
            f = load(mask, j) * slope(load(A, j), kind, alpha)
            store(D, j, load(D, j) * f)


def add_gradients(net, examples, P, workspace, batch, fused, rate, l2, thread):
    """Add x^T d to the gradient, or straight to the parameters when `fused`.

    Each thread does so for its own rows of each W.
    """
    L = 64 // P.itemsize
    target = P if fused else workspace.G
    shrink = P.dtype.type(1.0) - rate * l2
    for i in range(len(net.layers)):
        layer, width = net.layers[i], net.layers[i, WIDTH]
        r0, r1 = workspace.bounds[i, thread], workspace.bounds[i, thread + 1]
        first, last = layer[W] + r0 * width, layer[W] + r1 * width
        if not fused:
            workspace.G[first:last] = 0.0
        elif l2 != 0:
            for j in range(first, last):
                P[j] *= shrink
        if i == 0:
            add_first_layer(
                examples, workspace, target, layer, batch, r0, r1, thread, L
            )
        else:
            add_layer(net, workspace, target, i, batch.size, r0, r1, L)
        if r0 == 0 and r1 > 0:
            if not fused:
                workspace.G[layer[B] : layer[B] + width] = 0.0
            for j in range(0, width, L):
                b = load(target, layer[B] + j)
                for s in range(batch.size):
                    b = madd(b, 1.0, load(workspace.D, layer[ROWS] + s * width + j))
                store(target, layer[B] + j, b)


def add_layer(net, workspace, target, i, n, r0, r1, L):
    """Add x^T d of layer i, which is not the first, to rows r0 to r1 - 1 of its W."""
    layer, before = net.layers[i], net.layers[i - 1]
    width, xi, used, D = layer[WIDTH], before[WIDTH], layer[USED], workspace.D
    if before[SPARSE]:
        idx, val, n_in = workspace.columns, workspace.values, before[N_OUT]
        for s in range(n):
            x, d, w = before[ROWS] + s * xi, layer[ROWS] + s * width, layer[W]
            count = workspace.counts[i - 1, s]
            scatter(
                target, w, width, used, idx, x, val, x, count, D, d, r0, r1, n_in, L
            )
        return
    y, x, d = layer[W] + r0 * width, inputs(net, workspace, i) + r0, layer[ROWS]
    product(target, y, width, r1 - r0, used, workspace.A, x, 1, xi, D, d, width, n, L)


def update(net, member, workspace, rate, l2, correction, thread):
    """Apply the gradient in G to a thread's rows of the parameters."""
    P, G, M, V = member.P, workspace.G, member.M, member.V
    kind, hyper, no_penalty = net.optimizer, member.hyper, P.dtype.type(0.0)
    down = -rate * correction if kind == ADAM else -rate
    for i in range(len(net.layers)):
        layer, width = net.layers[i], net.layers[i, WIDTH]
        r0, r1 = workspace.bounds[i, thread], workspace.bounds[i, thread + 1]
        o, n = layer[W] + r0 * width, (r1 - r0) * width
        apply_gradient(P, G, M, V, o, n, kind, down, hyper, l2)
        if r0 == 0 and r1 > 0:
            o = layer[B]
            apply_gradient(P, G, M, V, o, width, kind, down, hyper, no_penalty)
