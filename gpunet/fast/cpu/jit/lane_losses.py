"""The loss of a block of examples in lanes: see `lanes`, and `slopes` for one member.

Sums over outputs have the order of a single network's. Costs are float64.
"""

from .functions import BINARY, SOFTMAX, SQUARES, predictions, slope
from .power import logarithm, power
from .structs import ACTIVATION, N_OUT, ROWS
from .vectors import less, load, load_wide, store, zeros


def output_slopes(net, workspace):
    """Fill the last layer's D with factor * d cost / dz."""
    A, D, T, weights = workspace.A, workspace.D, workspace.T, workspace.weights
    layer, L = net.layers[-1], 64 // A.itemsize
    n, o, n_out = workspace.stride * L, layer[ROWS], layer[N_OUT]
    if net.loss == SOFTMAX:
        probabilities(A, D, o, n, n_out, L)
    else:
        predictions(A, D, o, n, n, net.loss, n_out)
    factor = load(workspace.slope_factors, 0)
    per_target = D.dtype.type(net.smoothing[0])
    offset = D.dtype.type(net.smoothing[1])
    kind, alpha = layer[ACTIVATION], net.alphas[-1]
    for j in range(n_out):
        t, y = j * n, o + j * n
        for i in range(0, n, L):
            d = load(D, y + i) - load(T, t + i) * per_target
            d = (d - offset) * (factor * load(weights, i))
            store(D, y + i, d * slope(load(A, y + i), kind, alpha))


def probabilities(A, D, o, n, n_out, L):
    """Fill the last layer's D with softmax of its A."""
    end = o + n_out * n
    for i in range(o, o + n, L):
        top, total = load(A, i), zeros(A)
        for y in range(i + n, end, n):
            top = less(top, load(A, y), load(A, y), top)
        for y in range(i, end, n):
            s, p = power(load(A, y) - top)
            e = s + s * p
            store(D, y, e)
            total = total + e
        for y in range(i, end, n):
            store(D, y, load(D, y) * (1.0 / total))


def add_scores(net, members, workspace, n):
    """Add what n examples cost each member, and how many it gets right."""
    layer, L = net.layers[-1], 64 // workspace.A.itemsize
    costs, loss, weights = workspace.costs, workspace.loss, workspace.weights
    add_costs(net, workspace, layer)
    for i in range(n * L):
        costs[i] = loss[i] * weights[i]
    total, right = load(members.loss, 0), zeros(costs)
    for s in range(n):
        total = total + load(costs, s * L)
    store(members.loss, 0, total)
    if net.has_accuracy:
        for s in range(n):
            right = right + is_best(net, workspace, layer, s * L)
        store(costs, 0, right)
        for lane in range(L):
            members.n_correct[lane] += int(costs[lane])


def is_best(net, workspace, layer, i):
    """Return 1.0 where outputs say the label: see `slopes.is_correct`."""
    A, label, n = workspace.A, load(workspace.labels, i), workspace.labels.size
    top, best = load(A, layer[ROWS] + i), zeros(A)
    if layer[N_OUT] == 1:
        best = less(top, 0.5 if net.loss == SQUARES else 0.0, 0.0, best + 1.0)
    for j in range(1, layer[N_OUT]):
        y = load(A, layer[ROWS] + j * n + i)
        best = less(top, y, j, best)
        top = less(top, y, y, top)
    return less(best, label, 0.0, less(label, best, 0.0, zeros(A) + 1.0))


def add_costs(net, workspace, layer):
    """Fill `loss` with what each example costs, as `functions.cost` does.

    For softmax and sigmoids `more` gets what a logarithm is to be added of.
    """
    A, T, loss, more = workspace.A, workspace.T, workspace.loss, workspace.more
    o, n, n_out = layer[ROWS], loss.size, layer[N_OUT]
    by, offset, kind = net.smoothing[0], net.smoothing[1], net.loss
    for i in range(0, n, 8):
        cost, product = zeros(loss), zeros(loss)
        if kind == SQUARES:
            for j in range(n_out):
                t = load_wide(T, j * n + i) * by + offset
                e = load_wide(A, o + j * n + i) - t
                cost = cost + e * e
            cost = cost * net.square_factor
        elif kind == BINARY:
            for j in range(n_out):
                t = load_wide(T, j * n + i) * by + offset
                y = load_wide(A, o + j * n + i)
                low = less(0.0, y, 0.0 - y, y)  # -|y|
                cost = cost + (less(0.0, y, y, 0.0) - y * t)
                s, p = power(low)
                e = s + s * p
                product = product + (e + product * e)
        store(loss, i, cost)
        store(more, i, product)
    if kind == BINARY:
        for i in range(n):
            loss[i] += logarithm(1.0, more[i])
    if kind == SOFTMAX:
        add_entropies(A, T, loss, more, o, n, n_out, by, offset)


def add_entropies(A, T, loss, more, o, n, n_out, by, offset):
    """Fill `loss` with the cross-entropy of softmax of each example."""
    for i in range(0, n, 8):
        top, total = load_wide(A, o + i), zeros(loss)
        for y in range(o + n + i, o + n_out * n, n):
            top = less(top, load_wide(A, y), load_wide(A, y), top)
        for y in range(o + i, o + n_out * n, n):
            s, p = power(load_wide(A, y) - top)
            total = total + (s + s * p)
        store(loss, i, top)
        store(more, i, total)
    for i in range(n):
        loss[i] += logarithm(more[i], 0.0)
    for i in range(0, n, 8):
        total, cost = load(loss, i), zeros(loss)
        for j in range(n_out):
            t = load_wide(T, j * n + i) * by + offset
            more_t = cost + t * (total - load_wide(A, o + j * n + i))
            # 0 x inf is NaN: a class of probability 0 costs nothing.
            cost = less(0.0, t, more_t, less(t, 0.0, more_t, cost))
        store(loss, i, cost)
