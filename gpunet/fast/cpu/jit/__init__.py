"""What numba compiles: every function of this folder, and nothing else.

Networks are tables (`structs`), so one compilation serves all of a dtype. Arrays are
flat, rows padded to whole vectors of length `L` (`vectors`): activations `A`, slopes
`D`, parameters `P`, gradients `G`, and the optimizer's state `M` and `V`.
"""
