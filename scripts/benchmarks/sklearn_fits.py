"""The work of `scripts/bench_sklearn.py`: fits and sweeps, side by side."""

import datetime
import platform
import sys
import time
import warnings
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from gpunet.backend.threads import usable_cores
from gpunet.cli.digits import training_digits
from gpunet.cli.machine import blas, commit, cpu_model, version
from gpunet.cli.tables import as_json, markdown, show
from gpunet.errors import ConfigError, WriteError

try:
    from gpunet.sklearn import MLPClassifier, MLPSweep
except ImportError as missing:
    raise ConfigError(
        f"bench_sklearn: scikit-learn cannot be imported ({missing})"
    ) from missing

# 64 settings whose members differ as a person would have them differ
GRID = {
    "learning_rate_init": [float(v) for v in np.geomspace(3e-4, 3e-2, 8)],
    "alpha": [float(v) for v in np.geomspace(1e-5, 1.0, 8)],
}
_SECONDS = 0.5  # of a round, or one epoch
_VERSIONS = ("numpy", "scipy", "scikit-learn", "joblib")


def run(args: Any) -> int:
    """Time what the arguments ask for; return the exit code."""
    batches = [_batch(text) for text in args.batches]
    # scikit-learn says of every short fit that it has not converged; so may the
    # workers of its grid search, which take their filters from the environment
    with warnings.catch_warnings(action="ignore"):
        cells = _sweeps(args) if args.sweep else _fits(args, batches)
    result = {"what": "sweeps" if args.sweep else "fits", "engine": args.engine}
    result["cells"] = cells
    result |= {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "cpu": cpu_model(),
        "cores": usable_cores(),
        "blas": blas(),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in _VERSIONS},
    }
    _report(result, args)
    return 0


def _batch(text: str) -> int | str:
    if text == "auto":
        return text
    if not (text.isascii() and text.isdigit() and int(text)):
        raise ConfigError(
            f"bench_sklearn: batches: {text!r}: expected auto or a whole number above 0"
        )
    return int(text)


def rows_of(name: str, n: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return x (float64, about 0 to 1) and labels of a data set by its name."""
    if name == "digits":
        x, y = import_module("sklearn.datasets").load_digits(return_X_y=True)
        x = x / 16
    elif name == "mnist":
        x, y = training_digits(10_000)
    else:
        rng = np.random.default_rng(0)
        x = rng.standard_normal((100_000, 50))
        y = (x[:, :5].sum(axis=1) + rng.standard_normal(len(x)) > 0).astype(int)
    n = min(n or len(x), len(x))
    return x[:n].astype(float), y[:n]


def _fits(args: Any, batches: list) -> list[dict[str, Any]]:
    rival = import_module("sklearn.neural_network").MLPClassifier
    cells = []
    for name in args.data:
        x, y = rows_of(name, args.rows)
        for batch in batches:
            for dtype in args.dtypes:
                cell = _fit_cell(rival, x.astype(dtype), y, batch, args)
                cells.append({"data": name, "dtype": dtype, "batch": batch, **cell})
                where = f"{name}, {dtype}, batch {batch}"
                print(f"timed {where}", file=sys.stderr, flush=True)
    return cells


def _fit_cell(rival: Any, x: Any, y: Any, batch: Any, args: Any) -> dict[str, Any]:
    """Fit with both, round by round, each first every other time."""
    own = {"batch_size": batch, "random_state": 0, "max_iter": args.epochs or 1}
    _warm_up(args.engine, x, y)
    mine, seconds = _timed(MLPClassifier(**own, engine=args.engine), x, y)
    if args.epochs is None:
        own["max_iter"] = int(np.clip(_SECONDS / seconds, 1, 200))
    rounds: dict[str, list[float]] = {"gpunet": [], "sklearn": []}
    for k in range(args.repeats):
        net = MLPClassifier(**own, engine=args.engine)
        pair = [("gpunet", net), ("sklearn", rival(**own))]
        for name, est in pair[:: 1 if k % 2 else -1]:
            rounds[name].append(_timed(est, x, y)[1])
        mine, other = pair[0][1], pair[1][1]
    apart = max(
        float(np.abs(a - b).max())
        for a, b in zip(
            mine.coefs_ + mine.intercepts_,
            other.coefs_ + other.intercepts_,
            strict=True,
        )
    )
    ratios = [b / a for a, b in zip(rounds["gpunet"], rounds["sklearn"], strict=True)]
    return {
        "rows": len(x),
        "epochs": mine.n_iter_,
        "rounds": rounds,
        "seconds": {name: median(times) for name, times in rounds.items()},
        "times_gpunet": median(ratios),
        "weights_apart": apart,
    }


def _warm_up(engine: str, x: Any, y: Any) -> None:
    """Have what is to be compiled compiled, in a fit that is not counted."""
    if engine == "compiled":
        net = MLPClassifier((2,), max_iter=1, random_state=0, engine=engine)
        seconds = _timed(net, x, y)[1]
        told = f"not counted: {seconds:.1f} s for the first compiled fit, {x.dtype}"
        print(told, file=sys.stderr, flush=True)


def _timed(est: Any, x: Any, y: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    est.fit(x, y)
    return est, time.perf_counter() - began


def _sweeps(args: Any) -> list[dict[str, Any]]:
    rival = import_module("sklearn.neural_network").MLPClassifier
    search = import_module("sklearn.model_selection").GridSearchCV
    x, y = rows_of("digits", args.rows)
    cells = []
    for hidden in args.hidden:
        for batch in map(_batch, args.batches):
            for dtype in args.dtypes:
                own = {"hidden_layer_sizes": (hidden,), "batch_size": batch}
                own |= {"max_iter": args.epochs or 10, "random_state": 0, "tol": 0}
                data = x.astype(dtype), y
                jobs = {"cv": 3, "n_jobs": usable_cores(), "refit": False}
                other, theirs = _timed(search(rival(**own), GRID, **jobs), *data)
                _warm_up(args.engine, *data)
                net = MLPClassifier(**own, engine=args.engine)
                sweep = MLPSweep(net, GRID, 3, refit=False)
                mine, ours = _timed(sweep, *data)
                cells.append(
                    {"hidden": hidden, "batch": batch, "dtype": dtype}
                    | {"seconds": {"gpunet": ours, "sklearn": theirs}}
                    | {"best": {"gpunet": mine.best_score_}}
                    | {"times_gpunet": theirs / ours, "epochs": own["max_iter"]}
                )
                cells[-1]["best"]["sklearn"] = other.best_score_
                where = f"{hidden} neurons, {dtype}, batch {batch}"
                print(f"timed {where}", file=sys.stderr, flush=True)
    return cells


def _report(result: dict[str, Any], args: Any) -> None:
    if args.json == "-":
        print(as_json(result))
        return
    head, rows = _table(result["cells"], sweep=result["what"] == "sweeps")
    title = f"scikit-learn's time over gpunet's {result['engine']}, {result['what']}"
    if args.markdown:
        print(f"**{title}**\n\n{markdown(head, rows)}\n")
    else:
        show(title, head, rows)
    versions = ", ".join(f"{k} {v}" for k, v in result["versions"].items())
    print(
        f"{result['cpu']}, {result['blas']['threads']} BLAS thread(s) of "
        f"{result['cores']} cores; {versions}; commit {result['commit']}"
    )
    if args.json:
        try:
            Path(args.json).write_text(as_json(result) + "\n", encoding="utf-8")
        except OSError as error:
            raise WriteError(
                f"bench_sklearn: {args.json}: {error.strerror}; "
                "give --json another place"
            ) from error
        print(f"raw numbers: {args.json}", file=sys.stderr)


def _table(cells: list[dict], sweep: bool) -> tuple[list[str], list[list]]:
    times = [">scikit-learn s", ">gpunet s", ">times"]
    if sweep:
        head = [">hidden", ">batch", "dtype", ">epochs", *times, ">best", ">theirs"]
    else:
        head = ["data", ">rows", ">batch", "dtype", ">epochs", *times, ">weights apart"]
    rows = []
    for cell in cells:
        seconds = [f"{cell['seconds'][name]:.3f}" for name in ("sklearn", "gpunet")]
        middle = [cell["epochs"], *seconds, f"{cell['times_gpunet']:.2f}"]
        if sweep:
            start = [cell["hidden"], cell["batch"], cell["dtype"]]
            end = [f"{cell['best'][name]:.4f}" for name in ("gpunet", "sklearn")]
        else:
            start = [cell["data"], cell["rows"], cell["batch"], cell["dtype"]]
            end = [f"{cell['weights_apart']:.0e}"]
        rows.append([*start, *middle, *end])
    return head, rows
