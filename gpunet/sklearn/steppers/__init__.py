"""The engines of the scikit-learn face: each takes the steps of an epoch.

NumPy takes them by default, code that numba compiles where that is sooner done, and
the lesson's Network on a device.
"""
