"""Members: each has its numbers, and its steps are those it takes alone."""

from math import inf, nan

import numpy as np
import pytest
from helpers import error
from optimizer_steps import SETTINGS, run, same, tensors

from gpunet import SGD, optimizer
from gpunet.backend import open_backend
from gpunet.optimizers import OPTIMIZERS

CPU = open_backend("cpu")


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("clip_norm", [None, 0.5])
def test_diverged_member_leaves_the_others_bit_equal(bk, name, clip_norm):
    params, grads = tensors(0, 3)
    settings = {"clip_norm": clip_norm, "l2": 0.1, "max_norm": 2.0}
    good = run(optimizer(name, **settings), params, grads, 3, bk, 3)
    for bad in (nan, inf):
        grads["2.b"][1, 0] = bad
        got = run(optimizer(name, **settings), params, grads, 3, bk, 3)
        assert not np.isfinite(got["2.b"][1]).all()
        for tensor in params:
            assert np.array_equal(got[tensor][[0, 2]], good[tensor][[0, 2]])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_values_of_each_member_equal_single_runs(bk, name):
    params, grads = tensors(0, 3)
    each = {
        "learning_rate": [0.1, 0.02, 0.3],
        "l2": [0.0, 0.1, 0.2],
        "l1": [0.05, 0.0, 0.1],
    }
    if name == "sgd":
        each["momentum"] = [0.5, 0.0, 0.9]
    got = run(optimizer(name, clip_norm=1.0, **each), params, grads, 4, bk, 3)
    for i in range(3):
        one = optimizer(name, clip_norm=1.0, **{k: v[i] for k, v in each.items()})
        part = ({n: q[i] for n, q in both.items()} for both in (params, grads))
        wanted = run(one, *part, 4)
        for tensor, p in wanted.items():
            assert error(got[tensor][i], p) < 1e-14


def test_members_of_one_rate_equal_single_runs_bit_for_bit():
    params, grads = tensors(0, 3)
    for name, settings in SETTINGS.values():
        got = run(optimizer(name, **settings), params, grads, 4, CPU, 3)
        for i in range(3):
            part = ({n: q[i] for n, q in both.items()} for both in (params, grads))
            wanted = run(optimizer(name, **settings), *part, 4)
            assert same({n: p[i] for n, p in got.items()}, wanted)


def test_factor_scales_the_rate(bk):
    params, grads = tensors(0, 2)
    got = run(SGD(0.5), params, grads, 1, bk, 2, factor=0.5)
    assert same(got, run(SGD(0.25), params, grads, 1, bk, 2))
    each = run(SGD(0.5), params, grads, 1, bk, 2, factor=[0.5, 2.0])
    for name, p in params.items():
        own = np.array([0.25, 1.0]).reshape(2, *[1] * (p.ndim - 1))
        assert error(each[name], p - own * grads[name]) < 1e-14


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_members_are_stepped_by_themselves(bk, name):
    params, grads = tensors(0, 4)
    settings = {"learning_rate": [0.1, 0.2, 0.3, 0.4], "l2": [0.0, 0.1, 0.2, 0.3]}
    whole = run(optimizer(name, **settings), params, grads, 3, bk, 4)
    own = optimizer(name, **settings)
    with bk.use():
        moved = {n: bk.array(p) for n, p in params.items()}
        own.start(moved, bk, 4)
        own.step(moved, {n: bk.array(g) for n, g in grads.items()})
        parts = [(own.members(s), s) for s in (slice(0, 1), slice(1, 4))]
        for part, some in parts:
            held = {n: p[some, ...] for n, p in moved.items()}
            for k in (2, 3):
                now = {n: bk.array(g[some] * k) for n, g in grads.items()}
                part.step(held, now)
            for n, p in held.items():
                assert error(bk.to_host(p), whole[n][some]) < 1e-14
