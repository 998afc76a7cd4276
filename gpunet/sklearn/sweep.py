"""`MLPSweep`: a grid of settings times folds, trained as populations.

Settings that differ in learning rate, penalty and momentum alone begin with the same
weights and see the same batches of a fold: members of one population, of which each
stops for itself, with the weights of a separate fit.
"""

import time
from copy import deepcopy
from typing import Any, Self

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.metrics import check_scoring
from sklearn.model_selection import GridSearchCV, ParameterGrid, check_cv
from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures
from sklearn.utils import indexable
from sklearn.utils._indexing import _safe_indexing

from .estimators import MLPClassifier, MLPRegressor
from .extras import extras_in_use
from .population import fit_jobs, run_jobs
from .state import MLPState

MEMBER_PARAMETERS = ("learning_rate_init", "alpha", "momentum")


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
        estimator: MLPState,
        param_grid: dict | list[dict],
        cv: Any = None,
        *,
        scoring: Any = None,
        refit: bool = True,
    ) -> None:
        super().__init__(estimator, param_grid, cv=cv, scoring=scoring, refit=refit)

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train every setting on every fold, and the best one on all data.

        The arrays are those of the estimator's `fit`.

        Raises
        ------
        TypeError
            The estimator is not one of gpunet's.
        ValueError
            Of settings or data, in scikit-learn's words; several metrics at once.
        """
        if not isinstance(self.estimator, MLPClassifier | MLPRegressor):
            raise TypeError(
                "estimator must be gpunet's MLPClassifier or MLPRegressor, got "
                f"{type(self.estimator).__name__}; use GridSearchCV for others"
            )
        if isinstance(self.scoring, list | tuple | set | dict):
            raise ValueError("scoring must be one metric; use GridSearchCV for several")
        arrays = indexable(X, y, sample_weight)
        self.scorer_ = check_scoring(self.estimator, self.scoring)
        cv = check_cv(self.cv, arrays[1], classifier=is_classifier(self.estimator))
        folds = list(cv.split(*arrays[:2]))
        self.n_splits_, self.multimetric_ = len(folds), False
        candidates = list(ParameterGrid(self.param_grid))
        fits = []  # of each candidate, fold by fold
        for parameters in candidates:
            est = self._estimator(parameters)
            est._validate_params()
            fits.append([deepcopy(est) for _ in folds])
        jobs = []
        for k, (train, _) in enumerate(folds):
            X, y, weight = (_rows(a, train) for a in arrays)
            for group in _groups(candidates):
                members = [fits[i][k] for i in group]
                jobs += fit_jobs(members, X, y, weight, len(fits) * len(folds))
        seconds = run_jobs(jobs)
        tests = [[_rows(a, test) for a in arrays] for _, test in folds]
        results = [
            self._score(est, *data) | {"fit_time": seconds}
            for fold_fits in fits
            for est, data in zip(fold_fits, tests, strict=True)
        ]
        _warn_or_raise_about_fit_failures(results, np.nan)
        self.cv_results_ = self._format_results(candidates, len(folds), results)
        self._choose_best(*arrays)
        return self

    def _estimator(self, parameters: dict) -> Any:
        return clone(self.estimator).set_params(**clone(parameters, safe=False))

    def _score(self, est: Any, X: Any, y: Any, weight: Any) -> dict[str, Any]:
        started, failure = time.perf_counter(), None
        try:
            est._end_fit()
            if self.scoring is None and weight is None and _is_plain(est, X, y):
                # what `est.score` does: its checks take four times as long as this
                labels = est._labels(est._layers().outputs(X))
                score = float(np.average(labels == y))
            else:
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
        self.best_estimator_.fit(X, y, sample_weight)
        self.refit_time_ = time.perf_counter() - started
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


def _rows(a: Any, rows: np.ndarray) -> Any:
    return None if a is None else _safe_indexing(a, rows)


def _is_plain(est: MLPState, X: Any, y: Any) -> bool:
    """Return whether `score` would come to comparing labels of rows on the host."""
    checked = isinstance(X, np.ndarray) and X.dtype == est.coefs_[0].dtype
    checked = checked and bool(np.isfinite(X).all())  # or the scorer's own error
    labels = is_classifier(est) and isinstance(y, np.ndarray) and y.ndim == 1
    return checked and labels and est.device is None and not extras_in_use(est)


def _groups(candidates: list[dict]) -> list[list[int]]:
    """Return which candidates may train together, by their indices."""
    groups: dict[str, list[int]] = {}
    for i, candidate in enumerate(candidates):
        rest = {k: v for k, v in candidate.items() if k not in MEMBER_PARAMETERS}
        groups.setdefault(repr(sorted(rest.items())), []).append(i)
    return list(groups.values())
