"""Explain one example: forward, cost, and every derivative factor by factor.

The notation is 3Blue1Brown's; `print(gpunet.explain(net, x, t))` shows the same.
"""

import os
import re
from itertools import pairwise
from math import prod
from typing import Any

import numpy as np

from ... import checks
from ...blocks import mlp
from ...checks.explain import Explanation, LayerFactors, check_size
from ...checks.explain_text import explained
from ...checks.explain_text import show_explain as show_explain
from ...checks.gradcheck import check_gradients
from ...errors import ConfigError
from ...layers import Dense
from ...losses import one_hot
from ...network import Network
from ...random import host_rng
from ...runs.config import network_from_config
from ...runs.presets import PRESETS, preset
from ...storage import load_network
from ..by_hand.library import B, W, chain_network, two_two_one
from ..checks import Result, at_most, check_range, near
from ..digits.trained import digits

_MOST_BUILT = 5_000_000  # weights of a network made only to show one of them
_EXAMPLES = {"chain": ([0.6], [1.0]), "notes": ([-2.0, -1.0], [1.0])}


def explain(
    *,
    device: str = "cpu",
    seed: int = 0,
    network: str = "chain",
    activation: str = "sigmoid",
    example: int = 0,
    weight: str = "",
) -> Result:
    """Show the forward pass and every factor of every partial derivative.

    network: chain (1-1-1-1), notes (2-2-1), sizes such as 2-3-1, a preset, or a model
        file.
    activation: Of a network given by its sizes.
    example: Which example: of the test digits, or of random ones.
    weight: One weight as LAYER,J,K: into neuron J of that layer from neuron K of the
        layer before; for networks too large to see whole.
    """
    net = _network(network, activation, seed, device)
    if not weight:
        check_size(net)
    x, t = _EXAMPLES.get(network) or _example(net, example, seed)
    explanation = checks.explain(net, x, t)
    chosen = _parse_weight(explanation.layers, weight)
    return {
        "network": network,
        **explained(explanation, [chosen] if chosen else None),
        "checks": _checks(net, explanation, x, network),
    }


def _checks(net: Network, e: Explanation, x: Any, network: str) -> list[Result]:
    results = [at_most("products against back-propagation", e.gap, 1e-12)]
    if net.n_parameters <= 1000:
        rows = np.asarray(x, np.float64).reshape(1, -1)
        errors = [row.error for row in check_gradients(net, rows, e.target[None])]
        results.append(at_most("back-propagation against nudges", max(errors), 1e-7))
    first, last_dw = e.layers[0], e.layers[-1].dW[0, 0].item()
    if network == "chain":
        results += [
            near("the notes' cost", e.cost, 0.1419601169, 1e-10),
            near("dC/dw(3)", last_dw, -0.0710663793, 1e-10),
            near("dC/db(1)", first.dz[0].item(), 0.0204337699, 1e-10),
        ]
    if network == "notes":
        results += [
            near("the notes' loss", e.cost, 0.1102768980, 1e-10),
            near("dL/dw5", last_dw, -0.06268988, 1e-8),
            near("dL/dw1", first.dW[0, 0].item(), 0.03601173, 1e-8),
        ]
    return results


def _network(network: str, activation: str, seed: int, device: str) -> Network:
    """Return a network of the notes, of these sizes, of a preset, or of a file."""
    if network == "chain":
        return chain_network(device)
    if network == "notes":
        return two_two_one(W, B, device)
    if re.fullmatch(r"\d{1,9}([-,]\d{1,9})+", network):
        sizes = [int(n) for n in re.split("[-,]", network)]
        n = sum(prod(pair) for pair in pairwise(sizes))
        if n > _MOST_BUILT:
            raise ConfigError(
                f"explain: network: {network} has {n:,} weights, and at most "
                f"{_MOST_BUILT:,} are built to show one of them; use smaller sizes"
            )
        settings: Any = {"output": activation, "bias_init": "standard_normal"}
        settings |= {"loss": "squared_error", "dtype": "float64", "device": device}
        return mlp(sizes, activation, seed=seed, **settings)
    if network in PRESETS:
        return network_from_config(preset(network) | {"seed": seed}, device)
    if os.path.exists(network):
        return load_network(network, device)
    raise ConfigError(
        f"explain: network must be chain, notes, sizes such as 2-3-1, "
        f"{', '.join(PRESETS)}, or a model file, got {network[:60]!r}; choose one"
    )


def _example(net: Network, example: int, seed: int) -> tuple[Any, Any]:
    """Return a test digit for a network of 784 inputs, else random numbers."""
    dense = [layer for layer in net.layers if isinstance(layer, Dense)]
    if not dense:
        raise ConfigError("explain: network has no dense layer; use one that has")
    n_in, n_out = dense[0].n_in, dense[-1].n_out
    if (n_in, n_out) == (784, 10):
        test = digits()[1]
        check_range("example", example, 0, len(test) - 1)
        return test.x[example], int(test.t[example])
    rng = host_rng(seed, "check", example)
    drawn = rng.integers(0, max(n_out, 2), 1)
    target = one_hot(drawn, n_out, "float64")[0] if n_out > 1 else drawn.astype(float)
    return rng.random(n_in).round(2), target


def _parse_weight(
    layers: list[LayerFactors], weight: str
) -> tuple[int, int, int] | None:
    """Return (layer, j, k) of the one weight asked for, or None for all."""
    if not weight:
        return None
    target = "be LAYER,J,K, such as 2,0,1"
    if re.fullmatch(r"[0-9]+,[0-9]+,[0-9]+", weight):
        layer, j, k = map(int, weight.split(","))
        target = f"name a layer from 1 to {len(layers)}"
        if 1 <= layer <= len(layers):
            n_in, n_out = layers[layer - 1].W.shape
            if j < n_out and k < n_in:
                return layer, j, k
            limits = f"J from 0 to {n_out - 1} and K from 0 to {n_in - 1}"
            target = f"have {limits} in layer {layer}"
    raise ConfigError(f"explain: weight must {target}, got {weight[:40]!r}")
