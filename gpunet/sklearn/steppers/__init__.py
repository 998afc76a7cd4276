"""Training steps of the estimators: a stepper for each kind of code.

NumPy is the default, code that numba compiles is used where that is faster, and the
lesson's Network on a device.
"""
