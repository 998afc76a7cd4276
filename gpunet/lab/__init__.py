"""The lab: what the notes say, as experiments that anyone can run and check.

Each experiment is a function that returns plain numbers with the checks it must
pass; `registry.LADDER` names them in the order in which one learns. Read
`by_hand` first: the whole of back-propagation in plain Python floats.
"""
