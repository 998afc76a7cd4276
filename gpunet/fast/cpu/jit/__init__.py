"""What numba compiles: every function of this folder, and nothing else.

The files beside this folder are ordinary Python.
"""
