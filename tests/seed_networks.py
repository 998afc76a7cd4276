"""The seeds' networks by their own weights, their steps and differences."""

from math import exp

import numpy as np

from gpunet import SGD, Activation, Dense, Network
from gpunet.backend import open_backend

CPU = open_backend("cpu")


def sigma(z):
    """Return the logistic function of one float, as the seeds write it."""
    return 1 / (1 + exp(-z))


def network(weights, biases, loss_name="squared_error", function="sigmoid"):
    """Return a float64 network from the books' weights, one matrix for each layer."""
    layers = []
    for W, b in zip(weights, biases, strict=True):
        W, b = np.array(W), np.array(b)
        layers += [Dense(*W.shape, W, b), Activation(function)]
    return Network(layers, loss_name, dtype="float64")


def gradients(net, x, t):
    """Return output and gradients for one example."""
    y, caches = net.forward(np.array([x]))
    return y[0], net.backward(caches, net.loss.slope(y, np.array([t])))


def numeric(cost, p, h=1e-5):
    """Return central differences of a cost in every entry of p, changed in place."""
    found = np.zeros_like(p)
    for k in np.ndindex(p.shape):
        before = p[k]
        p[k] = before + h
        above = cost()
        p[k] = before - h
        found[k] = (above - cost()) / (2 * h)
        p[k] = before
    return found


def step(net, grads, rate):
    own = SGD(rate)
    own.start(net.params, CPU)
    own.step(net.params, grads)
