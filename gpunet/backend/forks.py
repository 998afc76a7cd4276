"""CUDA and forks: what a process has begun on a GPU, no forked child can use."""

import os

from ..errors import DeviceError

_process = 0  # the one that uses CUDA; a forked child inherits its number


def claim_cuda(name: str) -> None:
    """Note that this process uses the device `name`.

    Raises
    ------
    DeviceError
        It was forked from a process that does.
    """
    global _process
    if _process not in (0, os.getpid()):
        raise DeviceError(
            f"device: {name}: a process forked from one that uses CUDA cannot use it; "
            "start processes by spawn or loky, or use cpu"
        )
    _process = os.getpid()
