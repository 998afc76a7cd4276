"""The work of `bench.py sklearn`: fits and sweeps beside scikit-learn's."""

import argparse
import sys
import time
import warnings
from functools import cache
from itertools import product
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

Cell = dict[str, Any]
# 64 settings whose members differ as in a real search
GRID = {
    "learning_rate_init": [float(v) for v in np.geomspace(3e-4, 3e-2, 8)],
    "alpha": [float(v) for v in np.geomspace(1e-5, 1.0, 8)],
}
_SECONDS = 0.5  # of a round, or one epoch
_PACKAGES = ("numpy", "scipy", "scikit-learn", "joblib")


def run(args: argparse.Namespace) -> int:
    """Time what the arguments ask for; return the exit code."""
    what = "sweeps" if args.sweep else "fits"
    groups = args.hidden if args.sweep else args.data
    cells = []
    # scikit-learn warns of every short fit that it has not converged; so may the
    # workers of its grid search, which read their filters from the environment.
    with warnings.catch_warnings(action="ignore"):
        for group, batch, dtype in product(groups, args.batches, args.dtypes):
            x, y = rows_of("digits" if args.sweep else group, args.rows)
            time_cell = sweep_cell if args.sweep else fit_cell
            cell = {"hidden" if args.sweep else "data": group}
            cell |= {"batch": batch, "dtype": dtype}
            cells.append(cell | time_cell(x.astype(dtype), y, cell, args))
            progress(f"{group}, {dtype}, batch {batch}")
    result = {"what": what, "engine": args.engine, "cells": cells}
    title = f"scikit-learn's time over gpunet's {args.engine}, {what}"
    table = (title, *_table(cells, args.sweep))
    return publish(result | machine(_PACKAGES, args.threads), [table], args)


@cache
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


def fit_cell(
    x: np.ndarray, y: np.ndarray, cell: Cell, args: argparse.Namespace
) -> Cell:
    """Fit with both, round by round; each is first in every other round."""
    settings: Cell = {"batch_size": cell["batch"], "random_state": 0}
    settings["max_iter"] = args.epochs or 1
    _warm_up(args.engine, x, y)
    seconds = _timed(MLPClassifier(**settings, engine=args.engine), x, y)
    if args.epochs is None:
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


def sweep_cell(
    x: np.ndarray, y: np.ndarray, cell: Cell, args: argparse.Namespace
) -> Cell:
    """Time one search by GridSearchCV and by MLPSweep."""
    settings: Cell = {
        "hidden_layer_sizes": (cell["hidden"],),
        "batch_size": cell["batch"],
    }
    settings |= {"max_iter": args.epochs or 10, "random_state": 0, "tol": 0}
    jobs: Cell = {"cv": 3, "n_jobs": usable_cores(), "refit": False}
    search = GridSearchCV(SklearnClassifier(**settings), GRID, **jobs)
    sklearn_s = _timed(search, x, y)
    _warm_up(args.engine, x, y)
    net = MLPClassifier(**settings, engine=args.engine)
    sweep = MLPSweep(net, GRID, 3, refit=False)
    gpunet_s = _timed(sweep, x, y)
    return {
        "seconds": {"gpunet": gpunet_s, "sklearn": sklearn_s},
        "best": {"gpunet": sweep.best_score_, "sklearn": search.best_score_},
        "times_gpunet": sklearn_s / gpunet_s,
        "epochs": settings["max_iter"],
    }


def _table(cells: list[Cell], sweep: bool) -> tuple[list[str], list[list[Any]]]:
    keys = ["hidden"] if sweep else ["data", "rows"]
    keys += ["batch", "dtype", "epochs"]
    columns = [key if key in ("data", "dtype") else f">{key}" for key in keys]
    columns += [">scikit-learn s", ">gpunet s", ">times"]
    columns += [">best score", ">scikit-learn's"] if sweep else [">weights apart"]
    rows = []
    for cell in cells:
        seconds = [f"{cell['seconds'][name]:.3f}" for name in ("sklearn", "gpunet")]
        if sweep:
            end = [f"{cell['best'][name]:.4f}" for name in ("gpunet", "sklearn")]
        else:
            end = [f"{cell['weights_apart']:.0e}"]
        start = [cell[key] for key in keys]
        rows.append([*start, *seconds, decimals(cell["times_gpunet"]), *end])
    return columns, rows
