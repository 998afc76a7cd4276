"""The work of `bench_sklearn.py`: fits and sweeps beside scikit-learn's."""

import argparse
import sys
import time
import warnings
from statistics import median
from typing import Any

import numpy as np

from gpunet.backend.threads import usable_cores
from gpunet.errors import ConfigError

from .digits import training_digits
from .processes import ratio
from .report import decimals, machine, progress, publish

try:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import GridSearchCV
    from sklearn.neural_network import MLPClassifier as SklearnClassifier

    from gpunet.sklearn import MLPClassifier, MLPSweep
except ImportError as error:
    raise ConfigError(
        f"bench_sklearn: scikit-learn cannot be imported ({error})"
    ) from error

# 64 settings whose members differ as in a real search
GRID = {
    "learning_rate_init": [float(v) for v in np.geomspace(3e-4, 3e-2, 8)],
    "alpha": [float(v) for v in np.geomspace(1e-5, 1.0, 8)],
}
_SECONDS = 0.5  # of a round, or one epoch
_PACKAGES = ("numpy", "scipy", "scikit-learn", "joblib")


def run(args: argparse.Namespace) -> int:
    """Time what the arguments ask for; return the exit code."""
    # scikit-learn warns of every short fit that it has not converged; so may the
    # workers of its grid search, which read their filters from the environment.
    with warnings.catch_warnings(action="ignore"):
        cells = _sweeps(args) if args.sweep else _fits(args)
    what = "sweeps" if args.sweep else "fits"
    result = {"what": what, "engine": args.engine, "cells": cells}
    columns, rows = (_sweep_table if args.sweep else _fit_table)(cells)
    title = f"scikit-learn's time over gpunet's {args.engine}, {what}"
    result |= machine(_PACKAGES, args.threads)
    return publish(result, [(title, columns, rows)], args)


def rows_of(name: str, n: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return the first n rows of a data set: x (float64, about 0 to 1) and labels."""
    if name == "digits":
        x, y = load_digits(return_X_y=True)
        x = x / 16
    elif name == "mnist":
        x, y = training_digits(10_000)
    else:
        rng = np.random.default_rng(0)
        x = rng.standard_normal((100_000, 50))
        y = (x[:, :5].sum(axis=1) + rng.standard_normal(len(x)) > 0).astype(int)
    return x[:n].astype(float), y[:n]


def _fits(args: argparse.Namespace) -> list[dict[str, Any]]:
    cells = []
    for name in args.data:
        x, y = rows_of(name, args.rows)
        for batch in args.batches:
            for dtype in args.dtypes:
                cell = fit_cell(x.astype(dtype), y, batch, args)
                cells.append({"data": name, "dtype": dtype, "batch": batch, **cell})
                progress(f"{name}, {dtype}, batch {batch}")
    return cells


def fit_cell(
    x: np.ndarray, y: np.ndarray, batch: int | str, args: argparse.Namespace
) -> dict[str, Any]:
    """Fit with both, round by round; each is first in every other round."""
    settings = {"batch_size": batch, "random_state": 0, "max_iter": args.epochs or 1}
    _warm_up(args.engine, x, y)
    if args.epochs is None:
        seconds = _timed(MLPClassifier(**settings, engine=args.engine), x, y)
        settings["max_iter"] = int(np.clip(_SECONDS / seconds, 1, 200))
    rounds: dict[str, list[float]] = {"gpunet": [], "sklearn": []}
    for k in range(args.repeats):
        net = MLPClassifier(**settings, engine=args.engine)
        rival = SklearnClassifier(**settings)
        pair = [("gpunet", net), ("sklearn", rival)]
        for name, estimator in pair[:: 1 if k % 2 else -1]:
            rounds[name].append(_timed(estimator, x, y))
    tensors = zip(
        net.coefs_ + net.intercepts_, rival.coefs_ + rival.intercepts_, strict=True
    )
    return {
        "rows": len(x),
        "epochs": net.n_iter_,
        "rounds": rounds,
        "seconds": {name: median(times) for name, times in rounds.items()},
        "times_gpunet": ratio(rounds["sklearn"], rounds["gpunet"]),
        "weights_apart": max(float(np.abs(a - b).max()) for a, b in tensors),
    }


def _warm_up(engine: str, x: np.ndarray, y: np.ndarray) -> None:
    """Compile what is to be compiled, in a fit that is not counted."""
    if engine == "compiled":
        net = MLPClassifier((2,), max_iter=1, random_state=0, engine=engine)
        seconds = _timed(net, x, y)
        line = f"not counted: {seconds:.1f} s for the first compiled fit, {x.dtype}"
        print(line, file=sys.stderr, flush=True)


def _timed(estimator: Any, x: np.ndarray, y: np.ndarray) -> float:
    started = time.perf_counter()
    estimator.fit(x, y)
    return time.perf_counter() - started


def _sweeps(args: argparse.Namespace) -> list[dict[str, Any]]:
    x, y = rows_of("digits", args.rows)
    cells = []
    for hidden in args.hidden:
        for batch in args.batches:
            for dtype in args.dtypes:
                cell = _sweep_cell(x.astype(dtype), y, hidden, batch, args)
                cells.append(cell | {"dtype": dtype})
                progress(f"{hidden} neurons, {dtype}, batch {batch}")
    return cells


def _sweep_cell(
    x: np.ndarray,
    y: np.ndarray,
    hidden: int,
    batch: int | str,
    args: argparse.Namespace,
) -> dict[str, Any]:
    settings = {"hidden_layer_sizes": (hidden,), "batch_size": batch}
    settings |= {"max_iter": args.epochs or 10, "random_state": 0, "tol": 0}
    jobs = {"cv": 3, "n_jobs": usable_cores(), "refit": False}
    search = GridSearchCV(SklearnClassifier(**settings), GRID, **jobs)
    sklearn_s = _timed(search, x, y)
    _warm_up(args.engine, x, y)
    net = MLPClassifier(**settings, engine=args.engine)
    sweep = MLPSweep(net, GRID, 3, refit=False)
    gpunet_s = _timed(sweep, x, y)
    return {
        "hidden": hidden,
        "batch": batch,
        "seconds": {"gpunet": gpunet_s, "sklearn": sklearn_s},
        "best": {"gpunet": sweep.best_score_, "sklearn": search.best_score_},
        "times_gpunet": sklearn_s / gpunet_s,
        "epochs": settings["max_iter"],
    }


_TIMES = [">scikit-learn s", ">gpunet s", ">times"]


def _times(cell: dict[str, Any]) -> list[Any]:
    seconds = [f"{cell['seconds'][name]:.3f}" for name in ("sklearn", "gpunet")]
    return [cell["epochs"], *seconds, decimals(cell["times_gpunet"])]


def _fit_table(cells: list[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    columns = ["data", ">rows", ">batch", "dtype", ">epochs", *_TIMES, ">weights apart"]
    rows = [
        [
            *(cell[key] for key in ("data", "rows", "batch", "dtype")),
            *_times(cell),
            f"{cell['weights_apart']:.0e}",
        ]
        for cell in cells
    ]
    return columns, rows


def _sweep_table(cells: list[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    columns = [">hidden", ">batch", "dtype", ">epochs", *_TIMES]
    columns += [">best score", ">scikit-learn's"]
    rows = [
        [
            *(cell[key] for key in ("hidden", "batch", "dtype")),
            *_times(cell),
            *(f"{cell['best'][name]:.4f}" for name in ("gpunet", "sklearn")),
        ]
        for cell in cells
    ]
    return columns, rows
