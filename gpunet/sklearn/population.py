"""Fits that share their start and batches, trained as populations, one job a block."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from copy import copy, deepcopy
from functools import cache, partial
from typing import Any

import numpy as np
import scipy.sparse
from joblib import cpu_count
from threadpoolctl import threadpool_limits

from .base import BaseMLP
from .extras import extras_in_use
from .fitting import end_epoch, epoch_orders, split_samples, warn_not_converged
from .solvers import SOLVERS
from .steppers.choice import use_numba
from .steppers.numba_stepper import NumbaMLPStepper
from .steppers.numpy_stepper import NumpyMLPStepper

# What a block of members works on: weights, gradients, Adam's averages, activations.
# Smaller blocks would fit the cache better, but the calls they cost weigh more
# (64 settings of the default net: 0.97 s with this, 1.5 s with a sixth of it).
_BLOCK_BYTES = 6_000_000
_JOBS = 8  # of compiled code for each core: that one ends early leaves none idle


def run_jobs(jobs: list[Callable[[], int]]) -> float:
    """Run all jobs, one on each core; return the mean seconds of a fit."""
    started = time.perf_counter()
    # each job in its own copy of the context: numpy.errstate is part of it
    runs = [partial(copy_context().run, job) for job in jobs]
    with threadpool_limits(1), ThreadPoolExecutor(cpu_count()) as pool:
        n_fits = sum(pool.map(lambda run: run(), runs))
    return (time.perf_counter() - started) / n_fits


def fit_jobs(
    members: list[BaseMLP], X: Any, y: Any, sample_weight: Any = None, n_fits: int = 0
) -> list[Callable[[], int]]:
    """Return the jobs that fit estimators as `fit` would each; a job counts its fits.

    The members differ in learning rate, penalty and momentum alone, and are fitted in
    place. n_fits counts all fits that run side by side; 0 if these are all.
    """
    first, n_fits = members[0], n_fits or len(members)
    alone = len(members) == 1 or first.solver not in SOLVERS
    alone = alone or scipy.sparse.issparse(X)  # SciPy has no products by member
    if alone or first.device is not None or extras_in_use(first):
        return [
            partial(_fit_alone, est, X, y, sample_weight, n_fits) for est in members
        ]
    data = split_samples(first, first._begin_fit(X, y, sample_weight), None)
    samples, _, batches = data
    stepper_class: Any = NumpyMLPStepper
    size = _members_of_a_block(first, batches[0][1])
    if use_numba(first, None, samples, first.max_iter, n_fits):
        stepper_class, size = NumbaMLPStepper, -(-n_fits // (_JOBS * cpu_count()))
    parameters = first.get_params()
    fitted = {k: v for k, v in vars(first).items() if k not in parameters}
    for est in members:
        est.__dict__.update(fitted, loss_curve_=[])
        est._optimizer = SOLVERS[est.solver](est)
        if est.early_stopping:
            est.validation_scores_ = []
    blocks = [members[k : k + size] for k in range(0, len(members), size)]
    for block in blocks:  # its first one draws, for all of them
        block[0]._random_state = deepcopy(first._random_state)
    return [partial(_fit_block, stepper_class, block, data) for block in blocks]


def _members_of_a_block(est: BaseMLP, batch: int) -> int:
    """Return how many members like an estimator train in one block of arrays."""
    widths = sum(W.shape[1] for W in est.coefs_)
    floats = 5 * sum(W.size for W in est.coefs_) + 2 * widths * batch
    return max(1, int(_BLOCK_BYTES // (floats * est.coefs_[0].itemsize)))


def _fit_alone(est: BaseMLP, X: Any, y: Any, sample_weight: Any, n_fits: int) -> int:
    try:
        est._fit(X, y, sample_weight, n_fits=n_fits)
    except ValueError:
        if not hasattr(est, "loss_"):  # the data, not the training
            raise
    return 1


def _fit_block(stepper_class: Any, members: list[BaseMLP], data: tuple) -> int:
    """Train members with the same start and batches; each stops for itself."""
    samples, held_out, batches = data
    n_fits, n, first = len(members), batches[-1][1], members[0]
    layers, dtype = first._layers(), first.coefs_[0].dtype
    layers = layers.views(np.stack([layers.packed()] * n_fits))
    alpha = np.asarray([est.alpha for est in members], dtype)
    samples = samples._replace(t=samples.t.astype(dtype, copy=False))
    stepper, solver = stepper_class(layers, alpha, samples), copy(first._optimizer)
    solver.__dict__.update(_columns(members))
    solver.start(stepper.p)
    for order in epoch_orders(first, n):
        losses = stepper.run_epoch(order, batches, solver)
        y = stepper.outputs(held_out.x) if held_out else [None] * len(members)
        weights = cache(stepper.weights)  # copied when a member first needs its own
        done = np.zeros(len(members), bool)
        for i, est in enumerate(members):
            copy_member = partial(_member_weights, weights, i)
            done[i] = end_epoch(est, losses[i], n, y[i], held_out, copy_member)
            if not done[i] and est.n_iter_ == est.max_iter:
                warn_not_converged(est)
                done[i] = True
            if done[i]:
                est.coefs_, est.intercepts_ = est._best if held_out else copy_member()
        if done.all():
            break
        if done.any():
            members = [est for est, end in zip(members, done, strict=True) if not end]
            stepper = stepper.keep_members(~done)
            solver.state = [average[~done] for average in solver.state]
            solver.start(stepper.p)
        solver.__dict__.update(_columns(members))
    return n_fits


def _member_weights(weights: Callable[[], tuple], i: int) -> tuple:
    return tuple([p[i].copy() for p in ps] for ps in weights())


def _columns(members: list[BaseMLP]) -> dict[str, np.ndarray]:
    """Return the members' settings of a shared solver, each a column."""
    solvers = [vars(est._optimizer) for est in members]
    names = {"learning_rate_init", "learning_rate", "momentum"} & solvers[0].keys()
    dtype = members[0].coefs_[0].dtype
    return {k: np.asarray([s[k] for s in solvers], dtype)[:, None] for k in names}
