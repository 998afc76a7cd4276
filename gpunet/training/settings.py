"""The settings of training, declared once: a new one is a field and its option.

`fit` accepts the fields by name; presets, configurations and the command's
options derive from them.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ..errors import ConfigError
from ..io.messages import choices, printable
from ..optimizers import get_optimizer
from ..updates import Optimizer, Rate
from .callbacks import Callback, EarlyStopping, as_callback

ENGINES = ("auto", "loop", "compiled")
PRECISIONS = ("float32", "tf32", "float16")
SHUFFLES = ("per_member", "shared", False)
_OLD_SHUFFLES: dict[str, str | bool] = {"own": "per_member", "none": False}
_COUNTS = ("batch_size", "max_steps")  # or None
_OF_FIT = ("progress", "folder", "resume", "checkpoint_every_steps")
_ELSEWHERE = {  # words of other libraries
    **{"lr": "learning_rate", "max_iter": "epochs", "verbose": "progress"},
    "patience": "early_stopping",
}


@dataclass(frozen=True)
class Settings:
    """How a network is trained.

    Parameters
    ----------
    epochs : int
        Times through the data.
    batch_size : int or None
        Examples a step; None uses all: gradient descent proper. A shorter last
        batch is used too, and its gradient is the mean over its true size.
    optimizer : str or Optimizer
        "sgd", "rmsprop", "adagrad", "adam" or "adamw" with its usual settings, or
        one with others: `gpunet.SGD(0.1, momentum=0.9)`.
    learning_rate : float or sequence of float, optional
        Of the optimizer that is named; one number, or one for each member of a
        population. None is its usual one.
    schedule : str or callable
        How the learning rate changes over the epochs: see `gpunet.schedule`.
    validation : Dataset, (x, t), float or int, optional
        Held-out data; a pair is multiplied with the scale of the training data.
        A number splits so much of the data off, every class in proportion. None
        uses the validation part of the Splits.
    early_stopping : int or EarlyStopping, optional
        Patience in epochs; needs validation data.
    class_weight : "balanced", dict or sequence, optional
        Weight of each class, on top of the data's own weights.
    shuffle : "per_member", "shared" or False
        Each member of a population shuffles by its own seed; all see the same
        batches, which is faster; or nothing is shuffled.
    shuffle_seed : int, optional
        The seed of the order that all share; None uses the first member's. A part
        of a population, trained alone with the first seed of the whole, sees the
        batches that it would see there.
    compute_metrics : bool
        False computes no loss and no accuracy while training.
    callbacks : sequence of Callback or function
        A function is called at the end of each epoch with the epoch's record, a
        dict as `History` has them, or with (trainer, record) if it takes two
        arguments; `trainer.stop("why")` ends training. A `gpunet.Callback` can do
        more.
    max_steps : int, optional
        Stop after so many steps.
    engine : "auto", "loop" or "compiled"
        What executes the steps: the lesson's own lines, or a compiled engine, which
        is faster and knows fewer networks. "auto" chooses the faster one.
    precision : "float32", "tf32" or "float16"
        What matrix products are computed in where the engine is a GPU's: weights
        stay float32, results differ in the third digit. "float32" is the network's
        own dtype.

    Raises
    ------
    ConfigError
        A value out of its range.
    """

    epochs: int = 10
    batch_size: int | None = 32
    optimizer: str | Optimizer = "adam"
    learning_rate: Rate | None = None
    schedule: Any = "constant"
    validation: Any = None
    early_stopping: int | EarlyStopping | None = None
    class_weight: Any = None
    shuffle: str | bool = "per_member"
    shuffle_seed: int | None = None
    compute_metrics: bool = True
    callbacks: Sequence[Callback | Callable[..., Any]] = ()
    max_steps: int | None = None
    engine: str = "auto"
    precision: str = "float32"

    def __post_init__(self) -> None:
        for name in ("epochs", *_COUNTS, "early_stopping", "shuffle_seed"):
            n = getattr(self, name)
            if isinstance(n, np.integer):  # of an array or a DataFrame
                object.__setattr__(self, name, int(n))
        for name in ("epochs", *_COUNTS):
            n = getattr(self, name)
            if n is None and name != "epochs":
                continue
            if isinstance(n, bool) or not isinstance(n, int) or n < 1:
                raise ConfigError(f"{name}: must be a whole number >= 1, got {n!r}")
        if isinstance(self.callbacks, str) or not isinstance(self.callbacks, Sequence):
            remedy = "leave it out" if self.callbacks is None else "put it in brackets"
            raise ConfigError(
                f"callbacks: must be a list, got {self.callbacks!r:.80}; {remedy}"
            )
        self.callback_objects()
        if isinstance(self.optimizer, type):
            name = self.optimizer.__name__
            raise ConfigError(f"optimizer: {name} is a class; use {name}()")
        if self.learning_rate is not None and isinstance(self.optimizer, Optimizer):
            name = type(self.optimizer).__name__
            raise ConfigError(
                "learning_rate: the optimizer is an object that has its own; use "
                f"{name}(learning_rate={self.learning_rate!r:.40})"
            )
        self._check_shuffle()
        check_engine(self.engine)
        if self.precision not in PRECISIONS:
            hint = choices(self.precision, PRECISIONS)
            raise ConfigError(f"precision: {self.precision!r}: {hint}")

    def __repr__(self) -> str:
        changed = (
            f"{item.name}={printable(' '.join(repr(value).split()), 60)}"
            for item in fields(self)
            if repr(value := getattr(self, item.name)) != repr(item.default)
        )
        return f"Settings({', '.join(changed)})"

    def callback_objects(self) -> tuple[Callback, ...]:
        """Return the callbacks, functions as callbacks too."""
        return tuple(map(as_callback, self.callbacks))

    def make_optimizer(self) -> Optimizer:
        """Return the optimizer, at `learning_rate` if there is one."""
        rate = self.learning_rate
        return get_optimizer(
            self.optimizer, **({} if rate is None else {"learning_rate": rate})
        )

    def _check_shuffle(self) -> None:
        shuffle: str | bool = "per_member" if self.shuffle is True else self.shuffle
        if isinstance(shuffle, str) and shuffle in _OLD_SHUFFLES:
            new = _OLD_SHUFFLES[shuffle]
            message = f"shuffle: {shuffle!r} is now called {new!r}"
            warnings.warn(message, DeprecationWarning, stacklevel=5)
            shuffle = new
        object.__setattr__(self, "shuffle", shuffle)
        if shuffle not in SHUFFLES:
            hint = choices(shuffle, map(repr, SHUFFLES))
            raise ConfigError(f"shuffle: {shuffle!r}: {hint}")
        seed = self.shuffle_seed
        if seed is None:
            return
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            why = f"must be a whole number >= 0, got {seed!r}"
            raise ConfigError(f"shuffle_seed: {why}")
        if shuffle != "shared":
            raise ConfigError(
                f"shuffle_seed: shuffle {shuffle!r} has no shared seed; choose "
                "the shared order, or leave the seed out"
            )


def check_engine(engine: str) -> None:
    """Refuse a name that is not an engine's (ConfigError)."""
    if engine not in ENGINES:
        raise ConfigError(f"engine: {engine!r}: {choices(engine, ENGINES)}")


def settings_from(values: dict[str, Any]) -> Settings:
    """Return Settings of keyword arguments (TypeError for an unknown name)."""
    known = [item.name for item in fields(Settings)]
    for name in values:
        if name not in known:
            hint = choices(_ELSEWHERE.get(name, name), [*known, *_OF_FIT])
            raise TypeError(f"fit: no setting {name!r}; {hint}")
    return Settings(**values)
