"""The report on a GPU: `report.py` runs its sections, each in its own process."""

from typing import Any, NamedTuple

Verdict = dict[str, Any]  # verdict, what (one line), and perhaps tables and numbers


class Request(NamedTuple):
    """What a section is asked; `seconds` is all the time that it has."""

    device: str
    quick: bool
    seconds: float

    @property
    def on_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return "cuda" in self.device


def verdict(passed: bool, what: str, **more: Any) -> Verdict:
    """Return "ok" or "FAILED" with what was measured."""
    return {"verdict": "ok" if passed else "FAILED", "what": what, **more}


def not_done(reason: str) -> Verdict:
    """Return "not done" with its reason."""
    return {"verdict": "not done", "what": reason}
