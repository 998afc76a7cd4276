"""`gpunet compile`: its work."""

import time
from typing import Any

from ..errors import ConfigError
from ..fast import words
from ..fast.cpu import missing, warm


def run(args: Any) -> int:
    """Compile each kernel, or load it; return 0."""
    if why := missing():
        raise ConfigError(f"compile: {why}")
    began = time.perf_counter()
    for name, task in [*warm.tasks(), *words.tasks()]:
        started = time.perf_counter()
        task()
        print(f"{name}: {time.perf_counter() - started:.1f} s", flush=True)
    print(f"compiled in {time.perf_counter() - began:.1f} s; later runs load it")
    return 0
