"""The chain rule with numbers: every factor of every partial derivative.

With z_j = sum_k w_jk a_k + b_j and a_j = f(z_j), one layer at a time, L the last:

    dC/dw_jk(l) = dz_j/dw_jk . da_j/dz_j . dC/da_j  =  a_k(l-1) . f'(z_j) . dC/da_j
    dC/da_k(l-1) = sum over j of  dz_j/da_k . da_j/dz_j . dC/da_j

The products are computed once more on the host and compared with what
`Network.backward` returns: `Explanation.gap` is the largest difference.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .._lazy import load
from ..activations import ActivationFunction, get_activation
from ..backend import Array, HostArray, Params, namespace
from ..backend.classes import class_codes, read_labels
from ..backend.inputs import numeric_array
from ..errors import ConfigError
from ..io.messages import counted
from ..layers import Activation, Dense, Dropout
from ..losses import as_targets
from ..network import Network
from .explain_text import explained, show_explain

MOST_PARAMETERS = 150  # what a person reads; more is a wall of numbers


@dataclass(frozen=True, eq=False)
class LayerFactors:
    """One dense layer with its activation, for one example, on the host."""

    layer: int  # 1 for the first; layer 0 is the input
    name: str  # the tensors are params[f"{name}.W"] and params[f"{name}.b"]
    function: str  # the activation's name
    W: HostArray  # (n_in, n_out)
    b: HostArray  # (n_out,), as all that follow `before`
    before: HostArray  # (n_in,), a(l-1): what dz_j/dw_jk is
    z: HostArray
    a: HostArray
    slope: HostArray  # da_j/dz_j
    da: HostArray  # dC/da_j

    @property
    def dz(self) -> HostArray:
        """dC/dz_j = da_j/dz_j . dC/da_j, which is dC/db_j too."""
        return self.slope * self.da

    @property
    def dW(self) -> HostArray:
        """dC/dw_jk at [k, j] = a_k(l-1) . dC/dz_j."""
        return self.before[:, None] * self.dz

    @property
    def desired_changes(self) -> HostArray:
        """What each neuron j wants of a_k(l-1), at [k, j]: -w_jk dC/dz_j."""
        return -self.W * self.dz


@dataclass(frozen=True, eq=False)
class Explanation:
    """One example's way through a network and back."""

    layers: list[LayerFactors]  # the first layer first
    cost: float
    target: HostArray  # (n_out,)
    gap: float  # between a product of factors and the gradient of `Network.backward`
    loss: str  # its name

    def __str__(self) -> str:
        """Return every number in its formula; of a large network the largest dC/dw."""
        n = sum(layer.W.size + layer.b.size for layer in self.layers)
        if n <= MOST_PARAMETERS:
            return show_explain(explained(self))
        weights = []
        for layer in reversed(self.layers):
            k, j = divmod(int(np.argmax(np.abs(layer.dW))), len(layer.a))
            weights.append((layer.layer, j, k))
        text = show_explain(explained(self, weights))
        return f"{text}\n\nOf {n:,} derivatives, the largest ∂C₀/∂w of each layer."

    def __repr__(self) -> str:
        n = counted(len(self.layers), "layer")
        return f"Explanation({n}, cost {self.cost:.4g}, gap {self.gap:.1g})"

    def _repr_html_(self) -> str:
        return load("show.html").explanation(self)


def explain(net: Network, x: Any, t: Any) -> Explanation:
    """Return the factors of every partial derivative, for one example.

    Parameters
    ----------
    net : Network
        Dense layers and activations; Dropout passes everything, as in predicting.
    x : shape (n_in,)
        What `net.predict` takes.
    t : label, or target of shape (n_out,)
        One of the network's `classes`, where it has these.

    Returns
    -------
    explanation : Explanation, float64 whatever the network's dtype
        Printed, the forward pass and every derivative with its factors.

    Raises
    ------
    ConfigError
        A population, another kind of layer, an activation without a slope of
        its own (softmax, comparator), or x and t that do not fit.

    Examples
    --------
    >>> import gpunet
    >>> settings = {"loss": "squared_error", "weight_init": 1.0}
    >>> net = gpunet.mlp([2, 1], output="sigmoid", **settings)
    >>> explanation = explain(net, [0.5, -0.5], [1.0])
    >>> (last,) = explanation.layers
    >>> last.before.tolist(), last.slope.tolist(), last.da.tolist(), explanation.gap
    ([0.5, -0.5], [0.25], [-1.0], 0.0)
    >>> last.dW.tolist()
    [[-0.125], [0.125]]
    """
    functions = _functions(net)
    bk = net.backend
    layers: list[LayerFactors] = []
    gap = 0.0
    with bk.use():
        net, x, t = _example(net, x, t)
        outputs, caches = _outputs(net, x)
        target = as_targets(outputs[-1], t)
        dy = net.loss.cost_slope(outputs[-1], target)
        grads = net.backward(caches, dy)
        da = bk.to_host(dy)[0]
        for k, (i, j, f) in reversed([*enumerate(functions)]):
            assert f.slope is not None  # `_functions` refuses others
            W, b = (bk.to_host(net.params[f"{i}.{tensor}"]) for tensor in "Wb")
            rows = (caches[i], outputs[i], outputs[j], f.slope(outputs[i], outputs[j]))
            before, z, a, slope = (bk.to_host(row)[0] for row in rows)
            layer = LayerFactors(k + 1, str(i), f.name, W, b, before, z, a, slope, da)
            layers.insert(0, layer)
            for tensor, product in (("W", layer.dW), ("b", layer.dz)):
                difference = bk.to_host(grads[f"{i}.{tensor}"]) - product
                gap = max(gap, float(np.max(np.abs(difference))))
            da = W @ layer.dz  # the sum over j
        cost = float(bk.to_host(net.loss.cost(outputs[-1], target))[0])
        target = bk.to_host(target)[0]
        return Explanation(layers, cost, target, gap, net.loss.name)


def check_size(net: Network, most: int = MOST_PARAMETERS) -> None:
    """Refuse a network with more numbers than a person reads (ConfigError)."""
    if net.n_parameters > most:
        raise ConfigError(
            f"explain: network: has {net.n_parameters:,} weights and biases, and at "
            f"most {most} are explained in full; choose one `weight`, or use a "
            "smaller network"
        )


def three_ways(net: Network, x: Any, output: int) -> dict[str, HostArray]:
    """Return the three ways to raise output j: the slopes of a_j itself.

    "bias": da_j/db = f'(z_j), shape (); "weights": da_j/dw_k = f'(z_j) a_k, (n_in,),
    so the active inputs count most; "activations": da_j/da_k = f'(z_j) w_k, (n_in,),
    so the strong weights do. With "a" and "w", the inputs and the weights into j.
    """
    last = explain(net, x, 0 if net.n_out > 1 else [0.0]).layers[-1]
    if not 0 <= output < len(last.a):
        raise ConfigError(
            f"explain: output must be 0 to {len(last.a) - 1}, got {output}"
        )
    slope, w = last.slope[output], last.W[:, output]
    return {
        "bias": slope,
        "weights": slope * last.before,
        "activations": slope * w,
        "a": last.before,
        "w": w,
    }


def votes(net: Network, x: Any, t: Any) -> list[dict[str, HostArray]]:
    """Return each layer's votes: what its neurons want, minus the gradient.

    The words of Albahari's talk, for the half squared error. An output votes
    desired - output; through the activation the vote is multiplied by its
    slope; a hidden neuron's vote is the sum over the next layer of that layer's
    votes times the weights between.

    Returns
    -------
    votes : list of dict, the first layer first
        "output" and "input", shape (n,): votes after and before the activation;
        "W" and "b": the nudges input vote x input, and input vote.
    """
    explanation = explain(net, x, t)
    by_layer: list[dict[str, HostArray]] = []
    vote = explanation.target - explanation.layers[-1].a
    for layer in reversed(explanation.layers):
        inner = vote * layer.slope
        nudge = np.outer(layer.before, inner)
        by_layer.insert(0, {"output": vote, "input": inner, "W": nudge, "b": inner})
        vote = layer.W @ inner
    return by_layer


def _functions(net: Network) -> list[tuple[int, int, ActivationFunction]]:
    """Return (index of a dense layer, index of its activation, the function)."""
    if net.population:
        raise ConfigError(
            "explain: network: is a population; use one member, net.member(0)"
        )
    functions, others = [], []
    for i, layer in enumerate(net.layers):
        if isinstance(layer, Dense):
            functions.append((i, i, get_activation("identity")))
        elif (
            isinstance(layer, Activation)
            and functions
            and functions[-1][0] == functions[-1][1]
        ):
            functions[-1] = (functions[-1][0], i, layer.f)
        elif not isinstance(layer, Dropout):
            others.append(type(layer).__name__)
    for _, _, f in functions:
        if f.slope is None:
            reason = f"{f.name} mixes its inputs: no slope of one alone"
            reason = f.untrainable or reason
            raise ConfigError(f"explain: {reason}; choose another activation")
    if others or not functions:
        raise ConfigError(
            f"explain: layer: {others[0] if others else 'none'}: only dense layers, "
            "each with one activation, are explained; use such a network"
        )
    return functions


def _example(net: Network, x: Any, t: Any) -> tuple[Network, Array, Array]:
    """Return the network in float64, and the example as a batch of one."""
    bk, n_out = net.backend, net.n_out
    x = numeric_array(x, "explain", "x").astype(np.float64).ravel()
    if x.size != net.n_in:
        raise ConfigError(
            "explain: x must be one example of "
            f"{counted(net.n_in or 0, 'number')}, got {x.size}"
        )
    if not np.all(np.isfinite(x)):
        where = int(np.argmin(np.isfinite(x)))
        raise ConfigError(
            f"explain: x: number {where} is {x[where]}; replace it with a finite one"
        )
    t = read_labels(t, "explain").reshape(-1)
    if net.classes is not None and t.size == 1:
        t = class_codes(t, net.classes, "explain")
    t = numeric_array(t, "explain", "t")
    if n_out > 1 and t.size == 1 and t.dtype.kind in "iu":
        fits, t = 0 <= t[0] < n_out, t.astype(np.int64)
    else:
        t = t.astype(np.float64).reshape(1, -1)
        fits = t.size == n_out and bool(np.all(np.isfinite(t)))
    if not fits:
        raise ConfigError(
            f"explain: t must be a label below {n_out} or {n_out} numbers, those of "
            "the example"
        )
    params: Params = {
        name: namespace(p).astype(p, bk.dtype("float64"), copy=False)
        for name, p in net.params.items()
    }
    return net.with_params(params), bk.array(x[None, :]), bk.array(t)


def _outputs(net: Network, x: Array) -> tuple[list[Array], list[Any]]:
    """Return what each layer returns, and its cache."""
    outputs, caches = [], []
    for layer, params in zip(net.layers, net.params.by_layer, strict=True):
        x, cache = layer.forward(params, x)
        outputs.append(x)
        caches.append(cache)
    return outputs, caches
