"""Training steps of the estimators: a stepper for each kind of code.

NumPy is the default, code that numba compiles is used where that is faster, and the
lesson's Network on a device.
"""

from .choice import layers_of, make_stepper, use_numba
from .device_stepper import DeviceMLPStepper
from .layers import DenseLayers, MLPStepper, Samples
from .numba_stepper import NumbaMLPStepper
from .numpy_stepper import NumpyMLPStepper

__all__ = [
    "DenseLayers",
    "DeviceMLPStepper",
    "MLPStepper",
    "NumbaMLPStepper",
    "NumpyMLPStepper",
    "Samples",
    "layers_of",
    "make_stepper",
    "use_numba",
]
