"""Every error gpunet raises on purpose, each with the exit code of the commands.

A library call raises a subclass of `GpunetError` that is also the built-in
error a caller would expect (`ValueError` for data, `MemoryError` for memory).
A command prints the message as one line and leaves with `exit_code`. The
message says what, where, why and what to do, in that order.
"""

import warnings
from collections.abc import Callable
from functools import wraps
from math import inf
from numbers import Real
from sys import float_info
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class GpunetError(Exception):
    """The parent of every error gpunet raises on purpose."""

    exit_code = 1


class GpunetWarning(UserWarning):
    """What works, and is probably not what was meant."""


class ConfigError(GpunetError, ValueError):
    """An argument, option, shape or configuration that cannot work."""

    exit_code = 2


class UnknownColumn(ConfigError, KeyError):
    """A column of a history that there is not."""

    __str__ = Exception.__str__  # KeyError would show the message's repr


class DataError(GpunetError, ValueError):
    """Input data that are damaged, missing or out of range."""

    exit_code = 3


class ModelFileError(GpunetError, ValueError):
    """A model or checkpoint that is damaged or does not fit."""

    exit_code = 4


class DeviceError(GpunetError, RuntimeError):
    """A device that was asked for and cannot be used."""

    exit_code = 5


class OutOfMemory(GpunetError, MemoryError):
    """Not enough memory on the host or the device."""

    exit_code = 6


class Diverged(GpunetError, RuntimeError):
    """A loss or gradient that is no longer finite; training stopped before it."""

    exit_code = 7


class WriteError(GpunetError, OSError):
    """A file or folder that cannot be written."""

    exit_code = 8


class FolderInUse(GpunetError, RuntimeError):
    """A run folder that another process is writing to."""

    exit_code = 9


class Interrupted(GpunetError):
    """A signal ended the run; what was done is saved.

    Parameters
    ----------
    message : str
    signal_number : int
        The exit code is 128 more: 130 for SIGINT, 143 for SIGTERM.
    """

    def __init__(self, message: str, signal_number: int):
        super().__init__(message)
        self.exit_code = 128 + signal_number


def check_number(
    what: str, value: Any, *, positive: bool = False, below: float = inf
) -> None:
    """Refuse all but finite numbers >= 0, or > 0, below a limit (ConfigError).

    Parameters
    ----------
    what : str
        Where the value was given.
    """
    good = isinstance(value, Real) and value < inf
    if isinstance(value, int):  # which may be larger; of float32 it would overflow
        good = value <= float_info.max
    if not (good and (value > 0 if positive else value >= 0) and value < below):
        bound = "above 0" if positive else "at least 0"
        limit = f" and below {below:g}" if below < inf else " and finite"
        raise ConfigError(
            f"{what}: expected a number {bound}{limit}, got {value!r:.40}"
        )


def renamed_keywords(**names: str) -> Callable[[F], F]:
    """Return a decorator that accepts old keywords: `old="new"`, for one release.

    The old keyword still works and gives a DeprecationWarning. For a class,
    decorate its `__init__`.

    Raises
    ------
    TypeError
        When called: both the old and the new keyword were given.

    Examples
    --------
    >>> @renamed_keywords(order="shuffle")
    ... def train(shuffle=True):
    ...     return shuffle
    >>> import warnings
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     train(order=False), str(caught[0].message)
    (False, 'train: order is now called shuffle')
    """

    def decorate(function: F) -> F:
        who = function.__qualname__.removesuffix(".__init__")

        @wraps(function)
        def accept_old(*args: Any, **kwargs: Any) -> Any:
            for old in names.keys() & kwargs.keys():
                new = names[old]
                if new in kwargs:
                    raise TypeError(f"{who}: got both {old} and {new}; give {new}")
                message = f"{who}: {old} is now called {new}"
                warnings.warn(message, DeprecationWarning, stacklevel=2)
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return accept_old  # type: ignore[return-value]

    return decorate
