"""Explain one example: forward, cost, and every derivative factor by factor.

The notation is the one of 3Blue1Brown's last chapter: the raised number in
brackets is the layer, j counts a layer's neurons from 0, k those of the layer
before; sigma is whatever activation the network has.
"""

import os
import re
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from ...blocks import mlp
from ...checks.explain import Explanation, LayerFactors, check_size
from ...checks.explain import explain as explained
from ...checks.gradcheck import check_gradients
from ...data import load_mnist
from ...errors import ConfigError
from ...losses import one_hot
from ...network import Network
from ...random import host_rng
from ...runs.config import network_from_config
from ...runs.presets import PRESETS, preset
from ...storage import load_network
from ..by_hand.library import CHAIN_B, CHAIN_W, B, W
from ..checks import at_most, near
from ..tools import network_from
from .explain_text import text

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("0123456789,", "₀₁₂₃₄₅₆₇₈₉,")
_SIGMOIDS = {"activation": "sigmoid", "output": "sigmoid", "loss": "squared_error"}
_MOST_BUILT = 5_000_000  # weights of a network made only to show one of them


def explain(
    *, device="cpu", seed=0, network="chain", activation="sigmoid", example=0, weight=""
) -> dict[str, Any]:
    """Show the forward pass and every factor of every partial derivative.

    Parameters
    ----------
    network : str
        chain (1-1-1-1), notes (2-2-1), sizes such as 2-3-1, a preset, or a
        model file.
    activation : str
        Of a network given by its sizes.
    example : int
        Which example: of the test digits, or of random ones.
    weight : str
        One weight as LAYER,J,K: into neuron J of that layer from neuron K of
        the layer before; for networks too large to see whole.
    """
    net, x, t = _pick(network, activation, example, seed, device, bool(weight))
    if not weight:
        check_size(net)
    one = explained(net, x, t)
    chosen = _chosen(one.layers, weight)
    name = _Names(all(len(layer.a) == 1 for layer in one.layers))
    result = {
        "network": network,
        "sizes": [len(one.layers[0].before), *(len(layer.a) for layer in one.layers)],
        "functions": [layer.function for layer in one.layers],
        "loss": net.loss.name,
        "y": one.target.tolist(),
        "cost": one.cost,
        "forward": [] if weight else _forward(one.layers, name),
        "backward": [
            _neuron(one.layers, layer, j, name, chosen)
            for layer in range(len(one.layers), 0, -1)
            for j in range(len(one.layers[layer - 1].a))
            if not chosen or chosen[:2] == (layer, j)
        ],
    }
    return result | {"checks": _checks(net, one, x, network)}


def _checks(net, one: Explanation, x, network) -> list[dict[str, Any]]:
    checks = [at_most("products against back-propagation", one.gap, 1e-12)]
    if net.n_parameters <= 1000:
        rows = np.asarray(x, np.float64).reshape(1, -1)
        worst = max(
            found.error for found in check_gradients(net, rows, one.target[None])
        )
        checks.append(at_most("back-propagation against nudges", worst, 1e-7))
    if network == "chain":
        w3, b1 = one.layers[2].dW[0, 0].item(), one.layers[0].dz[0].item()
        checks += [near("the notes' cost", one.cost, 0.1419601169, 1e-10)]
        checks += [near("dC/dw(3)", w3, -0.0710663793, 1e-10)]
        checks += [near("dC/db(1)", b1, 0.0204337699, 1e-10)]
    if network == "notes":
        w5, w1 = one.layers[1].dW[0, 0].item(), one.layers[0].dW[0, 0].item()
        checks += [near("the notes' loss", one.cost, 0.1102768980, 1e-10)]
        checks += [near("dL/dw5", w5, -0.06268988, 1e-8)]
        checks += [near("dL/dw1", w1, 0.03601173, 1e-8)]
    return checks


class _Names:
    """How the numbers are called; a chain of single neurons needs no j and k."""

    def __init__(self, chain: bool):
        self.chain = chain

    def __call__(self, letter: str, layer: int, *places: int) -> str:
        raised = "⁽" + str(layer).translate(_RAISED) + "⁾"
        wide = "," if any(p > 9 for p in places) else ""
        lowered = "" if self.chain else wide.join(map(str, places))
        return letter + raised + lowered.translate(_LOWERED)


def _pick(network, activation, example, seed, device, one_weight):
    """Return the network asked for, with one example of its size."""
    if network in ("chain", "notes"):
        return _known_network(network, device)
    if re.fullmatch(r"\d{1,9}([-,]\d{1,9})+", network):
        sizes = [int(n) for n in re.split("[-,]", network)]
        n = sum(prod(pair) for pair in pairwise(sizes))
        if n > _MOST_BUILT:
            raise ConfigError(
                f"explain: network: {network} has {n:,} weights, and at most "
                f"{_MOST_BUILT:,} are built to show one of them; take smaller sizes"
            )
        settings = _SIGMOIDS | {"activation": activation, "output": activation}
        settings |= {"bias_init": "standard_normal", "seed": seed, "dtype": "float64"}
        net = mlp(sizes, device=device, **settings)
    elif network in PRESETS:
        net = network_from_config(preset(network) | {"seed": seed}, device)
    elif os.path.exists(network):
        net = load_network(network, device)
    else:
        raise ConfigError(
            f"explain: network: {network[:60]!r} is none; choose chain, notes, sizes "
            f"such as 2-3-1, {', '.join(PRESETS)}, or a model file"
        )
    if not one_weight:
        check_size(net)
    return net, *_example(net, example, seed)


def _known_network(network, device):
    if network == "notes":
        params = {"0.W": [[W[0], W[2]], [W[1], W[3]]], "0.b": B[:2]}
        params |= {"2.W": [[W[4]], [W[5]]], "2.b": B[2:]}
        net = network_from([2, 2, 1], params, device=device, **_SIGMOIDS)
        return net, [-2.0, -1.0], [1.0]
    params = {}
    for k in range(3):
        params |= {f"{2 * k}.W": [[CHAIN_W[k]]], f"{2 * k}.b": [CHAIN_B[k]]}
    net = network_from([1, 1, 1, 1], params, device=device, **_SIGMOIDS)
    return net, [0.6], [1.0]


def _example(net: Network, example: int, seed: int):
    """Return a test digit for a network of 784 inputs, else random numbers."""
    layers = [layer for layer in net.layers if hasattr(layer, "n_out")]
    if not layers:
        raise ConfigError("explain: network: has no dense layer; take one that has")
    n_in, n_out = layers[0].n_in, layers[-1].n_out
    if (n_in, n_out) == (784, 10):
        test = load_mnist().test
        if example >= len(test):
            raise ConfigError(
                f"explain: example: {example}: expected 0 to {len(test) - 1:,}"
            )
        return test.x[example], int(test.t[example])
    rng = host_rng(seed, "check", example)
    target = rng.integers(0, 2, 1).astype(float)
    if n_out > 1:
        target = one_hot(rng.integers(0, n_out, 1), n_out, "float64")[0]
    return rng.random(n_in).round(2), target


def _chosen(layers: list[LayerFactors], weight: str) -> tuple[int, ...]:
    """Return (layer, j, k) of the one weight asked for, or () for all."""
    if not weight:
        return ()
    parts = weight.split(",")
    if len(parts) != 3 or not all(p.isascii() and p.isdigit() for p in parts):
        raise ConfigError(
            f"explain: weight: {weight[:40]!r}: expected LAYER,J,K, such as 2,0,1"
        )
    layer, j, k = map(int, parts)
    if not 1 <= layer <= len(layers):
        raise ConfigError(
            f"explain: weight: {weight[:40]}: expected a layer from 1 to {len(layers)}"
        )
    n_in, n_out = layers[layer - 1].W.shape
    if j >= n_out or k >= n_in:
        raise ConfigError(
            f"explain: weight: {weight[:40]}: layer {layer} has J from 0 to "
            f"{n_out - 1} and K from 0 to {n_in - 1}; choose one of them"
        )
    return layer, j, k


def _forward(layers: list[LayerFactors], name: "_Names") -> list[dict[str, Any]]:
    return [
        {
            "neuron": name("a", one.layer, j),
            "total": name("z", one.layer, j),
            "weights": one.W[:, j].tolist(),
            "inputs": one.before.tolist(),
            "bias": one.b[j].item(),
            "z": one.z[j].item(),
            "function": one.function,
            "a": one.a[j].item(),
        }
        for one in layers
        for j in range(len(one.a))
    ]


def _neuron(layers, layer: int, j: int, name: "_Names", chosen) -> dict[str, Any]:
    """Return where a neuron's dC/da comes from, and the derivatives it leads to."""
    own = layers[layer - 1]
    terms = []
    if layer < len(layers):
        above = layers[layer]
        factors = zip(above.W[j], above.slope, above.da, strict=True)
        terms = [
            {
                "w": name("w", layer + 1, i, j),
                "dz/da": w.item(),
                "da/dz": slope.item(),
                "dC/da": da.item(),
            }
            for i, (w, slope, da) in enumerate(factors)
        ]
    inputs = range(len(own.before)) if not chosen else chosen[2:]
    return {
        "neuron": name("a", layer, j),
        "a": own.a[j].item(),
        "terms": terms,
        "dC/da": own.da[j].item(),
        "da/dz": own.slope[j].item(),
        "weights": [
            {
                "of": name("w", layer, j, k),
                "dz/dw": own.before[k].item(),
                "dC/dw": own.before[k].item() * own.slope[j].item() * own.da[j].item(),
            }
            for k in inputs
        ],
        "bias": {"of": name("b", layer, j), "dC/db": own.dz[j].item()},
    }


def show_explain(result: dict[str, Any]) -> str:
    """Return what is printed."""
    return text(result)
