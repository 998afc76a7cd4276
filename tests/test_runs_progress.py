"""Progress for people: shown to who watches, and to nobody else."""

import importlib
import io
import multiprocessing
import re
import sys
import threading
import time
from types import SimpleNamespace

import pytest
from helpers import run_python
from rich.console import Console
from tiny import table

import gpunet
from gpunet.errors import ConfigError
from gpunet.runs import progress
from gpunet.runs.progress import ProgressBar

DATA = table()
FIT = """
import sys
import numpy as np, gpunet
x, t = np.eye(3)[np.arange(60) % 3], np.arange(60) % 3
"""


def fit(**how):
    net = gpunet.mlp([4, 6, 3])
    return gpunet.fit(net, DATA, **{"epochs": 3, "batch_size": 10, **how})


class Terminal(io.StringIO):
    """Standard error as a person has it."""

    def isatty(self):
        return True


@pytest.fixture
def terminal(monkeypatch):
    """Return a function that makes standard error a terminal, and returns it."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")

    def open_terminal():  # in the test itself: pytest captures each phase anew
        monkeypatch.setattr(sys, "stderr", Terminal())
        return sys.stderr

    return open_terminal


def slowly(record):
    time.sleep(0.3)


def test_fit_that_nobody_watches_says_nothing_and_loads_nothing():
    code = (
        "gpunet.fit(gpunet.mlp([3, 4, 3]), (x, t), epochs=2)\n"
        "print('rich' in sys.modules, 'gpunet.runs' in sys.modules)\n"
    )
    done = run_python(FIT + code)
    assert (done.stdout, done.stderr) == ("False False\n", "")


def test_progress_is_a_line_an_epoch_where_there_is_no_terminal():
    code = "gpunet.fit(gpunet.mlp([3, 4, 3]), (x, t), epochs=3, progress=True)\n"
    done = run_python(FIT + code)
    lines = done.stderr.splitlines()
    assert [line.split("  ")[0] for line in lines] == [
        *("epoch 1/3", "epoch 2/3", "epoch 3/3"),
    ]
    assert "loss 1." in lines[0] and "acc 0." in lines[0] and done.stdout == ""


def test_progress_says_of_how_many_members_the_means_are():
    output = io.StringIO()
    net = gpunet.mlp([4, 6, 3], population=3)
    bar, sgd = ProgressBar(Console(file=output)), gpunet.SGD([0.1, 1e38, 0.2])
    gpunet.fit(net, DATA, epochs=2, batch_size=10, optimizer=sgd, callbacks=[bar])
    lines = output.getvalue().splitlines()
    assert len(lines) == 2 and all("  2 of 3 learning  " in line for line in lines)
    output.truncate(0)
    rule = {"validation": 0.3, "early_stopping": 1, "learning_rate": 0.5}
    fit(epochs=40, callbacks=[bar], **rule)
    assert "learning" not in output.getvalue()  # one network has no members


def test_person_at_a_terminal_sees_the_newest_lines_of_a_long_fit(terminal):
    screen = terminal()
    fit(epochs=4, callbacks=[slowly])
    text = screen.getvalue()
    assert "epoch 2/4  loss" in text and "epoch 4/4  loss" in text
    assert "epoch 1/4  loss" not in text and "epoch 3/4  loss" not in text
    assert re.search("[1-9][05]%", text.partition("epoch 4/4  loss")[0])  # it moves


def test_short_fit_and_progress_false_show_nothing_at_a_terminal(terminal):
    screen = terminal()
    fit()
    fit(epochs=2, callbacks=[slowly] * 2, progress=False)
    assert screen.getvalue() == ""
    fit(progress=True)
    assert screen.getvalue().count("loss") >= 3


def test_what_the_package_trains_for_itself_stays_quiet(terminal, monkeypatch):
    screen = terminal()
    monkeypatch.setattr(importlib.import_module("gpunet.training.fit"), "_SHORT", 0.0)
    gpunet.fit(gpunet.mlp([4, 3]), DATA, epochs=2, progress=False)
    assert screen.getvalue() == ""
    fit()
    assert "epoch 3/3" in screen.getvalue()


def test_workers_of_a_program_show_nothing(terminal, monkeypatch):
    monkeypatch.setattr(importlib.import_module("gpunet.training.fit"), "_SHORT", 0.0)
    screen = terminal()
    thread = threading.Thread(target=fit)
    thread.start()
    thread.join()
    worker = SimpleNamespace(name="LokyProcess-1")
    monkeypatch.setattr(multiprocessing, "current_process", lambda: worker)
    fit()
    assert screen.getvalue() == ""


def test_bar_of_the_user_is_the_only_one(terminal):
    screen, out = terminal(), io.StringIO()
    fit(callbacks=[ProgressBar(Console(file=out))], progress=True)
    assert screen.getvalue() == "" and out.getvalue().count("epoch") == 3
    assert gpunet.ProgressBar is ProgressBar


@pytest.mark.parametrize("progress", ["yes", 2, []])
def test_progress_is_yes_no_or_none(progress):
    with pytest.raises(ConfigError, match="progress: must be True, False or None"):
        fit(progress=progress)


def test_notebook_replaces_one_text(monkeypatch):
    shown = []
    handle = SimpleNamespace(update=lambda data, raw: shown.append(data["text/plain"]))

    def display(data, raw, display_id):
        shown.append(data["text/plain"])
        return handle

    monkeypatch.setitem(
        sys.modules, "IPython.display", SimpleNamespace(display=display)
    )
    monkeypatch.setattr(progress, "_NOTEBOOK_LINES", 2)
    bar = ProgressBar(Console(force_jupyter=True))
    fit(callbacks=[bar])
    assert [line[:9] for line in shown[-1].splitlines()] == ["epoch 2/3", "epoch 3/3"]


def test_notebook_shows_progress_as_plain_text():
    nbformat = pytest.importorskip("nbformat")
    client = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    code = FIT + (
        "import time, warnings; warnings.simplefilter('error')\n"
        "wait = lambda record: time.sleep(0.3)\n"
        "net = gpunet.mlp([3, 4, 3])\n"
        "h = gpunet.fit(net, (x, t), epochs=3, callbacks=[wait])\n"
    )
    book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    client.NotebookClient(book, kernel_name="python3", timeout=60).execute()
    (output,) = book.cells[0].outputs
    assert output["output_type"] == "display_data"
    assert output["data"]["text/plain"].splitlines()[-1].startswith("epoch 3/3  loss")
