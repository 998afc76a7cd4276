"""Training as scikit-learn does it: L-BFGS, or epochs of mini-batches."""

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import scipy.optimize
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils.optimize import _check_optimize_result

from ..backend import Backend
from .solvers import SOLVERS
from .state import MLPState
from .steppers.choice import make_stepper
from .steppers.costs import row_costs
from .steppers.layers import Samples


def fit_lbfgs(est: MLPState, samples: Samples, bk: Backend | None) -> None:
    """Train an initialized estimator in place by SciPy's L-BFGS."""
    stepper = make_stepper(est, bk, samples, epochs=1, n_fits=1)
    result = scipy.optimize.minimize(
        stepper.loss_and_gradient,
        stepper.p,
        method="L-BFGS-B",
        jac=True,
        options={"maxfun": est.max_fun, "maxiter": est.max_iter, "gtol": est.tol},
    )
    est.n_iter_ = _check_optimize_result("lbfgs", result, est.max_iter)
    est.loss_ = result.fun
    est.coefs_, est.intercepts_, _ = stepper.layers.views(np.asarray(result.x))


def fit_stochastic(
    est: MLPState,
    samples: Samples,
    held_out: Samples | None,
    bk: Backend | None,
    incremental: bool,
    n_fits: int,
) -> None:
    """Train an initialized estimator in place, by `bk` or (None) on the host.

    incremental is one epoch from where the last call ended; n_fits counts the fits
    that run side by side.
    """
    if not incremental or not hasattr(est, "_optimizer"):
        est._optimizer = SOLVERS[est.solver](est)
    if est.early_stopping and incremental:
        raise ValueError("partial_fit does not support early_stopping=True")
    samples, held_out, batches = split_samples(est, samples, held_out)
    epochs = 1 if incremental else est.max_iter
    stepper = make_stepper(est, bk, samples, epochs, n_fits)
    est._optimizer.start(stepper.p)
    n, est.n_iter_ = batches[-1][1], 0
    try:
        for order in epoch_orders(est, n):
            loss = stepper.run_epoch(order, batches, est._optimizer)
            y = None if held_out is None else stepper.outputs(held_out.x)
            if end_epoch(est, loss, n, y, held_out, stepper.weights) or incremental:
                break
        else:
            warn_not_converged(est)
    except KeyboardInterrupt:
        warnings.warn("Training interrupted by user.", stacklevel=2)
    stepper.save_state(est._optimizer)
    est.coefs_, est.intercepts_ = est._best if est.early_stopping else stepper.weights()


def split_samples(
    est: MLPState, samples: Samples, held_out: Samples | None
) -> tuple[Samples, Samples | None, list[tuple[int, int]]]:
    """Return what to train on, what to watch, and each batch's (start, stop)."""
    if held_out is not None:
        est.validation_loss_curve_ = []
    elif est.early_stopping:
        samples, held_out = _hold_out(est, *samples)
    n = samples.x.shape[0]
    size = 200 if est.batch_size == "auto" else est.batch_size
    if est.batch_size != "auto" and size > n:
        warnings.warn(
            "Got `batch_size` less than 1 or larger than "
            "sample size. It is going to be clipped",
            stacklevel=2,
        )
    size = int(np.clip(size, 1, n))
    return samples, held_out, [(a, min(a + size, n)) for a in range(0, n, size)]


def _hold_out(est: MLPState, x: Any, t: Any, weight: Any) -> tuple[Samples, Samples]:
    """Split validation rows off; stratified for two classes, as scikit-learn does."""
    two_classes = is_classifier(est) and est.n_outputs_ == 1
    arrays = [x, t] if weight is None else [x, t, weight]
    x, x_out, t, t_out, *weights = train_test_split(
        *arrays,
        random_state=est._random_state,
        test_size=est.validation_fraction,
        stratify=t if two_classes else None,
    )
    if x_out.shape[0] < 2:
        raise ValueError(
            "The validation set is too small. Increase 'validation_fraction' "
            "or the size of your dataset."
        )
    weight, weight_out = weights or (None, None)
    return Samples(x, t, weight), Samples(x_out, t_out, weight_out)


def epoch_orders(est: MLPState, n: int) -> Iterator[np.ndarray | None]:
    """Yield each epoch's order of n rows, None for as they are."""
    order = np.arange(n)
    for _ in range(est.max_iter):
        if est.shuffle:
            permutation = np.arange(n)
            est._random_state.shuffle(permutation)
            order = order[permutation]  # shuffles add up over the epochs
        yield order if est.shuffle else None


def end_epoch(
    est: MLPState,
    loss: Any,
    n: int,
    y: np.ndarray | None,
    held_out: Samples | None,
    weights: Callable[[], tuple],
) -> bool:
    """Write an epoch's results into the estimator; return whether to stop.

    n samples were seen; y are the outputs for the held-out ones; weights() returns
    the coefs and intercepts as they are now.
    """
    est.loss_ = loss
    est.n_iter_ += 1
    est.t_ += n
    est.loss_curve_.append(loss)
    if est.verbose:
        print(f"Iteration {est.n_iter_}, loss = {loss:.8f}")
    _record_progress(est, y, held_out, weights)
    est._optimizer.iteration_ends(est.t_)
    if est._no_improvement_count > est.n_iter_no_change:
        quantity = "Validation score" if est.early_stopping else "Training loss"
        message = (
            f"{quantity} did not improve more than tol={est.tol:f} for "
            f"{est.n_iter_no_change:d} consecutive epochs."
        )
        if est._optimizer.trigger_stopping(message, est.verbose):
            return True
        est._no_improvement_count = 0
    return False


def warn_not_converged(est: MLPState) -> None:
    """Say in scikit-learn's words that the epochs did not suffice."""
    warnings.warn(
        f"Stochastic Optimizer: Maximum iterations ({est.max_iter}) "
        "reached and the optimization hasn't converged yet.",
        ConvergenceWarning,
        stacklevel=2,
    )


def _record_progress(
    est: Any, y: Any, held_out: Any, weights: Callable[[], tuple]
) -> None:
    if hasattr(est, "validation_loss_curve_"):
        costs = row_costs(est.out_activation_, y, held_out.t.astype(y.dtype))
        est.validation_loss_curve_.append(float(np.mean(costs)))
    if not est.early_stopping:
        stuck = est.loss_ > est.best_loss_ - est.tol
        est.best_loss_ = est.loss_ if est.loss_ < est.best_loss_ else est.best_loss_
    else:
        score = est._score_outputs(y, held_out.t, held_out.weight)
        est.validation_scores_.append(score)
        if est.verbose:
            print(f"Validation score: {score:f}")
        stuck = score < est.best_validation_score_ + est.tol
        if score > est.best_validation_score_:
            est.best_validation_score_, est._best = score, weights()
    est._no_improvement_count = est._no_improvement_count + 1 if stuck else 0
