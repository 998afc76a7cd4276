"""Training steps of the estimators: a stepper for each kind of code.

NumPy is the default, code that numba compiles is used where that is faster, and the
lesson's Network on a device.
"""

from .choice import layers_of, make_stepper, use_numba
from .device_stepper import DeviceStepper
from .layers import DenseLayers, MLPStepper, Samples
from .numba_stepper import NumbaStepper
from .numpy_stepper import NumpyStepper

__all__ = [
    "DenseLayers",
    "DeviceStepper",
    "MLPStepper",
    "NumbaStepper",
    "NumpyStepper",
    "Samples",
    "layers_of",
    "make_stepper",
    "use_numba",
]
