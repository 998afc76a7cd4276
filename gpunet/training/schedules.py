"""Schedules: the factor on the learning rate as training goes on.

A schedule is a function of how many epochs are done (a fraction within one) and
how many there will be. `get_schedule("exponential:0.9")` makes one from text; a plus
sign joins a warm-up to what follows it: "warmup:1+cosine".
"""

from collections.abc import Callable
from functools import partial
from math import cos, floor, inf, pi
from typing import Any

from ..errors import ConfigError

Schedule = Callable[[float, int], float]  # (epochs done, epochs in all) -> factor


def constant() -> Schedule:
    """Return the schedule that is 1 for ever."""
    return _constant


def step(every: float, factor: float = 0.5) -> Schedule:
    """Return the schedule that is multiplied by `factor` after every n epochs."""
    return partial(_step, every, factor)


def exponential(factor: float) -> Schedule:
    """Return factor^k in epoch k, counted from 0.

    Examples
    --------
    >>> [round(0.01 * exponential(0.9)(k, 10), 6) for k in (0, 1, 2.7)]
    [0.01, 0.009, 0.0081]
    """
    return partial(_step, 1, factor)


def inverse_time(rate: float) -> Schedule:
    """Return 1 / (1 + rate * epochs done)."""
    return partial(_inverse_time, rate)


def cosine(floor_at: float = 0.0) -> Schedule:
    """Return half a cosine from 1 down to `floor_at` (Loshchilov, Hutter 2017)."""
    return partial(_cosine, floor_at)


def warm_up(epochs: float, then: Schedule | None = None) -> Schedule:
    """Return a line from 0 to 1 over `epochs`, joined to `then` (or 1).

    What follows counts its epochs from the end of the warm-up.
    """
    return partial(_warm_up, epochs, then or constant())


def one_cycle(peak_at: float = 0.3, start: float = 0.04, end: float = 1e-4) -> Schedule:
    """Return a rise from `start` to 1 and a fall to `end`, both cosines.

    Smith 2018; `peak_at` is the part of training after which the peak comes.

    Raises
    ------
    ConfigError
        It comes before the start or after the end.
    """
    if not 0 < peak_at < 1:
        raise ConfigError(
            f"schedule: one_cycle: the peak comes after a part of training between 0 "
            f"and 1, got {peak_at:g}"
        )
    return partial(_one_cycle, peak_at, start, end)


def joined(*pieces: tuple[float, Schedule]) -> Schedule:
    """Return schedules one after the other.

    Parameters
    ----------
    *pieces : (epochs, schedule)
        How long each lasts; each counts its own epochs from 0. The last one
        goes on past its end.
    """
    return partial(_joined, pieces)


# The schedules themselves: not closures, so that they can be pickled.


def _constant(done: float, total: int) -> float:
    return 1.0


def _step(every: float, factor: float, done: float, total: int) -> float:
    return factor ** floor(done / every)


def _inverse_time(rate: float, done: float, total: int) -> float:
    return 1.0 / (1.0 + rate * done)


def _cosine(floor_at: float, done: float, total: int) -> float:
    part = min(done / total, 1.0) if total else 1.0
    return _ease(1.0, floor_at, part)


def _warm_up(epochs: float, after: Schedule, done: float, total: int) -> float:
    if done < epochs:
        return done / epochs
    return after(done - epochs, max(total - epochs, 0))


def _ease(a: float, b: float, part: float) -> float:
    return b + (a - b) * 0.5 * (1.0 + cos(pi * part))


def _one_cycle(
    peak_at: float, start: float, end: float, done: float, total: int
) -> float:
    part = min(done / total, 1.0) if total else 1.0
    if part < peak_at:
        return _ease(start, 1.0, part / peak_at)
    return _ease(1.0, end, (part - peak_at) / (1.0 - peak_at))


def _joined(pieces: tuple, done: float, total: int) -> float:
    for epochs, piece in pieces[:-1]:
        if done < epochs:
            return piece(done, int(epochs))
        done -= epochs
    epochs, piece = pieces[-1]
    return piece(done, int(epochs))


class ReduceOnPlateau:
    """Cut the rate when the validation loss has not fallen for `patience` epochs.

    Called like every schedule; `update` tells it each epoch's losses, one for
    each member of a population, and each member has a factor of its own.

    Parameters
    ----------
    factor : float
        What a cut multiplies the rate with.
    patience : int
        Epochs without a new best before a cut.
    """

    def __init__(self, factor: float = 0.5, patience: int = 3):
        self.factor, self.patience = factor, patience
        self.state: dict[str, list] = {"best": [], "bad": [], "now": []}

    def update(self, losses: list[float]) -> None:
        """Take one epoch's validation losses; NaN is never a new best."""
        if not self.state["best"]:
            n = len(losses)
            self.state = {"best": [None] * n, "bad": [0] * n, "now": [1.0] * n}
        for i, value in enumerate(losses):
            best = self.state["best"][i]
            if value < (inf if best is None else best):
                self.state["best"][i], self.state["bad"][i] = value, 0
                continue
            self.state["bad"][i] += 1
            if self.state["bad"][i] > self.patience:
                self.state["now"][i] *= self.factor
                self.state["bad"][i] = 0

    def __call__(self, done: float, total: int) -> Any:
        """Return the factor, or a list of one for each member."""
        now = self.state["now"]
        return 1.0 if not now else now[0] if len(now) == 1 else list(now)


# name -> (maker, least and most numbers after the colon)
_MAKERS: dict[str, tuple[Callable[..., Any], int, int]] = {
    "constant": (constant, 0, 0),
    "step": (step, 1, 2),
    "exponential": (exponential, 1, 1),
    "inverse_time": (inverse_time, 1, 1),
    "cosine": (cosine, 0, 1),
    "one_cycle": (one_cycle, 0, 3),
    "plateau": (ReduceOnPlateau, 0, 2),
    "warmup": (warm_up, 1, 1),
}
SCHEDULES = tuple(_MAKERS)


def get_schedule(text: "str | Schedule") -> Schedule:
    """Return the schedule a text describes.

    Parameters
    ----------
    text : str or callable
        "constant", "step:10,0.5", "exponential:0.9", "inverse_time:0.1",
        "cosine", "one_cycle", "plateau:0.5,3", "warmup:1+cosine".

    Raises
    ------
    ConfigError
        Unknown name, or numbers that are missing, too many or not positive.

    Examples
    --------
    >>> get_schedule("warmup:2+cosine")(1.0, 10)
    0.5
    """
    if callable(text):
        return text
    first, plus, rest = str(text).partition("+")
    if plus:
        if not first.startswith("warmup:") or "plateau" in rest:
            raise ConfigError(
                f"schedule: {text}: only warmup:EPOCHS can stand before a plus sign, "
                "and plateau stands alone"
            )
        return warm_up(_numbers(first, "warmup", 1, 1)[0], get_schedule(rest))
    name = first.partition(":")[0]
    if name not in _MAKERS:
        raise ConfigError(
            f"schedule: {text!r}: no such schedule; choose from {', '.join(SCHEDULES)}"
        )
    maker, least, most = _MAKERS[name]
    return maker(*_numbers(first, name, least, most))


def _numbers(text: str, name: str, least: int, most: int) -> list[float]:
    body = text.partition(":")[2]
    try:
        numbers = [float(part) for part in body.split(",")] if body else []
    except ValueError:
        numbers = [-1.0]
    if not least <= len(numbers) <= most or not all(0 < v < inf for v in numbers):
        wanted = str(least) if least == most else f"{least} to {most}"
        raise ConfigError(
            f"schedule: {text}: {name} takes {wanted} positive number(s) after "
            "a colon, with commas between"
        )
    return numbers
