"""What scikit-learn has not: the lesson's Trainer behind an estimator's face."""

from copy import deepcopy
from typing import Any

import numpy as np
from sklearn.base import is_classifier

from ..backend import open_backend
from ..data import Dataset
from ..optimizers import SGD, Adam, get_optimizer
from ..training import Callback, EarlyStopping, fit
from .array_api import backend_of
from .steppers.device_stepper import network
from .stochastic import batch_size, hold_out, warn_of_the_end

EXTRAS = [
    "hidden_activations",
    "dropout",
    "optimizer",
    "schedule",
    "n_members",
    "callbacks",
]


def wanted_extras(est: Any) -> list[str]:
    """Return the parameters that need the lesson's Trainer and are set."""
    return [name for name in EXTRAS if _is_set(getattr(est, name))]


def _is_set(value: Any) -> bool:
    if isinstance(value, str) or not hasattr(value, "__len__"):
        return value is not None and value != 0
    return len(value) > 0


def hidden_names(est: Any) -> list:
    """Return the activation of each hidden layer."""
    n = est.n_layers_ - 2
    if est.hidden_activations is None:
        return [est.activation] * n
    names = list(est.hidden_activations)
    if len(names) != n:
        raise ValueError(
            f"hidden_activations: expected {n}, one for each hidden layer, got {names}"
        )
    return names


class _Plateau(Callback):
    """Stop when the training loss of every member has not fallen by tol for long."""

    def __init__(self, tol: float, patience: float):
        self._tol, self._patience = tol, patience
        self._best: Any = np.inf
        self._stuck: Any = 0

    def on_epoch(self, trainer, record):
        """Compare the epoch's loss with the best so far."""
        loss = np.asarray(record["loss"], float)  # a member that is lost gives NaN
        stuck = ~(loss <= self._best - self._tol)
        self._stuck = np.where(stuck, self._stuck + 1, 0)
        self._best = np.fmin(self._best, loss)
        if np.all(self._stuck > self._patience):
            trainer.stop("the training loss falls no more")


def fit_extras(
    est: Any, data: tuple, held_out: tuple | None, bk: Any, incremental: bool
) -> None:
    """Train an initialized estimator in place by the lesson's own `fit`.

    Parameters
    ----------
    est : MLPClassifier or MLPRegressor
    data : tuple of arrays
        x, t of shape (n, n_out), and weight or None; validated.
    held_out : tuple of arrays, optional
    bk : Backend or None
    incremental : bool
        Refused: the Trainer's runs begin and end.

    Raises
    ------
    ValueError
        A parameter that does not go with the extras, with the cure.
    """
    _refuse(est, incremental)
    if est.early_stopping and held_out is None:
        data, held_out = hold_out(est, *data)
    net = network(
        bk or open_backend("cpu"),
        est.coefs_,
        est.intercepts_,
        hidden_names(est),
        est.out_activation_,
        dropout=est.dropout,
        seed=int(est._random_state.randint(2**31 - 1)),
    )
    patience = int(min(est.n_iter_no_change, est.max_iter))
    size = batch_size(est.batch_size, len(data[1]))
    callbacks = list(est.callbacks)
    if not est.early_stopping:
        callbacks.append(_Plateau(est.tol, patience))
    history = fit(
        net,
        _dataset(est, *data),
        epochs=est.max_iter,
        batch_size=size,
        optimizer=_optimizer(est, size),
        schedule=est.schedule or "constant",
        validation=held_out and _dataset(est, *held_out),
        early_stopping=EarlyStopping(patience, est.tol) if est.early_stopping else None,
        order="own" if est.shuffle else "none",
        callbacks=callbacks,
        engine=est.engine,
    )
    est.coefs_, est.intercepts_ = (
        [net.backend.to_host(p) for name, p in net.params.items() if name[-1] == kind]
        for kind in "Wb"
    )
    _report(est, history, len(data[1]))


def _refuse(est: Any, incremental: bool) -> None:
    names = ", ".join(wanted_extras(est))
    if incremental:
        raise ValueError(f"partial_fit does not support {names}; take fit")
    if est.solver == "lbfgs":
        raise ValueError(f"solver 'lbfgs' does not support {names}; take 'adam'")
    if est.learning_rate != "constant":
        raise ValueError(
            f"learning_rate {est.learning_rate!r} does not go with {names}; "
            "set schedule instead"
        )


def _dataset(est: Any, x: Any, t: np.ndarray, weight: Any) -> Dataset:
    """Return host data: labels where classes exclude each other, else targets."""
    bk = backend_of(x)
    x = bk.to_host(x) if bk else x.toarray() if hasattr(x, "toarray") else x
    labels = is_classifier(est) and est.out_activation_ == "softmax"
    return Dataset(x, t.argmax(axis=1) if labels else t.astype(x.dtype), weight)


def _optimizer(est: Any, size: int) -> Any:
    rate, l2 = est.learning_rate_init, est.alpha / size
    if isinstance(est.optimizer, str):
        return get_optimizer(est.optimizer, learning_rate=rate, l2=l2)
    if est.optimizer is not None:
        return deepcopy(est.optimizer)
    if est.solver == "sgd":
        sgd = {"momentum": est.momentum, "nesterov": est.nesterovs_momentum}
        return SGD(rate, l2=l2, **sgd)
    betas = {"beta1": est.beta_1, "beta2": est.beta_2, "eps": est.epsilon}
    return Adam(rate, l2=l2, **betas)


def _report(est: Any, history: Any, n: int) -> None:
    """Write what scikit-learn's users look for; losses of members are averaged."""
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
        warn_of_the_end(est)
