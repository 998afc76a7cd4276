"""Gradient checks: right slopes pass, wrong ones are found and named."""

import json
from dataclasses import replace

import numpy as np
import pytest
from helpers import normal

from gpunet import check_gradients, mlp
from gpunet.activations import get_activation as activation
from gpunet.blocks import layer_title
from gpunet.checks.gradcheck import LIMITS, GradientCheck
from gpunet.cli import main
from gpunet.errors import ConfigError, GpunetError
from gpunet.layers import Activation, Dense, Dropout, Embedding, Layer
from gpunet.losses import LOSSES
from gpunet.network import Network

pytestmark = pytest.mark.pure

SMOOTH = ("identity", "sigmoid", "tanh", "gelu", "silu", "softmax")
KINKED = ("relu", "leaky_relu:0.1", "elu", "softplus")
X, T = normal(1, 6, 4), np.array([0, 2, 1, 1, 0, 2])


def net_of(f="tanh", loss="softmax_cross_entropy", sizes=(4, 5, 3), **own):
    return mlp(sizes, f, loss=loss, bias_init="standard_normal", seed=3, **own)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("f", (*SMOOTH, *KINKED))
def test_central_passes_every_activation_with_every_loss(f, loss):
    checks = check_gradients(net_of(f, loss), X, T)
    assert [c.tensor[1:] for c in checks] == [".W", ".b", ".W", ".b"]
    assert all(c.ok and c.limit == 1e-7 for c in checks), checks
    assert all(c.n_checked > 0 for c in checks)


@pytest.mark.parametrize("loss", ["squared_error", "softmax_cross_entropy:0.1"])
@pytest.mark.parametrize("f", SMOOTH)
def test_complex_step_passes_smooth_nets_to_the_last_digits(f, loss):
    checks = check_gradients(net_of(f, loss), X, T, method="complex")
    assert max(c.error for c in checks) < LIMITS["complex"] / 100


def test_analytic_and_numeric_are_the_hand_computed_slope():
    # y = w x = 6, cost (y - t)^2 = 25: d/dw = 2 (y - t) x = 20, d/db = 10.
    net = mlp([1, 1], weight_init=3.0, loss="squared_error", output="identity")
    w, b = check_gradients(net, np.array([[2.0]]), np.array([[1.0]]))
    assert (w.tensor, w.layer, w.index) == ("0.W", "Dense(1, 1)", (0, 0))
    assert w.analytic == pytest.approx(20, abs=1e-12)
    assert w.numeric == pytest.approx(20, abs=1e-7)
    assert b.analytic == pytest.approx(10, abs=1e-12)


def wrong(f, factor):
    """Return an activation whose slope is too large by a factor."""
    right = activation(f)

    def pullback(z, a, da):
        return factor * right.backward(z, a, da)

    return replace(right, slope=None, pullback=pullback)


@pytest.mark.parametrize("method", ["central", "complex"])
def test_wrong_slope_is_caught_in_the_tensors_behind_it(method):
    layers = [Dense(4, 5), Activation(wrong("tanh", 1.001)), Dense(5, 3)]
    checks = check_gradients(Network(layers, seed=3), X, T, method=method)
    assert [c.tensor for c in checks if not c.ok] == ["0.W", "0.b"]
    assert checks[0].error == pytest.approx(0.001, rel=0.1)


def test_wrong_bias_alone_is_caught():
    class Slipped(Dense):
        def backward(self, params, cache, dy, *, need_dx=True):
            dx, grads = super().backward(params, cache, dy, need_dx=need_dx)
            return dx, grads | {"b": 1.125 * grads["b"]}

    net = Network([Slipped(4, 5), Activation("tanh"), Dense(5, 3)], seed=3)
    checks = check_gradients(net, X, T)
    assert [c.tensor for c in checks if not c.ok] == ["0.b"]


def test_one_wrong_entry_of_the_largest_gradient_is_found_in_a_sample():
    class Slipped(Dense):
        def backward(self, params, cache, dy, *, need_dx=True):
            dx, grads = super().backward(params, cache, dy, need_dx=need_dx)
            worst = np.unravel_index(np.argmax(np.abs(grads["W"])), (50, 40))
            grads["W"][worst] *= 1.5
            self.where.append(worst)
            return dx, grads

    Slipped.where = []
    net = Network([Slipped(50, 40), Activation("tanh"), Dense(40, 3)], seed=3)
    first = check_gradients(net, normal(2, 6, 50), T, max_entries=20)[0]
    assert not first.ok
    assert first.index == tuple(map(int, Slipped.where[0]))
    assert first.n_checked == 20


def test_nan_does_not_pass():
    check = GradientCheck("0.W", "Dense(1, 1)", (0, 0), 0, 0, float("nan"), 1, 1, 0)
    assert not check.ok
    net = net_of()
    net.params["0.W"][0, 0] = np.nan
    assert not any(c.ok for c in check_gradients(net, X, T))


def test_dead_tensor_with_zero_gradient_passes():
    net = mlp([4, 5, 3], "relu", bias_init=-100.0)
    checks = check_gradients(net, X, T)
    assert checks[0].error == 0 and checks[0].analytic == 0 and checks[0].ok


def test_kink_between_the_nudges_is_skipped_and_counted():
    # The first example's first neuron stands at exactly 0: its bias cannot move.
    net = mlp([2, 2, 2], "relu", seed=3)
    x = np.array([[0.0, 0.0]])
    net.params["0.b"][...] = [0.0, 0.5]
    weights, biases, *rest = check_gradients(net, x, np.array([0]))
    assert (biases.n_checked, biases.n_skipped) == (1, 1)
    assert biases.ok and weights.n_skipped == 0
    assert all(c.n_skipped == 0 and c.ok for c in rest)


@pytest.mark.parametrize(
    ("loss", "at_kink"), [("absolute_error", 1.0), ("hinge", 1.0), ("huber:0.5", 1.5)]
)
def test_kink_of_a_loss_is_skipped(loss, at_kink):
    # Wanted are 1 and 1; the first output stands on the kink, the second does not.
    net = Network([Dense(1, 2, np.array([[at_kink, 0.7]]))], loss)
    w, b = check_gradients(net, np.array([[1.0]]), np.array([[1.0, 1.0]]))
    assert (w.n_checked, w.n_skipped) == (b.n_checked, b.n_skipped) == (1, 1)
    assert w.index == (0, 1) and w.ok and b.ok


def test_tensor_all_on_kinks_is_refused():
    net = mlp([2, 2, 2], "relu", weight_init="zeros", seed=3)
    with pytest.raises(ConfigError, match=r"0\.b of Dense\(2, 2\).*kink"):
        check_gradients(net, np.zeros((1, 2)), np.array([0]))


@pytest.mark.parametrize(
    ("f", "loss", "what"),
    [
        ("relu", "squared_error", "layer 1: relu"),
        ("softplus", "squared_error", "layer 1: softplus"),
        ("tanh", "sigmoid_cross_entropy", "loss: sigmoid_cross_entropy"),
        ("tanh", "huber", "loss: huber"),
    ],
)
def test_complex_step_refuses_what_is_not_analytic(f, loss, what):
    with pytest.raises(ConfigError, match=what):
        check_gradients(net_of(f, loss), X, T, method="complex")


@pytest.mark.parametrize(
    "wrong", [{"method": "x"}, {"step": 0}, {"step": 2}, {"max_entries": 0}]
)
def test_bad_settings_are_refused(wrong):
    with pytest.raises(ConfigError, match="gradcheck"):
        check_gradients(net_of(), X, T, **wrong)


@pytest.mark.parametrize(
    ("x", "t", "why"),
    [
        (X, T[:1], "rows of features and 1 labels"),
        (X[:0], T[:0], r"x must have shape \(rows, columns\), neither 0"),
        (X, T + 9, "label 0 is .*, outside 0..2"),
        (X, ["a"] * len(X), "label 0 is 'a', and the network has no classes"),
        (X, np.eye(4)[T], "the network has 3 outputs, targets have shape"),
        (X[:, :2], T, "the network expects rows of 4 features"),
        (X[0], T[0], r"x must have shape \(rows, columns\)"),
        (X * np.nan, T, "row 0, column 0 is nan"),
    ],
)
def test_what_fit_refuses_is_refused(x, t, why):
    with pytest.raises(GpunetError, match=f"check_gradients: .*{why}"):
        check_gradients(net_of(), x, t)


@pytest.mark.parametrize("method", ["central", "complex"])
def test_population_with_dropout_and_embedding_passes_and_is_unchanged(method):
    layers = [Embedding(7, 3), Dense(6, 5), Activation("tanh"), Dropout(0.5)]
    net = Network([*layers, Dense(5, 4)], population=3, dtype="float32", seed=1)
    before = {name: p.copy() for name, p in net.params.items()}
    x, t = np.array([[0, 6], [3, 3], [5, 1]]), np.array([0, 3, 2])
    checks = check_gradients(net, x, t, method=method)
    assert [c.layer for c in checks][:2] == ["Embedding(7, 3)", "Dense(6, 5)"]
    assert all(c.ok for c in checks) and len(checks[0].index) == 3
    assert net.dtype == "float32"
    for name, p in net.params.items():
        assert p.dtype == np.float32
        assert np.array_equal(p, before[name])


def test_same_seed_checks_the_same_entries():
    net = net_of(sizes=(4, 200, 3))
    one, two = (check_gradients(net, X, T, max_entries=30, seed=5) for _ in range(2))
    assert one == two
    assert one[0].n_checked == 30


def test_network_of_another_device_is_checked(bk):
    net = mlp([4, 5, 3], "tanh", device=bk)
    assert all(c.ok for c in check_gradients(net, X, T))


class Half(Layer):
    """A custom layer without sizes."""


def test_layers_are_described_by_their_sizes():
    assert layer_title(Dense(784, 30)) == "Dense(784, 30)"
    assert layer_title(Embedding(27, 8)) == "Embedding(27, 8)"
    assert layer_title(Half()) == "Half"


def test_command_prints_a_table_and_returns_0(capsys):
    assert main(["gradcheck", "--sizes", "4,5,3", "--method", "both"]) == 0
    text = capsys.readouterr().out
    assert "Dense(4, 5)" in text and "all tensors agree" in text
    assert "FAILED" not in text and "complex steps" in text


def test_command_says_why_complex_was_left_out(capsys):
    arguments = ["gradcheck", "--sizes", "4-5-3", "--activation", "relu"]
    assert main([*arguments, "--method", "both"]) == 0
    assert "relu is not known to be analytic" in capsys.readouterr().out
    assert main([*arguments, "--method", "complex"]) == 2


def test_command_prints_json(capsys):
    assert main(["gradcheck", "--preset", "3b1b", "--rows", "2", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] and len(found["checks"]["central"]) == 6


def test_command_returns_1_when_a_check_fails(capsys, monkeypatch):
    bad = GradientCheck("0.W", "Dense(4, 5)", (0, 1), 1.0, 2.0, 0.5, 1e-7, 20, 0)
    monkeypatch.setattr(
        "gpunet.cli.commands.gradcheck.check_gradients", lambda *_, **__: [bad]
    )
    assert main(["gradcheck", "--sizes", "4,5,3"]) == 1
    text = capsys.readouterr().out
    assert "FAILED" in text and "WRONG" in text and "0.W" in text


def test_command_refuses_bad_sizes(capsys):
    assert main(["gradcheck", "--sizes", "4,x"]) == 2
    assert (
        "gpunet: error: usage: argument --sizes: 'x' is not" in capsys.readouterr().err
    )


def test_repr_names_the_tensors_that_fail():
    checks = check_gradients(net_of(), X, T)
    assert checks.ok and repr(checks).startswith(
        "GradientChecks(4 tensors, all ok, at "
    )
    checks[1] = replace(checks[1], error=float("nan"))
    assert not checks.ok and "4 tensors, FAILED: 0.b, at most " in repr(checks)
