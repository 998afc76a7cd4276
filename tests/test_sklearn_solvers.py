"""The solvers: a step by hand, and the state that older pickles hold."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from gpunet.sklearn import MLPClassifier, solvers
from gpunet.sklearn.solvers import AdamSolver, SGDSolver, add_scaled


def started(kind, n=3, **settings):
    """Return a solver with state for n parameters."""
    solver = kind(MLPClassifier(**settings))
    solver.start(np.zeros(n))
    return solver


def test_add_scaled_adds_every_number_once():
    y, x = np.arange(25_000.0), np.ones(25_000)
    add_scaled(y, x, 0.5, np.empty(0))
    assert np.array_equal(y, np.arange(25_000.0) + 0.5)


def test_a_first_step_of_adam_is_the_rate_times_the_sign():
    p, g = np.zeros(3), np.array([2.0, -0.5, 0.0])
    solver = started(AdamSolver, learning_rate_init=0.1, epsilon=1e-12)
    solver.update(p, g.copy())
    solver.end_epoch()
    np.testing.assert_allclose(p, [-0.1, 0.1, 0.0], atol=1e-9)
    np.testing.assert_allclose(solver.state[0], 0.1 * g)
    np.testing.assert_allclose(solver.state[1], 0.001 * g * g)


@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.5, 0.0), (0.0, 0.99)])
def test_steps_of_adam_are_the_textbooks(betas):
    settings = dict(zip(("beta_1", "beta_2"), betas, strict=True))
    solver = started(AdamSolver, 4, learning_rate_init=0.1, **settings)
    rng, (a, b) = np.random.default_rng(0), betas
    p, m, v = np.ones(4), np.zeros(4), np.zeros(4)
    expected = p.copy()
    for t, g in enumerate(rng.standard_normal((300, 4)), 1):
        solver.update(p, g.copy())
        m, v = a * m + (1 - a) * g, b * v + (1 - b) * g * g
        rate = 0.1 * np.sqrt(1 - b**t) / (1 - a**t)
        expected -= rate * m / (np.sqrt(v) + solver.epsilon)
    np.testing.assert_allclose(p, expected, rtol=1e-11)
    solver.end_epoch()
    np.testing.assert_allclose(solver.state, [m, v], rtol=1e-11, atol=1e-300)


@pytest.mark.parametrize("nesterov, moved", [(False, [0.2, 0.5]), (True, [0.3, 0.65])])
def test_two_steps_of_momentum_by_hand(nesterov, moved):
    settings = {"momentum": 0.5, "nesterovs_momentum": nesterov}
    solver = started(SGDSolver, 1, learning_rate_init=0.1, **settings)
    p = np.zeros(1)
    for expected in moved:
        solver.update(p, np.array([-2.0]))
        np.testing.assert_allclose(p, expected)


def old_pickle(kind, **state):
    """Return a solver as it was pickled when its state was called slots."""
    solver = started(kind)
    old = {**solver.__getstate__(), **state}
    del old["state"]
    again = kind.__new__(kind)
    again.__setstate__(old)
    return again


def test_older_pickles_of_momentum_load():
    slots = [np.array([1.0, 2.0, 3.0])]
    solver = old_pickle(solvers.SGD, slots=slots, schedule="adaptive", lr_schedule=None)
    assert solver.state[0].tolist() == [1.0, 2.0, 3.0]
    assert not hasattr(solver, "slots") and not hasattr(solver, "schedule")
    assert solver.lr_schedule == "adaptive"


def test_older_pickles_of_adam_load_in_the_new_scale():
    slots = [np.ones(3), np.full(3, 2.0)]
    solver = old_pickle(solvers.Adam, slots=slots, t=8, _period=5)
    np.testing.assert_allclose(solver.state[0], 0.1 * 0.9**3)
    np.testing.assert_allclose(solver.state[1], 2 * 0.001 * 0.999**3)


def test_pickles_leave_the_scratch_behind():
    solver = pickle.loads(pickle.dumps(started(AdamSolver)))
    assert solver._scratch.size == 0 and len(solver.state) == 2
