"""Explanations: the factors of the chain rule, desired changes, votes."""

import numpy as np
import pytest
from helpers import normal

import gpunet
from gpunet.checks.explain import check_size, explain, three_ways, votes
from gpunet.errors import ConfigError, DataError

pytestmark = pytest.mark.pure

KINDS = ["sigmoid", "tanh", "relu", "leaky_relu", "softplus", "elu:1", "gelu"]


def network(kind="sigmoid", loss="squared_error", device="cpu", **more):
    output = "identity" if "entropy" in loss else kind
    settings = {"output": output, "loss": loss, "bias_init": "standard_normal"} | more
    return gpunet.mlp([3, 4, 3, 2], kind, device=device, **settings)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "loss", ["squared_error", "half_squared_error", "softmax_cross_entropy"]
)
def test_products_equal_back_propagation(kind, loss):
    net = network(kind, loss, dtype="float64")
    assert explain(net, normal(1, 3), 1).gap <= 1e-12


def test_explanation_is_the_same_on_every_backend(bk):
    x = normal(2, 3)
    here = explain(network(device=bk.name), x, [1.0, 0.0])
    wanted = explain(network(), x, [1.0, 0.0])
    assert here.gap <= 1e-12
    assert here.cost == pytest.approx(wanted.cost, rel=1e-12)
    for one, other in zip(here.layers, wanted.layers, strict=True):
        for name in ("W", "b", "before", "z", "a", "slope", "da"):
            found, right = getattr(one, name), getattr(other, name)
            assert found == pytest.approx(right, rel=1e-11, abs=1e-14)


def test_factors_equal_central_differences():
    net = network(dtype="float64")
    x, t = normal(3, 1, 3), np.array([[1.0, 0.0]])
    one = explain(net, x[0], t[0])

    def cost():
        return float(net.loss.value(net.forward(x)[0], t))

    for layer in one.layers:
        for tensor, found in (("W", layer.dW), ("b", layer.dz)):
            p = net.params[f"{layer.name}.{tensor}"]
            for k in np.ndindex(p.shape):
                kept = p[k]
                p[k] = kept + 1e-5
                up = cost()
                p[k] = kept - 1e-5
                assert (up - cost()) / 2e-5 == pytest.approx(found[k], abs=1e-9)
                p[k] = kept


def test_activation_before_gets_the_sum_over_j():
    first, last = explain(network(dtype="float64"), normal(4, 3), 0).layers[-2:]
    terms = last.W * last.slope * last.da
    assert first.da == pytest.approx(terms.sum(axis=1), abs=1e-15)
    assert first.da != pytest.approx(terms[:, 0], abs=1e-6), "one term is not enough"
    assert last.desired_changes == pytest.approx(-terms, abs=1e-15)


def test_dropout_and_float32_are_explained():
    net = network(dropout=0.5)
    one = explain(net, [0.1, 0.2, 0.3], 1)
    assert one.gap <= 1e-12
    assert one.layers[0].W.dtype == np.float64
    assert net.params["0.W"].dtype == np.float32


def test_three_ways_are_the_slopes_of_one_output():
    net, x = network("tanh", dtype="float64"), normal(5, 3)
    ways = three_ways(net, x, 1)
    y, caches = net.forward(x[None, :])
    grads = net.backward(caches, np.array([[0.0, 1.0]]))
    assert ways["bias"] == pytest.approx(grads["4.b"][1], abs=1e-15)
    assert ways["weights"] == pytest.approx(grads["4.W"][:, 1], abs=1e-15)
    ratio = ways["activations"] / ways["w"]
    assert ratio == pytest.approx([1 - y[0, 1] ** 2] * 3, abs=1e-12)


@pytest.mark.parametrize("kind", ["leaky_relu", "sigmoid", "tanh"])
def test_votes_are_minus_the_gradient(kind):
    net, x = network(kind, "half_squared_error", dtype="float64"), normal(6, 3)
    found, one = votes(net, x, 1), explain(net, x, 1)
    assert len(found) == 3
    for vote, layer in zip(found, one.layers, strict=True):
        assert vote["W"] == pytest.approx(-layer.dW, abs=1e-14)
        assert vote["b"] == pytest.approx(-layer.dz, abs=1e-14)
        assert vote["output"] == pytest.approx(-layer.da, abs=1e-14)


def one_layer(*layers):
    return gpunet.Network([gpunet.Dense(3, 2), *layers], "squared_error")


@pytest.mark.parametrize(
    ("net", "x", "t", "words"),
    [
        (network(population=2), [0, 0, 0], 0, "member"),
        (one_layer(gpunet.Activation("softmax")), [0, 0, 0], 0, "mixes"),
        (one_layer(gpunet.Activation("comparator")), [0, 0, 0], 0, "nothing can be"),
        (
            one_layer(gpunet.Activation("tanh"), gpunet.Activation("relu")),
            [0, 0, 0],
            0,
            "Activation",
        ),
        (network(), [0, 0], 0, "3 numbers"),
        (network(), [0, 0, 0], 2, "label below 2"),
        (network(), [0, 0, 0], [0.0, 1.0, 0.0], "2 numbers"),
    ],
)
def test_what_cannot_be_explained_is_refused(net, x, t, words):
    with pytest.raises(ConfigError, match=words):
        explain(net, x, t)


def test_large_networks_are_refused():
    check_size(network())
    with pytest.raises(ConfigError, match="13,002"):
        check_size(gpunet.mlp([784, 16, 16, 10]))
    with pytest.raises(ConfigError, match="0 to 1"):
        three_ways(network(), [0, 0, 0], 2)


def test_repr_has_layers_cost_and_gap():
    e = explain(network(), [0.5, -0.5, 0.0], 1)
    assert repr(e) == f"Explanation(3 layers, cost {e.cost:.4g}, gap {e.gap:.1g})"


def test_explanation_prints_every_number_in_its_formula():
    net = gpunet.mlp([2, 1], output="sigmoid", loss="squared_error", weight_init=1.0)
    text = str(gpunet.explain(net, [0.5, -0.5], [1.0]))
    assert "  z⁽¹⁾₀ = 1 · 0.5 + 1 · (-0.5) + 0 = 0\n  a⁽¹⁾₀ = sigmoid(0) = 0.5" in text
    assert "C₀ = Σ (a - y)² = 0.25, with y = 1" in text
    assert "∂C₀/∂w⁽¹⁾₀₁ = (-0.5) · 0.25 · (-1) = 0.125" in text
    assert text.endswith("∂C₀/∂b⁽¹⁾₀ = 0.25 · (-1) = -0.25")
    assert text.count("∂C₀/∂w⁽") == 2


def test_large_explanation_prints_the_largest_derivative_of_each_layer():
    net = gpunet.mlp([30, 6, 2], "tanh", dtype="float64", seed=1)
    explanation = gpunet.explain(net, normal(5, 30), 1)
    text = str(explanation)
    assert text.endswith("Of 200 derivatives, the largest ∂C₀/∂w of each layer.")
    assert "Forward" not in text and text.count("    ∂C₀/∂w⁽") == 2
    for layer in explanation.layers:
        largest = layer.dW.ravel()[np.argmax(np.abs(layer.dW))]
        assert f" = {largest:.8g}\n" in text


def test_example_may_be_a_row_of_a_data_set_and_must_be_finite():
    net, x = network(), normal(1, 3)
    assert explain(net, x[None, :], [1]).cost == explain(net, x, 1).cost
    assert explain(net, x, np.array([1])).cost == explain(net, x, 1).cost
    with pytest.raises(ConfigError, match="x: number 1 is nan; replace it"):
        explain(net, [0.5, np.nan, 1.0], 1)
    with pytest.raises(ConfigError, match="t must be a label below 2"):
        explain(net, x, [np.inf, 0.0])


def test_label_may_be_a_class_of_the_network():
    net, x = network(), normal(1, 3)
    net.classes = ("cat", "dog")
    assert explain(net, x, "dog").target.tolist() == [0.0, 1.0]
    assert explain(net, x, 1).cost == explain(net, x, "dog").cost
    with pytest.raises(DataError, match="'bird', none of the classes cat, dog"):
        explain(net, x, "bird")
    net.classes = (5, 1)
    assert explain(net, x, 1).target.tolist() == [0.0, 1.0]
    with pytest.raises(DataError, match="label 0 is 0, none of the classes 5, 1"):
        explain(net, x, 0)  # a position is no class
