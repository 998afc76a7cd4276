"""The chain rule with numbers: every factor of every partial derivative.

Back-propagation multiplies a few numbers per weight; here they are, for one
example, under the names of the notes. With z_j = sum_k w_jk a_k + b_j and
a_j = f(z_j), one layer at a time, L the last:

    dC/dw_jk(l) = dz_j/dw_jk . da_j/dz_j . dC/da_j  =  a_k(l-1) . f'(z_j) . dC/da_j
    dC/da_k(l-1) = sum over j of  dz_j/da_k . da_j/dz_j . dC/da_j

The products are taken here once more, on the host, and compared with what
`Network.backward` gives: `Explanation.gap` is how far they are apart.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..activations import get_activation
from ..backend import HostArray, namespace
from ..errors import ConfigError
from ..layers import Activation, Dense, Dropout
from ..losses import as_targets
from ..network import Network

MOST_PARAMETERS = 150  # what a person reads; more is a wall of numbers


@dataclass(frozen=True, eq=False)
class LayerFactors:
    """One dense layer with its activation, for one example, on the host.

    Attributes
    ----------
    layer : int
        1 for the first; layer 0 is the input.
    name : str
        The tensors are params[f"{name}.W"] and params[f"{name}.b"].
    function : str
        The activation's name.
    W, b : arrays, shapes (n_in, n_out) and (n_out,)
    before : array, shape (n_in,)
        a(l-1): what dz_j/dw_jk is.
    z, a : arrays, shape (n_out,)
    slope : array, shape (n_out,)
        da_j/dz_j.
    da : array, shape (n_out,)
        dC/da_j.
    """

    layer: int
    name: str
    function: str
    W: HostArray
    b: HostArray
    before: HostArray
    z: HostArray
    a: HostArray
    slope: HostArray
    da: HostArray

    @property
    def dz(self) -> HostArray:
        """dC/dz_j = da_j/dz_j . dC/da_j, which is dC/db_j too."""
        return self.slope * self.da

    @property
    def dW(self) -> HostArray:
        """dC/dw_jk at [k, j] = a_k(l-1) . dC/dz_j."""
        return self.before[:, None] * self.dz

    @property
    def wishes(self) -> HostArray:
        """What each neuron j wants of a_k(l-1), at [k, j]: -w_jk dC/dz_j."""
        return -self.W * self.dz


@dataclass(frozen=True, eq=False)
class Explanation:
    """One example's way through a network and back.

    Attributes
    ----------
    layers : list of LayerFactors, the first layer first
    cost : float
    target : array, shape (n_out,)
    gap : float
        Largest difference between a product of factors and the gradient of
        `Network.backward`.
    """

    layers: list[LayerFactors]
    cost: float
    target: HostArray
    gap: float


def explain(net: Network, x: Any, t: Any) -> Explanation:
    """Return the factors of every partial derivative, for one example.

    Parameters
    ----------
    net : Network
        Dense layers and activations; Dropout passes everything, as in predicting.
    x : host array or list, shape (n_in,)
    t : int or host array, shape (n_out,)
        Label or target.

    Returns
    -------
    explanation : Explanation, float64 whatever the network's dtype

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
    >>> one = explain(net, [0.5, -0.5], [1.0])
    >>> (last,) = one.layers
    >>> last.before.tolist(), last.slope.tolist(), last.da.tolist(), one.gap
    ([0.5, -0.5], [0.25], [-1.0], 0.0)
    >>> last.dW.tolist()
    [[-0.125], [0.125]]
    """
    functions = _functions(net)
    bk = net.backend
    with bk.use():
        net, x, t = _example(net, x, t)
        outs, caches = _outputs(net, x)
        y = outs[-1]
        target = as_targets(y, t)
        dy = net.loss.cost_slope(y, target)
        grads = net.backward(caches, dy)
        cost = float(bk.to_host(net.loss.cost(y, target))[0])
        slopes = [f.slope(outs[i], outs[j]) for i, j, f in functions]
    da, layers = bk.to_host(dy)[0], []
    for k in range(len(functions) - 1, -1, -1):
        i, j, f = functions[k]
        values = (net.params[f"{i}.W"], net.params[f"{i}.b"], caches[i])
        W, b, before = map(bk.to_host, values)
        z, a, slope = (bk.to_host(v)[0] for v in (outs[i], outs[j], slopes[k]))
        layers.insert(
            0, LayerFactors(k + 1, str(i), f.name, W, b, before[0], z, a, slope, da)
        )
        da = W @ layers[0].dz  # the sum over j
    return Explanation(layers, cost, bk.to_host(target)[0], _gap(layers, grads, bk))


def _gap(layers, grads, bk) -> float:
    return max(
        float(np.max(np.abs(bk.to_host(grads[f"{one.name}.{tensor}"]) - product)))
        for one in layers
        for tensor, product in (("W", one.dW), ("b", one.dz))
    )


def check_size(net: Network, most: int = MOST_PARAMETERS) -> None:
    """Refuse a network with more numbers than a person reads (ConfigError)."""
    if net.n_parameters > most:
        raise ConfigError(
            f"explain: network: has {net.n_parameters:,} weights and biases, and at "
            f"most {most} are explained in full; choose one `weight`, or use a "
            "smaller network"
        )


def three_ways(net: Network, x: Any, output: int) -> dict[str, HostArray]:
    """Return the three ways to raise one output: the slopes of a_j itself.

    da_j/db = f'(z_j); da_j/dw_k = f'(z_j) a_k, so the active inputs count most;
    da_j/da_k = f'(z_j) w_k, so the strong weights do.

    Parameters
    ----------
    net, x
        As for `explain`.
    output : int
        j, the output to raise.

    Returns
    -------
    ways : dict
        "bias", "weights", "activations": shapes (), (n_in,), (n_in,) of the
        last layer; with "a" and "w", its inputs and the weights into j.
    """
    last = explain(net, x, 0 if _width(net) > 1 else [0.0]).layers[-1]
    if not 0 <= output < len(last.a):
        raise ConfigError(
            f"explain: output: {output}: expected 0 to {len(last.a) - 1}; name one"
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
    one = explain(net, x, t)
    found: list[dict[str, HostArray]] = []
    vote = one.target - one.layers[-1].a
    for layer in reversed(one.layers):
        inner = vote * layer.slope
        nudge = np.outer(layer.before, inner)
        found.insert(0, {"output": vote, "input": inner, "W": nudge, "b": inner})
        vote = layer.W @ inner
    return found


def _functions(net: Network) -> list[tuple[int, int, Any]]:
    """Return (place of a dense layer, place of its activation, function)."""
    if net.population:
        raise ConfigError(
            "explain: network: is a population; take one with net.member(0)"
        )
    found, kept = [], []
    for i, layer in enumerate(net.layers):
        if isinstance(layer, Dense):
            found.append((i, i, get_activation("identity")))
        elif isinstance(layer, Activation) and found and found[-1][1] == found[-1][0]:
            found[-1] = (found[-1][0], i, get_activation(layer.function))
        elif not isinstance(layer, Dropout):
            kept.append(type(layer).__name__)
    for _, _, f in found:
        if f.slope is None:
            why = f.untrainable or f"{f.name} mixes its inputs: no slope of one alone"
            raise ConfigError(f"explain: {why}; choose another activation")
    if kept or not found:
        raise ConfigError(
            f"explain: layer: {kept[0] if kept else 'none'}: only dense layers, each "
            "with one activation, are explained; take such a network"
        )
    return found


def _width(net: Network) -> int:
    return [layer.n_out for layer in net.layers if isinstance(layer, Dense)][-1]


def _example(net: Network, x: Any, t: Any) -> tuple[Network, Any, Any]:
    """Return the network in float64, and the example as a batch of one."""
    bk, n_out = net.backend, _width(net)
    n_in = next(layer.n_in for layer in net.layers if isinstance(layer, Dense))
    x = np.asarray(x, np.float64).ravel()
    if x.size != n_in:
        raise ConfigError(
            f"explain: x: expected {n_in} numbers, got {x.size}; give one example"
        )
    whole = isinstance(t, int | np.integer)
    if whole and n_out > 1:
        fits, t = 0 <= t < n_out, np.asarray([t], np.int64)
    else:
        t = np.asarray(t, np.float64).reshape(1, -1)
        fits = t.shape[1] == n_out
    if not fits:
        raise ConfigError(
            f"explain: t: expected a label below {n_out} or {n_out} numbers; "
            "give the example's own"
        )
    params = {
        name: namespace(p).astype(p, bk.dtype("float64"), copy=False)
        for name, p in net.params.items()
    }
    return net.with_params(params), bk.array(x[None, :]), bk.array(t)


def _outputs(net: Network, x: Any) -> tuple[list[Any], list[Any]]:
    """Return what each layer gives, and its cache."""
    outs, caches = [], []
    for i, layer in enumerate(net.layers):
        own = {name: net.params[f"{i}.{name}"] for name in layer.tensors}
        x, cache = layer.forward(own, x)
        outs.append(x)
        caches.append(cache)
    return outs, caches
