"""Names for the kinds of array that signatures speak of."""

from typing import Any

Array = Any  # an array of any array API namespace, on any device
HostArray = Any  # a numpy.ndarray in host memory
Params = dict[str, Array]  # parameter tensors by name: "0.W", "0.b", ...
