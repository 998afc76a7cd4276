"""Columns that are often 0 are skipped, and nobody can tell."""

from copy import copy

import numpy as np
import pytest

pytest.importorskip("sklearn")

import scipy.sparse
from sklearn.neural_network import MLPClassifier as Original

from gpunet.sklearn import MLPClassifier, zeros
from gpunet.sklearn.solvers import SGD
from gpunet.sklearn.steppers.numpy_stepper import Lean
from gpunet.sklearn.zeros import Sorted, worth_sorting

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def pictures(n=330, seed=0):
    """Return x, shape (n, 144), with empty margins, a rare column, and labels."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, 12, 12))
    x[:, 3:9, 3:9] = rng.standard_normal((n, 6, 6)) * (rng.random((n, 6, 6)) < 0.6)
    x[::50, 0, 0] = -1.0
    x[7] = 0  # an empty row
    return x.reshape(n, -1), rng.integers(0, 3, n)


def assert_same(mine, other):
    """Check weights and curves of two fits."""
    for name in ("coefs_", "intercepts_"):
        for a, b in zip(getattr(mine, name), getattr(other, name), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
    np.testing.assert_allclose(mine.loss_curve_, other.loss_curve_, atol=1e-12)


@pytest.fixture(params=[1, 2])
def threads(request, monkeypatch):
    """Let NumPy's BLAS seem to have so many."""
    found = [{"user_api": "blas", "num_threads": request.param}]
    monkeypatch.setattr(zeros, "threadpool_info", lambda: found)
    return request.param


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"batch_size": 1, "max_iter": 3},
        {"shuffle": False, "batch_size": 20},
        {"early_stopping": True, "batch_size": 32},
        {"solver": "sgd", "alpha": 0.1, "batch_size": 7},
    ],
)
def test_pictures_train_to_scikit_learns_weights(settings, threads, monkeypatch):
    made, init = [], Sorted.__init__
    monkeypatch.setattr(
        Sorted, "__init__", lambda self, *own: made.append(1) or init(self, *own)
    )
    x, y = pictures()
    own = {"random_state": 0, "max_iter": 6} | settings
    mine = MLPClassifier(**own, engine="loop").fit(x, y)
    other = Original(**own).fit(x, y)
    assert made
    assert_same(mine, other)
    np.testing.assert_allclose(mine.predict_proba(x), other.predict_proba(x))


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_what_is_remembered_goes_on_in_the_old_order(solver):
    x, y = pictures()
    own = {"random_state": 0, "max_iter": 5, "solver": solver}
    mine = MLPClassifier(**own, engine="loop").fit(x, y)
    other = Original(**own).fit(x, y)
    for est in (mine, other):
        est.partial_fit(x[:100], y[:100]).partial_fit(x, y)
    assert_same(mine, other)


def test_sorting_is_for_long_trainings_of_wide_empty_tables():
    x, _ = pictures()
    wide = [np.zeros((144, 100)), np.zeros((100, 3))]
    assert worth_sorting(x, wide, 3)
    assert not worth_sorting(x, wide, 2)
    assert not worth_sorting(x, [np.zeros((144, 8)), np.zeros((8, 3))], 3)
    assert not worth_sorting(x + 1, wide, 3)
    assert not worth_sorting(scipy.sparse.csr_array(x), wide, 3)


def sorted_and_plain(x, y):
    """Return a Sorted and a Lean of the same small network."""
    rng = np.random.default_rng(1)
    coefs = [rng.standard_normal((144, 5)), rng.standard_normal((5, 3))]
    data = x, np.eye(3)[y], None
    own = (coefs, [np.zeros(5), np.zeros(3)], "relu", "softmax", 0.1, data)
    return Sorted(*own), Lean(*own)


def test_blocks_leave_out_zeros_alone(threads, monkeypatch):
    x, y = pictures()
    steps, _ = sorted_and_plain(x, y)
    seen, rows = [], steps._rows
    monkeypatch.setattr(
        steps, "_rows", lambda *own: seen.append(rows(*own)) or copy(seen[-1])
    )
    xs = steps.x
    order = np.random.default_rng(0).permutation(len(x))
    batches = [(a, min(a + 100, len(x))) for a in range(0, len(x), 100)]
    solver = SGD(MLPClassifier(solver="sgd"))
    solver.start(steps)
    steps.epoch(order, batches, solver)
    ends = np.asarray([np.flatnonzero(row).max(initial=-1) + 1 for row in xs])
    for (a, b), blocks in zip(batches, seen, strict=True):
        falling = sorted(ends[order[a:b]], reverse=True)
        starts = [0, *blocks.stops[:-1]]
        assert starts == list(range(0, b - a, 12 if threads == 1 else b - a))
        assert blocks.stops[-1] == b - a
        assert blocks.used == [*(falling[k] for k in starts), 0]


def test_what_goes_in_and_out_has_its_columns_as_they_were():
    x, y = pictures()
    steps, lean = sorted_and_plain(x, y)
    np.testing.assert_allclose(steps.outputs(x), lean.outputs(x), atol=1e-12)
    for a, b in zip(steps.tensors()[0], lean.tensors()[0], strict=True):
        np.testing.assert_array_equal(a, b)
