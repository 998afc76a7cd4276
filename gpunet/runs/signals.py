"""Signals: Ctrl-C finishes the step and saves; a second one leaves at once."""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def leave_process(number: int) -> None:
    """End this process by a signal's exit code, at once.

    Whatever is being written is still under a temporary name.
    """
    os._exit(128 + number)


class StopSignal:
    """A wish to stop, which may come before there is anything to be stopped."""

    signal: int | None = None  # that came
    _stop: Callable[[str], None] | None = None

    def __init__(self, on_second: Callable[[int], object]):
        self._on_second = on_second

    def forward_to(self, stop: Callable[[str], None]) -> None:
        """Let `stop(reason)` be called, at once where the signal has come already."""
        self._stop = stop
        self._forward()

    def receive(self, number: int) -> None:
        """Note a signal; if it is the second, do what was asked for that."""
        if self.signal is not None:
            self._on_second(number)
        self.signal = number
        self._forward()

    def _forward(self) -> None:
        if self._stop is not None and self.signal is not None:
            self._stop(f"interrupted by {signal.Signals(self.signal).name}")


@contextlib.contextmanager
def stop_on_signals(
    on_second: Callable[[int], object] = leave_process,
) -> Iterator[StopSignal]:
    """Turn the first SIGINT or SIGTERM into a request to stop; exit on the second.

    Handlers are installed in the main thread only. A signal that the parent process
    ignored (a background job) stays ignored; a forked child has no run to save.
    """
    request, process = StopSignal(on_second), os.getpid()

    def handle(number: int, frame: object) -> None:
        if os.getpid() != process:
            signal.signal(number, handlers[signal.Signals(number)])
            signal.raise_signal(number)
            return
        request.receive(number)

    handlers = {}
    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                handlers[number] = signal.signal(number, handle)
    try:
        yield request
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
