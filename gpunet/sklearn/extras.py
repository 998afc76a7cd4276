"""What scikit-learn lacks: the lesson's Trainer behind an estimator's face."""

from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from ..backend import Backend
from ..data import Dataset
from ..optimizers import Optimizer, get_optimizer
from ..training import Callback, EarlyStopping, fit
from ..training.loop import Trainer
from .array_api import backend_of, dense_array
from .fitting import split_samples, warn_not_converged
from .solvers import SOLVERS
from .state import MLPState
from .steppers.device_stepper import lesson_optimizer, make_network, tensor_names
from .steppers.layers import Samples

EXTRAS = ["hidden_activations", "dropout", "optimizer"]
EXTRAS += ["schedule", "n_members", "callbacks"]


def extras_in_use(est: MLPState) -> list[str]:
    """Return the parameters that need the lesson's Trainer and are set."""
    return [name for name in EXTRAS if _is_set(getattr(est, name))]


def _is_set(value: Any) -> bool:
    if isinstance(value, str) or not hasattr(value, "__len__"):
        return value is not None and value != 0
    return len(value) > 0


class _Plateau(Callback):
    """Stop when the training loss of every member has not fallen by tol for long."""

    def __init__(self, tol: float, patience: float) -> None:
        self._tol, self._patience = tol, patience
        self._best: Any = np.inf
        self._n_stuck: Any = 0

    def on_epoch(self, trainer: Trainer, record: dict[str, Any]) -> None:
        """Compare the epoch's loss with the best so far."""
        loss = np.asarray(record["loss"], float)  # a diverged member has NaN
        stuck = ~(loss <= self._best - self._tol)
        self._n_stuck = np.where(stuck, self._n_stuck + 1, 0)
        self._best = np.fmin(self._best, loss)
        if np.all(self._n_stuck > self._patience):
            trainer.stop("the training loss falls no more")


def fit_extras(
    est: MLPState,
    samples: Samples,
    held_out: Samples | None,
    bk: Backend | None,
    incremental: bool,
) -> None:
    """Train an initialized estimator in place by the lesson's own `fit`.

    ValueError: a parameter that does not go with the extras, with the remedy.
    """
    _check_extras(est, incremental)
    samples, held_out, batches = split_samples(est, samples, held_out)
    seed = int(est._random_state.randint(2**31 - 1))
    net = make_network(bk, est._layers(), est.dropout, seed)
    patience = int(min(est.n_iter_no_change, est.max_iter))
    size = batches[0][1]
    plateau = [] if est.early_stopping else [_Plateau(est.tol, patience)]
    history = fit(
        net,
        _dataset(est, *samples),
        epochs=est.max_iter,
        batch_size=size,
        optimizer=_lesson_optimizer(est, size),
        schedule=est.schedule or "constant",
        validation=held_out and _dataset(est, *held_out),
        early_stopping=EarlyStopping(patience, est.tol) if est.early_stopping else None,
        shuffle=bool(est.shuffle),
        callbacks=[*est.callbacks, *plateau],
        engine=est.engine,
        progress=False,
    )
    tensors = [net.backend.to_host(net.params[name]) for name in tensor_names(net)]
    n = len(est.coefs_)
    est.coefs_, est.intercepts_ = tensors[:n], tensors[n:]
    _record_history(est, history, len(samples.t))


def _check_extras(est: MLPState, incremental: bool) -> None:
    names = ", ".join(extras_in_use(est))
    if incremental:
        raise ValueError(f"partial_fit does not support {names}; use fit")
    if est.solver == "lbfgs":
        raise ValueError(f"solver 'lbfgs' does not support {names}; use 'adam'")
    if est.learning_rate != "constant":
        raise ValueError(
            f"learning_rate {est.learning_rate!r} cannot be combined with {names}; "
            "set schedule instead"
        )


def _dataset(est: MLPState, x: Any, t: np.ndarray, weight: Any) -> Dataset:
    """Return host data: labels where classes exclude each other, else targets."""
    bk = backend_of(x)
    x = bk.to_host(x) if bk else dense_array(x)
    labels = is_classifier(est) and est.out_activation_ == "softmax"
    return Dataset(x, t.argmax(axis=1) if labels else t.astype(x.dtype), weight)


def _lesson_optimizer(est: MLPState, size: int) -> Optimizer:
    rate, l2 = est.learning_rate_init, est.alpha / size
    if isinstance(est.optimizer, str):
        return get_optimizer(est.optimizer, learning_rate=rate, l2=l2)
    if est.optimizer is not None:
        return deepcopy(est.optimizer)
    return lesson_optimizer(SOLVERS[est.solver](est), l2)


def _record_history(est: MLPState, history: Any, n: int) -> None:
    """Write scikit-learn's attributes; the losses of members are averaged."""
    # the lesson's squared error adds outputs up, scikit-learn's averages them
    scale = 1.0 / est.n_outputs_ if est.out_activation_ == "identity" else 1.0

    def curve(name: str) -> list[float]:
        values = [np.asarray(v, float) for v in history[name]]
        return [scale * float(np.nanmean(v)) for v in values]

    est.n_iter_ = len(history)
    est.t_ += n * len(history)
    est.loss_curve_ = curve("loss")
    est.loss_, est.best_loss_ = est.loss_curve_[-1], min(est.loss_curve_)
    if "val_loss" in history.records[0]:
        est.validation_loss_curve_ = curve("val_loss")
    if history.outcome == "all epochs done":
        warn_not_converged(est)
