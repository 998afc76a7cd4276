"""The training steps of a group of members together: lane i of a vector is member i's.

Every number of the parameters, activations and slopes is a vector with one number of
each member, so nothing is padded and nothing is added up across lanes. A batch goes
through all layers in blocks of examples, which stay in the cache. Each number is
computed by the operations of `train_network` in their order: the bits are the same.

Example s of neuron j is at row + (j * stride + s) * L of A and D, which begin with the
examples themselves; Q is the gradient, or with plain SGD the next parameters.
"""

from .functions import ADAM, SGD, activate, apply_gradient, slope
from .lane_losses import add_scores, output_slopes
from .products import length
from .structs import ACTIVATION, N_IN, N_OUT, ROWS, WIDTH, B, W
from .vectors import at, fill, lane_tile, load, madd, store, transpose, zeros


def train_lanes(net, examples, members, workspace, span):
    """Take the steps of a span of as many members as a vector has lanes."""
    P, Q, swaps = members.P, workspace.Q, 0
    order, n_steps = span.order, span.corrections.size
    for k in range(n_steps):
        a = k * span.batch_size
        end = min(a + span.batch_size, order.shape[1])
        last = span.keep_norm and k == n_steps - 1
        fused = net.optimizer == SGD and not last
        set_factors(net, members, workspace, span, k, end - a, fused)
        start_sums(net, P, Q, workspace, fused)
        for s in range(a, end, workspace.block):
            n = min(workspace.block, end - s)
            read_examples(net, examples, workspace, order, s, n)
            forward(net, P, workspace, n)
            if net.compute_metrics:
                add_scores(net, members, workspace, n)
            output_slopes(net, workspace)
            for i in range(len(net.layers) - 1, 0, -1):
                pass_back(net, P, workspace, i, n)
            add_gradients(net, Q, workspace, n)
        if last:
            keep_norms(net, Q, members, workspace)
        if fused:
            P, Q, swaps = Q, P, swaps + 1
        else:
            update(net, P, Q, members, workspace)
    if swaps % 2 == 1:
        for j in range(0, P.size, 64 // P.itemsize):
            store(members.P, j, load(P, j))


def set_factors(net, members, workspace, span, k, n, fused):
    """Fill `slope_factors`, `shrink` and `down`, which the step's sums are moved by."""
    one, L = members.P.dtype.type(1.0), 64 // members.P.itemsize
    for i in range(L):
        rate, scale = span.rates[k, i], one / members.P.dtype.type(n)
        if fused:
            scale = -rate * scale
        workspace.slope_factors[i] = scale * net.slope_factor
        workspace.shrink[i] = one - rate * members.l2[i] if fused else one - one
        workspace.down[i] = -rate
        if net.optimizer == ADAM:
            workspace.down[i] = -rate * span.corrections[k]


def start_sums(net, P, Q, workspace, fused):
    """Fill Q with the weights, shrunk by their penalty, and biases; or with zeros."""
    L = 64 // P.itemsize
    shrink, none = load(workspace.shrink, 0), zeros(P)
    for i in range(len(net.layers)):
        w, b = net.layers[i, W], net.layers[i, B]
        for j in range(w, b, L):
            store(Q, j, madd(none, shrink, load(P, j)) if fused else none)
        for j in range(b, b + net.layers[i, WIDTH], L):
            store(Q, j, load(P, j) if fused else none)


def read_examples(net, examples, workspace, order, first, n):
    """Fill A's first rows, T, labels and weights with the members' next n examples."""
    A, n_in, starts = workspace.A, net.layers[0, N_IN], workspace.offsets
    L = 64 // A.itemsize
    stride, shared = workspace.stride * L, order.shape[0] == 1
    if net.labels:
        for i in range(0, workspace.T.size, L):
            store(workspace.T, i, zeros(A))
    for s in range(n):
        for i in range(L):
            row = order[0 if shared else i, first + s]
            starts[i] = row * n_in
            read_answer(net, examples, workspace, row, s * L + i, stride)
        if shared:
            for k in range(n_in):
                x = at(examples.values, starts[0] + k)
                store(A, k * stride + s * L, fill(A, x))
        elif n_in >= L:
            for k in range(0, n_in, L):
                j = min(k, n_in - L)
                transpose(A, j * stride + s * L, stride, examples.values, starts, j)
        else:
            for k in range(n_in):
                for i in range(L):
                    x = at(examples.values, starts[i] + k)
                    A[k * stride + s * L + i] = x


def read_answer(net, examples, workspace, row, o, stride):
    """Put the answer to an example, and its weight, at o."""
    T, label = workspace.T, workspace.labels
    if net.labels:
        label[o] = examples.labels[row]
        T[examples.labels[row] * stride + o] = 1.0
    else:
        for j in range(net.layers[-1, N_OUT]):
            T[j * stride + o] = examples.targets[row, j]
        label[o] = int(T[o])
    if examples.weight.size:
        workspace.weights[o] = examples.weight[row]


def forward(net, P, workspace, n):
    """Fill A with every layer's activations."""
    A, L, x = workspace.A, 64 // P.itemsize, 0
    stride = workspace.stride * L
    for i in range(len(net.layers)):
        layer = net.layers[i]
        n_in, n_out, width = layer[N_IN], layer[N_OUT], layer[WIDTH]
        j = 0
        while j < n_out:  # what a few columns leave is in the nearest cache
            some, y = few(n_out - j), layer[ROWS] + j * stride
            b, w = layer[B] + j * L, layer[W] + j * L
            columns(
                *(A, y, L, stride, P, b, 0, L, n, some),
                *(A, x, L, stride, P, w, width, L, n_in),
            )
            activate(A, y, some * stride, layer[ACTIVATION], net.alphas[i])
            j += some
        x = layer[ROWS]


def pass_back(net, P, workspace, i, n):
    """Fill the D of the layer before layer i from this layer's D and weights."""
    A, D, zero, L = workspace.A, workspace.D, workspace.nothing, 64 // P.itemsize
    layer, before, stride = net.layers[i], net.layers[i - 1], workspace.stride * L
    n_in, n_out, width, d = layer[N_IN], layer[N_OUT], layer[WIDTH], layer[ROWS]
    j = 0
    while j < n_in:
        some, x, w = few(n_in - j), before[ROWS] + j * stride, layer[W] + j * width
        columns(
            *(D, x, L, stride, zero, 0, 0, 0, n, some),
            *(D, d, L, stride, P, w, L, width, n_out),
        )
        for k in range(x, x + some * stride, L):
            f = slope(load(A, k), before[ACTIVATION], net.alphas[i - 1])
            store(D, k, load(D, k) * f)
        j += some


def add_gradients(net, Q, workspace, n):
    """Add x^T d of every layer to Q."""
    A, D, L, x = workspace.A, workspace.D, 64 // Q.itemsize, 0
    stride = workspace.stride * L
    for i in range(len(net.layers)):
        layer = net.layers[i]
        n_in, n_out, width = layer[N_IN], layer[N_OUT], layer[WIDTH]
        j = 0
        while j < n_out:
            some, d = few(n_out - j), layer[ROWS] + j * stride
            w = layer[W] + j * L
            columns(
                *(Q, w, width, L, Q, w, width, L, n_in, some),
                *(A, x, stride, L, D, d, L, stride, n),
            )
            for k in range(some):
                o = layer[B] + (j + k) * L
                b = load(Q, o)
                for s in range(n):
                    b = madd(b, 1.0, load(D, d + k * stride + s * L))
                store(Q, o, b)
            j += some
        x = layer[ROWS]


def update(net, P, G, members, workspace):
    """Apply the gradient."""
    L, M, V, h = 64 // P.itemsize, members.M, members.V, members.hyper
    hyper = load(h, 0), load(h, L), load(h, 2 * L), load(h, 3 * L), load(h, 4 * L)
    down, l2, kind = load(workspace.down, 0), load(members.l2, 0), net.optimizer
    for i in range(len(net.layers)):
        w, b, width = net.layers[i, W], net.layers[i, B], net.layers[i, WIDTH]
        apply_gradient(P, G, M, V, w, b - w, kind, down, hyper, l2)
        apply_gradient(P, G, M, V, b, width, kind, down, hyper, zeros(P))


def keep_norms(net, G, members, workspace):
    """Keep the length of each member's gradient, summed as `train_network` does."""
    flat, rows, L = workspace.flat, workspace.rows, 64 // G.itemsize
    for lane in range(L):
        for i in range(len(rows)):
            layer = net.layers[i]
            for k in range(layer[N_IN] + 1):
                a, b = layer[W] + k * layer[WIDTH], rows[i, W] + k * rows[i, WIDTH]
                for j in range(layer[N_OUT]):
                    flat[b + j] = G[a + j * L + lane]
        members.grad_norm[lane] = length(flat)


def few(n):
    """Return how many of n rows or columns a tile takes."""
    return 4 if n >= 4 else 2 if n >= 2 else 1


def columns(out, o, so, sj, B, b, bi, bj, rows, n, X, x, xi, xk, M, m, mk, mj, count):
    """Put B + X M into a (rows, n) matrix of vectors: see `vectors.lane_tile`."""
    i = 0
    while i < rows:
        height = few(rows - i) if n > 1 or rows - i >= 4 else 1
        p, q, r = o + i * so, b + i * bi, x + i * xi
        shape = 10 * height + n
        if shape == 44:
            lane_tile(
                4, 4, out, p, so, sj, B, q, bi, bj, X, r, xi, xk, M, m, mk, mj, count
            )
        elif shape == 42:
            lane_tile(
                4, 2, out, p, so, sj, B, q, bi, bj, X, r, xi, xk, M, m, mk, mj, count
            )
        elif shape == 41:
            lane_tile(
                4, 1, out, p, so, sj, B, q, bi, bj, X, r, xi, xk, M, m, mk, mj, count
            )
        elif shape == 24:
            lane_tile(
                2, 4, out, p, so, sj, B, q, bi, bj, X, r, xi, xk, M, m, mk, mj, count
            )
        elif shape == 14:
            lane_tile(
                1, 4, out, p, so, sj, B, q, bi, bj, X, r, xi, xk, M, m, mk, mj, count
            )
        elif shape == 22:
            lane_tile(
                2, 2, out, p, so, sj, B, q, bi, bj, X, r, xi, xk, M, m, mk, mj, count
            )
        elif shape == 12:
            lane_tile(
                1, 2, out, p, so, sj, B, q, bi, bj, X, r, xi, xk, M, m, mk, mj, count
            )
        else:
            lane_tile(
                1, 1, out, p, so, sj, B, q, bi, bj, X, r, xi, xk, M, m, mk, mj, count
            )
        i += height
