"""Targets: what must come out of an experiment, and whether it did."""

from typing import Any

from ..errors import ConfigError


def check(what: str, found: Any, wanted: Any, ok: Any) -> dict[str, Any]:
    """Return one entry of a result's "checks"."""
    if isinstance(found, float):
        found = float(f"{found:.7g}")
    return {"what": what, "found": found, "wanted": wanted, "ok": bool(ok)}


def at_least(what: str, found: float, least: float) -> dict[str, Any]:
    """Return the check that `found` is `least` or more; NaN fails."""
    return check(what, found, f">= {least:g}", found >= least)


def at_most(what: str, found: float, most: float) -> dict[str, Any]:
    """Return the check that `found` is `most` or less; NaN fails."""
    return check(what, found, f"<= {most:g}", found <= most)


def within(what: str, found: float, low: float, high: float) -> dict[str, Any]:
    """Return the check that `found` lies between; NaN fails."""
    return check(what, found, f"{low:g} to {high:g}", low <= found <= high)


def equal(what: str, found: Any, wanted: Any) -> dict[str, Any]:
    """Return the check that both are the same."""
    return check(what, found, wanted, found == wanted)


def count(what: str, n: Any, least: float = 1, most: float = float("inf")) -> None:
    """Refuse an option's number that no experiment can work with.

    Raises
    ------
    ConfigError
        The number is below `least` or above `most`.
    """
    if not least <= n <= most:
        limit = f" to {most:,}" if most < float("inf") else " or more"
        name = what.replace("_", "-")
        raise ConfigError(f"lab: --{name}: expected {least:,}{limit}, got {n:,}")


def rounded(values: Any, digits: int = 4) -> Any:
    """Return numbers, or nested lists of them, rounded for reading."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, list | tuple):
        return [rounded(v, digits) for v in values]
    return round(values, digits) if isinstance(values, float) else values
