"""The scikit-learn face: MLPs that are drop-in, faster, and run on a GPU.

`MLPClassifier` and `MLPRegressor` take scikit-learn's parameters and give its
weights (to 1e-12 in float64 on the CPU); what they can beyond that is off by
default. `MLPSweep` trains a whole grid as one population, `patch` puts these
classes in the place of scikit-learn's.
"""

import importlib.util

if importlib.util.find_spec("sklearn") is None:
    raise ImportError(
        'gpunet.sklearn needs scikit-learn; python -m pip install "gpunet[sklearn]"'
    )

from .estimators import MLPClassifier, MLPRegressor
from .patching import patch, unpatch
from .sweep import MLPSweep

__all__ = ["MLPClassifier", "MLPRegressor", "MLPSweep", "patch", "unpatch"]
