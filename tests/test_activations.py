"""Activations: numbers by hand, slopes against differences, names and pairs."""

from decimal import Decimal, localcontext
from math import e, exp, inf, log, log1p, nan

import numpy as np
import pytest
from helpers import (
    TIGHT,
    epsilons_off,
    error,
    exact_sigmoid,
    normal,
    on_device,
    wide_grid,
)

from gpunet import activation, open_backend
from gpunet.activations import ACTIVATIONS, ActivationFunction, log_softmax, softmax
from gpunet.errors import ConfigError

pytestmark = pytest.mark.pure

TRAINABLE = [name for name in ACTIVATIONS if name != "comparator"]
ELEMENTWISE = [name for name in TRAINABLE if name != "softmax"]
# name -> [(z, a, slope)]
BY_HAND = {
    "identity": [(-3.0, -3.0, 1.0), (0.0, 0.0, 1.0)],
    "sigmoid": [(0.0, 0.5, 0.25), (log(3), 0.75, 0.1875), (-log(3), 0.25, 0.1875)],
    "tanh": [(0.0, 0.0, 1.0), (0.5 * log(3), 0.5, 0.75)],
    "relu": [(-2.0, 0.0, 0.0), (0.0, 0.0, 0.0), (1.5, 1.5, 1.0)],
    "leaky_relu": [(-3.0, -0.03, 0.01), (0.0, 0.0, 1.0), (2.0, 2.0, 1.0)],
    "leaky_relu:0.25": [(-2.0, -0.5, 0.25), (2.0, 2.0, 1.0)],
    "elu": [(-1.0, 1 / e - 1, 1 / e), (0.0, 0.0, 1.0), (2.0, 2.0, 1.0)],
    "elu:2": [(-log(2), -1.0, 1.0), (3.0, 3.0, 1.0)],
    "gelu": [
        (0.0, 0.0, 0.5),
        (1.0, 0.8411919906082768, 1.0829640838457826),
        (-1.0, -0.1588080093917232, -0.0829640838457826),
    ],
    "silu": [(0.0, 0.0, 0.5), (log(3), 0.75 * log(3), 0.75 + 0.1875 * log(3))],
    "softplus": [
        (0.0, log(2), 0.5),
        (log(3), log(4), 0.75),
        (-log(3), log(4 / 3), 0.25),
    ],
}


@pytest.mark.parametrize("name", BY_HAND)
def test_activation_gives_the_numbers_by_hand(bk, name):
    f = activation(name)
    z, a, slope = (list(column) for column in zip(*BY_HAND[name], strict=True))
    for dtype, tight in TIGHT.items():
        z_ = bk.array([z], dtype)
        a_ = f.value(z_)
        s_ = f.slope(z_, a_)
        dz = f.backward(z_, a_, bk.xp.ones_like(z_) * -3.0)
        for got, wanted in ((a_, a), (s_, slope), (dz, [-3.0 * s for s in slope])):
            assert got.dtype == bk.dtype(dtype) and on_device(bk, got)
            assert error(bk.to_host(got), [wanted]) < tight


def test_softmax_gives_the_numbers_by_hand(bk):
    z = bk.array([[0.0, log(3)], [5.0, 5.0]])
    assert error(bk.to_host(softmax(z)), [[0.25, 0.75], [0.5, 0.5]]) < 1e-15
    logs = [[-log(4), log(0.75)], [-log(2), -log(2)]]
    assert error(bk.to_host(log_softmax(z)), logs) < 1e-15
    f = activation("softmax")
    # dz_j = a_j (da_j - sum_k da_k a_k), with da = (1, 0): a_1 (1 - a_1), -a_1 a_2
    dz = f.backward(z, f.value(z), bk.array([[1.0, 0.0], [0.0, 2.0]]))
    assert error(bk.to_host(dz), [[0.1875, -0.1875], [-0.5, 0.5]]) < 1e-15


def test_comparator_fires_above_zero_alone(bk):
    f = activation("comparator")
    a = f.value(bk.array([[-1.0, 0.0, 1e-9, 0.5]], "float32"))
    assert a.dtype == bk.dtype("float32")
    assert bk.to_host(a).tolist() == [[0, 0, 1, 1]]


def test_comparator_says_why_it_cannot_learn():
    z = np.ones((1, 2))
    with pytest.raises(
        ConfigError, match=r"comparator: its slope is 0 .*; use sigmoid"
    ):
        activation("comparator").backward(z, z, z)


@pytest.mark.parametrize("name", [*ELEMENTWISE, "leaky_relu:0.3", "elu:1.7"])
def test_slope_matches_central_differences(name):
    f = activation(name)
    z = np.linspace(-4.0, 4.0, 161)[None, :] + 0.0123
    a, h = f.value(z), 1e-5
    numeric = (f.value(z + h) - f.value(z - h)) / (2 * h)
    da = normal(1, 1, 161)
    assert error(f.slope(z, a), numeric) < 1e-9
    assert error(f.backward(z, a, da), da * numeric) < 1e-9


def test_softmax_backward_matches_its_jacobian():
    f, z, da, h = activation("softmax"), normal(2, 3, 5), normal(3, 3, 5), 1e-5
    numeric = np.zeros_like(z)
    for j in range(5):
        nudge = np.zeros(5)
        nudge[j] = h
        da_over_dz = (f.value(z + nudge) - f.value(z - nudge)) / (2 * h)
        numeric[:, j] = (da * da_over_dz).sum(axis=-1)
    assert error(f.backward(z, f.value(z), da), numeric) < 1e-9


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_changes_no_input_and_serves_every_shape(bk, name):
    f, host = activation(name), normal(4, 2, 3, 4, 5)
    z, da = bk.array(host), bk.array(2 * host)
    a = f.value(z)
    kept = bk.to_host(a).copy()
    if name != "comparator":
        dz = f.backward(z, a, da)
        for i, j in np.ndindex(2, 3):
            rows = [bk.array(bk.to_host(q)[i, j]) for q in (z, a, da)]
            assert error(bk.to_host(f.backward(*rows)), bk.to_host(dz)[i, j]) < 1e-15
    one = f.value(bk.array(host[0, 0, :1]))
    assert error(bk.to_host(one), kept[0, 0, :1]) < 1e-15
    assert np.array_equal(bk.to_host(z), host)
    assert np.array_equal(bk.to_host(da), 2 * host)
    assert np.array_equal(bk.to_host(a), kept)


@pytest.mark.parametrize("dtype", TIGHT)
@pytest.mark.parametrize("name", TRAINABLE)
def test_activation_stays_finite_far_out(name, dtype):
    f = activation(name)
    z = np.array([[-1e4, -1e3, -100.0, 100.0, 1e3, 1e4]], dtype)
    a = f.value(z)
    dz = f.backward(z, a, np.ones_like(z))
    assert np.isfinite(a).all() and np.isfinite(dz).all()
    assert a.dtype == dz.dtype == dtype


def test_limits_are_exact():
    z = np.array([[-1000.0, 1000.0]])
    wanted = {
        "sigmoid": [0, 1],
        "tanh": [-1, 1],
        "softmax": [0, 1],
        "softplus": [0, 1000],
        "silu": [0, 1000],
        "gelu": [0, 1000],
        "elu": [-1, 1000],
    }
    for name, limits in wanted.items():
        assert activation(name).value(z).tolist() == [limits], name
    assert log_softmax(z).tolist() == [[-2000, 0]]
    apart = np.array([[[-1000.0, 1000.0]], [[5000.0, 5000.0 - 1e3]]])
    assert log_softmax(apart).tolist() == [[[-2000, 0]], [[0, -1000]]]
    assert softmax(apart).tolist() == [[[0, 1]], [[1, 0]]]
    half = np.array([[0.0, -inf]])
    assert softmax(half).tolist() == [[1, 0]]


def test_softplus_and_sigmoid_keep_small_numbers():
    z = np.array([[-30.0, 30.0]])
    wanted = [log1p(exp(-30)), 30 + log1p(exp(-30))]
    assert np.allclose(activation("softplus").value(z), wanted, rtol=1e-15, atol=0)


@pytest.mark.parametrize("dtype", TIGHT)
def test_sigmoid_keeps_small_numbers(bk, dtype):
    z = wide_grid(dtype)
    with bk.use():
        a = bk.to_host(activation("sigmoid").value(bk.array(z)))
        ends = np.array([-inf, -1e4, 0.0, 40.0, 1e4, inf, nan], dtype)
        ends = bk.to_host(activation("sigmoid").value(bk.array(ends))).tolist()
    assert a.dtype == dtype and epsilons_off(a, exact_sigmoid(z)) < 4
    assert ends[:6] == [0, 0, 0.5, 1, 1, 1] and np.isnan(ends[6])


@pytest.mark.parametrize("dtype", TIGHT)
def test_functions_made_of_the_sigmoid_keep_small_numbers(dtype):
    z = wide_grid(dtype)[None, :]
    slope = activation("softplus").slope(z, z)
    assert epsilons_off(slope, exact_sigmoid(z)) < 4
    below = z[(z < 0) & (z > -80)]  # where no product is below the normal numbers
    silu = activation("silu").value(below)
    assert epsilons_off(-silu, -below.astype(float) * exact_sigmoid(below)) < 4
    below = z[(z < 0) & (z > -6)]
    with localcontext(prec=40):
        u = [2 * (2 / Decimal(np.pi)).sqrt() * (v + Decimal("0.044715") * v**3)
             for v in map(Decimal, below.tolist())]  # fmt: skip
        exact = [v / (1 + (-x).exp()) for v, x in zip(map(Decimal, below.tolist()), u,
                                                      strict=True)]  # fmt: skip
    # e^u turns u's own rounding into |u| epsilons: u = -25 at z = -6.
    gelu = activation("gelu").value(below)
    assert epsilons_off(-gelu, -np.array(exact, float)) < 100


def test_relu_passes_nan_on(bk):
    with bk.use():
        for name in ("relu", "leaky_relu", "elu", "softplus"):
            assert np.isnan(bk.to_host(activation(name).value(bk.array([[inf - inf]]))))


def test_activation_names_are_these():
    assert set(ACTIVATIONS) == {
        *(
            [
                "identity",
                "sigmoid",
                "tanh",
                "relu",
                "leaky_relu",
                "elu",
                "gelu",
                "silu",
                "softplus",
            ]
        ),
        *("softmax", "comparator"),
    }
    for name in ACTIVATIONS:
        f = activation(name)
        assert f.name.partition(":")[0] == name and activation(f) is f


def test_activation_name_rebuilds_the_same_function():
    z = np.array([[-1.0]])
    for name in ("leaky_relu", "elu:2", "leaky_relu:0.05", "leaky_relu:0.0123456789"):
        f = activation(name)
        assert activation(f.name).value(z) == f.value(z)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("rleu", r"'rleu': no such activation; choose from identity"),
        ("relu:2", "no such activation"),
        ("", "no such activation"),
        (None, "no such activation"),
        ("elu:x", "'x' is not a finite number; write it as elu:0.1"),
        ("leaky_relu:nan", "leaky_relu:nan"),
        ("elu:inf", "elu:inf"),
    ],
)
def test_activation_refuses_unknown_names(name, why):
    with pytest.raises(ConfigError, match=why):
        activation(name)


def test_activation_of_a_pair_is_checked():
    cube = activation("cube", lambda z: z * z * z, lambda z, a: 3.0 * z * z)
    assert isinstance(cube, ActivationFunction) and cube.name == "cube"
    z = open_backend("cpu").array([[2.0]])
    assert cube.backward(z, cube.value(z), 0.5 * z).tolist() == [[12.0]]
    with pytest.raises(ConfigError) as caught:
        activation("cube", lambda z: z * z * z, lambda z, a: 2.0 * z * z)
    text = str(caught.value)  # at the first point, z = .0137 - 4
    assert "at -3.9863 it is 31.7812, a central difference 47.6718" in text
    with pytest.raises(ConfigError, match="the slope does not fit"):
        activation("nan", lambda z: z * z, lambda z, a: z * np.nan)


def test_activation_of_half_a_pair_is_refused():
    for pair in ((lambda z: z, None), (None, lambda z, a: z)):
        with pytest.raises(ConfigError, match="give value and slope, or neither"):
            activation("half", *pair)


def test_pair_may_use_the_activation_in_its_slope():
    mine = activation("mine", lambda z: np.tanh(z), lambda z, a: 1.0 - a * a)
    z = normal(5, 2, 3)
    other = activation("tanh")
    assert np.array_equal(mine.value(z), other.value(z))
    assert np.array_equal(
        mine.backward(z, mine.value(z), z), other.backward(z, other.value(z), z)
    )
