"""One section of the GPU report, in a process of its own."""

import json
import sys
from pathlib import Path

from . import Request, Verdict, checks, measurements, verdict


def section(name: str, request: Request) -> Verdict:
    """Return the verdict of one section; an error is one too."""
    function = name.replace("-", "_")
    room = checks if hasattr(checks, function) else measurements
    try:
        return getattr(room, function)(request)
    except Exception as error:
        what = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return verdict(False, what[:300])


if __name__ == "__main__":
    name, device, quick, seconds, answer = sys.argv[1:]
    request = Request(device, quick == "1", float(seconds))
    Path(answer).write_text(json.dumps(section(name, request)))
