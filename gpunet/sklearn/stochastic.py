"""Training by mini-batches as scikit-learn does it: epochs, progress, stopping."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split

from .solvers import SOLVERS
from .steppers.costs import row_costs


def fit_stochastic(
    est: Any, data: tuple, held_out: tuple | None, engine: Any, incremental: bool
) -> None:
    """Train an initialized estimator in place.

    Parameters
    ----------
    est : MLPClassifier or MLPRegressor
        Its parameters are read, its fitted attributes written.
    data : tuple of arrays
        x, t of shape (n, n_out), and weight or None; validated.
    held_out : tuple of arrays, optional
        The same, to watch; None lets `early_stopping` part rows off.
    engine : callable
        engine(x, t, weight) -> Lean or Remote, which takes the steps.
    incremental : bool
        Whether one epoch is wanted, on from where the last call ended.
    """
    if not incremental or not hasattr(est, "_optimizer"):
        est._optimizer = SOLVERS[est.solver](est)
    if est.early_stopping and incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    data, held_out, batches = begin(est, data, held_out)
    steps = engine(*data)
    est._optimizer.start(steps)
    try:
        _epochs(est, steps, batches, held_out, incremental)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)
    steps.remember(est._optimizer)
    est.coefs_, est.intercepts_ = est._best if est.early_stopping else steps.tensors()


def begin(est: Any, data: tuple, held_out: tuple | None) -> tuple:
    """Return what to train on, what to watch, and each batch's (start, stop)."""
    if held_out is not None:
        est.validation_loss_curve_ = []
    elif est.early_stopping:
        data, held_out = hold_out(est, *data)
    n = data[0].shape[0]
    size = batch_size(est.batch_size, n)
    return data, held_out, [(a, min(a + size, n)) for a in range(0, n, size)]


def _epochs(est, steps, batches, held_out, incremental) -> None:
    est.n_iter_ = 0
    for order in orders(est, batches[-1][1]):
        loss = steps.epoch(order, batches, est._optimizer)
        y = None if held_out is None else steps.outputs(held_out[0])
        if epoch_done(est, loss, batches[-1][1], y, held_out, steps.tensors):
            return
        if incremental:
            return
    warn_of_the_end(est)


def orders(est: Any, n: int) -> Iterator[np.ndarray | None]:
    """Yield each epoch's order of n rows, None for as they lie."""
    order = np.arange(n)
    for _ in range(est.max_iter):
        if est.shuffle:
            turn = np.arange(n)
            est._random_state.shuffle(turn)
            order = order[turn]  # shuffles add up over the epochs
        yield order if est.shuffle else None


def epoch_done(
    est: Any, loss: Any, n: int, y: Any, held_out: tuple | None, tensors: Callable
) -> bool:
    """Write an epoch's results into the estimator; return whether to stop.

    Parameters
    ----------
    est : MLPClassifier or MLPRegressor
    loss : float
    n : int
        Rows seen.
    y : array, optional
        Outputs for the held-out rows.
    held_out : tuple of arrays, optional
    tensors : callable
        tensors() -> (coefs, intercepts) as they stand.
    """
    est.loss_ = loss
    est.n_iter_ += 1
    est.t_ += n
    est.loss_curve_.append(loss)
    if est.verbose:
        print(f"Iteration {est.n_iter_}, loss = {loss:.8f}")
    _note_progress(est, y, held_out, tensors)
    est._optimizer.epoch_ends(est.t_)
    if est._no_improvement_count > est.n_iter_no_change:
        if est._optimizer.may_stop(_why(est), est.verbose):
            return True
        est._no_improvement_count = 0
    return False


def warn_of_the_end(est: Any) -> None:
    """Say in scikit-learn's words that the epochs did not suffice."""
    warnings.warn(
        f"Stochastic Optimizer: Maximum iterations ({est.max_iter}) "
        "reached and the optimization hasn't converged yet.",
        ConvergenceWarning,
        stacklevel=2,
    )


def _why(est: Any) -> str:
    what = "Validation score" if est.early_stopping else "Training loss"
    return (
        f"{what} did not improve more than tol={est.tol:f} for "
        f"{est.n_iter_no_change:d} consecutive epochs."
    )


def _note_progress(est: Any, y: Any, held_out: tuple | None, tensors: Callable) -> None:
    if hasattr(est, "validation_loss_curve_"):
        costs = row_costs(est.out_activation_, y, held_out[1].astype(y.dtype))
        est.validation_loss_curve_.append(float(np.mean(costs)))
    if not est.early_stopping:
        stuck = est.loss_ > est.best_loss_ - est.tol
        est.best_loss_ = est.loss_ if est.loss_ < est.best_loss_ else est.best_loss_
    else:
        score = est._score_outputs(y, *held_out[1:])
        est.validation_scores_.append(score)
        if est.verbose:
            print(f"Validation score: {score:f}")
        stuck = score < est.best_validation_score_ + est.tol
        if score > est.best_validation_score_:
            est.best_validation_score_, est._best = score, tensors()
    est._no_improvement_count = est._no_improvement_count + 1 if stuck else 0


def hold_out(est: Any, x: Any, t: Any, weight: Any) -> tuple:
    """Part the validation rows off; stratified for two classes, as scikit-learn."""
    by_class = is_classifier(est) and est.n_outputs_ == 1
    arrays = [x, t] if weight is None else [x, t, weight]
    x, x_out, t, t_out, *weights = train_test_split(
        *arrays,
        random_state=est._random_state,
        test_size=est.validation_fraction,
        stratify=t if by_class else None,
    )
    if x_out.shape[0] < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            "or the size of your dataset."
        )
    weight, weight_out = weights or (None, None)
    return (x, t, weight), (x_out, t_out, weight_out)


def batch_size(wanted: Any, n: int) -> int:
    """Return the rows of a batch: "auto" is at most 200; too many are clipped."""
    if wanted == "auto":
        return min(200, n)
    if wanted > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than "
            "sample size. It is going to be clipped",
            stacklevel=2,
        )
    return int(np.clip(wanted, 1, n))
