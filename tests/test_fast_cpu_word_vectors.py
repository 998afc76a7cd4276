"""The compiled skip-gram against the loop of `gpunet.text.pairs`."""

import numpy as np
import pytest
from helpers import epsilons_off, error, exact_sigmoid, wide_grid

from gpunet.fast.cpu import word_vectors
from gpunet.fast.cpu.jit.skipgram import logistic
from gpunet.text import SkipGram, SkipGramSettings, skipgram

pytest.importorskip("numba")

RNG = np.random.default_rng(0)
IDS = np.minimum(RNG.geometric(0.05, 4000), 50).astype(np.int32) - 1
OFFSETS = np.append(np.arange(0, 4000, 9), 4000)
COUNTS = np.bincount(IDS, minlength=50)


def train(engine, threads=1, **settings):
    settings = {"dim": 13, "epochs": 2, "learning_rate": 0.1} | settings
    t = SkipGram(
        IDS,
        OFFSETS,
        COUNTS,
        SkipGramSettings(**settings),
        engine=engine,
        threads=threads,
    )
    reports = []
    while not t.done:
        reports.append(t.train_span())
    return t.state(), reports


@pytest.mark.parametrize("negatives", [1, 2, 3, 5, 7])
@pytest.mark.parametrize(("window", "batch_size"), [(1, 1), (5, 128), (20, 10**6)])
def test_compiled_is_the_loop(negatives, window, batch_size):
    options = {"negatives": negatives, "window": window, "batch_size": batch_size}
    options |= {"dtype": "float64", "epochs": 1}
    if batch_size > 4000:
        options["learning_rate"] = 1e-3  # a batch is a sum of gradients
    fast, fast_reports = train("compiled", **options)
    slow, slow_reports = train("loop", **options)
    for name in fast:
        assert error(fast[name], slow[name]) < 1e-11
    losses = [[r.loss for r in reports] for reports in (fast_reports, slow_reports)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-11)


def test_compiled_is_the_loop_in_float32():
    fast, slow = (train(engine, epochs=1)[0] for engine in ("compiled", "loop"))
    for name in fast:
        assert fast[name].dtype == np.float32
        assert error(fast[name], slow[name]) < 1e-5


@pytest.mark.parametrize("dim", [1, 13, 64])
def test_threads_change_no_bit(dim, monkeypatch):
    monkeypatch.setattr(skipgram, "usable_cores", lambda: 3)
    one, one_reports = train("compiled", 1, dim=dim)
    for threads in (2, 3):
        many, reports = train("compiled", threads, dim=dim)
        assert reports == one_reports
        for name in one:
            assert np.array_equal(one[name], many[name])


def test_one_seed_is_one_result():
    (a, _), (b, _), (c, _) = train("compiled"), train("compiled"), train(
        "compiled", seed=1
    )  # fmt: skip
    assert np.array_equal(a["W_in"], b["W_in"])
    assert not np.array_equal(a["W_in"], c["W_in"])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logistic_is_exact_and_never_overflows(dtype):
    z = np.array([-1e30, -700, -90, -17, -1, -1e-3, 0, 1e-3, 1, 17, 90, 1e30], dtype)
    exact = 1 / (1 + np.exp(-np.clip(z.astype(np.float64), -700, 700)))
    logistic(z, len(z))
    assert z == pytest.approx(exact, rel=2e-7 if dtype == "float32" else 1e-12)


def test_logistic_keeps_small_numbers_in_float32():
    z = np.append(wide_grid("float32"), np.float32([-1e4, 1e4]))
    exact = exact_sigmoid(z)
    logistic(z, len(z))
    assert epsilons_off(z, exact) < 4 and z[-2:].tolist() == [0, 1]


def test_plain_loops_say_what_is_compiled():
    fast, _ = train("compiled", epochs=1, dtype="float64", dim=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_vectors, "compiled", lambda kernel: kernel)
        plain, _ = train("compiled", epochs=1, dtype="float64", dim=3)
    for name in fast:
        assert error(fast[name], plain[name]) < 1e-12


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_loss_of_a_hopeless_window_is_finite(dtype):
    draws = (
        np.append(0, np.ones(20)).astype(np.int32),
        np.array([0]),
        np.array([0]),
        np.array([21]),
        np.array([0, 20]),
        np.array([[2, 0]], np.int32),
    )
    W_in = np.array([[0.0], [40.0], [0.0]], dtype)
    W_out = np.array([[-1.0], [0.0], [1.0]], dtype)
    rates = np.zeros(1, dtype)
    losses = word_vectors.train_span(draws, rates, 1, W_in.copy(), W_out)
    assert losses == pytest.approx([40 * 40], rel=1e-5)
    assert np.isfinite(
        word_vectors.train_span(draws, rates, 1, W_in * 1e6, W_out)
    ).all()
