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
from ..io.messages import choices, counted

Schedule = Callable[[float, float], Any]  # (epochs done, epochs in all) -> factor


def constant(done: float, total: float) -> float:
    """Return 1."""
    return 1.0


def step(done: float, total: float, every: float, factor: float = 0.5) -> float:
    """Return 1, multiplied by `factor` after every n epochs."""
    return factor ** floor(done / every)


def exponential(done: float, total: float, factor: float) -> float:
    """Return factor^k in epoch k, counted from 0."""
    return factor ** floor(done)


def inverse_time(done: float, total: float, rate: float) -> float:
    """Return 1 / (1 + rate * epochs done)."""
    return 1.0 / (1.0 + rate * done)


def cosine(done: float, total: float, end: float = 0.0) -> float:
    """Return half a cosine from 1 down to `end` (Loshchilov, Hutter 2017)."""
    return _half_cosine(1.0, end, min(done / total, 1.0) if total else 1.0)


def warm_up(
    done: float, total: float, epochs: float, then: Schedule = constant
) -> float:
    """Return a line from 0 to 1 over `epochs`, joined to `then`.

    What follows counts its epochs from the end of the warm-up.
    """
    return (
        done / epochs if done < epochs else then(done - epochs, max(total - epochs, 0))
    )


def one_cycle(
    done: float,
    total: float,
    peak_at: float = 0.3,
    start: float = 0.04,
    end: float = 1e-4,
) -> float:
    """Return a rise from `start` to 1 and a fall to `end`, both cosines (Smith 2018).

    `peak_at` is the part of training after which the peak comes.
    """
    part = min(done / total, 1.0) if total else 1.0
    if part < peak_at:
        return _half_cosine(start, 1.0, part / peak_at)
    return _half_cosine(1.0, end, (part - peak_at) / (1.0 - peak_at))


def _half_cosine(a: float, b: float, part: float) -> float:
    return b + (a - b) * 0.5 * (1.0 + cos(pi * part))


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

    def __init__(self, factor: float = 0.5, patience: float = 3):
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

    def __call__(self, done: float, total: float) -> Any:
        """Return the factor, or a list of one for each member."""
        now = self.state["now"]
        return 1.0 if not now else now[0] if len(now) == 1 else list(now)


# name -> (schedule, its parameters, how many of them must be given)
_SCHEDULES: dict[str, tuple[Callable[..., Any], tuple[str, ...], int]] = {
    "constant": (constant, (), 0),
    "step": (step, ("every", "factor"), 1),
    "exponential": (exponential, ("factor",), 1),
    "inverse_time": (inverse_time, ("rate",), 1),
    "cosine": (cosine, ("end",), 0),
    "one_cycle": (one_cycle, ("peak_at", "start", "end"), 0),
    "plateau": (ReduceOnPlateau, ("factor", "patience"), 0),
    "warmup": (warm_up, ("epochs",), 1),
}
SCHEDULES = tuple(_SCHEDULES)


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
        start: Callable[..., Any] = get_schedule(first)
        return partial(start, then=get_schedule(rest))
    name, _, body = first.partition(":")
    if name not in _SCHEDULES:
        raise ConfigError(
            f"schedule: {text!r}: no such schedule; {choices(name, SCHEDULES)}"
        )
    schedule, names, least = _SCHEDULES[name]
    numbers = dict(zip(names, _numbers(first, body, least, len(names)), strict=False))
    if not 0 < numbers.get("peak_at", 0.5) < 1:
        raise ConfigError(f"schedule: {text}: the peak must be between 0 and 1")
    if schedule is ReduceOnPlateau:
        return ReduceOnPlateau(**numbers)
    return partial(schedule, **numbers)


def _numbers(text: str, body: str, least: int, most: int) -> list[float]:
    try:
        numbers = [float(part) for part in body.split(",")] if body else []
    except ValueError:
        numbers = [-1.0]
    if not least <= len(numbers) <= most or not all(0 < v < inf for v in numbers):
        name, count = text.partition(":")[0], counted(most, "positive number")
        count = count if least == most else f"{least} to {count}"
        raise ConfigError(
            f"schedule: {text}: {name} takes {count} after a colon, with commas between"
        )
    return numbers
