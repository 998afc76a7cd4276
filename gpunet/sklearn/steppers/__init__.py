"""Training steps of the estimators by NumPy, by numba, or by the lesson's Network."""
