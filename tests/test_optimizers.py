"""Optimizers: two steps by hand, two valleys, penalties, members and refusals."""

from math import sqrt

import numpy as np
import pytest
from helpers import TIGHT, error, on_device
from optimizer_steps import SETTINGS, run, same, tensors

from gpunet import SGD, AdaGrad, Adam, AdamW, RMSProp, optimizer
from gpunet.backend import open_backend
from gpunet.optimizers import OPTIMIZERS

CPU = open_backend("cpu")


def by_hand(name, p, gradients, **s):
    """Return where a number p goes, by the published formulas, in plain floats."""
    rate, one, two = s["learning_rate"], 0.0, 0.0
    for t, g in enumerate(gradients, 1):
        if name == "sgd" and not s.get("momentum"):
            p = p - rate * g
        elif name == "sgd":
            one = s["momentum"] * one - rate * g
            p = p + (s["momentum"] * one - rate * g if s.get("nesterov") else one)
        elif name == "adagrad":
            two = two + g * g
            p = p - rate * g / (sqrt(two) + s["eps"])
        elif name == "rmsprop":
            two = s["decay"] * two + (1 - s["decay"]) * g * g
            p = p - rate * g / (sqrt(two) + s["eps"])
        else:
            if name == "adamw":
                p = p - rate * s["weight_decay"] * p
            one = s["beta1"] * one + (1 - s["beta1"]) * g
            two = s["beta2"] * two + (1 - s["beta2"]) * g * g
            if name == "adamw":
                mean, square = one / (1 - s["beta1"] ** t), two / (1 - s["beta2"] ** t)
                p = p - rate * mean / (sqrt(square) + s["eps"])
                continue
            scale = rate * sqrt(1 - s["beta2"] ** t) / (1 - s["beta1"] ** t)
            p = p - scale * one / (sqrt(two) + s["eps"])
    return p


@pytest.mark.parametrize("case", SETTINGS)
def test_optimizer_takes_the_steps_by_hand(bk, case):
    name, settings = SETTINGS[case]
    gradients = [[2.0, -1.0, 0.0], [-0.5, -1.0, 3.0], [0.25, 4.0, -1.0]]
    for dtype, tight in TIGHT.items():
        own = optimizer(name, **settings)
        params = {"0.W": bk.array([[1.0, -2.0, 3.0]], dtype)}
        W = params["0.W"]
        with bk.use():
            own.start(params, bk)
            for k, g in enumerate(gradients, 1):
                grads = {"0.W": bk.array([g], dtype)}
                own.step(params, grads)
                wanted = [
                    by_hand(name, p, column[:k], **settings)
                    for p, column in zip(
                        (1.0, -2.0, 3.0), zip(*gradients, strict=True), strict=True
                    )
                ]
                assert error(bk.to_host(params["0.W"]), [wanted]) < tight
                assert bk.to_host(grads["0.W"]).tolist() == [g]
                assert own.n_steps == k
        assert params["0.W"] is W and W.dtype == bk.dtype(dtype) and on_device(bk, W)
        assert all(s.dtype == bk.dtype(dtype) for s in own.state.values())


def test_published_first_steps():
    """Momentum starts as plain descent, Adam's first step is its rate."""
    for own, wanted in (
        (SGD(0.1, momentum=0.9), 1 - 0.1 * 4),
        (SGD(0.1, momentum=0.9, nesterov=True), 1 - 0.1 * 4 * 1.9),
        (Adam(0.1, eps=0.0), 0.9),
        (AdamW(0.1, eps=0.0, weight_decay=0.5), 0.95 - 0.1),
        (RMSProp(0.1, decay=0.75, eps=0.0), 0.8),
        (AdaGrad(0.1, eps=0.0), 0.9),
    ):
        params = {"0.W": np.array([[1.0]])}
        own.start(params, CPU)
        own.step(params, {"0.W": np.array([[4.0]])})
        assert params["0.W"][0, 0] == pytest.approx(wanted, rel=1e-14)


def descend(own, slope, start, steps):
    params = {"0.W": np.array([start])}
    own.start(params, CPU)
    for _ in range(steps):
        own.step(params, {"0.W": slope(params["0.W"])})
    return params["0.W"][0]


VALLEYS = {  # for the parabola, for Rosenbrock's valley and its steps
    "sgd": (SGD(0.1), SGD(1.5e-3), 20_000),
    "momentum": (SGD(0.1, momentum=0.5), SGD(5e-4, momentum=0.9), 6_000),
    "nesterov": (
        SGD(0.1, momentum=0.5, nesterov=True),
        SGD(5e-4, momentum=0.9, nesterov=True),
        6_000,
    ),
    "adagrad": (AdaGrad(1.0), AdaGrad(0.5), 10_000),
    "rmsprop": (RMSProp(0.01), RMSProp(5e-4), 10_000),
    "adam": (Adam(0.1), Adam(0.02), 3_000),
    "adamw": (AdamW(0.1, weight_decay=0.0), AdamW(0.02, weight_decay=0.0), 3_000),
}


@pytest.mark.parametrize("case", VALLEYS)
def test_optimizer_solves_a_parabola(case):
    # C = (x - 1)^2 / 2 + 2 (y + 2)^2
    def slope(p):
        return (p - np.array([1.0, -2.0])) * np.array([1.0, 4.0])

    found = descend(VALLEYS[case][0], slope, [3.0, 4.0], 1_500)
    assert abs(found - [1, -2]).max() < 0.01


@pytest.mark.parametrize("case", VALLEYS)
def test_optimizer_solves_rosenbrock(case):
    # C = (1 - x)^2 + 100 (y - x^2)^2, from the usual start at (-1.2, 1)
    def slope(p):
        x, y = p[0]
        return np.array([[-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)]])

    x, y = descend(VALLEYS[case][1], slope, [-1.2, 1.0], VALLEYS[case][2])
    assert (1 - x) ** 2 + 100 * (y - x * x) ** 2 < 1e-3


def test_penalties_pull_weights_and_never_biases(bk):
    params, grads = tensors()
    zero = {name: 0 * g for name, g in grads.items()}
    for l2, l1 in ((0.25, 0.0), (0.0, 0.25), (0.5, 0.125)):
        got = run(SGD(0.5, l2=l2, l1=l1), params, zero, 1, bk)
        for name, p in params.items():
            if name.endswith(".b"):
                assert np.array_equal(got[name], p)
            else:
                wanted = p - 0.5 * (l2 * p + l1 * np.sign(p))
                assert error(got[name], wanted) < 1e-15
                assert (abs(got[name]) < abs(p)).mean() > 0.9


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_penalty_is_a_part_of_the_gradient(name):
    params, grads = tensors()
    summed = {
        n: g + 0.25 * params[n] if n.endswith(".W") else g for n, g in grads.items()
    }
    got = run(optimizer(name, l2=0.25), params, grads, 1)
    wanted = run(optimizer(name), params, summed, 1)
    assert all(error(got[n], wanted[n]) < 1e-14 for n in wanted)


def test_adamw_decays_weights_apart_from_the_gradient(bk):
    params, grads = tensors()
    zero = {name: 0 * g for name, g in grads.items()}
    got = run(AdamW(0.5, weight_decay=0.25), params, zero, 2, bk)
    for name, p in params.items():
        factor = (1 - 0.5 * 0.25) ** 2 if name.endswith(".W") else 1
        assert error(got[name], p * factor) < 1e-15
    with_gradient = run(AdamW(0.5, weight_decay=0.25, eps=0.0), params, grads, 1)
    plain = run(Adam(0.5, eps=0.0), params, grads, 1)
    for name, p in params.items():
        decay = 0.125 * p if name.endswith(".W") else 0 * p
        assert error(with_gradient[name], plain[name] - decay) < 1e-14


def test_eps_of_adam_and_adamw_are_where_their_sources_have_them():
    """Step 1 with g = 0.01: m = .001, v = 1e-7, both corrected .01 and 1e-4."""
    for own, step in (
        (Adam(1.0, eps=0.1), 0.001 * sqrt(0.001) / 0.1 / (sqrt(1e-7) + 0.1)),
        (AdamW(1.0, eps=0.1, weight_decay=0.0), 0.01 / (0.01 + 0.1)),
    ):
        params = {"0.W": np.array([[1.0]])}
        own.start(params, CPU)
        own.step(params, {"0.W": np.array([[0.01]])})
        assert params["0.W"][0, 0] == pytest.approx(1.0 - step, rel=1e-12)


def test_max_norm_bounds_each_neuron_after_the_step(bk):
    params, grads = tensors()
    got = run(SGD(0.1, max_norm=0.75), params, grads, 2, bk)
    plain = run(SGD(0.1), params, grads, 2)
    for name in ("0.W", "2.W"):
        lengths = np.sqrt((got[name] ** 2).sum(axis=0))
        assert lengths.max() < 0.75 * (1 + 1e-12)
        assert (lengths > 0.75 * (1 - 1e-12)).any()
    for name in ("0.b", "2.b"):
        assert error(got[name], plain[name]) < 1e-15
    loose = run(SGD(0.1, max_norm=100.0), params, grads, 2)
    assert same(loose, plain)


def test_clip_norm_scales_the_whole_gradient(bk):
    params, grads = tensors()
    length = sqrt(sum((g**2).sum() for g in grads.values()))
    got = run(SGD(0.5, clip_norm=length / 4), params, grads, 1, bk)
    for name, p in params.items():
        assert error(got[name], p - 0.5 * grads[name] / 4) < 1e-14
    loose = run(SGD(0.5, clip_norm=2 * length), params, grads, 1)
    assert same(loose, run(SGD(0.5), params, grads, 1))


def test_layer_rates_scale_a_layer_or_a_tensor(bk):
    params, grads = tensors()
    own = SGD(0.5, layer_rates={"0": 0.5, "2.W": 0.25, "0.b": 2.0})
    got = run(own, params, grads, 1, bk)
    for name, factor in {"0.W": 0.5, "0.b": 2.0, "2.W": 0.25, "2.b": 1.0}.items():
        assert error(got[name], params[name] - 0.5 * factor * grads[name]) < 1e-14


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_frozen_tensors_do_not_move(name):
    params, grads = tensors()
    own = optimizer(name, frozen=("0", "2.b"), l2=0.1, max_norm=0.5)
    got = run(own, params, grads)
    for tensor in ("0.W", "0.b", "2.b"):
        assert np.array_equal(got[tensor], params[tensor])
    assert not np.array_equal(got["2.W"], params["2.W"])
    assert {slot.rpartition(".")[0] for slot in own.state} <= {"2.W"}


def test_factor_may_change_from_step_to_step():
    params, grads = {"0.W": np.array([[0.0]])}, {"0.W": np.array([[1.0]])}
    own = SGD(1.0)
    own.start(params, CPU)
    for factor, wanted in ((1.0, -1), (0.5, -1.5), (0.5, -2), (1.0, -3)):
        own.step(params, grads, factor)
        assert params["0.W"].tolist() == [[wanted]]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_start_forgets_the_past(name):
    params, grads = tensors()
    own = optimizer(name, **({"momentum": 0.9} if name == "sgd" else {}))
    first = run(own, params, grads)
    assert own.n_steps == 3 and any(s.any() for s in own.state.values())
    assert same(run(own, params, grads), first)


def test_optimizer_names_are_these():
    kinds = {"sgd": SGD, "rmsprop": RMSProp, "adagrad": AdaGrad, "adam": Adam}
    assert {**kinds, "adamw": AdamW} == OPTIMIZERS
    for name, kind in OPTIMIZERS.items():
        assert type(optimizer(name)) is kind
    assert optimizer("sgd", learning_rate=0.5, momentum=0.9) == SGD(0.5, momentum=0.9)


def test_optimizers_start_from_the_published_numbers():
    plain = {"l2": 0.0, "l1": 0.0, "max_norm": None, "clip_norm": None}
    for kind, numbers in (
        (SGD, {"learning_rate": 0.1, "momentum": 0.0, "nesterov": False}),
        (AdaGrad, {"learning_rate": 0.01, "eps": 1e-10}),
        (RMSProp, {"learning_rate": 0.001, "decay": 0.9, "eps": 1e-8}),
        (Adam, {"learning_rate": 0.001, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}),
        (AdamW, {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8, "weight_decay": 0.01}),
    ):
        own = kind()
        for what, number in {**plain, **numbers}.items():
            assert getattr(own, what) == number, (kind, what)
