"""Signals: Ctrl-C finishes the step and saves; a second one leaves at once."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stop_on_signals(stop: Callable[[str], None]) -> Iterator[list[int]]:
    """Call `stop(reason)` on the first SIGINT or SIGTERM; exit on the second.

    Handlers are installed in the main thread only and put back afterwards. A
    signal that the parent process had ignored (a background job) stays ignored. A
    forked child has no run to save: signals do to it what they did before.

    Yields
    ------
    received : list of int
        The signals that came.
    """
    received: list[int] = []
    process = os.getpid()

    def handle(number: int, frame: object) -> None:
        if os.getpid() != process:
            signal.signal(number, old[number])
            signal.raise_signal(number)
            return
        if received:
            # Whatever is being written is still under a temporary name.
            os._exit(128 + number)
        received.append(number)
        stop(f"interrupted by {signal.Signals(number).name}")

    old = {}
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                old[number] = signal.signal(number, handle)
    try:
        yield received
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
