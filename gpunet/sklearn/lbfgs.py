"""Training by L-BFGS: SciPy's, called as scikit-learn calls it."""

import numpy as np
import scipy.optimize
from sklearn.utils.optimize import _check_optimize_result

from .state import MLPState
from .steppers import DeviceMLPStepper, NumpyMLPStepper


def fit_lbfgs(est: MLPState, stepper: NumpyMLPStepper | DeviceMLPStepper) -> None:
    """Train an initialized estimator in place."""
    result = scipy.optimize.minimize(
        stepper.loss_and_gradient,
        stepper.p,
        method="L-BFGS-B",
        jac=True,
        options={"maxfun": est.max_fun, "maxiter": est.max_iter, "gtol": est.tol},
    )
    est.n_iter_ = _check_optimize_result("lbfgs", result, est.max_iter)
    est.loss_ = result.fun
    layers = stepper.layers.views(np.asarray(result.x))
    est.coefs_, est.intercepts_ = layers.coefs, layers.intercepts
