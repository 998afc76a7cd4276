"""JSON that any reader accepts, without the bare words NaN and Infinity."""

import json
import math
from typing import Any

import numpy as np

from ..errors import ConfigError
from .messages import Path
from .writing import write_atomically


def finite_json(value: Any) -> Any:
    """Return a copy of `value` as plain JSON data, with null for NaN and infinity.

    NumPy scalars and arrays become numbers and lists, tuples lists. What JSON
    cannot hold is a ConfigError.

    Examples
    --------
    >>> finite_json({"loss": float("nan"), "steps": (1, np.int64(2))})
    {'loss': None, 'steps': [1, 2]}
    """
    if isinstance(value, np.ndarray | np.integer | np.bool_):
        return finite_json(value.tolist())
    if isinstance(value, list | tuple):
        return [finite_json(item) for item in value]
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise ConfigError(f"JSON: a key must be a text, got {key!r:.80}.")
        return {key: finite_json(item) for key, item in value.items()}
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    raise ConfigError(
        "JSON: a value must be a number, text, list or dict, got "
        f"{type(value).__name__}; convert it first."
    )


def parse_json(text: str) -> Any:
    """Return the data in a JSON text: finite numbers, no key of a dict twice.

    Anything else is a ValueError or, nested too deeply, a RecursionError.
    """
    return json.loads(
        text,
        object_pairs_hook=_unique_keys,
        parse_constant=_finite,
        parse_float=_finite,
    )


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with sorted keys; see `write_atomically`."""
    text = json.dumps(finite_json(value), sort_keys=True, indent=2, allow_nan=False)
    write_atomically(path, (text + "\n").encode("ascii"))


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("names a key twice")
    return result


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"has the number {text[:30]}, which is not finite")
    return number
