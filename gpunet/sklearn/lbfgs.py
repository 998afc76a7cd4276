"""Training by L-BFGS: SciPy's, called as scikit-learn calls it."""

from typing import Any

import numpy as np
import scipy.optimize
from sklearn.utils.optimize import _check_optimize_result

from .steppers.numpy_stepper import pack, unpack


def fit_lbfgs(est: Any, steps: Any) -> None:
    """Train an initialized estimator in place.

    Parameters
    ----------
    est : MLPClassifier or MLPRegressor
    steps : Lean or Remote
        Whose `loss_and_gradient(vector)` is minimized.
    """
    found = scipy.optimize.minimize(
        steps.loss_and_gradient,
        pack(est.coefs_, est.intercepts_),
        method="L-BFGS-B",
        jac=True,
        options={"maxfun": est.max_fun, "maxiter": est.max_iter, "gtol": est.tol},
    )
    est.n_iter_ = _check_optimize_result("lbfgs", found, est.max_iter)
    est.loss_ = found.fun
    est.coefs_, est.intercepts_ = unpack(np.asarray(found.x), est.coefs_)
