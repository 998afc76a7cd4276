"""Checks of what users pass: names with a parameter, slopes that fit their values."""

from collections.abc import Callable

from ..backend import Array, open_backend
from ..errors import ConfigError
from ..io.messages import choices


def parse_name(
    what: str, name: str, kinds: tuple[str, ...], defaults: dict[str, float]
) -> tuple[str, float]:
    """Return "elu:2" as ("elu", 2.0), NaN for what is not a number.

    Raises
    ------
    ConfigError
        No such kind, or one that has no parameter.
    """
    kind, _, number = str(name).partition(":")
    if kind not in kinds or (number and kind not in defaults):
        more = () if isinstance(name, str) else (f"or gpunet.{what}(name, ...)",)
        hint = choices(kind, kinds, *more)
        raise ConfigError(f"{what}: {name!r}: no such {what}; {hint}")
    try:
        return kind, float(number or defaults.get(kind, 0.0))
    except ValueError:
        return kind, float("nan")


def check_slope(
    what: str, value: Callable[[Array], Array], slope: Callable[[Array], Array]
) -> None:
    """Refuse a slope that central differences of the value contradict.

    Parameters
    ----------
    what : str
        The name that the message begins with.
    value, slope : callable
        Functions of one float64 array of shape (1, n), element by element.

    Raises
    ------
    ConfigError
        At some point |slope - difference| > 1e-6 (1 + |difference|), or another
        shape than (1, n).
    """
    h = 1e-5
    # Off the round numbers, where hand-written functions have their kinks.
    points = [0.0137 + 0.25 * k for k in range(-16, 17)]
    z = open_backend("cpu").array([points], "float64")
    exact, numeric = slope(z), (value(z + h) - value(z - h)) / (2 * h)
    if exact.shape != z.shape or numeric.shape != z.shape:
        raise ConfigError(
            f"{what}: the numbers returned have a wrong shape; an activation and each "
            "slope keep the shape, a loss sums its cost over the last axis"
        )
    for k, point in enumerate(points):
        slope_k, quotient = float(exact[0, k]), float(numeric[0, k])
        if not abs(slope_k - quotient) <= 1e-6 * (1 + abs(quotient)):
            raise ConfigError(
                f"{what}: the slope does not fit the value: at {point:.4f} it is "
                f"{slope_k:.6g}, a central difference {quotient:.6g}; correct one of "
                "the two"
            )
