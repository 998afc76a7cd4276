"""The checks of an experiment: what must come out, and whether it did."""

from math import inf
from typing import Any

from ..errors import ConfigError

Result = dict[str, Any]  # numbers, lists and texts that JSON can hold


def check(what: str, value: Any, target: Any, ok: Any) -> Result:
    """Return one entry of a result's "checks"."""
    if isinstance(value, float):
        value = float(f"{value:.7g}")
    return {"what": what, "found": value, "wanted": target, "ok": bool(ok)}


def at_least(what: str, value: float, least: float) -> Result:
    """Return the check that `value` is `least` or more; NaN fails."""
    return check(what, value, f">= {least:g}", value >= least)


def at_most(what: str, value: float, most: float) -> Result:
    """Return the check that `value` is `most` or less; NaN fails."""
    return check(what, value, f"<= {most:g}", value <= most)


def within(what: str, value: float, low: float, high: float) -> Result:
    """Return the check that `value` is between `low` and `high`; NaN fails."""
    return check(what, value, f"{low:g} to {high:g}", low <= value <= high)


def equal(what: str, value: Any, target: Any) -> Result:
    """Return the check that both are the same."""
    return check(what, value, target, value == target)


def near(what: str, value: float, target: float, tolerance: float) -> Result:
    """Return the check that `value` is within `tolerance` of `target`; NaN fails."""
    ok = abs(value - target) <= tolerance
    # All digits stay: an agreement to 1e-10 cannot be seen in seven.
    return check(what, 0, target, ok) | {"found": value}


def check_range(
    name: str, value: Any, least: float = 1, most: float = inf, *, above: bool = False
) -> None:
    """Raise ConfigError unless an option's number is from `least` to `most`.

    With `above`, `least` itself is refused too.
    """
    if value < least or (above and value == least) or not value <= most:
        low = f"above {least:,}" if above else f"at least {least:,}"
        high = f" and at most {most:,}" if most < inf else ""
        raise ConfigError(f"lab: {name} must be {low}{high}, got {value:,}")


def rounded(values: Any, digits: int = 4) -> Any:
    """Return numbers, or nested lists and dicts of them, rounded for reading."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, dict):
        return {name: rounded(value, digits) for name, value in values.items()}
    if isinstance(values, list | tuple):
        return [rounded(value, digits) for value in values]
    return round(values, digits) if isinstance(values, float) else values
