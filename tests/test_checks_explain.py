"""Explanations: the factors of the chain rule, wishes, votes (S3.20 to S3.25, 1c)."""

import numpy as np
import pytest
from helpers import normal
from test_lab_neuron import holds

import gpunet
from gpunet.checks.explain import check_size, explain, three_ways, votes
from gpunet.errors import ConfigError
from gpunet.lab.chain_rule import desired_changes as wishes
from gpunet.lab.chain_rule.explain import explain as show
from gpunet.lab.chain_rule.explain import show_explain

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


def test_s3_25_activation_before_gets_the_sum_over_j():
    first, last = explain(network(dtype="float64"), normal(4, 3), 0).layers[-2:]
    terms = last.W * last.slope * last.da
    assert first.da == pytest.approx(terms.sum(axis=1), abs=1e-15)
    assert first.da != pytest.approx(terms[:, 0], abs=1e-6), "one term is not enough"
    assert last.wishes == pytest.approx(-terms, abs=1e-15)


def test_dropout_and_float32_are_explained():
    net = network(dropout=0.5)
    one = explain(net, [0.1, 0.2, 0.3], 1)
    assert one.gap <= 1e-12
    assert one.layers[0].W.dtype == np.float64
    assert net.params["0.W"].dtype == np.float32


def test_s3_20_three_ways_are_the_slopes_of_one_output():
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


@pytest.mark.parametrize("name", ["chain", "notes", "2-3-1", "3,4,2"])
def test_lab_explains_small_networks(bk, name):
    holds(show(device=bk.name, network=name))


def test_s3_24_explained_with_the_notes_numbers():
    result = show()
    assert result["cost"] == pytest.approx(0.1419601169, abs=1e-10)
    found = {w["of"]: w["dC/dw"] for row in result["backward"] for w in row["weights"]}
    found |= {r["bias"]["of"]: r["bias"]["dC/db"] for r in result["backward"]}
    wanted = {
        "w⁽³⁾": -0.0710663793,
        "b⁽³⁾": -0.1769459178,
        "w⁽²⁾": -0.0509173724,
        "b⁽²⁾": -0.0850483078,
        "w⁽¹⁾": 0.0122602619,
        "b⁽¹⁾": 0.0204337699,
    }
    assert found == pytest.approx(wanted, abs=1e-10)
    text = show_explain(result)
    line = "∂C₀/∂w⁽³⁾ = 0.40162768 · 0.23481583 · (-0.7535519) = -0.071066379"
    assert line in text
    assert "z⁽¹⁾ = 0.5 · 0.6 + 0.1 = 0.4" in text


def test_every_printed_product_can_be_multiplied_again():
    for row in show(network="2-3-2", activation="tanh")["backward"]:
        if row["terms"]:
            terms = [t["dz/da"] * t["da/dz"] * t["dC/da"] for t in row["terms"]]
            assert sum(terms) == pytest.approx(row["dC/da"], abs=1e-14)
        for w in row["weights"]:
            product = w["dz/dw"] * row["da/dz"] * row["dC/da"]
            assert product == pytest.approx(w["dC/dw"], abs=1e-14)


def test_one_weight_of_a_preset_is_explained():
    result = holds(show(network="3b1b", weight="2,3,14"))
    (row,) = result["backward"]
    assert row["neuron"] == "a⁽²⁾₃"
    assert [w["of"] for w in row["weights"]] == ["w⁽²⁾₃,₁₄"]
    assert len(row["terms"]) == 10
    assert "∂C₀/∂w⁽²⁾₃,₁₄ = " in show_explain(result)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"network": "3b1b"}, "13,002"),
        ({"network": "nothing"}, "choose chain"),
        ({"network": "999999-999999", "weight": "1,0,0"}, "smaller"),
        ({"network": "100-100"}, "10,100"),
        ({"weight": "1"}, "LAYER,J,K"),
        ({"weight": "4,0,0"}, "from 1 to 3"),
        ({"weight": "1,1,0"}, "J from 0 to 0"),
        ({"network": "3b1b", "weight": "1,0,0", "example": 10_000}, "9,999"),
    ],
)
def test_lab_refuses_what_it_cannot_show(options, words):
    with pytest.raises(ConfigError, match=words):
        show(**options)


def test_model_file_is_explained(tmp_path):
    net = network()
    net.save(tmp_path / "model.safetensors")
    result = holds(show(network=str(tmp_path / "model.safetensors")))
    assert result["sizes"] == [3, 4, 3, 2]


@pytest.mark.parametrize("name", ["nudges", "desires", "votes"])
def test_wishes_hold_on_every_backend(bk, name):
    holds(getattr(wishes, name)(device=bk.name))


def test_s3_21_most_active_input_gets_the_largest_change():
    rows = wishes.nudges(digit=2)["hidden_neurons"]
    assert len(rows) == 16
    changes = [abs(row["nudge_of_the_weight"]) for row in rows]
    assert changes == sorted(changes, reverse=True)
    assert [r["activation"] for r in rows] == sorted(
        (r["activation"] for r in rows), reverse=True
    )


def test_s3_22_wishes_of_ten_outputs_add_up(tmp_path):
    result = wishes.desires(examples=4)
    table = np.array(result["wishes_of_outputs"])
    assert table.shape == (10, 16)
    assert table.sum(axis=0) == pytest.approx(result["their_sum"], abs=1e-15)
    assert result["labels"] == [5, 0, 4, 1]
    assert "for a 5" in wishes.show_desires(result)
    pytest.importorskip("matplotlib")
    (path,) = wishes.draw_desires(result, tmp_path)
    assert path.read_bytes()[:4] == b"\x89PNG"


@pytest.mark.parametrize(
    "call",
    [lambda: wishes.nudges(digit=10), lambda: wishes.desires(examples=0)],
)
def test_bad_options_are_refused(call):
    with pytest.raises(ConfigError):
        call()
