"""Running out of memory, on a GPU or the host: one line that helps, nothing kept.

Libraries say it in their own ways; a person needs to know what was being done, how
much was asked for, how much there is, and what to try. The line is raised after
the library's error is gone: its traceback would hold every array of the step.
"""

import contextlib
import re
import traceback
from collections.abc import Iterator
from typing import Any

from ..backend import Backend
from ..errors import GpunetError, OutOfMemory

# How CUDA's libraries, PyTorch and drivers say it without a MemoryError.
_SAID = re.compile(
    r"cudaErrorMemoryAllocation|CUDA_ERROR_OUT_OF_MEMORY|_ALLOC_FAILED|CUDA out of "
    r"memory|DefaultCPUAllocator"
)
_WHEN = {
    "weights": "while drawing the weights",
    "data": "while copying the data",
    "step": "during a training step",
    "evaluation": "during an evaluation",
    "save": "while saving",
}
_BYTES = re.compile(r"allocating ([\d,]+) bytes|allocate ([\d.]+ ?[A-Za-z]+)")
_LIMIT = re.compile(r"so far: ([\d,]+) bytes, limit set to: ([\d,]+) bytes")


@contextlib.contextmanager
def memory_for(what: str, bk: Backend, batch: int | None = None) -> Iterator[None]:
    """Turn a failed allocation inside into one line (OutOfMemory).

    Parameters
    ----------
    what : "weights", "data", "step", "evaluation" or "save"
        What the memory is for.
    bk : Backend
    batch : int, optional
        The batch size in use.
    """
    line = ""
    try:
        yield
    except Exception as error:
        if not _is_shortage(error):
            raise
        line = _line(what, bk, batch, str(error))
        _forget(error)
    if line:
        shortage = OutOfMemory(line)
        try:
            raise shortage
        finally:
            shortage.__context__ = None  # the library's error, with all its frames


def _is_shortage(error: Exception) -> bool:
    if isinstance(error, GpunetError):
        return False
    return isinstance(error, MemoryError) or bool(_SAID.search(str(error)))


def _forget(error: BaseException | None) -> None:
    """Let go of the arrays that an error's frames hold."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__


def _line(what: str, bk: Backend, batch: int | None, said: str) -> str:
    asked, free = _BYTES.search(said), _free(bk, said)
    size = f"{asked[1]} bytes" if asked and asked[1] else asked and asked[2]
    size = size or "more"
    left = f", {free:,} bytes are free" if free is not None else ""
    smaller = max(1, (batch or 128) // 2)
    number = int(asked[1].replace(",", "")) if asked and asked[1] else 0
    if number and free and number > free:
        smaller = max(1, min(smaller, (batch or 128) * free // (2 * number)))
    return (
        f"out of memory {_WHEN[what]}: {bk.name} was asked for {size}{left}; use a "
        f"smaller `batch_size` ({smaller}), network, population or data set"
    )


def _free(bk: Backend, said: str) -> int | None:
    """Return the bytes left, within the limit of CuPy's pool where one is set."""
    if limit := _LIMIT.search(said):
        taken, most = (int(n.replace(",", "")) for n in limit.groups())
        return max(most - taken, 0)
    found: Any = None
    with contextlib.suppress(Exception):  # a device out of memory may not answer
        found = bk.memory()
    return found[0] if found else None
