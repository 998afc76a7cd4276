"""The loss of a batch: what each example costs, and the slope at the outputs."""

import numpy as np

from .functions import (
    SOFTMAX,
    SQUARES,
    clipped_cost,
    clipped_log,
    cost,
    log_sum,
    predictions,
    slope,
)
from .structs import ACTIVATION, N_OUT, ROWS, WIDTH
from .vectors import load, store


def output_slopes(net, examples, workspace, thread, batch, scale, lo, hi):
    """Fill the last layer's D with scale * d cost / dz, for examples lo to hi - 1."""
    layer, A, D = net.layers[-1], workspace.A, workspace.D
    n_out, width, o = layer[N_OUT], layer[WIDTH], layer[ROWS]
    predictions(A, D, o + lo * width, n_out, width, net.loss, hi - lo)
    if net.compute_metrics:
        score(net, examples, workspace, thread, batch, lo, hi)
    per_target = D.dtype.type(net.smoothing[0])
    offset = D.dtype.type(net.smoothing[1])
    L = 64 // D.itemsize
    for s in range(lo, hi):
        r, row = o + s * width, batch[s]
        weight = examples.weight[row] if examples.weight.size else A.dtype.type(1.0)
        factor = D.dtype.type(scale * net.slope_factor) * weight
        if net.labels:
            D[r + examples.labels[row]] -= per_target
        else:
            for j in range(n_out):
                D[r + j] -= per_target * examples.targets[row, j]
        for j in range(r, r + width, L):
            d = (load(D, j) - offset) * factor
            store(D, j, d * slope(load(A, j), layer[ACTIVATION], net.alphas[-1]))
        for j in range(r + n_out, r + width):
            D[j] = 0.0


def score(net, examples, workspace, thread, batch, lo, hi):
    """Fill `costs` and `correct` of examples lo to hi - 1; D holds predictions."""
    layer, A, D = net.layers[-1], workspace.A, workspace.D
    n_out, width = layer[N_OUT], layer[WIDTH]
    targets, powers = workspace.targets[thread, 0], workspace.targets[thread, 1]
    threshold = 0.5 if net.loss == SQUARES else 0.0
    entropy = net.loss == SOFTMAX and net.labels and net.smoothing[1] == 0
    for s in range(lo, hi):
        r, row = layer[ROWS] + s * width, batch[s]
        weight = examples.weight[row] if examples.weight.size else A.dtype.type(1.0)
        if net.clip > 0 and net.labels:
            loss = clipped_log(D[r + examples.labels[row]], net.clip)
        elif net.clip > 0:
            loss = clipped_cost(examples.targets, row, D, r, n_out, net.clip)
        elif entropy:
            y = A[r + examples.labels[row]]
            loss = net.smoothing[0] * (log_sum(A, powers, r, n_out) - y)
        else:
            for j in range(n_out):
                target = examples.targets[row, j] if not net.labels else 0.0
                targets[j] = net.smoothing[0] * target + net.smoothing[1]
            if net.labels:
                targets[examples.labels[row]] += net.smoothing[0]
            loss = cost(A, targets, powers, r, n_out, net.loss, net.square_factor)
        workspace.costs[s] = loss * weight
        if net.has_accuracy:
            if net.labels:
                label = examples.labels[row]
            else:
                label = np.int64(examples.targets[row, 0])
            workspace.correct[s] = is_correct(A, r, n_out, threshold, label)


def add_scores(member, workspace, n):
    """Add what n examples cost and how many are right, in their order."""
    for s in range(n):
        member.loss[0] += workspace.costs[s]
        member.n_correct[0] += workspace.correct[s]


def is_correct(A, r, n_out, threshold, label):
    """Return whether the outputs A[r : r + n_out] say the example's label.

    A single output says 1 from `threshold` on.
    """
    if n_out == 1:
        return label == (1 if A[r] >= threshold else 0)
    best = 0
    for j in range(1, n_out):
        if A[r + j] > A[r + best] or np.isnan(A[r + j]):
            best = j
            if np.isnan(A[r + j]):
                break
    return label == best
