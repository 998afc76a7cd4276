"""Which stepper trains an estimator: NumPy, compiled code, or a device."""

from math import prod
from typing import Any

import numpy as np
import scipy.sparse

from ...backend import Backend
from ...fast.cpu import Workload, missing, seconds_until_ready, why_loop, workspace
from ...fast.cpu.jit.span import train_members
from ..array_api import backend_of
from ..state import MLPState
from .device_stepper import DeviceMLPStepper
from .layers import Samples
from .numba_stepper import NumbaMLPStepper
from .numpy_stepper import NumpyMLPStepper


def make_stepper(
    est: MLPState, bk: Backend | None, samples: Samples, epochs: int, n_fits: int
) -> Any:
    """Return the stepper of an initialized estimator; see `use_numba`."""
    x, t, weight = samples
    compiled = use_numba(est, bk, samples, epochs, n_fits)
    layers, dtype = est._layers(), est.coefs_[0].dtype
    if est.solver == "lbfgs":
        # SciPy's vector is float64, and scikit-learn's tensors become so
        dtype = np.dtype("float64")
        layers = layers.views(layers.packed().astype(dtype))
        x = x if backend_of(x) else x.astype(dtype, copy=False)
    samples = Samples(x, t.astype(dtype, copy=False), weight)
    if bk is not None:
        return DeviceMLPStepper(bk, layers, est.alpha, samples)
    stepper_class = NumbaMLPStepper if compiled else NumpyMLPStepper
    return stepper_class(layers, est.alpha, samples)


def use_numba(
    est: MLPState, bk: Backend | None, samples: Samples, epochs: float, n_fits: int
) -> bool:
    """Return whether compiled code is to train an initialized estimator.

    "auto" compiles where that saves more seconds than it takes, in at most so many
    epochs of n_fits fits side by side. ValueError: "compiled" does not apply.
    """
    if est.engine == "loop":
        return False
    reason = _why_not_compiled(est, bk, samples.weight)
    if est.engine == "compiled" and reason:
        raise ValueError(f"engine='compiled': {reason}, or engine='auto'")
    if reason or est.engine == "compiled":
        return not reason
    x = samples.x
    n, widths = x.shape[0], [W.shape[-1] for W in est.coefs_]
    if epochs > est.n_iter_no_change and (est.tol > 0 or est.early_stopping):
        epochs = epochs / 3  # most fits stop before
    n_parameters = sum(prod(W.shape[-2:]) for W in est.coefs_)
    size = min(max(200 if est.batch_size == "auto" else est.batch_size, 1), n)
    n_steps = epochs * -(-n // size)
    adam = est.solver == "adam"
    work = Workload(n_steps, size, n_fits, widths[0], sum(widths), n_parameters, adam)
    columns = workspace.column_dtype(x.shape[1])
    wait = seconds_until_ready(train_members, est.coefs_[0].dtype, columns)
    dense = n_fits == 1 and not scipy.sparse.issparse(x)
    numpy_seconds = n_fits * n_steps * step_seconds(n_parameters, size)
    return not why_loop(work, x if dense else None, wait, numpy_seconds)


def step_seconds(n_parameters: int, batch: int) -> float:
    """Return how long a step of `NumpyMLPStepper` takes, by a rough count."""
    # fitted to networks of 800 to 80,000 parameters and batches of 10 to 200
    return 3e-5 + n_parameters * (3.5e-9 + 1.3e-10 * batch)


def _why_not_compiled(est: MLPState, bk: Backend | None, weight: Any) -> str:
    """Return why compiled code cannot take an estimator's steps, or ""."""
    if bk is not None:
        return f"it is for the cpu, not for {bk.name}; use device=None"
    if est.solver == "lbfgs":
        return "solver 'lbfgs' is SciPy's; use 'adam' or 'sgd'"
    if est.out_activation_ == "exp":
        return "it does not support loss 'poisson'; use 'squared_error'"
    if weight is not None:
        return "it does not support sample weights; omit sample_weight and class_weight"
    if est.coefs_[0].dtype.type(est.epsilon) == 0:
        return f"epsilon={est.epsilon} is 0 in float32; use 1e-8"  # 0 / 0 in padding
    return missing()
