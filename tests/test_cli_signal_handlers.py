"""Signals: who handles them during a run, and whose they are afterwards."""

import signal
import sys
import threading

import pytest
from tiny import (
    carry,
    settings,
    write_set,
)

from gpunet import cli
from gpunet.training import Callback

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals"),
    pytest.mark.usefixtures("signals_heard"),
]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_set(tmp_path_factory.mktemp("data"))


class Look(Callback):
    def __init__(self):
        self.seen = []

    def on_epoch(self, trainer, record):
        self.seen.append([signal.getsignal(n) for n in NUMBERS])


NUMBERS = (signal.SIGINT, signal.SIGTERM)


def test_handlers_are_the_callers_again_afterwards(data, tmp_path):
    def mine(number, frame):
        raise AssertionError("not called")

    before = [signal.signal(n, mine) for n in NUMBERS]
    try:
        look = Look()
        carry(settings(data), tmp_path / "a", callbacks=[look])
        assert all(handler is not mine for row in look.seen for handler in row)
        assert [signal.getsignal(n) for n in NUMBERS] == [mine, mine]
        with pytest.raises(ValueError, match="holds a run already"):
            carry(settings(data), tmp_path / "a")
        assert [signal.getsignal(n) for n in NUMBERS] == [mine, mine]
    finally:
        for number, handler in zip(NUMBERS, before, strict=True):
            signal.signal(number, handler)


def test_fit_never_touches_signals():
    import gpunet

    before, look = [signal.getsignal(n) for n in NUMBERS], Look()
    x, t = [[0.0, 1.0], [1.0, 0.0]], [0, 1]
    import numpy as np

    gpunet.fit(
        gpunet.mlp([2, 2]), (np.array(x), np.array(t)), epochs=2, callbacks=[look]
    )
    assert look.seen == [before, before]


def test_run_in_a_thread_installs_no_handlers(data, tmp_path):
    before, look, answers = [signal.getsignal(n) for n in NUMBERS], Look(), []

    def work():
        answers.append(carry(settings(data), tmp_path / "run", callbacks=[look]))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(60)
    assert len(answers) == 1 and len(look.seen) == 3
    assert all(row == before for row in look.seen)


def test_interrupt_that_an_import_swallows_is_still_one(monkeypatch, capsys):
    def swallowing(argv, command):
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("importing the C extensions failed") from None

    monkeypatch.setattr(cli, "_run", swallowing)
    before = signal.getsignal(signal.SIGINT)
    assert cli.main(["doctor"]) == 130
    assert "interrupted by SIGINT" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is before
