"""Activation functions, each with the slope that back-propagation needs.

An activation turns a neuron's weighted input z into its activation a. Read
`formulas`; `function` says what belongs to one, and `validation` checks what users
pass.
"""

from .formulas import ACTIVATIONS, log_softmax, sigmoid, softmax, softplus
from .function import ActivationFunction, get_activation
from .validation import check_slope, parse_name

__all__ = ["ACTIVATIONS", "ActivationFunction", "check_slope", "get_activation"]
__all__ += ["log_softmax", "parse_name", "sigmoid", "softmax", "softplus"]
