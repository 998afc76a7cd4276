"""`MLPSweep`: a grid of settings times folds, trained as populations.

Settings that differ in learning rate, penalty and momentum alone begin with the
same weights and, on the same fold, see the same batches: they are members of one
population and take their steps together. Each stops for itself, and ends with
the weights that a fit of its own would give.
"""

import time
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from copy import copy, deepcopy
from functools import cache, partial
from typing import Any

import numpy as np
from joblib import cpu_count
from sklearn.base import clone, is_classifier
from sklearn.exceptions import FitFailedWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.utils import indexable
from sklearn.utils._indexing import _safe_indexing
from threadpoolctl import threadpool_limits

from .estimators import MLPClassifier, MLPRegressor
from .extras import wanted_extras
from .solvers import SOLVERS
from .steppers.numba_stepper import Compiled, takes
from .steppers.numpy_stepper import ACTIVATE, Lean, forward
from .stochastic import begin, epoch_done, orders, warn_of_the_end

TOGETHER = ("learning_rate_init", "alpha", "momentum")
# What a block of members works on: weights, gradients, Adam's memories, activations.
# Smaller blocks would fit the cache better, but the calls they cost weigh more
# (64 settings of the default net: 0.97 s with this, 1.5 s with a sixth of it).
_BLOCK_BYTES = 6_000_000
_JOBS = 8  # of compiled code for each core: that one ends early leaves none idle


class MLPSweep(GridSearchCV):
    """A grid search over an MLP that trains the whole grid at once.

    Parameters
    ----------
    estimator : gpunet.sklearn.MLPClassifier or MLPRegressor
    param_grid : dict or list of dict
        As for `GridSearchCV`. `learning_rate_init`, `alpha` and `momentum` train
        together; other parameters (seeds, shapes) form groups, one after another.
    cv : int, splitter or iterable, optional
    scoring : str or callable, optional
        One metric; None takes the estimator's `score`.
    refit : bool
        Whether to fit the best setting on all data, for `predict`.

    Attributes
    ----------
    cv_results_, best_params_, best_score_, best_index_, best_estimator_
        As of `GridSearchCV`. A fit's time is its population's, divided evenly.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> net = MLPClassifier((8,), random_state=0, max_iter=20, tol=0)
    >>> import warnings
    >>> grid = {"learning_rate_init": [0.001, 0.03], "alpha": [0.0001, 0.1]}
    >>> with warnings.catch_warnings(action="ignore"):
    ...     sweep = MLPSweep(net, grid, cv=3).fit(X, y)
    >>> sweep.best_params_["learning_rate_init"], len(sweep.cv_results_["params"])
    (0.03, 4)
    """

    def __init__(self, estimator, param_grid, cv=None, *, scoring=None, refit=True):
        super().__init__(estimator, param_grid, cv=cv, scoring=scoring, refit=refit)

    def fit(self, X, y, sample_weight=None):
        """Train every setting on every fold, and the best one on all data.

        Parameters
        ----------
        X : array or CSR/CSC, shape (n, n_features)
        y : array, shape (n,) or (n, n_outputs)
        sample_weight : array, shape (n,), optional

        Returns
        -------
        self

        Raises
        ------
        TypeError
            The estimator is not one of gpunet's.
        ValueError
            Of settings or data, in scikit-learn's words; several metrics at once.
        """
        if not isinstance(self.estimator, MLPClassifier | MLPRegressor):
            raise TypeError(
                "MLPSweep expected gpunet's MLPClassifier or MLPRegressor, got "
                f"{type(self.estimator).__name__}; take GridSearchCV for others"
            )
        if isinstance(self.scoring, list | tuple | set | dict):
            raise ValueError("MLPSweep takes one metric; GridSearchCV takes several")
        X, y, sample_weight = indexable(X, y, sample_weight)
        self.scorer_ = check_scoring(self.estimator, self.scoring)
        cv = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        folds = list(cv.split(X, y))
        self.n_splits_, self.multimetric_ = len(folds), False
        candidates = list(ParameterGrid(self.param_grid))
        fits = []  # of each candidate, fold by fold
        for own in candidates:
            est = self._member(own)
            est._validate_params()
            fits.append([deepcopy(est) for _ in folds])
        jobs = []
        for k, (train, _) in enumerate(folds):
            data = [_rows(a, train) for a in (X, y, sample_weight)]
            for group in _groups(candidates):
                group = [fits[i][k] for i in group]
                jobs += prepare(group, *data, n_fits=len(fits) * len(folds))
        seconds = _work(jobs)
        tests = [[_rows(a, test) for a in (X, y, sample_weight)] for _, test in folds]
        out = [
            self._judged(est, data) | {"fit_time": seconds}
            for own in fits
            for est, data in zip(own, tests, strict=True)
        ]
        self._count_failures(out)
        self.cv_results_ = self._format_results(candidates, len(folds), out)
        self._choose(X, y, sample_weight)
        return self

    def _member(self, own: dict) -> Any:
        return clone(self.estimator).set_params(**clone(own, safe=False))

    def _judged(self, est: Any, data: list) -> dict[str, Any]:
        began, (X, y, weight) = time.perf_counter(), data
        own = {} if weight is None else {"sample_weight": weight}
        try:
            est._end()
            if self.scoring is None and weight is None and _is_plain(est, X, y):
                score = _accuracy(est, X, y)
            else:
                score = self.scorer_(est, X, y, **own)
        except ValueError as error:  # weights that are not finite
            score, self._failure = np.nan, error
        return {"test_scores": score, "score_time": time.perf_counter() - began}

    def _count_failures(self, out: list[dict]) -> None:
        """Say what GridSearchCV says of fits that failed."""
        n = sum(np.isnan(one["test_scores"]) for one in out)
        if n == len(out):
            raise ValueError(f"All the {n} fits failed.") from self._failure
        if n:
            warnings.warn(
                f"{n} fits failed out of a total of {len(out)}; their score is nan. "
                f"The last one: {self._failure}",
                FitFailedWarning,
                stacklevel=3,
            )

    def _choose(self, X: Any, y: Any, sample_weight: Any) -> None:
        results = self.cv_results_
        self.best_index_ = self._select_best_index(self.refit, "score", results)
        self.best_score_ = results["mean_test_score"][self.best_index_]
        self.best_params_ = results["params"][self.best_index_]
        if not self.refit:
            return
        began = time.perf_counter()
        self.best_estimator_ = self._member(self.best_params_)
        self.best_estimator_.fit(X, y, sample_weight)
        self.refit_time_ = time.perf_counter() - began
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


def _rows(a: Any, rows: np.ndarray) -> Any:
    return None if a is None else _safe_indexing(a, rows)


def _is_plain(est: Any, X: Any, y: Any) -> bool:
    """Return whether `score` would come to comparing labels of rows on the host."""
    fine = isinstance(X, np.ndarray) and X.dtype == est.coefs_[0].dtype
    fine = fine and bool(np.isfinite(X).all())  # or the scorer's own error
    one = is_classifier(est) and isinstance(y, np.ndarray) and y.ndim == 1
    return fine and one and est.device is None and not wanted_extras(est)


def _accuracy(est: Any, X: np.ndarray, y: np.ndarray) -> float:
    """Return what `est.score` does: its checks take four times as long as this."""
    ends = ACTIVATE[est.activation], ACTIVATE[est.out_activation_]
    outputs = forward(X, est.coefs_, est.intercepts_, *ends, [None] * len(est.coefs_))
    return float(np.average(est._labels(outputs) == y))


def _groups(candidates: list[dict]) -> list[list[int]]:
    """Return which candidates may train together, by their places."""
    groups: dict[str, list[int]] = {}
    for i, candidate in enumerate(candidates):
        rest = {k: v for k, v in candidate.items() if k not in TOGETHER}
        groups.setdefault(repr(sorted(rest.items())), []).append(i)
    return list(groups.values())


def _work(jobs: list[Callable]) -> float:
    """Do all jobs, one on each core; return the mean seconds of a fit."""
    began = time.perf_counter()
    # each job in its own copy of the context: numpy.errstate is part of it
    runs = [partial(copy_context().run, job) for job in jobs]
    with threadpool_limits(1), ThreadPoolExecutor(cpu_count()) as pool:
        n_fits = sum(pool.map(lambda run: run(), runs))
    return (time.perf_counter() - began) / n_fits


def prepare(
    members: list, X: Any, y: Any, sample_weight: Any = None, n_fits: int = 0
) -> list[Callable[[], int]]:
    """Return the jobs that fit estimators as `fit` would each; a job counts its fits.

    Parameters
    ----------
    members : list of MLPClassifier or MLPRegressor
        Fitted in place; they differ in `TOGETHER` alone.
    X, y, sample_weight : arrays
    n_fits : int
        How many fits there are in all, these among them; 0 if these are all.
    """
    first, n_fits = members[0], n_fits or len(members)
    alone = len(members) == 1 or first.solver not in SOLVERS
    if alone or first.device is not None or wanted_extras(first):
        own = (X, y, sample_weight, n_fits)
        return [partial(_fit_one, est, *own) for est in members]
    data, held_out, batches = begin(first, first._begin(X, y, sample_weight), None)
    if takes(first, data[0], data[2], first.max_iter, n_fits):
        kind, size = Compiled, -(-n_fits // (_JOBS * cpu_count()))
    else:
        kind, size = Lean, _block(first, batches[0][1])
    given = first.get_params()
    fitted = {k: v for k, v in vars(first).items() if k not in given}
    for est in members:
        vars(est).update(fitted, loss_curve_=[])
        est._optimizer = SOLVERS[est.solver](est)
        if est.early_stopping:
            est.validation_scores_ = []
    blocks = [members[k : k + size] for k in range(0, len(members), size)]
    for block in blocks:  # its first one draws, for all of them
        block[0]._random_state = deepcopy(first._random_state)
    return [partial(_run, kind, block, data, held_out, batches) for block in blocks]


def _block(est: Any, batch: int) -> int:
    """Return how many members like an estimator train in one block of arrays."""
    widths = sum(W.shape[1] for W in est.coefs_)
    floats = 5 * sum(W.size for W in est.coefs_) + 2 * widths * batch
    return max(1, int(_BLOCK_BYTES // (floats * est.coefs_[0].itemsize)))


def _fit_one(est: Any, X: Any, y: Any, sample_weight: Any, n_fits: int) -> int:
    try:
        est._fit(X, y, sample_weight, n_fits=n_fits)
    except ValueError:
        if not hasattr(est, "loss_"):  # the data, not the training
            raise
    return 1


def _run(
    kind: type, members: list, data: tuple, held_out: tuple | None, batches: list
) -> int:
    """Train members with the same start and batches; each stops for itself."""
    x, t, weight = data
    n, first = batches[-1][1], members[0]
    coefs, intercepts = (
        [np.stack([p] * len(members)) for p in ps]
        for ps in (first.coefs_, first.intercepts_)
    )
    dtype = coefs[0].dtype
    alpha = np.asarray([est.alpha for est in members], dtype)
    own = (first.activation, first.out_activation_, alpha)
    steps = kind(coefs, intercepts, *own, (x, t.astype(dtype, copy=False), weight))
    solver = _shared(members, steps, dtype)
    n_fits = len(members)
    for order in orders(first, n):
        losses = steps.epoch(order, batches, solver)
        y = None if held_out is None else steps.outputs(held_out[0])
        tensors = cache(steps.tensors)  # copied when first one of them is wanted
        done = np.zeros(len(members), bool)
        for i, est in enumerate(members):
            mine = partial(_member, tensors, i)
            seen = None if y is None else y[i]
            done[i] = epoch_done(est, losses[i], n, seen, held_out, mine)
            if not done[i] and est.n_iter_ == est.max_iter:
                warn_of_the_end(est)
                done[i] = True
            if done[i]:
                est.coefs_, est.intercepts_ = est._best if held_out else mine()
        if done.all():
            break
        if done.any():
            members = [est for est, end in zip(members, done, strict=True) if not end]
            steps, slots = steps.keep(~done), [s[~done] for s in solver.slots]
            solver = _shared(members, steps, dtype, slots, getattr(solver, "t", 0))
        solver.learning_rate = _column(members, dtype, "learning_rate")
    return n_fits


def _member(tensors: Callable, i: int) -> tuple[list, list]:
    return tuple([p[i].copy() for p in ps] for ps in tensors())


def _column(members: list, dtype: Any, name: str) -> np.ndarray:
    values = [getattr(est._optimizer, name) for est in members]
    return np.asarray(values, dtype)[:, None]


def _shared(members: list, steps: Any, dtype: Any, slots: Any = (), t: int = 0) -> Any:
    """Return one solver for all members: a column of each of their numbers."""
    solver = copy(members[0]._optimizer)
    solver.slots = list(slots)
    if hasattr(solver, "t"):
        solver.t = t
    for name in ("learning_rate_init", "learning_rate", "momentum"):
        if hasattr(solver, name):
            setattr(solver, name, _column(members, dtype, name))
    solver.start(steps)
    return solver
