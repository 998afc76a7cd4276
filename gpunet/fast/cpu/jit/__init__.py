"""What numba compiles: every function of this folder, and nothing else.

Plain functions over flat arrays; numba infers their types, once for each dtype and
not for each network: layers, loss and optimizer come as tables (`structs`). Rows are
padded to whole vectors of 64 bytes (`vectors`). `A` and `D` hold activations and
slopes, `P`, `G`, `M` and `V` parameters, gradients and the optimizer's state; `L` is
the length of a vector.
"""
