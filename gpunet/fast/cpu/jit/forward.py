"""The forward pass of a batch, in training and in prediction."""

from .dropout import keep_some
from .first_layer import add_sparse_rows, add_whole_rows
from .functions import RELU, activate, predictions
from .products import gather, product
from .structs import ACTIVATION, DRAWS, N_IN, N_OUT, ROWS, SPARSE, USED, WIDTH, B, W
from .vectors import load, store


def forward(net, examples, member, workspace, span, batch, upcoming, k, lo, hi):
    """Fill A with every layer's activations of the examples lo to hi - 1."""
    P, A = member.P, workspace.A
    L = 64 // P.itemsize
    for i in range(len(net.layers)):
        layer = net.layers[i]
        width, used, o = layer[WIDTH], layer[USED], layer[ROWS]
        for s in range(lo, hi):
            for j in range(0, width, L):
                store(A, o + s * width + j, load(P, layer[B] + j))
        if i == 0 and workspace.X.size:
            add_whole_rows(examples, P, workspace, layer, batch, lo, hi, L)
        elif i == 0:
            add_sparse_rows(examples, P, workspace, layer, batch, upcoming, lo, hi, L)
        else:
            before = net.layers[i - 1]
            xi = before[WIDTH]
            if before[SPARSE]:
                idx, val = workspace.columns, workspace.values
                for s in range(lo, hi):
                    y, x = o + s * width, before[ROWS] + s * xi
                    count = workspace.counts[i - 1, s]
                    gather(A, y, P, layer[W], width, used, idx, x, val, x, count, L)
            else:
                y, n, n_in = o + lo * width, hi - lo, layer[N_IN]
                x = inputs(net, workspace, i) + lo * xi
                product(A, y, width, n, used, A, x, xi, 1, P, layer[W], width, n_in, L)
        a, n = o + lo * width, (hi - lo) * width
        activate(A, a, n, layer[ACTIVATION], net.alphas[i])
        if i < len(net.layers) - 1 and (layer[SPARSE] or net.dropout[i] > 0):
            drop_out(net, workspace, i, batch.size, lo, hi, member.dropout_key, span, k)


def drop_out(net, workspace, i, n, lo, hi, key, span, k):
    """Fill `values` with what the layer after layer i reads, as lists or whole."""
    layer, rate = net.layers[i], net.dropout[i]
    width, n_out, relu = layer[WIDTH], layer[N_OUT], layer[ACTIVATION] == RELU
    A, values = workspace.A, workspace.values
    columns, mask = workspace.columns, workspace.mask
    for s in range(lo, hi):
        o, count = layer[ROWS] + s * width, 0
        if rate > 0:
            first, step = n * layer[DRAWS] + s * n_out, span.first_step + k
            keep_some(mask, o, n_out, key, span.epoch, step, first, rate)
        if layer[SPARSE]:
            for j in range(n_out):
                a, f = A[o + j], mask[o + j]
                columns[o + count] = j
                values[o + count] = a * f
                # NaN is passed on; a silent neuron has neither output nor slope.
                count += f != 0 and not (relu and a <= 0)
            workspace.counts[i, s] = count
        else:
            for j in range(o, o + n_out):
                values[j] = A[j] * mask[j]


def inputs(net, workspace, i):
    """Return where in A layer i reads what the layer before puts out whole."""
    values = workspace.A.size // 2 if net.dropout[i - 1] > 0 else 0
    return net.layers[i - 1, ROWS] + values


def predict(layers, alphas, loss, P, x, y, A, D, columns, values, chunk):
    """Fill y, shape (n, n_out), with what the network predicts for the rows of x.

    Few rows are read by what is not zero in them, more of them as whole rows,
    `chunk` at a time.
    """
    L, n_in, flat = 64 // P.itemsize, x.shape[1], x.reshape(-1)
    for a in range(0, x.shape[0], chunk):
        n = min(chunk, x.shape[0] - a)
        for i in range(len(layers)):
            layer = layers[i]
            width, used, o, w = layer[WIDTH], layer[USED], layer[ROWS], layer[W]
            for s in range(n):
                for j in range(0, width, L):
                    store(A, o + s * width + j, load(P, layer[B] + j))
            if i > 0:
                x0, xi = layers[i - 1, ROWS], layers[i - 1, WIDTH]
                k = layer[N_IN]
                product(A, o, width, n, used, A, x0, xi, 1, P, w, width, k, L)
            elif n >= 4:
                x0 = a * n_in
                product(A, o, width, n, used, flat, x0, n_in, 1, P, w, width, n_in, L)
            else:
                for s in range(n):
                    count, o_s = 0, o + s * width
                    for j in range(n_in):
                        columns[count], values[count] = j, x[a + s, j]
                        count += x[a + s, j] != 0
                    gather(A, o_s, P, w, width, used, columns, 0, values, 0, count, L)
            activate(A, o, n * width, layer[ACTIVATION], alphas[i])
        layer = layers[-1]
        predictions(A, D, layer[ROWS], layer[N_OUT], layer[WIDTH], loss, n)
        for s in range(n):
            for j in range(layer[N_OUT]):
                y[a + s, j] = D[layer[ROWS] + s * layer[WIDTH] + j]
