"""Callbacks: what others may do while a network trains."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any

from ..backend import Params
from ..errors import ConfigError

if TYPE_CHECKING:
    from .loop import Trainer


class Callback:
    """The parent of callbacks: every method does nothing until overridden.

    The trainer (`gpunet.training.Trainer`) shows net, optimizer, epoch, step
    and history. `trainer.stop("why")` ends training after the current step.
    """

    every_steps: int | None = None  # call on_pause after every so many steps

    def on_start(self, trainer: "Trainer") -> None:
        """Called once, before the first step."""

    def on_gradients(self, grads: Params) -> Params:
        """Called between backward and step; returns the gradients to apply.

        A span that is repeated to find a divergence calls it again.
        """
        return grads

    def on_span(self, trainer: "Trainer") -> None:
        """Called every quarter of a second or so, between steps."""

    def on_pause(self, trainer: "Trainer") -> None:
        """Called after every `every_steps` steps."""

    def on_epoch(self, trainer: "Trainer", record: dict[str, Any]) -> None:
        """Called at the end of each epoch with its record."""

    def on_stop(self, trainer: "Trainer") -> None:
        """Called once, when training ends, whatever ended it."""


@dataclass(frozen=True)
class EpochFunction(Callback):
    """A function of (record) or (trainer, record), called after each epoch."""

    function: Callable[..., Any]
    needs_trainer: bool

    def on_epoch(self, trainer: "Trainer", record: dict[str, Any]) -> None:
        """Call the function."""
        self.function(*([trainer, record] if self.needs_trainer else [record]))


def as_callback(callback: Any) -> Callback:
    """Return a function as a Callback, and a Callback as it is.

    Raises
    ------
    ConfigError
        Neither, a class, or a function that takes other arguments.
    """
    if isinstance(callback, Callback):
        return callback
    if isinstance(callback, EarlyStopping) or callback is EarlyStopping:
        reason = "EarlyStopping is a setting: early_stopping=EarlyStopping(5)"
    elif isinstance(callback, type):
        reason = f"{callback.__name__} is a class; use {callback.__name__}()"
    elif not callable(callback):
        reason = "must be gpunet.Callback objects or functions of an epoch's record, "
        reason += f"got {callback!r:.80}"
    elif _accepts(callback, {}):
        return EpochFunction(callback, needs_trainer=False)
    elif _accepts(callback, None, {}):
        return EpochFunction(callback, needs_trainer=True)
    else:
        name = getattr(callback, "__name__", repr(callback))
        reason = f"{name:.60} must take (record) or (trainer, record)"
    raise ConfigError(f"callbacks: {reason}")


def _accepts(function: Callable[..., Any], *args: Any) -> bool:
    try:
        inspect.signature(function).bind(*args)
    except TypeError:
        return False
    except ValueError:  # a built-in that does not tell
        pass
    return True


@dataclass(frozen=True)
class EarlyStopping:
    """Stop when the validation loss has not fallen for a while; keep the best.

    Parameters
    ----------
    patience : int
        Epochs without a new best before training stops; each member of a
        population stops for itself.
    min_delta : float
        How much lower a new best must be.
    restore_best : bool
        Whether the best epoch's weights come back at the end.
    """

    patience: int = 5
    min_delta: float = 0.0
    restore_best: bool = True

    def __post_init__(self) -> None:
        if isinstance(self.patience, bool) or not isinstance(self.patience, int):
            raise ConfigError(
                f"early stopping: patience: {self.patience!r} is no count"
            )
        if not isinstance(self.min_delta, Real):
            raise ConfigError(
                f"early stopping: min_delta: {self.min_delta!r} is no number"
            )
        if self.patience < 1 or not 0 <= self.min_delta < float("inf"):
            raise ConfigError(
                "early stopping: patience must be at least 1 and min_delta at least 0, "
                f"got {self.patience} and {self.min_delta}"
            )
