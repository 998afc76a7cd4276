"""The scikit-learn face: MLPs that are drop-in, faster, and run on a GPU.

`MLPClassifier` and `MLPRegressor` have scikit-learn's parameters and reach its
weights (to 1e-12 in float64 on the CPU); everything beyond that is off by default.
`MLPSweep` trains a grid as populations, `patch` replaces scikit-learn's classes,
`to_network` makes a fitted MLP a `gpunet.Network`.
"""

import importlib.util

if importlib.util.find_spec("sklearn") is None:
    raise ImportError(
        'gpunet.sklearn needs scikit-learn; python -m pip install "gpunet[sklearn]"'
    )

from .estimators import MLPClassifier, MLPRegressor
from .networks import to_network
from .patching import patch, unpatch
from .sweep import MLPSweep

__all__ = ["MLPClassifier", "MLPRegressor", "MLPSweep"]
__all__ += ["patch", "to_network", "unpatch"]
