"""`MLPSweep`: a grid of settings times folds, trained as populations.

Settings that differ in learning rate, penalty and momentum alone begin with the same
weights and see the same batches of a fold: members of one population, of which each
stops for itself, with the weights of a separate fit. The steps of a Pipeline before
the MLP are fitted once for each fold and each setting of theirs.
"""

import time
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any, NamedTuple, Self

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures
from sklearn.pipeline import Pipeline
from sklearn.utils import indexable
from sklearn.utils._indexing import _safe_indexing

from .estimators import MLPClassifier, MLPRegressor
from .extras import extras_in_use
from .population import fit_jobs, run_jobs
from .state import MLPState

MEMBER_PARAMETERS = ("learning_rate_init", "alpha", "momentum")
_PLAIN = (str, int, float, tuple, type(None))  # equal if they are written alike


class MLPSweep(GridSearchCV):
    """A grid search over an MLP that trains the whole grid at once.

    Parameters
    ----------
    estimator : gpunet.sklearn.MLPClassifier or MLPRegressor, or a Pipeline
        The last step of a Pipeline is one of these.
    param_grid : dict or list of dict
        As for `GridSearchCV`: "alpha", or "mlp__alpha" for a Pipeline. The MLP's
        `learning_rate_init`, `alpha` and `momentum` train together; other parameters
        (seeds, shapes) form groups, one after another.
    cv : int, splitter or iterable, optional
    scoring : str or callable, optional
        One metric; None is the estimator's `score`.
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

    def __init__(
        self,
        estimator: MLPState | Pipeline,
        param_grid: dict | list[dict],
        cv: Any = None,
        *,
        scoring: Any = None,
        refit: bool = True,
    ) -> None:
        super().__init__(estimator, param_grid, cv=cv, scoring=scoring, refit=refit)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train every setting on every fold, and the best one on all data.

        The arrays are those of the estimator's `fit`; `sample_weight` is for
        the MLP and the scores.

        Raises
        ------
        TypeError
            The estimator, or the last step of a Pipeline, is not one of gpunet's.
        ValueError
            Of settings or data, in scikit-learn's words; several metrics at once.
        """
        _mlp(self.estimator)
        if isinstance(self.scoring, list | tuple | set | dict):
            raise ValueError("scoring must be one metric; use GridSearchCV for several")
        arrays = indexable(X, y, sample_weight)
        self.scorer_ = check_scoring(self.estimator, self.scoring)
        cv = check_cv(self.cv, arrays[1], classifier=is_classifier(self.estimator))
        folds = list(cv.split(*arrays[:2]))
        self.n_splits_, self.multimetric_ = len(folds), False
        candidates = list(ParameterGrid(self.param_grid))
        estimators = [self._estimator(parameters) for parameters in candidates]
        for est in estimators:
            _mlp(est)._validate_params()
        started, n_fits = time.perf_counter(), len(candidates) * len(folds)
        jobs, fits = [], {}  # by candidate and fold
        for k, rows in enumerate(folds):
            for alike in self._groups(candidates):
                fold = _fold(estimators[alike[0][0]], arrays, *rows)
                for group in alike:
                    mlps = [deepcopy(_mlp(estimators[i])) for i in group]
                    for i, mlp in zip(group, mlps, strict=True):
                        fits[i, k] = mlp, fold
                    jobs += fit_jobs(mlps, *fold.train, n_fits)
        seconds = (time.perf_counter() - started) / n_fits
        seconds += run_jobs(jobs)
        results = [
            self._score(*fits[i, k]) | {"fit_time": seconds}
            for i in range(len(candidates))
            for k in range(len(folds))
        ]
        _warn_or_raise_about_fit_failures(results, np.nan)
        self.cv_results_ = self._format_results(candidates, len(folds), results)
        self._choose_best(*arrays)
        return self

    def _groups(self, candidates: list[dict]) -> list[list[list[int]]]:
        """Return groups that have the same steps, each as groups that train together.

        These hold the indices of candidates.
        """
        prefix = _prefix(self.estimator)
        together = {f"{prefix}{name}" for name in MEMBER_PARAMETERS}

        def of_the_mlp(name: str) -> bool:
            return name.startswith(prefix) or f"{name}__" == prefix

        everything = range(len(candidates))
        return [
            _grouped(candidates, alike, together.__contains__)
            for alike in _grouped(candidates, everything, of_the_mlp)
        ]

    def _estimator(self, parameters: dict) -> Any:
        return clone(self.estimator).set_params(**clone(parameters, safe=False))

    def _score(self, mlp: Any, fold: "_Fold") -> dict[str, Any]:
        started, failure = time.perf_counter(), None
        X, y, weight = fold.test
        try:
            mlp._end_fit()
            if self.scoring is None and weight is None and _is_plain(mlp, X, y):
                # what `est.score` does: its checks take four times as long as this
                labels = mlp._labels(mlp._layers().outputs(X))
                score = float(np.average(labels == y))
            else:
                est = mlp
                if fold.before is not None and callable(self.scoring):
                    last = self.estimator.steps[-1][0], mlp
                    est, X = Pipeline([*fold.before.steps, last]), fold.raw
                weights = {} if weight is None else {"sample_weight": weight}
                score = self.scorer_(est, X, y, **weights)
        except ValueError as error:  # weights that are not finite
            score, failure = np.nan, f"{type(error).__name__}: {error}"
        seconds = time.perf_counter() - started
        return {"test_scores": score, "score_time": seconds, "fit_error": failure}

    def _choose_best(self, X: Any, y: Any, sample_weight: Any) -> None:
        results = self.cv_results_
        self.best_index_ = self._select_best_index(self.refit, "score", results)
        self.best_score_ = results["mean_test_score"][self.best_index_]
        self.best_params_ = results["params"][self.best_index_]
        if not self.refit:
            return
        started = time.perf_counter()
        self.best_estimator_ = self._estimator(self.best_params_)
        weights = {f"{_prefix(self.estimator)}sample_weight": sample_weight}
        self.best_estimator_.fit(X, y, **({} if sample_weight is None else weights))
        self.refit_time_ = time.perf_counter() - started
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


def _mlp(est: Any) -> Any:
    """Return the MLP of an estimator, or raise a TypeError."""
    mlp = est.steps[-1][1] if isinstance(est, Pipeline) else est
    if not isinstance(mlp, MLPClassifier | MLPRegressor):
        raise TypeError(
            "estimator must be gpunet's MLPClassifier or MLPRegressor, or a Pipeline "
            f"that ends with one, got {type(mlp).__name__}; use GridSearchCV for others"
        )
    return mlp


def _prefix(est: Any) -> str:
    """Return what the names of the MLP's parameters begin with: "mlp__" or ""."""
    return f"{est.steps[-1][0]}__" if isinstance(est, Pipeline) else ""


class _Fold(NamedTuple):
    """A fold as an MLP sees it, after the fitted steps before it: X, y and weights."""

    before: Pipeline | None
    train: tuple[Any, Any, Any]
    test: tuple[Any, Any, Any]
    raw: Any  # X of the test


def _fold(est: Any, arrays: Any, train: np.ndarray, test: np.ndarray) -> _Fold:
    X, y, weight = (_rows(a, train) for a in arrays)
    raw, *rest = (_rows(a, test) for a in arrays)
    if not isinstance(est, Pipeline) or len(est.steps) == 1:
        return _Fold(None, (X, y, weight), (raw, *rest), raw)
    before = clone(est[:-1])
    X = before.fit_transform(X, y)
    return _Fold(before, (X, y, weight), (before.transform(raw), *rest), raw)


def _rows(a: Any, rows: np.ndarray) -> Any:
    return None if a is None else _safe_indexing(a, rows)


def _is_plain(est: MLPState, X: Any, y: Any) -> bool:
    """Return whether `score` would come to comparing labels of rows on the host."""
    checked = isinstance(X, np.ndarray) and X.dtype == est.coefs_[0].dtype
    checked = checked and bool(np.isfinite(X).all())  # or the scorer's own error
    labels = is_classifier(est) and isinstance(y, np.ndarray) and y.ndim == 1
    return checked and labels and est.device is None and not extras_in_use(est)


def _grouped(
    candidates: list[dict], indices: Iterable[int], ignored: Callable[[str], bool]
) -> list[list[int]]:
    """Return groups of candidates that agree on all parameters but those ignored."""
    groups: dict[tuple, list[int]] = {}
    for i in indices:
        rest = sorted((k, v) for k, v in candidates[i].items() if not ignored(k))
        key = tuple((k, repr(v) if isinstance(v, _PLAIN) else id(v)) for k, v in rest)
        groups.setdefault(key, []).append(i)
    return list(groups.values())
